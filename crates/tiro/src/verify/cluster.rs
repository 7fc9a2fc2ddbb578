//! `tiro verify --cluster`: checks a cluster that runs, and puts right what can be told again from other rows.

use std::path::Path;

use serde::Serialize;
use tiro_cluster::{Remedy, VerifyOptions, VerifyProgress, VerifyReport};

use super::listed;
use crate::exit::{Exit, Failure};
use crate::progress::{Stages, Unit};
use crate::{cluster, output};

/// What `--json` prints.
#[derive(Serialize)]
struct Written<'a> {
    sound: bool,
    partitions: u64,
    applications: u64,
    chats: u64,
    messages: u64,
    markers: u64,
    changes: u64,
    index_documents: u64,
    findings_count: u64,
    repaired_count: u64,
    /// The first of them.
    findings: Vec<WrittenFinding<'a>>,
    remarks: &'a [String],
}

#[derive(Serialize)]
struct WrittenFinding<'a> {
    place: &'a str,
    problem: &'a str,
    remedy: &'static str,
}

pub(super) fn run(file: &Path, options: VerifyOptions, as_json: bool) -> Result<Exit, Failure> {
    let config = cluster::config(file)?;
    let mut stages = Stages::default();
    let verified = cluster::block_on(async {
        let verified =
            tiro_cluster::verify(&config, options, &mut |progress| show(&mut stages, progress)).await;
        verified.map_err(|error| cluster::failure(&error, file))
    });
    stages.finish();
    let report = verified?;
    if as_json {
        output::json(&written(&report))?;
    } else {
        output::line(&text(&report))?;
    }
    Ok(if report.is_sound() {
        Exit::Fine
    } else {
        Exit::Failed
    })
}

fn show(stages: &mut Stages, progress: VerifyProgress) {
    match progress {
        VerifyProgress::Counts { chats } => stages.reached("counted", Unit::Chats, None, chats),
        VerifyProgress::Applications { messages, .. } => {
            stages.reached("compared", Unit::Messages, None, messages);
        }
        // A few numbers a partition: over before a line would be read.
        VerifyProgress::Positions { .. } => {}
    }
}

fn remedy(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::None => "none",
        Remedy::Repair => "repair",
        Remedy::Repaired => "repaired",
    }
}

fn text(report: &VerifyReport) -> String {
    let mut lines = vec![format!(
        "{} applications, {} chats, {} messages, {} markers and {} changes in {} partitions; {} messages looked for in \
         the search index",
        report.applications,
        report.chats,
        report.messages,
        report.markers,
        report.changes,
        report.partitions,
        report.index_documents
    )];
    let findings = report.findings.iter().map(|found| {
        let remedy = match found.remedy {
            Remedy::None => "",
            Remedy::Repair => " (--repair puts it right)",
            Remedy::Repaired => " (put right)",
        };
        format!("{}: {}{remedy}", found.place, found.problem)
    });
    lines.extend(listed(&report.remarks, findings, report.findings_count));
    lines.push(match (report.findings_count, report.is_sound()) {
        (0, _) => "The cluster is sound.".to_owned(),
        (count, true) => format!("The cluster is sound again: all of {count} found was put right."),
        (count, false) => format!(
            "The cluster is not sound: {count} found, {} put right.",
            report.repaired_count
        ),
    });
    lines.join("\n")
}

fn written(report: &VerifyReport) -> Written<'_> {
    Written {
        sound: report.is_sound(),
        partitions: report.partitions,
        applications: report.applications,
        chats: report.chats,
        messages: report.messages,
        markers: report.markers,
        changes: report.changes,
        index_documents: report.index_documents,
        findings_count: report.findings_count,
        repaired_count: report.repaired_count,
        findings: report
            .findings
            .iter()
            .map(|found| WrittenFinding {
                place: &found.place,
                problem: &found.problem,
                remedy: remedy(found.remedy),
            })
            .collect(),
        remarks: &report.remarks,
    }
}
