//! Large chats: deleting one does not stop others, and lists stay right when half of it is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tiro_client::api::Code;
use tiro_client::{Client, Paging, Sending};
use tokio::task::JoinSet;

use super::{all_of, assert_exactly_1_to, until};
use crate::counts::count;
use crate::requests::{
    create_application, create_chat, create_message, create_numbered_messages, list_messages,
};
use crate::support::{Tiro, temp_folder};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_go_on_while_a_large_chat_is_deleted() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let token = create_application(&client).await;
    let (large, other) = (
        create_chat(&client, &token).await,
        create_chat(&client, &token).await,
    );
    create_numbered_messages(&client, &token, large, count(100_000, 1_000_000)).await;

    let is_over = Arc::new(AtomicBool::new(false));
    let written = Arc::new(AtomicU64::new(0));
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let (client, token) = (tiro.client(), token.clone());
        let (is_over, written) = (Arc::clone(&is_over), Arc::clone(&written));
        writers.spawn(async move {
            let mut numbers = Vec::new();
            while !is_over.load(Ordering::Relaxed) {
                numbers.push(create_message(&client, &token, other, "goes on").await);
                written.fetch_add(1, Ordering::Relaxed);
            }
            numbers
        });
    }
    client
        .delete_chat(&token, large, &Sending::default())
        .await
        .unwrap();
    let deleted_at = written.load(Ordering::Relaxed);
    assert_gone(&client, &token, large).await;
    // The writers get on by as much again while the server clears up.
    until("writes go on", async || {
        written.load(Ordering::Relaxed) >= deleted_at + 500
    })
    .await;
    is_over.store(true, Ordering::Relaxed);
    let numbers: Vec<u64> = all_of(writers).await.into_iter().flatten().collect();
    assert_exactly_1_to(numbers.len() as u64, &numbers);

    tiro.kill();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    assert_gone(&client, &token, large).await;
    assert_eq!(list_messages(&client, &token, other).await.len(), numbers.len());
}

async fn assert_gone(client: &Client, token: &str, chat: u64) {
    let code = |error: tiro_client::Error| error.refusal().map(|refusal| refusal.problem.code);
    let gone = Some(Code::ChatDeleted);
    assert_eq!(code(client.chat(token, chat).await.unwrap_err()), gone);
    assert_eq!(code(client.message(token, chat, 1).await.unwrap_err()), gone);
    assert_eq!(
        code(
            client
                .messages(token, chat, &Paging::default())
                .await
                .unwrap_err()
        ),
        gone
    );
    let application = client.application(token).await.unwrap().value;
    assert_eq!(application.chats_count, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_of_a_chat_stay_right_when_half_of_its_messages_are_deleted() {
    let messages = count(2_000, 10_000) as u64;
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    create_numbered_messages(&client, &token, chat, usize::try_from(messages).unwrap()).await;
    let mut deletes = JoinSet::new();
    for first in 1..=8 {
        let (client, token) = (client.clone(), token.clone());
        deletes.spawn(async move {
            for number in (first..=messages).step_by(8).filter(|number| is_deleted(*number)) {
                client
                    .delete_message(&token, chat, number, &Sending::default())
                    .await
                    .unwrap();
            }
        });
    }
    all_of(deletes).await;
    assert_lists_are_right(&client, &token, chat, messages).await;
    tiro.kill();
    let tiro = Tiro::start(folder.path(), &[]);
    assert_lists_are_right(&tiro.client(), &token, chat, messages).await;
}

/// Which half is deleted: every second message of the first part, and a long run of the rest.
fn is_deleted(number: u64) -> bool {
    number.is_multiple_of(2) && number < 1_000 || (1_200..1_700).contains(&number)
}

async fn assert_lists_are_right(client: &Client, token: &str, chat: u64, messages: u64) {
    let live = (1..=messages).filter(|number| !is_deleted(*number)).count() as u64;
    let state = client.chat(token, chat).await.unwrap().value;
    assert_eq!(
        (state.messages_count, state.last_message_number),
        (live, messages)
    );
    let forward = list_messages(client, token, chat).await;
    let mut backward = Vec::new();
    let mut paging = Paging::last(200);
    loop {
        let page = client.messages(token, chat, &paging).await.unwrap();
        backward.splice(0..0, page.data);
        match page.next {
            Some(next) => paging = Paging::before(next).limit(200),
            None => break,
        }
    }
    for listed in [forward, backward] {
        assert_eq!(listed.len() as u64, messages);
        for (number, message) in (1..).zip(&listed) {
            assert_eq!(message.number, number);
            assert_eq!(
                message.deleted_at.is_some(),
                is_deleted(number),
                "message {number}"
            );
            let body = (!is_deleted(number)).then(|| number.to_string());
            assert_eq!(message.body.as_deref(), body.as_deref());
        }
    }
}
