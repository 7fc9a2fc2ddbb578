//! State rebuilt from the feed alone, and held against a fresh read of everything.
//!
//! What a follower knows is what entries said: content from their things, counts by counting. The feed is read in pages
//! through the port, as a client would.

use std::collections::BTreeMap;
use std::sync::Arc;

use tiro_core::{
    Action, Application, Changes, ChangesFilter, ChangesRequest, Chat, Cursor, Engine, Entry, IfDeleted,
    Message, ReadState, ReaderName, Subject, Thing, Token,
};

use crate::export::ExportedApplication;
use crate::holder::Holder;

/// What the entries so far add up to.
#[derive(Default)]
pub(crate) struct Rebuilt {
    application: Option<Application>,
    chats: BTreeMap<u64, RebuiltChat>,
    position: u64,
}

#[derive(Default)]
struct RebuiltChat {
    content: Option<Chat>,
    deleted: bool,
    /// By number from 1; whether it is live, and what it says.
    messages: BTreeMap<u64, (bool, Option<Message>)>,
    readers: BTreeMap<ReaderName, Option<ReadState>>,
    activity_position: u64,
    change_position: u64,
}

/// The widest request for everything after a place.
pub(crate) fn all_after(token: &Token, after: Option<Cursor>, limit: u32) -> ChangesRequest {
    ChangesRequest {
        token: token.clone(),
        after,
        limit,
        filter: ChangesFilter::default(),
        if_deleted: IfDeleted::Refuse,
    }
}

/// The whole feed after a place, in pages.
///
/// # Panics
/// If a page is not the continuation of the one before.
pub(crate) async fn follow(
    engine: &dyn Engine,
    token: &Token,
    after: Option<Cursor>,
    limit: u32,
) -> Vec<Entry> {
    let (mut entries, mut after) = (Vec::new(), after);
    loop {
        let Changes {
            entries: page,
            next,
            has_more,
            as_of,
        } = engine
            .changes(all_after(token, after.clone(), limit))
            .await
            .expect("the feed goes on");
        assert!(page.len() <= limit as usize);
        assert_eq!(has_more, next.position < as_of.position);
        let before = after.map_or(0, |after| after.position);
        assert_eq!(
            next.position,
            before + page.len() as u64,
            "an open page looks at what it shows"
        );
        entries.extend(page);
        after = Some(next);
        if !has_more {
            return entries;
        }
    }
}

impl Rebuilt {
    /// Takes entries in, which have to be the next ones.
    pub(crate) fn take(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            self.position += 1;
            assert_eq!(
                entry.change.position, self.position,
                "no entry is missing, none comes twice"
            );
            self.take_one(entry);
        }
    }

    fn take_one(&mut self, Entry { change, thing }: Entry) {
        let chat = change
            .subject
            .chat()
            .map(|chat| self.chats.entry(chat).or_default());
        if let Some(chat) = chat {
            chat.change_position = change.position;
            if matches!(change.subject, Subject::Chat { .. }) {
                chat.deleted = change.action == Action::Deleted;
                if change.action == Action::Created {
                    chat.activity_position = change.position;
                }
            }
            if let Subject::Message { number, .. } = change.subject {
                if change.action == Action::Created {
                    chat.activity_position = change.position;
                }
                let message = chat.messages.entry(number).or_default();
                message.0 = change.action != Action::Deleted;
                message.1 = None;
            }
            if let Subject::Reader { reader, .. } = &change.subject {
                chat.readers.insert(reader.clone(), None);
            }
        }
        match (thing, change.subject) {
            (None, _) => {}
            (Some(Thing::Application(application)), _) => self.application = Some(application),
            (Some(Thing::Chat(content)), _) => {
                let chat = self.chats.entry(content.number).or_default();
                chat.content = Some(content);
            }
            (Some(Thing::Message(message)), Subject::Message { chat, number }) => {
                self.chats
                    .entry(chat)
                    .or_default()
                    .messages
                    .entry(number)
                    .or_default()
                    .1 = Some(message);
            }
            (Some(Thing::Reader(state)), _) => {
                let readers = &mut self.chats.entry(state.chat).or_default().readers;
                readers.insert(state.reader.clone(), Some(state));
            }
            (Some(Thing::Message(_)), subject) => panic!("a message belongs to no entry of {subject:?}"),
        }
    }

    /// Nothing is missing up to a position, and nothing came after it.
    ///
    /// # Panics
    /// If there is.
    pub(crate) fn agrees_with_the_end(&self, last: u64) {
        assert_eq!(self.position, last);
    }

    /// Compares with what the lists and single reads say.
    ///
    /// # Panics
    /// At the first difference.
    pub(crate) async fn agrees(&self, holder: &Holder) {
        let live = self.chats.values().filter(|chat| !chat.deleted).count() as u64;
        let application = holder.application().await;
        let content = self
            .application
            .clone()
            .expect("the first entry is the application's");
        let rebuilt = Application {
            id: application.id,
            chats_count: live,
            last_chat_number: self.chats.len() as u64,
            last_position: self.position,
            ..content
        };
        assert_eq!(rebuilt, application);
        let chats: Vec<Chat> = self.chats.values().map(RebuiltChat::row).collect();
        assert_eq!(chats, holder.all_chats().await);
        for (number, chat) in self.chats.iter().filter(|(_, chat)| !chat.deleted) {
            let messages: Vec<Message> = chat
                .messages
                .values()
                .map(|(_, message)| content_of(message))
                .collect();
            assert_eq!(messages, holder.all_messages(*number).await);
            for (reader, state) in &chat.readers {
                let state = state
                    .clone()
                    .expect("the last entry of a marker says where it is");
                let unread = chat
                    .messages
                    .range(state.read + 1..)
                    .filter(|(_, (live, _))| *live)
                    .count() as u64;
                let read = holder.read_state(*number, reader).await;
                assert_eq!(ReadState { unread, ..state }, read);
            }
        }
    }
}

fn content_of(message: &Option<Message>) -> Message {
    message
        .clone()
        .expect("the last entry of a message has its content")
}

impl RebuiltChat {
    /// The chat with counts that were counted.
    fn row(&self) -> Chat {
        let content = self
            .content
            .clone()
            .expect("the last entry of a chat has its content");
        let live = self
            .messages
            .values()
            .filter(|(live, _)| *live && !self.deleted)
            .count();
        let last = self.messages.values().next_back();
        let last_at = last
            .and_then(|(_, message)| message.as_ref())
            .map(|message| message.created_at);
        Chat {
            messages_count: live as u64,
            last_message_number: self.messages.len() as u64,
            // The messages of a deleted chat are gone, its tombstone keeps the time of the last.
            last_message_at: if self.deleted {
                content.last_message_at
            } else {
                last_at
            },
            activity_position: self.activity_position,
            change_position: self.change_position,
            markers_count: if self.deleted {
                0
            } else {
                self.readers.len() as u64
            },
            ..content
        }
    }
}

/// The feed alone, read in pages of `limit`, adds up to what a fresh read of everything says.
///
/// # Panics
/// If it does not.
pub(crate) async fn feed_agrees(holder: &Holder, limit: u32) {
    let mut rebuilt = Rebuilt::default();
    rebuilt.take(follow(&*holder.engine, &holder.token, None, limit).await);
    rebuilt.agrees(holder).await;
}

/// The feed of every live application of an export adds up, alone, to what a fresh read of everything says.
///
/// # Panics
/// If one does not.
pub async fn check_feeds(engine: &Arc<dyn Engine>, exported: &[ExportedApplication], limit: u32) {
    for one in exported.iter().filter(|one| one.application.deleted_at.is_none()) {
        let holder = Holder {
            engine: Arc::clone(engine),
            token: one.application.token.clone(),
        };
        feed_agrees(&holder, limit).await;
    }
}
