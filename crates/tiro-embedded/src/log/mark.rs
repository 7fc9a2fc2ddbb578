//! The mark: an independent record of how far the log was durable, in two slots written in turn.
//!
//! It is what tells damage from a torn write when nothing valid follows. It may lag behind the log; it is never ahead of
//! it, since it is written after the log's sync.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{During, IoFailed, OpenError};
use super::fault::Fault;
use super::layout::{DataSetId, Mark, PAGE_BYTES, Page};
use super::point::LogPoint;
use super::segment::write_zeros;
use crate::disk::{Access, Disk, DiskFile};

const MARK_BYTES: u64 = 2 * PAGE_BYTES as u64;

/// How the mark was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarkCondition {
    /// The newest slot is good, the other one too or never written.
    #[default]
    Good,
    /// One slot is bad, as after a power loss while it was written. The other one was used.
    OneSlotBad,
    /// There was a mark and none of its slots is good: without it, less damage at the log's end can be told from a torn write.
    BothSlotsBad,
    /// No mark, as in a new log.
    Missing,
}

/// What the mark says.
pub(super) struct MarkFound {
    pub(super) newest: Option<Mark>,
    pub(super) condition: MarkCondition,
}

pub(super) fn mark_path(folder: &Path) -> PathBuf {
    folder.join("mark")
}

/// Reads both slots and takes the newer good one.
pub(super) fn load_mark(disk: &dyn Disk, folder: &Path) -> Result<MarkFound, OpenError> {
    let path = mark_path(folder);
    let file = match disk.open(&path, Access::Read) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(MarkFound {
                newest: None,
                condition: MarkCondition::Missing,
            });
        }
        result => result.during("open", &path)?,
    };
    let mut newest: Option<Mark> = None;
    let mut bad_slots = 0;
    for slot in 0..2 {
        let offset = slot * PAGE_BYTES as u64;
        let mut page: Page = [0; PAGE_BYTES];
        file.read_up_to_at(&mut page, offset).during("read", &path)?;
        match Mark::decode(&page) {
            Ok(mark) if newest.is_none_or(|other| other.generation < mark.generation) => newest = Some(mark),
            Ok(_) | Err(Fault::Absent) => {}
            Err(Fault::Newer { version }) => {
                return Err(OpenError::Newer {
                    file: path,
                    offset,
                    version,
                });
            }
            Err(_) => bad_slots += 1,
        }
    }
    let condition = match (newest, bad_slots) {
        (None, _) => MarkCondition::BothSlotsBad,
        (Some(_), 0) => MarkCondition::Good,
        (Some(_), _) => MarkCondition::OneSlotBad,
    };
    Ok(MarkFound { newest, condition })
}

/// Writes the mark. Nobody else does.
pub(super) struct MarkWriter {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    data_set: DataSetId,
    generation: u64,
}

impl MarkWriter {
    /// Opens the mark, or creates it with room for both slots, durably.
    pub(super) fn open(
        disk: &dyn Disk,
        folder: &Path,
        data_set: DataSetId,
        found: &MarkFound,
    ) -> Result<MarkWriter, IoFailed> {
        let path = mark_path(folder);
        let generation = found.newest.map_or(0, |mark| mark.generation);
        let file = match found.condition {
            MarkCondition::Missing => disk.create(&path).during("create", &path)?,
            _ => disk.open(&path, Access::ReadWrite).during("open", &path)?,
        };
        let file_bytes = file.size_bytes().during("measure", &path)?;
        if file_bytes < MARK_BYTES {
            write_zeros(&*file, file_bytes, MARK_BYTES).during("write", &path)?;
        }
        if found.condition == MarkCondition::Missing {
            disk.sync_dir(folder).during("sync", folder)?;
        }
        Ok(MarkWriter {
            file,
            path,
            data_set,
            generation,
        })
    }

    /// Says durably that the log is durable up to there.
    pub(super) fn write(&mut self, synced: LogPoint) -> Result<(), IoFailed> {
        self.generation += 1;
        let page = Mark {
            data_set: self.data_set,
            generation: self.generation,
            synced,
        }
        .encode();
        let offset = self.generation % 2 * PAGE_BYTES as u64;
        self.file
            .write_all_at(&page, offset)
            .during("write", &self.path)?;
        self.file.sync_data().during("sync", &self.path)
    }
}
