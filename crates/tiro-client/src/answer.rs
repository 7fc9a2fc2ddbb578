//! An accepted request's answer: the value and what the headers say about it.

use http::HeaderMap;

use crate::client::RawAnswer;

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The body.
    pub value: T,
    /// The status code, below 400.
    pub status: u16,
    /// `Tiro-Cursor`: the entry that a write made, or the place that was read at; absent on lists.
    pub cursor: Option<String>,
    /// `ETag`, with its quotes: fit for [`crate::Sending::if_match`].
    pub etag: Option<String>,
    /// `Location` of a created thing.
    pub location: Option<String>,
    /// Whether an earlier request under the same key did the work.
    pub replayed: bool,
}

impl<T> Answer<T> {
    pub(crate) fn new(value: T, raw: &RawAnswer) -> Answer<T> {
        Answer {
            value,
            status: raw.status.as_u16(),
            cursor: text(&raw.headers, "tiro-cursor"),
            etag: text(&raw.headers, "etag"),
            location: text(&raw.headers, "location"),
            replayed: text(&raw.headers, "idempotent-replayed").as_deref() == Some("true"),
        }
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
