//! A connection to Redis that is opened when it is needed, and again when it was lost or fell silent.
//!
//! The library opens one again that was lost, but waits on one that the network forgot until the system gives it up, after a
//! quarter of an hour.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, RedisResult};
use tokio::time::timeout;

const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Longer than any answer is waited for.
const RESPONSE_MAX: Duration = Duration::from_secs(2);
/// A connection that answered nothing for so long is given up. Before that it may be one that is still being opened, or a Redis that
/// is busy.
const SILENT_MAX: Duration = Duration::from_secs(2);

/// Clones share one connection. Each use of it tries once and says how it went.
#[derive(Clone)]
pub(crate) struct Connection {
    client: Client,
    current: Arc<Mutex<Option<Current>>>,
}

struct Current {
    /// Of all that there were.
    number: u64,
    manager: ConnectionManager,
    /// Since when no answer came in time, where none did.
    silent_since: Option<Instant>,
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
        let (number, manager) = self.current()?;
        let answer = timeout(within, question(manager)).await;
        let answer = answer.unwrap_or_else(|_| Err(silent(within)));
        let is_silent = answer.as_ref().is_err_and(RedisError::is_timeout);
        self.note(number, is_silent);
        answer
    }

    fn current(&self) -> RedisResult<(u64, ConnectionManager)> {
        let mut current = self.current.lock();
        if current.is_none() {
            *current = Some(self.open(0)?);
        }
        let current = current.as_ref().expect("it was opened");
        Ok((current.number, current.manager.clone()))
    }

    /// Whether an answer of the connection of that number came in time.
    fn note(&self, number: u64, is_silent: bool) {
        let mut current = self.current.lock();
        let Some(known) = current.as_mut().filter(|current| current.number == number) else {
            // Another one was opened meanwhile.
            return;
        };
        if !is_silent {
            known.silent_since = None;
            return;
        }
        let since = *known.silent_since.get_or_insert_with(Instant::now);
        if since.elapsed() < SILENT_MAX {
            return;
        }
        match self.open(number + 1) {
            Ok(next) => *known = next,
            Err(error) => tracing::debug!(%error, "no other connection to Redis"),
        }
    }

    /// Opens one, in a task: who asks may not wait for as long as that takes.
    fn open(&self, number: u64) -> RedisResult<Current> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_max_delay(Duration::from_secs(2))
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(RESPONSE_MAX));
        let manager = self.client.get_connection_manager_lazy(config)?;
        let mut opening = manager.clone();
        tokio::spawn(async move {
            if let Err(error) = redis::cmd("PING").exec_async(&mut opening).await {
                tracing::debug!(%error, "Redis was not reached");
            }
        });
        Ok(Current {
            number,
            manager,
            silent_since: None,
        })
    }
}

fn silent(within: Duration) -> RedisError {
    std::io::Error::new(
        std::io::ErrorKind::TimedOut,
        format!("no answer in {} ms", within.as_millis()),
    )
    .into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tiro_conformance::{Fault, Proxy};

    use super::*;
    use crate::ClusterConfig;

    const SOON: Duration = Duration::from_millis(50);
    const PATIENCE: Duration = Duration::from_secs(20);

    async fn ping(connection: &Connection, within: Duration) -> RedisResult<String> {
        let ping = |mut redis| async move { redis::cmd("PING").query_async::<String>(&mut redis).await };
        connection.ask(within, ping).await
    }

    #[tokio::test]
    async fn a_connection_that_is_silent_for_a_moment_stays_and_a_forgotten_one_is_opened_anew() {
        let file =
            std::env::var_os("TIRO_CLUSTER").expect("TIRO_CLUSTER names the file of a running cluster");
        let config = ClusterConfig::read(Path::new(&file)).expect("the file of the cluster is right");
        let proxy = Proxy::start(&config.redis).await;
        let connection = Connection::new(Client::open(proxy.url()).expect("it is an address"));
        ping(&connection, PATIENCE).await.expect("Redis answers");
        proxy.set(Fault::StallAnswers);
        let silent = ping(&connection, SOON).await.expect_err("it is silent");
        assert!(silent.is_timeout(), "{silent}");
        proxy.set(Fault::None);
        ping(&connection, PATIENCE).await.expect("Redis answers again");
        assert_eq!(proxy.connections(), 1);
        proxy.forget();
        let answered = async { while ping(&connection, SOON).await.is_err() {} };
        timeout(PATIENCE, answered).await.expect("another one answers");
        assert_eq!(proxy.connections(), 2);
    }
}
