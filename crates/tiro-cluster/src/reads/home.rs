//! Where things are: what reads of them need of their application and chat, in few columns.

use std::sync::LazyLock;

use sqlx::Row;
use sqlx::mysql::MySqlRow;
use tiro_core::{ApplicationId, Cursor, Rejection, Token};

use super::head::token_bytes;
use super::session::{Read, ReadError, Session};
use crate::mysql::rows;

/// Of `applications AS top`: what [`ApplicationHome`] is read from.
pub(super) const TOP_COLUMNS: &str =
    "top.id, top.partition_id, top.epoch, top.last_position, top.deleted_at, top.last_chat_number";
/// How many columns [`TOP_COLUMNS`] has.
pub(super) const TOP_COLUMNS_COUNT: usize = 6;
/// Of `chats AS room`: what [`Home`] is read from, behind [`TOP_COLUMNS`].
pub(super) const ROOM_COLUMNS: &str =
    "room.number, room.deleted_at, room.last_message_number, room.change_position";
/// How many columns [`TOP_COLUMNS`] and [`ROOM_COLUMNS`] have.
pub(super) const HOME_COLUMNS_COUNT: usize = TOP_COLUMNS_COUNT + 4;
/// The application that a token is bound to.
pub(super) const HOME_BY_TOKEN: &str = "top.token = ? AND top.restoring = 0";

static HOME: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {TOP_COLUMNS}, {ROOM_COLUMNS} FROM applications AS top \
         LEFT JOIN chats AS room ON room.application = top.id AND room.number = ? WHERE {HOME_BY_TOKEN}"
    )
});

static APPLICATION_HOME: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {TOP_COLUMNS} FROM applications AS top WHERE {HOME_BY_TOKEN}"));

/// The application that something is in, live, as one statement saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApplicationHome {
    pub(crate) application: ApplicationId,
    pub(crate) partition: u16,
    /// The end of its feed.
    pub(crate) cursor: Cursor,
    pub(crate) last_chat_number: u64,
}

/// Where the chats of an application are, without them.
pub(super) struct ChatsHome<'a>(pub(super) &'a Token);

impl Read for ChatsHome<'_> {
    type Answer = ApplicationHome;

    async fn read(&self, session: &mut Session<'_>) -> Result<ApplicationHome, ReadError> {
        let statement = sqlx::query(APPLICATION_HOME.as_str()).bind(token_bytes(self.0));
        let row = session.one(statement).await?;
        let row = row.ok_or(Rejection::ApplicationNotFound)?;
        session.heads().application_home(self.0, &row)
    }
}

/// The home in a row that begins with [`TOP_COLUMNS`].
pub(super) fn application_home(row: &MySqlRow) -> Result<ApplicationHome, ReadError> {
    if rows::time_or_none(row, 4)?.is_some() {
        return Err(Rejection::ApplicationDeleted.into());
    }
    Ok(ApplicationHome {
        application: ApplicationId(row.try_get(0)?),
        partition: row.try_get(1)?,
        cursor: Cursor {
            epoch: rows::epoch(row, 2)?,
            position: row.try_get(3)?,
        },
        last_chat_number: row.try_get(5)?,
    })
}

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

/// The home in a row that begins with [`TOP_COLUMNS`] and [`ROOM_COLUMNS`].
pub(super) fn home(row: &MySqlRow) -> Result<Home, ReadError> {
    const ROOM: usize = TOP_COLUMNS_COUNT;
    let ApplicationHome {
        application,
        partition,
        cursor,
        ..
    } = application_home(row)?;
    if row.try_get::<Option<u64>, _>(ROOM)?.is_none() {
        return Err(Rejection::ChatNotFound.into());
    }
    if rows::time_or_none(row, ROOM + 1)?.is_some() {
        return Err(Rejection::ChatDeleted.into());
    }
    Ok(Home {
        application,
        partition,
        cursor,
        last_message_number: row.try_get(ROOM + 2)?,
        change_position: row.try_get(ROOM + 3)?,
    })
}
