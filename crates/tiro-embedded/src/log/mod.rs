//! The log: the truth of the embedded engine, a sequence of batches of opaque bytes in segment files.
//!
//! One writer appends and syncs; a batch may be acknowledged when a sync after it has succeeded. A failed write or sync
//! fails the log for good, since what the disk holds is then unknown: nothing is tried again, the process ends and opens
//! the log anew. A full disk is no failure. [`layout`] has the format, [`recovery`] what opening does after a crash.

mod error;
mod fault;
mod headers;
mod layout;
mod mark;
mod point;
mod reader;
mod recovery;
mod scan;
mod segment;
mod upkeep;
mod walk;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use error::{AppendError, IoFailed, LogFailed, OpenError, ReadError, ReplayError};
pub use fault::{Damage, Fault, Proof};
pub use layout::{DataSetId, FORMAT_VERSION, PAYLOAD_BYTES_MAX, SEGMENT_BYTES_DEFAULT};
pub use mark::MarkCondition;
pub use point::{LogPoint, POINT_BYTES};
pub use reader::{Batches, LogReader};
pub use scan::{OnBatch, ScanProgress, ScanReport, scan};
pub use upkeep::LogSpace;

use error::During;
use layout::{BATCHES_START, BatchHeader, SegmentHeader, batch_bytes, encode_batch};
use mark::{MarkFound, MarkWriter, load_mark};
use recovery::{Recovery, Tail};
use segment::{Preparation, begin_segment, list_segments, remove_prepared, segment_path};
use upkeep::Upkeep;

use crate::disk::{Disk, DiskFile};
use crate::planted::{self, Bug};

/// How a log is kept. The sizes may differ from one opening to the next; each segment keeps the size it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// Bytes of a new segment file. A page and the largest batch must fit.
    pub segment_bytes: u64,
    /// Bytes of one payload, at most; not above [`PAYLOAD_BYTES_MAX`].
    pub payload_bytes_max: usize,
    /// Below so many free bytes nothing is appended, and no segment is prepared that would go below.
    pub free_floor_bytes: u64,
    /// The mark follows what is durable by about so much.
    pub mark_interval: Duration,
    /// How often the free space is looked at, and preparing a segment tried again on a full disk.
    pub retry_interval: Duration,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            payload_bytes_max: PAYLOAD_BYTES_MAX,
            free_floor_bytes: 64 << 20,
            mark_interval: Duration::from_millis(100),
            retry_interval: Duration::from_secs(1),
        }
    }
}

/// What to do about damage when the log is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDamage {
    /// Do not open.
    Refuse,
    /// Cut the log at the first damage and lose all after it. Whole segments after it are renamed to `.lost`.
    AcceptLoss,
}

/// What opening the log found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// The end of an interrupted write, never acknowledged, that was cut off.
    pub torn_tail: Option<TornTail>,
    /// The first damage, where the log was cut because loss was accepted.
    pub accepted_loss: Option<Damage>,
    /// How the mark was found; it has been written anew unless it was good.
    pub mark: MarkCondition,
    /// Bytes after the mark that were written and synced again.
    pub bytes_rewritten: u64,
    /// Batches handed to the caller.
    pub batches_replayed: u64,
    /// Bytes of their payloads.
    pub bytes_replayed: u64,
}

/// Where an interrupted write was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The last segment.
    pub file: PathBuf,
    /// Where the log now ends, in bytes.
    pub offset: u64,
    /// Bytes from there to the last that was not zero.
    pub bytes: u64,
}

/// A durable batch that is handed out while the log is opened.
#[derive(Clone, Copy, Debug)]
pub struct ReplayedBatch<'a> {
    /// The point after it.
    pub after: LogPoint,
    /// Sequence of the last batch that will be handed out, to show progress.
    pub last_sequence: u64,
    /// As it was appended.
    pub payload: &'a [u8],
}

/// Takes the replayed batches, in order. An error ends the opening.
pub type Replay<'a> = &'a mut dyn FnMut(ReplayedBatch<'_>) -> Result<(), ReplayError>;

/// The open log. There is one per folder, in one process, guarded by a lock on a file.
pub struct Log {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    options: LogOptions,
    tail: Tail,
    synced: LogPoint,
    /// The encoded batch; kept for its memory.
    buffer: Vec<u8>,
    upkeep: Upkeep,
    /// Held until all else is dropped.
    _lock: Arc<dyn DiskFile>,
}

impl Log {
    /// Opens the log in the folder, or begins one there, and hands out the batches after `from` (from the first when it is
    /// `None`) once they are durable. On an error no batch that had been durable has been touched.
    pub fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        options: LogOptions,
        from: Option<LogPoint>,
        on_damage: OnDamage,
        replay: Replay<'_>,
    ) -> Result<(Log, Recovered), OpenError> {
        options.check();
        create_folder(&*disk, folder)?;
        let lock = lock(&*disk, folder)?;
        remove_prepared(&*disk, folder)?;
        let found = load_mark(&*disk, folder)?;
        let mut firsts = list_segments(&*disk, folder)?;
        if firsts.is_empty() {
            begin_log(&*disk, folder, &options, &found)?;
            firsts.push(1);
        }
        // A killed process may have left names that are not durable yet.
        disk.sync_dir(folder).during("sync", folder)?;
        let recovered = Recovered {
            mark: found.condition,
            ..Recovered::default()
        };
        let mark = found.newest;
        let recovery = Recovery {
            disk: &*disk,
            folder,
            from,
            on_damage,
            mark,
            recovered,
        };
        let (tail, recovered) = recovery.run(&firsts, replay)?;

        let synced = tail.end;
        let mut marks = MarkWriter::open(&*disk, folder, tail.segment.header.data_set, &found)?;
        if found.condition != MarkCondition::Good || mark.is_none_or(|mark| mark.synced != synced) {
            marks.write(synced)?;
        }
        let upkeep = Upkeep::start(Arc::clone(&disk), folder.to_owned(), options, marks, synced)?;
        let folder = folder.to_owned();
        let log = Log {
            disk,
            folder,
            options,
            tail,
            synced,
            buffer: Vec::new(),
            upkeep,
            _lock: lock,
        };
        Ok((log, recovered))
    }

    /// Writes a batch, which is durable after the next [`Log::sync`]. Answers the point after it.
    pub fn append(&mut self, payload: &[u8]) -> Result<LogPoint, AppendError> {
        self.upkeep.shared.check()?;
        let (payload_bytes, payload_bytes_max) = (payload.len(), self.options.payload_bytes_max);
        if payload_bytes > payload_bytes_max {
            return Err(AppendError::TooLarge {
                payload_bytes,
                payload_bytes_max,
            });
        }
        if self.upkeep.shared.is_below_floor() {
            return Err(AppendError::StorageFull);
        }
        if self.tail.end.offset + batch_bytes(payload_bytes) > self.tail.segment.header.capacity {
            self.next_segment()?;
        }
        let (end, data_set) = (self.tail.end, self.data_set());
        let header = BatchHeader {
            checksum: 0,
            version: FORMAT_VERSION,
            payload_bytes,
            sequence: end.sequence + 1,
            synced_through: self.synced.sequence,
            previous: end.checksum,
        };
        let checksum = encode_batch(&mut self.buffer, &header, data_set, payload);
        let written = self.tail.file.write_all_at(&self.buffer, end.offset);
        written
            .during("write", &self.tail.segment.path)
            .map_err(|error| self.upkeep.shared.fail(error))?;
        self.tail.end = LogPoint {
            segment_first: self.tail.segment.header.first,
            offset: end.offset + self.buffer.len() as u64,
            sequence: header.sequence,
            checksum,
        };
        Ok(self.tail.end)
    }

    /// Makes all that was appended durable; does nothing when it is.
    pub fn sync(&mut self) -> Result<(), LogFailed> {
        self.upkeep.shared.check()?;
        if self.synced.sequence < self.tail.end.sequence {
            let left_out = planted::now_and_then(Bug::SkipSync);
            let synced = if left_out {
                Ok(())
            } else {
                self.tail.file.sync_data()
            };
            synced
                .during("sync", &self.tail.segment.path)
                .map_err(|error| self.upkeep.shared.fail(error))?;
            self.synced = self.tail.end;
            self.upkeep.shared.set_synced(self.synced);
        }
        Ok(())
    }

    /// The point after the last durable batch.
    pub fn synced(&self) -> LogPoint {
        self.synced
    }

    /// The random name of this data folder, the same for its whole life.
    pub fn data_set(&self) -> DataSetId {
        self.tail.segment.header.data_set
    }

    /// Reads durable batches, in any thread and for as long as it likes.
    pub fn reader(&self) -> LogReader {
        LogReader::new(Arc::clone(&self.disk), &self.folder)
    }

    /// Tells whether there is room, in any thread.
    pub fn space(&self) -> LogSpace {
        LogSpace::new(&self.upkeep.shared)
    }

    /// Writes the last mark. What was appended and not synced stays unacknowledged and may or may not be found again.
    /// Dropping the log does the same and hides the error.
    pub fn close(mut self) -> Result<(), LogFailed> {
        self.upkeep.stop();
        self.upkeep.shared.check()
    }

    /// Leaves the present segment, all of it durable, for the prepared one. Nothing has happened when the disk is full.
    fn next_segment(&mut self) -> Result<(), AppendError> {
        let Some(prepared) = self.upkeep.shared.take_next()? else {
            return Err(AppendError::StorageFull);
        };
        self.sync()?;
        let capacity = prepared.size_bytes().during("measure", &self.folder);
        let capacity = capacity.map_err(|error| self.upkeep.shared.fail(error))?;
        let present = self.tail.segment.header;
        let first = self.tail.end.sequence + 1;
        // A present segment without a batch is replaced: it was begun with smaller options and cannot hold this one.
        let previous_first = if present.first == first {
            present.previous_first
        } else {
            present.first
        };
        let header = SegmentHeader {
            data_set: present.data_set,
            first,
            previous_first,
            capacity,
        };
        let begun = begin_segment(&*self.disk, &self.folder, &*prepared, &header);
        let (path, end) = begun.map_err(|error| self.upkeep.shared.fail(error))?;
        let segment = segment::Segment {
            path,
            header,
            checksum: end.checksum,
            file_bytes: capacity,
        };
        self.tail = Tail {
            segment,
            file: prepared,
            end,
        };
        self.upkeep.shared.begin_next();
        Ok(())
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("folder", &self.folder)
            .field("end", &self.tail.end)
            .finish_non_exhaustive()
    }
}

impl LogOptions {
    fn check(&self) {
        assert!(
            self.payload_bytes_max <= PAYLOAD_BYTES_MAX,
            "payload_bytes_max is at most PAYLOAD_BYTES_MAX"
        );
        let needed = BATCHES_START + batch_bytes(self.payload_bytes_max);
        assert!(
            self.segment_bytes >= needed,
            "segment_bytes must hold the largest batch, {needed} bytes"
        );
    }
}

fn create_folder(disk: &dyn Disk, folder: &Path) -> Result<(), IoFailed> {
    disk.create_dir(folder).during("create", folder)?;
    match folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => disk.sync_dir(parent).during("sync", parent),
        None => Ok(()),
    }
}

fn lock(disk: &dyn Disk, folder: &Path) -> Result<Arc<dyn DiskFile>, OpenError> {
    let file = folder.join("lock");
    disk.lock(&file)
        .during("lock", &file)?
        .ok_or(OpenError::Locked { file })
}

/// Begins the first segment of a new data set. A mark without any segment is the rest of a log, not a new one.
fn begin_log(
    disk: &dyn Disk,
    folder: &Path,
    options: &LogOptions,
    found: &MarkFound,
) -> Result<(), OpenError> {
    if found.condition != MarkCondition::Missing {
        let file = segment_path(folder, 1);
        let (fault, proof) = (Fault::Missing, Proof::MarkFile);
        return Err(OpenError::Damaged(Damage {
            file,
            offset: 0,
            sequence: 1,
            last_sequence: None,
            fault,
            proof,
        }));
    }
    let mut id = [0; 16];
    let filled = getrandom::fill(&mut id).map_err(|error| std::io::Error::other(error.to_string()));
    filled.during("choose an id for", folder)?;
    let mut preparation = Preparation::begin(disk, folder, options.segment_bytes)?;
    let prepared = loop {
        if let Some(prepared) = preparation.advance()? {
            break prepared;
        }
    };
    let capacity = options.segment_bytes;
    let header = SegmentHeader {
        data_set: DataSetId(id),
        first: 1,
        previous_first: 0,
        capacity,
    };
    begin_segment(disk, folder, &*prepared, &header)?;
    Ok(())
}
