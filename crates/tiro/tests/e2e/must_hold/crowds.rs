//! Clients that vanish, dawdle or do nothing: nothing half-done stays, and nobody else waits.

use std::time::Duration;

use tiro_client::{Client, Paging};
use tokio::time::timeout;

use super::raw::{post, send};
use crate::counts::count;
use crate::limits::raise_the_limit_of_connections;
use crate::requests::{create_application, create_chat, create_message, list_messages};
use crate::support::{Tiro, temp_folder};

/// What others' requests may take at most in the company of a crowd; far more than they need.
const OTHERS_WAIT_MAX: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_hangs_up_leaves_a_whole_message_or_none() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    let path = format!("/v1/applications/{token}/chats/{chat}/messages");
    for index in 0..count(200, 2_000) {
        let body = format!("whole {index} {}", "x".repeat(index % 3_000));
        let request = post(&path, &format!(r#"{{"body": "{body}"}}"#));
        let cut = match index % 3 {
            0 => request.len(),
            1 => request.len() - 1,
            _ => request.len() * (index % 100) / 100,
        };
        drop(send(tiro.host(), &request[..cut]).await);
    }
    let last = create_message(&client, &token, chat, "last").await;
    let messages = list_messages(&client, &token, chat).await;
    assert!(messages.len() as u64 >= last);
    for (number, message) in (1..).zip(&messages) {
        assert_eq!(message.number, number);
        let body = message.body.as_deref().unwrap();
        let is_whole = body
            .strip_prefix("whole ")
            .and_then(|rest| rest.split_once(' '))
            .is_some_and(|(index, rest)| {
                let index: usize = index.parse().unwrap();
                index.is_multiple_of(3) && rest.len() == index % 3_000
            });
        assert!(is_whole || body == "last", "{body}");
    }
    assert_others_are_served(&client, &token, chat).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_and_slow_connections_do_not_stop_others() {
    let idle = count(1_000, 10_000);
    raise_the_limit_of_connections(idle as u64 + 2_000);
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    let mut crowd = Vec::with_capacity(idle);
    let beginnings: [&[u8]; 4] = [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: loc",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /v1/applications HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
    ];
    for index in 0..idle {
        crowd.push(send(tiro.host(), beginnings[index % beginnings.len()]).await);
        if index % 100 == 0 {
            assert_others_are_served(&client, &token, chat).await;
        }
    }
    assert_others_are_served(&tiro.client(), &token, chat).await;
    drop(crowd);
    assert_others_are_served(&client, &token, chat).await;
}

/// A write and a read, over a connection that is open already or new.
async fn assert_others_are_served(client: &Client, token: &str, chat: u64) {
    let served = async {
        let number = create_message(client, token, chat, "others").await;
        let page = client.messages(token, chat, &Paging::last(1)).await.unwrap();
        assert!(page.data[0].number >= number);
    };
    timeout(OTHERS_WAIT_MAX, served)
        .await
        .expect("others are not served");
}
