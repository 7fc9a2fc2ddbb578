//! Readers: how far somebody has read in a chat.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far somebody has read in a chat, and what is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadState<'a> {
    /// Who, in the application's own terms.
    #[schema(value_type = String)]
    pub reader: Cow<'a, str>,
    /// The chat's number.
    pub chat: u64,
    /// The number of the last message read; 0 if none.
    pub read: u64,
    /// Live messages after that one.
    pub unread: u64,
}
