//! What an engine is expected to know and to answer: plain values, written down a second time on purpose.

mod readers;
mod reads;
mod replays;
mod writes;

use std::collections::BTreeMap;

use tiro_core::{Action, Change, Rejection, Subject};

use super::shown::{Shown, ShownApplication, ShownChat, ShownEntry, ShownHit, ShownMessage, ShownRead};
use super::wish::{self, Members, Transition, Wish};

/// The expected state after some steps, and the expected answer to the last of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expectation {
    pub(crate) applications: BTreeMap<u8, ExpectedApplication>,
    /// Keys that created applications.
    server_keys: BTreeMap<u8, Bound>,
    /// Every request that was sent under a key.
    pub(crate) sent: Vec<(Wish, u8)>,
    pub(crate) answer: Option<Answer>,
}

#[derive(Clone, Debug)]
pub(crate) struct ExpectedApplication {
    pub(crate) token: String,
    name: String,
    members: Option<Members>,
    pub(crate) deleted: bool,
    version: u64,
    pub(crate) chats: Vec<ExpectedChat>,
    /// The feed, position 1 first.
    pub(crate) feed: Vec<Line>,
    /// By the key's text; keys of imports have other texts than those of clients.
    keys: BTreeMap<String, Bound>,
}

#[derive(Clone, Debug)]
pub(crate) struct ExpectedChat {
    number: u64,
    title: Option<String>,
    members: Option<Members>,
    pub(crate) deleted: bool,
    version: u64,
    pub(crate) messages: Vec<ExpectedMessage>,
    activity_position: u64,
    change_position: u64,
    /// By reader: the last message read, and the marker's version.
    markers: BTreeMap<String, (u64, u64)>,
}

#[derive(Clone, Debug)]
pub(crate) struct ExpectedMessage {
    number: u64,
    body: String,
    sender: Option<String>,
    members: Option<Members>,
    told: Option<i64>,
    deleted: bool,
    version: u64,
    created_position: u64,
}

/// One entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) subject: Subject,
    pub(crate) action: Action,
    pub(crate) version: u64,
    pub(crate) key: Option<String>,
}

impl Line {
    pub(crate) fn of(change: &Change) -> Line {
        Line {
            subject: change.subject.clone(),
            action: change.action,
            version: change.version,
            key: change.key.as_ref().map(|binding| binding.name.key.to_string()),
        }
    }
}

/// The request that a key belongs to, and what it was answered the first time.
#[derive(Clone, Debug)]
struct Bound {
    wish: Wish,
    first: Accepted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) shown: Shown,
    pub(crate) position: Option<u64>,
    pub(crate) replayed: bool,
}

/// A page of shown things: the list goes on at `next`, and stands at `position`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpectedPage<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<u64>,
    pub(crate) position: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted(Accepted),
    Refused(Rejection),
    /// The thing and the position it was read at.
    Application(ShownApplication, u64),
    Chat(ShownChat, u64),
    Message(ShownMessage, u64),
    Chats(ExpectedPage<ShownChat>),
    Messages(ExpectedPage<ShownMessage>),
    Read(ShownRead, u64),
    Unread(ExpectedPage<ShownRead>),
    /// `next` is always there.
    Changes(ExpectedPage<ShownEntry>),
    /// All live applications, in any order: only the engine knows its clock.
    Applications(Vec<ShownApplication>),
    /// All hits by token and position, the highest first, and the position up to which was searched in an application.
    Found(Vec<ShownHit>, Option<u64>),
    Reopened,
}

impl Expectation {
    /// Takes one step.
    pub(crate) fn take(&mut self, transition: &Transition) {
        let answer = match transition {
            Transition::Write(wish, key) => {
                if let Some(key) = key.filter(|_| wish.key_text(*key).is_some()) {
                    self.sent.push((wish.clone(), key));
                }
                match self.write(wish, *key) {
                    Ok(accepted) => Answer::Accepted(accepted),
                    Err(rejection) => Answer::Refused(rejection),
                }
            }
            Transition::Read(read) => self.read(read).unwrap_or_else(Answer::Refused),
            Transition::Reopen => Answer::Reopened,
        };
        self.answer = Some(answer);
    }

    fn live(&self, app: u8) -> Result<&ExpectedApplication, Rejection> {
        match self.applications.get(&app) {
            None => Err(Rejection::ApplicationNotFound),
            Some(application) if application.deleted => Err(Rejection::ApplicationDeleted),
            Some(application) => Ok(application),
        }
    }
}

impl ExpectedApplication {
    pub(crate) fn position(&self) -> u64 {
        self.feed.len() as u64
    }

    pub(crate) fn shown(&self) -> ShownApplication {
        let live = self.chats.iter().filter(|chat| !chat.deleted && !self.deleted);
        ShownApplication {
            token: self.token.clone(),
            name: (!self.deleted).then(|| self.name.clone()),
            metadata: self.members.as_ref().filter(|_| !self.deleted).map(wish::json),
            chats_count: live.count() as u64,
            last_chat_number: self.chats.len() as u64,
            last_position: self.position(),
            deleted: self.deleted,
            version: self.version,
        }
    }

    /// Of a deleted application only the end is exported, and its keys are gone.
    pub(crate) fn exported_feed(&self) -> Vec<Line> {
        match self.feed.last() {
            Some(last) if self.deleted => vec![Line {
                key: None,
                ..last.clone()
            }],
            _ => self.feed.clone(),
        }
    }

    fn chat(&self, number: u64) -> Result<&ExpectedChat, Rejection> {
        at(&self.chats, number).ok_or(Rejection::ChatNotFound)
    }

    fn live_chat(&self, number: u64) -> Result<&ExpectedChat, Rejection> {
        let chat = self.chat(number)?;
        if chat.deleted {
            Err(Rejection::ChatDeleted)
        } else {
            Ok(chat)
        }
    }
}

impl ExpectedChat {
    pub(crate) fn shown(&self) -> ShownChat {
        let live = self
            .messages
            .iter()
            .filter(|message| !message.deleted && !self.deleted);
        ShownChat {
            number: self.number,
            title: self.title.clone().filter(|_| !self.deleted),
            metadata: self.members.as_ref().filter(|_| !self.deleted).map(wish::json),
            messages_count: live.count() as u64,
            last_message_number: self.messages.len() as u64,
            deleted: self.deleted,
            version: self.version,
            activity_position: self.activity_position,
            change_position: self.change_position,
        }
    }

    pub(crate) fn bodies(&self) -> impl Iterator<Item = String> {
        self.messages.iter().map(|message| message.body.clone())
    }

    fn message(&self, number: u64) -> Result<&ExpectedMessage, Rejection> {
        at(&self.messages, number).ok_or(Rejection::MessageNotFound)
    }
}

impl ExpectedMessage {
    pub(crate) fn shown(&self) -> ShownMessage {
        ShownMessage {
            number: self.number,
            body: (!self.deleted).then(|| self.body.clone()),
            sender: self.sender.clone().filter(|_| !self.deleted),
            metadata: self.members.as_ref().filter(|_| !self.deleted).map(wish::json),
            told: self.told,
            deleted: self.deleted,
            version: self.version,
            created_position: self.created_position,
        }
    }
}

fn at<T>(things: &[T], number: u64) -> Option<&T> {
    things.get(usize::try_from(number.checked_sub(1)?).ok()?)
}

fn at_mut<T>(things: &mut [T], number: u64) -> &mut T {
    let index = usize::try_from(number - 1).expect("the history is short");
    &mut things[index]
}
