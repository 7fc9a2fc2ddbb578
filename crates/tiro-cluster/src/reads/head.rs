//! What every read needs of the application and the chat that it is in: their rows without the texts.
//!
//! A page is `head UNION ALL items`: the first row has the head and no item, the others have an item and no head. So the
//! head is sent once, also where there is no item, and the items come in the order of an index without being sorted. What a
//! row does not have comes from a join that finds nothing, so that its columns keep their types.

use sqlx::mysql::MySqlRow;
use tiro_core::{Application, Chat, Rejection, Token};

use super::home::{ApplicationHome, Home, application_home, home};
use super::session::{ReadError, corrupt};
use crate::mysql::rows::{self, APPLICATION_COLUMNS_COUNT, StoredApplication};
use crate::routes::Routes;

/// Of `applications AS head`: as [`rows::APPLICATION_COLUMNS`], without the name and the metadata.
pub(crate) const HEAD_COLUMNS: &str = "head.id, head.token, head.restoring, head.restoring_last, \
     head.partition_id, head.epoch, NULL, NULL, head.chats_count, head.last_chat_number, head.last_position, \
     head.created_at, head.updated_at, head.deleted_at, head.version";
/// Where the columns behind [`HEAD_COLUMNS`] begin.
pub(crate) const AFTER_HEAD: usize = APPLICATION_COLUMNS_COUNT;
/// The application that a token is bound to.
pub(crate) const HEAD_BY_TOKEN: &str = "head.token = ? AND head.restoring = 0";
/// The same for items: their application is `top`, their chat `room`, and `head` and `place` are empty.
pub(crate) const TOP_BY_TOKEN: &str = "top.token = ? AND top.restoring = 0 AND top.deleted_at IS NULL";

/// Of `chats AS place`: as [`rows::CHAT_COLUMNS`], without the title and the metadata.
pub(crate) const PLACE_COLUMNS: &str = "place.application, place.number, NULL, NULL, place.messages_count, \
     place.last_message_number, place.last_message_at, place.created_at, place.updated_at, place.deleted_at, \
     place.version, place.activity_position, place.change_position, place.markers_count";

/// Joins that find nothing: no thing has the number 0. By the whole primary key, so that the planner knows it beforehand.
pub(crate) const NO_HEAD: &str = "LEFT JOIN applications AS head ON head.id = 0";
pub(crate) const NO_PLACE: &str = "LEFT JOIN chats AS place ON place.application = 0 AND place.number = 0";
pub(crate) const NO_APPLICATION: &str = "LEFT JOIN applications ON applications.id = 0";
pub(crate) const NO_CHAT: &str = "LEFT JOIN chats ON chats.application = 0 AND chats.number = 0";
pub(crate) const NO_MESSAGE: &str =
    "LEFT JOIN messages ON messages.application = 0 AND messages.chat = 0 AND messages.number = 0";
pub(crate) const NO_CHANGE: &str = "LEFT JOIN changes ON changes.application = 0 AND changes.position = 0";
pub(crate) const NO_MARKER: &str =
    "LEFT JOIN markers ON markers.application = 0 AND markers.chat = 0 AND markers.reader = ''";

/// How a token is compared.
pub(crate) fn token_bytes(token: &Token) -> Vec<u8> {
    token.as_str().as_bytes().to_vec()
}

/// Reads the applications of rows that begin with [`HEAD_COLUMNS`], and remembers where they are: a create of one that this
/// node has only read can be parked too.
#[derive(Clone, Copy)]
pub(crate) struct Heads<'a>(pub(super) Option<&'a Routes>);

impl Heads<'_> {
    /// The application of the first row of a page.
    pub(super) fn any(self, row: &MySqlRow) -> Result<StoredApplication, ReadError> {
        let stored = self.find(row)?;
        stored.ok_or(corrupt("the first row of a page has no head"))
    }

    /// The same where it may be missing.
    pub(super) fn find(self, row: &MySqlRow) -> Result<Option<StoredApplication>, ReadError> {
        let stored = rows::application(row, 0)?;
        if let (
            Some(routes),
            Some(StoredApplication {
                application,
                partition,
            }),
        ) = (self.0, &stored)
        {
            routes.learn(Some(&application.token), application.id, *partition);
        }
        Ok(stored)
    }

    /// The home of something in a chat of the application that a token is bound to.
    pub(crate) fn home(self, token: &Token, row: &MySqlRow) -> Result<Home, ReadError> {
        let home = home(row)?;
        if let Some(routes) = self.0 {
            routes.learn(Some(token), home.application, home.partition);
        }
        Ok(home)
    }

    /// The home of a chat of it.
    pub(super) fn application_home(
        self,
        token: &Token,
        row: &MySqlRow,
    ) -> Result<ApplicationHome, ReadError> {
        let home = application_home(row)?;
        if let Some(routes) = self.0 {
            routes.learn(Some(token), home.application, home.partition);
        }
        Ok(home)
    }

    /// The application of the first row of a page, which is live.
    pub(crate) fn live(self, row: &MySqlRow) -> Result<Application, ReadError> {
        Ok(self.live_stored(row)?.application)
    }

    /// The same with where it is written.
    pub(crate) fn live_stored(self, row: &MySqlRow) -> Result<StoredApplication, ReadError> {
        let stored = self.any(row)?;
        Ok(StoredApplication {
            application: live_application(Some(stored.application))?,
            partition: stored.partition,
        })
    }
}

/// The application, which is live.
pub(crate) fn live_application(application: Option<Application>) -> Result<Application, Rejection> {
    let application = application.ok_or(Rejection::ApplicationNotFound)?;
    match application.deleted_at {
        None => Ok(application),
        Some(_) => Err(Rejection::ApplicationDeleted),
    }
}

/// The chat, which is live, in the columns from `at` on.
pub(crate) fn live_chat(row: &MySqlRow, at: usize) -> Result<Chat, ReadError> {
    let (_, chat) = rows::chat(row, at)?.ok_or(Rejection::ChatNotFound)?;
    match chat.deleted_at {
        None => Ok(chat),
        Some(_) => Err(Rejection::ChatDeleted.into()),
    }
}
