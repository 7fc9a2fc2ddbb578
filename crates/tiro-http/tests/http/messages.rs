//! `/v1/applications/{token}/chats/{chat}/messages`.

use serde_json::Value;

use crate::support::TestApp;

#[tokio::test]
async fn a_message_is_created_and_read_back_as_it_was_sent() {
    let app = TestApp::open().await;
    let path = format!("{}/messages", app.chat().await);
    let body = r#"{"body":"héllo \u4e16界\n\"q\"","sender":"ann","metadata":{"n":1e2}}"#;
    let created = app.post(&path, body).send().await.status(201);
    assert_eq!(created.json()["body"], "héllo 世界\n\"q\"");
    assert_eq!(created.header("location"), format!("{path}/1"));
    assert_eq!(created.header("etag"), "\"1\"");
    assert!(created.header("tiro-cursor").ends_with(".3"));
    let got = app.get(&format!("{path}/1")).send().await.status(200);
    assert_eq!(got.text(), created.text());
    let mut wanted = [
        "number",
        "body",
        "sender",
        "metadata",
        "created_at",
        "updated_at",
        "deleted_at",
        "version",
    ];
    wanted.sort_unstable();
    assert_eq!(got.json().as_object().unwrap().keys().collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn a_refused_message_uses_up_no_number() {
    let app = TestApp::open().await;
    let path = format!("{}/messages", app.chat().await);
    app.post(&path, r#"{"sender":"ann"}"#)
        .send()
        .await
        .refuses(&["missing /body"]);
    app.post(&path, r#"{"body":null,"sender":5}"#)
        .send()
        .await
        .refuses(&["missing /body", "wrong_type /sender"]);
    app.post(&path, r#"{"body":"a\u0000"}"#)
        .send()
        .await
        .refuses(&["nul_character /body"]);
    app.post(&path, r#"{"body":"a","body":"b"}"#)
        .send()
        .await
        .refuses(&["duplicate_field /body"]);
    app.post(&path, r#"{"body":"a","metadata":{"x":"\ud800"}}"#)
        .send()
        .await
        .refuses(&["lone_surrogate /metadata"]);
    let created = app.post(&path, r#"{"body":"a"}"#).send().await.status(201);
    assert_eq!(created.json()["number"], 1);
}

#[tokio::test]
async fn a_patch_changes_the_body_and_never_the_sender() {
    let app = TestApp::open().await;
    let path = format!("{}/messages", app.chat().await);
    app.post(&path, r#"{"body":"a","sender":"ann"}"#)
        .send()
        .await
        .status(201);
    let message = format!("{path}/1");
    let patched = app.patch(&message, r#"{"body":"b"}"#).send().await.status(200);
    assert_eq!(
        (&patched.json()["body"], &patched.json()["sender"]),
        (&"b".into(), &"ann".into())
    );
    assert_eq!(patched.header("etag"), "\"2\"");
    app.patch(&message, r#"{"sender":"bob"}"#)
        .send()
        .await
        .refuses(&["unknown_field /sender"]);
    app.patch(&message, r#"{"body":null}"#)
        .send()
        .await
        .refuses(&["missing /body"]);
    let big = format!(r#"{{"metadata":{{"a":"{}"}}}}"#, "x".repeat(4_100));
    app.patch(&message, &big)
        .send()
        .await
        .refuses(&["too_long /metadata"]);
}

#[tokio::test]
async fn a_deleted_message_is_gone_and_stays_in_the_list_as_a_tombstone() {
    let app = TestApp::open().await;
    let chat = app.chat_of(3).await;
    let path = format!("{chat}/messages/2");
    app.delete(&path).send().await.status(204);
    app.delete(&path).send().await.status(204);
    app.get(&path).send().await.problem(410, "message_deleted");
    app.patch(&path, "{}")
        .send()
        .await
        .problem(410, "message_deleted");
    let list = app.get(&format!("{chat}/messages")).send().await.status(200);
    assert_eq!(list.numbers(), [1, 2, 3]);
    let tombstone = &list.json()["data"][1];
    assert_eq!(
        (&tombstone["body"], &tombstone["sender"], &tombstone["version"]),
        (&Value::Null, &Value::Null, &2.into())
    );
    app.get(&format!("{chat}/messages/4"))
        .send()
        .await
        .problem(404, "message_not_found");
    app.delete(&format!("{chat}/messages/4"))
        .send()
        .await
        .problem(404, "message_not_found");
    app.get(&format!("{chat}/messages/x"))
        .send()
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn a_message_to_a_chat_that_is_not_there_is_not_found() {
    let app = TestApp::open().await;
    let application = app.application().await;
    let path = format!("{application}/chats/1/messages");
    app.post(&path, r#"{"body":"a"}"#)
        .send()
        .await
        .problem(404, "chat_not_found");
    app.get(&path).send().await.problem(404, "chat_not_found");
}
