//! Rows of MySQL as things of the core: which columns are read, in which order, and what they mean.
//!
//! Whoever reads a table selects its `COLUMNS` and hands the row here. A row that cannot be is [`Corrupt`], never a panic.

mod change;
mod deleted;

use std::sync::Arc;

use sqlx::Row;
use sqlx::mysql::MySqlRow;
use tiro_core::{
    Application, ApplicationId, Body, Chat, Epoch, Marker, Message, MessageContent, Metadata, Name,
    ReaderName, Sender, Stage, Timestamp, Title, Token,
};

pub(crate) use change::{CHANGE_COLUMNS, CHANGE_COLUMNS_COUNT, change, kind_number};
pub(crate) use deleted::{DELETED_COLUMNS, deleted, encode_deleted};

/// A row does not say what a row of its table can say. The text names the table and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Corrupt(pub(crate) String);

impl From<sqlx::Error> for Corrupt {
    fn from(error: sqlx::Error) -> Corrupt {
        Corrupt(error.to_string())
    }
}

/// Of `applications`.
pub(crate) const APPLICATION_COLUMNS: &str = "applications.id, applications.token, applications.restoring, \
     applications.restoring_last, applications.partition_id, applications.epoch, applications.name, \
     applications.metadata, applications.chats_count, applications.last_chat_number, applications.last_position, \
     applications.created_at, applications.updated_at, applications.deleted_at, applications.version";
/// How many columns [`APPLICATION_COLUMNS`] has.
pub(crate) const APPLICATION_COLUMNS_COUNT: usize = 15;

/// An application with where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredApplication {
    pub(crate) application: Application,
    pub(crate) partition: u16,
}

/// The application in the columns from `at` on; `None` where an outer join found none.
pub(crate) fn application(row: &MySqlRow, at: usize) -> Result<Option<StoredApplication>, Corrupt> {
    let Some(id) = row.try_get::<Option<u32>, _>(at)? else {
        return Ok(None);
    };
    let stage = match row.try_get(at + 3)? {
        Some(last_position) => Stage::Restoring { last_position },
        None => Stage::Ready,
    };
    let application = Application {
        id: ApplicationId(id),
        token: token(row, at + 1)?,
        epoch: epoch(row, at + 5)?,
        stage,
        name: row.try_get::<Option<&str>, _>(at + 6)?.map(Name::stored),
        metadata: metadata(row, at + 7)?,
        chats_count: row.try_get(at + 8)?,
        last_chat_number: row.try_get(at + 9)?,
        last_position: row.try_get(at + 10)?,
        created_at: time(row, at + 11)?,
        updated_at: time(row, at + 12)?,
        deleted_at: time_or_none(row, at + 13)?,
        version: row.try_get(at + 14)?,
    };
    Ok(Some(StoredApplication {
        application,
        partition: row.try_get(at + 4)?,
    }))
}

/// Of `chats`.
pub(crate) const CHAT_COLUMNS: &str = "chats.application, chats.number, chats.title, chats.metadata, \
     chats.messages_count, chats.last_message_number, chats.last_message_at, chats.created_at, chats.updated_at, \
     chats.deleted_at, chats.version, chats.activity_position, chats.change_position, chats.markers_count";
/// How many columns [`CHAT_COLUMNS`] has.
pub(crate) const CHAT_COLUMNS_COUNT: usize = 14;

/// The chat in the columns from `at` on, and its application; `None` where an outer join found none.
pub(crate) fn chat(row: &MySqlRow, at: usize) -> Result<Option<(ApplicationId, Chat)>, Corrupt> {
    let Some(application) = row.try_get::<Option<u32>, _>(at)? else {
        return Ok(None);
    };
    let chat = Chat {
        number: row.try_get(at + 1)?,
        title: row.try_get::<Option<&str>, _>(at + 2)?.map(Title::stored),
        metadata: metadata(row, at + 3)?,
        messages_count: row.try_get(at + 4)?,
        last_message_number: row.try_get(at + 5)?,
        last_message_at: time_or_none(row, at + 6)?,
        created_at: time(row, at + 7)?,
        updated_at: time(row, at + 8)?,
        deleted_at: time_or_none(row, at + 9)?,
        version: row.try_get(at + 10)?,
        activity_position: row.try_get(at + 11)?,
        change_position: row.try_get(at + 12)?,
        markers_count: row.try_get(at + 13)?,
    };
    Ok(Some((ApplicationId(application), chat)))
}

/// Of `messages`.
pub(crate) const MESSAGE_COLUMNS: &str = "messages.application, messages.chat, messages.number, messages.body, \
     messages.sender, messages.metadata, messages.created_at, messages.updated_at, messages.deleted_at, \
     messages.version, messages.created_position";
/// How many columns [`MESSAGE_COLUMNS`] has.
pub(crate) const MESSAGE_COLUMNS_COUNT: usize = 11;

/// A message with where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredMessage {
    pub(crate) application: ApplicationId,
    pub(crate) chat: u64,
    pub(crate) message: Message,
}

/// The message in the columns from `at` on; `None` where an outer join found none.
pub(crate) fn message(row: &MySqlRow, at: usize) -> Result<Option<StoredMessage>, Corrupt> {
    let Some(application) = row.try_get::<Option<u32>, _>(at)? else {
        return Ok(None);
    };
    let content = match row.try_get::<Option<&str>, _>(at + 3)? {
        None => None,
        Some(body) => Some(Arc::new(MessageContent {
            body: Body::stored(body),
            sender: text(row, at + 4)?.map(|sender| Sender::stored(&sender)),
            metadata: metadata(row, at + 5)?,
        })),
    };
    let message = Message {
        number: row.try_get(at + 2)?,
        content,
        created_at: time(row, at + 6)?,
        updated_at: time(row, at + 7)?,
        deleted_at: time_or_none(row, at + 8)?,
        version: row.try_get(at + 9)?,
        created_position: row.try_get(at + 10)?,
    };
    Ok(Some(StoredMessage {
        application: ApplicationId(application),
        chat: row.try_get(at + 1)?,
        message,
    }))
}

/// Of `markers`.
pub(crate) const MARKER_COLUMNS: &str =
    "markers.application, markers.chat, markers.reader, markers.last_read, markers.version";

/// The marker in the columns from `at` on, and its application; `None` where an outer join found none.
pub(crate) fn marker(row: &MySqlRow, at: usize) -> Result<Option<(ApplicationId, Marker)>, Corrupt> {
    let Some(application) = row.try_get::<Option<u32>, _>(at)? else {
        return Ok(None);
    };
    let reader = text(row, at + 2)?.ok_or_else(|| Corrupt("a marker without a reader".to_owned()))?;
    let marker = Marker {
        reader: ReaderName::stored(&reader),
        chat: row.try_get(at + 1)?,
        read: row.try_get(at + 3)?,
        version: row.try_get(at + 4)?,
    };
    Ok(Some((ApplicationId(application), marker)))
}

/// A token.
pub(crate) fn token(row: &MySqlRow, at: usize) -> Result<Token, Corrupt> {
    Token::parse(&ascii(row, at)?).map_err(|_| Corrupt("a token is none".to_owned()))
}

/// An epoch.
pub(crate) fn epoch(row: &MySqlRow, at: usize) -> Result<Epoch, Corrupt> {
    Epoch::parse(&ascii(row, at)?).ok_or_else(|| Corrupt("an epoch is none".to_owned()))
}

fn ascii(row: &MySqlRow, at: usize) -> Result<String, Corrupt> {
    text(row, at)?.ok_or_else(|| Corrupt(format!("column {at} is NULL")))
}

/// A text that is compared, so kept as bytes.
fn text(row: &MySqlRow, at: usize) -> Result<Option<String>, Corrupt> {
    let bytes = row.try_get::<Option<Vec<u8>>, _>(at)?;
    let text = bytes.map(String::from_utf8).transpose();
    text.map_err(|_| Corrupt(format!("column {at} is not UTF-8")))
}

fn metadata(row: &MySqlRow, at: usize) -> Result<Option<Metadata>, Corrupt> {
    Ok(row.try_get::<Option<&str>, _>(at)?.map(Metadata::stored))
}

fn time(row: &MySqlRow, at: usize) -> Result<Timestamp, Corrupt> {
    Ok(Timestamp::from_millis(row.try_get(at)?))
}

pub(crate) fn time_or_none(row: &MySqlRow, at: usize) -> Result<Option<Timestamp>, Corrupt> {
    Ok(row.try_get::<Option<i64>, _>(at)?.map(Timestamp::from_millis))
}
