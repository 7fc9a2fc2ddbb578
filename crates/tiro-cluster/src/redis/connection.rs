//! A connection to Redis that is opened when it is needed, and again when it was lost or fell silent.
//!
//! The library opens one again that was lost, but waits on one that the network forgot until the system gives it up, after a
//! quarter of an hour.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ErrorKind, RedisError, RedisResult};
use tokio::time::timeout;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Longer than any answer is waited for.
const RESPONSE_MAX: Duration = Duration::from_secs(2);

/// Clones share one connection. Each use of it tries once and says how it went.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    current: Arc<Mutex<Option<Numbered>>>,
}

/// One after the other, so that who finds one silent does not close the next.
#[derive(Clone)]
struct Numbered {
    number: u64,
    manager: ConnectionManager,
}

impl Connection {
    /// Connects with the first question.
    pub(crate) fn new(client: Client) -> Connection {
        Connection {
            client,
            current: Arc::default(),
        }
    }

    /// What Redis answers within some time, connecting included where that is needed.
    pub(crate) async fn ask<T, F>(
        &self,
        within: Duration,
        question: impl FnOnce(ConnectionManager) -> F,
    ) -> RedisResult<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let Numbered { number, manager } = self.current()?;
        match timeout(within, question(manager)).await {
            Ok(Err(error)) if error.is_timeout() => {
                self.renew(number);
                Err(error)
            }
            Ok(answer) => answer,
            Err(_) => {
                self.renew(number);
                Err(silent(within))
            }
        }
    }

    fn current(&self) -> RedisResult<Numbered> {
        let mut current = self.current.lock();
        if let Some(numbered) = &*current {
            return Ok(numbered.clone());
        }
        self.open(0, &mut current)
    }

    /// Opens the next one, unless that was done already.
    fn renew(&self, number: u64) {
        let mut current = self.current.lock();
        if current.as_ref().is_some_and(|current| current.number == number)
            && let Err(error) = self.open(number + 1, &mut current)
        {
            tracing::debug!(%error, "no other connection to Redis");
        }
    }

    fn open(&self, number: u64, current: &mut Option<Numbered>) -> RedisResult<Numbered> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_max_delay(Duration::from_secs(2))
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(RESPONSE_MAX));
        let manager = self.client.get_connection_manager_lazy(config)?;
        Ok(current.insert(Numbered { number, manager }).clone())
    }
}

fn silent(within: Duration) -> RedisError {
    let text = format!("no answer in {} ms", within.as_millis());
    (ErrorKind::Io, "Redis is silent", text).into()
}
