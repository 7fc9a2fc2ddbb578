//! What opening a data folder found and did, for operators and tests.

use std::fmt;

use crate::log::{LogPoint, Recovered};

/// What opening found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// What the log had to be brought through.
    pub log: Recovered,
    /// What the view had applied, and from where the log was replayed; `None` if from the beginning.
    pub replayed_from: Option<LogPoint>,
    /// Why the view was made anew from the log, if it was.
    pub view_rebuilt: Option<ViewRebuilt>,
}

/// Why a view was made anew. Nothing is lost by it, but it takes as long as reading the whole log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewRebuilt {
    /// It failed while it was used.
    Failed,
    /// It could not be opened or read; the text says why.
    Damaged(String),
    /// What it had applied is no place of this log.
    Disagrees(LogPoint),
    /// It had applied batches that the log lost, and the loss was accepted.
    Ahead(LogPoint),
}

impl fmt::Display for ViewRebuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ViewRebuilt::Failed => write!(f, "it failed while it was used"),
            ViewRebuilt::Damaged(text) => f.write_str(text),
            ViewRebuilt::Disagrees(point) => write!(f, "it does not fit the log: it had applied {point}"),
            ViewRebuilt::Ahead(point) => {
                write!(f, "it knows batches that the log lost: it had applied {point}")
            }
        }
    }
}
