//! Tables on a disk that may be full: rows wait in memory, up to a bound, until they can be written.
//!
//! A table that the machine refuses is tried again when more has gathered. At the bound the view takes no more rows:
//! [`View::room`] says so, the follower pauses, and the writer refuses requests. All goes on by itself with free space.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use lsm_tree::AbstractTree;

use super::{View, ViewError};
use crate::disk::{Disk, RealDisk};

/// Sizes of the view.
#[derive(Clone, Copy, Debug)]
pub struct ViewOptions {
    /// Bytes of rows in memory from which on a table is written.
    pub table_bytes: u64,
    /// Most bytes of rows that wait in memory while no table can be written; a round more may come.
    pub unwritten_bytes_max: u64,
}

impl Default for ViewOptions {
    fn default() -> ViewOptions {
        ViewOptions {
            table_bytes: 16 << 20,
            unwritten_bytes_max: 256 << 20,
        }
    }
}

/// Where the tables go, and how writing them went.
pub(super) struct Space {
    folder: PathBuf,
    pub(super) options: ViewOptions,
    tables: Attempts,
    pub(super) merges: Attempts,
}

impl Space {
    pub(super) fn new(folder: &Path, options: ViewOptions) -> Space {
        Space {
            folder: folder.to_owned(),
            options,
            tables: Attempts::new("write a table"),
            merges: Attempts::new("merge tables"),
        }
    }
}

/// Attempts at one thing that the machine may refuse.
pub(super) struct Attempts {
    what: &'static str,
    last_refused: AtomicBool,
}

impl Attempts {
    fn new(what: &'static str) -> Attempts {
        Attempts {
            what,
            last_refused: AtomicBool::new(false),
        }
    }

    /// Tries. Where the last attempt was refused it first looks for so many free bytes: each attempt that fails leaves a
    /// part of a table behind until the next start, and so would eat the space that becomes free.
    pub(super) fn attempt(
        &self,
        space: &Space,
        bytes: u64,
        attempt: impl FnOnce() -> Result<(), ViewError>,
    ) -> Result<(), ViewError> {
        let refused_before = self.last_refused.load(Ordering::Relaxed);
        if refused_before {
            let free = RealDisk.free_bytes(&space.folder);
            if free.map_err(lsm_tree::Error::Io)? < bytes {
                return Err(ViewError::no_space());
            }
        }
        let outcome = attempt();
        let (what, folder) = (self.what, space.folder.display());
        match &outcome {
            Ok(()) if refused_before => tracing::info!(%folder, "the view can {what} again"),
            Err(error) if error.refused().is_some() && !refused_before => {
                tracing::warn!(%error, %folder, "the view cannot {what}; it goes on and tries again");
            }
            _ => {}
        }
        self.last_refused.store(outcome.is_err(), Ordering::Relaxed);
        outcome
    }
}

impl View {
    /// Whether the view may take a round. At the bound this writes a table.
    ///
    /// # Errors
    /// No table could be written; if only space was lacking, ask again later.
    pub(crate) fn room(&self) -> Result<(), ViewError> {
        if self.unwritten_bytes() < self.space.options.unwritten_bytes_max {
            return Ok(());
        }
        self.write_table()
    }

    /// Writes the rows in memory to a table. They stay readable and in memory if that fails.
    pub(super) fn write_table(&self) -> Result<(), ViewError> {
        let write = || Ok(self.tree.flush_active_memtable(self.watermark())?);
        self.space
            .tables
            .attempt(&self.space, self.unwritten_bytes(), write)
    }

    /// Bytes of rows that no table has.
    fn unwritten_bytes(&self) -> u64 {
        self.tree.version_memtable_size_sum()
    }
}

impl ViewError {
    pub(crate) fn no_space() -> ViewError {
        ViewError::Tree(lsm_tree::Error::Io(io::ErrorKind::StorageFull.into()))
    }

    /// Whether only space was lacking: what failed can be tried again.
    pub(crate) fn lacks_space(&self) -> bool {
        let kind = self.refused().map(io::Error::kind);
        matches!(
            kind,
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        )
    }
}
