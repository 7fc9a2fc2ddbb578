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
    /// Where in its body: ascending and apart, the first 100.
    #[schema(min_items = 1, max_items = 100)]
    pub highlights: Vec<HighlightRange>,
}

/// A part of a body that the query found, in characters (Unicode scalar values) from the body's beginning. It never
/// cuts what a person sees as one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HighlightRange {
    /// The first character.
    pub start: u64,
    /// The one behind the last.
    #[schema(minimum = 1)]
    pub end: u64,
}

/// Hits, the newest creation first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SearchPage<'a> {
    /// In an application by the place of their creates in its feed, over everything by creation time. It may be
    /// empty where the search goes on: the server answers what it found in time.
    #[schema(value_type = Vec<Hit>)]
    pub data: Vec<Hit<'a>>,
    /// Whether the search goes on.
    pub has_more: bool,
    /// Where it goes on; `null` at its end.
    #[schema(value_type = Option<String>, required)]
    pub next: Option<Cow<'a, str>>,
    /// The place in the application's feed up to which every message was searched; `null` over everything.
    #[schema(value_type = Option<String>, required)]
    pub searched_through: Option<Cow<'a, str>>,
}
