//! Whether MySQL takes writes: one is tried.
//!
//! A MySQL that waits, as for space on its disk, holds the session of a write until it goes on, whoever has gone away
//! meanwhile. So the next write is tried only when that of before waits no more: a node leaves one session there, not one
//! every few seconds until no connection is left for reads.

use parking_lot::Mutex;
use sqlx::Row;
use sqlx::mysql::{MySqlConnectOptions, MySqlRow};
use tiro_core::Timestamp;

use super::script::{Cell, Script};
use super::session::Session;
use super::trouble::Trouble;

/// Tries writes, one at a time.
pub(crate) struct Probe {
    options: MySqlConnectOptions,
    /// MySQL's number of the session whose write was not answered.
    unanswered: Mutex<Option<u64>>,
}

impl Probe {
    pub(crate) fn new(options: MySqlConnectOptions) -> Probe {
        Probe {
            options,
            unanswered: Mutex::default(),
        }
    }

    /// Writes and commits one row that nobody looks at, within some seconds. That MySQL cannot be reached is said only where
    /// it cannot be connected to: one that does not carry out a write may be read.
    pub(crate) async fn takes_writes(&self, now: Timestamp) -> Result<(), Trouble> {
        let mut session = Session::open(&self.options).await?;
        let written = self.write(&mut session, now).await;
        written.map_err(|trouble| match trouble {
            Trouble::Lost(text) => Trouble::Closed(text),
            other => other,
        })
    }

    async fn write(&self, session: &mut Session, now: Timestamp) -> Result<(), Trouble> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| Trouble::Again(format!("no random bytes: {error}")))?;
        let mut script = Script::default();
        script
            .sql("INSERT INTO transactions (id, at) VALUES ")
            .tuple(&[Cell::Bytes(&id), now.into()])
            .end();
        let before = *self.unanswered.lock();
        *self.unanswered.lock() = Some(number_unless_busy(session, before).await?);
        let answered = session.run(script, |_, _| Ok(())).await;
        if !matches!(answered, Err(Trouble::Lost(_))) {
            *self.unanswered.lock() = None;
        }
        answered
    }
}

/// MySQL's number of this session; refused while another one is at work.
async fn number_unless_busy(session: &mut Session, other: Option<u64>) -> Result<u64, Trouble> {
    let mut script = Script::default();
    script.statement("SELECT CAST(CONNECTION_ID() AS UNSIGNED)");
    if let Some(other) = other {
        script
            .sql("SELECT 1 FROM information_schema.PROCESSLIST WHERE COMMAND <> 'Sleep' AND ID = ")
            .cell(other)
            .end();
    }
    let (mut number, mut is_busy) = (None, false);
    let each = |statement, row: MySqlRow| {
        if statement == 0 {
            number = Some(row.try_get(0)?);
        } else {
            is_busy = true;
        }
        Ok(())
    };
    session.run(script, each).await?;
    if is_busy {
        return Err(Trouble::Closed(
            "a write that was tried before still waits in MySQL".to_owned(),
        ));
    }
    number.ok_or_else(|| Trouble::Lost("MySQL did not tell a session's number".to_owned()))
}
