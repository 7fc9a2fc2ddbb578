//! `ETag`, `If-Match` and `If-None-Match`.

use http::Method;

use crate::support::TestApp;

#[tokio::test]
async fn if_match_turns_a_lost_update_into_412() {
    let app = TestApp::open().await;
    let message = format!("{}/messages/1", app.chat_of(1).await);
    let patch = |tag: &str| {
        app.patch(&message, r#"{"body":"b"}"#)
            .header("if-match", tag)
            .send()
    };
    patch("\"1\"").await.status(200);
    patch("\"1\"").await.problem(412, "precondition_failed");
    patch("W/\"2\"").await.problem(412, "precondition_failed");
    patch("\"2-17\"").await.problem(412, "precondition_failed");
    patch("\"x\", \"2\"").await.status(200);
    patch("*").await.status(200);
    patch("2").await.refuses(&["invalid_entity_tag If-Match"]);
    let delete = |tag: &str| app.delete(&message).header("if-match", tag).send();
    delete("\"3\"").await.problem(412, "precondition_failed");
    delete("\"4\"").await.status(204);
}

#[tokio::test]
async fn the_tag_of_a_chat_and_an_application_compares_only_the_version() {
    let app = TestApp::open().await;
    let chat = app.chat_of(3).await;
    let tag = app.get(&chat).send().await.header("etag").to_owned();
    app.post(&format!("{chat}/messages"), r#"{"body":"moves the tag"}"#)
        .send()
        .await
        .status(201);
    assert_ne!(app.get(&chat).send().await.header("etag"), tag);
    app.patch(&chat, "{}")
        .header("if-match", &tag)
        .send()
        .await
        .status(200);
    app.patch(&chat, "{}")
        .header("if-match", &tag)
        .send()
        .await
        .problem(412, "precondition_failed");
    let application = chat.rsplit_once("/chats").unwrap().0;
    app.patch(application, "{}")
        .header("if-match", "\"1-1\"")
        .send()
        .await
        .status(200);
    app.delete(application)
        .header("if-match", "\"1-1\"")
        .send()
        .await
        .problem(412, "precondition_failed");
}

#[tokio::test]
async fn if_none_match_answers_304_without_a_body() {
    let app = TestApp::open().await;
    let chat = app.chat_of(1).await;
    let application = chat.rsplit_once("/chats").unwrap().0.to_owned();
    for path in [application, chat.clone(), format!("{chat}/messages/1")] {
        let tag = app.get(&path).send().await.header("etag").to_owned();
        for known in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"0\", {tag}"),
            "*".to_owned(),
        ] {
            let answer = app
                .get(&path)
                .header("if-none-match", &known)
                .send()
                .await
                .status(304);
            assert_eq!((answer.header("etag"), answer.bytes.len()), (&*tag, 0));
            assert!(answer.has_header("tiro-cursor"));
        }
        app.get(&path)
            .header("if-none-match", "\"0\"")
            .send()
            .await
            .status(200);
        app.get(&path)
            .header("if-none-match", "0")
            .send()
            .await
            .refuses(&["invalid_entity_tag If-None-Match"]);
        app.request(Method::HEAD, &path)
            .header("if-none-match", &tag)
            .send()
            .await
            .status(304);
    }
}
