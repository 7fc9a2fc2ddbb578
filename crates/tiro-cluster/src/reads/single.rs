//! One thing each: one statement.

use std::sync::LazyLock;

use sqlx::mysql::MySqlRow;
use tiro_core::{Application, Chat, Message, Rejection, Seen, Token};

use super::head::{AFTER_HEAD, HEAD_BY_TOKEN, HEAD_COLUMNS, live_application, live_chat, token_bytes};
use super::home::{HOME_BY_TOKEN, HOME_COLUMNS_COUNT, Home, ROOM_COLUMNS, TOP_COLUMNS};
use super::session::{Read, ReadError, Session};
use crate::mysql::rows::{self, APPLICATION_COLUMNS, CHAT_COLUMNS, MESSAGE_COLUMNS};

static APPLICATION: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {APPLICATION_COLUMNS} FROM applications WHERE token = ? AND restoring = 0")
});

static CHAT: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {HEAD_COLUMNS}, {CHAT_COLUMNS} FROM applications AS head \
         LEFT JOIN chats ON chats.application = head.id AND chats.number = ? WHERE {HEAD_BY_TOKEN}"
    )
});

static MESSAGE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {TOP_COLUMNS}, {ROOM_COLUMNS}, {MESSAGE_COLUMNS} FROM applications AS top \
         LEFT JOIN chats AS room ON room.application = top.id AND room.number = ? \
         LEFT JOIN messages ON messages.application = top.id AND messages.chat = ? AND messages.number = ? \
         WHERE {HOME_BY_TOKEN}"
    )
});

/// An application by its token.
pub(super) struct OneApplication<'a>(pub(super) &'a Token);

impl Read for OneApplication<'_> {
    type Answer = Seen<Application>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Seen<Application>, ReadError> {
        let row = session
            .one(sqlx::query(APPLICATION.as_str()).bind(token_bytes(self.0)))
            .await?;
        let application = row.map(|row| session.heads().find(&row)).transpose()?.flatten();
        let application = live_application(application.map(|stored| stored.application))?;
        let cursor = application.cursor();
        Ok(Seen {
            thing: application,
            cursor,
        })
    }
}

/// A chat.
pub(super) struct OneChat<'a>(pub(super) &'a Token, pub(super) u64);

impl Read for OneChat<'_> {
    type Answer = Seen<Chat>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Seen<Chat>, ReadError> {
        let statement = sqlx::query(CHAT.as_str()).bind(self.1).bind(token_bytes(self.0));
        let row = there(session.one(statement).await?)?;
        let cursor = session.heads().live(&row)?.cursor();
        let chat = live_chat(&row, AFTER_HEAD)?;
        Ok(Seen { thing: chat, cursor })
    }
}

/// A message.
pub(super) struct OneMessage<'a> {
    pub(super) token: &'a Token,
    pub(super) chat: u64,
    pub(super) number: u64,
}

impl Read for OneMessage<'_> {
    type Answer = Seen<Message>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Seen<Message>, ReadError> {
        let statement = sqlx::query(MESSAGE.as_str())
            .bind(self.chat)
            .bind(self.chat)
            .bind(self.number)
            .bind(token_bytes(self.token));
        let row = there(session.one(statement).await?)?;
        let Home { cursor, .. } = session.heads().home(self.token, &row)?;
        let stored = rows::message(&row, HOME_COLUMNS_COUNT)?;
        let message = stored.ok_or(Rejection::MessageNotFound)?.message;
        if message.deleted_at.is_some() {
            return Err(Rejection::MessageDeleted.into());
        }
        Ok(Seen {
            thing: message,
            cursor,
        })
    }
}

/// The row of an application that is there.
pub(super) fn there(row: Option<MySqlRow>) -> Result<MySqlRow, ReadError> {
    Ok(row.ok_or(Rejection::ApplicationNotFound)?)
}
