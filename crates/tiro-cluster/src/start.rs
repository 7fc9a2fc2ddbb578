//! The start of a node while MySQL is away: it waits, and says what for.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::OpenError;
use crate::backoff::Backoff;

/// After a first try, and at most.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// From one line in the log to the next, unless it is another trouble.
const SAID_EVERY: Duration = Duration::from_secs(30);

/// Opens what needs MySQL, again and again for as long as waiting may mend what is amiss ([`OpenError::is_passing`]). It has no
/// bound: whoever started the node ends it. Dropping it half way is fine.
///
/// # Errors
/// What waiting does not mend.
pub async fn when_mysql_is_there<T>(
    mut open: impl AsyncFnMut() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let mut pause = Backoff::new(PAUSE, PAUSE_MAX);
    let mut said: Option<(String, Instant)> = None;
    loop {
        let error = match open().await {
            Err(error) if error.is_passing() => error.to_string(),
            Ok(opened) => {
                if said.is_some() {
                    tracing::info!("MySQL is there");
                }
                return Ok(opened);
            }
            Err(error) => return Err(error),
        };
        let is_new = said
            .as_ref()
            .is_none_or(|(text, at)| *text != error || at.elapsed() >= SAID_EVERY);
        if is_new {
            tracing::warn!(%error, "the start waits for MySQL");
            said = Some((error, Instant::now()));
        }
        sleep(pause.delay()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> OpenError {
        sqlx::Error::Io(std::io::ErrorKind::ConnectionRefused.into()).into()
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_waited_for_what_passes_and_not_for_what_does_not() {
        let mut tries = 0;
        let opened = when_mysql_is_there(async || {
            tries += 1;
            if tries < 100 { Err(refused()) } else { Ok(tries) }
        });
        assert!(matches!(opened.await, Ok(100)));
        let newer = || OpenError::NewerSchema { found: 9, known: 4 };
        let ended = when_mysql_is_there(async || Err::<(), _>(newer())).await;
        assert!(matches!(ended, Err(OpenError::NewerSchema { .. })), "{ended:?}");
        for lasting in [OpenError::Address, OpenError::Unsafe(Vec::new()), newer()] {
            assert!(!lasting.is_passing(), "{lasting}");
        }
        for passing in [
            refused(),
            OpenError::Silent { seconds: 1 },
            OpenError::Busy { seconds: 1 },
        ] {
            assert!(passing.is_passing(), "{passing}");
        }
    }
}
