//! Plain, wrapped and form bodies of every command that has one.

use http::Method;
use serde_json::{Value, json};

use super::{get, messages, post, send, token};
use crate::support::TestApp;

/// A body in every form that clients send: plain and wrapped JSON, JSON without a type, plain and wrapped form.
async fn in_every_form(app: &TestApp, method: Method, path: &str, thing: &str, member: &str) -> Vec<Value> {
    let plain = json!({ member: "té xt&", "unknown": [1] }).to_string();
    let wrapped = json!({ thing: { member: "té xt&", "id": 7 } }).to_string();
    let forms = [
        format!("{member}=t%C3%A9+xt%26&utf8=%E2%9C%93"),
        format!("{thing}[{member}]=t%C3%A9%20xt%26&commit=Save"),
        format!("{thing}%5B{member}%5D=t%C3%A9+xt%26"),
    ];
    let mut answers = Vec::new();
    for body in [&plain, &wrapped] {
        answers.push(send(app, method.clone(), path, body).await);
        answers.push(
            app.request(method.clone(), path)
                .raw_body(body.clone())
                .send()
                .await,
        );
    }
    for form in &forms {
        answers.push(app.request(method.clone(), path).form(form).send().await);
    }
    let status = if method == Method::POST { 201 } else { 200 };
    answers
        .into_iter()
        .map(|answer| answer.status(status).json()[member].clone())
        .collect()
}

#[tokio::test]
async fn every_command_takes_plain_wrapped_and_form_bodies() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    let messages = messages(&app, &token).await;
    post(&app, &messages, r#"{"body":"a"}"#).await.status(201);
    let application = format!("/api/v1/applications/{token}");
    let mut all = in_every_form(&app, Method::POST, "/apps", "application", "name").await;
    for (path, thing, members) in [
        (application.clone(), "application", ["name"].as_slice()),
        (format!("{application}/chats/1"), "chat", &["name", "title"]),
        (format!("{messages}/1"), "message", &["body"]),
    ] {
        for (method, member) in [Method::PUT, Method::PATCH]
            .iter()
            .flat_map(|method| members.iter().map(move |member| (method, member)))
        {
            all.extend(in_every_form(&app, method.clone(), &path, thing, member).await);
        }
    }
    for (path, thing, member) in [
        (format!("{application}/chats"), "chat", "title"),
        (format!("{application}/chats"), "chat", "name"),
        (messages, "message", "body"),
    ] {
        all.extend(in_every_form(&app, Method::POST, &path, thing, member).await);
    }
    assert!(all.iter().all(|value| value == "té xt&"), "{all:?}");
}

#[tokio::test]
async fn a_form_names_application_and_chat_inside_or_beside_the_wrapper() {
    let app = TestApp::open().await;
    let token = token(&app).await;
    messages(&app, &token).await;
    for form in [
        format!("body=a&chat_number=1&app_token={token}"),
        format!("message[body]=a&message[chat_number]=1&message[app_token]={token}"),
        format!("message[body]=a&chat_number=1&app_token={token}"),
    ] {
        let created = app.request(Method::POST, "/messages").form(&form).send().await;
        assert_eq!(created.status(201).json()["chat_number"], 1, "{form}");
    }
    let query = format!("/messages?app_token={token}&chat_number=1");
    post(&app, &query, r#"{"body":"a"}"#).await.status(201);
}

#[tokio::test]
async fn a_chat_needs_no_body_and_a_blank_title_is_none() {
    let app = TestApp::open().await;
    let chats = format!("/api/v1/applications/{}/chats", token(&app).await);
    for (body, title) in [
        ("", json!(null)),
        ("null", json!(null)),
        ("{}", json!(null)),
        (r#"{"name":"  "}"#, json!(null)),
        (r#"{"title":"","name":"beaten"}"#, json!(null)),
        (r#"{"title":null,"name":"a"}"#, json!("a")),
        (r#"{"title":"b","name":"a"}"#, json!("b")),
        (r#"{"chat":{"name":"a"},"name":"b"}"#, json!("a")),
        (r#"{"chat":"a","name":"b"}"#, json!("b")),
    ] {
        let created = post(&app, &chats, body).await.status(201).json();
        assert_eq!((&created["title"], &created["name"]), (&title, &title), "{body}");
    }
    let chat = format!("{chats}/7");
    for (body, title) in [
        ("{}", json!("b")),
        (r#"{"name":"c"}"#, json!("c")),
        (r#"{"title":""}"#, json!(null)),
    ] {
        let changed = send(&app, Method::PATCH, &chat, body).await.status(200).json();
        assert_eq!(changed["title"], title, "{body}");
    }
    assert_eq!(get(&app, &chat).await.json()["name"], json!(null));
}
