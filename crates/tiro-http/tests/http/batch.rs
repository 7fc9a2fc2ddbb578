//! `POST …/messages/batch`.

use crate::support::TestApp;

const NDJSON: &str = "application/x-ndjson";

#[tokio::test]
async fn a_batch_is_created_in_order_from_json_and_from_lines() {
    let app = TestApp::open().await;
    let chat = app.chat_of(1).await;
    let path = format!("{chat}/messages/batch");
    let json = app
        .post(&path, r#"{"messages":[{"body":"a"},{"body":"b","sender":"s"}]}"#)
        .send()
        .await
        .status(201);
    assert_eq!(json.text(), r#"{"first":2,"last":3,"count":2}"#);
    assert_eq!(json.header("location"), format!("{chat}/messages?after=1"));
    assert!(json.header("tiro-cursor").ends_with(".5"));
    let lines = "{\"body\":\"c\"}\r\n\n{\"body\":\"d\"}";
    let lines = app.post(&path, "").body(NDJSON, lines).send().await.status(201);
    assert_eq!(lines.text(), r#"{"first":4,"last":5,"count":2}"#);
    let listed = app.get(lines.header("location")).send().await;
    assert_eq!(listed.numbers(), [4, 5]);
    assert_eq!(listed.json()["data"][1]["body"], "d");
}

#[tokio::test]
async fn every_wrong_message_of_a_batch_is_named_and_none_is_stored() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let path = format!("{chat}/messages/batch");
    let body = r#"{"messages":[{"body":"a"},{"body":" "},7,{"body":"b","x":1}],"y":0}"#;
    app.post(&path, body).send().await.refuses(&[
        "blank /messages/1/body",
        "wrong_type /messages/2",
        "unknown_field /messages/3/x",
        "unknown_field /y",
    ]);
    let lines = "{\"body\":\"a\"}\n{\"sender\":\"s\"}\n";
    app.post(&path, "")
        .body(NDJSON, lines)
        .send()
        .await
        .refuses(&["missing /1/body"]);
    let malformed = app
        .post(&path, "")
        .body(NDJSON, "{\"body\":\"a\"}\n{oops}\n")
        .send()
        .await;
    assert_eq!(
        malformed.problem(400, "malformed_json").violations(),
        ["malformed_json /1"]
    );
    assert_eq!(app.get(&chat).send().await.json()["messages_count"], 0);
}

#[tokio::test]
async fn an_empty_batch_is_refused() {
    let app = TestApp::open().await;
    let path = format!("{}/messages/batch", app.chat().await);
    app.post(&path, r#"{"messages":[]}"#)
        .send()
        .await
        .refuses(&["empty_batch /messages"]);
    app.post(&path, "{}").send().await.refuses(&["missing /messages"]);
    app.post(&path, r#"{"messages":{}}"#)
        .send()
        .await
        .refuses(&["wrong_type /messages"]);
    app.post(&path, "")
        .body(NDJSON, "\n\n")
        .send()
        .await
        .refuses(&["empty_batch "]);
    app.post(&path, "")
        .body(NDJSON, "")
        .send()
        .await
        .refuses(&["empty_batch "]);
}

#[tokio::test]
async fn a_batch_has_at_most_1000_messages() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let path = format!("{chat}/messages/batch");
    let of = |count: usize| format!(r#"{{"messages":[{}]}}"#, vec![r#"{"body":"a"}"#; count].join(","));
    app.post(&path, &of(1_001))
        .send()
        .await
        .refuses(&["too_many_messages /messages"]);
    let lines = "{\"body\":\"a\"}\n".repeat(1_001);
    app.post(&path, "")
        .body(NDJSON, lines)
        .send()
        .await
        .refuses(&["too_many_messages "]);
    let created = app.post(&path, &of(1_000)).send().await.status(201);
    assert_eq!(created.text(), r#"{"first":1,"last":1000,"count":1000}"#);
}
