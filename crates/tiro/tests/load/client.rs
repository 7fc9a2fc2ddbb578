//! One client under load: writes with and without keys and conditions, reads, and requests that it sends again.

use std::sync::Arc;

use tiro_client::{Client, Error, Key, Sending};
use tiro_conformance::history::{Operation, Outcome, Range, Sent, Shown};

use super::perform::perform;
use super::{Board, Stage};

const BATCH_MESSAGES_MAX: usize = 12;
/// Clients work on so many of the newest messages, so that they meet.
const MESSAGES_SHARED: usize = 48;
const CHATS_MAX: usize = 12;
const PAGE: u64 = 20;
/// One of so many requests is an old one sent again under its key.
const REPLAY_ONE_IN: u32 = 16;

/// A write and what goes with it, so that it can be sent again as it was.
#[derive(Clone)]
struct Wish {
    sent: Sent,
    sending: Sending,
}

/// What a client keeps from one run of the server to the next.
pub(super) struct LoadClient {
    name: usize,
    token: String,
    random: fastrand::Rng,
    texts: usize,
    /// What it sent and saw, until it is taken.
    pub(super) done: Vec<Operation>,
    /// Under keys and answered: may be sent again at any time.
    answered: Vec<Wish>,
    /// Under a key and without an answer: is sent again after the restart.
    in_flight: Option<Wish>,
}

/// Whether the server is still there.
type Served = Result<(), Gone>;

/// The server is gone, or nobody knows.
struct Gone;

impl LoadClient {
    pub(super) fn new(name: usize, token: &str, random: fastrand::Rng) -> LoadClient {
        LoadClient {
            name,
            token: token.to_owned(),
            random,
            texts: 0,
            done: Vec::new(),
            answered: Vec::new(),
            in_flight: None,
        }
    }

    /// Works until the server is gone or the load ends.
    pub(super) async fn run(mut self, client: Client, stage: Arc<Stage>) -> LoadClient {
        if let Some(wish) = self.in_flight.take()
            && self.send(&client, &stage, wish).await.is_err()
        {
            return self;
        }
        while stage.goes_on() {
            if self.step(&client, &stage).await.is_err() {
                break;
            }
        }
        self
    }

    async fn step(&mut self, client: &Client, stage: &Stage) -> Served {
        if self.random.u32(..REPLAY_ONE_IN) == 0
            && let Some(wish) = self.random.choice(&self.answered).cloned()
        {
            return self.send(client, stage, wish).await;
        }
        let (chat, message) = (self.some_chat(&stage.board), self.some_message(&stage.board));
        let Some(chat) = chat else {
            return self.create_chat(client, stage).await;
        };
        match (self.random.u32(..100), message) {
            (0..3, _) if stage.board.chats.lock().unwrap().len() < CHATS_MAX => {
                self.create_chat(client, stage).await
            }
            (0..6, _) => self.update_chat(client, stage, chat).await,
            (6..36, _) | (_, None) => self.create_messages(client, stage, chat, 1).await,
            (36..44, _) => {
                let count = self.random.usize(2..=BATCH_MESSAGES_MAX);
                self.create_messages(client, stage, chat, count).await
            }
            (44..60, Some(place)) => self.update_message(client, stage, place).await,
            (60..66, Some((chat, number))) => {
                let wish = self.wish(Sent::DeleteMessage { chat, number });
                self.send(client, stage, wish).await
            }
            (66, _) if self.random.u8(..4) == 0 => {
                stage.board.chats.lock().unwrap().retain(|other| *other != chat);
                let wish = self.wish(Sent::DeleteChat { chat });
                self.send(client, stage, wish).await
            }
            (_, Some(place)) => {
                let sent = self.some_read(chat, place);
                self.read(client, stage, sent).await.map(drop)
            }
        }
    }

    async fn create_chat(&mut self, client: &Client, stage: &Stage) -> Served {
        let title = self.text("chat");
        let wish = self.wish(Sent::CreateChat { title });
        self.send(client, stage, wish).await
    }

    async fn create_messages(&mut self, client: &Client, stage: &Stage, chat: u64, count: usize) -> Served {
        let bodies = (0..count).map(|_| self.text("message")).collect();
        let wish = self.wish(Sent::CreateMessages { chat, bodies });
        self.send(client, stage, wish).await
    }

    /// Half of the updates rest on what was read before, so that some lose a race.
    async fn update_chat(&mut self, client: &Client, stage: &Stage, chat: u64) -> Served {
        let version = match self.random.bool() {
            true => self.read(client, stage, Sent::GetChat { chat }).await?,
            false => None,
        };
        let title = self.text("title");
        let wish = self.wish(Sent::UpdateChat {
            chat,
            title,
            if_match: version,
        });
        self.send(client, stage, wish).await
    }

    async fn update_message(&mut self, client: &Client, stage: &Stage, (chat, number): (u64, u64)) -> Served {
        let version = match self.random.bool() {
            true => {
                self.read(client, stage, Sent::GetMessage { chat, number })
                    .await?
            }
            false => None,
        };
        let body = self.text("update");
        let wish = self.wish(Sent::UpdateMessage {
            chat,
            number,
            body,
            if_match: version,
        });
        self.send(client, stage, wish).await
    }

    fn some_read(&mut self, chat: u64, (of, number): (u64, u64)) -> Sent {
        match self.random.u32(..10) {
            0 => Sent::GetApplication,
            1 => Sent::GetChat { chat },
            2 => Sent::ListChats {
                range: Range::After {
                    after: 0,
                    limit: PAGE,
                },
            },
            3..6 => Sent::GetMessage { chat: of, number },
            6..8 => Sent::ListMessages {
                chat,
                range: Range::Last { limit: PAGE },
            },
            _ => {
                let after = number.saturating_sub(self.random.u64(1..PAGE));
                Sent::ListMessages {
                    chat: of,
                    range: Range::After { after, limit: PAGE },
                }
            }
        }
    }

    /// Sends a write and remembers what came of it.
    async fn send(&mut self, client: &Client, stage: &Stage, wish: Wish) -> Served {
        let invoked = stage.clock.tick();
        let performed = perform(client, &self.token, &wish.sent, &wish.sending).await;
        stage.answered();
        let outcome = match performed {
            Ok(outcome) => outcome,
            // Nothing was sent; a write that was on its way before stays so.
            Err(Error::Unreachable { .. }) => {
                self.in_flight = wish.key().map(|_| wish);
                return Err(Gone);
            }
            Err(Error::Vanished { .. }) => Outcome::Unknown,
            Err(error) => Outcome::Refused(error.to_string()),
        };
        let (served, key) = (outcome != Outcome::Unknown, wish.key());
        if let Outcome::Acknowledged(answer) = &outcome {
            note_created(&stage.board, &wish.sent, &answer.shown);
        }
        self.done.push(Operation {
            client: self.name,
            sent: wish.sent.clone(),
            key,
            invoked,
            returned: stage.clock.tick(),
            outcome: outcome.clone(),
        });
        if wish.key().is_some() {
            match outcome {
                Outcome::Acknowledged(_) => self.answered.push(wish),
                Outcome::Unknown => self.in_flight = Some(wish),
                Outcome::Refused(_) => {}
            }
        }
        if served { Ok(()) } else { Err(Gone) }
    }

    /// Reads and answers the version of the thing, if it is one thing. A read without an answer says nothing.
    async fn read(&mut self, client: &Client, stage: &Stage, sent: Sent) -> Result<Option<u64>, Gone> {
        let invoked = stage.clock.tick();
        let performed = perform(client, &self.token, &sent, &Sending::unkeyed()).await;
        stage.answered();
        let outcome = match performed {
            Ok(Outcome::Unknown) | Err(Error::Unreachable { .. } | Error::Vanished { .. }) => {
                return Err(Gone);
            }
            Ok(outcome) => outcome,
            Err(error) => Outcome::Refused(error.to_string()),
        };
        let version = match &outcome {
            Outcome::Acknowledged(answer) => match &answer.shown {
                Shown::Chat(chat) => Some(chat.version),
                Shown::Message(message) => Some(message.version),
                _ => None,
            },
            Outcome::Refused(_) | Outcome::Unknown => None,
        };
        self.done.push(Operation {
            client: self.name,
            sent,
            key: None,
            invoked,
            returned: stage.clock.tick(),
            outcome,
        });
        Ok(version)
    }

    /// With a key or without, as it comes.
    fn wish(&mut self, sent: Sent) -> Wish {
        let key = match self.random.bool() {
            true => Key::Named(self.text("key")),
            false => Key::None,
        };
        let version = match &sent {
            Sent::UpdateChat { if_match, .. } | Sent::UpdateMessage { if_match, .. } => *if_match,
            _ => None,
        };
        // Of a chat's tag only the version counts.
        let tag = |version| match &sent {
            Sent::UpdateChat { .. } => format!("\"{version}-1\""),
            _ => format!("\"{version}\""),
        };
        let if_match = version.map(tag);
        Wish {
            sent,
            sending: Sending { key, if_match },
        }
    }

    /// A text that no other has.
    fn text(&mut self, of: &str) -> String {
        self.texts += 1;
        format!("{of}-{}-{}", self.name, self.texts)
    }

    fn some_chat(&mut self, board: &Board) -> Option<u64> {
        self.random
            .choice(board.chats.lock().unwrap().as_slice())
            .copied()
    }

    fn some_message(&mut self, board: &Board) -> Option<(u64, u64)> {
        let messages = board.messages.lock().unwrap();
        let newest = &messages[messages.len().saturating_sub(MESSAGES_SHARED)..];
        self.random.choice(newest).copied()
    }
}

impl Wish {
    fn key(&self) -> Option<String> {
        match &self.sending.key {
            Key::Named(key) => Some(key.clone()),
            Key::Fresh | Key::None => None,
        }
    }
}

fn note_created(board: &Board, sent: &Sent, shown: &Shown) {
    match (sent, shown) {
        (Sent::CreateChat { .. }, Shown::Chat(chat)) => board.chats.lock().unwrap().push(chat.number),
        (Sent::CreateMessages { chat, .. }, Shown::Message(message)) => {
            board.messages.lock().unwrap().push((*chat, message.number));
        }
        (Sent::CreateMessages { chat, .. }, Shown::Numbers { first, count }) => {
            let numbers = *first..first + count;
            board
                .messages
                .lock()
                .unwrap()
                .extend(numbers.map(|number| (*chat, number)));
        }
        _ => {}
    }
}
