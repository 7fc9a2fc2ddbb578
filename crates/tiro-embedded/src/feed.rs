//! Entries of one application's feed: changes in order, each with its thing if it made the present version.
//!
//! Changes are read first, then the things that they are about, so a thing is never older than its entry: where it is newer,
//! a later entry has it. Recent rows are taken under one look, the others below it block by block, each block once a page.

use std::collections::HashMap;

use tiro_core::{
    Application, ApplicationId, Change, Chat, Entry, Failure, Marker, Message, PAGE_BYTES_MAX, ReadState,
    Rejection, Subject, Thing, unread,
};

use crate::encoding::Corrupt;
use crate::reads::DISAGREES;
use crate::recent::{Below, Rows};
use crate::view::ViewError;
use crate::view::keys::{change_block, message_block};

/// Entries whose changes and things are gathered at once.
pub(crate) const PIECE_ENTRIES_MAX: usize = 1_000;

/// The changes at positions `first` to `last`, which exist.
pub(crate) fn changes(
    rows: Rows<'_>,
    id: ApplicationId,
    (first, last): (u64, u64),
) -> Result<Vec<Change>, ViewError> {
    let (mut newest, below) = rows.look(|active| active.changes_between(id, first, last).to_vec());
    let end = newest.first().map_or(last, |newest| newest.position - 1);
    let frozen = below
        .frozen()
        .map_or(&[][..], |frozen| frozen.changes_between(id, first, end));
    let end = frozen.first().map_or(end, |frozen| frozen.position - 1);
    let mut found = Vec::new();
    if first <= end {
        for block in change_block(first)..=change_block(end) {
            let changes = below.view.changes_in_block(id, block)?.into_iter();
            found.extend(changes.filter(|change| (first..=end).contains(&change.position)));
        }
    }
    found.extend_from_slice(frozen);
    found.append(&mut newest);
    let dense = (first..)
        .zip(&found)
        .all(|(position, change)| change.position == position);
    if dense && found.len() as u64 == last + 1 - first {
        Ok(found)
    } else {
        Err(ViewError::Row(Corrupt("a change is missing")))
    }
}

/// The first entries of these changes, until their texts have [`PAGE_BYTES_MAX`].
///
/// # Errors
/// The application was deleted meanwhile, or a row cannot be read.
pub(crate) fn entries(
    rows: Rows<'_>,
    id: ApplicationId,
    changes: Vec<Change>,
) -> Result<Vec<Entry>, Failure> {
    let ((application, recent), below) = rows.look(|active| {
        // Whatever changes in an application changes its row.
        let application = active.applications.get(&id).cloned();
        let changed = changes.iter().filter(|_| application.is_some());
        let recent: Vec<Recent> = changed
            .map(|change| Recent {
                chat: change
                    .subject
                    .chat()
                    .and_then(|chat| active.chat(id, chat).map(ChatHead::of)),
                thing: active.thing(id, &change.subject),
            })
            .collect();
        (application, recent)
    });
    let application = match application {
        Some(application) => application,
        None => below
            .application(id, Application::clone)?
            .ok_or(Rejection::ApplicationNotFound)?,
    };
    if application.deleted_at.is_some() {
        return Err(Rejection::ApplicationDeleted.into());
    }
    let mut things = Things {
        rows,
        below: &below,
        id,
        application: &application,
        chats: HashMap::new(),
        blocks: HashMap::new(),
    };
    let (mut entries, mut bytes) = (Vec::with_capacity(changes.len()), 0);
    let recent = recent.into_iter().chain(std::iter::repeat_with(Recent::default));
    for (change, recent) in changes.into_iter().zip(recent) {
        if bytes >= PAGE_BYTES_MAX {
            break;
        }
        let thing = things.of(&change, recent)?;
        bytes += thing.as_ref().map_or(0, Thing::bytes);
        entries.push(Entry { change, thing });
    }
    Ok(entries)
}

/// A row of the active generation that an entry is about, without counts of what is unread.
#[derive(Debug)]
pub(crate) enum Row {
    Chat(Chat),
    Message(Message),
    Marker(Marker),
}

/// What the active generation has for one entry.
#[derive(Default)]
struct Recent {
    chat: Option<ChatHead>,
    thing: Option<Row>,
}

/// What entries below a chat need of it.
#[derive(Clone, Copy)]
struct ChatHead {
    is_deleted: bool,
}

impl ChatHead {
    fn of(chat: &Chat) -> ChatHead {
        ChatHead {
            is_deleted: chat.deleted_at.is_some(),
        }
    }
}

/// The things of one piece, with the rows that were read for them.
struct Things<'a> {
    rows: Rows<'a>,
    below: &'a Below,
    id: ApplicationId,
    application: &'a Application,
    chats: HashMap<u64, ChatHead>,
    blocks: HashMap<(u64, u64), Vec<Message>>,
}

impl Things<'_> {
    fn of(&mut self, change: &Change, recent: Recent) -> Result<Option<Thing>, Failure> {
        let below_chat = matches!(change.subject, Subject::Message { .. } | Subject::Reader { .. });
        if let Some(chat) = change.subject.chat().filter(|_| below_chat)
            && self.chat_head(chat, recent.chat)?.is_deleted
        {
            return Ok(None);
        }
        let thing = match (&change.subject, recent.thing) {
            (Subject::Application, _) if change.version == self.application.version => {
                Thing::Application(self.application.clone())
            }
            (Subject::Application, _) => return Ok(None),
            (_, Some(Row::Chat(chat))) => Thing::Chat(chat),
            (_, Some(Row::Message(message))) => Thing::Message(message),
            (Subject::Chat { chat }, _) => {
                let row = self.below.chat(self.id, *chat, Chat::clone)?;
                Thing::Chat(row.ok_or(missing("a chat is missing"))?)
            }
            (Subject::Message { chat, number }, _) => Thing::Message(self.message(*chat, *number)?),
            (Subject::Reader { chat, reader }, known) => {
                let marker = match known {
                    Some(Row::Marker(marker)) => Some(marker),
                    _ => self.below.marker(self.id, *chat, reader)?,
                };
                let marker = marker.ok_or(missing("a marker is missing"))?;
                if marker.version != change.version {
                    return Ok(None);
                }
                return Ok(read_state(self.rows, self.id, &marker)?.map(Thing::Reader));
            }
        };
        Ok((thing.version() == change.version).then_some(thing))
    }

    fn chat_head(&mut self, chat: u64, recent: Option<ChatHead>) -> Result<ChatHead, ViewError> {
        if let Some(head) = recent.or_else(|| self.chats.get(&chat).copied()) {
            return Ok(head);
        }
        let head = self.below.chat(self.id, chat, ChatHead::of)?;
        let head = head.ok_or(missing("a chat is missing"))?;
        self.chats.insert(chat, head);
        Ok(head)
    }

    fn message(&mut self, chat: u64, number: u64) -> Result<Message, ViewError> {
        let frozen = self.below.frozen();
        if let Some(message) = frozen.and_then(|frozen| frozen.message(self.id, chat, number)) {
            return Ok(message.clone());
        }
        let block = message_block(number);
        let messages = match self.blocks.entry((chat, block)) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(self.below.view.messages_in_block(self.id, chat, block)?)
            }
        };
        let found = messages.iter().find(|message| message.number == number);
        found.cloned().ok_or(missing("a message is missing"))
    }
}

fn missing(what: &'static str) -> ViewError {
    ViewError::Row(Corrupt(what))
}

/// How far a reader has read and what is left, in one state; `None` if the marker has moved on or its chat was deleted.
fn read_state(rows: Rows<'_>, id: ApplicationId, marker: &Marker) -> Result<Option<ReadState>, Failure> {
    rows.in_one_state(id, |rows| {
        let present = rows.marker(id, marker.chat, &marker.reader)?;
        let chat = rows.chat(id, marker.chat)?;
        let Some(chat) = chat.filter(|chat| chat.deleted_at.is_none()) else {
            return Ok(None);
        };
        if present.is_none_or(|present| present.version != marker.version) {
            return Ok(None);
        }
        let unread = unread(&chat, marker.read, |place| rows.deleted(id, place))?.ok_or(DISAGREES)?;
        Ok(Some(marker.state(unread)))
    })
}
