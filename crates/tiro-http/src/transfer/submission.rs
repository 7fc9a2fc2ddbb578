//! Requests of an import to the engine: sent again, a bounded number of times, while it is overloaded.

use std::time::Duration;

use tiro_core::{Command, Failure, Reply, Request, Shortage, Unavailable};

use super::bounds::{ATTEMPTS_MAX, BACK_OFF_FIRST, BACK_OFF_MAX};
use crate::app::App;

/// Carries out a request.
///
/// # Errors
/// What the engine says, at overload only after [`ATTEMPTS_MAX`] attempts.
pub(super) async fn submit(app: &App, request: Request) -> Result<Reply, Failure> {
    let mut back_off = BACK_OFF_FIRST;
    for _ in 1..ATTEMPTS_MAX {
        match attempt(app, request.clone()).await {
            Err(Failure::Unavailable(unavailable)) if worth_repeating(&request.command, &unavailable) => {
                tokio::time::sleep(wait(back_off, unavailable.retry_after)).await;
                back_off = (back_off * 2).min(BACK_OFF_MAX);
            }
            answer => return answer,
        }
    }
    attempt(app, request).await
}

async fn attempt(app: &App, request: Request) -> Result<Reply, Failure> {
    let outcome = app.engine.write(request).await;
    app.metrics.wrote(&outcome);
    outcome
}

fn wait(back_off: Duration, asked: Duration) -> Duration {
    back_off.max(asked).min(BACK_OFF_MAX)
}

/// Plain lines carry keys, so they are safe to send again even if they may have been stored.
fn worth_repeating(command: &Command, unavailable: &Unavailable) -> bool {
    let keyed = matches!(command, Command::ImportChat(_) | Command::ImportMessages { .. });
    match unavailable.shortage {
        Shortage::Overloaded | Shortage::StorageUnavailable => true,
        Shortage::OutcomeUnknown => keyed,
        Shortage::StorageFull | Shortage::Stopping => false,
    }
}
