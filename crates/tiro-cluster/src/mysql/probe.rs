//! Whether MySQL takes writes: one is tried.

use sqlx::mysql::MySqlConnectOptions;
use tiro_core::Timestamp;

use super::script::{Cell, Script};
use super::session::Session;
use super::trouble::Trouble;

/// Writes and commits one row that nobody looks at, within some seconds. That MySQL cannot be reached is said only where it
/// cannot be connected to: one that does not carry out a write may be read.
pub(crate) async fn takes_writes(options: &MySqlConnectOptions, now: Timestamp) -> Result<(), Trouble> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| Trouble::Again(format!("no random bytes: {error}")))?;
    let mut script = Script::default();
    script
        .sql("INSERT INTO transactions (id, at) VALUES ")
        .tuple(&[Cell::Bytes(&id), now.into()])
        .end();
    let mut session = Session::open(options).await?;
    let written = session.run(script, |_, _| Ok(())).await;
    written.map_err(|trouble| match trouble {
        Trouble::Lost(text) => Trouble::Closed(text),
        other => other,
    })
}
