//! Create, read, update and delete: every row at every prefix and noun, with and without a slash at its end.

use http::Method;
use serde_json::json;

use super::{SLASHES, bases, each, get, keys, post, send, token};
use crate::support::{PREFIXES, TestApp};

const APPLICATION: [&str; 7] = [
    "app_token",
    "chat_count",
    "chats_count",
    "created_at",
    "name",
    "token",
    "updated_at",
];
const CHAT: [&str; 9] = [
    "chat_number",
    "created_at",
    "message_count",
    "messages_count",
    "name",
    "number",
    "per_app_id",
    "title",
    "updated_at",
];
const MESSAGE: [&str; 7] = [
    "body",
    "chat_number",
    "created_at",
    "message_number",
    "number",
    "per_chat_id",
    "updated_at",
];

#[tokio::test]
async fn applications_are_created_read_changed_and_deleted_at_every_spelling() {
    let app = TestApp::open().await;
    for (base, slash) in bases().iter().flat_map(|base| SLASHES.map(|slash| (base, slash))) {
        let created = post(&app, &format!("{base}{slash}"), r#"{"name":"shop"}"#).await;
        let created = created.status(201).json();
        assert_eq!(keys(&created), APPLICATION);
        assert_eq!(
            (&created["chats_count"], &created["chat_count"]),
            (&json!(0), &json!(0))
        );
        assert_eq!(created["token"], created["app_token"]);
        let token = created["token"].as_str().unwrap();
        let path = format!("{base}/{token}{slash}");
        assert_eq!(get(&app, &path).await.status(200).json(), created);
        for (method, name) in [(Method::PUT, "put"), (Method::PATCH, "patched")] {
            let body = json!({ "name": name, "token": "another_token_of_some_length" });
            let changed = send(&app, method, &path, &body.to_string()).await.status(200);
            assert_eq!(
                (&changed.json()["name"], &changed.json()["token"]),
                (&json!(name), &json!(token))
            );
        }
        let listed = get(&app, &format!("{base}{slash}")).await.status(200);
        assert_eq!(each(&listed, "token"), [token]);
        send(&app, Method::DELETE, &path, "").await.status(204);
        get(&app, &path).await.problem(404, "application_not_found");
        assert_eq!(get(&app, &format!("{base}{slash}")).await.json(), json!([]));
    }
}

#[tokio::test]
async fn an_application_is_created_under_the_token_of_its_path() {
    let app = TestApp::open().await;
    for (index, base) in bases().iter().enumerate() {
        for (slash, kind) in SLASHES.into_iter().zip(["plain", "slash"]) {
            let path = format!("{base}/a-token_of_spelling_{index}_{kind}{slash}");
            let created = post(&app, &path, r#"{"name":"a"}"#).await.status(201);
            assert!(path.contains(created.json()["token"].as_str().unwrap()));
            post(&app, &path, r#"{"name":"a"}"#)
                .await
                .problem(409, "token_taken");
        }
        for wrong in [
            "short",
            &"x".repeat(65),
            "sixteen.letters.",
            "%ff",
            "sixteen%20letters",
        ] {
            post(&app, &format!("{base}/{wrong}"), r#"{"name":"a"}"#)
                .await
                .problem(422, "invalid_request");
        }
    }
}

#[tokio::test]
async fn chats_are_created_read_changed_and_deleted_at_every_spelling() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let mut number = 0;
    for (base, slash) in bases().iter().flat_map(|base| SLASHES.map(|slash| (base, slash))) {
        number += 1;
        let chats = format!("{base}/{token}/chats");
        let created = post(&app, &format!("{chats}{slash}"), r#"{"name":"lobby"}"#).await;
        let created = created.status(201).json();
        assert_eq!(keys(&created), CHAT);
        for name in ["number", "chat_number", "per_app_id"] {
            assert_eq!(created[name], number);
        }
        assert_eq!(
            (&created["title"], &created["name"]),
            (&json!("lobby"), &json!("lobby"))
        );
        assert_eq!(
            (&created["messages_count"], &created["message_count"]),
            (&json!(0), &json!(0))
        );
        let path = format!("{chats}/{number}{slash}");
        assert_eq!(get(&app, &path).await.status(200).json(), created);
        for (method, title) in [(Method::PUT, "put"), (Method::PATCH, "patched")] {
            let body = json!({ "title": title, "name": "beaten" });
            let changed = send(&app, method, &path, &body.to_string()).await.status(200);
            assert_eq!(changed.json()["name"], title);
        }
        let listed = get(&app, &format!("{chats}{slash}")).await.status(200);
        assert_eq!(each(&listed, "number"), [number]);
        send(&app, Method::DELETE, &path, "").await.status(204);
        get(&app, &path).await.problem(404, "chat_not_found");
        assert_eq!(get(&app, &chats).await.json(), json!([]));
    }
}

#[tokio::test]
async fn messages_are_created_read_changed_and_deleted_at_every_spelling() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    post(&app, &format!("/apps/{token}/chats"), "").await.status(201);
    let mut number = 0;
    for (base, slash) in bases().iter().flat_map(|base| SLASHES.map(|slash| (base, slash))) {
        number += 1;
        let messages = format!("{base}/{token}/chats/1/messages");
        let created = post(&app, &format!("{messages}{slash}"), r#"{"body":"hello"}"#).await;
        let created = created.status(201).json();
        assert_eq!(keys(&created), MESSAGE);
        for name in ["number", "message_number", "per_chat_id"] {
            assert_eq!(created[name], number);
        }
        assert_eq!(
            (&created["chat_number"], &created["body"]),
            (&json!(1), &json!("hello"))
        );
        let path = format!("{messages}/{number}{slash}");
        assert_eq!(get(&app, &path).await.status(200).json(), created);
        for (method, text) in [(Method::PUT, "put"), (Method::PATCH, "patched")] {
            let body = json!({ "body": text });
            let changed = send(&app, method, &path, &body.to_string()).await.status(200);
            assert_eq!(changed.json()["body"], text);
        }
        let listed = get(&app, &format!("{messages}{slash}")).await.status(200);
        assert_eq!(each(&listed, "number"), [number]);
        send(&app, Method::DELETE, &path, "").await.status(204);
        get(&app, &path).await.problem(404, "message_not_found");
        assert_eq!(get(&app, &messages).await.json(), json!([]));
    }
}

#[tokio::test]
async fn chats_and_messages_beside_the_applications_are_named_by_body_query_and_path() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let (mut chat, mut number) = (0, 0);
    for (prefix, slash) in PREFIXES
        .iter()
        .flat_map(|prefix| SLASHES.map(|slash| (prefix, slash)))
    {
        chat += 1;
        let body = json!({ "name": "lobby", "app_token": token }).to_string();
        let created = post(&app, &format!("{prefix}/chats{slash}"), &body)
            .await
            .status(201);
        assert_eq!(
            (keys(&created.json()), &created.json()["number"]),
            (CHAT.to_vec(), &json!(chat))
        );
        let by_query = get(&app, &format!("{prefix}/chats/{chat}{slash}?app_token={token}")).await;
        assert_eq!(by_query.status(200).json(), created.json());
        let by_path = get(&app, &format!("{prefix}/chats/{token}/{chat}{slash}")).await;
        assert_eq!(by_path.status(200).json(), created.json());
        for method in [Method::PUT, Method::PATCH] {
            let body = json!({ "title": method.as_str(), "app_token": token }).to_string();
            let changed = send(
                &app,
                method.clone(),
                &format!("{prefix}/chats/{chat}{slash}"),
                &body,
            )
            .await;
            assert_eq!(changed.status(200).json()["title"], method.as_str());
        }
        let chat_numbers = [json!(1), json!("1")];
        for chat_number in &chat_numbers {
            number += 1;
            let body = json!({ "body": "hi", "chat_number": chat_number, "app_token": token }).to_string();
            let created = post(&app, &format!("{prefix}/messages{slash}"), &body)
                .await
                .status(201);
            assert_eq!(
                (keys(&created.json()), &created.json()["number"]),
                (MESSAGE.to_vec(), &json!(number))
            );
            let path = format!("{prefix}/messages/{token}/1/{number}{slash}");
            assert_eq!(get(&app, &path).await.status(200).json(), created.json());
            for method in [Method::PUT, Method::PATCH] {
                let body = json!({ "body": method.as_str(), "chat_number": chat_number, "app_token": token });
                let path = format!("{prefix}/messages/{number}{slash}");
                let changed = send(&app, method.clone(), &path, &body.to_string())
                    .await
                    .status(200);
                assert_eq!(changed.json()["body"], method.as_str());
            }
        }
        let listed = get(&app, &format!("{prefix}/chats/{token}/1/messages{slash}"))
            .await
            .status(200);
        assert_eq!(each(&listed, "number").len(), number);
    }
}

#[tokio::test]
async fn health_is_answered_where_clients_look_for_it() {
    let app = TestApp::open().await;
    for path in ["/up", "/health", "/api/v1/health"] {
        for slash in SLASHES {
            get(&app, &format!("{path}{slash}")).await.status(200);
        }
    }
}
