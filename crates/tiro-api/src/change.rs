//! The feed: its entries, and pages of them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{Application, Chat, Message, ReadState, Time};

// A name is a `tt`: within a `literal` the OpenAPI generator does not find it.
macro_rules! change_types {
    ($($variant:ident $name:tt $doc:literal)*) => {
        /// What an entry is about, and what happened to it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        pub enum ChangeType {
            $(#[doc = $doc] #[serde(rename = $name)] $variant,)*
        }

        impl ChangeType {
            /// All of them, in the order of this file.
            pub const ALL: &'static [ChangeType] = &[$(ChangeType::$variant,)*];

            /// As it stands on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(ChangeType::$variant => $name,)* }
            }
        }
    };
}

change_types! {
    ApplicationCreated "application.created" "The application came to be: position 1."
    ApplicationUpdated "application.updated" "Its name or metadata changed."
    ApplicationDeleted "application.deleted" "The end of the feed."
    ChatCreated "chat.created" "A chat came to be."
    ChatUpdated "chat.updated" "Its title or metadata changed."
    ChatDeleted "chat.deleted" "It is gone, with its messages and readers."
    MessageCreated "message.created" "A message came to be."
    MessageUpdated "message.updated" "Its body or metadata changed."
    MessageDeleted "message.deleted" "It is gone."
    ReaderUpdated "reader.updated" "Somebody has read further, also the first time."
}

impl ChangeType {
    /// The type that is written so on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<ChangeType> {
        ChangeType::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for ChangeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of an application's feed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "ReceivedEntry")]
pub struct Entry<'a> {
    /// 1, 2, 3 … in the application, without gaps.
    #[schema(minimum = 1)]
    pub position: u64,
    /// What happened.
    #[serde(rename = "type")]
    pub type_: ChangeType,
    /// When Tiro accepted the change; imported messages may have an earlier `created_at`.
    pub at: Time,
    /// The chat's number, on entries of chats, messages and readers.
    #[schema(required, minimum = 1)]
    pub chat: Option<u64>,
    /// The message's number, on entries of messages.
    #[schema(required, minimum = 1)]
    pub number: Option<u64>,
    /// The reader, on entries of readers.
    #[schema(value_type = Option<String>, required)]
    pub reader: Option<Cow<'a, str>>,
    /// The version of the thing after this change.
    #[schema(minimum = 1)]
    pub version: u64,
    /// The thing as it is now, a tombstone for a delete. `null` where the thing has another version by now (a later
    /// entry has it), or went with its chat.
    #[schema(value_type = Option<EntryData>, required)]
    pub data: Option<EntryData<'a>>,
}

/// The thing that changed: an application, chat, message or read marker, depending on `type`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum EntryData<'a> {
    /// Of `application.…`.
    #[schema(value_type = Application)]
    Application(Application<'a>),
    /// Of `chat.…`.
    #[schema(value_type = Chat)]
    Chat(Chat<'a>),
    /// Of `message.…`.
    #[schema(value_type = Message)]
    Message(Message<'a>),
    /// Of `reader.updated`.
    #[schema(value_type = ReadState)]
    Reader(ReadState<'a>),
}

/// A page of an application's change feed, by position.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChangePage<'a> {
    /// Entries by position; may be empty although `has_more` is true.
    #[schema(value_type = Vec<Entry>)]
    pub data: Vec<Entry<'a>>,
    /// Whether there were entries after `next` when the page was read.
    pub has_more: bool,
    /// The cursor to send as `after` for the following page; never `null`, also at the end of the feed.
    #[schema(value_type = String)]
    pub next: Cow<'a, str>,
    /// The cursor of the feed's end when the page was read.
    #[schema(value_type = String)]
    pub as_of: Cow<'a, str>,
}

/// An entry as it is received: what `data` is comes out once `type` is known.
#[derive(Deserialize)]
struct ReceivedEntry {
    position: u64,
    #[serde(rename = "type")]
    type_: ChangeType,
    at: Time,
    chat: Option<u64>,
    number: Option<u64>,
    reader: Option<String>,
    version: u64,
    data: Option<Box<RawValue>>,
}

impl TryFrom<ReceivedEntry> for Entry<'_> {
    type Error = serde_json::Error;

    fn try_from(entry: ReceivedEntry) -> Result<Self, serde_json::Error> {
        let data = entry.data.map(|data| EntryData::read(entry.type_, data.get()));
        Ok(Entry {
            position: entry.position,
            type_: entry.type_,
            at: entry.at,
            chat: entry.chat,
            number: entry.number,
            reader: entry.reader.map(Cow::Owned),
            version: entry.version,
            data: data.transpose()?,
        })
    }
}

impl EntryData<'_> {
    fn read(kind: ChangeType, json: &str) -> serde_json::Result<Self> {
        use ChangeType::{
            ApplicationCreated, ApplicationDeleted, ApplicationUpdated, ChatCreated, ChatDeleted,
            ChatUpdated, MessageCreated, MessageDeleted, MessageUpdated, ReaderUpdated,
        };
        match kind {
            ApplicationCreated | ApplicationUpdated | ApplicationDeleted => {
                serde_json::from_str(json).map(EntryData::Application)
            }
            ChatCreated | ChatUpdated | ChatDeleted => serde_json::from_str(json).map(EntryData::Chat),
            MessageCreated | MessageUpdated | MessageDeleted => {
                serde_json::from_str(json).map(EntryData::Message)
            }
            ReaderUpdated => serde_json::from_str(json).map(EntryData::Reader),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_written_as_serde_writes_it_and_read_back() {
        for kind in ChangeType::ALL {
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
            assert_eq!(ChangeType::parse(kind.as_str()), Some(*kind));
        }
    }

    #[test]
    fn the_data_of_an_entry_is_read_by_its_type() {
        let entry = |kind: &str, data: &str| {
            let json = format!(
                "{{\"position\":3,\"type\":\"{kind}\",\"at\":\"1970-01-01T00:00:00.000Z\",\"chat\":1,\
                 \"number\":null,\"reader\":\"ada\",\"version\":2,\"data\":{data}}}"
            );
            let read: Result<Entry<'static>, _> = serde_json::from_str(&json);
            read.map(|entry| (serde_json::to_string(&entry).unwrap() == json, entry.data))
        };
        let state = r#"{"reader":"ada","chat":1,"read":4,"unread":2}"#;
        let (same, data) = entry("reader.updated", state).unwrap();
        assert!(same && matches!(data, Some(EntryData::Reader(state)) if state.unread == 2));
        assert!(matches!(entry("chat.updated", "null"), Ok((true, None))));
        assert!(entry("chat.updated", state).is_err());
        assert!(entry("chat.moved", "null").is_err());
    }
}
