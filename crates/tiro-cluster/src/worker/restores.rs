//! Restores whose node died, or whose client never came back: given up by how long they did not go on.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::mysql::beside::step;
use crate::mysql::pool::Pool;
use crate::mysql::restores;
use crate::rabbitmq::consumer::stopped;

const EVERY: Duration = Duration::from_secs(60);

/// Gives up restores that stand still.
pub struct Restores {
    pool: Pool,
    silent_max: Duration,
}

impl Restores {
    /// Of this database. A restore that stored nothing for longer than `silent_max` is given up.
    #[must_use]
    pub fn new(pool: Pool, silent_max: Duration) -> Restores {
        Restores { pool, silent_max }
    }

    /// Looks for them until it is stopped.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let look = async {
                if let Err(error) = step(self.chunk()).await {
                    tracing::warn!(%error, "restores that stand still were not given up");
                }
                sleep(EVERY).await;
            };
            tokio::select! {
                () = look => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// Gives up some of those that stand still, at most 100, and says how many.
    ///
    /// # Errors
    /// When MySQL does not answer; what was given up stays so.
    pub async fn chunk(&self) -> Result<u64, sqlx::Error> {
        let mut given_up = 0;
        for restore in restores::still(&self.pool, self.silent_max).await? {
            if restores::give_up(&self.pool, restore, self.silent_max).await? {
                let application = restore.application;
                tracing::warn!(application, "an import that nobody went on with was given up");
                given_up += 1;
            }
        }
        Ok(given_up)
    }
}
