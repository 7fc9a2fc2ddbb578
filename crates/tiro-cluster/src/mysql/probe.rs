//! Whether MySQL takes writes: one is tried.

use sqlx::mysql::MySqlConnectOptions;
use tiro_core::Timestamp;

use super::script::{Cell, Script};
use super::session::Session;
use super::trouble::Trouble;

/// Writes and commits one row that nobody looks at.
pub(crate) async fn takes_writes(options: &MySqlConnectOptions, now: Timestamp) -> Result<(), Trouble> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| Trouble::Again(format!("no random bytes: {error}")))?;
    let mut script = Script::default();
    script
        .sql("INSERT INTO transactions (id, at) VALUES ")
        .tuple(&[Cell::Bytes(&id), now.into()])
        .end();
    Session::open(options).await?.run(script, |_, _| Ok(())).await
}
