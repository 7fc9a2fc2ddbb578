//! The things: application, chat, message. A tombstone has `deleted_at` set and no content.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::Time;

/// The JSON object that a client attached, in the spelling in which it was received.
pub type MetadataObject<'a> = Cow<'a, RawValue>;

/// An application, or its tombstone: `name` and `metadata` `null`, `chats_count` 0.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Application<'a> {
    /// The application's name in URLs. Whoever has it can read and write everything inside the application.
    #[schema(value_type = String, min_length = 16, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    pub token: Cow<'a, str>,
    /// What people call it.
    #[schema(value_type = Option<String>, required)]
    pub name: Option<Cow<'a, str>>,
    /// Any JSON object that the client attached.
    #[schema(value_type = Option<Object>, required)]
    pub metadata: Option<MetadataObject<'a>>,
    /// Chats that are not deleted.
    pub chats_count: u64,
    /// When it was created.
    pub created_at: Time,
    /// When its own content last changed (not that of the things inside).
    pub updated_at: Time,
    /// When it was deleted.
    #[schema(required)]
    pub deleted_at: Option<Time>,
    /// 1 when created, one more with every accepted update or delete.
    #[schema(minimum = 1)]
    pub version: u64,
}

/// A chat, or its tombstone: `title` and `metadata` `null`, `messages_count` 0.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Chat<'a> {
    /// 1, 2, 3 … in its application.
    #[schema(minimum = 1)]
    pub number: u64,
    /// What people call it.
    #[schema(value_type = Option<String>, required)]
    pub title: Option<Cow<'a, str>>,
    /// Any JSON object that the client attached.
    #[schema(value_type = Option<Object>, required)]
    pub metadata: Option<MetadataObject<'a>>,
    /// Messages that are not deleted.
    pub messages_count: u64,
    /// The number of the most recently created message, deleted or not; 0 before the first.
    pub last_message_number: u64,
    /// When that message was created.
    #[schema(required)]
    pub last_message_at: Option<Time>,
    /// When it was created.
    pub created_at: Time,
    /// When its own content last changed (not that of the things inside).
    pub updated_at: Time,
    /// When it was deleted.
    #[schema(required)]
    pub deleted_at: Option<Time>,
    /// 1 when created, one more with every accepted update or delete.
    #[schema(minimum = 1)]
    pub version: u64,
}

/// A message, or its tombstone: `body`, `sender` and `metadata` `null`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Message<'a> {
    /// 1, 2, 3 … in its chat.
    #[schema(minimum = 1)]
    pub number: u64,
    /// The text; `null` only in a tombstone.
    #[schema(value_type = Option<String>, required)]
    pub body: Option<Cow<'a, str>>,
    /// The sender's name, chosen by the application.
    #[schema(value_type = Option<String>, required)]
    pub sender: Option<Cow<'a, str>>,
    /// Any JSON object that the client attached.
    #[schema(value_type = Option<Object>, required)]
    pub metadata: Option<MetadataObject<'a>>,
    /// When it was created; for an imported message the time given by the import.
    pub created_at: Time,
    /// When its content last changed.
    pub updated_at: Time,
    /// When it was deleted.
    #[schema(required)]
    pub deleted_at: Option<Time>,
    /// 1 when created, one more with every accepted update or delete.
    #[schema(minimum = 1)]
    pub version: u64,
}
