//! Pages that wait.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::{application, fill, positions, text};
use crate::support::{TestApp, TestServer};

#[tokio::test(start_paused = true)]
async fn a_page_waits_for_an_entry_that_is_wanted_and_no_longer() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let changes = format!("{}/changes", application(&chat));
    let end = text(&app.get(&changes).send().await, "as_of");
    let waiting = app
        .get(&format!("{changes}?after={end}&type=message.created&wait=60"))
        .send();
    let writing = async {
        // Is not wanted, and moves the place on.
        app.patch(&chat, "{}").send().await.status(200);
        app.engine.is_waited_for().await;
        fill(&app, &chat, 1, "x").await;
    };
    let begun = Instant::now();
    let (page, ()) = tokio::join!(waiting, writing);
    assert_eq!(positions(&page.status(200)), [4]);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_page_that_waited_in_vain_is_empty_and_has_moved_on() {
    let app = TestApp::open().await;
    let chat = app.chat().await;
    let changes = format!("{}/changes", application(&chat));
    let end = text(&app.get(&changes).send().await, "as_of");
    let begun = Instant::now();
    let waiting = app.get(&format!("{changes}?after={end}&chat=9&wait=60")).send();
    let (page, ()) = tokio::join!(waiting, fill(&app, &chat, 3, "x"));
    let page = page.status(200);
    assert_eq!(
        (positions(&page), page.json()["has_more"].clone()),
        (vec![], json!(false))
    );
    assert!(text(&page, "next").ends_with(".5"));
    assert_eq!(begun.elapsed().as_secs(), 60);
    let begun = Instant::now();
    app.get(&format!("{changes}?after={end}&wait=0&chat=9"))
        .send()
        .await
        .status(200);
    app.get(&format!("{changes}?wait=60")).send().await.status(200);
    assert_eq!(begun.elapsed().as_secs(), 0, "what is there is not waited for");
}

#[tokio::test]
async fn waiting_ends_when_the_application_is_deleted() {
    let app = TestApp::open().await;
    let application = app.application().await;
    let changes = format!("{application}/changes");
    let end = text(&app.get(&changes).send().await, "as_of");
    let waiting = app.get(&format!("{changes}?after={end}&wait=60")).send();
    let deleting = async { app.delete(&application).send().await.status(204) };
    let (page, _) = tokio::join!(waiting, deleting);
    page.problem(410, "application_deleted");
}

#[tokio::test]
async fn waiting_ends_when_the_server_stops() {
    let server = TestServer::start(tiro_http::Config::default());
    let mut connection = server.connect().await;
    connection.post("/v1/applications", r#"{"name":"a"}"#).await;
    let (_, head, _) = connection.answer().await;
    let location = head
        .lines()
        .find_map(|line| line.strip_prefix("location: "))
        .unwrap();
    connection.request("GET", &format!("{location}/changes")).await;
    let (_, _, page) = connection.answer().await;
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    let end = page["as_of"].as_str().unwrap();
    let begun = Instant::now();
    connection
        .request("GET", &format!("{location}/changes?after={end}&wait=60"))
        .await;
    server.engine.is_waited_for().await;
    let stopped = server.stop();
    let rest = connection.closed().await;
    assert!(rest.starts_with("HTTP/1.1 200"), "{rest}");
    assert_eq!(stopped.await.unwrap().connections_cut, 0);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}
