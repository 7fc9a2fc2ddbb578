//! Numbers start at 1, rise by 1 and have no hole, however many ask at once and however much is refused.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use tiro_client::api::{CreateChat, UpdateChat};
use tiro_client::{Client, Error, Sending};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{all_of, assert_exactly_1_to};
use crate::requests::{create_application, create_chat, create_message, list_messages, message};
use crate::support::{Tiro, temp_folder};

const CLIENTS: usize = 200;

/// Lets 200 clients, spread over the servers, each with connections of its own that are open already, do something at the
/// same moment.
async fn all_at_once<F, T>(servers: &[&Tiro], act: impl Fn(Client, usize) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let barrier = Arc::new(Barrier::new(CLIENTS));
    let mut tasks = JoinSet::new();
    for index in 0..CLIENTS {
        let client = servers[index % servers.len()].client();
        let action = act(client.clone(), index);
        let barrier = Arc::clone(&barrier);
        tasks.spawn(async move {
            client.healthz().await.unwrap();
            barrier.wait().await;
            action.await
        });
    }
    all_of(tasks).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_that_create_the_first_chats_at_once_get_1_to_200() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    first_chats_at_once(&[&tiro]).await;
}

/// 200 first chats of one application.
pub(crate) async fn first_chats_at_once(servers: &[&Tiro]) {
    let client = servers[0].client();
    let token = create_application(&client).await;
    let created = all_at_once(servers, |client, index| {
        let token = token.clone();
        async move {
            let title = format!("chat of client {index}");
            let chat = CreateChat {
                title: Some(&title),
                metadata: None,
            };
            let created = client
                .create_chat(&token, &chat, &Sending::unkeyed())
                .await
                .unwrap();
            (created.value.number, title)
        }
    })
    .await;
    let numbers: Vec<u64> = created.iter().map(|(number, _)| *number).collect();
    assert_exactly_1_to(CLIENTS as u64, &numbers);
    for (number, title) in created {
        let chat = client.chat(&token, number).await.unwrap().value;
        assert_eq!(chat.title.as_deref(), Some(title.as_str()));
    }
    let application = client.application(&token).await.unwrap().value;
    assert_eq!(application.chats_count, CLIENTS as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_in_one_fresh_chat_get_1_to_200_and_find_their_words_there() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    one_fresh_chat(&[&tiro]).await;
}

/// 200 first messages of one chat.
pub(crate) async fn one_fresh_chat(servers: &[&Tiro]) {
    let client = servers[0].client();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    let created = all_at_once(servers, |client, index| {
        let token = token.clone();
        async move {
            let body = format!("words of client {index}");
            let created = client
                .create_message(&token, chat, &message(&body), &Sending::unkeyed())
                .await;
            (created.unwrap().value.number, body)
        }
    })
    .await;
    let numbers: Vec<u64> = created.iter().map(|(number, _)| *number).collect();
    assert_exactly_1_to(CLIENTS as u64, &numbers);
    let bodies: HashMap<u64, String> = created.into_iter().collect();
    for listed in list_messages(&client, &token, chat).await {
        assert_eq!(listed.body.as_deref(), Some(bodies[&listed.number].as_str()));
        let read = client.message(&token, chat, listed.number).await.unwrap().value;
        assert_eq!(read.body, listed.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_takes_a_message_in_the_request_right_after_its_creation() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    messages_right_behind_their_chats(&tiro, &tiro).await;
}

/// Chats made through one server, and a message at once through the other.
pub(crate) async fn messages_right_behind_their_chats(one: &Tiro, other: &Tiro) {
    let token = create_application(&one.client()).await;
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        // Two clients: the message comes over another connection than the chat.
        let (creator, sender, token) = (one.client(), other.client(), token.clone());
        tasks.spawn(async move {
            for _ in 0..25 {
                let chat = create_chat(&creator, &token).await;
                assert_eq!(create_message(&sender, &token, chat, "first").await, 1);
                assert_eq!(create_message(&creator, &token, chat, "second").await, 2);
            }
        });
    }
    all_of(tasks).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_requests_leave_no_hole() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let token = create_application(&client).await;
    for round in 1..=20 {
        let long = "x".repeat(256);
        let long = CreateChat {
            title: Some(&long),
            metadata: None,
        };
        assert_refused(422, client.create_chat(&token, &long, &Sending::default()).await);
        assert_eq!(create_chat(&client, &token).await, round);
        refuse_in_every_way(&client, &token, round).await;
        assert_eq!(create_message(&client, &token, round, "one").await, 1);
        refuse_in_every_way(&client, &token, round).await;
        assert_eq!(create_message(&client, &token, round, "two").await, 2);
        assert_eq!(list_messages(&client, &token, round).await.len(), 2);
    }
}

async fn refuse_in_every_way(client: &Client, token: &str, chat: u64) {
    let sending = Sending::default();
    let too_long = "x".repeat(65_537);
    for body in [" \n\t", too_long.as_str(), "nul \0"] {
        assert_refused(
            422,
            client.create_message(token, chat, &message(body), &sending).await,
        );
        let batch = [message("fine"), message(body), message("fine too")];
        assert_refused(422, client.create_messages(token, chat, &batch, &sending).await);
    }
    assert_refused(
        404,
        client
            .create_message(token, chat + 1_000, &message("to nobody"), &sending)
            .await,
    );
    let stale = Sending {
        if_match: Some("\"99\"".to_owned()),
        ..Sending::default()
    };
    assert_refused(
        412,
        client
            .update_chat(token, chat, &UpdateChat::default(), &stale)
            .await,
    );
    assert_refused(412, client.delete_chat(token, chat, &stale).await);
}

fn assert_refused<T>(status: u16, outcome: Result<T, Error>) {
    let Err(error) = outcome else {
        panic!("a request that should be refused with {status} was accepted");
    };
    let refusal = error.refusal().unwrap_or_else(|| panic!("{error}"));
    assert_eq!(refusal.status, status, "{error}");
}
