//! Lines of NDJSON that applications leave and arrive in: *Tiro lines* of an export, *plain lines* of others.
//!
//! Tiro lines, format 1: per application a [`LinesHeader`] and its feed, one [`LinesEntry`] a line, in order; the
//! entry that the header names as the last carries the `end`. Nothing in them tells when or where they were
//! written, so the same history gives the same bytes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{Application, Chat, Message, ReadState, Time};

/// The format of Tiro lines that is written and read.
pub const LINES_FORMAT: u64 = 1;

/// The first line of an exported application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinesHeader<'a> {
    /// The format's version. Only an export's lines have this member, plain lines do not.
    pub tiro: u64,
    /// The application's token.
    #[schema(value_type = String)]
    pub token: Cow<'a, str>,
    /// The epoch: the first part of the application's cursors.
    #[schema(value_type = String)]
    pub epoch: Cow<'a, str>,
    /// The position of its last entry. A live application has as many entries; a deleted one has only the last.
    #[schema(minimum = 1)]
    pub last_position: u64,
}

/// One entry of the feed. Generic over `data`, which is read only after `type` is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinesEntry<'a, D> {
    /// 1, 2, 3 … in the application.
    pub position: u64,
    /// `application`, `chat` or `message`, a dot, and `created`, `updated` or `deleted`; or `reader.updated`.
    #[serde(rename = "type")]
    pub type_: Cow<'a, str>,
    /// When Tiro accepted it.
    pub at: Time,
    /// The chat's number, on entries of chats, messages and readers.
    pub chat: Option<u64>,
    /// The message's number, on entries of messages.
    pub number: Option<u64>,
    /// Who, on entries of readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<Cow<'a, str>>,
    /// The version that the entry gave the thing.
    pub version: u64,
    /// The thing, if that version is the present one.
    pub data: Option<D>,
    /// The key of the request that made the entry.
    pub key: Option<LinesKey<'a>>,
    /// On the last entry of the application only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<LinesEnd<'a>>,
}

/// The thing of an entry, as everywhere in `/v1`.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum LinesData<'a> {
    /// Of `application.…`.
    Application(Application<'a>),
    /// Of `chat.…`.
    Chat(Chat<'a>),
    /// Of `message.…`.
    Message(Message<'a>),
    /// Of `reader.updated`.
    Reader(ReadState<'a>),
}

/// An idempotency key and what it is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinesKey<'a> {
    /// `server`, `application` or `import`: where the key counts.
    #[schema(value_type = String)]
    pub namespace: Cow<'a, str>,
    /// The key.
    #[schema(value_type = String)]
    pub key: Cow<'a, str>,
    /// SHA-256 of the request, in hexadecimal.
    #[schema(value_type = String)]
    pub fingerprint: Cow<'a, str>,
    /// On updates of messages: when the message was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Time>,
}

/// What closes an application's lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinesEnd<'a> {
    /// Whether another application follows: a file that ends here was cut.
    pub more: bool,
    /// SHA-256, in hexadecimal, of all bytes of this application before the comma in front of this member.
    #[schema(value_type = String)]
    pub sha256: Cow<'a, str>,
}

/// A message from another system, for an import. `null` is the same as absent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlainLine<'a> {
    /// The source's name of the chat; required.
    #[schema(value_type = String)]
    pub chat: Option<Cow<'a, str>>,
    /// Who sent it.
    #[schema(value_type = Option<String>)]
    pub sender: Option<Cow<'a, str>>,
    /// When: RFC 3339 with any offset; becomes `created_at`.
    #[schema(value_type = Option<Time>)]
    pub at: Option<Cow<'a, str>>,
    /// The text; required.
    #[schema(value_type = String)]
    pub body: Option<Cow<'a, str>>,
    /// One JSON object.
    #[serde(borrow)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<&'a RawValue>,
}
