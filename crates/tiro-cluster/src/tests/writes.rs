//! What any number of nodes promise about numbers, keys and the start.

use std::sync::Arc;

use futures_util::future::join_all;
use tiro_core::{Command, Engine, IfMatch, Outcome};

use super::database::Database;
use super::requests::*;
use crate::mysql::migrations::SCHEMA_VERSION;
use crate::{ClusterEngine, OpenError, Options};

#[tokio::test(flavor = "multi_thread")]
async fn eight_nodes_that_start_at_once_make_the_tables_once() {
    let database = Database::new();
    let opened = join_all((0..8).map(|_| ClusterEngine::open(&database.config, Options::default()))).await;
    let engines: Vec<_> = opened
        .into_iter()
        .map(|opened| opened.expect("each node starts"))
        .collect();
    assert_eq!(database.number("SELECT COUNT(*) FROM partitions").await, 4);
    assert_eq!(database.number("SELECT COUNT(*) FROM relays").await, 4);
    assert_eq!(database.number("SELECT COUNT(*) FROM server").await, 1);
    begin(&engines[7], "one").await;
    join_all(engines.iter().map(ClusterEngine::close)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_a_killed_node_left_half_made_are_finished() {
    let database = Database::new();
    database.open().await.close().await;
    database.rows("DROP TABLE garbage").await;
    database.rows("DELETE FROM schema_version").await;
    database.open().await.close().await;
    assert_eq!(database.number("SELECT COUNT(*) FROM garbage").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_a_newer_version_are_refused_with_both_versions() {
    let database = Database::new();
    database.open().await.close().await;
    database.rows("UPDATE schema_version SET version = 7").await;
    let refused = ClusterEngine::open(&database.config, Options::default()).await;
    let error = refused.err().expect("a newer version is refused");
    assert!(matches!(
        error,
        OpenError::NewerSchema {
            found: 7,
            known: SCHEMA_VERSION
        }
    ));
    let text = error.to_string();
    assert!(
        text.contains('7') && text.contains(&SCHEMA_VERSION.to_string()),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_an_older_version_become_those_of_this_one_with_what_they_hold() {
    let database = Database::new();
    let engine = database.open().await;
    begin(&engine, "one").await;
    let chat = Command::DeleteChat {
        token: token("one"),
        chat: 1,
        if_match: IfMatch::Any,
    };
    write(&engine, chat).await.expect("a chat is deleted");
    engine.close().await;
    let made = database.columns().await;
    for older in [
        "ALTER TABLE garbage DROP COLUMN partition_id",
        "DROP TABLE index_garbage",
        "ALTER TABLE applications DROP COLUMN restored_at",
        "ALTER TABLE nodes DROP COLUMN trouble",
        "UPDATE schema_version SET version = 1",
    ] {
        database.rows(older).await;
    }
    database.open().await.close().await;
    assert_eq!(database.columns().await, made);
    let version = database
        .number("SELECT CAST(version AS SIGNED) FROM schema_version")
        .await;
    assert_eq!(version, i64::from(SCHEMA_VERSION));
    let right = "SELECT COUNT(*) FROM garbage JOIN applications ON applications.id = garbage.application \
                 AND applications.partition_id = garbage.partition_id";
    assert_eq!(database.number(right).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_first_chats_over_two_nodes_get_1_to_200() {
    let database = Database::new();
    let engines = [database.open().await, database.open().await];
    let made = write(&engines[0], create_application("app")).await;
    made.expect("an application is made");
    let replies = join_all((0..200).map(|index| write(&engines[index % 2], create_chat("app")))).await;
    let mut numbers: Vec<u64> = replies
        .iter()
        .map(|reply| number(reply.as_ref().expect("each chat is made")))
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    let replies = join_all((0..200).map(|index| {
        let text = format!("message {index}");
        write(&engines[index % 2], create_message("app", 7, &text))
    }));
    let mut numbers: Vec<u64> = replies
        .await
        .iter()
        .map(|reply| number(reply.as_ref().expect("each message is stored")))
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    let question = "SELECT COUNT(*) FROM chats JOIN messages ON messages.application = chats.application \
         AND messages.chat = chats.number WHERE chats.number = 7 AND chats.messages_count = 200 \
         AND chats.last_message_number = 200";
    assert_eq!(database.number(question).await, 200);
    join_all(engines.iter().map(ClusterEngine::close)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_at_once_on_two_nodes_stores_one_thing() {
    let database = Database::new();
    let engines = [database.open().await, database.open().await];
    begin(&engines[0], "app").await;
    let replies = join_all(
        (0..40).map(|index| engines[index % 2].write(keyed(create_message("app", 1, "once"), "key"))),
    )
    .await;
    let replies: Vec<_> = replies
        .into_iter()
        .map(|reply| reply.expect("it is stored"))
        .collect();
    assert!(replies.iter().all(|reply| number(reply) == 1));
    assert_eq!(replies.iter().filter(|reply| !reply.replayed).count(), 1);
    let replies = join_all((0..40).map(|index| {
        engines[index % 2].write(keyed(
            create_application(&format!("made{index}")),
            "of the server",
        ))
    }));
    let made = replies.await.into_iter().filter(Result::is_ok).count();
    assert_eq!(made, 1, "the others name another token under the same key");
    let count = "SELECT COUNT(*) FROM applications WHERE restoring = 0";
    assert_eq!(database.number(count).await, 2);
    join_all(engines.iter().map(ClusterEngine::close)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_is_carried_out_though_nobody_waits_for_it() {
    let database = Database::new();
    let engine = Arc::new(database.open().await);
    begin(&engine, "app").await;
    for index in 0..50 {
        drop(engine.write(tiro_core::Request::new(create_message(
            "app",
            1,
            &index.to_string(),
        ))));
    }
    engine.close().await;
    assert_eq!(database.number("SELECT COUNT(*) FROM messages").await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_know_an_application_yet_finds_it() {
    let database = Database::new();
    let engines = [database.open().await, database.open().await];
    let unknown = write(&engines[1], create_chat("app")).await;
    assert!(unknown.is_err());
    begin(&engines[0], "app").await;
    let reply = write(&engines[1], create_chat("app"))
        .await
        .expect("it is there now");
    assert!(matches!(reply.outcome, Outcome::Chat(ref chat) if chat.number == 2));
    join_all(engines.iter().map(ClusterEngine::close)).await;
}
