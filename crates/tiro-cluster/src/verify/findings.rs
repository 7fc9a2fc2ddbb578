//! What one chunk found, with how it is put right, until its snapshot is closed.

use crate::worker::recount::Difference;

use super::Repair;

/// Bytes of a token that are shown.
const TOKEN_SHOWN_BYTES: usize = 8;

/// An application as findings name it.
#[derive(Clone, Debug)]
pub(super) struct Named(String);

impl Named {
    pub(super) fn new(id: u32, token: &[u8]) -> Named {
        let shown = token.get(..TOKEN_SHOWN_BYTES).unwrap_or(token);
        Named(format!("application {id} ({}…)", String::from_utf8_lossy(shown)))
    }

    pub(super) fn place(&self) -> String {
        self.0.clone()
    }

    pub(super) fn chat(&self, chat: u64) -> String {
        format!("{}, chat {chat}", self.0)
    }

    pub(super) fn message(&self, chat: u64, number: u64) -> String {
        format!("{}, chat {chat}, message {number}", self.0)
    }

    pub(super) fn change(&self, position: u64) -> String {
        format!("{}, change {position}", self.0)
    }
}

/// One of them.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) place: String,
    pub(super) problem: String,
    pub(super) repair: Option<Repair>,
}

/// All of a chunk.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Found>);

impl Findings {
    pub(super) fn add(&mut self, place: String, problem: impl Into<String>) {
        self.0.push(Found {
            place,
            problem: problem.into(),
            repair: None,
        });
    }

    pub(super) fn repairable(&mut self, place: String, problem: impl Into<String>, repair: Repair) {
        self.0.push(Found {
            place,
            problem: problem.into(),
            repair: Some(repair),
        });
    }

    /// Adds one where something does not hold.
    pub(super) fn check(&mut self, holds: bool, place: impl FnOnce() -> String, problem: &str) {
        if !holds {
            self.add(place(), problem);
        }
    }

    /// Numbers that are not there, from one to another.
    pub(super) fn hole(&mut self, place: String, what: &str, first: u64, last: u64) {
        let problem = if first == last {
            format!("{what} {first} is missing")
        } else {
            format!("{what}s {first} to {last} are missing")
        };
        self.add(place, problem);
    }

    /// A difference that the recount found. What was given out and is gone cannot be counted again.
    pub(super) fn count(&mut self, difference: Difference) {
        let place = match difference.chat {
            None => format!("application {}", difference.application),
            Some(chat) => format!("application {}, chat {chat}", difference.application),
        };
        let (count, last, below) = match difference.chat {
            None => ("chats_count", "last_chat_number", "chat"),
            Some(_) => ("messages_count", "last_message_number", "message"),
        };
        let (stored, counted) = (difference.stored, difference.counted);
        if counted.last < stored.last {
            self.hole(place.clone(), below, counted.last + 1, stored.last);
        }
        let mut problems = Vec::new();
        if counted.last > stored.last {
            problems.push(format!(
                "{last} is {}, but there is {below} {}",
                stored.last, counted.last
            ));
        }
        if counted.live != stored.live {
            problems.push(format!(
                "{count} is {}, its rows say {}",
                stored.live, counted.live
            ));
        }
        if !problems.is_empty() {
            self.repairable(place, problems.join("; "), Repair::Counts(difference));
        }
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = Found> {
        self.0.into_iter()
    }
}
