//! The requests that most tests make, in one line each. A refusal fails the test.

use tiro_client::api::{CreateApplication, CreateChat, CreateMessage, Message};
use tiro_client::{Client, Paging, Sending};

/// A new application's token.
pub(crate) async fn create_application(client: &Client) -> String {
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
pub(crate) async fn create_chat(client: &Client, token: &str) -> u64 {
    let created = client
        .create_chat(token, &CreateChat::default(), &Sending::default())
        .await;
    created.unwrap().value.number
}

/// A message with nothing but a body.
pub(crate) fn message(body: &str) -> CreateMessage<'_> {
    CreateMessage {
        body,
        sender: None,
        metadata: None,
    }
}

/// A new message's number.
pub(crate) async fn create_message(client: &Client, token: &str, chat: u64, body: &str) -> u64 {
    let created = client
        .create_message(token, chat, &message(body), &Sending::default())
        .await;
    created.unwrap().value.number
}

/// New messages with these bodies, in one batch; the number of the first.
pub(crate) async fn create_messages(client: &Client, token: &str, chat: u64, bodies: &[String]) -> u64 {
    let messages: Vec<_> = bodies.iter().map(|body| message(body)).collect();
    let created = client
        .create_messages(token, chat, &messages, &Sending::default())
        .await;
    created.unwrap().value.first
}

/// `count` messages with the bodies `1`, `2`, … in batches as large as allowed.
pub(crate) async fn create_numbered_messages(client: &Client, token: &str, chat: u64, count: usize) {
    let bodies: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
    for bodies in bodies.chunks(1_000) {
        create_messages(client, token, chat, bodies).await;
    }
}

/// Every message of a chat, page by page.
pub(crate) async fn list_messages(client: &Client, token: &str, chat: u64) -> Vec<Message<'static>> {
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
