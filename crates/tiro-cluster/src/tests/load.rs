//! How many statements and round trips load costs.

use std::sync::Arc;

use futures_util::future::join_all;

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
