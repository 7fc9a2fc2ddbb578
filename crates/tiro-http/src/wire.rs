//! From the core's things to those of the wire, borrowing every text.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::value::RawValue;
use tiro_api::{ChangeType, EntryData, HighlightRange, MetadataObject, Time};
use tiro_core::{ChangeKind, Highlight, Metadata, Subject, Thing, Timestamp};

use crate::problem::Problem;

pub(crate) fn application(thing: &tiro_core::Application) -> Result<tiro_api::Application<'_>, Problem> {
    Ok(tiro_api::Application {
        token: Cow::Borrowed(thing.token.as_str()),
        name: thing.name.as_deref().map(Cow::Borrowed),
        metadata: metadata(thing.metadata.as_ref())?,
        chats_count: thing.chats_count,
        created_at: time(thing.created_at),
        updated_at: time(thing.updated_at),
        deleted_at: thing.deleted_at.map(time),
        version: thing.version,
    })
}

pub(crate) fn chat(thing: &tiro_core::Chat) -> Result<tiro_api::Chat<'_>, Problem> {
    Ok(tiro_api::Chat {
        number: thing.number,
        title: thing.title.as_deref().map(Cow::Borrowed),
        metadata: metadata(thing.metadata.as_ref())?,
        messages_count: thing.messages_count,
        last_message_number: thing.last_message_number,
        last_message_at: thing.last_message_at.map(time),
        created_at: time(thing.created_at),
        updated_at: time(thing.updated_at),
        deleted_at: thing.deleted_at.map(time),
        version: thing.version,
    })
}

pub(crate) fn message(thing: &tiro_core::Message) -> Result<tiro_api::Message<'_>, Problem> {
    let content = thing.content.as_deref();
    let sender = content.and_then(|content| content.sender.as_deref());
    Ok(tiro_api::Message {
        number: thing.number,
        body: content.map(|content| Cow::Borrowed(&*content.body)),
        sender: sender.map(Cow::Borrowed),
        metadata: metadata(content.and_then(|content| content.metadata.as_ref()))?,
        created_at: time(thing.created_at),
        updated_at: time(thing.updated_at),
        deleted_at: thing.deleted_at.map(time),
        version: thing.version,
    })
}

pub(crate) fn read_state(thing: &tiro_core::ReadState) -> tiro_api::ReadState<'_> {
    tiro_api::ReadState {
        reader: Cow::Borrowed(&thing.reader),
        chat: thing.chat,
        read: thing.read,
        unread: thing.unread,
    }
}

pub(crate) fn hit(thing: &tiro_core::Hit) -> Result<tiro_api::Hit<'_>, Problem> {
    Ok(tiro_api::Hit {
        application: Cow::Borrowed(thing.application.as_str()),
        chat: thing.chat,
        message: message(&thing.message)?,
        highlights: thing.highlights.iter().map(highlight).collect(),
    })
}

pub(crate) fn entry(entry: &tiro_core::Entry) -> Result<tiro_api::Entry<'_>, Problem> {
    let change = &entry.change;
    let (number, reader) = match &change.subject {
        Subject::Application | Subject::Chat { .. } => (None, None),
        Subject::Message { number, .. } => (Some(*number), None),
        Subject::Reader { reader, .. } => (None, Some(Cow::Borrowed(&**reader))),
    };
    Ok(tiro_api::Entry {
        position: change.position,
        type_: change_type(change.kind()),
        at: time(change.at),
        chat: change.subject.chat(),
        number,
        reader,
        version: change.version,
        data: entry.thing.as_ref().map(data).transpose()?,
    })
}

fn data(thing: &Thing) -> Result<EntryData<'_>, Problem> {
    match thing {
        Thing::Application(thing) => application(thing).map(EntryData::Application),
        Thing::Chat(thing) => chat(thing).map(EntryData::Chat),
        Thing::Message(thing) => message(thing).map(EntryData::Message),
        Thing::Reader(thing) => Ok(EntryData::Reader(read_state(thing))),
    }
}

/// Both sides of one list: the kinds of the core and the types of the wire.
const CHANGE_TYPES: [(ChangeKind, ChangeType); 10] = [
    (ChangeKind::ApplicationCreated, ChangeType::ApplicationCreated),
    (ChangeKind::ApplicationUpdated, ChangeType::ApplicationUpdated),
    (ChangeKind::ApplicationDeleted, ChangeType::ApplicationDeleted),
    (ChangeKind::ChatCreated, ChangeType::ChatCreated),
    (ChangeKind::ChatUpdated, ChangeType::ChatUpdated),
    (ChangeKind::ChatDeleted, ChangeType::ChatDeleted),
    (ChangeKind::MessageCreated, ChangeType::MessageCreated),
    (ChangeKind::MessageUpdated, ChangeType::MessageUpdated),
    (ChangeKind::MessageDeleted, ChangeType::MessageDeleted),
    (ChangeKind::ReaderUpdated, ChangeType::ReaderUpdated),
];

/// The type of a kind of entry.
pub(crate) fn change_type(kind: ChangeKind) -> ChangeType {
    let found = CHANGE_TYPES.into_iter().find(|(known, _)| *known == kind);
    found.expect("every kind has a type").1
}

/// The kind of entry that a type means.
pub(crate) fn change_kind(type_: ChangeType) -> ChangeKind {
    let found = CHANGE_TYPES.into_iter().find(|(_, known)| *known == type_);
    found.expect("every type has a kind").0
}

fn highlight(highlight: &Highlight) -> HighlightRange {
    HighlightRange {
        start: highlight.start as u64,
        end: highlight.end as u64,
    }
}

/// A time of the wire: the core knows the same years.
pub(crate) fn time(timestamp: Timestamp) -> Time {
    Time::from_millis(timestamp.as_millis()).expect("both know the years 0000 to 9999")
}

/// A queue of a cluster.
pub(crate) fn queue_status(queue: tiro_core::QueueStatus) -> tiro_api::QueueStatus {
    let millis = |age: Duration| u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    tiro_api::QueueStatus {
        name: queue.name,
        waiting: queue.waiting,
        running: queue.running,
        failed: queue.failed,
        oldest_age_ms: queue.oldest_age.map(millis),
    }
}

/// A partition of a cluster.
pub(crate) fn partition_status(partition: tiro_core::PartitionStatus) -> tiro_api::PartitionStatus {
    tiro_api::PartitionStatus {
        number: partition.number,
        changes: partition.changes,
        relayed: partition.relayed,
        indexed: partition.indexed,
    }
}

/// A node of a cluster.
pub(crate) fn node_status(node: tiro_core::NodeStatus) -> tiro_api::NodeStatus {
    tiro_api::NodeStatus {
        role: node.role,
        name: node.name,
        started_at: time(node.started_at),
        seen_at: time(node.seen_at),
    }
}

fn metadata(metadata: Option<&Metadata>) -> Result<Option<MetadataObject<'_>>, Problem> {
    let Some(metadata) = metadata else {
        return Ok(None);
    };
    serde_json::from_str::<&RawValue>(metadata.as_str())
        .map(|raw| Some(Cow::Borrowed(raw)))
        .map_err(|error| Problem::internal(format!("stored metadata is not JSON: {error}")))
}
