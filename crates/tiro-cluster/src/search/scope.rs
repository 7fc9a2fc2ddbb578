//! Where a search looks: resolved in its snapshot, with the same refusals as any other read.

use std::sync::LazyLock;

use tiro_core::{Application, Cursor, Rejection, SearchScope};

use crate::reads::{
    AFTER_HEAD, HEAD_BY_TOKEN, HEAD_COLUMNS, PLACE_COLUMNS, ReadError, Session, live_chat, token_bytes,
};

static HEAD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {HEAD_COLUMNS}, {PLACE_COLUMNS} FROM applications AS head \
         LEFT JOIN chats AS place ON place.application = head.id AND place.number = ? WHERE {HEAD_BY_TOKEN}"
    )
});

/// A scope as the snapshot has it.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// In an application, or in one chat of it.
    Inside {
        application: Box<Application>,
        partition: u16,
        chat: Option<u64>,
    },
    Everything,
}

impl Scope {
    pub(super) async fn resolve(session: &mut Session<'_>, scope: &SearchScope) -> Result<Scope, ReadError> {
        let (token, chat) = match scope {
            SearchScope::Everything => return Ok(Scope::Everything),
            SearchScope::Application(token) => (token, None),
            SearchScope::Chat { token, number } => (token, Some(*number)),
        };
        let statement = sqlx::query(HEAD.as_str()).bind(chat).bind(token_bytes(token));
        let row = session.one(statement).await?;
        let row = row.ok_or(Rejection::ApplicationNotFound)?;
        let application = session.heads().live_stored(&row)?;
        if chat.is_some() {
            live_chat(&row, AFTER_HEAD)?;
        }
        Ok(Scope::Inside {
            application: Box::new(application.application),
            partition: application.partition,
            chat,
        })
    }

    /// The end of the feed that the scope lies in.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        match self {
            Scope::Inside { application, .. } => Some(application.cursor()),
            Scope::Everything => None,
        }
    }
}
