//! What a search found.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Message;

/// A message that contains every term of the query.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Hit<'a> {
    /// The token of its application.
    #[schema(value_type = String, min_length = 16, max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    pub application: Cow<'a, str>,
    /// The number of its chat.
    #[schema(minimum = 1)]
    pub chat: u64,
    /// The message as it is now; never a tombstone.
    #[schema(value_type = Message)]
    pub message: Message<'a>,
    /// The matches in its body, ascending, not overlapping, at most 100.
    #[schema(min_items = 1, max_items = 100)]
    pub highlights: Vec<HighlightRange>,
}

/// A match in a body, in characters (Unicode scalar values) from its beginning. It never splits what a person sees
/// as one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HighlightRange {
    /// The first matched character.
    pub start: u64,
    /// The character after the last matched one.
    #[schema(minimum = 1)]
    pub end: u64,
}

/// Search results, most recently created first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SearchPage<'a> {
    /// Within an application by the order of creation in its feed, over all applications by creation time. May be
    /// empty although `has_more` is true: the server answers what it found within its deadline.
    #[schema(value_type = Vec<Hit>)]
    pub data: Vec<Hit<'a>>,
    /// Whether there may be further hits.
    pub has_more: bool,
    /// The value of `after` for the following page; `null` at the end.
    #[schema(value_type = Option<String>, required)]
    pub next: Option<Cow<'a, str>>,
    /// The cursor up to which every message was searched; `null` in a search over all applications.
    #[schema(value_type = Option<String>, required)]
    pub searched_through: Option<Cow<'a, str>>,
}
