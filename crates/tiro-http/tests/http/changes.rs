//! The feed in pages.

mod streams;
mod waiting;

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

/// The application of a chat's path.
fn application(chat: &str) -> &str {
    chat.split("/chats/").next().unwrap()
}

fn positions(page: &Answer) -> Vec<u64> {
    entries(page)
        .iter()
        .map(|entry| entry["position"].as_u64().unwrap())
        .collect()
}

fn entries(page: &Answer) -> Vec<Value> {
    page.json()["data"].as_array().unwrap().clone()
}

fn text(page: &Answer, member: &str) -> String {
    page.json()[member].as_str().unwrap().to_owned()
}

/// So many messages in batches, each with this body.
async fn fill(app: &TestApp, chat: &str, messages: usize, body: &str) {
    let mut left = messages;
    while left > 0 {
        let count = left.min(1_000);
        let batch = json!({ "messages": vec![json!({ "body": body }); count] });
        app.post(&format!("{chat}/messages/batch"), &batch.to_string())
            .send()
            .await
            .status(201);
        left -= count;
    }
}

#[tokio::test]
async fn the_feed_is_read_page_by_page_and_next_is_always_a_cursor() {
    let app = TestApp::open().await;
    let chat = app.chat_of(5).await;
    let changes = format!("{}/changes", application(&chat));
    let first = app.get(&format!("{changes}?limit=4")).send().await.status(200);
    assert_eq!(positions(&first), [1, 2, 3, 4]);
    assert_eq!(
        (&first.json()["has_more"], text(&first, "as_of").ends_with(".7")),
        (&json!(true), true)
    );
    let (next, epoch) = (text(&first, "next"), text(&first, "next").replace(".4", ""));
    let second = app
        .get(&format!("{changes}?limit=1000&after={next}"))
        .send()
        .await
        .status(200);
    assert_eq!(positions(&second), [5, 6, 7]);
    assert_eq!(second.json()["has_more"], false);
    assert_eq!(text(&second, "next"), text(&second, "as_of"));
    let end = app
        .get(&format!("{changes}?after={epoch}.7"))
        .send()
        .await
        .status(200);
    assert_eq!(
        (positions(&end), text(&end, "next")),
        (vec![], format!("{epoch}.7"))
    );
    let beginning = app
        .get(&format!("{changes}?after={epoch}.0&limit=2"))
        .send()
        .await
        .status(200);
    assert_eq!(positions(&beginning), [1, 2]);
    assert!(!first.has_header("etag") && !first.has_header("tiro-cursor"));
}

#[tokio::test]
async fn entries_have_every_member_and_the_thing_as_it_is_now() {
    let app = TestApp::open().await;
    let chat = app.chat_of(1).await;
    app.put(&format!("{chat}/readers/ada"), r#"{"read":1}"#)
        .send()
        .await
        .status(200);
    let page = app
        .get(&format!("{}/changes", application(&chat)))
        .send()
        .await
        .status(200);
    let all = entries(&page);
    let wanted = [
        ("application.created", Value::Null, Value::Null, Value::Null),
        ("chat.created", json!(1), Value::Null, Value::Null),
        ("message.created", json!(1), json!(1), Value::Null),
        ("reader.updated", json!(1), Value::Null, json!("ada")),
    ];
    assert_eq!(all.len(), wanted.len());
    for (entry, (kind, chat, number, reader)) in all.iter().zip(wanted) {
        assert_eq!(entry["type"], kind);
        assert_eq!(
            (&entry["chat"], &entry["number"], &entry["reader"]),
            (&chat, &number, &reader)
        );
        assert_eq!(entry["version"], 1);
        app.contract().validate("Entry", entry).unwrap();
    }
    let got = app.get(&format!("{chat}/messages/1")).send().await.json();
    assert_eq!(all[2]["data"], got);
    assert_eq!(all[1]["data"], app.get(&chat).send().await.json());
    assert_eq!(
        all[3]["data"],
        json!({"reader": "ada", "chat": 1, "read": 1, "unread": 0})
    );
}

#[tokio::test]
async fn what_a_later_entry_has_is_null_and_no_body_of_a_deleted_message_is_in_any_answer() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let messages = format!("{chat}/messages");
    for body in ["first secret", "second secret", "third"] {
        let body = json!({ "body": body }).to_string();
        app.post(&messages, &body).send().await.status(201);
    }
    app.patch(&format!("{messages}/1"), r#"{"body":"edited secret"}"#)
        .send()
        .await
        .status(200);
    app.delete(&format!("{messages}/1")).send().await.status(204);
    app.delete(&format!("{messages}/2")).send().await.status(204);
    let changes = format!("{}/changes", application(&chat));
    let page = app.get(&changes).send().await.status(200);
    assert!(!page.text().contains("secret"), "{}", page.text());
    let data: Vec<bool> = entries(&page)
        .iter()
        .map(|entry| entry["data"].is_null())
        .collect();
    assert_eq!(data, [false, false, true, true, false, true, false, false]);
    let tombstone = &entries(&page)[6]["data"];
    assert_eq!(
        (&tombstone["body"], tombstone["deleted_at"].is_string()),
        (&Value::Null, true)
    );
    app.put(&format!("{chat}/readers/ada"), r#"{"read":3}"#)
        .send()
        .await
        .status(200);
    app.delete(&chat).send().await.status(204);
    let page = app.get(&changes).send().await.status(200);
    let data: Vec<bool> = entries(&page)[1..9]
        .iter()
        .map(|entry| entry["data"].is_null())
        .collect();
    assert_eq!(data, [true; 8], "{}", page.text());
    assert!(entries(&page)[9]["data"]["deleted_at"].is_string());
}

#[tokio::test]
async fn a_list_and_then_the_feed_from_its_as_of_have_no_gap_and_no_repeat() {
    let app = TestApp::open().await;
    let chat = app.chat_of(3).await;
    let list = app.get(&format!("{chat}/messages")).send().await.status(200);
    assert_eq!(list.numbers(), [1, 2, 3]);
    fill(&app, &chat, 2, "later").await;
    let from = text(&list, "as_of");
    let page = app
        .get(&format!("{}/changes?after={from}", application(&chat)))
        .send()
        .await
        .status(200);
    let numbers: Vec<&Value> = page.json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|_| &Value::Null)
        .collect();
    assert_eq!(numbers.len(), 2);
    assert_eq!(
        entries(&page)
            .iter()
            .map(|entry| entry["number"].clone())
            .collect::<Vec<_>>(),
        [4, 5]
    );
}

#[tokio::test]
async fn a_feed_is_narrowed_by_chats_and_types_and_what_matches_nothing_is_no_error() {
    let app = TestApp::open().await;
    let application = app.application().await;
    for _ in 0..3 {
        app.post(&format!("{application}/chats"), "")
            .send()
            .await
            .status(201);
    }
    for chat in 1..=3 {
        fill(&app, &format!("{application}/chats/{chat}"), 1, "x").await;
    }
    app.put(&format!("{application}/chats/2/readers/ada"), r#"{"read":1}"#)
        .send()
        .await
        .status(200);
    for (query, wanted) in [
        ("chat=2", vec![3, 6, 8]),
        ("chat=1&chat=3", vec![2, 4, 5, 7]),
        ("type=message.created", vec![5, 6, 7]),
        ("type=message.created&type=reader.updated&chat=2", vec![6, 8]),
        ("type=application.created&chat=2", vec![]),
        ("chat=99", vec![]),
        ("type=message.deleted", vec![]),
        ("type=message.moved", vec![]),
    ] {
        let page = app
            .get(&format!("{application}/changes?{query}"))
            .send()
            .await
            .status(200);
        assert_eq!(positions(&page), wanted, "{query}");
        assert!(
            text(&page, "next").ends_with(".8"),
            "{query}: what was looked at is behind"
        );
        assert_eq!(page.json()["has_more"], false);
    }
}

#[tokio::test]
async fn a_narrowed_page_looks_at_ten_thousand_entries_and_moves_on() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    fill(&app, &chat, 10_010, "x").await;
    app.patch(&chat, "{}").send().await.status(200);
    let changes = format!("{}/changes?type=chat.updated", application(&chat));
    let first = app.get(&changes).send().await.status(200);
    assert_eq!(
        (positions(&first), first.json()["has_more"].clone()),
        (vec![], json!(true))
    );
    let next = text(&first, "next");
    assert!(next.ends_with(".10000"), "{next}");
    // Waiting does not look at more.
    let waited = app.get(&format!("{changes}&wait=60")).send().await.status(200);
    assert_eq!(text(&waited, "next"), next);
    let second = app
        .get(&format!("{changes}&after={next}"))
        .send()
        .await
        .status(200);
    assert_eq!(positions(&second), [10_013]);
}

#[tokio::test]
async fn wrong_parameters_are_refused_by_name() {
    let app = TestApp::open().await;
    let application = app.application().await;
    let stream = format!("{application}/changes/stream");
    let many = vec!["chat=1"; 201].join("&");
    for (query, refused) in [
        ("after=1", "invalid_cursor after"),
        ("after=abc", "invalid_cursor after"),
        ("after=", "invalid_parameter after"),
        ("after=abc.1&after=abc.1", "duplicate_parameter after"),
        ("chat=0", "invalid_parameter chat"),
        ("chat=x", "invalid_parameter chat"),
        ("chat=01", "invalid_parameter chat"),
        ("type=created", "invalid_parameter type"),
        ("type=", "invalid_parameter type"),
        ("before=1", "unknown_parameter before"),
        (&many, "duplicate_parameter chat"),
    ] {
        for path in [&format!("{application}/changes"), &stream] {
            app.get(&format!("{path}?{query}"))
                .send()
                .await
                .refuses(&[refused]);
        }
    }
    for (query, refused) in [
        ("limit=0", "invalid_parameter limit"),
        ("limit=1001", "invalid_parameter limit"),
        ("wait=61", "invalid_parameter wait"),
        ("wait=-1", "invalid_parameter wait"),
        ("wait=1.5", "invalid_parameter wait"),
    ] {
        app.get(&format!("{application}/changes?{query}"))
            .send()
            .await
            .refuses(&[refused]);
    }
    for unknown in ["limit=1", "wait=1"] {
        let name = unknown.split('=').next().unwrap();
        app.get(&format!("{stream}?{unknown}"))
            .send()
            .await
            .refuses(&[&format!("unknown_parameter {name}")]);
    }
    for wrong in ["17", "abc.x", "\u{e9}"] {
        app.get(&stream)
            .header("last-event-id", wrong)
            .send()
            .await
            .refuses(&["invalid_cursor Last-Event-ID"]);
    }
}

#[tokio::test]
async fn a_cursor_of_another_history_or_from_the_future_is_told_the_way_back() {
    let app = TestApp::open().await;
    let application = app.application().await;
    let cursor = text(&app.get(&format!("{application}/changes")).send().await, "as_of");
    let epoch = cursor.split('.').next().unwrap();
    for foreign in [format!("{epoch}.2"), "aaaa.0".to_owned(), "aaaa.1".to_owned()] {
        let page = app
            .get(&format!("{application}/changes?after={foreign}"))
            .send()
            .await;
        let problem = page.problem(409, "history_changed");
        assert!(
            problem.json()["detail"].as_str().unwrap().contains(&cursor),
            "{}",
            problem.text()
        );
        let waiting = app
            .get(&format!("{application}/changes?after={foreign}&wait=60"))
            .send()
            .await;
        waiting.problem(409, "history_changed");
        let stream = format!("{application}/changes/stream");
        app.get(&format!("{stream}?after={foreign}"))
            .send()
            .await
            .problem(409, "history_changed");
        let resumed = app.get(&stream).header("last-event-id", &foreign).send().await;
        resumed.problem(409, "history_changed");
    }
}

#[tokio::test]
async fn the_feed_of_a_deleted_application_is_gone_and_of_none_not_found() {
    let app = TestApp::open().await;
    let application = app.application().await;
    app.delete(&application).send().await.status(204);
    for path in ["changes", "changes?wait=60", "changes/stream"] {
        let deleted = app.get(&format!("{application}/{path}")).send().await;
        deleted.problem(410, "application_deleted");
        let nowhere = format!("/v1/applications/app_aaaaaaaaaaaaaaaaaaaaaaaaaa/{path}");
        app.get(&nowhere)
            .send()
            .await
            .problem(404, "application_not_found");
    }
}

#[tokio::test]
async fn a_page_of_long_bodies_ends_early_and_goes_on() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    for _ in 0..80 {
        fill(&app, &chat, 1, &"x".repeat(60_000)).await;
    }
    let changes = format!("{}/changes?limit=1000", application(&chat));
    let first = app.get(&changes).send().await.status(200);
    assert!(first.bytes.len() < 5 * 1024 * 1024 && first.json()["has_more"] == true);
    let next = text(&first, "next");
    let second = app
        .get(&format!("{changes}&after={next}"))
        .send()
        .await
        .status(200);
    assert_eq!(
        [positions(&first), positions(&second)].concat(),
        (1..=82).collect::<Vec<u64>>()
    );
}
