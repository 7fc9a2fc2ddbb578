//! Why a data folder did not open, or did not close cleanly.

use std::path::PathBuf;

use crate::disk::remedy;
use crate::log::{self, LogFailed};
use crate::view::ViewError;
use crate::writer::Fatal;

/// Why a data folder did not open. Nothing that was durable was touched.
#[derive(Debug)]
pub enum OpenError {
    /// A file or folder could not be used.
    Folder {
        /// What was being done.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another process has the folder open.
    InUse {
        /// The folder.
        path: PathBuf,
        /// The other process's id, as it wrote it.
        by: String,
    },
    /// The folder is of a newer Tiro, or of something else.
    Format {
        /// The file that says so.
        path: PathBuf,
        /// What it says.
        found: String,
        /// The newest format that this program knows.
        known: u32,
    },
    /// The log cannot be opened.
    Log(log::OpenError),
    /// The view can be neither opened nor made anew.
    View(ViewError),
    /// A request that the engine makes of itself at the start was refused.
    Start(String),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OpenError::Folder { doing, path, source } => {
                let remedy = remedy(source);
                write!(f, "cannot {doing} {}: {source}{remedy}", path.display())
            }
            OpenError::InUse { path, by } => {
                let path = path.display();
                write!(
                    f,
                    "the data folder {path} is in use by process {by}; stop it, or name another folder with --data"
                )
            }
            OpenError::Format { path, found, known } => {
                let path = path.display();
                write!(
                    f,
                    "{path} says \"{found}\"; this program knows \"tiro-data\" up to {known}: start a newer Tiro, "
                )?;
                write!(f, "or name another folder with --data")
            }
            OpenError::Log(error) => error.fmt(f),
            OpenError::View(error) => error.fmt(f),
            OpenError::Start(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<log::OpenError> for OpenError {
    fn from(error: log::OpenError) -> OpenError {
        OpenError::Log(error)
    }
}

impl From<ViewError> for OpenError {
    fn from(error: ViewError) -> OpenError {
        OpenError::View(error)
    }
}

/// Why closing left something undone. What was acknowledged is durable all the same.
#[derive(Debug)]
pub enum CloseError {
    /// The engine had failed before.
    Failed(Fatal),
    /// The last mark could not be written.
    Log(LogFailed),
    /// The view could not be brought up to date; the next start will do that.
    View(ViewError),
    /// The writer's thread panicked.
    Writer,
}

impl std::fmt::Display for CloseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CloseError::Failed(error) => error.fmt(f),
            CloseError::Log(error) => error.fmt(f),
            CloseError::View(error) => error.fmt(f),
            CloseError::Writer => write!(f, "the writer panicked"),
        }
    }
}

impl std::error::Error for CloseError {}
