//! Rows of MySQL that are of no use any more, removed in bounded chunks.

use std::time::Duration;

use sqlx::MySqlPool;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::rabbitmq::consumer::stopped;

const EVERY: Duration = Duration::from_secs(60);
/// Whether a COMMIT that was not answered was carried out is asked within seconds.
const TRANSACTIONS_KEPT: Duration = Duration::from_secs(3_600);
const CHUNK_ROWS: u64 = 5_000;
/// Of one round; the rest is for the next one.
const CHUNKS_MAX: u32 = 100;

/// Removes rows of `transactions` that are older than an hour.
pub struct Clear {
    pool: MySqlPool,
}

impl Clear {
    /// Of this database.
    #[must_use]
    pub fn new(pool: MySqlPool) -> Clear {
        Clear { pool }
    }

    /// Clears until it is stopped.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let round = async {
                if let Err(error) = self.round().await {
                    tracing::warn!(%error, "old transactions were not removed");
                }
                sleep(EVERY).await;
            };
            tokio::select! {
                () = round => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// Removes what is old enough, at most 500,000 rows, and answers how many.
    ///
    /// # Errors
    /// When MySQL does not answer; what was removed stays removed.
    pub async fn round(&self) -> Result<u64, sqlx::Error> {
        let kept_ms = i64::try_from(TRANSACTIONS_KEPT.as_millis()).unwrap_or(i64::MAX);
        let mut removed = 0;
        for _ in 0..CHUNKS_MAX {
            let chunk = sqlx::query("DELETE FROM transactions WHERE at < ? ORDER BY at LIMIT ?")
                .bind(crate::clock::now_ms() - kept_ms)
                .bind(CHUNK_ROWS)
                .execute(&self.pool)
                .await?
                .rows_affected();
            removed += chunk;
            if chunk < CHUNK_ROWS {
                break;
            }
        }
        Ok(removed)
    }
}
