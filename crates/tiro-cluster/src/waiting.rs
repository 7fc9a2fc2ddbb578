//! Who waits for feeds to go on.
//!
//! Whoever waits joins first and looks at the position in MySQL after that; who wrote commits first and rings after that: so
//! one of the two sees the other. A ring is only a hint: one task, the lookout, looks at the rows of the applications rung
//! for, all in one statement, and tells those who wait what they say. Rings may be lost (Redis, a node that dies after its
//! commit), so while anybody waits the lookout looks at all that are waited for every [`LOOK_EVERY`] as well.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use parking_lot::Mutex;
use sqlx::Row;
use tiro_core::{ApplicationId, Changed, Failure, Rejection, Token};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::planted::{self, Bug};
use crate::reads::{Pools, Read, ReadError, ReadPool, Session, Wanted, number_list, token_bytes};

/// How often all feeds that are waited for are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Feeds looked at in one statement.
const FEEDS_TOGETHER: usize = 500;
/// Most tokens whose application is remembered.
const TOKENS_MAX: usize = 50_000;

const BY_TOKEN: &str =
    "SELECT id, last_position, deleted_at FROM applications WHERE token = ? AND restoring = 0";
const BY_ID: &str = "SELECT id, last_position, deleted_at FROM applications WHERE id = ?";

fn by_ids(ids: &[ApplicationId]) -> String {
    let ids = number_list(ids.iter().map(|id| u64::from(id.0)));
    format!("SELECT id, last_position, deleted_at FROM applications WHERE id IN ({ids})")
}

/// How far a feed is. It only rises, and what is deleted stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    position: u64,
    is_deleted: bool,
}

impl Standing {
    fn since(self, position: u64) -> Option<Changed> {
        if self.is_deleted {
            return Some(Changed::Deleted);
        }
        (self.position > position).then_some(Changed::Further)
    }
}

type Map<K, V> = HashMap<K, V, RandomState>;

/// One feed that somebody waits for: what is known of it, and how many wait.
struct Feed {
    standing: Arc<watch::Sender<Option<Standing>>>,
    waiters: usize,
}

/// All that wait.
pub(crate) struct Waiting {
    feeds: Mutex<Map<ApplicationId, Feed>>,
    /// Feeds to be looked at. Taken after `feeds`, never before.
    rung: Mutex<HashSet<ApplicationId, RandomState>>,
    /// Wakes the lookout: somebody rang, or somebody waits where nobody did.
    wake: Notify,
    stopping: watch::Sender<bool>,
    /// A token is bound once and for all.
    ids: Mutex<Map<Token, ApplicationId>>,
}

/// One that waits, until it is dropped.
struct Waiter<'a> {
    waiting: &'a Waiting,
    id: ApplicationId,
    standing: watch::Receiver<Option<Standing>>,
}

impl Waiting {
    /// Nobody waits yet.
    pub(crate) fn new() -> Waiting {
        Waiting {
            feeds: Mutex::default(),
            rung: Mutex::default(),
            wake: Notify::new(),
            stopping: watch::Sender::new(false),
            ids: Mutex::default(),
        }
    }

    /// The feed of an application was heard to have reached a position: committed, here or elsewhere. Costs a look at a
    /// table if nobody waits for it.
    pub(crate) fn tell(&self, id: ApplicationId, position: u64) {
        let feeds = self.feeds.lock();
        let Some(feed) = feeds.get(&id) else { return };
        let known = *feed.standing.borrow();
        if known.is_none_or(|known| known.position < position) && self.rung.lock().insert(id) {
            self.wake.notify_one();
        }
    }

    /// Ends every wait, now and from now on.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
        self.wake.notify_one();
    }

    /// How many wait, of all feeds.
    #[cfg(test)]
    pub(crate) fn waiters(&self) -> usize {
        self.feeds.lock().values().map(|feed| feed.waiters).sum()
    }

    fn join(&self, id: ApplicationId) -> Waiter<'_> {
        let mut feeds = self.feeds.lock();
        if feeds.is_empty() {
            self.wake.notify_one();
        }
        let feed = feeds.entry(id).or_insert_with(|| Feed {
            standing: Arc::new(watch::Sender::new(None)),
            waiters: 0,
        });
        feed.waiters += 1;
        Waiter {
            waiting: self,
            id,
            standing: feed.standing.subscribe(),
        }
    }

    fn take_rung(&self) -> Vec<ApplicationId> {
        self.rung.lock().drain().collect()
    }

    fn all(&self) -> Vec<ApplicationId> {
        self.feeds.lock().keys().copied().collect()
    }

    /// Tells those who wait for a feed how far it is. Others may join meanwhile: nothing is locked while they are woken.
    fn publish(&self, id: ApplicationId, standing: Standing) {
        let feed = self.feeds.lock().get(&id).map(|feed| Arc::clone(&feed.standing));
        if let Some(feed) = feed {
            feed.send_if_modified(|known| known.replace(standing) != Some(standing));
        }
    }

    fn id_of(&self, token: &Token) -> Option<ApplicationId> {
        self.ids.lock().get(token).copied()
    }

    fn remember(&self, token: &Token, id: ApplicationId) {
        let mut ids = self.ids.lock();
        if ids.len() >= TOKENS_MAX {
            ids.clear();
        }
        ids.insert(token.clone(), id);
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut feeds = self.waiting.feeds.lock();
        if let Some(feed) = feeds.get_mut(&self.id) {
            feed.waiters -= 1;
            if feed.waiters == 0 {
                feeds.remove(&self.id);
            }
        }
    }
}

/// See [`tiro_core::Engine::changed`].
pub(crate) async fn changed(
    waiting: &Waiting,
    pools: &Pools,
    token: &Token,
    position: u64,
) -> Result<Changed, Failure> {
    let id = match waiting.id_of(token) {
        Some(id) => id,
        None => {
            let (id, standing) = pools.read(&OneStanding::Of(token)).await?;
            waiting.remember(token, id);
            if let Some(changed) = standing.since(position) {
                return Ok(changed);
            }
            id
        }
    };
    let mut waiter = waiting.join(id);
    let mut stopping = waiting.stopping.subscribe();
    if *stopping.borrow() {
        return Ok(Changed::Stopping);
    }
    let (_, standing) = pools.read(&OneStanding::At(id)).await?;
    if let Some(changed) = standing.since(position) {
        return Ok(changed);
    }
    let mut found = None;
    let went_on = waiter.standing.wait_for(|standing| {
        found = standing.and_then(|standing| standing.since(position));
        found.is_some()
    });
    tokio::select! {
        // Neither sender goes before those who wait: an error is the end as well.
        _ = stopping.wait_for(|is_stopping| *is_stopping) => return Ok(Changed::Stopping),
        _ = went_on => {}
    }
    Ok(found.unwrap_or(Changed::Stopping))
}

/// How far a feed is.
enum OneStanding<'a> {
    Of(&'a Token),
    At(ApplicationId),
}

impl Read for OneStanding<'_> {
    type Answer = (ApplicationId, Standing);

    async fn read(&self, session: &mut Session<'_>) -> Result<Self::Answer, ReadError> {
        let statement = match self {
            OneStanding::Of(token) => sqlx::query(BY_TOKEN).bind(token_bytes(token)),
            OneStanding::At(id) => sqlx::query(BY_ID).bind(id.0),
        };
        let row = session.one(statement).await?;
        standing(&row.ok_or(Rejection::ApplicationNotFound)?)
    }
}

fn standing(row: &sqlx::mysql::MySqlRow) -> Result<(ApplicationId, Standing), ReadError> {
    let standing = Standing {
        position: row.try_get(1)?,
        is_deleted: row.try_get::<Option<i64>, _>(2)?.is_some(),
    };
    Ok((ApplicationId(row.try_get(0)?), standing))
}

/// How far several feeds are.
struct Standings<'a>(&'a [ApplicationId]);

impl Read for Standings<'_> {
    type Answer = Vec<(ApplicationId, Standing)>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Self::Answer, ReadError> {
        let mut found = Vec::with_capacity(self.0.len());
        session
            .each_of_text(by_ids(self.0), |row| {
                found.push(standing(row)?);
                Ok(Wanted::More)
            })
            .await?;
        Ok(found)
    }
}

/// The task that looks at feeds for those who wait; it ends with this.
pub(crate) struct Lookout(JoinHandle<()>);

impl Lookout {
    pub(crate) fn start(waiting: Arc<Waiting>, pool: ReadPool) -> Lookout {
        Lookout(tokio::spawn(look_out(waiting, pool)))
    }
}

impl Drop for Lookout {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn look_out(waiting: Arc<Waiting>, pool: ReadPool) {
    let mut next_look = Instant::now() + LOOK_EVERY;
    let mut is_away = false;
    loop {
        if *waiting.stopping.borrow() {
            return;
        }
        if waiting.feeds.lock().is_empty() {
            waiting.wake.notified().await;
            continue;
        }
        let rung = tokio::select! {
            () = tokio::time::sleep_until(next_look) => None,
            () = waiting.wake.notified() => Some(waiting.take_rung()),
        };
        let ids = match rung {
            Some(rung) => rung,
            None => {
                next_look = Instant::now() + LOOK_EVERY;
                if planted::is(Bug::DeafWaiters) {
                    continue;
                }
                waiting.all()
            }
        };
        let looked = look(&waiting, &pool, &ids).await;
        if let Err(failure) = &looked
            && !is_away
        {
            tracing::warn!(
                ?failure,
                "those who wait for feeds are told nothing until MySQL answers"
            );
        }
        is_away = looked.is_err();
    }
}

async fn look(waiting: &Waiting, pool: &ReadPool, ids: &[ApplicationId]) -> Result<(), Failure> {
    for ids in ids.chunks(FEEDS_TOGETHER) {
        for (id, standing) in pool.read(&Standings(ids)).await? {
            waiting.publish(id, standing);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing_at(position: u64) -> Standing {
        Standing {
            position,
            is_deleted: false,
        }
    }

    #[test]
    fn a_feed_that_nobody_waits_for_is_not_looked_at() {
        let waiting = Waiting::new();
        waiting.tell(ApplicationId(1), 5);
        assert!(waiting.take_rung().is_empty());
        let waiter = waiting.join(ApplicationId(1));
        waiting.tell(ApplicationId(2), 5);
        waiting.tell(ApplicationId(1), 5);
        assert_eq!(waiting.take_rung(), [ApplicationId(1)]);
        drop(waiter);
        assert_eq!(waiting.waiters(), 0);
        waiting.tell(ApplicationId(1), 6);
        assert!(waiting.take_rung().is_empty());
    }

    #[test]
    fn a_ring_of_what_is_known_already_is_none() {
        let waiting = Waiting::new();
        let waiter = waiting.join(ApplicationId(1));
        waiting.publish(ApplicationId(1), standing_at(7));
        waiting.tell(ApplicationId(1), 7);
        assert!(waiting.take_rung().is_empty());
        waiting.tell(ApplicationId(1), 8);
        assert_eq!(waiting.take_rung(), [ApplicationId(1)]);
        assert_eq!(*waiter.standing.borrow(), Some(standing_at(7)));
    }

    #[test]
    fn a_standing_tells_what_became_of_a_feed() {
        assert_eq!(standing_at(7).since(7), None);
        assert_eq!(standing_at(8).since(7), Some(Changed::Further));
        let deleted = Standing {
            position: 7,
            is_deleted: true,
        };
        assert_eq!(deleted.since(9), Some(Changed::Deleted));
    }

    #[test]
    fn all_feeds_are_looked_at_in_one_statement() {
        assert!(by_ids(&[ApplicationId(3), ApplicationId(9)]).ends_with("WHERE id IN (3, 9)"));
    }
}
