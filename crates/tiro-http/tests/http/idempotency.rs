//! `Idempotency-Key`.

use http::Method;

use crate::support::TestApp;

#[tokio::test]
async fn send_twice_with_one_key_stores_one_message() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let path = format!("{chat}/messages");
    let first = app
        .post(&path, r#"{"body":"a","sender":"s"}"#)
        .key("k1")
        .send()
        .await
        .status(201);
    assert!(!first.has_header("idempotent-replayed"));
    app.patch(&format!("{path}/1"), r#"{"body":"edited"}"#)
        .send()
        .await
        .status(200);
    let again = app
        .post(&path, "{ \"sender\" : \"s\", \"body\":\"\\u0061\" }")
        .key("\"k1\"")
        .send()
        .await
        .status(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.text(), first.text());
    for name in ["location", "etag", "tiro-cursor"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_eq!(app.get(&chat).send().await.json()["messages_count"], 1);
}

#[tokio::test]
async fn a_key_with_another_request_is_refused() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let path = format!("{chat}/messages");
    app.post(&path, r#"{"body":"a"}"#)
        .key("k")
        .send()
        .await
        .status(201);
    app.post(&path, r#"{"body":"b"}"#)
        .key("k")
        .send()
        .await
        .problem(422, "idempotency_key_reused");
    app.patch(&format!("{path}/1"), r#"{"body":"a"}"#)
        .key("k")
        .send()
        .await
        .problem(422, "idempotency_key_reused");
    app.delete(&chat)
        .key("k")
        .send()
        .await
        .problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn every_write_can_be_replayed() {
    let app = TestApp::open().await;
    let create = || {
        app.post("/v1/applications", r#"{"name":"a"}"#)
            .key("create")
            .send()
    };
    let application = create().await.status(201).header("location").to_owned();
    assert_eq!(create().await.status(201).header("idempotent-replayed"), "true");
    let chats = format!("{application}/chats");
    for (method, path, body, status) in [
        (Method::PATCH, application.clone(), r#"{"name":"b"}"#, 200),
        (Method::POST, chats.clone(), "{}", 201),
        (Method::PATCH, format!("{chats}/1"), r#"{"title":"b"}"#, 200),
        (
            Method::POST,
            format!("{chats}/1/messages/batch"),
            r#"{"messages":[{"body":"a"},{"body":"b"}]}"#,
            201,
        ),
        (
            Method::PATCH,
            format!("{chats}/1/messages/1"),
            r#"{"body":"c"}"#,
            200,
        ),
        (Method::DELETE, format!("{chats}/1/messages/1"), "", 204),
        (Method::DELETE, format!("{chats}/1"), "", 204),
    ] {
        let key = format!("{method}-{path}").replace(' ', "");
        let send = || app.request(method.clone(), &path).json(body).key(&key).send();
        let first = send().await.status(status);
        let again = send().await.status(status);
        assert!(!first.has_header("idempotent-replayed"), "{key}");
        assert_eq!(again.header("idempotent-replayed"), "true", "{key}");
        assert_eq!(again.header("tiro-cursor"), first.header("tiro-cursor"), "{key}");
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused_with_the_rest_of_the_request() {
    let app = TestApp::open().await;
    let path = format!("{}/messages", app.chat().await);
    let send = |key: &str| {
        app.post(&path, r#"{"body":" "}"#)
            .header("idempotency-key", key)
            .send()
    };
    send("has space")
        .await
        .refuses(&["invalid_key Idempotency-Key", "blank /body"]);
    send(&"k".repeat(256))
        .await
        .refuses(&["invalid_key Idempotency-Key", "blank /body"]);
    send(&"k".repeat(255)).await.refuses(&["blank /body"]);
    let twice = app.post(&path, r#"{"body":"a"}"#).key("a").key("b").send().await;
    twice.refuses(&["invalid_key Idempotency-Key"]);
    app.delete(&format!("{path}/1"))
        .key("")
        .send()
        .await
        .refuses(&["invalid_key Idempotency-Key"]);
}
