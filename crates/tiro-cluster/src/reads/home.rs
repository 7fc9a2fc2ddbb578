//! Where messages are: what reads of them need of their application and chat, in few columns.

use std::sync::LazyLock;

use sqlx::Row;
use sqlx::mysql::MySqlRow;
use tiro_core::{ApplicationId, Cursor, Rejection, Token};

use super::head::token_bytes;
use super::session::{Read, ReadError, Session};
use crate::mysql::rows;

/// Of `applications AS top` and `chats AS room`: what [`Home`] is read from.
pub(super) const HOME_COLUMNS: &str = "top.id, top.epoch, top.last_position, top.deleted_at, room.number, \
     room.deleted_at, room.last_message_number, room.change_position, top.partition_id";
/// How many columns [`HOME_COLUMNS`] has.
pub(super) const HOME_COLUMNS_COUNT: usize = 9;
/// The application that a token is bound to.
pub(super) const HOME_BY_TOKEN: &str = "top.token = ? AND top.restoring = 0";

static HOME: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {HOME_COLUMNS} FROM applications AS top \
         LEFT JOIN chats AS room ON room.application = top.id AND room.number = ? WHERE {HOME_BY_TOKEN}"
    )
});

/// The chat that something is in, live like its application, as one statement saw both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    pub(crate) application: ApplicationId,
    pub(crate) partition: u16,
    /// The end of the application's feed.
    pub(crate) cursor: Cursor,
    pub(crate) last_message_number: u64,
    /// Position of the latest change in or below the chat: while it is the same, so are all its messages.
    pub(crate) change_position: u64,
}

/// Where the messages of a chat are, without them.
pub(super) struct ChatHome<'a> {
    pub(super) token: &'a Token,
    pub(super) chat: u64,
}

impl Read for ChatHome<'_> {
    type Answer = Home;

    async fn read(&self, session: &mut Session<'_>) -> Result<Home, ReadError> {
        let statement = sqlx::query(HOME.as_str())
            .bind(self.chat)
            .bind(token_bytes(self.token));
        let row = session.one(statement).await?;
        let row = row.ok_or(Rejection::ApplicationNotFound)?;
        session.heads().home(self.token, &row)
    }
}

/// The home in a row that begins with [`HOME_COLUMNS`].
pub(super) fn home(row: &MySqlRow) -> Result<Home, ReadError> {
    if rows::time_or_none(row, 3)?.is_some() {
        return Err(Rejection::ApplicationDeleted.into());
    }
    if row.try_get::<Option<u64>, _>(4)?.is_none() {
        return Err(Rejection::ChatNotFound.into());
    }
    if rows::time_or_none(row, 5)?.is_some() {
        return Err(Rejection::ChatDeleted.into());
    }
    Ok(Home {
        application: ApplicationId(row.try_get(0)?),
        partition: row.try_get(8)?,
        cursor: Cursor {
            epoch: rows::epoch(row, 1)?,
            position: row.try_get(2)?,
        },
        last_message_number: row.try_get(6)?,
        change_position: row.try_get(7)?,
    })
}
