//! The relay: tells the workers through RabbitMQ how far the committed changes of each partition go.
//!
//! A partition's cursor moves after RabbitMQ has confirmed, so a crash between the two only announces a run again. It
//! moves from where it was read, so of several relays one moves it and the others have announced twice.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{QueryBuilder, Row};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use crate::backoff::Backoff;
use crate::mysql::beside::step;
use crate::mysql::pool::Pool;
use crate::planted::{self, Bug};
use crate::rabbitmq::consumer::stopped;
use crate::rabbitmq::{Announcement, Publisher};

/// Changes that one message announces.
const RUN_CHANGES_MAX: u64 = 5_000;
/// Between two passes that announce something, however often it is rung: what is written meanwhile is one run. Each run
/// costs a sync here, some in RabbitMQ and two in the index, which compete with writes for disks and processors, while the
/// index shows what it took in once a second. The first change after a silence is announced at once.
const PAUSE: Duration = Duration::from_millis(500);
/// After a pass that announced nothing.
const LOOKED_IN_VAIN: Duration = Duration::from_millis(20);
/// After a first failure.
const FAILED: Duration = Duration::from_millis(100);

/// The relay of a worker.
pub struct Relay {
    pool: Pool,
    publisher: Arc<Publisher>,
    ring: Arc<Notify>,
}

/// A partition whose cursor stands behind its changes.
struct Behind {
    partition: u16,
    cursor: u64,
    through: u64,
}

/// Why a pass of the relay did not do all it found.
#[derive(Debug)]
pub enum RelayError {
    /// MySQL did not answer.
    Mysql(sqlx::Error),
    /// RabbitMQ did not confirm.
    Rabbit(crate::rabbitmq::RabbitError),
    /// The system gave no random bytes.
    Random(getrandom::Error),
}

impl std::fmt::Display for RelayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RelayError::Mysql(error) => write!(f, "MySQL: {error}"),
            RelayError::Rabbit(error) => write!(f, "{error}"),
            RelayError::Random(error) => write!(f, "no random bytes: {error}"),
        }
    }
}

impl std::error::Error for RelayError {}

impl From<sqlx::Error> for RelayError {
    fn from(error: sqlx::Error) -> RelayError {
        RelayError::Mysql(error)
    }
}

impl Relay {
    /// Whoever has committed may notify `ring`; it is looked at once then.
    #[must_use]
    pub fn new(pool: Pool, publisher: Arc<Publisher>, ring: Arc<Notify>) -> Relay {
        Relay {
            pool,
            publisher,
            ring,
        }
    }

    /// Relays until it is stopped.
    pub async fn run(self, every: Duration, mut stop: watch::Receiver<bool>) {
        let mut backoff = Backoff::new(FAILED, Duration::from_secs(5));
        let mut failing = false;
        while !*stop.borrow() {
            let pass = step(self.pass()).await;
            if let Err(error) = &pass
                && !failing
            {
                tracing::warn!(%error, "changes are not announced for now");
            } else if pass.is_ok() && failing {
                tracing::info!("changes are announced again");
                backoff.reset();
            }
            failing = pass.is_err();
            let wait = async {
                match pass {
                    Ok(0) => {
                        sleep(LOOKED_IN_VAIN).await;
                        self.rung(every).await;
                    }
                    Ok(_) => sleep(PAUSE).await,
                    Err(_) => sleep(backoff.delay()).await,
                }
            };
            tokio::select! {
                () = wait => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// Ends when somebody rings, or nobody did for so long.
    async fn rung(&self, every: Duration) {
        tokio::select! {
            () = self.ring.notified() => {}
            () = sleep(every) => {}
        }
    }

    /// Announces at most one run of each partition and answers how many partitions it announced.
    ///
    /// # Errors
    /// When MySQL or RabbitMQ is away; the cursors of what was confirmed have moved nevertheless.
    pub async fn pass(&self) -> Result<usize, RelayError> {
        let behind = self.behind().await?;
        if behind.is_empty() {
            return Ok(0);
        }
        if planted::is(Bug::CursorBeforeConfirm) {
            self.advance(&behind).await?;
            return Ok(behind.len());
        }
        let announcements = behind
            .iter()
            .map(|run| Announcement::new(run.partition, run.cursor + 1, run.through))
            .collect::<Result<Vec<_>, _>>()
            .map_err(RelayError::Random)?;
        let outcomes = self.publisher.announce(&announcements).await;
        let mut confirmed = Vec::new();
        let mut failed = None;
        for (run, outcome) in behind.into_iter().zip(outcomes) {
            match outcome {
                Ok(()) => confirmed.push(run),
                Err(error) => failed = Some(error),
            }
        }
        self.advance(&confirmed).await?;
        match failed {
            Some(error) => Err(RelayError::Rabbit(error)),
            None => Ok(confirmed.len()),
        }
    }

    async fn behind(&self) -> Result<Vec<Behind>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT partitions.id, relays.position, partitions.position FROM partitions \
             LEFT JOIN relays ON relays.partition_id = partitions.id \
             WHERE relays.position IS NULL OR relays.position < partitions.position ORDER BY partitions.id",
        )
        .fetch_all(&self.pool)
        .await?;
        let mut behind = Vec::new();
        for row in rows {
            let partition = row.try_get(0)?;
            let Some(cursor) = row.try_get::<Option<u64>, _>(1)? else {
                self.begin(partition).await?;
                continue;
            };
            let through = row.try_get::<u64, _>(2)?.min(cursor + RUN_CHANGES_MAX);
            behind.push(Behind {
                partition,
                cursor,
                through,
            });
        }
        Ok(behind)
    }

    /// The cursor of a partition that has none yet.
    async fn begin(&self, partition: u16) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT IGNORE INTO relays (partition_id, position) VALUES (?, 0)")
            .bind(partition)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// In one statement, so one commit for all partitions.
    async fn advance(&self, confirmed: &[Behind]) -> Result<(), sqlx::Error> {
        if confirmed.is_empty() {
            return Ok(());
        }
        let mut update = QueryBuilder::new("UPDATE relays SET position = CASE partition_id");
        for run in confirmed {
            update.push(" WHEN ").push_bind(run.partition);
            update.push(" THEN ").push_bind(run.through);
        }
        update.push(" ELSE position END WHERE ");
        let mut or = update.separated(" OR ");
        for run in confirmed {
            or.push("(partition_id = ").push_bind_unseparated(run.partition);
            or.push_unseparated(" AND position = ")
                .push_bind_unseparated(run.cursor);
            or.push_unseparated(")");
        }
        update.build().persistent(false).execute(&self.pool).await?;
        Ok(())
    }
}
