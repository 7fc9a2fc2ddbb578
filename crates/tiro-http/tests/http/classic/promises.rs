//! The promises of `/v1` hold here: keys, versions, read your writes; and the two see one world.

use http::Method;
use serde_json::json;

use super::{get, messages, send, token};
use crate::support::TestApp;

#[tokio::test]
async fn a_request_sent_twice_under_one_key_is_carried_out_once() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    for (method, path, body) in [
        (Method::POST, "/apps".to_owned(), r#"{"name":"a"}"#),
        (
            Method::POST,
            "/apps/a_token_of_my_choice".to_owned(),
            r#"{"name":"a"}"#,
        ),
        (Method::POST, format!("/apps/{token}/chats"), ""),
        (Method::POST, messages.clone(), r#"{"body":"a"}"#),
        (Method::PUT, format!("{messages}/1"), r#"{"body":"b"}"#),
        (Method::PATCH, format!("/apps/{token}"), r#"{"name":"b"}"#),
    ] {
        let key = format!("{method} {path}").replace(['/', ' '], "-");
        let request = || app.request(method.clone(), &path).key(&key);
        let request = || {
            if body.is_empty() {
                request()
            } else {
                request().json(body)
            }
        };
        let first = request().send().await;
        let again = request().send().await;
        assert_eq!(
            (again.code, again.json()),
            (first.code, first.json()),
            "{method} {path}"
        );
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert!(!first.has_header("idempotent-replayed"));
        app.request(method.clone(), &path)
            .key(&key)
            .json(r#"{"name":"other","body":"other"}"#)
            .send()
            .await
            .problem(422, "idempotency_key_reused");
    }
}

#[tokio::test]
async fn one_key_and_one_command_are_one_request_whichever_way_it_is_spelled() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    let body = json!({ "body": "a", "app_token": token, "chat_number": "1" }).to_string();
    let first = app
        .post(&messages, r#"{"body":"a"}"#)
        .key("k")
        .send()
        .await
        .status(201);
    let second = app
        .post("/api/messages/", &body)
        .key("k")
        .send()
        .await
        .status(201);
    let third = app
        .post(&format!("/v1{messages}"), r#"{"body":"a"}"#)
        .key("k")
        .send()
        .await
        .status(201);
    assert_eq!(
        (first.json(), &third.json()["number"]),
        (second.json(), &json!(1))
    );
    assert_eq!(first.header("location"), third.header("location"));
}

#[tokio::test]
async fn an_update_under_a_condition_that_does_not_hold_is_refused() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    app.post(&messages, r#"{"body":"a"}"#).send().await.status(201);
    for path in [
        format!("/apps/{token}"),
        format!("/apps/{token}/chats/1"),
        format!("{messages}/1"),
    ] {
        app.put(&path, r#"{"name":"b","body":"b"}"#)
            .header("if-match", "\"7\"")
            .send()
            .await
            .problem(412, "precondition_failed");
        let tag = get(&app, &path).await.header("etag").to_owned();
        app.get(&path)
            .header("if-none-match", &tag)
            .send()
            .await
            .status(304);
        app.patch(&path, r#"{"name":"b","body":"b"}"#)
            .header("if-match", &tag)
            .send()
            .await
            .status(200);
    }
}

#[tokio::test]
async fn counts_tell_what_is_there_at_once() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    for count in 1..=3 {
        super::say(&app, &messages, "a").await;
        let chat = get(&app, &format!("/apps/{token}/chats/1")).await.json();
        assert_eq!(
            (&chat["messages_count"], &chat["message_count"]),
            (&json!(count), &json!(count))
        );
    }
    send(&app, Method::DELETE, &format!("{messages}/2"), "")
        .await
        .status(204);
    assert_eq!(
        get(&app, &format!("/apps/{token}/chats/1")).await.json()["messages_count"],
        2
    );
    assert_eq!(
        get(&app, &format!("/apps/{token}")).await.json()["chats_count"],
        1
    );
}

#[tokio::test]
async fn every_classic_operation_has_an_id_of_its_own_and_its_references_lead_somewhere() {
    let app = TestApp::open().await;
    let document = &app.contract().classic;
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(operation) = item.get(method) {
                let id = operation["operationId"].as_str().unwrap().to_owned();
                assert!(ids.insert(id), "{method} {path}");
                assert!(operation["responses"].get("410").is_none(), "{method} {path}");
            }
        }
        let text = item.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer} leads nowhere");
        }
    }
    assert_eq!(ids.len(), 37);
    let variables = &document["paths"]["/{token}"]["servers"][0]["variables"];
    assert_eq!(variables["prefix"]["enum"], json!(["/api/v1", "/api", ""]));
    assert_eq!(variables["noun"]["enum"], json!(["applications", "apps"]));
    assert!(app.contract().document["paths"].get("/chats").is_none());
}

#[tokio::test]
async fn no_classic_operation_offers_to_park_what_only_v1_parks() {
    let app = TestApp::open().await;
    let offers = |document: &serde_json::Value| document["paths"].to_string().contains("respond-async");
    assert!(offers(&app.contract().document));
    assert!(!offers(&app.contract().classic));
}
