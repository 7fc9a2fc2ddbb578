//! What the writer, the indexer and searches share: the index as of its last commit and the tail behind it, as one state.
//!
//! Joined, the tail begins where the index ends, so together they cover all that was published. A commit moves rows from
//! one to the other under the lock. Behind, the index reads the log by itself and no tail is kept, so nothing slows writes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use tiro_core::Event;

use super::SearchOptions;
use super::committed::Committed;
use super::rows::Rows;
use super::tail::Tail;
use crate::log::LogPoint;

/// Where the index stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Index and tail have everything.
    Joined,
    /// The index reads the log.
    Behind(Progress),
    /// The index cannot go on for now; the text says why.
    Failed(String),
}

/// How far the index has read the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Whether it began at the beginning.
    pub(super) anew: bool,
    /// Batches read.
    pub(super) read: u64,
    /// Batches there are.
    pub(super) of: u64,
}

/// See the file.
pub(crate) struct SharedState {
    inner: Mutex<Inner>,
    /// Wakes the indexer.
    work: Condvar,
    /// Tells the writer that there is room, and searches that the standing has changed.
    news: Condvar,
    pub(super) options: SearchOptions,
}

struct Inner {
    /// `None` until the index was opened.
    index: Option<Committed>,
    /// How far the searcher follows the log, while joined.
    committed: u64,
    tail: Tail,
    standing: Standing,
    /// The index is to be looked at anew.
    suspect: bool,
    stopping: bool,
}

/// What one search looks at.
pub(super) struct Pinned {
    pub(super) index: Option<Committed>,
    pub(super) tail: Vec<Arc<Rows>>,
    /// Whether that is everything.
    pub(super) complete: bool,
}

/// What the indexer is to take in.
pub(super) struct Taken {
    pub(super) rows: Vec<Arc<Rows>>,
    pub(super) through: LogPoint,
}

/// What the indexer is to do.
pub(super) enum Next {
    TakeIn(Taken),
    /// Take in the last of it and end.
    End(Taken),
    /// Look at the index anew.
    Reopen,
}

impl SharedState {
    /// Behind: nothing is known of the index, and the log ends at `end`.
    pub(super) fn new(end: LogPoint, options: SearchOptions) -> SharedState {
        let progress = Progress {
            anew: false,
            read: 0,
            of: end.sequence,
        };
        SharedState {
            inner: Mutex::new(Inner {
                index: None,
                committed: 0,
                tail: Tail::new(end),
                standing: Standing::Behind(progress),
                suspect: false,
                stopping: false,
            }),
            work: Condvar::new(),
            news: Condvar::new(),
            options,
        }
    }

    /// Takes in a durable batch, on the writer's thread, before it is published and long before it is answered.
    pub(crate) fn append(&self, end: LogPoint, events: &[Event]) {
        let mut inner = self.inner.lock();
        let was_idle = inner.tail.end().sequence == inner.committed;
        let was_small = inner.tail.messages() < self.options.commit_messages;
        inner.tail.append(end, events);
        if was_idle || (was_small && inner.tail.messages() >= self.options.commit_messages) {
            self.work.notify_one();
        }
    }

    /// Waits, on the writer's thread, while the tail is at its bound.
    pub(crate) fn wait_for_room(&self) {
        let mut inner = self.inner.lock();
        self.news.wait_while(&mut inner, |inner| {
            inner.tail.messages() >= self.options.tail_messages_max
                || inner.tail.bytes() >= self.options.tail_bytes_max
        });
    }

    /// The end of what was appended.
    pub(super) fn end(&self) -> LogPoint {
        self.inner.lock().tail.end()
    }

    pub(super) fn standing(&self) -> Standing {
        self.inner.lock().standing.clone()
    }

    /// Index and tail for a search.
    pub(super) fn pin(&self) -> Pinned {
        self.inner.lock().pin()
    }

    /// The same, as soon as that is everything, or what there is at the deadline.
    pub(super) fn pin_complete(&self, deadline: Instant) -> Pinned {
        let mut inner = self.inner.lock();
        let behind = |inner: &mut Inner| matches!(inner.standing, Standing::Behind(_)) && !inner.stopping;
        self.news.wait_while_until(&mut inner, behind, deadline);
        inner.pin()
    }

    /// The index reads the log, and has what `searcher` has.
    pub(super) fn read_on(&self, index: Committed, anew: bool, read: u64) {
        let mut inner = self.inner.lock();
        let of = inner.tail.end().sequence.max(read);
        inner.index = Some(index);
        inner.standing = Standing::Behind(Progress { anew, read, of });
    }

    /// Begins the tail at the end of the log, which is answered.
    pub(super) fn begin_tail(&self) -> LogPoint {
        let mut inner = self.inner.lock();
        inner.tail.keep();
        inner.tail.end()
    }

    /// The index has reached the point where the tail began: together they have everything.
    pub(super) fn join(&self, index: Committed, through: LogPoint) {
        let mut inner = self.inner.lock();
        inner.index = Some(index);
        inner.committed = through.sequence;
        inner.standing = Standing::Joined;
        self.news.notify_all();
    }

    /// What was taken last is in the index.
    pub(super) fn committed(&self, index: Committed, through: LogPoint) {
        let mut inner = self.inner.lock();
        inner.index = Some(index);
        inner.committed = through.sequence;
        inner.tail.committed();
        self.news.notify_all();
    }

    /// The index cannot go on: the tail is let go, so that writes are not held up.
    pub(super) fn fail(&self, why: String) {
        let mut inner = self.inner.lock();
        inner.tail.let_go();
        inner.index = None;
        inner.standing = Standing::Failed(why);
        self.news.notify_all();
    }

    /// A search could not read the index.
    pub(super) fn suspect(&self) {
        self.inner.lock().suspect = true;
        self.work.notify_one();
    }

    /// Waits until the next commit is due; `since` is when the last one was.
    pub(super) fn wait_for_work(&self, since: Instant) -> Next {
        let mut inner = self.inner.lock();
        loop {
            if inner.stopping {
                return Next::End(inner.take());
            }
            if std::mem::take(&mut inner.suspect) {
                return Next::Reopen;
            }
            if inner.tail.end().sequence == inner.committed {
                self.work.wait(&mut inner);
                continue;
            }
            let left = self.options.commit_interval.saturating_sub(since.elapsed());
            if left.is_zero() || inner.tail.messages() >= self.options.commit_messages {
                return Next::TakeIn(inner.take());
            }
            self.work.wait_for(&mut inner, left);
        }
    }

    /// Rests; `false` if the indexer has to end.
    pub(super) fn rest(&self, time: Duration) -> bool {
        let mut inner = self.inner.lock();
        let until = Instant::now() + time;
        self.work
            .wait_while_until(&mut inner, |inner| !inner.stopping, until);
        !inner.stopping
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.inner.lock().stopping
    }

    pub(super) fn stop(&self) {
        self.inner.lock().stopping = true;
        self.work.notify_all();
        self.news.notify_all();
    }
}

impl Inner {
    fn pin(&self) -> Pinned {
        Pinned {
            index: self.index.clone(),
            tail: self.tail.chunks(),
            complete: self.standing == Standing::Joined,
        }
    }

    fn take(&mut self) -> Taken {
        Taken {
            rows: self.tail.take(),
            through: self.tail.end(),
        }
    }
}
