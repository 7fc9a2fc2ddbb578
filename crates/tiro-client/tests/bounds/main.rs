//! How long the client waits and what it sends twice, against a scripted server and a clock that jumps.

#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

mod scripted;
mod searching;

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use scripted::{Reply, Scripted};
use tiro_client::api::{Code, CreateChat, CreateMessage};
use tiro_client::{Client, Error, ImportTarget, Options, Sending};
use tokio::time::Instant;

const TOKEN: &str = "app_not_to_be_seen_in_errors";
const CHAT: &str = r#"{"number":1,"title":null,"metadata":null,"messages_count":0,"last_message_number":0,
    "last_message_at":null,"created_at":"2026-01-31T09:14:00.000Z","updated_at":"2026-01-31T09:14:00.000Z",
    "deleted_at":null,"version":1}"#;
const REPORT: &str = r#"{"lines":1,"chats_created":0,"messages_created":1,"unchanged":0}"#;

fn client(server: &Scripted) -> Client {
    Client::new(&server.address(), Options::default()).unwrap()
}

fn problem(status: u16, code: Code) -> String {
    format!(
        r#"{{"type":"/docs/errors/{code}","title":"T","status":{status},"code":"{code}","detail":"D","request_id":"r","errors":[]}}"#
    )
}

async fn create_chat(client: &Client, sending: &Sending) -> Result<u64, Error> {
    let answer = client.create_chat(TOKEN, &CreateChat::default(), sending).await?;
    Ok(answer.value.number)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_vanishes_is_given_up_within_30_seconds() {
    let server = Scripted::start(|_| Reply::Never).await;
    let began = Instant::now();
    let error = create_chat(&client(&server), &Sending::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Vanished { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(30));
    let keys = server.headers("idempotency-key");
    assert!(
        keys.len() > 1 && keys.iter().all(|key| *key == keys[0]),
        "{keys:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_write_without_a_key_is_not_sent_again_when_its_outcome_is_unknown() {
    let server = Scripted::start(|_| Reply::Hangup).await;
    let error = create_chat(&client(&server), &Sending::unkeyed())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Vanished { .. }), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_given_up_after_a_few_attempts() {
    let server = Scripted::start(|_| Reply::Never).await;
    let client = client(&server);
    server.stop().await;
    let began = Instant::now();
    let error = create_chat(&client, &Sending::unkeyed()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again_with_the_same_key_when_it_says() {
    let server = Scripted::start(|nth| match nth {
        1 => Reply::answer(503, &[("retry-after", "7")], &problem(503, Code::Overloaded)),
        _ => Reply::answer(201, &[("tiro-cursor", "abc.2"), ("etag", "\"1-2\"")], CHAT),
    })
    .await;
    let began = Instant::now();
    let client = client(&server);
    let answer = client
        .create_chat(TOKEN, &CreateChat::default(), &Sending::named("order-17"))
        .await
        .unwrap();
    assert_eq!((answer.value.number, answer.status), (1, 201));
    assert_eq!(
        (answer.cursor.as_deref(), answer.etag.as_deref()),
        (Some("abc.2"), Some("\"1-2\""))
    );
    assert!((7..8).contains(&began.elapsed().as_secs()));
    assert_eq!(server.headers("idempotency-key"), ["order-17", "order-17"]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_bound_is_left_to_the_caller() {
    let busy = problem(429, Code::TooManyRequests);
    let server = Scripted::start(move |_| Reply::answer(429, &[("retry-after", "3600")], &busy)).await;
    let began = Instant::now();
    let error = create_chat(&client(&server), &Sending::default())
        .await
        .unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(
        (refusal.status, refusal.retry_after),
        (429, Some(Duration::from_secs(3600)))
    );
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_and_carries_the_problem() {
    let invalid = problem(422, Code::InvalidRequest);
    let server = Scripted::start(move |_| Reply::answer(422, &[], &invalid)).await;
    let message = CreateMessage {
        body: " ",
        sender: None,
        metadata: None,
    };
    let error = client(&server)
        .create_message(TOKEN, 1, &message, &Sending::default())
        .await
        .unwrap_err();
    assert_eq!(error.refusal().unwrap().problem.code, Code::InvalidRequest);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_tiro_is_said_to_be_not_tiro_and_no_error_shows_the_token() {
    let html = Scripted::start(|_| Reply::answer(502, &[], "<html>")).await;
    let empty = Scripted::start(|_| Reply::answer(201, &[], "{}")).await;
    let hangup = Scripted::start(|_| Reply::Hangup).await;
    for (server, said) in [
        (&html, "status 502"),
        (&empty, "status 201"),
        (&hangup, "any more"),
    ] {
        let message = create_chat(&client(server), &Sending::unkeyed())
            .await
            .unwrap_err()
            .to_string();
        assert!(message.contains(said) && !message.contains(TOKEN), "{message}");
    }
}

async fn import(client: &Client) -> Result<u64, Error> {
    let chunks = stream::iter([Ok(Bytes::from_static(b"{\"chat\":\"a\",\"body\":\"b\"}\n"))]);
    let target = ImportTarget {
        application: Some(TOKEN.to_owned()),
        source: Some("a file".to_owned()),
    };
    Ok(client.import(&target, chunks, |_| {}).await?.lines)
}

#[tokio::test(start_paused = true)]
async fn an_import_into_a_frozen_server_is_given_up_within_30_seconds() {
    let server = Scripted::start(|_| Reply::Never).await;
    let began = Instant::now();
    let error = import(&client(&server)).await.unwrap_err();
    assert!(matches!(error, Error::Vanished { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(30));
    let paths = server.paths();
    assert_eq!(
        paths
            .iter()
            .filter(|path| path.starts_with("POST /v1/import"))
            .count(),
        1,
        "{paths:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_import_waits_for_a_server_that_is_slow_but_lives() {
    let server = Scripted::start_by_path(|path| {
        if path.starts_with("GET /healthz") {
            Reply::answer(200, &[], "{}")
        } else {
            Reply::After(
                Duration::from_secs(120),
                Box::new(Reply::answer(200, &[], REPORT)),
            )
        }
    })
    .await;
    let began = Instant::now();
    assert_eq!(import(&client(&server)).await.unwrap(), 1);
    assert!(began.elapsed() >= Duration::from_secs(120));
    assert!(server.paths().contains(&"GET /healthz".to_owned()));
    let path = format!("POST /v1/import?application={TOKEN}&source=a+file");
    assert!(server.paths().contains(&path), "{:?}", server.paths());
}

#[tokio::test(start_paused = true)]
async fn a_standstill_ends_even_if_the_server_lives() {
    let server = Scripted::start_by_path(|path| {
        if path.starts_with("GET /healthz") {
            Reply::answer(200, &[], "{}")
        } else {
            Reply::Never
        }
    })
    .await;
    let began = Instant::now();
    assert!(matches!(
        import(&client(&server)).await,
        Err(Error::Vanished { .. })
    ));
    assert!((600..700).contains(&began.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_read_to_its_end_fails_as_such() {
    let server = Scripted::start(|_| Reply::Never).await;
    let chunks = stream::iter([
        Ok(Bytes::from_static(b"{")),
        Err(std::io::Error::other("the disk is gone")),
    ]);
    let error = client(&server)
        .import(&ImportTarget::default(), chunks, |_| {})
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Source(_)) && error.to_string().contains("the disk is gone"),
        "{error}"
    );
}

async fn exported(client: &Client) -> Result<Vec<u8>, Error> {
    let mut export = client.export(None).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = export.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[tokio::test(start_paused = true)]
async fn an_export_is_whole_or_an_error() {
    let line = format!(
        "{{\"position\":1,\"end\":{{\"more\":false,\"sha256\":\"{}\"}}}}\n",
        "0".repeat(64)
    );
    let answer = line.clone();
    let whole = Scripted::start(move |_| Reply::answer(200, &[], &answer)).await;
    assert_eq!(exported(&client(&whole)).await.unwrap(), line.as_bytes());
    let shortened = Scripted::start(move |_| Reply::answer(200, &[], &line[..20])).await;
    let error = exported(&client(&shortened)).await.unwrap_err();
    assert!(error.to_string().contains("last line"), "{error}");
    let cut = Scripted::start(|_| Reply::Cut).await;
    let error = exported(&client(&cut)).await.unwrap_err();
    assert!(matches!(error, Error::Vanished { .. }), "{error}");
    let stalled = Scripted::start(|nth| if nth == 1 { Reply::Stalled } else { Reply::Never }).await;
    let began = Instant::now();
    let error = exported(&client(&stalled)).await.unwrap_err();
    assert!(matches!(error, Error::Vanished { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn the_operator_key_goes_with_every_request() {
    let server = Scripted::start(|_| Reply::answer(200, &[], "{}")).await;
    let options = Options {
        operator_key: Some("k".to_owned()),
        ..Options::default()
    };
    Client::new(&server.address(), options)
        .unwrap()
        .healthz()
        .await
        .unwrap();
    assert_eq!(server.headers("authorization"), ["Bearer k"]);
}
