//! Reading durable batches while the log is being written, for the feed and to build the view.
//!
//! Each [`Batches`] opens its own files and shares nothing with the writer; it is told through which sequence it may read.
//! Where a segment ends is seen from the next one's name, since sequences are dense.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::error::{During, IoFailed, ReadError};
use super::fault::{Damage, Fault, Proof};
use super::point::LogPoint;
use super::recovery::damage_at;
use super::segment::{Segment, segment_path};
use super::walk::Walk;
use crate::disk::{Access, Disk};

/// Opens streams of durable batches. Cheap to clone, and outlives the log.
#[derive(Clone)]
pub struct LogReader {
    disk: Arc<dyn Disk>,
    folder: Arc<Path>,
}

impl LogReader {
    pub(super) fn new(disk: Arc<dyn Disk>, folder: &Path) -> LogReader {
        LogReader {
            disk,
            folder: folder.into(),
        }
    }

    /// The batches after `from` (from the first when it is `None`) through that sequence, which must be durable: at most
    /// [`super::Log::synced`]. A point that is not of this log shows as damage at the first batch.
    pub fn read(&self, from: Option<LogPoint>, through_sequence: u64) -> Result<Batches, ReadError> {
        let mut walk = self.walk(from.map_or(1, |from| from.segment_first))?;
        if let Some(from) = from {
            walk.go_to(from);
        }
        Ok(Batches {
            reader: self.clone(),
            walk,
            through_sequence,
        })
    }

    fn walk(&self, first: u64) -> Result<Walk, ReadError> {
        let segment = match Segment::load(&*self.disk, &self.folder, first)? {
            Ok(segment) if segment.header.first == first => segment,
            Ok(segment) => {
                let fault = Fault::OtherSegment {
                    first: segment.header.first,
                };
                return Err(self.bad_header(first, fault));
            }
            Err(fault) => return Err(self.bad_header(first, fault)),
        };
        Ok(Walk::new(segment.open(&*self.disk, Access::Read)?, &segment))
    }

    fn bad_header(&self, first: u64, fault: Fault) -> ReadError {
        let (file, proof) = (segment_path(&self.folder, first), Proof::Published);
        ReadError::Damaged(Damage {
            file,
            offset: 0,
            sequence: first,
            last_sequence: None,
            fault,
            proof,
        })
    }

    fn has_segment(&self, first: u64) -> Result<bool, IoFailed> {
        let path = segment_path(&self.folder, first);
        match self.disk.open(&path, Access::Read) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).during("open", &path),
        }
    }
}

/// A stream of batches in the order of their sequences, each verified by its checksum and the chain.
pub struct Batches {
    reader: LogReader,
    walk: Walk,
    through_sequence: u64,
}

impl Batches {
    /// The next batch and the point after it; `None` after the last one asked for.
    pub fn next_batch(&mut self) -> Result<Option<(LogPoint, &[u8])>, ReadError> {
        let at = self.walk.at();
        if at.sequence >= self.through_sequence {
            return Ok(None);
        }
        let mut advanced = self.walk.advance()?;
        if advanced.is_err()
            && at.segment_first != at.sequence + 1
            && self.reader.has_segment(at.sequence + 1)?
        {
            self.walk = self.reader.walk(at.sequence + 1)?;
            advanced = self.walk.advance()?;
        }
        match advanced {
            Ok(()) => Ok(Some((self.walk.at(), self.walk.payload()))),
            Err(fault) => Err(ReadError::Damaged(damage_at(&self.walk, fault, Proof::Published))),
        }
    }
}
