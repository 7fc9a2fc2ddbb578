//! How the program ends: its exit statuses and what it says when it fails.

use std::fmt;
use std::process::ExitCode;

/// The exit statuses. A program that supervises Tiro may rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// All is well; also after SIGTERM or SIGINT.
    Fine = 0,
    /// A check found something, a search found nothing, or something failed.
    Failed = 1,
    /// The command line or a setting is wrong.
    Usage = 2,
    /// The storage failed a write, so that nothing more can be acknowledged; starting again recovers.
    StorageFailed = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// A message for the person at the terminal, naming what to change, and the status to end with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    message: String,
}

impl Failure {
    /// Something failed.
    pub(crate) fn failed(message: impl Into<String>) -> Failure {
        Failure {
            exit: Exit::Failed,
            message: message.into(),
        }
    }

    /// The command line or a setting is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure {
            exit: Exit::Usage,
            message: message.into(),
        }
    }

    /// The storage failed a write.
    pub(crate) fn storage(message: impl Into<String>) -> Failure {
        Failure {
            exit: Exit::StorageFailed,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
