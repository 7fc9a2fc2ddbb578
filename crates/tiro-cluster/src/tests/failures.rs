//! What fails on the way to MySQL: nothing is lost, nothing is stored twice, nothing is claimed that is not so.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, MySqlConnection, Row};
use tiro_core::{Engine, Failure, Request, Shortage, Timestamp};
use tokio::sync::mpsc;

use super::database::Database;
use super::proxy::{Fault, Proxy};
use super::requests::*;
use crate::ClusterEngine;
use crate::mysql::probe::Probe;
use crate::mysql::trouble::Trouble;
use crate::mysql::{Pool, connection, purge};

/// An engine that reaches MySQL through a proxy, with an application `app` that has one chat.
async fn behind_proxy(database: &mut Database) -> (ClusterEngine, Proxy) {
    let proxy = Proxy::start(database.address()).await;
    database.reach_through(proxy.port());
    let engine = database.open().await;
    begin(&engine, "app").await;
    (engine, proxy)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_found_to_be_carried_out() {
    let mut database = Database::new();
    let (engine, proxy) = behind_proxy(&mut database).await;
    proxy.next(Fault::LoseAnswer);
    let reply = write(&engine, create_message("app", 1, "one"))
        .await
        .expect("it was stored");
    assert_eq!(number(&reply), 1);
    let reply = write(&engine, create_message("app", 1, "two"))
        .await
        .expect("it is stored");
    assert_eq!(number(&reply), 2);
    assert_eq!(database.number("SELECT COUNT(*) FROM messages").await, 2);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_without_an_answer_is_resolved_while_workers_remove_transactions() {
    let mut database = Database::new();
    let direct = database.config.mysql.clone();
    let (engine, proxy) = behind_proxy(&mut database).await;
    let workers = Pool::new(direct.parse().expect("it is an address"), 1);
    let is_over = AtomicBool::new(false);
    let removing = async {
        while !is_over.load(Ordering::Relaxed) {
            let now = Timestamp::from_millis(crate::clock::now_ms());
            purge::round(&workers, now).await.expect("MySQL answers");
        }
    };
    let writing = async {
        for sent in 1..=10 {
            proxy.next(Fault::LoseAnswer);
            let reply = write(&engine, create_message("app", 1, "one")).await;
            assert_eq!(number(&reply.expect("it was stored")), sent);
        }
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(removing, writing);
    assert_eq!(database.number("SELECT COUNT(*) FROM messages").await, 10);
    workers.close().await;
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_lost_is_carried_out_again() {
    let mut database = Database::new();
    let (engine, proxy) = behind_proxy(&mut database).await;
    proxy.next(Fault::LoseCommit);
    let reply = write(&engine, create_message("app", 1, "one"))
        .await
        .expect("it is stored");
    assert_eq!(number(&reply), 1);
    assert_eq!(database.number("SELECT COUNT(*) FROM messages").await, 1);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_cannot_be_found_out_is_said_to_be_unknown() {
    let mut database = Database::new();
    let (engine, proxy) = behind_proxy(&mut database).await;
    proxy.next(Fault::LoseAnswerAndAll);
    let answer = write(&engine, create_message("app", 1, "one")).await;
    let Err(Failure::Unavailable(unavailable)) = answer else {
        panic!("nobody could say what became of it: {answer:?}")
    };
    assert_eq!(unavailable.shortage, Shortage::OutcomeUnknown);
    assert_eq!(engine.health().writes_blocked, Some(Shortage::StorageUnavailable));
    let answer = write(&engine, create_message("app", 1, "two")).await;
    let Err(Failure::Unavailable(unavailable)) = answer else {
        panic!("MySQL is away: {answer:?}")
    };
    assert_eq!(unavailable.shortage, Shortage::StorageUnavailable);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_only_the_request_that_mysql_refuses_fails() {
    let database = Database::new();
    let engine = database.open().await;
    begin(&engine, "app").await;
    let too_long = "s".repeat(2_000);
    let replies = join_all((0..40).map(|index| {
        let command = if index == 17 {
            tiro_core::Command::CreateMessage {
                token: token("app"),
                chat: 1,
                content: content_from(&too_long, "refused"),
            }
        } else {
            create_message("app", 1, &format!("text {index}"))
        };
        engine.write(Request::new(command))
    }))
    .await;
    let (stored, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(Result::is_ok);
    assert!(
        matches!(refused.as_slice(), [Err(Failure::Internal(_))]),
        "{refused:?}"
    );
    let numbers: BTreeSet<u64> = stored.iter().flatten().map(number).collect();
    assert_eq!(numbers, (1..=39).collect());
    let question =
        "SELECT COUNT(*) FROM chats WHERE number = 1 AND messages_count = 39 AND last_message_number = 39";
    assert_eq!(database.number(question).await, 1);
    assert_eq!(database.number("SELECT COUNT(*) FROM messages").await, 39);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mysql_that_waits_is_left_one_session_that_tries_a_write_and_not_one_more_each_time() {
    let database = Database::new();
    database.open().await.close().await;
    let probe = Probe::new(connection::options(&database.config).expect("the file names a database"));
    let takes_writes = || probe.takes_writes(Timestamp::from_millis(crate::clock::now_ms()));
    let waiting = format!(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{}' AND info LIKE 'INSERT INTO transactions%'",
        database.name()
    );
    let mut other = database.connect().await;
    lock(&mut other, "LOCK TABLES transactions READ").await;
    let one_waits = async {
        while database.number(&waiting).await == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        tried = takes_writes() => panic!("the table is locked, and yet {tried:?}"),
        () = one_waits => {}
    }
    for _ in 0..3 {
        let refused = takes_writes().await.expect_err("one waits already");
        assert!(
            matches!(&refused, Trouble::Closed(text) if text.contains("tried before")),
            "{refused:?}"
        );
        assert_eq!(database.number(&waiting).await, 1);
    }
    lock(&mut other, "UNLOCK TABLES").await;
    while takes_writes().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(database.number(&waiting).await, 0);
}

async fn lock(connection: &mut MySqlConnection, statement: &'static str) {
    let locked = sqlx::raw_sql(statement).execute(connection).await;
    locked.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_killed_while_they_write_lose_and_double_nothing() {
    const WRITERS: usize = 8;
    const EACH: usize = 60;
    let database = Database::new();
    let engine = Arc::new(database.open().await);
    begin(&engine, "app").await;
    let (stored, mut told) = mpsc::unbounded_channel();
    let writers = (0..WRITERS).map(|writer| {
        let (engine, stored) = (Arc::clone(&engine), stored.clone());
        tokio::spawn(async move {
            for index in 0..EACH {
                let text = format!("{writer} {index}");
                let request = keyed(create_message("app", 1, &text), &text);
                let number = loop {
                    match engine.write(request.clone()).await {
                        Ok(reply) => break number(&reply),
                        // Refused at once, again and again, they would leave no thread to whoever asks when MySQL is back.
                        Err(Failure::Unavailable(_)) => tokio::task::yield_now().await,
                        Err(other) => panic!("{other:?}"),
                    }
                };
                stored.send((number, text)).expect("somebody listens");
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    drop(stored);
    let mut seen = BTreeSet::new();
    let mut kills = 0;
    while let Some(told) = told.recv().await {
        seen.insert(told);
        if seen.len() % 12 == 0 {
            kills += kill_all(&database).await;
        }
    }
    join_all(writers).await;
    assert!(kills > 5, "{kills} sessions were killed");
    let numbers: Vec<u64> = seen.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, (1..=(WRITERS * EACH) as u64).collect::<Vec<_>>());
    let rows = database
        .rows("SELECT number, body FROM messages ORDER BY number")
        .await;
    let rows: BTreeSet<(u64, String)> = rows
        .iter()
        .map(|row| (row.try_get(0).expect("a number"), row.try_get(1).expect("a text")))
        .collect();
    assert_eq!(rows, seen);
    engine.close().await;
}

/// Answers for how many.
async fn kill_all(database: &Database) -> usize {
    let question = format!(
        "SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = '{}' AND id <> CONNECTION_ID()",
        database.name()
    );
    let mut connection = database.connect().await;
    let sessions = sqlx::raw_sql(AssertSqlSafe(question))
        .fetch_all(&mut connection)
        .await;
    let mut killed = 0;
    for session in sessions.expect("sessions are listed") {
        let id: i64 = session.try_get(0).expect("a number");
        let statement = AssertSqlSafe(format!("KILL {id}"));
        // It may have ended meanwhile.
        killed += usize::from(sqlx::raw_sql(statement).execute(&mut connection).await.is_ok());
    }
    killed
}
