//! Rows of MySQL that are of no use any more, removed in bounded chunks: what lies below deleted things, and old
//! transactions.

use std::time::Duration;

use tiro_core::Timestamp;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::mysql::beside::step;
use crate::mysql::pool::Pool;
use crate::mysql::purge;
use crate::rabbitmq::consumer::stopped;

const EVERY: Duration = Duration::from_secs(10);
/// Between two chunks, so that they are not what the disk is busy with.
const PAUSE: Duration = Duration::from_millis(10);

/// Removes rows while there are some.
pub struct Clear {
    pool: Pool,
}

impl Clear {
    /// Of this database.
    #[must_use]
    pub fn new(pool: Pool) -> Clear {
        Clear { pool }
    }

    /// Clears until it is stopped.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let chunk = async {
                match step(self.chunk()).await {
                    Ok(purged) if purged.more => sleep(PAUSE).await,
                    Ok(_) => sleep(EVERY).await,
                    Err(error) => {
                        tracing::warn!(%error, "what was deleted was not removed");
                        sleep(EVERY).await;
                    }
                }
            };
            tokio::select! {
                () = chunk => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// Removes one chunk: see [`purge::round`].
    ///
    /// # Errors
    /// When MySQL does not answer; what was removed stays removed.
    pub async fn chunk(&self) -> Result<purge::Purged, sqlx::Error> {
        let now = Timestamp::from_millis(crate::clock::now_ms());
        Box::pin(purge::round(&self.pool, now)).await
    }
}
