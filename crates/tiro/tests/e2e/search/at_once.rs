//! What was just acknowledged is found at once, and what was just replaced or deleted is not, under full load.

use std::time::{Duration, Instant};

use tiro_client::api::UpdateMessage;
use tiro_client::{Client, SearchScope, Sending};
use tiro_conformance::generator::Generator;
use tokio::task::JoinSet;

use super::load::Load;
use super::{find_all, finds, mark, part_of, part_of_mark};
use crate::counts::{count, seed};
use crate::requests::{create_application, create_chat, create_message};
use crate::support::{Tiro, temp_folder};

const CLIENTS: usize = 32;
const BACKGROUND_WRITERS: usize = 2;
/// One of so many searches asks the whole application.
const APPLICATION_ONE_IN: u32 = 4;

/// What a client does with each message that it wrote.
#[derive(Clone, Copy)]
enum Then {
    Keep,
    Edit,
    Delete,
}

/// A client that searches for what it did.
struct Talker {
    client: Client,
    token: String,
    chat: u64,
    random: fastrand::Rng,
    texts: Generator,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_is_found_at_once_under_full_load() {
    talk(Then::Keep).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_edited_is_found_at_once_and_its_old_text_is_not() {
    talk(Then::Edit).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_is_not_found_any_more() {
    talk(Then::Delete).await;
}

async fn talk(then: Then) {
    let mut random = fastrand::Rng::with_seed(seed());
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let token = create_application(&client).await;
    let load = Load::start(&client, &token, BACKGROUND_WRITERS).await;
    let until = Instant::now() + Duration::from_secs(count(2, 60) as u64);
    let mut talkers = JoinSet::new();
    for _ in 0..CLIENTS {
        let talker = Talker {
            client: client.clone(),
            token: token.clone(),
            chat: create_chat(&client, &token).await,
            texts: Generator::new(random.u64(..)),
            random: random.fork(),
        };
        talkers.spawn(talker.run(then, until));
    }
    let searches: usize = talkers.join_all().await.into_iter().sum();
    println!("{searches} searches, {} messages behind them", load.end().await);
    assert!(searches >= CLIENTS, "{searches}");
}

impl Talker {
    /// Works until its time is over; answers how often it searched.
    async fn run(mut self, then: Then, until: Instant) -> usize {
        let mut searches = 0;
        while searches == 0 || Instant::now() < until {
            let (old_mark, body) = self.text();
            let number = create_message(&self.client, &self.token, self.chat, &body).await;
            self.assert_found(number, &old_mark, &body).await;
            match then {
                Then::Keep => {}
                Then::Edit => {
                    self.edit(number).await;
                    self.assert_gone(&old_mark).await;
                    searches += 2;
                }
                Then::Delete => {
                    let deleted = self
                        .client
                        .delete_message(&self.token, self.chat, number, &Sending::default())
                        .await;
                    deleted.unwrap();
                    self.assert_gone(&old_mark).await;
                    searches += 1;
                }
            }
            searches += 1;
        }
        searches
    }

    async fn edit(&mut self, number: u64) {
        let (new_mark, body) = self.text();
        let update = UpdateMessage {
            body: Some(&body),
            metadata: None,
        };
        let updated = self
            .client
            .update_message(&self.token, self.chat, number, &update, &Sending::default())
            .await;
        updated.unwrap();
        self.assert_found(number, &new_mark, &body).await;
    }

    /// A mark, and a body with it somewhere.
    fn text(&mut self) -> (String, String) {
        let mark = mark(&mut self.random);
        let (before, behind) = (self.texts.message().body, self.texts.message().body);
        let body = format!("{before} {mark} {behind}");
        (mark, body)
    }

    async fn assert_found(&mut self, number: u64, mark: &str, body: &str) {
        let (scope, query) = if self.random.u32(..APPLICATION_ONE_IN) == 0 {
            let part = part_of_mark(mark, &mut self.random);
            (SearchScope::Application(&self.token), part)
        } else {
            (chat(&self.token, self.chat), part_of(body, &mut self.random))
        };
        assert!(
            finds(&self.client, scope, &query, self.chat, number).await,
            "missed: {query:?} in {scope:?}, message {number} of chat {}: {body:?}",
            self.chat
        );
    }

    async fn assert_gone(&mut self, mark: &str) {
        let scope = if self.random.u32(..APPLICATION_ONE_IN) == 0 {
            SearchScope::Application(&self.token)
        } else {
            chat(&self.token, self.chat)
        };
        let query = part_of_mark(mark, &mut self.random);
        let hits = find_all(&self.client, scope, &query, 1).await;
        assert!(hits.is_empty(), "{query:?} is gone, but in {scope:?}: {hits:?}");
    }
}

fn chat(token: &str, number: u64) -> SearchScope<'_> {
    SearchScope::Chat { token, number }
}
