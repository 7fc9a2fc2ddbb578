//! `/v1/applications/{token}/chats`.

use http::Method;
use serde_json::Value;

use crate::support::TestApp;

#[tokio::test]
async fn a_chat_is_created_from_an_empty_body_or_an_object() {
    let app = TestApp::open().await;
    let path = format!("{}/chats", app.application().await);
    let bare = app.request(Method::POST, &path).send().await.status(201);
    assert_eq!(bare.json()["title"], Value::Null);
    let titled = app
        .post(&path, r#"{"title":"support","metadata":null}"#)
        .send()
        .await
        .status(201);
    assert_eq!(
        (&titled.json()["title"], &titled.json()["number"]),
        (&"support".into(), &2.into())
    );
    assert_eq!(titled.header("location"), format!("{path}/2"));
    app.post(&path, r#"{"title":"\u3000"}"#)
        .send()
        .await
        .refuses(&["blank /title"]);
}

#[tokio::test]
async fn the_members_of_a_chat_are_exactly_the_documented_ones() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let json = app.get(&chat).send().await.json();
    let mut wanted = [
        "number",
        "title",
        "metadata",
        "messages_count",
        "last_message_number",
        "last_message_at",
        "created_at",
        "updated_at",
        "deleted_at",
        "version",
    ];
    wanted.sort_unstable();
    assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn a_message_changes_the_tag_of_its_chat_but_not_its_version() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let before = app.get(&chat).send().await;
    assert_eq!(before.header("etag"), "\"1-2\"");
    app.post(&format!("{chat}/messages"), r#"{"body":"hi"}"#)
        .send()
        .await
        .status(201);
    let after = app.get(&chat).send().await;
    assert_eq!(after.header("etag"), "\"1-3\"");
    assert_eq!(
        (
            &after.json()["version"],
            &after.json()["messages_count"],
            &after.json()["last_message_number"]
        ),
        (&1.into(), &1.into(), &1.into())
    );
    assert_eq!(after.json()["updated_at"], before.json()["updated_at"]);
}

#[tokio::test]
async fn a_patch_sets_and_removes_the_title() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    assert_eq!(
        app.patch(&chat, r#"{"title":"a"}"#)
            .send()
            .await
            .status(200)
            .json()["title"],
        "a"
    );
    assert_eq!(
        app.patch(&chat, "{}").send().await.status(200).json()["title"],
        "a"
    );
    let removed = app.patch(&chat, r#"{"title":null}"#).send().await.status(200);
    assert_eq!(
        (&removed.json()["title"], &removed.json()["version"]),
        (&Value::Null, &4.into())
    );
    app.patch(&chat, "").send().await.problem(400, "malformed_json");
}

#[tokio::test]
async fn a_deleted_chat_is_gone_and_stays_in_the_list_as_a_tombstone() {
    let app = TestApp::open().await;
    let chat = app.chat_of(2).await;
    app.delete(&chat).send().await.status(204);
    app.delete(&chat).send().await.status(204);
    app.get(&chat).send().await.problem(410, "chat_deleted");
    app.patch(&chat, "{}").send().await.problem(410, "chat_deleted");
    app.get(&format!("{chat}/messages"))
        .send()
        .await
        .problem(410, "chat_deleted");
    app.get(&format!("{chat}/messages/1"))
        .send()
        .await
        .problem(410, "chat_deleted");
    let list = app.get(chat.rsplit_once('/').unwrap().0).send().await.json();
    let tombstone = &list["data"][0];
    assert!(tombstone["deleted_at"].is_string());
    assert_eq!(
        (&tombstone["messages_count"], &tombstone["last_message_number"]),
        (&0.into(), &2.into())
    );
    assert!(tombstone["last_message_at"].is_string());
}

#[tokio::test]
async fn only_plain_positive_numbers_name_a_chat() {
    let app = TestApp::open().await;
    let path = format!("{}/chats", app.application().await);
    for number in ["0", "01", "+1", "-1", "1.0", "abc", "18446744073709551616"] {
        app.get(&format!("{path}/{number}"))
            .send()
            .await
            .problem(404, "not_found");
    }
    app.get(&format!("{path}/18446744073709551615"))
        .send()
        .await
        .problem(404, "chat_not_found");
}
