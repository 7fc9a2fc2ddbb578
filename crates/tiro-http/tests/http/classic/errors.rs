//! Errors in the words of classic clients, and malformed values in every position.

use http::Method;
use serde_json::{Value, json};

use super::{bases, get, messages, post, send, token};
use crate::support::{PREFIXES, TestApp};

#[tokio::test]
async fn an_error_has_the_keys_that_clients_read() {
    let app = TestApp::open().await;
    for base in bases() {
        let missing = get(&app, &format!("{base}/app_aaaaaaaaaaaaaaaaaaaaaaaaaa")).await;
        let missing = missing.problem(404, "application_not_found").json();
        assert!(missing["error"].is_string() && missing["message"].is_string());
    }
    let refused = send(&app, Method::DELETE, "/apps", "")
        .await
        .problem(405, "method_not_allowed");
    assert!(refused.json()["error"].is_string());
}

#[tokio::test]
async fn a_refused_create_uses_up_no_number() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    for (body, violation) in [
        ("", "missing /body"),
        ("{}", "missing /body"),
        (r#"{"body":null}"#, "missing /body"),
        (r#"{"body":" "}"#, "blank /body"),
        (r#"{"body":7}"#, "wrong_type /body"),
        (r#"{"message":{"body":""}}"#, "blank /message/body"),
        (r#"{"message":"body"}"#, "missing /body"),
        ("[]", "wrong_type "),
    ] {
        post(&app, &messages, body).await.refuses(&[violation]);
    }
    for broken in ["{", "nul", "{\"body\":}"] {
        post(&app, &messages, broken).await.problem(400, "malformed_json");
    }
    for (method, path) in [
        (Method::POST, "/applications".to_owned()),
        (Method::PUT, format!("/applications/{token}")),
        (Method::PATCH, format!("/applications/{token}")),
    ] {
        send(&app, method.clone(), &path, "{}")
            .await
            .refuses(&["missing /name"]);
        send(&app, method, &path, r#"{"name":""}"#)
            .await
            .refuses(&["blank /name"]);
    }
    post(
        &app,
        &messages.replace("/chats/1/", "/chats/2/"),
        r#"{"body":"a"}"#,
    )
    .await
    .problem(404, "chat_not_found");
    let created = post(&app, &messages, r#"{"body":"a"}"#).await.status(201);
    assert_eq!(created.json()["number"], 1);
}

#[tokio::test]
async fn what_is_deleted_and_what_cannot_be_is_not_found() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    let chats = format!("/applications/{token}/chats");
    for number in [
        "0",
        "-1",
        "abc",
        "01",
        "1.0",
        "18446744073709551616",
        "%ff",
        "%00",
    ] {
        for path in [
            format!("{chats}/{number}"),
            format!("{chats}/{number}/messages"),
            format!("{messages}/{number}"),
            format!("/chats/{token}/{number}"),
            format!("/chats/{number}?app_token={token}"),
            format!("/messages/{token}/1/{number}"),
        ] {
            get(&app, &path).await.status(404);
        }
        let body = json!({ "body": "a", "app_token": token, "chat_number": number }).to_string();
        post(&app, "/messages", &body).await.status(404);
    }
    send(&app, Method::DELETE, &format!("{chats}/1"), "")
        .await
        .status(204);
    send(&app, Method::DELETE, &format!("{chats}/1"), "")
        .await
        .status(204);
    get(&app, &messages).await.problem(404, "chat_not_found");
    post(&app, &messages, r#"{"body":"a"}"#)
        .await
        .problem(404, "chat_not_found");
    send(&app, Method::DELETE, &format!("/apps/{token}"), "")
        .await
        .status(204);
    get(&app, &chats).await.problem(404, "application_not_found");
}

#[tokio::test]
async fn a_number_without_an_application_names_nothing() {
    let app = TestApp::open().await;
    for prefix in PREFIXES {
        get(&app, &format!("{prefix}/chats/1"))
            .await
            .problem(400, "malformed_request");
        post(&app, &format!("{prefix}/chats"), r#"{"name":"a"}"#)
            .await
            .problem(400, "malformed_request");
        post(
            &app,
            &format!("{prefix}/messages"),
            r#"{"body":"a","chat_number":1}"#,
        )
        .await
        .problem(400, "malformed_request");
    }
    let token = token(&app).await;
    let body = json!({ "body": "a", "app_token": token }).to_string();
    post(&app, "/messages", &body)
        .await
        .refuses(&["missing /chat_number"]);
}

#[tokio::test]
async fn no_malformed_value_in_any_position_is_a_failure_of_the_server() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    messages(&app, &token).await;
    let odd: [Value; 12] = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(1.5),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}"),
        json!("x".repeat(70_000)),
        json!([[]]),
        json!({ "a": { "b": [] } }),
        json!("世界"),
    ];
    let in_path = [
        "%00",
        "%ff",
        "..",
        "%2F",
        "x",
        "-1",
        "18446744073709551616",
        "%F0%9F%98%80",
        "a%0Ab",
    ];
    for (template, item) in app.contract().classic["paths"].as_object().unwrap() {
        let base = match item["servers"][0]["url"].as_str() {
            Some("{prefix}/{noun}") => "/api/applications",
            Some(_) => "/api/v1",
            None => "",
        };
        let filled = |chat: &str, number: &str, query: &str| {
            let path = template.replace("{token}", &token).replace("{chat}", chat);
            format!(
                "{base}{}",
                path.replace("{number}", number).replace("{query}", query)
            )
        };
        let mut paths: Vec<String> = in_path.map(|odd| filled(odd, odd, odd)).to_vec();
        paths.push(filled("1", "1", "x").replace(&token, "%ff"));
        for value in ["", "0", "-1", "x", "%ff", "99999999999999999999999"] {
            let query =
                format!("page={value}&limit={value}&q={value}&query={value}&app_token={value}&page=2");
            paths.push(format!("{}?{query}", filled("1", "1", "x")));
        }
        for method in ["get", "post", "put", "patch", "delete"] {
            if item.get(method).is_none() {
                continue;
            }
            let method: Method = method.to_uppercase().parse().unwrap();
            for path in &paths {
                send(&app, method.clone(), path, "").await;
            }
            for value in odd
                .iter()
                .filter(|_| method != Method::GET && method != Method::DELETE)
            {
                for member in [
                    "name",
                    "title",
                    "body",
                    "app_token",
                    "chat_number",
                    "application",
                    "chat",
                    "message",
                ] {
                    let mut body = json!({ "name": "a", "body": "a", "app_token": token, "chat_number": 1 });
                    body[member] = value.clone();
                    send(&app, method.clone(), &filled("1", "1", "x"), &body.to_string()).await;
                }
            }
        }
    }
}
