//! Readers: markers, what is unread, and the chats in which something is.

use serde_json::{Value, json};

use crate::support::{Answer, TestApp};

fn state(answer: Answer) -> (u64, u64) {
    let json = answer.status(200).json();
    (json["read"].as_u64().unwrap(), json["unread"].as_u64().unwrap())
}

#[tokio::test]
async fn a_marker_only_rises_and_what_is_unread_are_the_live_messages_after_it() {
    let app = TestApp::open().await;
    let chat = app.chat_of(5).await;
    let ada = format!("{chat}/readers/ada");
    assert_eq!(state(app.get(&ada).send().await), (0, 5));
    let set = app.put(&ada, r#"{"read":3}"#).send().await;
    assert_eq!(set.header("tiro-cursor").split('.').nth(1), Some("8"));
    assert_eq!(
        set.status(200).json(),
        json!({"reader": "ada", "chat": 1, "read": 3, "unread": 2})
    );
    for lower in ["0", "2", "3"] {
        let same = app.put(&ada, &format!("{{\"read\":{lower}}}")).send().await;
        assert_eq!(
            same.header("tiro-cursor").split('.').nth(1),
            Some("8"),
            "no entry is made"
        );
        assert_eq!(state(same), (3, 2));
    }
    app.delete(&format!("{chat}/messages/4")).send().await.status(204);
    app.delete(&format!("{chat}/messages/1")).send().await.status(204);
    let got = app.get(&ada).send().await;
    assert_eq!(got.header("tiro-cursor").split('.').nth(1), Some("10"));
    assert_eq!(state(got), (3, 1));
    assert_eq!(state(app.put(&ada, r#"{"read":5}"#).send().await), (5, 0));
    assert_eq!(
        state(app.get(&format!("{chat}/readers/bob")).send().await),
        (0, 3)
    );
}

#[tokio::test]
async fn sending_raises_the_marker_of_its_sender_who_has_one() {
    let app = TestApp::open().await;
    let chat = app.chat_of(2).await;
    let (ada, bob) = (format!("{chat}/readers/ada"), format!("{chat}/readers/bob"));
    app.put(&ada, r#"{"read":0}"#).send().await.status(200);
    for sender in ["ada", "bob"] {
        let body = json!({"body": "x", "sender": sender}).to_string();
        app.post(&format!("{chat}/messages"), &body)
            .send()
            .await
            .status(201);
    }
    assert_eq!(state(app.get(&ada).send().await), (3, 1));
    assert_eq!(state(app.get(&bob).send().await), (0, 4));
    let changes = app
        .get(&format!(
            "{}/changes?type=reader.updated",
            chat.split("/chats").next().unwrap()
        ))
        .send()
        .await;
    let entries = changes.json()["data"].as_array().unwrap().clone();
    let versions: Vec<(&Value, &Value)> = entries
        .iter()
        .map(|entry| (&entry["position"], &entry["version"]))
        .collect();
    assert_eq!(versions, [(&json!(5), &json!(1)), (&json!(7), &json!(2))]);
    assert_eq!(
        (&entries[0]["data"], &entries[1]["data"]["read"]),
        (&Value::Null, &json!(3))
    );
}

#[tokio::test]
async fn a_wrong_marker_is_refused_with_its_pointer() {
    let app = TestApp::open().await;
    let chat = app.chat_of(2).await;
    let ada = format!("{chat}/readers/ada");
    for (body, refused) in [
        (r#"{"read":3}"#, "past_last /read"),
        (r#"{"read":99999999999999999999}"#, "past_last /read"),
        (r#"{"read":-1}"#, "wrong_type /read"),
        (r#"{"read":1.0}"#, "wrong_type /read"),
        (r#"{"read":1e0}"#, "wrong_type /read"),
        (r#"{"read":"1"}"#, "wrong_type /read"),
        (r#"{"read":[]}"#, "wrong_type /read"),
        (r#"{"read":null}"#, "missing /read"),
        ("{}", "missing /read"),
        (r#"{"read":1,"read":2}"#, "duplicate_field /read"),
        (r#"{"read":1,"unread":2}"#, "unknown_field /unread"),
        ("[1]", "wrong_type "),
    ] {
        app.put(&ada, body).send().await.refuses(&[refused]);
    }
    app.put(&ada, "{\"read\":")
        .send()
        .await
        .problem(400, "malformed_json");
    let form = app
        .put(&ada, "")
        .body("application/x-www-form-urlencoded", "read=1");
    form.send().await.problem(415, "unsupported_media_type");
    assert_eq!(state(app.get(&ada).send().await), (0, 2));
}

#[tokio::test]
async fn a_reader_is_any_text_of_up_to_255_bytes_percent_encoded() {
    let app = TestApp::open().await;
    let chat = app.chat_of(1).await;
    let longest = "e".repeat(255);
    for (path, name) in [
        ("ada%20lovelace", "ada lovelace"),
        ("%E4%B8%96%E7%95%8C", "世界"),
        ("a%2Fb%3Fc", "a/b?c"),
        ("a+b", "a+b"),
        (&longest, &longest),
    ] {
        let reader = format!("{chat}/readers/{path}");
        let set = app.put(&reader, r#"{"read":1}"#).send().await.status(200);
        assert_eq!(set.json()["reader"], name);
        assert_eq!(state(app.get(&reader).send().await), (1, 0));
    }
    let too_long = "e".repeat(256);
    for (path, refused) in [
        ("%20", "blank reader"),
        ("a%00b", "nul_character reader"),
        ("%FF", "invalid_parameter reader"),
        (&too_long, "too_long reader"),
    ] {
        let reader = format!("{chat}/readers/{path}");
        app.put(&reader, r#"{"read":1}"#).send().await.refuses(&[refused]);
        app.get(&reader).send().await.refuses(&[refused]);
        let application = chat.split("/chats").next().unwrap();
        app.get(&format!("{application}/readers/{path}"))
            .send()
            .await
            .refuses(&[refused]);
    }
    app.put(&format!("{chat}/readers/%20"), r#"{"read":"x"}"#)
        .send()
        .await
        .refuses(&["blank reader", "wrong_type /read"]);
}

#[tokio::test]
async fn what_is_not_there_has_no_readers() {
    let app = TestApp::open().await;
    let chat = app.chat_of(1).await;
    let application = chat.split("/chats").next().unwrap().to_owned();
    app.put(&format!("{application}/chats/9/readers/ada"), r#"{"read":0}"#)
        .send()
        .await
        .problem(404, "chat_not_found");
    app.get(&format!("{application}/chats/01/readers/ada"))
        .send()
        .await
        .problem(404, "not_found");
    app.delete(&chat).send().await.status(204);
    app.put(&format!("{chat}/readers/ada"), r#"{"read":1}"#)
        .send()
        .await
        .problem(410, "chat_deleted");
    app.get(&format!("{chat}/readers/ada"))
        .send()
        .await
        .problem(410, "chat_deleted");
    app.delete(&application).send().await.status(204);
    app.get(&format!("{chat}/readers/ada"))
        .send()
        .await
        .problem(410, "application_deleted");
    app.get(&format!("{application}/readers/ada"))
        .send()
        .await
        .problem(410, "application_deleted");
}

#[tokio::test]
async fn the_chats_with_something_unread_are_paged_by_number() {
    let app = TestApp::open().await;
    let application = app.application().await;
    for chat in 1..=6 {
        app.post(&format!("{application}/chats"), "")
            .send()
            .await
            .status(201);
        for _ in 0..2 {
            let messages = format!("{application}/chats/{chat}/messages");
            app.post(&messages, r#"{"body":"x"}"#).send().await.status(201);
        }
    }
    // 3 is read to the end, 5 has no marker, 6 is deleted.
    for (chat, read) in [(1, 0), (2, 1), (3, 2), (4, 1), (6, 1)] {
        let reader = format!("{application}/chats/{chat}/readers/ada");
        app.put(&reader, &format!("{{\"read\":{read}}}"))
            .send()
            .await
            .status(200);
    }
    app.delete(&format!("{application}/chats/6"))
        .send()
        .await
        .status(204);
    let list = format!("{application}/readers/ada");
    let all = app.get(&list).send().await.status(200);
    assert_eq!(
        all.json()["data"],
        json!([
            {"reader": "ada", "chat": 1, "read": 0, "unread": 2},
            {"reader": "ada", "chat": 2, "read": 1, "unread": 1},
            {"reader": "ada", "chat": 4, "read": 1, "unread": 1},
        ])
    );
    assert_eq!(
        (&all.json()["has_more"], &all.json()["next"]),
        (&json!(false), &Value::Null)
    );
    assert!(all.json()["as_of"].as_str().unwrap().contains('.'));
    let mut chats = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let page = app
            .get(&format!("{list}?limit=1&after={after}"))
            .send()
            .await
            .status(200)
            .json();
        let found = page["data"].as_array().unwrap().clone();
        chats.extend(found.iter().map(|state| state["chat"].as_u64().unwrap()));
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(chats, [1, 2, 4]);
    assert_eq!(
        app.get(&format!("{application}/readers/bob"))
            .send()
            .await
            .status(200)
            .json()["data"],
        json!([])
    );
    for (query, refused) in [
        ("after=x", "invalid_parameter after"),
        ("limit=201", "invalid_parameter limit"),
        ("before=4", "unknown_parameter before"),
    ] {
        app.get(&format!("{list}?{query}"))
            .send()
            .await
            .refuses(&[refused]);
    }
}

#[tokio::test]
async fn a_marker_changes_the_tag_of_its_chat() {
    let app = TestApp::open().await;
    let chat = app.chat_of(1).await;
    let before = app.get(&chat).send().await.header("etag").to_owned();
    app.put(&format!("{chat}/readers/ada"), r#"{"read":1}"#)
        .send()
        .await
        .status(200);
    let after = app.get(&chat).send().await.header("etag").to_owned();
    assert_eq!((before.as_str(), after.as_str()), ("\"1-3\"", "\"1-4\""));
}
