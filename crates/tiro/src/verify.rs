//! `tiro verify`: checks a stopped data folder, or a cluster that runs, and reports what was found.

mod cluster;

use serde::Serialize;
use tiro_cluster::VerifyOptions;
use tiro_embedded::{Report, VerifyError, VerifyProgress};

use crate::cli::VerifyArgs;
use crate::exit::{Exit, Failure};
use crate::progress::{Stages, Unit};
use crate::{output, serve};

/// What `--json` prints.
#[derive(Serialize)]
struct Written<'a> {
    sound: bool,
    segments: u64,
    batches: u64,
    applications: u64,
    chats: u64,
    messages: u64,
    keys: u64,
    index_documents: u64,
    findings_count: u64,
    /// The first of them.
    findings: Vec<WrittenFinding<'a>>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct WrittenFinding<'a> {
    place: &'a str,
    problem: &'a str,
}

pub(crate) fn run(args: &VerifyArgs) -> Result<Exit, Failure> {
    if let Some(file) = &args.cluster {
        let options = VerifyOptions { repair: args.repair };
        return cluster::run(file, options, args.printing.json);
    }
    let mut stages = Stages::default();
    let verified = tiro_embedded::verify(&args.data, &mut |progress| show(&mut stages, progress));
    stages.finish();
    let report = verified.map_err(|error| match &error {
        VerifyError::Open(error) => serve::open_failure(error),
        VerifyError::Scratch(_) => Failure::failed(error.to_string()),
    })?;
    if args.printing.json {
        output::json(&written(&report))?;
    } else {
        output::line(&text(&report))?;
    }
    Ok(if report.findings_count == 0 {
        Exit::Fine
    } else {
        Exit::Failed
    })
}

fn show(stages: &mut Stages, progress: VerifyProgress) {
    match progress {
        VerifyProgress::Log { done, total } => stages.reached("read", Unit::Bytes, Some(total), done),
        VerifyProgress::Things { chats } => stages.reached("compared", Unit::Chats, None, chats),
        VerifyProgress::Index { done, total } => {
            stages.reached("compared", Unit::Documents, Some(total), done);
        }
    }
}

/// What both reports end with: remarks, findings a line each, and how many are not shown.
fn listed(remarks: &[String], findings: impl Iterator<Item = String>, findings_count: u64) -> Vec<String> {
    let mut lines: Vec<String> = remarks.iter().map(|remark| format!("note: {remark}")).collect();
    let before = lines.len();
    lines.extend(findings.map(|finding| format!("FOUND: {finding}")));
    let hidden = findings_count.saturating_sub((lines.len() - before) as u64);
    lines.extend((hidden > 0).then(|| format!("and {hidden} more")));
    lines
}

fn text(report: &Report) -> String {
    let mut lines = vec![format!(
        "{} batches in {} log segments; {} applications, {} chats, {} messages, {} idempotency keys; {} documents of the \
         search index",
        report.batches,
        report.segments,
        report.applications,
        report.chats,
        report.messages,
        report.keys,
        report.index_documents
    )];
    let findings = report
        .findings
        .iter()
        .map(|found| format!("{}: {}", found.place, found.problem));
    lines.extend(listed(&report.remarks, findings, report.findings_count));
    lines.push(match report.findings_count {
        0 => "The data is sound.".to_owned(),
        count => format!("The data is not sound: {count} found."),
    });
    lines.join("\n")
}

fn written(report: &Report) -> Written<'_> {
    Written {
        sound: report.findings_count == 0,
        segments: report.segments,
        batches: report.batches,
        applications: report.applications,
        chats: report.chats,
        messages: report.messages,
        keys: report.keys,
        index_documents: report.index_documents,
        findings_count: report.findings_count,
        findings: report
            .findings
            .iter()
            .map(|found| WrittenFinding {
                place: &found.place,
                problem: &found.problem,
            })
            .collect(),
        remarks: &report.remarks,
    }
}

#[cfg(test)]
mod tests {
    use tiro_embedded::Finding;

    use super::*;

    fn report() -> Report {
        Report {
            batches: 7,
            findings: vec![Finding {
                place: "log/1".to_owned(),
                problem: "a checksum is wrong".to_owned(),
            }],
            findings_count: 3,
            ..Report::default()
        }
    }

    #[test]
    fn a_report_names_what_was_found_and_how_much_is_not_shown() {
        let text = text(&report());
        assert!(
            text.contains("FOUND: log/1: a checksum is wrong\nand 2 more\n"),
            "{text}"
        );
        assert!(text.ends_with("not sound: 3 found."), "{text}");
        assert!(super::text(&Report::default()).ends_with("The data is sound."));
    }

    #[test]
    fn the_json_report_has_the_same_content() {
        let json = serde_json::to_value(written(&report())).unwrap();
        assert_eq!(json["sound"], false);
        assert_eq!(json["batches"], 7);
        assert_eq!(json["findings_count"], 3);
        assert_eq!(json["findings"][0]["place"], "log/1");
    }
}
