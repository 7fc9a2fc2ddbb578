//! A key makes a request safe to send again: at once, after an edit, after a delete, after a restart.

use std::sync::Arc;

use tiro_client::api::{Code, UpdateMessage};
use tiro_client::{Key, Sending};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::all_of;
use crate::requests::{create_application, create_chat, list_messages, message};
use crate::support::{Tiro, temp_folder};

const AT_ONCE: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_sent_32_times_at_once_stores_one_message_and_answers_it_32_times() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    one_key_at_once(&[&tiro]).await;
}

/// The same request under the same key, 32 times at once, ten times over.
pub(crate) async fn one_key_at_once(servers: &[&Tiro]) {
    let client = servers[0].client();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    for round in 1..=10 {
        let barrier = Arc::new(Barrier::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        for place in 0..AT_ONCE {
            let server = servers[place % servers.len()];
            let (client, token, barrier) = (server.client(), token.clone(), Arc::clone(&barrier));
            tasks.spawn(async move {
                client.healthz().await.unwrap();
                barrier.wait().await;
                let sending = Sending::named(format!("round {round}").replace(' ', "-"));
                client
                    .create_message(&token, chat, &message("once"), &sending)
                    .await
                    .unwrap()
            });
        }
        let answers = all_of(tasks).await;
        let numbers: Vec<u64> = answers.iter().map(|answer| answer.value.number).collect();
        assert_eq!(numbers, [round; AT_ONCE]);
        assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
        assert!(
            answers
                .iter()
                .all(|answer| answer.status == 201 && answer.cursor == answers[0].cursor)
        );
        assert_eq!(list_messages(&client, &token, chat).await.len() as u64, round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_after_an_edit_a_delete_and_a_restart_answers_the_original() {
    let folder = temp_folder();
    let mut tiro = Tiro::start(folder.path(), &[]);
    let mut client = tiro.client();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    let sending = Sending::named("the-key");
    let original = client
        .create_message(&token, chat, &message("as it was"), &sending)
        .await
        .unwrap();
    assert!(!original.replayed);

    let update = UpdateMessage {
        body: Some("edited"),
        metadata: None,
    };
    for step in ["edit", "delete", "kill"] {
        match step {
            "edit" => drop(
                client
                    .update_message(&token, chat, 1, &update, &Sending::default())
                    .await
                    .unwrap(),
            ),
            "delete" => drop(
                client
                    .delete_message(&token, chat, 1, &Sending::default())
                    .await
                    .unwrap(),
            ),
            _ => {
                tiro.kill();
                tiro = Tiro::start(folder.path(), &[]);
                client = tiro.client();
            }
        }
        let retried = client
            .create_message(&token, chat, &message("as it was"), &sending)
            .await
            .unwrap();
        assert!(retried.replayed, "after {step}");
        assert_eq!(
            serde_json::to_value(&retried.value).unwrap(),
            serde_json::to_value(&original.value).unwrap()
        );
        assert_eq!(
            (retried.status, &retried.cursor, &retried.location),
            (201, &original.cursor, &original.location)
        );
    }
    assert_eq!(list_messages(&client, &token, chat).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_with_another_request_is_refused() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let client = tiro.client();
    let token = create_application(&client).await;
    let chat = create_chat(&client, &token).await;
    let sending = Sending {
        key: Key::Named("the-key".to_owned()),
        if_match: None,
    };
    client
        .create_message(&token, chat, &message("one"), &sending)
        .await
        .unwrap();
    let error = client
        .create_message(&token, chat, &message("two"), &sending)
        .await
        .unwrap_err();
    assert_eq!(
        error
            .refusal()
            .map(|refusal| (refusal.status, refusal.problem.code)),
        Some((422, Code::IdempotencyKeyReused))
    );
    assert_eq!(list_messages(&client, &token, chat).await.len(), 1);
}
