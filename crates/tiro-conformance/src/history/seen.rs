//! What was seen: every thing in every answer, as of the position that the answer names.

use std::collections::{BTreeMap, HashSet};

use super::History;
use super::operation::{Operation, Sent, Thing};
use super::shown::{ChatShown, EntryKind, EntryShown, MessageShown, Shown};
use super::writes::{Write, Writes};

/// A thing as one answer shows it.
pub(super) struct Observation<'h> {
    pub(super) operation: &'h Operation,
    pub(super) as_of: u64,
    pub(super) version: u64,
    /// `None` in a tombstone, which `deleted` says too.
    pub(super) content: Option<&'h str>,
    pub(super) deleted: bool,
    /// Of a chat, its counts.
    pub(super) chat: Option<&'h ChatShown>,
}

#[derive(Default)]
pub(super) struct Seen<'h> {
    /// What was seen of each thing, by position.
    pub(super) observations: BTreeMap<Thing, Vec<Observation<'h>>>,
    /// Reads with the position they show.
    pub(super) reads: Vec<(&'h Operation, u64)>,
    /// Every text that was seen.
    texts: HashSet<&'h str>,
    /// Chats of which the last messages were listed at the end.
    chats_read: HashSet<u64>,
    /// Whether the last chats were listed at the end.
    all_chats_read: bool,
}

impl<'h> Seen<'h> {
    pub(super) fn of(history: &'h History, writes: &Writes<'h>) -> Seen<'h> {
        let mut seen = Seen::default();
        for operation in &history.operations {
            let Some(answer) = operation.answer() else {
                continue;
            };
            let Some(as_of) = answer.position.filter(|_| !answer.replayed) else {
                continue;
            };
            if !operation.sent.is_write() {
                seen.reads.push((operation, as_of));
                seen.note_end(operation, writes);
            }
            match &answer.shown {
                Shown::Chat(chat) => seen.chat(operation, as_of, chat),
                Shown::Chats(page) => page
                    .items
                    .iter()
                    .for_each(|chat| seen.chat(operation, as_of, chat)),
                Shown::Message(message) => seen.message(operation, as_of, message),
                Shown::Messages(page) => {
                    page.items
                        .iter()
                        .for_each(|message| seen.message(operation, as_of, message));
                }
                // Hits are as of no position: `searches.rs` looks at them.
                Shown::Hits(hits) => {
                    let bodies = hits.items.iter().filter_map(|(_, hit)| hit.body.as_deref());
                    seen.texts.extend(bodies);
                }
                Shown::Entries(entries) => {
                    entries
                        .items
                        .iter()
                        .for_each(|entry| seen.entry(operation, as_of, entry));
                }
                Shown::Nothing | Shown::Application(_) | Shown::Numbers { .. } => {}
            }
        }
        for observations in seen.observations.values_mut() {
            observations.sort_by_key(|observation| observation.as_of);
        }
        seen
    }

    pub(super) fn of_thing(&self, thing: Thing) -> &[Observation<'h>] {
        self.observations.get(&thing).map_or(&[], Vec::as_slice)
    }

    /// Whether a text was shown anywhere.
    pub(super) fn has_text(&self, text: &str) -> bool {
        self.texts.contains(text)
    }

    /// Whether a write of unknown outcome cannot have been carried out: everything was read, and it is not there.
    pub(super) fn rules_out(&self, write: &Write<'_>) -> bool {
        match write.sent {
            Sent::CreateMessages { chat, bodies } => {
                self.chats_read.contains(chat)
                    && !bodies.iter().any(|body| self.texts.contains(body.as_str()))
            }
            Sent::CreateChat { title } => self.all_chats_read && !self.texts.contains(title.as_str()),
            _ => false,
        }
    }

    fn note_end(&mut self, operation: &Operation, writes: &Writes<'_>) {
        if !writes.is_at_the_end(operation) {
            return;
        }
        match (&operation.sent, operation.answer().map(|answer| &answer.shown)) {
            (Sent::ListMessages { chat, .. }, Some(Shown::Messages(page))) if page.next.is_none() => {
                self.chats_read.insert(*chat);
            }
            (Sent::ListChats { .. }, Some(Shown::Chats(page))) if page.next.is_none() => {
                self.all_chats_read = true;
            }
            _ => {}
        }
    }

    fn chat(&mut self, operation: &'h Operation, as_of: u64, chat: &'h ChatShown) {
        let observation = Observation {
            operation,
            as_of,
            version: chat.version,
            content: chat.title.as_deref(),
            deleted: chat.deleted,
            chat: Some(chat),
        };
        self.note(Thing::Chat(chat.number), observation);
    }

    fn message(&mut self, operation: &'h Operation, as_of: u64, message: &'h MessageShown) {
        let (Sent::CreateMessages { chat, .. }
        | Sent::UpdateMessage { chat, .. }
        | Sent::GetMessage { chat, .. }
        | Sent::ListMessages { chat, .. }) = &operation.sent
        else {
            return;
        };
        let observation = Observation {
            operation,
            as_of,
            version: message.version,
            content: message.body.as_deref(),
            deleted: message.deleted,
            chat: None,
        };
        let number = message.number;
        self.note(Thing::Message { chat: *chat, number }, observation);
    }

    /// An entry shows its thing while that is as the entry left it.
    fn entry(&mut self, operation: &'h Operation, as_of: u64, entry: &'h EntryShown) {
        let (Some(chat), Some(content)) = (entry.chat, entry.content.as_deref()) else {
            return;
        };
        let thing = match entry.number {
            Some(number) => Thing::Message { chat, number },
            None => Thing::Chat(chat),
        };
        let observation = Observation {
            operation,
            as_of,
            version: entry.version,
            content: Some(content),
            deleted: entry.kind == EntryKind::Deleted,
            chat: None,
        };
        self.note(thing, observation);
    }

    fn note(&mut self, thing: Thing, observation: Observation<'h>) {
        self.texts.extend(observation.content);
        self.observations.entry(thing).or_default().push(observation);
    }
}
