//! Questions to Redis whose answer is wanted at once or not at all.
//!
//! Whoever asks waits for a bounded time. Where Redis did not answer by then, or with an error, it is away: for a second
//! nobody asks again.

use std::future::Future;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::aio::ConnectionManager;
use redis::{Client, RedisResult};

use super::Connection;

const AWAY_FOR: Duration = Duration::from_secs(1);

/// What the log says.
pub(super) struct Says {
    /// Once Redis is away.
    pub(super) away: &'static str,
    /// Once it is back.
    pub(super) back: &'static str,
}

/// A connection for such questions; it connects with the first.
pub(super) struct Prompt {
    connection: Connection,
    within: Duration,
    says: Says,
    /// Nobody asks before; `Some` while Redis is away.
    away_until: Mutex<Option<Instant>>,
}

impl Prompt {
    /// Answers are waited for `within` at most.
    pub(super) fn new(client: Client, within: Duration, says: Says) -> Prompt {
        Prompt {
            connection: Connection::new(client),
            within,
            says,
            away_until: Mutex::new(None),
        }
    }

    /// What Redis answers; `None` while it is away.
    pub(super) async fn ask<T, F>(&self, question: impl FnOnce(ConnectionManager) -> F) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        if self.away_until.lock().is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let error = match self.connection.ask(self.within, question).await {
            Ok(answer) => {
                if self.away_until.lock().take().is_some() {
                    tracing::info!("{}", self.says.back);
                }
                return Some(answer);
            }
            Err(error) => error,
        };
        let before = self.away_until.lock().replace(Instant::now() + AWAY_FOR);
        if before.is_none() {
            tracing::warn!(%error, "{}", self.says.away);
        }
        None
    }
}
