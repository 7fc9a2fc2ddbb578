//! SIGKILL during heavy writing: after the start everything that was acknowledged is found, as it was last.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tiro_client::api::UpdateMessage;
use tiro_client::{Client, Error, Options, Patience, SearchScope, Sending};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::{PAGE_HITS_MAX, find_all, mark};
use crate::counts::{count, seed};
use crate::requests::{create_application, create_chat, message};
use crate::support::{Tiro, temp_folder};

const WRITERS: usize = 24;
const BATCH_MESSAGES_MAX: usize = 100;
/// The kill comes with a random one of so many acknowledgements.
const ACKNOWLEDGED_MIN: u64 = 100;
const ACKNOWLEDGED_MAX: u64 = 2_000;
const AUDITORS: usize = 8;

/// What is known of a mark after an acknowledgement.
struct Known {
    token: Arc<str>,
    chat: u64,
    mark: String,
    /// How many messages have it; none if all were edited or deleted.
    messages: usize,
}

/// When to kill.
struct Moment {
    acknowledged: AtomicU64,
    kill_at: u64,
    kill: Notify,
}

/// A client that writes until the server is gone.
struct Writer {
    client: Client,
    token: Arc<str>,
    chat: u64,
    random: fastrand::Rng,
    moment: Arc<Moment>,
    known: Vec<Known>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_message_is_found_after_kill_nine() {
    let mut random = fastrand::Rng::with_seed(seed());
    let folder = temp_folder();
    let mut tiro = Tiro::start(folder.path(), &[]);
    let mut known = Vec::new();
    for _ in 0..count(3, 20) {
        let of_round = write_until_killed(tiro, &mut random).await;
        tiro = Tiro::start(folder.path(), &[]);
        known.extend(audit(&tiro, of_round).await);
    }
    println!("{} marks over all kills", known.len());
    audit(&tiro, known).await;
}

async fn write_until_killed(tiro: Tiro, random: &mut fastrand::Rng) -> Vec<Known> {
    let moment = Arc::new(Moment {
        acknowledged: AtomicU64::new(0),
        kill_at: random.u64(ACKNOWLEDGED_MIN..=ACKNOWLEDGED_MAX),
        kill: Notify::new(),
    });
    let token: Arc<str> = create_application(&tiro.client()).await.into();
    let options = Options {
        operator_key: None,
        patience: Patience::one_attempt(),
    };
    let client = Client::new(&tiro.address, options).unwrap();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let writer = Writer {
            client: client.clone(),
            token: Arc::clone(&token),
            chat: create_chat(&tiro.client(), &token).await,
            random: random.fork(),
            moment: Arc::clone(&moment),
            known: Vec::new(),
        };
        writers.spawn(writer.run());
    }
    tokio::select! {
        () = moment.kill.notified() => tiro.kill(),
        ended = writers.join_next() => panic!("a writer ended before the kill: {:?}", ended.unwrap().map(drop)),
    }
    let known: Vec<Known> = writers.join_all().await.into_iter().flatten().collect();
    assert!(known.len() >= WRITERS, "{} marks", known.len());
    known
}

impl Writer {
    async fn run(mut self) -> Vec<Known> {
        loop {
            match self.write().await {
                Ok(()) => self.acknowledged(),
                Err(Error::Vanished { .. } | Error::Unreachable { .. }) => return self.known,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn acknowledged(&self) {
        let moment = &self.moment;
        if moment.acknowledged.fetch_add(1, Ordering::Relaxed) + 1 == moment.kill_at {
            moment.kill.notify_one();
        }
    }

    /// One message or a batch; some messages are then edited or deleted.
    async fn write(&mut self) -> Result<(), Error> {
        let kind = self.random.u32(..8);
        let messages = if kind == 0 {
            self.random.usize(1..=BATCH_MESSAGES_MAX)
        } else {
            1
        };
        let mark = mark(&mut self.random);
        let body = format!("one of {messages}, {mark}.");
        let batch = vec![message(&body); messages];
        let sending = Sending::unkeyed();
        let created = self
            .client
            .create_messages(&self.token, self.chat, &batch, &sending);
        let number = created.await?.value.first;
        match kind {
            1 => self.edit(number, mark).await,
            2 => {
                let deleted = self
                    .client
                    .delete_message(&self.token, self.chat, number, &sending);
                deleted.await?;
                self.note(mark, 0);
                Ok(())
            }
            _ => {
                self.note(mark, messages);
                Ok(())
            }
        }
    }

    async fn edit(&mut self, number: u64, old_mark: String) -> Result<(), Error> {
        let mark = mark(&mut self.random);
        let body = format!("edited, {mark}");
        let update = UpdateMessage {
            body: Some(&body),
            metadata: None,
        };
        let sending = Sending::unkeyed();
        let updated = self
            .client
            .update_message(&self.token, self.chat, number, &update, &sending);
        updated.await?;
        self.note(mark, 1);
        self.note(old_mark, 0);
        Ok(())
    }

    fn note(&mut self, mark: String, messages: usize) {
        self.known.push(Known {
            token: Arc::clone(&self.token),
            chat: self.chat,
            mark,
            messages,
        });
    }
}

/// Searches for every mark; answers them again.
async fn audit(tiro: &Tiro, mut known: Vec<Known>) -> Vec<Known> {
    let mut auditors = JoinSet::new();
    let share = known.len().div_ceil(AUDITORS).max(1);
    while !known.is_empty() {
        let part = known.split_off(known.len().saturating_sub(share));
        auditors.spawn(audit_part(tiro.client(), part));
    }
    auditors.join_all().await.into_iter().flatten().collect()
}

async fn audit_part(client: Client, known: Vec<Known>) -> Vec<Known> {
    for (index, of_mark) in known.iter().enumerate() {
        let (token, number) = (&*of_mark.token, of_mark.chat);
        let scope = match index % 2 {
            0 => SearchScope::Chat { token, number },
            _ => SearchScope::Application(token),
        };
        let hits = find_all(&client, scope, &of_mark.mark, PAGE_HITS_MAX).await;
        assert_eq!(hits.len(), of_mark.messages, "{} in {scope:?}", of_mark.mark);
        assert!(hits.iter().all(|hit| hit.chat == number), "{hits:?}");
    }
    known
}
