//! The classic routes, each row at every spelling, as a client of such a service sends it.

mod bodies;
mod errors;
mod lists;
mod pages;
mod promises;
mod rows;
mod search;

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, NOUNS, PREFIXES, TestApp};

/// Every spelling of the path of the applications.
fn bases() -> Vec<String> {
    let prefixes = PREFIXES.iter();
    prefixes
        .flat_map(|prefix| NOUNS.iter().map(move |noun| format!("{prefix}/{noun}")))
        .collect()
}

/// Whether a path has a slash at its end.
const SLASHES: [&str; 2] = ["", "/"];

/// Sends a request and looks for names that no answer may have.
async fn send(app: &TestApp, method: Method, path: &str, body: &str) -> Answer {
    let request = app.request(method.clone(), path);
    let request = if body.is_empty() {
        request
    } else {
        request.json(body)
    };
    let answer = request.send().await;
    assert!(answer.code.as_u16() < 500, "{method} {path} {}", answer.text());
    if !answer.bytes.is_empty() && answer.header("content-type").contains("json") {
        refuse_inner_names(&answer.json(), path);
    }
    answer
}

fn refuse_inner_names(value: &Value, path: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let inner = ["id", "_id", "application_id", "chat_id"].contains(&name.as_str());
                assert!(!inner, "{path} answers {name}");
                refuse_inner_names(member, path);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| refuse_inner_names(item, path)),
        _ => {}
    }
}

async fn get(app: &TestApp, path: &str) -> Answer {
    send(app, Method::GET, path, "").await
}

async fn post(app: &TestApp, path: &str, body: &str) -> Answer {
    send(app, Method::POST, path, body).await
}

/// Creates an application and answers its token.
async fn token(app: &TestApp) -> String {
    let created = post(app, "/applications", r#"{"name":"shop"}"#).await.status(201);
    created.json()["token"].as_str().unwrap().to_owned()
}

/// Creates a chat in it and answers the path of its messages.
async fn messages(app: &TestApp, token: &str) -> String {
    let created = post(app, &format!("/applications/{token}/chats"), "")
        .await
        .status(201);
    format!(
        "/applications/{token}/chats/{}/messages",
        created.json()["number"]
    )
}

async fn say(app: &TestApp, messages: &str, body: &str) {
    post(app, messages, &json!({ "body": body }).to_string())
        .await
        .status(201);
}

/// One member of each thing of a list.
fn each(answer: &Answer, member: &str) -> Vec<Value> {
    let json = answer.json();
    let things = json.as_array().unwrap();
    things.iter().map(|thing| thing[member].clone()).collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}
