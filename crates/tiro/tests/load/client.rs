//! One client under load: writes with and without keys and conditions, reads, and requests that it sends again.

use std::sync::Arc;
use std::time::Instant;

use tiro_client::{Error, Key, Sending};
use tiro_conformance::history::{Operation, Outcome, Range, Sent, Shown};
use tokio::time::sleep;

use super::perform::perform;
use super::stage::{Board, Kind, Request, Said, Stage};

const BATCH_MESSAGES_MAX: usize = 12;
/// Clients work on so many of the newest messages, so that they meet.
const MESSAGES_SHARED: usize = 48;
const CHATS_MAX: usize = 12;
const PAGE: u64 = 20;
/// One of so many requests is an old one sent again under its key.
const REPLAY_ONE_IN: u32 = 16;
/// One of so many requests goes to another node than the one before.
const MOVE_ONE_IN: u32 = 3;
/// A client whose node did not serve it stays away from there for so many requests.
const STAYS_AWAY: u32 = 40;

/// A write and what goes with it, so that it can be sent again as it was.
#[derive(Clone)]
struct Wish {
    sent: Sent,
    sending: Sending,
}

/// What a client keeps from one run of the server to the next.
pub(crate) struct LoadClient {
    name: usize,
    /// Of the stage's nodes the one that the next request goes to.
    node: usize,
    /// Requests that still go there, whatever chance says.
    settled: u32,
    random: fastrand::Rng,
    texts: usize,
    /// What it sent and saw, until it is taken.
    pub(super) done: Vec<Operation>,
    /// Under keys and answered: may be sent again at any time.
    answered: Vec<Wish>,
    /// Under a key and not served: is sent again as soon as somebody serves.
    in_flight: Option<Wish>,
}

/// Whether the request was served.
type Served = Result<(), Unserved>;

/// The server is gone or takes nothing now, or nobody knows.
struct Unserved;

impl LoadClient {
    pub(crate) fn new(name: usize, random: fastrand::Rng) -> LoadClient {
        LoadClient {
            name,
            node: 0,
            settled: 0,
            random,
            texts: 0,
            done: Vec::new(),
            answered: Vec::new(),
            in_flight: None,
        }
    }

    /// Works until the load ends, or until it is not served and there is no other node.
    pub(super) async fn run(mut self, stage: Arc<Stage>) -> LoadClient {
        while stage.watch.goes_on() {
            self.choose_node(&stage);
            let served = match self.in_flight.take() {
                Some(wish) => self.send(&stage, wish).await,
                None => self.step(&stage).await,
            };
            let rest = match served {
                Ok(()) => stage.pace.between,
                Err(Unserved) if stage.nodes.len() == 1 => break,
                Err(Unserved) => {
                    self.node = (self.node + 1) % stage.nodes.len();
                    self.settled = STAYS_AWAY;
                    stage.pace.unserved
                }
            };
            if !rest.is_zero() {
                sleep(rest.mul_f64(0.5 + self.random.f64())).await;
            }
        }
        self
    }

    fn choose_node(&mut self, stage: &Stage) {
        if self.settled > 0 {
            self.settled -= 1;
        } else if self.random.u32(..MOVE_ONE_IN) == 0 {
            self.node = self.random.usize(..stage.nodes.len());
        }
    }

    async fn step(&mut self, stage: &Stage) -> Served {
        if self.random.u32(..REPLAY_ONE_IN) == 0
            && let Some(wish) = self.random.choice(&self.answered).cloned()
        {
            return self.send(stage, wish).await;
        }
        let (chat, message) = (self.some_chat(&stage.board), self.some_message(&stage.board));
        let Some(chat) = chat else {
            return self.create_chat(stage).await;
        };
        match (self.random.u32(..100), message) {
            (0..3, _) if stage.board.chats.lock().unwrap().len() < CHATS_MAX => self.create_chat(stage).await,
            (0..6, _) => self.update_chat(stage, chat).await,
            (6..36, _) | (_, None) => self.create_messages(stage, chat, 1).await,
            (36..44, _) => {
                let count = self.random.usize(2..=BATCH_MESSAGES_MAX);
                self.create_messages(stage, chat, count).await
            }
            (44..60, Some(place)) => self.update_message(stage, place).await,
            (60..66, Some((chat, number))) => {
                let wish = self.wish(Sent::DeleteMessage { chat, number });
                self.send(stage, wish).await
            }
            (66, _) if self.random.u8(..4) == 0 => {
                stage.board.chats.lock().unwrap().retain(|other| *other != chat);
                let wish = self.wish(Sent::DeleteChat { chat });
                self.send(stage, wish).await
            }
            (_, Some(place)) => {
                let sent = self.some_read(&stage.board, chat, place);
                self.read(stage, sent).await.map(drop)
            }
        }
    }

    async fn create_chat(&mut self, stage: &Stage) -> Served {
        let title = self.text("chat");
        let wish = self.wish(Sent::CreateChat { title });
        self.send(stage, wish).await
    }

    async fn create_messages(&mut self, stage: &Stage, chat: u64, count: usize) -> Served {
        let bodies = (0..count).map(|_| self.text("message")).collect();
        let wish = self.wish(Sent::CreateMessages { chat, bodies });
        self.send(stage, wish).await
    }

    /// Half of the updates rest on what was read before, so that some lose a race.
    async fn update_chat(&mut self, stage: &Stage, chat: u64) -> Served {
        let version = match self.random.bool() {
            true => self.read(stage, Sent::GetChat { chat }).await?,
            false => None,
        };
        let title = self.text("title");
        let wish = self.wish(Sent::UpdateChat {
            chat,
            title,
            if_match: version,
        });
        self.send(stage, wish).await
    }

    async fn update_message(&mut self, stage: &Stage, (chat, number): (u64, u64)) -> Served {
        let version = match self.random.bool() {
            true => self.read(stage, Sent::GetMessage { chat, number }).await?,
            false => None,
        };
        let body = self.text("update");
        let wish = self.wish(Sent::UpdateMessage {
            chat,
            number,
            body,
            if_match: version,
        });
        self.send(stage, wish).await
    }

    fn some_read(&mut self, board: &Board, chat: u64, (of, number): (u64, u64)) -> Sent {
        match (self.random.u32(..12), board.some_text(&mut self.random)) {
            (10, _) => Sent::ReadFeed {
                after: self.random.u64(..=board.position()),
                limit: PAGE,
            },
            (11, Some(text)) => Sent::Search { text },
            (0, _) => Sent::GetApplication,
            (1, _) => Sent::GetChat { chat },
            (2, _) => Sent::ListChats {
                range: Range::After {
                    after: 0,
                    limit: PAGE,
                },
            },
            (3..6, _) => Sent::GetMessage { chat: of, number },
            (6..8, _) => Sent::ListMessages {
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
    async fn send(&mut self, stage: &Stage, wish: Wish) -> Served {
        let key = wish.key();
        let Some(operation) = self.perform(stage, &wish.sent, &wish.sending).await else {
            // Nothing was sent; a write that was on its way before stays so.
            self.in_flight = key.map(|_| wish);
            return Err(Unserved);
        };
        let outcome = operation.outcome.clone();
        if let Outcome::Acknowledged(answer) = &outcome {
            note_created(&stage.board, &operation, &answer.shown);
        }
        self.done.push(Operation {
            key: key.clone(),
            ..operation
        });
        let not_served = matches!(outcome, Outcome::Unknown | Outcome::Declined);
        if key.is_some() {
            match outcome {
                Outcome::Acknowledged(_) => self.answered.push(wish),
                Outcome::Unknown | Outcome::Declined => self.in_flight = Some(wish),
                Outcome::Refused(_) => {}
            }
        }
        if not_served { Err(Unserved) } else { Ok(()) }
    }

    /// Reads and answers the version of the thing, if it is one thing. A read without an answer says nothing.
    async fn read(&mut self, stage: &Stage, sent: Sent) -> Result<Option<u64>, Unserved> {
        let Some(operation) = self.perform(stage, &sent, &Sending::unkeyed()).await else {
            return Err(Unserved);
        };
        let version = match &operation.outcome {
            Outcome::Acknowledged(answer) => match &answer.shown {
                Shown::Chat(chat) => Some(chat.version),
                Shown::Message(message) => Some(message.version),
                _ => None,
            },
            Outcome::Refused(_) => None,
            // A search may be refused while everything else is served.
            Outcome::Unknown | Outcome::Declined if Kind::of(&sent) == Kind::Search => return Ok(None),
            Outcome::Unknown | Outcome::Declined => return Err(Unserved),
        };
        self.done.push(operation);
        Ok(version)
    }

    /// One request, to its end; `None` if nothing was sent.
    async fn perform(&mut self, stage: &Stage, sent: &Sent, sending: &Sending) -> Option<Operation> {
        let (invoked, begun) = (stage.clock.tick(), Instant::now());
        let performed = perform(&stage.nodes[self.node], &stage.token, sent, sending).await;
        let said = match &performed {
            Ok(Outcome::Unknown) => Said::Unknown,
            Ok(Outcome::Declined) => Said::Unavailable,
            Err(Error::Unreachable { .. } | Error::Vanished { .. }) => Said::Silent,
            Ok(_) | Err(_) => Said::Served,
        };
        stage.watch.ended(&Request {
            node: self.node,
            kind: Kind::of(sent),
            said,
            took: begun.elapsed(),
        });
        let outcome = match performed {
            Ok(outcome) => outcome,
            Err(Error::Unreachable { .. }) => return None,
            Err(Error::Vanished { .. }) => Outcome::Unknown,
            Err(error) => Outcome::Refused(error.to_string()),
        };
        Some(Operation {
            client: self.name,
            sent: sent.clone(),
            key: None,
            invoked,
            returned: stage.clock.tick(),
            outcome,
        })
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

    /// A text that no other has, and that no other contains.
    fn text(&mut self, of: &str) -> String {
        self.texts += 1;
        format!("{of}-{}-{}.", self.name, self.texts)
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

/// Tells the others of what was made.
fn note_created(board: &Board, operation: &Operation, shown: &Shown) {
    match (&operation.sent, shown) {
        (Sent::CreateChat { .. }, Shown::Chat(chat)) => board.chats.lock().unwrap().push(chat.number),
        (Sent::CreateMessages { chat, bodies }, Shown::Message(message)) => {
            board.note_messages(*chat, message.number, bodies);
        }
        (Sent::CreateMessages { chat, bodies }, Shown::Numbers { first, .. }) => {
            board.note_messages(*chat, *first, bodies);
        }
        _ => {}
    }
}
