//! Every form of a list.

use serde_json::Value;

use crate::support::TestApp;

#[tokio::test]
async fn a_list_of_messages_is_walked_in_every_direction() {
    let app = TestApp::open().await;
    let path = format!("{}/messages", app.chat_of(7).await);
    for (query, numbers, next) in [
        ("", vec![1, 2, 3, 4, 5, 6, 7], None),
        ("?limit=3", vec![1, 2, 3], Some("3")),
        ("?after=3&limit=3", vec![4, 5, 6], Some("6")),
        ("?after=6&limit=3", vec![7], None),
        ("?after=0&limit=200", vec![1, 2, 3, 4, 5, 6, 7], None),
        ("?after=7", vec![], None),
        ("?before=4&limit=2", vec![2, 3], Some("2")),
        ("?before=2&limit=2", vec![1], None),
        ("?before=0", vec![], None),
        ("?after=2&before=6&limit=2", vec![3, 4], Some("4")),
        ("?after=4&before=6&limit=2", vec![5], None),
        ("?last=2", vec![6, 7], Some("6")),
        ("?last=200", vec![1, 2, 3, 4, 5, 6, 7], None),
    ] {
        let page = app.get(&format!("{path}{query}")).send().await.status(200);
        assert_eq!(page.numbers(), numbers, "{query}");
        let json = page.json();
        assert_eq!(json["next"], next.map_or(Value::Null, Value::from), "{query}");
        assert_eq!(json["has_more"], next.is_some(), "{query}");
        assert!(json["as_of"].as_str().unwrap().ends_with(".9"), "{query}");
        assert!(!page.has_header("etag") && !page.has_header("tiro-cursor"));
    }
}

#[tokio::test]
async fn wrong_parameters_are_refused_by_name() {
    let app = TestApp::open().await;
    let chat = app.chat_of(1).await;
    let chats = chat.rsplit_once('/').unwrap().0;
    let messages = format!("{chat}/messages");
    for (query, refused) in [
        ("limit=0", "invalid_parameter limit"),
        ("limit=201", "invalid_parameter limit"),
        ("limit=x", "invalid_parameter limit"),
        ("last=0", "invalid_parameter last"),
        ("after=-1", "invalid_parameter after"),
        ("after=01", "invalid_parameter after"),
        ("after=", "invalid_parameter after"),
        ("before=18446744073709551616", "invalid_parameter before"),
        ("after=1&after=1", "duplicate_parameter after"),
        ("page=1", "unknown_parameter page"),
        ("last=1&limit=1", "conflicting_parameters last"),
        ("last=1&after=1", "conflicting_parameters last"),
        ("last=1&before=1", "conflicting_parameters last"),
    ] {
        app.get(&format!("{messages}?{query}"))
            .send()
            .await
            .refuses(&[refused]);
        app.get(&format!("{chats}?{query}"))
            .send()
            .await
            .refuses(&[refused]);
    }
    app.get(&format!("{messages}?x=1&limit=0"))
        .send()
        .await
        .refuses(&["unknown_parameter x", "invalid_parameter limit"]);
    app.get(&format!("{chats}?order=date"))
        .send()
        .await
        .refuses(&["invalid_parameter order"]);
    app.get(&format!("{chats}?order=activity&last=1"))
        .send()
        .await
        .refuses(&["conflicting_parameters last"]);
    app.get(&format!("{chats}?order=activity&before=1"))
        .send()
        .await
        .refuses(&["conflicting_parameters before"]);
    app.get(&format!("{chats}?order=activity&after=1"))
        .send()
        .await
        .refuses(&["invalid_parameter after"]);
    app.get("/v1/applications?after=1")
        .send()
        .await
        .refuses(&["invalid_parameter after"]);
    app.get("/v1/applications?before=1")
        .send()
        .await
        .refuses(&["unknown_parameter before"]);
    app.get(&format!("{chat}?x=1"))
        .send()
        .await
        .refuses(&["unknown_parameter x"]);
    app.post(&format!("{messages}?x=1"), r#"{"body":"a"}"#)
        .send()
        .await
        .refuses(&["unknown_parameter x"]);
}

#[tokio::test]
async fn chats_by_activity_begin_with_the_last_message_and_leave_out_tombstones() {
    let app = TestApp::open().await;
    let chats = format!("{}/chats", app.application().await);
    for _ in 0..4 {
        app.post(&chats, "").send().await.status(201);
    }
    for chat in [3, 1] {
        app.post(&format!("{chats}/{chat}/messages"), r#"{"body":"a"}"#)
            .send()
            .await
            .status(201);
    }
    app.delete(&format!("{chats}/4")).send().await.status(204);
    let first = app
        .get(&format!("{chats}?order=activity&limit=2"))
        .send()
        .await
        .status(200);
    assert_eq!(first.numbers(), [1, 3]);
    let next = first.json()["next"].as_str().unwrap().to_owned();
    let second = app
        .get(&format!("{chats}?order=activity&limit=2&after={next}"))
        .send()
        .await
        .status(200);
    assert_eq!(second.numbers(), [2]);
    assert_eq!(second.json()["next"], Value::Null);
    assert_eq!(
        app.get(&format!("{chats}?order=number")).send().await.numbers(),
        [1, 2, 3, 4]
    );
}

#[tokio::test]
async fn a_large_list_is_compressed_for_those_who_take_it() {
    let app = TestApp::open().await;
    let chat = app.chat_of(20).await;
    let list = |encoding: &str| {
        app.get(&format!("{chat}/messages"))
            .header("accept-encoding", encoding)
            .send()
    };
    let plain = list("identity").await;
    assert!(!plain.has_header("content-encoding") && plain.header("vary").contains("accept-encoding"));
    let zipped = list("gzip").await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    let mut unzipped = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(&zipped.bytes[..]),
        &mut unzipped,
    )
    .unwrap();
    assert_eq!(unzipped, plain.text());
    let one = app
        .get(&format!("{chat}/messages/1"))
        .header("accept-encoding", "gzip")
        .send()
        .await;
    assert!(
        !one.has_header("content-encoding"),
        "the tag of one thing is strong"
    );
}
