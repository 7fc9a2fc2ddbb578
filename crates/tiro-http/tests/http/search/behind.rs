//! An index that is behind: refused with how far it is, or answered in part.

use std::time::Duration;

use serde_json::Value;
use tiro_core::Cursor;

use super::{application_of, bodies, scopes};
use crate::support::TestApp;

#[tokio::test]
async fn a_search_behind_says_how_far_it_is_and_when_to_ask_again() {
    let app = TestApp::open().await;
    let chat = app.chat_of(4).await;
    let newest = app.get(application_of(&chat)).send().await;
    let newest = Cursor::parse(newest.header("tiro-cursor")).unwrap();
    // Position 1 is the application, 2 the chat, 3 to 6 are the messages.
    let reached = Cursor {
        position: 4,
        ..newest
    };
    let wait = Duration::from_millis(1_200);
    app.engine.fall_behind(Some(reached.clone()), wait);
    for path in &scopes(&chat)[..2] {
        for query in ["q=message", "q=message&partial=false"] {
            let answer = app.get(&format!("{path}?{query}")).send().await;
            let answer = answer.problem(503, "search_behind");
            assert_eq!(answer.header("retry-after"), "2");
            assert_eq!(answer.json()["searched_through"], reached.to_string());
        }
        let part = app
            .get(&format!("{path}?q=message&partial=true"))
            .send()
            .await
            .status(200);
        assert_eq!(bodies(&part), ["message 2", "message 1"]);
        assert_eq!(part.json()["searched_through"], reached.to_string());
    }
    app.get("/docs/errors/search_behind").send().await.status(200);
}

#[tokio::test]
async fn a_search_behind_over_everything_names_no_place() {
    let app = TestApp::open().await;
    app.chat_of(1).await;
    app.engine.fall_behind(None, Duration::from_secs(3));
    let answer = app
        .get("/v1/search?q=message")
        .send()
        .await
        .problem(503, "search_behind");
    assert_eq!(answer.header("retry-after"), "3");
    assert_eq!(answer.json().get("searched_through"), None);
    let part = app
        .get("/v1/search?q=message&partial=true")
        .send()
        .await
        .status(200);
    assert_eq!(part.json()["searched_through"], Value::Null);
}

#[tokio::test]
async fn only_a_search_behind_has_the_member() {
    let app = TestApp::open().await;
    let refused = app.get("/v1/search").send().await.status(422);
    assert_eq!(refused.json().get("searched_through"), None);
}
