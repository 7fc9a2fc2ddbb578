//! Readers: how far somebody has read in a chat.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A read marker: how far a reader has read in a chat, and how many messages are unread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadState<'a> {
    /// The reader's name, chosen by the application.
    #[schema(value_type = String)]
    pub reader: Cow<'a, str>,
    /// The chat's number.
    pub chat: u64,
    /// The number of the last message read; 0 if none.
    pub read: u64,
    /// Messages after that one that are not deleted and not the reader's own.
    pub unread: u64,
}
