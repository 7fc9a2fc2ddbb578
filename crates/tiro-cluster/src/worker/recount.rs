//! The recount: every count is compared with the rows it counts, once an hour.
//!
//! A round goes over all chats in the order of their keys, a bounded chunk at a time; where it goes on is a row, so any
//! worker takes the next chunk and a restart loses nothing. Counts are written with what they count, so a difference is a
//! bug: it is reported as an error, and put right under the partition's lock.

mod chunk;
mod repair;

use std::time::Duration;

use sqlx::Row;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::mysql::beside::step;
use crate::mysql::pool::Pool;
use crate::rabbitmq::consumer::stopped;

pub(crate) use chunk::{Difference, read as read_chunk};
pub(crate) use repair::repair;

/// How often it is asked whether a chunk is due, and the pause between two.
const ASK_EVERY: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);
/// Whoever took a chunk and has not ended it by then is gone; another takes it.
const CHUNK_WITHIN_MS: i64 = 120_000;

/// The recount of a cluster.
pub struct Recount {
    pool: Pool,
    every: Duration,
}

/// What one chunk found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recounted {
    /// Chats that were compared.
    pub chats: usize,
    /// Applications that were compared.
    pub applications: usize,
    /// Counts that were different.
    pub differences: usize,
    /// It was the last chunk of the round.
    pub ended: bool,
}

/// All up to and with this chat was compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    application: u32,
    chat: u64,
}

impl Place {
    /// Before everything.
    pub(crate) const BEGINNING: Place = Place {
        application: 0,
        chat: 0,
    };
}

impl Recount {
    /// A round begins `every` so long after the last one ended.
    #[must_use]
    pub fn new(pool: Pool, every: Duration) -> Recount {
        Recount { pool, every }
    }

    /// Recounts until it is stopped.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let chunk = async {
                match step(self.chunk()).await {
                    Ok(Some(found)) if !found.ended => sleep(PAUSE).await,
                    Ok(_) => sleep(ASK_EVERY).await,
                    Err(error) => {
                        tracing::warn!(%error, "counts were not compared");
                        sleep(ASK_EVERY).await;
                    }
                }
            };
            tokio::select! {
                () = chunk => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// Compares the next chunk if one is due.
    ///
    /// # Errors
    /// When MySQL does not answer; the chunk is taken again later.
    pub async fn chunk(&self) -> Result<Option<Recounted>, sqlx::Error> {
        let Some(place) = self.claim().await? else {
            return Ok(None);
        };
        let chunk = chunk::read(&self.pool, place).await?;
        for difference in &chunk.differences {
            repair::repair(&self.pool, difference).await?;
        }
        let after = match chunk.through {
            Some(through) => (through, 0),
            None => (
                Place::BEGINNING,
                i64::try_from(self.every.as_millis()).unwrap_or(i64::MAX / 2),
            ),
        };
        self.go_on(place, after.0, after.1).await?;
        Ok(Some(Recounted {
            chats: chunk.chats,
            applications: chunk.applications,
            differences: chunk.differences.len(),
            ended: chunk.through.is_none(),
        }))
    }

    /// The place of the chunk that is due now, which nobody else takes for a while.
    async fn claim(&self) -> Result<Option<Place>, sqlx::Error> {
        let now = crate::clock::now_ms();
        sqlx::query("INSERT IGNORE INTO recounts (one, application, chat, due_at) VALUES (1, 0, 0, ?)")
            .bind(now)
            .execute(&self.pool)
            .await?;
        let row = sqlx::query("SELECT application, chat, due_at FROM recounts WHERE one = 1");
        let row = row.fetch_one(&self.pool).await?;
        let due_at: i64 = row.try_get(2)?;
        if due_at > now {
            return Ok(None);
        }
        let claimed = sqlx::query("UPDATE recounts SET due_at = ? WHERE one = 1 AND due_at = ?")
            .bind(now + CHUNK_WITHIN_MS)
            .bind(due_at)
            .execute(&self.pool)
            .await?
            .rows_affected();
        if claimed == 0 {
            return Ok(None);
        }
        Ok(Some(Place {
            application: row.try_get(0)?,
            chat: row.try_get(1)?,
        }))
    }

    async fn go_on(&self, from: Place, to: Place, in_ms: i64) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE recounts SET application = ?, chat = ?, due_at = ? \
             WHERE one = 1 AND application = ? AND chat = ?",
        )
        .bind(to.application)
        .bind(to.chat)
        .bind(crate::clock::now_ms() + in_ms)
        .bind(from.application)
        .bind(from.chat)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
