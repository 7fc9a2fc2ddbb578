//! What one writer knows of its own writes, and what all of them together lead us to expect.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// A change that a writer asks for. Titles and bodies are never used twice in a round, so that they name the write.
#[derive(Clone, Debug)]
pub(super) enum Change {
    CreateChat { title: String },
    DeleteChat { chat: u64 },
    CreateMessage { chat: u64, body: String },
    CreateBatch { chat: u64, bodies: Vec<String> },
    UpdateMessage { chat: u64, number: u64, body: String },
    DeleteMessage { chat: u64, number: u64 },
}

/// A request: the change, and the key that makes it safe to send again, if it has one.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) change: Change,
    pub(super) key: Option<String>,
    pub(super) sent: Instant,
}

/// What an acknowledgement said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The new chat's number.
    Chat(u64),
    /// The numbers of the new messages.
    Messages {
        first: u64,
        count: u64,
    },
    /// The new version.
    Version(u64),
    Deleted,
    /// The change was made before its chat was deleted, and the thing went with the chat.
    Gone,
}

/// A chat as its acknowledgements describe it.
#[derive(Clone, Debug)]
pub(super) struct KnownChat {
    pub(super) title: String,
    pub(super) is_deleted: bool,
}

/// A message as its acknowledgements describe it.
#[derive(Clone, Debug)]
pub(super) struct KnownMessage {
    pub(super) body: String,
    pub(super) version: u64,
    pub(super) is_deleted: bool,
    /// Between these two its number was given out.
    pub(super) sent: Instant,
    pub(super) answered: Instant,
}

/// What one writer knows. Only it changes or deletes what it created.
#[derive(Default)]
pub(super) struct Diary {
    pub(super) chats: BTreeMap<u64, KnownChat>,
    /// By chat and number.
    pub(super) messages: BTreeMap<(u64, u64), KnownMessage>,
    /// The request whose outcome is unknown.
    pub(super) in_flight: Option<Attempt>,
    acknowledged: usize,
}

impl Diary {
    /// How many writes were acknowledged.
    pub(super) fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    /// Notes an acknowledgement.
    pub(super) fn accept(&mut self, attempt: Attempt, effect: Effect) {
        self.acknowledged += 1;
        let sent = attempt.sent;
        match (attempt.change, effect) {
            (Change::CreateChat { title }, Effect::Chat(number)) => {
                let known = KnownChat {
                    title,
                    is_deleted: false,
                };
                assert!(self.chats.insert(number, known).is_none(), "chat {number} twice");
            }
            (Change::CreateMessage { chat, body }, Effect::Messages { first, count: 1 }) => {
                self.insert(chat, first, body, sent);
            }
            (Change::CreateBatch { chat, bodies }, Effect::Messages { first, count }) => {
                assert_eq!(count, bodies.len() as u64);
                for (number, body) in (first..).zip(bodies) {
                    self.insert(chat, number, body, sent);
                }
            }
            (Change::UpdateMessage { chat, number, body }, Effect::Version(version)) => {
                let known = self.message(chat, number);
                assert_eq!(version, known.version + 1, "message {number} of chat {chat}");
                (known.body, known.version) = (body, version);
            }
            (Change::DeleteMessage { chat, number }, Effect::Deleted) => {
                let known = self.message(chat, number);
                known.is_deleted = true;
                known.version += 1;
            }
            (Change::DeleteChat { chat }, Effect::Deleted) => {
                self.chats
                    .get_mut(&chat)
                    .expect("a writer deletes its own chats")
                    .is_deleted = true;
            }
            (Change::UpdateMessage { .. }, Effect::Gone) => {}
            (change, effect) => panic!("{change:?} was answered with {effect:?}"),
        }
    }

    fn insert(&mut self, chat: u64, number: u64, body: String, sent: Instant) {
        let known = KnownMessage {
            body,
            version: 1,
            is_deleted: false,
            sent,
            answered: Instant::now(),
        };
        let before = self.messages.insert((chat, number), known);
        assert!(
            before.is_none(),
            "number {number} of chat {chat} was given out twice"
        );
    }

    fn message(&mut self, chat: u64, number: u64) -> &mut KnownMessage {
        let message = self.messages.get_mut(&(chat, number));
        message.expect("a writer changes its own messages")
    }
}

/// What all writers together know.
pub(super) struct Expected {
    pub(super) chats: BTreeMap<u64, KnownChat>,
    pub(super) messages: BTreeMap<(u64, u64), KnownMessage>,
    /// Requests without a key that may have been carried out or not.
    pub(super) unknown: Vec<Change>,
}

impl Expected {
    /// Puts the diaries together; no number may stand in two of them, and numbers must rise with time.
    pub(super) fn of(diaries: Vec<Diary>) -> Expected {
        let (mut chats, mut messages, mut unknown) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for diary in diaries {
            for (number, chat) in diary.chats {
                assert!(
                    chats.insert(number, chat).is_none(),
                    "chat {number} was given out twice"
                );
            }
            for (place, message) in diary.messages {
                let before = messages.insert(place, message);
                assert!(before.is_none(), "chat and number {place:?} were given out twice");
            }
            unknown.extend(diary.in_flight.map(|attempt| attempt.change));
        }
        let expected = Expected {
            chats,
            messages,
            unknown,
        };
        expected.assert_that_numbers_rise_with_time();
        expected
    }

    /// If one message was acknowledged before another was sent, it has the smaller number.
    fn assert_that_numbers_rise_with_time(&self) {
        let mut chat_before = 0;
        let mut last_sent = None;
        for (&(chat, number), message) in &self.messages {
            if chat != chat_before {
                (chat_before, last_sent) = (chat, None);
            }
            if let Some(last_sent) = last_sent {
                assert!(
                    message.answered >= last_sent,
                    "number {number} of chat {chat} was acknowledged before a smaller one was asked for"
                );
            }
            last_sent = last_sent.max(Some(message.sent));
        }
    }

    /// The chats of which it is not known whether they were deleted.
    pub(super) fn perhaps_deleted_chats(&self) -> BTreeSet<u64> {
        let chat = |change: &Change| match change {
            Change::DeleteChat { chat } => Some(*chat),
            _ => None,
        };
        self.unknown.iter().filter_map(chat).collect()
    }
}
