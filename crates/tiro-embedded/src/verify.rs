//! Checking a stopped data folder: the log's bytes, the view and the search index against the log, counts against things.
//!
//! The log is read once and replayed into a second view beside the first; then both are compared thing by thing, and the
//! index with the second.
//! A damaged log is named exactly and not replayed past the damage. Nothing that is the truth is changed.

mod compare;
mod index;

use std::path::Path;
use std::sync::Arc;

use crate::disk::RealDisk;
use crate::errors::OpenError;
use crate::folder::Folder;
use crate::follower;
use crate::log::{LogPoint, ScanReport, scan};
use crate::open::{Replay, remove_folder};
use crate::view::apply::Flush;
use crate::view::space::ViewOptions;
use crate::view::{View, ViewError};
use compare::Comparison;
use index::IndexCheck;

/// Most findings that a report lists.
const FINDINGS_MAX: usize = 100;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: String,
    /// What.
    pub problem: String,
}

/// What was looked at, and what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Segment files of the log.
    pub segments: u64,
    /// Good batches in them.
    pub batches: u64,
    /// Applications, tombstones included.
    pub applications: u64,
    /// Chats of live applications, tombstones included.
    pub chats: u64,
    /// Messages of live chats, tombstones included.
    pub messages: u64,
    /// Idempotency keys of live applications.
    pub keys: u64,
    /// Documents of the search index, each of which stands for up to 16 messages; 0 if it was not compared.
    pub index_documents: u64,
    /// The first of what is wrong, at most 100.
    pub findings: Vec<Finding>,
    /// How much is wrong in all.
    pub findings_count: u64,
    /// What is no fault, but worth knowing.
    pub remarks: Vec<String>,
}

impl Report {
    fn found(&mut self, place: impl Into<String>, problem: impl Into<String>) {
        self.findings_count += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding {
                place: place.into(),
                problem: problem.into(),
            });
        }
    }
}

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyProgress {
    /// The log is read.
    Log {
        /// Bytes read.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Things are compared.
    Things {
        /// Chats compared.
        chats: u64,
    },
    /// The search index is compared.
    Index {
        /// Documents compared.
        done: u64,
        /// Documents in all.
        total: u64,
    },
}

/// Why a folder could not be checked at all.
#[derive(Debug)]
pub enum VerifyError {
    /// It could not be opened.
    Open(OpenError),
    /// The second view could not be made.
    Scratch(ViewError),
}

impl std::fmt::Display for VerifyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            VerifyError::Open(error) => error.fmt(f),
            VerifyError::Scratch(error) => {
                write!(f, "a second view could not be made for comparison: {error}")
            }
        }
    }
}

impl std::error::Error for VerifyError {}

impl From<OpenError> for VerifyError {
    fn from(error: OpenError) -> VerifyError {
        VerifyError::Open(error)
    }
}

impl From<ViewError> for VerifyError {
    fn from(error: ViewError) -> VerifyError {
        VerifyError::Scratch(error)
    }
}

/// Checks a data folder that no process has open. Needs as much free space as the view takes.
///
/// # Errors
/// The folder does not exist, is in use, or there is no room for the second view.
pub fn verify(folder: &Path, on_progress: &mut dyn FnMut(VerifyProgress)) -> Result<Report, VerifyError> {
    let folder = Folder::take_existing(&RealDisk, folder, "verify")?;
    remove_folder(&folder.scratch())?;
    let checked = check(&folder, on_progress);
    remove_folder(&folder.scratch())?;
    checked
}

fn check(folder: &Folder, on_progress: &mut dyn FnMut(VerifyProgress)) -> Result<Report, VerifyError> {
    let mut report = Report::default();
    let mut expected = Follower::onto(View::open(&folder.scratch(), ViewOptions::default())?)?;
    let mut stored = match View::open(&folder.view(), ViewOptions::default()).and_then(Follower::onto) {
        Ok(stored) => Some(stored),
        Err(error) => {
            report.found("view", format!("{error}; it is made anew at the next start"));
            None
        }
    };
    let mut index = IndexCheck::begin(&folder.index(), &mut report);
    let mut on_batch = |after: LogPoint, payload: &[u8]| {
        expected.take(after, payload);
        index.batch(after, payload);
        if let Some(stored) = &mut stored {
            stored.take(after, payload);
        }
    };
    let mut on_scan = |scanned: crate::log::ScanProgress| {
        on_progress(VerifyProgress::Log {
            done: scanned.bytes_done,
            total: scanned.bytes_total,
        });
    };
    let scanned = scan(&RealDisk, &folder.log(), &mut on_batch, &mut on_scan).map_err(OpenError::Log)?;
    report_log(&scanned, &mut report);
    if let Some(problem) = expected.problem.take() {
        report.found("log", problem);
    }
    if report
        .findings
        .iter()
        .any(|finding| finding.place.starts_with("log"))
    {
        report
            .remarks
            .push("the view and the search index were not compared, since the log is not sound".into());
        return Ok(report);
    }
    let expected = expected.finish()?;
    let mut comparison = Comparison {
        report: &mut report,
        on_progress,
    };
    comparison.check_invariants(&expected)?;
    if let Some(mut stored) = stored {
        match stored.problem.take() {
            Some(problem) => comparison.report.found("view", problem),
            None => comparison.compare(&expected, &stored.finish()?)?,
        }
    }
    index.finish(&expected.current(), &mut report, on_progress)?;
    Ok(report)
}

fn report_log(scanned: &ScanReport, report: &mut Report) {
    report.segments = scanned.segments;
    report.batches = scanned.batches;
    for damage in &scanned.damages {
        report.found("log", damage.to_string());
    }
    for misplaced in &scanned.misplaced {
        report.found("log", misplaced.to_string());
    }
    if let Some(tail) = &scanned.torn_tail {
        let (file, offset, bytes) = (tail.file.display(), tail.offset, tail.bytes);
        let text = format!(
            "{file} ends in an interrupted write of {bytes} bytes at byte {offset}; the next start cuts it off"
        );
        report.remarks.push(text);
    }
}

/// A view that follows the scan.
struct Follower {
    replay: Replay,
    /// The batch that comes next.
    next_sequence: u64,
    problem: Option<String>,
}

impl Follower {
    fn onto(view: View) -> Result<Follower, ViewError> {
        let replay = Replay::onto(Arc::new(view))?;
        let next_sequence = replay.from().map_or(1, |from| from.sequence + 1);
        Ok(Follower {
            replay,
            next_sequence,
            problem: None,
        })
    }

    /// Applies a batch, if it is the next one and all was well so far.
    fn take(&mut self, after: LogPoint, payload: &[u8]) {
        if after.sequence != self.next_sequence || self.problem.is_some() {
            return;
        }
        self.next_sequence += 1;
        if let Err(error) = self.replay.batch(after, payload) {
            self.problem = Some(format!("the batch before {after} cannot be applied: {error}"));
        }
    }

    fn finish(self) -> Result<View, ViewError> {
        follower::round(&self.replay.recent, &self.replay.view, Flush::WhenDue)?;
        drop(self.replay.recent);
        Arc::into_inner(self.replay.view).ok_or(ViewError::Stopped)
    }
}
