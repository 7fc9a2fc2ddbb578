//! What clients under load share: one clock, what they know of, where their requests go, and who watches.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tiro_client::{Client, Options, Patience};
use tiro_conformance::history::Sent;

/// Texts that are searched for are of so many of the newest.
const TEXTS_KEPT: usize = 64;

/// One application under load. All requests are about it.
pub(crate) struct Stage {
    pub(crate) token: String,
    pub(crate) clock: Arc<Clock>,
    pub(crate) board: Arc<Board>,
    /// Where requests go: a client whose server is gone goes on at another, and ends where there is none.
    pub(crate) nodes: Vec<Client>,
    pub(crate) pace: Pace,
    pub(crate) watch: Arc<dyn Watch>,
}

/// How long clients rest.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pace {
    /// Between two requests.
    pub(crate) between: Duration,
    /// After one that was not served.
    pub(crate) unserved: Duration,
}

/// Sees every answer, and ends the load.
pub(crate) trait Watch: Send + Sync {
    /// A request came to its end, here and now.
    fn ended(&self, request: &Request);
    /// Whether the load goes on.
    fn goes_on(&self) -> bool;
}

/// One request, as it looks from outside.
#[allow(
    dead_code,
    reason = "one process is watched by the number of its answers only"
)]
pub(crate) struct Request {
    /// Which of the nodes it was sent to.
    pub(crate) node: usize,
    pub(crate) kind: Kind,
    pub(crate) said: Said,
    pub(crate) took: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Write,
    Read,
    Feed,
    Search,
}

/// What a node said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Said {
    /// It answered, or refused for a reason of the request's own.
    Served,
    /// 503: not now.
    Unavailable,
    /// 503: it may have been done or not.
    Unknown,
    /// Nothing.
    Silent,
}

/// One clock for the whole history, also across kills.
#[derive(Default)]
pub(crate) struct Clock(AtomicU64);

/// Chats, messages and texts that somebody knows of.
#[derive(Default)]
pub(crate) struct Board {
    pub(super) chats: Mutex<Vec<u64>>,
    pub(super) messages: Mutex<Vec<(u64, u64)>>,
    /// Of messages, the newest last.
    texts: Mutex<Vec<String>>,
}

impl Kind {
    pub(super) fn of(sent: &Sent) -> Kind {
        match sent {
            sent if sent.is_write() => Kind::Write,
            Sent::Search { .. } => Kind::Search,
            Sent::ReadFeed { .. } => Kind::Feed,
            _ => Kind::Read,
        }
    }
}

impl Clock {
    pub(crate) fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

impl Board {
    /// Messages with these bodies are there, from this number on.
    pub(super) fn note_messages(&self, chat: u64, first: u64, bodies: &[String]) {
        let mut messages = self.messages.lock().unwrap();
        messages.extend((first..).zip(bodies).map(|(number, _)| (chat, number)));
        let mut texts = self.texts.lock().unwrap();
        texts.extend_from_slice(bodies);
        let old = texts.len().saturating_sub(TEXTS_KEPT);
        texts.drain(..old);
    }

    pub(super) fn some_text(&self, random: &mut fastrand::Rng) -> Option<String> {
        random.choice(self.texts.lock().unwrap().as_slice()).cloned()
    }

    /// The newest texts.
    pub(super) fn texts(&self) -> Vec<String> {
        self.texts.lock().unwrap().clone()
    }

    /// A position that the feed has reached: every message made an entry.
    pub(super) fn position(&self) -> u64 {
        self.messages.lock().unwrap().len() as u64
    }
}

/// A client that never sends anything again by itself, so that each outcome is seen. An answer that has not come within
/// `silence_max` has an unknown outcome.
pub(crate) fn client_of(address: &str, silence_max: Duration) -> Client {
    let options = Options {
        operator_key: None,
        patience: Patience {
            answer: silence_max,
            ..Patience::one_attempt()
        },
    };
    Client::new(address, options).unwrap()
}
