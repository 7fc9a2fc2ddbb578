//! Limits: accepted at the limit, refused one above, and as the operator configured them.

use tiro_core::Limits;
use tiro_http::Transport;

use crate::support::TestApp;

#[tokio::test]
async fn texts_are_accepted_at_their_limit_and_refused_one_above() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let application = chat.rsplit_once("/chats").unwrap().0.to_owned();
    let (chats, messages) = (format!("{application}/chats"), format!("{chat}/messages"));
    for (path, member, unit, max) in [
        ("/v1/applications", "name", "é", 255),
        (&*chats, "title", "界", 255),
        (&*messages, "body", "b", 65_536),
    ] {
        let of = |count: usize| format!(r#"{{"{member}":"{}"}}"#, unit.repeat(count));
        app.post(path, &of(max)).send().await.status(201);
        app.post(path, &of(max + 1))
            .send()
            .await
            .refuses(&[&format!("too_long /{member}")]);
    }
    let sender = |count: usize| format!(r#"{{"body":"b","sender":"{}"}}"#, "s".repeat(count));
    app.post(&messages, &sender(255)).send().await.status(201);
    app.post(&messages, &sender(256))
        .send()
        .await
        .refuses(&["too_long /sender"]);
    let metadata = |bytes: usize| {
        format!(
            r#"{{"body":"b","metadata":{{ "a" : "{}" }}}}"#,
            "m".repeat(bytes - 8)
        )
    };
    app.post(&messages, &metadata(4_096)).send().await.status(201);
    app.post(&messages, &metadata(4_097))
        .send()
        .await
        .refuses(&["too_long /metadata"]);
}

#[tokio::test]
async fn the_longest_body_is_accepted_however_it_is_escaped() {
    let app = TestApp::open().await;
    let messages = format!("{}/messages", app.chat().await);
    let body = format!(r#"{{"body":"{}"}}"#, r"\u0001".repeat(65_536));
    app.post(&messages, &body).send().await.status(201);
}

#[tokio::test]
async fn a_request_over_the_http_limit_is_413() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let spaces = |bytes: usize| format!("{}{}", r#"{"body":"a"}"#, " ".repeat(bytes - 12));
    let messages = format!("{chat}/messages");
    app.post(&messages, &spaces(400_000)).send().await.status(201);
    app.post(&messages, &spaces(1_000_000))
        .send()
        .await
        .problem(413, "payload_too_large");
    let batch = |bytes: usize| format!("{}{}", r#"{"messages":[{"body":"a"}]}"#, " ".repeat(bytes - 27));
    let path = format!("{chat}/messages/batch");
    app.post(&path, &batch(4 * 1024 * 1024)).send().await.status(201);
    app.post(&path, &batch(4 * 1024 * 1024 + 1))
        .send()
        .await
        .problem(413, "payload_too_large");
}

#[tokio::test]
async fn the_operators_limits_count() {
    let limits = Limits {
        name_chars_max: 4,
        title_chars_max: 4,
        body_bytes_max: 4,
        sender_bytes_max: 4,
        metadata_bytes_max: 9,
        batch_messages_max: 2,
        ..Limits::default()
    };
    let transport = Transport {
        batch_bytes_max: 200,
        head_bytes_max: 400,
        ..Transport::default()
    };
    let app = TestApp::limited(limits, transport).await;
    let chat = app.chat().await;
    let messages = format!("{chat}/messages");
    app.post("/v1/applications", r#"{"name":"abcde"}"#)
        .send()
        .await
        .refuses(&["too_long /name"]);
    app.patch(&chat, r#"{"title":"abcd","metadata":{"a":"b"}}"#)
        .send()
        .await
        .status(200);
    app.patch(&chat, r#"{"title":"abcde"}"#)
        .send()
        .await
        .refuses(&["too_long /title"]);
    app.patch(&chat, r#"{"metadata":{"a":"bc"}}"#)
        .send()
        .await
        .refuses(&["too_long /metadata"]);
    app.post(&messages, r#"{"body":"abcd","sender":"abcd"}"#)
        .send()
        .await
        .status(201);
    app.post(&messages, r#"{"body":"abcde","sender":"abcde"}"#)
        .send()
        .await
        .refuses(&["too_long /body", "too_long /sender"]);
    let path = format!("{messages}/batch");
    let of = |count: usize| format!(r#"{{"messages":[{}]}}"#, vec![r#"{"body":"a"}"#; count].join(","));
    app.post(&path, &of(2)).send().await.status(201);
    app.post(&path, &of(3))
        .send()
        .await
        .refuses(&["too_many_messages /messages"]);
    app.post(&path, &of(20))
        .send()
        .await
        .problem(413, "payload_too_large");
    app.get(&chat)
        .header("x-padding", &"p".repeat(100))
        .send()
        .await
        .status(200);
    app.get(&chat)
        .header("x-padding", &"p".repeat(400))
        .send()
        .await
        .problem(431, "headers_too_large");
}

#[tokio::test]
async fn a_body_of_another_type_is_415_and_told_what_to_send() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let messages = format!("{chat}/messages");
    let form = app
        .post(&messages, "")
        .body("application/x-www-form-urlencoded", "body=a")
        .send()
        .await;
    let form = form.problem(415, "unsupported_media_type");
    assert!(
        form.json()["detail"].as_str().unwrap().contains("--json"),
        "{}",
        form.text()
    );
    for wrong in [
        "text/plain",
        "application/x-ndjson",
        "application/merge-patch+json",
        "application/json; charset=latin1",
    ] {
        let refused = app
            .post(&messages, "")
            .body(wrong, r#"{"body":"a"}"#)
            .send()
            .await;
        refused.problem(415, "unsupported_media_type");
    }
    let gzip = app
        .post(&messages, r#"{"body":"a"}"#)
        .header("content-encoding", "gzip")
        .send()
        .await;
    gzip.problem(415, "unsupported_media_type");
    let untyped = app
        .post(&messages, r#"{"body":"a"}"#)
        .without_header("content-type")
        .send()
        .await;
    untyped.status(201);
}
