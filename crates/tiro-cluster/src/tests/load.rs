//! How many statements and round trips load costs.

use std::sync::Arc;

use futures_util::future::join_all;
use sqlx::Connection;
use tiro_core::{Engine, Request};

use super::database::Database;
use super::proxy::Proxy;
use super::requests::*;

#[tokio::test(flavor = "multi_thread")]
async fn under_load_a_batch_is_two_round_trips_and_no_statement_is_for_one_message() {
    const WRITERS: usize = 64;
    const EACH: usize = 25;
    let mut database = Database::new();
    let proxy = Proxy::start(database.address()).await;
    database.reach_through(proxy.port());
    let engine = Arc::new(database.open().await);
    begin(&engine, "app").await;
    proxy.asked();
    let writers = (0..WRITERS).map(|writer| {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            for index in 0..EACH {
                let command = create_message("app", 1, &format!("{writer} {index}"));
                write(&engine, command).await.expect("it is stored");
            }
        })
    });
    join_all(writers).await;
    let asked = proxy.asked();
    let count = |text: &str| {
        asked
            .iter()
            .map(|packet| packet.matches(text).count())
            .sum::<usize>()
    };
    let transactions = count("COMMIT");
    println!("{} messages in {transactions} transactions", WRITERS * EACH);
    assert!(transactions * 4 <= WRITERS * EACH, "{transactions} transactions");
    assert_eq!(count("BEGIN"), transactions);
    assert_eq!(asked.len(), 2 * transactions, "round trips");
    for table in ["messages", "changes", "chats", "applications", "transactions"] {
        assert_eq!(count(&format!("INSERT INTO {table} ")), transactions, "{table}");
    }
    assert_eq!(count("UPDATE partitions"), transactions);
    assert_eq!(count("COUNT("), 0);
    assert_eq!(count("_count = messages_count"), 0, "counts are absolute");
    let question = "SELECT messages_count FROM chats WHERE number = 1";
    assert_eq!(database.count(question).await, (WRITERS * EACH) as u64);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_others_hold_the_partition_joins_the_transaction_that_waits() {
    let mut database = Database::new();
    let proxy = Proxy::start(database.address()).await;
    database.reach_through(proxy.port());
    let engine = database.open().await;
    begin(&engine, "app").await;
    let made = write(&engine, create_chat("app")).await;
    made.expect("a second chat is made");
    let carried_out = "SELECT COUNT(*) FROM transactions";
    let before = database.number(carried_out).await;
    proxy.asked();

    let mut other = database.connect().await;
    let mut held = other.begin().await.expect("a transaction begins");
    sqlx::raw_sql("SELECT position FROM partitions FOR UPDATE")
        .fetch_all(&mut *held)
        .await
        .expect("all partitions are locked");
    let create = |text: String| {
        engine.write(Request::new(create_message(
            "app",
            1 + text.len() as u64 % 2,
            &text,
        )))
    };
    let mut creates = vec![create("a".to_owned())];
    while !proxy.asked().iter().any(|packet| packet.contains("BEGIN")) {
        tokio::task::yield_now().await;
    }
    creates.extend((2..=20).map(|letters| create("a".repeat(letters))));
    held.rollback().await.expect("the partitions are free again");

    let mut numbers: Vec<u64> = Vec::new();
    for reply in join_all(creates).await {
        numbers.push(number(&reply.expect("it is stored")));
    }
    assert_eq!(database.number(carried_out).await, before + 1);
    numbers.sort_unstable();
    let expected: Vec<u64> = (1..=10).flat_map(|number| [number, number]).collect();
    assert_eq!(numbers, expected, "both chats count from 1");
    let asked = proxy.asked();
    let looks = asked
        .iter()
        .filter(|packet| packet.contains("FROM chats"))
        .count();
    assert_eq!(
        (asked.len(), looks),
        (2, 1),
        "one more look, for the chat that those who joined named: {asked:?}"
    );
    engine.close().await;
}
