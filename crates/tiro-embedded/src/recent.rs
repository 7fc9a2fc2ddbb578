//! The published state: recent rows in memory over the view, replaced together under one lock.
//!
//! The writer publishes each durable batch into the active generation. The follower freezes it, writes it to the view
//! and lets go of it. A reader looks at the active generation under the lock, and at what lies below without it.

mod below;
mod facts;
mod rows;

use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use parking_lot::{Condvar, Mutex, RwLock};
use tiro_core::{ApplicationId, Event, Facts, Token};

use crate::errors::Fatal;
use crate::generation::Generation;
use crate::log::LogPoint;
use crate::planted;
use crate::view::purge::Purged;
use crate::view::{Snapshot, ViewError};
use crate::waiting::Waiting;

pub(crate) use below::Below;
pub(crate) use rows::Rows;

/// At this size the follower takes the active generation over.
const GENERATION_BYTES: usize = 8 * 1024 * 1024;
/// At this age too.
const GENERATION_AGE: Duration = Duration::from_millis(400);
/// At this size the writer waits for the follower.
const GENERATION_BYTES_MAX: usize = 64 * 1024 * 1024;
/// How long the follower waits for space before it tries again.
const SPACE_RETRY: Duration = Duration::from_millis(500);
/// Most tokens whose application is remembered; more are looked up each time.
const TOKENS_MAX: usize = 100_000;

/// What every thread of the engine sees.
pub(crate) struct Recent {
    /// Guards the swap of generations and snapshot, so that a reader sees a state that was published as a whole.
    state: RwLock<State>,
    /// Tells the follower that there is work, and the writer that there is room. Taken after `state`, never before.
    follower: Mutex<FollowerWork>,
    wake_follower: Condvar,
    room: Condvar,
    /// Tokens never change their application, so this needs no invalidation.
    tokens: RwLock<std::collections::HashMap<Token, ApplicationId, RandomState>>,
    /// Told after each publication.
    waiting: Waiting,
}

/// What is published.
pub(crate) struct State {
    active: Generation,
    below: Below,
}

/// What the follower is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A round, and then wait again.
    Round,
    /// A round that leaves everything on disk, and then end.
    LastRound,
}

/// Whether the writer may publish more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// It may.
    Some,
    /// Not until there is space for the view's tables.
    None,
}

#[derive(Default)]
struct FollowerWork {
    /// When the oldest batch that the follower has not taken over was published.
    since: Option<Instant>,
    /// A round is wanted now.
    wanted: bool,
    /// One more round, the last.
    stopping: bool,
    /// The view takes no more until there is space on its disk.
    short_of_space: bool,
    /// Why the follower has failed, if it has; the view stays where it is.
    failed: Option<String>,
}

impl State {
    /// A state that is in a view as a whole.
    pub(crate) fn settled(view: Arc<Snapshot>) -> State {
        State {
            active: Generation::new(view.applied(), ApplicationId(0)),
            below: Below { frozen: None, view },
        }
    }
}

impl Recent {
    pub(crate) fn new(end: LogPoint, next_application: ApplicationId, view: Arc<Snapshot>) -> Recent {
        Recent {
            state: RwLock::new(State {
                active: Generation::new(end, next_application),
                below: Below { frozen: None, view },
            }),
            follower: Mutex::default(),
            wake_follower: Condvar::new(),
            room: Condvar::new(),
            tokens: RwLock::default(),
            waiting: Waiting::default(),
        }
    }

    /// A state that is in a view as a whole and stays as it is.
    pub(crate) fn settled(view: Arc<Snapshot>) -> Recent {
        Recent::new(view.applied(), ApplicationId(0), view)
    }

    /// Makes a durable batch visible.
    pub(crate) fn publish(&self, end: LogPoint, events: &[Event], facts: &Facts) {
        let mut state = self.state.write();
        state.active.absorb(end, events, facts);
        let full = state.active.bytes >= GENERATION_BYTES;
        drop(state);
        self.waiting.tell(events);
        let mut follower = self.follower.lock();
        let first = follower.since.is_none();
        follower.since.get_or_insert_with(Instant::now);
        follower.wanted |= full;
        if first || full {
            self.wake_follower.notify_one();
        }
    }

    /// Reads the active generation under the lock; what lies below is answered with it.
    pub(crate) fn look<T>(&self, read: impl FnOnce(&Generation) -> T) -> (T, Below) {
        let state = self.state.read();
        (read(&state.active), state.below.clone())
    }

    /// Who waits for feeds to go on.
    pub(crate) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// The number that the next application gets. Only the writer may rely on it.
    pub(crate) fn next_application(&self) -> ApplicationId {
        self.state.read().active.next_application
    }

    /// Waits, on the writer's thread, while the follower is too far behind; does not wait for space.
    ///
    /// # Errors
    /// The follower has failed, so there will never be room.
    pub(crate) fn wait_for_room(&self) -> Result<Room, Fatal> {
        loop {
            let bytes = self.state.read().active.bytes;
            let mut follower = self.follower.lock();
            if let Some(why) = &follower.failed {
                return Err(Fatal::View(why.clone()));
            }
            if follower.short_of_space && bytes >= GENERATION_BYTES {
                return Ok(Room::None);
            }
            if bytes < GENERATION_BYTES_MAX {
                return Ok(Room::Some);
            }
            follower.wanted = true;
            self.wake_follower.notify_one();
            self.room.wait_for(&mut follower, Duration::from_millis(100));
        }
    }

    /// Waits until the follower's next round is due; with `more_to_do` only looks.
    pub(crate) fn wait_for_work(&self, more_to_do: Purged) -> Next {
        let mut follower = self.follower.lock();
        loop {
            let left = follower
                .since
                .map(|since| planted::hurried(GENERATION_AGE).saturating_sub(since.elapsed()));
            let due = follower.wanted || left == Some(Duration::ZERO) || more_to_do == Purged::Some;
            if due || follower.stopping {
                follower.wanted = false;
                follower.since = None;
                return if follower.stopping {
                    Next::LastRound
                } else {
                    Next::Round
                };
            }
            match left {
                Some(left) => drop(self.wake_follower.wait_for(&mut follower, left)),
                None => self.wake_follower.wait(&mut follower),
            }
        }
    }

    /// Begins a new active generation; the one before stays readable until [`Recent::thaw`]. `None` if nothing changed.
    pub(crate) fn freeze(&self) -> Option<Arc<Generation>> {
        self.follower.lock().short_of_space = false;
        let mut state = self.state.write();
        if state.active.is_empty() {
            return None;
        }
        let next = Generation::new(state.active.end, state.active.next_application);
        let frozen = Arc::new(std::mem::replace(&mut state.active, next));
        state.below.frozen = Some(Arc::clone(&frozen));
        Some(frozen)
    }

    /// The frozen generation, if any, is in `view` now.
    pub(crate) fn thaw(&self, view: Arc<Snapshot>) {
        let mut state = self.state.write();
        state.below = Below { frozen: None, view };
        drop(state);
        self.room.notify_all();
    }

    /// Waits, on the follower's thread, before it tries again to write what the disk had no space for.
    pub(crate) fn pause_for_space(&self) {
        let mut follower = self.follower.lock();
        follower.short_of_space = true;
        self.room.notify_all();
        let until = Instant::now() + SPACE_RETRY;
        while !follower.stopping && !self.wake_follower.wait_until(&mut follower, until).timed_out() {}
        follower.wanted = true;
    }

    /// Whether the view takes no more until there is space on its disk.
    pub(crate) fn is_short_of_space(&self) -> bool {
        self.follower.lock().short_of_space
    }

    /// Asks the follower for its last round.
    pub(crate) fn stop_follower(&self) {
        self.follower.lock().stopping = true;
        self.wake_follower.notify_one();
    }

    /// Why the follower cannot go on, if so.
    pub(crate) fn failed(&self) -> Option<Fatal> {
        self.follower.lock().failed.clone().map(Fatal::View)
    }

    /// The follower cannot go on.
    pub(crate) fn follower_failed(&self, error: &ViewError) {
        self.follower.lock().failed.get_or_insert(error.to_string());
        self.room.notify_all();
    }

    /// Waits until everything that is published now is in the view, and answers that view. Blocks for a round or two.
    ///
    /// # Errors
    /// The follower has failed, or waits for space.
    pub(crate) fn settle(&self) -> Result<Arc<Snapshot>, ViewError> {
        let target = self.state.read().active.end.sequence;
        let mut follower = self.follower.lock();
        loop {
            drop(follower);
            let (_, below) = self.look(|_| ());
            if below.view.applied().sequence >= target {
                return Ok(below.view);
            }
            follower = self.follower.lock();
            if follower.failed.is_some() {
                return Err(ViewError::Stopped);
            }
            if follower.short_of_space {
                return Err(ViewError::no_space());
            }
            follower.wanted = true;
            self.wake_follower.notify_one();
            self.room.wait_for(&mut follower, Duration::from_millis(50));
        }
    }

    /// The application that has or had a token.
    pub(crate) fn application_id(&self, token: &Token) -> Result<Option<ApplicationId>, ViewError> {
        if let Some(id) = self.tokens.read().get(token) {
            return Ok(Some(*id));
        }
        let (active, below) = self.look(|active| active.tokens.get(token).copied());
        let found = match active {
            Some(id) => Some(id),
            None => below.application_id(token)?,
        };
        if let Some(id) = found {
            let mut tokens = self.tokens.write();
            if tokens.len() >= TOKENS_MAX {
                tokens.clear();
            }
            tokens.insert(token.clone(), id);
        }
        Ok(found)
    }
}
