//! What can go wrong with the log: why it does not open, does not take a batch, or cannot be read.
//!
//! A failed operation of the file system says which one and on which file; each text says what to do.

#![allow(missing_docs, reason = "the sentence on a variant explains its fields")]

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::fault::Damage;
use super::layout::{DataSetId, FORMAT_VERSION};
use super::point::LogPoint;
use crate::disk::remedy;

/// An operation of the file system failed.
#[derive(Debug)]
pub struct IoFailed {
    /// The operation: `write`, `sync`, `rename` …
    pub doing: &'static str,
    /// On which file or folder.
    pub file: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl fmt::Display for IoFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, source) = (self.file.display(), &self.source);
        write!(f, "{} {file}: {source}{}", self.doing, remedy(source))
    }
}

impl Error for IoFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

impl IoFailed {
    /// Whether the disk, or the user's share of it, is full.
    pub(super) fn is_full(&self) -> bool {
        matches!(
            self.source.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        )
    }
}

/// Says what was being done when an operation failed.
pub(super) trait During<T> {
    fn during(self, doing: &'static str, file: &Path) -> Result<T, IoFailed>;
}

impl<T> During<T> for io::Result<T> {
    fn during(self, doing: &'static str, file: &Path) -> Result<T, IoFailed> {
        self.map_err(|source| IoFailed {
            doing,
            file: file.to_owned(),
            source,
        })
    }
}

/// The log has failed for good: whether its last batches are durable is unknown, and it takes no more. The process must
/// end and open the log anew.
#[derive(Clone, Debug)]
pub struct LogFailed(pub(super) Arc<IoFailed>);

impl fmt::Display for LogFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the log has failed and must be opened anew: {}", self.0)
    }
}

impl Error for LogFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Why a batch was not appended.
#[derive(Clone, Debug)]
pub enum AppendError {
    /// No room, or less than the floor left on the disk. Nothing was written, the log is well, and appends succeed again
    /// by themselves once there is room.
    StorageFull,
    /// The payload is larger than the options allow. Nothing was written and the log is well.
    TooLarge {
        payload_bytes: usize,
        payload_bytes_max: usize,
    },
    /// The log has failed, now or before; whether the batch will be found when it is opened again is unknown.
    Failed(LogFailed),
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppendError::StorageFull => write!(
                f,
                "the disk is full; writing resumes by itself when there is room"
            ),
            AppendError::TooLarge {
                payload_bytes,
                payload_bytes_max,
            } => {
                write!(
                    f,
                    "a batch of {payload_bytes} bytes; at most {payload_bytes_max} are allowed"
                )
            }
            AppendError::Failed(failed) => failed.fmt(f),
        }
    }
}

impl Error for AppendError {}

impl From<LogFailed> for AppendError {
    fn from(failed: LogFailed) -> Self {
        AppendError::Failed(failed)
    }
}

/// Why the log did not open. No batch that had been durable was touched.
#[derive(Debug)]
pub enum OpenError {
    /// An operation of the file system failed.
    Io(IoFailed),
    /// Another process, or this one, has the log open.
    Locked { file: PathBuf },
    /// Durable bytes are lost. [`super::OnDamage::AcceptLoss`] cuts the log there.
    Damaged(Damage),
    /// The mark points to the right batch number but another place or checksum: one of the two is from another time.
    MarkDisagrees { mark: LogPoint, log: LogPoint },
    /// The file is of another data folder.
    Foreign {
        file: PathBuf,
        found: DataSetId,
        expected: DataSetId,
    },
    /// The file holds another segment than its name says.
    Swapped { file: PathBuf, found_first: u64 },
    /// The file is not part of the log: the segment after it says that it follows another one.
    Stray {
        file: PathBuf,
        next: PathBuf,
        next_follows: u64,
    },
    /// The file was written by a newer program.
    Newer {
        file: PathBuf,
        offset: u64,
        version: u16,
    },
    /// The caller has applied batches that the log does not have, though only durable batches are given out: the log lost
    /// them, or the caller's state is from another data folder. Nothing was cut.
    ViewAhead { view: LogPoint, log_end_sequence: u64 },
    /// The caller's point is not a place of this log: open again from the start.
    ViewDisagrees { view: LogPoint },
    /// The caller's own error.
    Replay { after: LogPoint, error: ReplayError },
}

/// An error of the one who replays.
pub type ReplayError = Box<dyn Error + Send + Sync>;

const ADVICE: &str = "`tiro verify` lists all damage; put the file back from a backup, or start with \
    --accept-data-loss to cut the log there and lose everything after it";

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Io(failed) => failed.fmt(f),
            OpenError::Locked { file } => write!(
                f,
                "{} is locked: another process has this log open",
                file.display()
            ),
            OpenError::Damaged(damage) => write!(f, "the log is damaged: {damage}. {ADVICE}"),
            OpenError::MarkDisagrees { mark, log } => {
                write!(
                    f,
                    "log/mark says the log was synced to {mark}, but the log has {log}. {ADVICE}"
                )
            }
            OpenError::Foreign {
                file,
                found,
                expected,
            } => {
                let file = file.display();
                write!(
                    f,
                    "{file} belongs to data set {found}, not to {expected}; put the right file back"
                )
            }
            OpenError::Swapped { file, found_first } => {
                write!(
                    f,
                    "{} holds segment {found_first:016x}; give the file its name back",
                    file.display()
                )
            }
            OpenError::Stray {
                file,
                next,
                next_follows,
            } => {
                let (file, next) = (file.display(), next.display());
                write!(
                    f,
                    "{file} is not part of the log: {next} follows segment {next_follows:016x}; move it away"
                )
            }
            OpenError::Newer {
                file,
                offset,
                version,
            } => {
                let file = file.display();
                write!(
                    f,
                    "{file} at byte {offset} has format version {version}; this program knows {FORMAT_VERSION}: "
                )?;
                write!(f, "start the newer program")
            }
            OpenError::ViewAhead {
                view,
                log_end_sequence,
            } => {
                write!(
                    f,
                    "the view has applied {view}, but the log ends at sequence {log_end_sequence}: "
                )?;
                write!(
                    f,
                    "the log has lost batches, or the view is of another data folder. {ADVICE}"
                )
            }
            OpenError::ViewDisagrees { view } => {
                write!(
                    f,
                    "the view has applied {view}, which is no place of this log; it must be rebuilt"
                )
            }
            OpenError::Replay { after, error } => write!(f, "replaying the batch before {after}: {error}"),
        }
    }
}

impl Error for OpenError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            OpenError::Io(failed) => Some(failed),
            OpenError::Replay { error, .. } => Some(&**error),
            _ => None,
        }
    }
}

impl From<IoFailed> for OpenError {
    fn from(failed: IoFailed) -> Self {
        OpenError::Io(failed)
    }
}

/// Why batches could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// An operation of the file system failed.
    Io(IoFailed),
    /// Durable bytes are lost, or the point asked for is not a place of this log.
    Damaged(Damage),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Io(failed) => failed.fmt(f),
            ReadError::Damaged(damage) => write!(f, "the log is damaged: {damage}"),
        }
    }
}

impl Error for ReadError {}

impl From<IoFailed> for ReadError {
    fn from(failed: IoFailed) -> Self {
        ReadError::Io(failed)
    }
}
