//! The OpenAPI document and the pages made of it.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use tiro_api::Code;

use crate::support::{Answer, TestApp};

#[tokio::test]
async fn the_router_answers_exactly_the_documented_methods_of_every_documented_path() {
    let app = TestApp::open().await;
    for (template, item) in app.contract().document["paths"].as_object().unwrap() {
        let path = template
            .replace("{token}", "app_aaaaaaaaaaaaaaaaaaaaaaaaaa")
            .replace("{chat}", "1");
        let path = path.replace("{number}", "1").replace("{code}", "blank");
        let path = path.replace("{reader}", "ada").replace("{operation}", "op_a");
        for method in [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ] {
            let documented = item.get(method.as_str().to_lowercase()).is_some();
            let answer = app.request(method.clone(), &path).send().await;
            let refused = answer.code == 405 || (answer.code == 404 && answer.json()["code"] == "not_found");
            assert_eq!(
                refused, !documented,
                "{method} {template} answered {}",
                answer.code
            );
        }
    }
}

#[tokio::test]
async fn the_contract_notices_what_the_document_does_not_allow() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let right = app.get(&chat).send().await;
    let check = |answer: &Answer| app.contract().check(&Method::GET, &chat, answer);
    assert_eq!(check(&right), Ok(()));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut json = right.json();
        change(&mut json);
        Answer {
            bytes: json.to_string().into_bytes(),
            ..right.clone()
        }
    };
    type Change<'a> = &'a dyn Fn(&mut Value);
    let breaks: [(&str, Change<'_>); 4] = [
        ("another member", &|json| json["id"] = json!(7)),
        ("a missing member", &|json| {
            json.as_object_mut().unwrap().remove("title");
        }),
        ("another type", &|json| json["version"] = json!("1")),
        ("another form of time", &|json| {
            json["created_at"] = json!("2026-11-21T02:50:00Z");
        }),
    ];
    for (what, change) in breaks {
        assert!(check(&changed(change)).is_err(), "{what} goes unnoticed");
    }
    let mut tagless = right.clone();
    tagless.headers.remove("etag");
    assert!(check(&tagless).is_err(), "a missing tag goes unnoticed");
    let mut accepted = right.clone();
    accepted.code = http::StatusCode::ACCEPTED;
    assert!(check(&accepted).is_err(), "another status goes unnoticed");
    let other = app.get(&format!("{chat}/messages/9")).send().await.status(404);
    assert!(
        check(&other).is_err(),
        "a problem of another operation goes unnoticed"
    );
}

#[tokio::test]
async fn every_reference_of_the_document_leads_to_a_schema() {
    let app = TestApp::open().await;
    let document = &app.contract().document;
    assert_eq!(document["openapi"], "3.1.0");
    let mut references = BTreeSet::new();
    collect(document, &mut references);
    assert!(references.len() > 10, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect(member, references));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        _ => {}
    }
}

#[tokio::test]
async fn every_operation_has_an_id_of_its_own_and_documents_its_path() {
    let app = TestApp::open().await;
    let mut ids = BTreeSet::new();
    for (path, item) in app.contract().document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            assert!(operation["responses"]["500"].is_object(), "{method} {path}");
            let documented: Vec<&str> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let named: Vec<&str> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            assert_eq!(documented, named, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_document_has_every_code_and_every_code_has_a_page() {
    let app = TestApp::open().await;
    let documented = app.contract().document["components"]["schemas"]["Code"]["enum"].clone();
    let codes: Vec<Value> = Code::ALL.iter().map(|code| Value::from(code.as_str())).collect();
    assert_eq!(documented, Value::Array(codes));
    for code in Code::ALL {
        let page = app.get(&format!("/docs/errors/{code}")).send().await.status(200);
        assert!(page.text().contains(code.title()), "{code}");
    }
    app.get("/docs/errors/no_such_code")
        .send()
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn the_pages_load_nothing_and_run_nothing() {
    let app = TestApp::open().await;
    for path in ["/docs", "/docs/errors/blank"] {
        let page = app.get(path).send().await.status(200);
        for forbidden in ["<script", "src=", "@import", "url(", "http://", "https://"] {
            assert!(!page.text().contains(forbidden), "{path} has {forbidden}");
        }
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
    }
    let page = app.get("/docs").send().await;
    for id in [
        "create_message",
        "list_chats",
        "search_chat",
        "stream_changes",
        "set_read",
        "import",
    ] {
        assert!(page.text().contains(&format!("id=\"{id}\"")), "{id}");
    }
}

#[tokio::test]
async fn the_reference_describes_every_member_and_has_the_words_that_developers_look_for() {
    let app = TestApp::open().await;
    let page = app.get("/docs").send().await.text().to_owned();
    for words in [
        "Liveness check",
        "Readiness check",
        "Prometheus metrics",
        "Error reference",
        "Access: the token",
        "<h2 id=\"codes\">Error codes</h2>",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let schemas = page.split("id=\"schemas\"").last().unwrap();
    let rows: Vec<&str> = schemas.split("<tr>").skip(1).collect();
    assert!(rows.len() > 100, "{} rows", rows.len());
    let silent: Vec<&&str> = rows.iter().filter(|row| row.contains("<td></td></tr>")).collect();
    assert!(silent.is_empty(), "members without a description: {silent:?}");
    assert!(!page.contains("Some(None)") && !page.contains("[LINES_FORMAT]"));
}
