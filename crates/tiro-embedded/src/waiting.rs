//! Who waits for feeds to go on: one notification an application, sent by a thread of its own.
//!
//! Whoever waits joins first and reads the position after that; the writer publishes first and looks for who waits after
//! that. Both go through the lock of the published state, so one of the two sees the other. The writer only hands over which
//! feeds went on: waking a thousand that wait for one of them is not on its way to the next batch.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use foldhash::fast::RandomState;
use parking_lot::{Condvar, Mutex};
use tiro_core::{ApplicationId, Changed, Event, Failure, Rejection};
use tokio::sync::Notify;

use crate::recent::Recent;

type Map<K, V> = HashMap<K, V, RandomState>;

/// One feed that somebody waits for.
#[derive(Default)]
struct Feed {
    went_on: Notify,
}

/// All that wait.
#[derive(Default)]
pub(crate) struct Waiting {
    /// How many; while it is 0 the writer looks no further. Raised before the position is read.
    count: AtomicUsize,
    /// The feeds and how many wait for each. Taken for a look or a change, never while others are woken.
    feeds: Mutex<Map<ApplicationId, (Arc<Feed>, usize)>>,
    /// What the thread is to do. Taken after `feeds`, never before.
    calls: Mutex<Calls>,
    wake: Condvar,
}

#[derive(Default)]
struct Calls {
    went_on: Map<ApplicationId, Arc<Feed>>,
    /// Nobody waits any more.
    stopping: bool,
}

/// One that waits, until it is dropped.
struct Waiter<'a> {
    waiting: &'a Waiting,
    id: ApplicationId,
    feed: Arc<Feed>,
}

impl Waiting {
    fn join(&self, id: ApplicationId) -> Waiter<'_> {
        self.count.fetch_add(1, Ordering::SeqCst);
        let mut feeds = self.feeds.lock();
        let (feed, waiters) = feeds.entry(id).or_default();
        *waiters += 1;
        Waiter {
            waiting: self,
            id,
            feed: Arc::clone(feed),
        }
    }

    /// How many wait, of all feeds.
    #[cfg(test)]
    pub(crate) fn waiters(&self) -> usize {
        let feeds = self.feeds.lock();
        let waiters = feeds.values().map(|(_, waiters)| waiters).sum();
        assert_eq!(self.count.load(Ordering::SeqCst), waiters);
        waiters
    }

    /// Batches of these events were published.
    pub(crate) fn tell(&self, events: &[Event]) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let feeds = self.feeds.lock();
        let mut last = None;
        let went_on = events.iter().filter_map(|event| {
            let id = event.application();
            let again = last.replace(id) == Some(id);
            let (feed, _) = feeds.get(&id).filter(|_| !again)?;
            Some((id, Arc::clone(feed)))
        });
        let mut went_on = went_on.peekable();
        if went_on.peek().is_some() {
            self.calls.lock().went_on.extend(went_on);
            self.wake.notify_one();
        }
    }

    /// Ends every wait, now and from now on.
    pub(crate) fn stop(&self) {
        self.calls.lock().stopping = true;
        let feeds = self.feeds.lock();
        feeds.values().for_each(|(feed, _)| feed.went_on.notify_waiters());
        self.wake.notify_one();
    }

    fn is_stopping(&self) -> bool {
        self.calls.lock().stopping
    }

    fn wake_others(&self) {
        let mut calls = self.calls.lock();
        while !calls.stopping {
            let went_on = std::mem::take(&mut calls.went_on);
            drop(calls);
            let nothing = went_on.is_empty();
            went_on.values().for_each(|feed| feed.went_on.notify_waiters());
            calls = self.calls.lock();
            if nothing && calls.went_on.is_empty() && !calls.stopping {
                self.wake.wait(&mut calls);
            }
        }
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut feeds = self.waiting.feeds.lock();
        if let Some((_, waiters)) = feeds.get_mut(&self.id) {
            *waiters -= 1;
            if *waiters == 0 {
                feeds.remove(&self.id);
            }
        }
        drop(feeds);
        self.waiting.count.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Recent {
    /// See [`tiro_core::Engine::changed`].
    pub(crate) async fn changed(&self, id: ApplicationId, position: u64) -> Result<Changed, Failure> {
        let waiter = self.waiting().join(id);
        loop {
            let mut went_on = std::pin::pin!(waiter.feed.went_on.notified());
            went_on.as_mut().enable();
            if self.waiting().is_stopping() {
                return Ok(Changed::Stopping);
            }
            if let Some(changed) = self.changed_since(id, position)? {
                return Ok(changed);
            }
            went_on.await;
        }
    }

    fn changed_since(&self, id: ApplicationId, position: u64) -> Result<Option<Changed>, Failure> {
        let state = |row: &tiro_core::Application| match row.deleted_at {
            Some(_) => Some(Changed::Deleted),
            None => (row.last_position > position).then_some(Changed::Further),
        };
        let found = match self.look(|active| active.applications.get(&id).map(state)) {
            (Some(found), _) => Some(found),
            (None, below) => below.application(id, state)?,
        };
        Ok(found.ok_or(Rejection::ApplicationNotFound)?)
    }
}

/// The thread that wakes who waits.
pub(crate) struct Waker {
    recent: Arc<Recent>,
    thread: Option<JoinHandle<()>>,
}

impl Waker {
    pub(crate) fn start(recent: &Arc<Recent>) -> std::io::Result<Waker> {
        let of_thread = Arc::clone(recent);
        let thread = std::thread::Builder::new()
            .name("tiro-feeds".into())
            .spawn(move || of_thread.waiting().wake_others())?;
        Ok(Waker {
            recent: Arc::clone(recent),
            thread: Some(thread),
        })
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.recent.waiting().stop();
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            tracing::error!("the thread that wakes streams panicked");
        }
    }
}
