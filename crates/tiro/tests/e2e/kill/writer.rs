//! One client under load: it writes, remembers what was acknowledged, and reads its own writes, until the server
//! is gone.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tiro_client::api::{Code, Message};
use tiro_client::{Client, Error, Paging};
use tiro_conformance::generator::Generator;
use tokio::sync::Notify;

use super::diary::{Attempt, Change, Diary, Effect};
use super::perform::{has_code, is_chat_deleted, perform};

const BATCH_MESSAGES_MAX: usize = 20;

/// What the writers of a round share.
pub(super) struct Stage {
    /// Chats that somebody created, all writers write to them.
    chats: Mutex<Vec<u64>>,
    /// Requests and answers so far.
    events: AtomicU64,
    kill_at: u64,
    kill: Notify,
}

impl Stage {
    /// The kill comes with the event of this number, from 1.
    pub(super) fn new(kill_at: u64) -> Stage {
        Stage {
            chats: Mutex::default(),
            events: AtomicU64::new(0),
            kill_at,
            kill: Notify::new(),
        }
    }

    /// Waits until it is time.
    pub(super) async fn kill_moment(&self) {
        self.kill.notified().await;
    }

    fn event(&self) {
        if self.events.fetch_add(1, Ordering::Relaxed) + 1 == self.kill_at {
            self.kill.notify_one();
        }
    }

    fn add_chat(&self, chat: u64) {
        self.chats.lock().unwrap().push(chat);
    }

    fn some_chat(&self, random: &mut fastrand::Rng) -> Option<u64> {
        let chats = self.chats.lock().unwrap();
        (!chats.is_empty()).then(|| chats[random.usize(..chats.len())])
    }
}

/// One client.
pub(super) struct Writer {
    name: usize,
    client: Client,
    token: String,
    stage: Arc<Stage>,
    random: fastrand::Rng,
    texts: Generator,
    attempts: usize,
    diary: Diary,
}

impl Writer {
    pub(super) fn new(
        name: usize,
        client: Client,
        token: &str,
        stage: Arc<Stage>,
        mut random: fastrand::Rng,
    ) -> Writer {
        let texts = Generator::new(random.u64(..));
        Writer {
            name,
            client,
            token: token.to_owned(),
            stage,
            random,
            texts,
            attempts: 0,
            diary: Diary::default(),
        }
    }

    /// Writes until the server is gone.
    pub(super) async fn run(mut self) -> Diary {
        loop {
            let attempt = self.next_attempt();
            self.stage.event();
            let outcome = perform(&self.client, &self.token, &attempt).await;
            self.stage.event();
            match outcome {
                Ok(effect) => {
                    if let Effect::Chat(number) = effect {
                        self.stage.add_chat(number);
                    }
                    let change = attempt.change.clone();
                    self.diary.accept(attempt, effect.clone());
                    if self.random.bool() && !self.reads(&change, &effect).await {
                        return self.diary;
                    }
                }
                Err(Error::Vanished { .. }) => {
                    self.diary.in_flight = Some(attempt);
                    return self.diary;
                }
                Err(Error::Unreachable { .. }) => return self.diary,
                Err(error) => assert!(is_chat_deleted(&error), "{attempt:?}: {error}"),
            }
        }
    }

    fn next_attempt(&mut self) -> Attempt {
        self.attempts += 1;
        let change = self.next_change();
        let is_keyed = self.random.bool();
        Attempt {
            change,
            key: is_keyed.then(|| format!("{}-{}", self.name, self.attempts)),
            sent: Instant::now(),
        }
    }

    fn next_change(&mut self) -> Change {
        let Some(chat) = self.stage.some_chat(&mut self.random) else {
            return self.create_chat();
        };
        match self.random.u32(..100) {
            0..4 => self.create_chat(),
            4..60 => Change::CreateMessage {
                chat,
                body: self.text(0),
            },
            60..75 => {
                let count = self.random.usize(1..=BATCH_MESSAGES_MAX);
                let bodies = (0..count).map(|part| self.text(part)).collect();
                Change::CreateBatch { chat, bodies }
            }
            75 => match self.own_chat() {
                Some(chat) => Change::DeleteChat { chat },
                None => self.create_chat(),
            },
            kind => match self.own_message() {
                Some((chat, number)) if kind < 90 => {
                    let body = self.text(0);
                    Change::UpdateMessage { chat, number, body }
                }
                Some((chat, number)) => Change::DeleteMessage { chat, number },
                None => Change::CreateMessage {
                    chat,
                    body: self.text(0),
                },
            },
        }
    }

    fn create_chat(&mut self) -> Change {
        Change::CreateChat {
            title: format!("chat {}-{}", self.name, self.attempts),
        }
    }

    /// A text that no other write has.
    fn text(&mut self, part: usize) -> String {
        format!(
            "{}-{}-{part} {}",
            self.name,
            self.attempts,
            self.texts.message().body
        )
    }

    /// A chat of its own that is not deleted.
    fn own_chat(&mut self) -> Option<u64> {
        let live = self.diary.chats.iter().filter(|(_, chat)| !chat.is_deleted);
        self.random
            .choice(live.map(|(number, _)| *number).collect::<Vec<_>>())
    }

    /// A message of its own that is not deleted.
    fn own_message(&mut self) -> Option<(u64, u64)> {
        let live = self
            .diary
            .messages
            .iter()
            .filter(|(_, message)| !message.is_deleted);
        self.random
            .choice(live.map(|(place, _)| *place).collect::<Vec<_>>())
    }

    /// Reads what was just acknowledged; whether the server was still there.
    async fn reads(&self, change: &Change, effect: &Effect) -> bool {
        let read = match (change, effect) {
            (Change::CreateChat { title }, Effect::Chat(number)) => self.reads_chat(*number, title).await,
            (Change::DeleteChat { chat }, _) => self.misses_chat(*chat).await,
            (
                Change::CreateMessage { chat, .. } | Change::CreateBatch { chat, .. },
                Effect::Messages { first, count },
            ) => self.reads_list(*chat, *first, *count).await,
            (Change::UpdateMessage { chat, number, .. }, _) => self.reads_message(*chat, *number).await,
            (Change::DeleteMessage { chat, number }, _) => self.misses_message(*chat, *number).await,
            (change, effect) => panic!("{change:?} was answered with {effect:?}"),
        };
        match read {
            Ok(()) => true,
            Err(Error::Vanished { .. } | Error::Unreachable { .. }) => false,
            Err(error) => {
                assert!(is_chat_deleted(&error), "reading after {change:?}: {error}");
                true
            }
        }
    }

    async fn reads_chat(&self, number: u64, title: &str) -> Result<(), Error> {
        let chat = self.client.chat(&self.token, number).await?.value;
        assert_eq!(chat.title.as_deref(), Some(title));
        Ok(())
    }

    async fn misses_chat(&self, number: u64) -> Result<(), Error> {
        match self.client.chat(&self.token, number).await {
            Ok(chat) => panic!("a deleted chat was answered: {chat:?}"),
            Err(error) => Err(error),
        }
    }

    async fn reads_message(&self, chat: u64, number: u64) -> Result<(), Error> {
        let message = self.client.message(&self.token, chat, number).await?.value;
        self.assert_known(chat, &message);
        Ok(())
    }

    async fn reads_list(&self, chat: u64, first: u64, count: u64) -> Result<(), Error> {
        let paging = Paging::after(first - 1).limit(u32::try_from(count).unwrap());
        let page = self.client.messages(&self.token, chat, &paging).await?;
        assert_eq!(page.data.len() as u64, count, "after {first} of chat {chat}");
        page.data
            .iter()
            .for_each(|message| self.assert_known(chat, message));
        let last = self
            .client
            .chat(&self.token, chat)
            .await?
            .value
            .last_message_number;
        assert!(
            last >= first + count - 1,
            "chat {chat} counts to {last} after {first} + {count}"
        );
        Ok(())
    }

    async fn misses_message(&self, chat: u64, number: u64) -> Result<(), Error> {
        match self.client.message(&self.token, chat, number).await {
            Ok(message) => panic!("a deleted message was answered: {message:?}"),
            Err(error) if has_code(&error, Code::MessageDeleted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn assert_known(&self, chat: u64, message: &Message<'_>) {
        let known = &self.diary.messages[&(chat, message.number)];
        assert_eq!(message.body.as_deref(), Some(known.body.as_str()));
        assert_eq!(message.version, known.version);
    }
}
