//! What the engine cannot do, and what goes wrong inside.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use tiro_core::{Failure, Shortage, Unavailable};

use crate::support::TestApp;

#[tokio::test]
async fn each_shortage_is_503_with_its_code_and_when_to_retry() {
    for (shortage, code) in [
        (Shortage::StorageFull, "storage_full"),
        (Shortage::StorageUnavailable, "storage_unavailable"),
        (Shortage::Overloaded, "overloaded"),
        (Shortage::Stopping, "stopping"),
        (Shortage::OutcomeUnknown, "outcome_unknown"),
    ] {
        let app = TestApp::open().await;
        let chat = app.chat().await;
        let retry_after = Duration::from_millis(2_500);
        app.engine.fail_writes(Failure::Unavailable(Unavailable {
            shortage,
            retry_after,
        }));
        let answer = app
            .post(&format!("{chat}/messages"), r#"{"body":"a"}"#)
            .send()
            .await
            .problem(503, code);
        assert_eq!(answer.header("retry-after"), "3");
        app.get(&chat).send().await.status(200);
    }
}

#[tokio::test]
async fn what_is_wrong_inside_is_500_and_not_told_to_the_client() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    app.engine
        .fail_writes(Failure::Internal("segment 7 in a secret folder".to_owned()));
    let answer = app
        .post(&format!("{chat}/messages"), r#"{"body":"a"}"#)
        .send()
        .await
        .problem(500, "internal");
    assert!(!answer.text().contains("secret"));
}

#[tokio::test]
async fn a_panic_is_500_and_the_next_request_is_answered() {
    let app = TestApp::open().await;
    let path = app.application().await;
    app.engine.panic_on_reads();
    let answer = app
        .get(&path)
        .header("x-request-id", "trace-7")
        .send()
        .await
        .problem(500, "internal");
    assert_eq!(answer.json()["request_id"], "trace-7");
    assert!(!answer.text().contains("told to panic"));
    app.get("/healthz").send().await.status(200);
}

#[tokio::test]
async fn unknown_paths_are_404_and_other_methods_405_with_allow() {
    let app = TestApp::open().await;
    for path in [
        "/v1",
        "/v1/applications/",
        "/nowhere",
        "/v1/applications/x/y",
        "//",
        "/v1/status/x",
    ] {
        app.get(path).send().await.problem(404, "not_found");
    }
    let chat = app.chat().await;
    for (method, path, allow) in [
        (Method::PUT, "/v1/applications", "POST, GET, HEAD, OPTIONS"),
        (Method::POST, &*chat, "GET, PATCH, DELETE, HEAD, OPTIONS"),
        (Method::POST, "/healthz", "GET, HEAD, OPTIONS"),
        (Method::GET, &*format!("{chat}/messages/batch"), "POST, OPTIONS"),
    ] {
        let answer = app
            .request(method, path)
            .send()
            .await
            .problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{path}");
    }
    let options = app.request(Method::OPTIONS, &chat).send().await.status(204);
    assert_eq!(options.header("allow"), "GET, PATCH, DELETE, HEAD, OPTIONS");
}

#[tokio::test]
async fn head_answers_what_get_does_without_the_body() {
    let app = TestApp::open().await;
    let chat = app.chat_of(1).await;
    for path in [
        chat.clone(),
        format!("{chat}/messages"),
        format!("{chat}/messages/1"),
        "/docs".to_owned(),
    ] {
        let got = app.get(&path).send().await;
        let head = app.request(Method::HEAD, &path).send().await.status(200);
        assert!(head.bytes.is_empty());
        assert_eq!(head.header("content-length"), got.bytes.len().to_string());
        assert_eq!(head.headers.get("etag"), got.headers.get("etag"));
    }
    app.request(Method::HEAD, "/nowhere").send().await.status(404);
}

#[tokio::test]
async fn no_log_line_of_any_level_holds_a_token_a_path_or_a_body() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _quiet_end = tracing::subscriber::set_default(subscriber);
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let messages = format!("{chat}/messages");
    app.post(&messages, r#"{"body":"whispered"}"#)
        .key("secret-key")
        .send()
        .await
        .status(201);
    app.get(&format!("{messages}?limit=0")).send().await.status(422);
    app.engine
        .fail_writes(Failure::Internal("disk on fire".to_owned()));
    app.post(&messages, r#"{"body":"whispered"}"#)
        .send()
        .await
        .status(500);
    app.engine.panic_on_reads();
    app.get(chat.rsplit_once("/chats").unwrap().0)
        .send()
        .await
        .status(500);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        text.contains("/v1/applications/{token}/chats/{chat}/messages"),
        "templates are logged: {text}"
    );
    assert_eq!(
        text.matches("disk on fire").count(),
        1,
        "a cause is logged once: {text}"
    );
    for secret in [
        chat.split('/').nth(3).unwrap(),
        "whispered",
        "secret-key",
        "limit=0",
    ] {
        assert!(!text.contains(secret), "{secret} is in the log:\n{text}");
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
