//! Health, status, metrics, and where to begin.

use tiro_core::Shortage;

use crate::support::TestApp;

#[tokio::test]
async fn readiness_is_503_only_while_something_cannot_be_served() {
    let app = TestApp::open().await;
    assert_eq!(app.get("/readyz").send().await.status(200).json()["ready"], true);
    app.engine.block_writes(Shortage::StorageFull);
    app.get("/readyz").send().await.problem(503, "storage_full");
    app.get("/healthz").send().await.status(200);
    let status = app.get("/v1/status").send().await.status(200).json();
    assert_eq!(status["ready"], false);
    assert!(
        status["remarks"][0].as_str().unwrap().contains("space"),
        "{status}"
    );
}

#[tokio::test]
async fn the_root_leads_a_person_to_the_documents_and_tells_a_program_where_to_look() {
    let app = TestApp::open().await;
    let program = app.get("/").send().await.status(200).json();
    assert_eq!(
        (&program["name"], &program["openapi"]),
        (&"tiro".into(), &"/openapi.json".into())
    );
    let person = app
        .get("/")
        .header("accept", "text/html,application/xhtml+xml")
        .send()
        .await
        .status(303);
    assert_eq!(person.header("location"), "/docs");
}

#[tokio::test]
async fn metrics_count_by_template_and_never_show_a_token() {
    let app = TestApp::open().await;
    let chat = app.chat_of(2).await;
    app.get(&chat).send().await.status(200);
    app.get("/nowhere").send().await.status(404);
    let metrics = app.get("/metrics").send().await.status(200);
    let created = r#"tiro_http_requests_total{route="/v1/applications/{token}/chats/{chat}/messages",method="POST",status="2xx"} 2"#;
    for line in [
        created,
        r#"tiro_engine_writes_total{outcome="accepted"} 4"#,
        r#"tiro_engine_cached_pages_total{outcome="shown"} 4"#,
        r#"tiro_engine_cached_pages_total{outcome="unreadable"} 1"#,
        r#"route="none""#,
    ] {
        assert!(
            metrics.text().contains(line),
            "{line} is not in\n{}",
            metrics.text()
        );
    }
    let token = chat.split('/').nth(3).unwrap();
    assert!(!metrics.text().contains(token));
}

#[tokio::test]
async fn a_sane_request_id_comes_back_and_any_other_is_replaced() {
    let app = TestApp::open().await;
    let kept = app.get("/healthz").header("x-request-id", "trace-1").send().await;
    assert_eq!(kept.header("x-request-id"), "trace-1");
    let replaced = app.get("/healthz").header("x-request-id", "a b<c>").send().await;
    assert_ne!(replaced.header("x-request-id"), "a b<c>");
    let (one, other) = (app.get("/healthz").send().await, app.get("/healthz").send().await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}
