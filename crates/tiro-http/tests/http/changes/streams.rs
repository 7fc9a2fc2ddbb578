//! Live streams.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{application, entries, fill, text};
use crate::support::{Block, EventStream, TestApp, TestServer};

/// The place that a stream says it begins at.
async fn beginning(stream: &mut EventStream) -> String {
    let block = stream.block().await.unwrap();
    assert_eq!(
        (block.retry, &block.event, &block.data),
        (Some(2_000), &None, &None)
    );
    block.id.unwrap()
}

fn positions(entries: &[Value]) -> Vec<u64> {
    entries
        .iter()
        .map(|entry| entry["position"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn a_stream_begins_now_or_behind_a_place_and_the_last_event_beats_the_parameter() {
    let app = TestApp::open().await;
    let chat = app.chat_of(2).await;
    let stream = format!("{}/changes/stream", application(&chat));
    let mut now = app.get(&stream).open().await;
    assert_eq!(now.code, 200);
    assert_eq!(now.headers["content-type"], "text/event-stream");
    assert_eq!(now.headers["x-accel-buffering"], "no");
    let end = beginning(&mut now).await;
    assert!(end.ends_with(".4"), "{end}");
    let epoch = end.split('.').next().unwrap();
    let mut after = app.get(&format!("{stream}?after={epoch}.2")).open().await;
    assert_eq!(beginning(&mut after).await, format!("{epoch}.2"));
    let mut resumed = app
        .get(&format!("{stream}?after={epoch}.0"))
        .header("last-event-id", &format!("{epoch}.3"))
        .open()
        .await;
    let mut all = app
        .get(&format!("{stream}?after={epoch}.0"))
        .header("last-event-id", "")
        .open()
        .await;
    fill(&app, &chat, 1, "new").await;
    for (stream, wanted) in [
        (&mut now, vec![5]),
        (&mut after, vec![3, 4, 5]),
        (&mut resumed, vec![4, 5]),
        (&mut all, vec![1, 2, 3, 4, 5]),
    ] {
        assert_eq!(positions(&stream.entries(wanted.len()).await), wanted);
    }
}

#[tokio::test]
async fn events_are_the_entries_of_a_page() {
    let app = TestApp::open().await;
    let chat = app.chat_of(3).await;
    app.patch(&format!("{chat}/messages/1"), r#"{"body":"a\nb\r\u2028 \"c\""}"#)
        .send()
        .await
        .status(200);
    app.put(&format!("{chat}/readers/ada"), r#"{"read":2}"#)
        .send()
        .await
        .status(200);
    app.delete(&format!("{chat}/messages/2")).send().await.status(204);
    let changes = format!("{}/changes", application(&chat));
    let page = app.get(&changes).send().await;
    let epoch = text(&page, "next").split('.').next().unwrap().to_owned();
    let mut stream = app.get(&format!("{changes}/stream?after={epoch}.0")).open().await;
    assert_eq!(stream.entries(8).await, entries(&page));
}

#[tokio::test]
async fn streams_are_narrowed_as_pages_are() {
    let app = TestApp::open().await;
    let application = app.application().await;
    for _ in 0..3 {
        app.post(&format!("{application}/chats"), "")
            .send()
            .await
            .status(201);
    }
    let path =
        format!("{application}/changes/stream?chat=1&chat=3&type=message.created&type=message.updated");
    let mut stream = app.get(&path).open().await;
    for chat in [1, 2, 3] {
        let chat = format!("{application}/chats/{chat}");
        fill(&app, &chat, 1, "x").await;
        app.patch(&chat, "{}").send().await.status(200);
        app.patch(&format!("{chat}/messages/1"), "{}")
            .send()
            .await
            .status(200);
    }
    let found = stream.entries(4).await;
    let found: Vec<(&Value, &Value)> = found
        .iter()
        .map(|entry| (&entry["chat"], &entry["type"]))
        .collect();
    let (created, updated) = (json!("message.created"), json!("message.updated"));
    let (one, three) = (json!(1), json!(3));
    assert_eq!(
        found,
        [
            (&one, &created),
            (&one, &updated),
            (&three, &created),
            (&three, &updated)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_gets_its_cursor_every_15_seconds_and_a_narrowed_one_advances() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let mut stream = app
        .get(&format!("{}/changes/stream?chat=9", application(&chat)))
        .open()
        .await;
    let begun = Instant::now();
    assert!(beginning(&mut stream).await.ends_with(".2"));
    fill(&app, &chat, 3, "x").await;
    for (seconds, position) in [(15, ".5"), (30, ".5"), (45, ".5")] {
        let block = stream.block().await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), seconds);
        assert!(block.id.as_ref().unwrap().ends_with(position), "{block:?}");
        assert_eq!(Block { id: None, ..block }, Block::default());
    }
}

#[tokio::test]
async fn a_narrowed_stream_passes_over_what_is_not_wanted_however_long_it_is() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    fill(&app, &chat, 25_000, "x").await;
    app.patch(&chat, "{}").send().await.status(200);
    let changes = format!("{}/changes", application(&chat));
    let epoch = text(&app.get(&changes).send().await, "next")
        .split('.')
        .next()
        .unwrap()
        .to_owned();
    let mut stream = app
        .get(&format!("{changes}/stream?after={epoch}.0&type=chat.updated"))
        .open()
        .await;
    assert_eq!(stream.entry().await.unwrap()["position"], 25_003);
}

#[tokio::test]
async fn a_stream_ends_with_the_end_of_its_application_whatever_it_is_narrowed_to() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let path = format!("{}/changes/stream", application(&chat));
    for query in ["", "?chat=1&type=message.created"] {
        let application = app.application().await;
        app.post(&format!("{application}/chats"), "")
            .send()
            .await
            .status(201);
        let path = format!("{application}/changes/stream{query}");
        let mut stream = app.get(&path).open().await;
        let begun = beginning(&mut stream).await;
        app.delete(&application).send().await.status(204);
        let last = stream.entry().await.unwrap();
        assert_eq!(
            (&last["type"], &last["position"]),
            (&json!("application.deleted"), &json!(3))
        );
        assert!(last["data"]["deleted_at"].is_string(), "{last}");
        assert_eq!(stream.block().await, None);
        let resumed = app.get(&path).header("last-event-id", &begun).send().await;
        resumed.problem(410, "application_deleted");
    }
    // Others go on.
    let mut other = app.get(&path).open().await;
    fill(&app, &chat, 1, "x").await;
    assert_eq!(other.entry().await.unwrap()["position"], 3);
}

#[tokio::test]
async fn streams_at_one_place_are_told_the_same_and_nothing_that_was_deleted_since() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let path = format!("{}/changes/stream", application(&chat));
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = app.get(&path).open().await;
        beginning(&mut stream).await;
        streams.push(stream);
    }
    fill(&app, &chat, 1, "a secret").await;
    let told: Vec<Value> = [streams[0].entries(1).await, streams[1].entries(1).await].concat();
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0]["data"]["body"], "a secret");
    // The third did not look until the message was gone.
    app.delete(&format!("{chat}/messages/1")).send().await.status(204);
    let late = streams[2].entries(2).await;
    assert_eq!(late[0]["data"], Value::Null);
    assert_eq!(late[1]["type"], "message.deleted");
    assert_eq!(streams[0].entry().await.unwrap(), late[1]);
}

#[tokio::test]
async fn long_entries_and_many_of_them_come_in_order_and_in_small_pieces() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    for round in 0..10 {
        fill(&app, &chat, 5, &"x".repeat(65_000)).await;
        fill(&app, &chat, 200 + round, "short").await;
    }
    let changes = format!("{}/changes", application(&chat));
    let end = text(&app.get(&changes).send().await, "as_of");
    let (epoch, last) = end.split_once('.').unwrap();
    let mut stream = app.get(&format!("{changes}/stream?after={epoch}.0")).open().await;
    let last: u64 = last.parse().unwrap();
    let found = stream.entries(usize::try_from(last).unwrap()).await;
    assert_eq!(positions(&found), (1..=last).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_stream_is_not_compressed_and_head_answers_its_head_alone() {
    let app = TestApp::open().await;
    let application = app.application().await;
    let path = format!("{application}/changes/stream");
    let stream = app.get(&path).header("accept-encoding", "gzip").open().await;
    assert!(!stream.headers.contains_key("content-encoding"));
    let head = app.request(Method::HEAD, &path).send().await.status(200);
    assert_eq!(
        (head.header("content-type"), head.bytes.len()),
        ("text/event-stream", 0)
    );
}

#[tokio::test]
async fn open_streams_are_counted() {
    let app = TestApp::open().await;
    let application = app.application().await;
    let streams = |metrics: String| {
        metrics
            .lines()
            .find(|line| line.starts_with("tiro_live_streams "))
            .map(str::to_owned)
    };
    let stream = app.get(&format!("{application}/changes/stream")).open().await;
    let open = app.get("/metrics").send().await.text().to_owned();
    assert_eq!(streams(open).as_deref(), Some("tiro_live_streams 1"));
    drop(stream);
    let closed = app.get("/metrics").send().await.text().to_owned();
    assert_eq!(streams(closed).as_deref(), Some("tiro_live_streams 0"));
}

#[tokio::test]
async fn streams_end_cleanly_and_at_once_when_the_server_stops() {
    let server = TestServer::start(tiro_http::Config::default());
    let mut connection = server.connect().await;
    connection.post("/v1/applications", r#"{"name":"a"}"#).await;
    let (_, head, _) = connection.answer().await;
    let location = head
        .lines()
        .find_map(|line| line.strip_prefix("location: "))
        .unwrap();
    connection
        .request("GET", &format!("{location}/changes/stream"))
        .await;
    server.engine.is_waited_for().await;
    let begun = Instant::now();
    let stopped = server.stop();
    let rest = connection.closed().await;
    assert!(
        rest.starts_with("HTTP/1.1 200") && rest.ends_with("\r\n0\r\n\r\n"),
        "{rest}"
    );
    assert_eq!(stopped.await.unwrap().connections_cut, 0);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
