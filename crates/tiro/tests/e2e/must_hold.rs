//! What must hold on the real executable, over real connections, whatever else changes.

mod bodies;
mod crowds;
mod large;
mod numbers;
mod raw;
mod retries;
mod transfer;

use std::collections::BTreeSet;
use std::time::Duration;

use tiro_client::api::{CreateApplication, CreateChat, CreateMessage, Message};
use tiro_client::{Client, Paging, Sending};

/// A new application's token.
async fn create_application(client: &Client) -> String {
    let application = CreateApplication {
        name: "must hold",
        metadata: None,
    };
    let created = client
        .create_application(&application, &Sending::default())
        .await
        .unwrap();
    created.value.token.into_owned()
}

/// A new chat's number.
async fn create_chat(client: &Client, token: &str) -> u64 {
    let created = client
        .create_chat(token, &CreateChat::default(), &Sending::default())
        .await;
    created.unwrap().value.number
}

/// A message with nothing but a body.
fn message(body: &str) -> CreateMessage<'_> {
    CreateMessage {
        body,
        sender: None,
        metadata: None,
    }
}

/// A new message's number.
async fn create_message(client: &Client, token: &str, chat: u64, body: &str) -> u64 {
    let created = client
        .create_message(token, chat, &message(body), &Sending::default())
        .await;
    created.unwrap().value.number
}

/// `count` messages with the bodies `1`, `2`, … in batches as large as allowed.
async fn create_numbered_messages(client: &Client, token: &str, chat: u64, count: usize) {
    let bodies: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
    for bodies in bodies.chunks(1_000) {
        let messages: Vec<_> = bodies.iter().map(|body| message(body)).collect();
        client
            .create_messages(token, chat, &messages, &Sending::default())
            .await
            .unwrap();
    }
}

/// Every message of a chat, page by page.
async fn list_messages(client: &Client, token: &str, chat: u64) -> Vec<Message<'static>> {
    let mut messages = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let page = client
            .messages(token, chat, &Paging::after(&after).limit(200))
            .await
            .unwrap();
        messages.extend(page.data);
        match page.next {
            Some(next) => after = next.into_owned(),
            None => return messages,
        }
    }
}

/// Asks again and again until the answer is yes, for a minute at most.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waited = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(60), waited).await;
    in_time.unwrap_or_else(|_| panic!("waited a minute until {what}"));
}

/// Fails unless the numbers are 1 to `count`, in any order, each once.
fn assert_exactly_1_to(count: u64, numbers: &[u64]) {
    assert_eq!(numbers.len() as u64, count);
    let unique: BTreeSet<u64> = numbers.iter().copied().collect();
    assert_eq!(unique, (1..=count).collect());
}
