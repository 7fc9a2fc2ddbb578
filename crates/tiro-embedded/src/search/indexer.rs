//! The thread that brings the index up to the log and keeps it there.
//!
//! It opens the index or begins a new one, reads the log up to near its end, lets the tail begin, reads the rest, and
//! from then on takes the tail in about once a second. Whatever fails, writes and other reads go on without it.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::committed::Committed;
use super::index::{DiskIndex, IndexError};
use super::rows::Rows;
use super::state::{Next, SharedState, Taken};
use crate::encoding::{Corrupt, events};
use crate::log::{LogPoint, LogReader, ReadError};
use crate::recent::Recent;

/// A last stretch of the log is read with the tail kept: at most so many bytes, if writes let it become so short.
const LAST_STRETCH_BYTES: usize = 8 * 1024 * 1024;
/// After so many stretches the next one is the last: writes are faster than the index, and wait for it at the tail's bound.
const STRETCHES_MAX: usize = 8;
/// Messages that become documents together, so that neighbours are found while the log is read.
const ROWS_TOGETHER: usize = 32 * 1024;
/// Between two lines about the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);
/// How long a batch that was taken in may not be published yet.
const PUBLISH_POLL: Duration = Duration::from_millis(1);

/// What the indexer's thread owns.
pub(super) struct Indexer {
    pub(super) state: Arc<SharedState>,
    pub(super) folder: PathBuf,
    pub(super) log: LogReader,
    pub(super) recent: Arc<Recent>,
}

/// Why a stretch of work ended.
enum Ended {
    Stopped,
    /// The index is to be opened anew.
    Reopen,
}

/// A log that does not go on where the index ends is another one.
fn not_read(error: ReadError, bytes: usize, index: &DiskIndex) -> IndexError {
    match error {
        ReadError::Damaged(_) if bytes == 0 && index.through().is_some() => {
            IndexError::Unusable(format!("the log does not go on where it ends: {error}"))
        }
        _ => IndexError::Refused(error.to_string()),
    }
}

impl From<Corrupt> for IndexError {
    fn from(corrupt: Corrupt) -> IndexError {
        IndexError::Refused(format!("the log cannot be read: {corrupt}"))
    }
}

impl Indexer {
    /// Works until it is told to stop.
    pub(super) fn run(&self) {
        loop {
            let followed = std::panic::catch_unwind(AssertUnwindSafe(|| self.follow()));
            let why = match followed {
                Ok(Ok(Ended::Stopped)) => return,
                Ok(Ok(Ended::Reopen)) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the indexer panicked".into(),
            };
            tracing::error!(%why, "the search index cannot follow the log; it is tried again");
            self.state.fail(why);
            if !self.state.rest(self.state.options.retry_interval) {
                return;
            }
        }
    }

    fn follow(&self) -> Result<Ended, IndexError> {
        let mut index = self.open()?;
        loop {
            match self.catch_up(&mut index) {
                Ok(Some(joined)) => return self.keep_up(&mut index, joined),
                Ok(None) => return Ok(Ended::Stopped),
                Err(IndexError::Unusable(why)) if !index.is_new() => {
                    drop(index);
                    index = self.begin_anew(&why)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The index, empty if what is there cannot be used.
    fn open(&self) -> Result<DiskIndex, IndexError> {
        let end = self.state.end();
        let index = match DiskIndex::open(&self.folder) {
            Ok(index) => index,
            Err(IndexError::Unusable(why)) => return self.begin_anew(&why),
            Err(error) => return Err(error),
        };
        match index.through() {
            Some(through) if through.sequence > end.sequence => self.begin_anew("it is ahead of the log"),
            Some(through) if through.sequence == end.sequence && through.checksum != end.checksum => {
                self.begin_anew("it is of another log")
            }
            _ => Ok(index),
        }
    }

    fn begin_anew(&self, why: &str) -> Result<DiskIndex, IndexError> {
        if self.state.end().sequence > 0 {
            tracing::warn!(%why, "the search index is made anew from the log");
        }
        DiskIndex::create(&self.folder)
    }

    /// Reads the log up to its end; answers the point where the tail begins. `None` if it has to stop.
    fn catch_up(&self, index: &mut DiskIndex) -> Result<Option<LogPoint>, IndexError> {
        let mut progress = Instant::now();
        let (mut stretches, mut is_near) = (0, false);
        loop {
            let reached = index.through().map_or(0, |point| point.sequence);
            self.state.read_on(index.committed()?, index.is_new(), reached);
            let is_last = is_near || stretches >= STRETCHES_MAX;
            let end = if is_last {
                self.state.begin_tail()
            } else {
                self.state.end()
            };
            let Some(bytes) = self.read_stretch(index, end, &mut progress)? else {
                return Ok(None);
            };
            if is_last {
                self.state.join(index.committed()?, end);
                return Ok(Some(end));
            }
            is_near = bytes <= LAST_STRETCH_BYTES;
            stretches += 1;
        }
    }

    /// Takes in the log from where the index ends up to a durable point. Answers how many bytes that were.
    fn read_stretch(
        &self,
        index: &mut DiskIndex,
        end: LogPoint,
        progress: &mut Instant,
    ) -> Result<Option<usize>, IndexError> {
        if index
            .through()
            .is_some_and(|through| through.sequence == end.sequence)
        {
            return Ok(Some(0));
        }
        let (mut rows, mut waiting, mut bytes) = (Rows::default(), 0, 0);
        let batches = self.log.read(index.through(), end.sequence);
        let mut batches = batches.map_err(|error| not_read(error, bytes, index))?;
        let mut reached = index.through();
        loop {
            let next = batches.next_batch();
            let next = next.map_err(|error| not_read(error, bytes, index));
            let Some((after, payload)) = next? else { break };
            events::decode_all::<Corrupt>(payload, |event| {
                rows.absorb(&event);
                Ok(())
            })?;
            bytes += payload.len();
            reached = Some(after);
            if rows.written.len() >= ROWS_TOGETHER {
                waiting += rows.written.len();
                index.add(&std::mem::take(&mut rows))?;
            }
            let stopping = self.state.is_stopping();
            let is_due = waiting + rows.written.len() >= self.state.options.rebuild_commit_messages;
            if is_due || stopping {
                index.add(&std::mem::take(&mut rows))?;
                waiting = 0;
                let committed = index.commit(after)?;
                self.tell(index.is_new(), committed, after, progress);
            }
            if stopping {
                return Ok(None);
            }
        }
        index.add(&rows)?;
        if let Some(reached) = reached {
            let committed = index.commit(reached)?;
            self.tell(index.is_new(), committed, reached, progress);
        }
        Ok(Some(bytes))
    }

    fn tell(&self, anew: bool, committed: Committed, reached: LogPoint, progress: &mut Instant) {
        self.state.read_on(committed, anew, reached.sequence);
        if progress.elapsed() >= PROGRESS_INTERVAL {
            *progress = Instant::now();
            let (read, of) = (reached.sequence, self.state.end().sequence);
            let percent = read * 100 / of.max(1);
            tracing::info!(read, of, "the search index has read {percent} % of the log");
        }
    }

    /// Takes the tail in, again and again.
    fn keep_up(&self, index: &mut DiskIndex, joined: LogPoint) -> Result<Ended, IndexError> {
        let mut committed = joined;
        let mut since = Instant::now();
        loop {
            let (taken, is_last) = match self.state.wait_for_work(since) {
                Next::TakeIn(taken) => (taken, false),
                Next::End(taken) => (taken, true),
                Next::Reopen => return Ok(Ended::Reopen),
            };
            since = Instant::now();
            if taken.through.sequence != committed.sequence {
                committed = taken.through;
                self.take_in(index, &taken)?;
            }
            if is_last {
                return Ok(Ended::Stopped);
            }
        }
    }

    fn take_in(&self, index: &mut DiskIndex, taken: &Taken) -> Result<(), IndexError> {
        let mut rows = Rows::default();
        taken.rows.iter().for_each(|chunk| rows.append(chunk));
        index.add(&rows)?;
        // A search must not find the next state of things in the index before it can be read: an edit replaces what
        // the index has of the edit before.
        while self.recent.look(|active| active.end.sequence).0 < taken.through.sequence {
            if !self.state.rest(PUBLISH_POLL) {
                return Ok(());
            }
        }
        let committed = index.commit(taken.through)?;
        self.state.committed(committed, taken.through);
        Ok(())
    }
}
