//! What changed in one span of the log, as whole rows in memory: read before the view, then written to it.
//!
//! Rows are absolute, so writing them twice changes nothing. Messages created in a chat within one span have numbers
//! without a gap, and so have changes of an application, hence vectors with a first number.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;
use tiro_core::{
    Application, ApplicationId, Change, Chat, DeletedNode, DeletedPlace, Event, Facts, KeyName, Marker,
    Message, Namespace, ReaderName, Subject, Token,
};

use crate::feed::Row;
use crate::log::LogPoint;
use crate::planted;

pub(crate) type Map<K, V> = HashMap<K, V, RandomState>;
type Set<K> = HashSet<K, RandomState>;

/// Bytes that a row costs beyond its texts, for the bound on memory.
const ROW_BYTES: usize = 128;

/// Changes to one chat.
#[derive(Debug, Default)]
pub(crate) struct ChatRows {
    /// The chat's own row, if it changed.
    pub(crate) chat: Option<Chat>,
    /// New messages in order; the number of the first is that of the first element.
    pub(crate) created: Vec<Message>,
    /// Messages of before that changed.
    pub(crate) changed: BTreeMap<u64, Message>,
    /// Markers that moved.
    pub(crate) markers: Map<ReaderName, Marker>,
}

impl ChatRows {
    pub(crate) fn message(&self, number: u64) -> Option<&Message> {
        self.created_index(number)
            .map(|index| &self.created[index])
            .or_else(|| self.changed.get(&number))
    }

    fn created_index(&self, number: u64) -> Option<usize> {
        let first = self.created.first()?.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        (index < self.created.len()).then_some(index)
    }

    fn put_message(&mut self, message: Message) {
        match self.created_index(message.number) {
            Some(index) => self.created[index] = message,
            None if self
                .created
                .last()
                .is_some_and(|last| last.number + 1 == message.number) =>
            {
                self.created.push(message);
            }
            None => {
                self.changed.insert(message.number, message);
            }
        }
    }
}

/// All rows that changed in a span of the log.
#[derive(Debug)]
pub(crate) struct Generation {
    /// Where the span ends.
    pub(crate) end: LogPoint,
    /// The number that the next application gets.
    pub(crate) next_application: ApplicationId,
    /// Estimate of the memory it takes.
    pub(crate) bytes: usize,
    pub(crate) applications: Map<ApplicationId, Application>,
    pub(crate) tokens: Map<Token, ApplicationId>,
    pub(crate) chats: Map<(ApplicationId, u64), ChatRows>,
    /// The chats in which a reader's marker moved.
    readers: Map<(ApplicationId, ReaderName), BTreeSet<u64>>,
    /// Deleted counts of lists.
    pub(crate) deleted: Map<(ApplicationId, DeletedPlace), Arc<DeletedNode>>,
    pub(crate) changes: Map<ApplicationId, Vec<Change>>,
    /// The position, and for [`Namespace::Server`] the application, that a key is bound to.
    pub(crate) keys: Map<(Option<ApplicationId>, KeyName), (ApplicationId, u64)>,
    /// Restores that were finished.
    pub(crate) restored: Vec<ApplicationId>,
    /// Restores that were given up. They hide what lies below this span.
    pub(crate) abandoned: Set<ApplicationId>,
}

impl Generation {
    /// Nothing has changed since `end`.
    pub(crate) fn new(end: LogPoint, next_application: ApplicationId) -> Generation {
        Generation {
            end,
            next_application,
            bytes: 0,
            applications: Map::default(),
            tokens: Map::default(),
            chats: Map::default(),
            readers: Map::default(),
            deleted: Map::default(),
            changes: Map::default(),
            keys: Map::default(),
            restored: Vec::new(),
            abandoned: Set::default(),
        }
    }

    /// Whether nothing was taken in.
    pub(crate) fn is_empty(&self) -> bool {
        self.applications.is_empty() && self.abandoned.is_empty()
    }

    /// Takes in one batch: `events` in order, and `facts` after all of them were applied.
    pub(crate) fn absorb(&mut self, end: LogPoint, events: &[Event], facts: &Facts) {
        for event in events {
            self.absorb_event(event);
        }
        for application in facts.changed_applications() {
            self.bytes += ROW_BYTES;
            self.applications.insert(application.id, application.clone());
        }
        for (application, chat) in facts.changed_chats() {
            self.bytes += ROW_BYTES;
            self.chats.entry((application, chat.number)).or_default().chat = Some(chat.clone());
        }
        for (application, chat, message) in facts.changed_messages() {
            self.bytes += ROW_BYTES + message.bytes();
            self.chats
                .entry((application, chat))
                .or_default()
                .put_message(message.clone());
        }
        for (application, marker) in facts.changed_markers() {
            self.bytes += 2 * ROW_BYTES + marker.reader.len();
            let reader = (application, marker.reader.clone());
            self.readers.entry(reader).or_default().insert(marker.chat);
            let rows = self.chats.entry((application, marker.chat)).or_default();
            rows.markers.insert(marker.reader.clone(), marker.clone());
        }
        for (application, place, node) in facts.changed_deleted() {
            self.bytes += ROW_BYTES;
            self.deleted.insert((application, place), Arc::clone(node));
        }
        for place in planted::miscounted(events) {
            let rows = self.chats.get_mut(&place);
            if let Some(chat) = rows.and_then(|rows| rows.chat.as_mut()) {
                chat.messages_count += 1;
            }
        }
        self.end = end;
        self.next_application = facts.next_application();
    }

    fn absorb_event(&mut self, event: &Event) {
        let id = event.application();
        match event {
            Event::ApplicationCreated { application, .. } => {
                self.tokens.insert(application.token.clone(), id);
            }
            Event::RestoreFinished { token, .. } => {
                self.tokens.insert(token.clone(), id);
                self.restored.push(id);
            }
            Event::RestoreAbandoned { .. } => {
                self.applications.remove(&id);
                self.abandoned.insert(id);
            }
            Event::MessagesCreated {
                chat,
                first_number,
                first_position,
                at,
                messages,
                ..
            } => {
                let rows = self.chats.entry((id, *chat)).or_default();
                for (step, message) in (0..).zip(messages) {
                    self.bytes += 2 * ROW_BYTES + message.content.bytes();
                    rows.created
                        .push(message.message(first_number + step, first_position + step, *at));
                }
            }
            _ => {}
        }
        let changes = self.changes.entry(id).or_default();
        let keys = &mut self.keys;
        let bytes = &mut self.bytes;
        event.each_change(|change| {
            *bytes += ROW_BYTES;
            if let Some(binding) = &change.key {
                let scope = (binding.name.namespace != Namespace::Server).then_some(id);
                keys.insert((scope, binding.name.clone()), (id, change.position));
                *bytes += ROW_BYTES;
            }
            changes.push(change);
        });
    }

    /// What this span says of an application; `Some(None)` if it was forgotten, whatever lies below.
    pub(crate) fn application(&self, id: ApplicationId) -> Option<Option<&Application>> {
        match self.applications.get(&id) {
            Some(application) => Some(Some(application)),
            None => self.abandoned.contains(&id).then_some(None),
        }
    }

    pub(crate) fn chat(&self, application: ApplicationId, chat: u64) -> Option<&Chat> {
        self.chats.get(&(application, chat))?.chat.as_ref()
    }

    pub(crate) fn message(&self, application: ApplicationId, chat: u64, number: u64) -> Option<&Message> {
        self.chats.get(&(application, chat))?.message(number)
    }

    pub(crate) fn change(&self, application: ApplicationId, position: u64) -> Option<&Change> {
        let changes = self.changes.get(&application)?;
        let index = position.checked_sub(changes.first()?.position)?;
        changes.get(usize::try_from(index).ok()?)
    }

    /// The changes at positions `first` to `last`, as far as they are of this span.
    pub(crate) fn changes_between(&self, application: ApplicationId, first: u64, last: u64) -> &[Change] {
        let changes = self.changes.get(&application).map_or(&[][..], Vec::as_slice);
        let start = changes.partition_point(|change| change.position < first);
        let end = changes.partition_point(|change| change.position <= last);
        &changes[start..end.max(start)]
    }

    /// The position of the first change of this span.
    pub(crate) fn first_position(&self, application: ApplicationId) -> Option<u64> {
        Some(self.changes.get(&application)?.first()?.position)
    }

    /// The row that an entry of a chat, a message or a reader is about.
    pub(crate) fn thing(&self, application: ApplicationId, subject: &Subject) -> Option<Row> {
        match subject {
            Subject::Application => None,
            Subject::Chat { chat } => self.chat(application, *chat).cloned().map(Row::Chat),
            Subject::Message { chat, number } => self
                .message(application, *chat, *number)
                .cloned()
                .map(Row::Message),
            Subject::Reader { chat, reader } => {
                self.marker(application, *chat, reader).cloned().map(Row::Marker)
            }
        }
    }

    pub(crate) fn marker(
        &self,
        application: ApplicationId,
        chat: u64,
        reader: &ReaderName,
    ) -> Option<&Marker> {
        self.chats.get(&(application, chat))?.markers.get(reader)
    }

    /// The markers of a reader that moved, in chats with a number above `after`.
    pub(crate) fn markers_of<'a>(
        &'a self,
        application: ApplicationId,
        reader: &'a ReaderName,
        after: u64,
    ) -> impl Iterator<Item = (u64, Marker)> + 'a {
        let chats = self.readers.get(&(application, reader.clone()));
        let chats = chats.into_iter().flatten().filter(move |chat| **chat > after);
        chats.filter_map(move |chat| Some((*chat, self.marker(application, *chat, reader)?.clone())))
    }

    /// Chats that were deleted in this span, and applications, of which the chat is 0.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = (ApplicationId, u64)> {
        let in_feed = self.changes.iter().flat_map(|(id, changes)| {
            let deleted = changes
                .iter()
                .filter(|change| change.action == tiro_core::Action::Deleted);
            deleted.filter_map(|change| match &change.subject {
                Subject::Application => Some((*id, 0)),
                Subject::Chat { chat } => Some((*id, *chat)),
                Subject::Message { .. } | Subject::Reader { .. } => None,
            })
        });
        in_feed.chain(self.abandoned.iter().map(|id| (*id, 0)))
    }
}
