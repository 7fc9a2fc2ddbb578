//! A bound for each step of what no request waits for.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::time::timeout;

/// Far longer than a step takes: after that its connection fell silent.
const STEP_MAX: Duration = Duration::from_secs(60);

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
