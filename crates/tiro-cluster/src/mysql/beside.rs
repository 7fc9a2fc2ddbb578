//! MySQL for what no request waits for: connections, and a bound for each step.

use std::future::Future;
use std::io;
use std::time::Duration;

use sqlx::Connection;
use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use tokio::time::timeout;

const ACQUIRE_MAX: Duration = Duration::from_secs(5);
/// Longest wait for an answer to what reads nothing.
const ANSWER_MAX: Duration = Duration::from_secs(1);
/// Far longer than a step takes: after that its connection fell silent.
const STEP_MAX: Duration = Duration::from_secs(60);

/// Connects when it is needed. A connection that does not answer does not come back: nobody has to wait for it.
pub(crate) fn pool(mysql: MySqlConnectOptions, connections_max: u32) -> MySqlPool {
    MySqlPoolOptions::new()
        .max_connections(connections_max)
        .test_before_acquire(false)
        .acquire_timeout(ACQUIRE_MAX)
        .idle_timeout(Duration::from_secs(60))
        .after_release(|connection, _| {
            Box::pin(async move {
                let answered = timeout(ANSWER_MAX, connection.ping()).await;
                answered.unwrap_or_else(|_| Err(silent())).map(|()| true)
            })
        })
        .connect_lazy_with(mysql)
}

/// Carries out a step that is taken again where it fails; one that has no end fails after a minute.
pub(crate) async fn step<T, E: From<sqlx::Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    timeout(STEP_MAX, work)
        .await
        .unwrap_or_else(|_| Err(silent().into()))
}

fn silent() -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, "MySQL did not answer in time").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_step_that_never_ends_fails_and_one_that_ends_is_what_it_was() {
        let never = step(std::future::pending::<Result<u8, sqlx::Error>>()).await;
        assert!(matches!(never, Err(sqlx::Error::Io(_))), "{never:?}");
        let ends = step(async { Ok::<_, sqlx::Error>(7) }).await;
        assert!(matches!(ends, Ok(7)), "{ends:?}");
    }
}
