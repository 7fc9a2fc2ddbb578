//! Changes that were announced and are not indexed: their message was lost with its queue, or is a dead letter.
//!
//! The queues may be purged at any time, so they are not what says that there is work. What says it is how far a
//! partition is indexed, compared with how far the relay has announced it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::Row;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{IndexFailure, Indexer};
use crate::mysql::beside::step;
use crate::mysql::pool::Pool;
use crate::rabbitmq::consumer::stopped;
use crate::rabbitmq::{Announcement, Publisher, RabbitError};

/// A partition that does not move although it was announced again is announced ever more seldom.
const WAIT_LEAST: Duration = Duration::from_secs(10);
const WAIT_MOST: Duration = Duration::from_secs(600);

/// The periodic check.
pub struct Lag<I> {
    pool: Pool,
    publisher: Arc<Publisher>,
    indexer: Arc<I>,
    stuck: HashMap<u16, Stuck>,
}

/// A partition that was not fully indexed when it was looked at last.
struct Stuck {
    indexed: u64,
    /// When it is announced again if it has not moved, and how long after that.
    due: Instant,
    wait: Duration,
}

/// Why a check did not end.
#[derive(Debug)]
pub enum LagError {
    /// MySQL did not answer.
    Mysql(sqlx::Error),
    /// How far the index goes is unknown.
    Index(IndexFailure),
    /// RabbitMQ did not confirm.
    Rabbit(RabbitError),
    /// The system gave no random bytes.
    Random(getrandom::Error),
}

impl From<sqlx::Error> for LagError {
    fn from(error: sqlx::Error) -> LagError {
        LagError::Mysql(error)
    }
}

impl fmt::Display for LagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LagError::Mysql(error) => write!(f, "MySQL: {error}"),
            LagError::Index(error) => write!(f, "{error}"),
            LagError::Rabbit(error) => write!(f, "{error}"),
            LagError::Random(error) => write!(f, "no random bytes: {error}"),
        }
    }
}

impl std::error::Error for LagError {}

impl<I: Indexer> Lag<I> {
    /// Has seen nothing yet.
    #[must_use]
    pub fn new(pool: Pool, publisher: Arc<Publisher>, indexer: Arc<I>) -> Lag<I> {
        Lag {
            pool,
            publisher,
            indexer,
            stuck: HashMap::new(),
        }
    }

    /// Checks until it is stopped.
    pub async fn run(mut self, every: Duration, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let look = async {
                sleep(every).await;
                if let Err(error) = step(self.look()).await {
                    tracing::warn!(%error, "it was not checked whether all changes are indexed");
                }
            };
            tokio::select! {
                () = look => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// Announces again what was not indexed since the last look, and answers how many partitions those were.
    ///
    /// # Errors
    /// When one of the systems is away; the next look makes up for it.
    pub async fn look(&mut self) -> Result<usize, LagError> {
        let announced = self.announced().await?;
        let partitions: Vec<u16> = announced.iter().map(|(partition, _)| *partition).collect();
        let indexed = self.indexer.indexed(&partitions).await.map_err(LagError::Index)?;
        let mut again = Vec::new();
        for ((partition, through), indexed) in announced.into_iter().zip(indexed) {
            if indexed >= through {
                self.stuck.remove(&partition);
            } else if self.is_due(partition, indexed) {
                tracing::warn!(
                    partition,
                    indexed,
                    through,
                    "announced changes are not indexed and are announced again"
                );
                let announcement = Announcement::new(partition, indexed + 1, through);
                again.push(announcement.map_err(LagError::Random)?);
            }
        }
        for outcome in self.publisher.announce(&again).await {
            outcome.map_err(LagError::Rabbit)?;
        }
        Ok(again.len())
    }

    fn is_due(&mut self, partition: u16, indexed: u64) -> bool {
        let now = Instant::now();
        let fresh = || Stuck {
            indexed,
            due: now,
            wait: WAIT_LEAST,
        };
        match self.stuck.get_mut(&partition) {
            Some(stuck) if stuck.indexed == indexed => {
                let due = now >= stuck.due;
                if due {
                    stuck.due = now + stuck.wait;
                    stuck.wait = (stuck.wait * 2).min(WAIT_MOST);
                }
                due
            }
            Some(_) | None => {
                self.stuck.insert(partition, fresh());
                false
            }
        }
    }

    async fn announced(&self) -> Result<Vec<(u16, u64)>, sqlx::Error> {
        let rows = sqlx::query("SELECT partition_id, position FROM relays ORDER BY partition_id");
        let rows = rows.fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }
}
