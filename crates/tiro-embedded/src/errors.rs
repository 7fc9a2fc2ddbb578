//! What can go wrong with the engine as a whole: opening, closing, going on, and serving now.

use std::path::PathBuf;
use std::time::Duration;

use tiro_core::{Failure, Shortage, Unavailable};

use crate::disk::remedy;
use crate::log::{self, LogFailed};
use crate::view::ViewError;

/// When a client should ask again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

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

/// Why the process must end: nothing is acknowledged any more until the folder is opened anew.
#[derive(Clone, Debug)]
pub enum Fatal {
    /// A write or sync of the log failed, so what the disk holds is unknown.
    Log(LogFailed),
    /// The view cannot follow the log or be read; if it is damaged, it is made anew at the next start. The text says why.
    View(String),
    /// The writer's thread panicked: a bug. The text is the panic's.
    Panicked(String),
}

impl std::fmt::Display for Fatal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fatal::Log(failed) => failed.fmt(f),
            Fatal::View(why) => write!(f, "the view cannot go on: {why}"),
            Fatal::Panicked(text) => write!(f, "the writer panicked: {text}"),
        }
    }
}

impl std::error::Error for Fatal {}

impl From<LogFailed> for Fatal {
    fn from(failed: LogFailed) -> Fatal {
        Fatal::Log(failed)
    }
}

/// Called once, from the writer's thread, when the process must end.
pub type OnFatal = Box<dyn FnOnce(&Fatal) + Send>;

/// The failure of a request that cannot be served now.
pub(crate) fn unavailable(shortage: Shortage) -> Failure {
    Failure::Unavailable(Unavailable {
        shortage,
        retry_after: RETRY_AFTER,
    })
}
