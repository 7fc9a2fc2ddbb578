//! `tiro verify --cluster`: checks a cluster that runs, and puts right what can be told again from other rows.

use std::path::Path;

use serde::Serialize;
use tiro_cluster::{Remedy, VerifyOptions, VerifyProgress, VerifyReport};

use crate::exit::{Exit, Failure};
use crate::progress::{Progress, Unit};
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
    let mut shown = Shown::default();
    let verified = cluster::block_on(async {
        let verified = tiro_cluster::verify(&config, options, &mut |progress| shown.progress(progress)).await;
        verified.map_err(|error| Failure::failed(format!("{error} (--cluster {})", file.display())))
    });
    shown.finish();
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

/// The progress of the stage that is under way.
#[derive(Default)]
struct Shown {
    counts: Option<Progress>,
    messages: Option<Progress>,
}

impl Shown {
    fn progress(&mut self, progress: VerifyProgress) {
        match progress {
            VerifyProgress::Counts { chats } => self
                .counts
                .get_or_insert_with(|| Progress::new("counted", None, Unit::Chats))
                .reached(chats),
            VerifyProgress::Applications { messages, .. } => {
                if let Some(counts) = self.counts.take() {
                    counts.finish();
                }
                self.messages
                    .get_or_insert_with(|| Progress::new("compared", None, Unit::Messages))
                    .reached(messages);
            }
            // A few numbers a partition: over before a line would be read.
            VerifyProgress::Positions { .. } => {}
        }
    }

    fn finish(self) {
        for progress in [self.counts, self.messages].into_iter().flatten() {
            progress.finish();
        }
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
    lines.extend(report.remarks.iter().map(|remark| format!("note: {remark}")));
    lines.extend(report.findings.iter().map(|found| {
        let remedy = match found.remedy {
            Remedy::None => "",
            Remedy::Repair => " (--repair puts it right)",
            Remedy::Repaired => " (put right)",
        };
        format!("FOUND: {}: {}{remedy}", found.place, found.problem)
    }));
    let hidden = report.findings_count.saturating_sub(report.findings.len() as u64);
    if hidden > 0 {
        lines.push(format!("and {hidden} more"));
    }
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
