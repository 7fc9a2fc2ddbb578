//! Browsers of configured origins.

use http::Method;
use tiro_http::{Config, CorsOrigin};

use crate::support::{TestApp, keyed_config};

const ORIGIN: &str = "https://chat.example";

async fn app() -> TestApp {
    let cors_origins = vec![CorsOrigin::new(ORIGIN).unwrap()];
    TestApp::with(Config {
        cors_origins,
        ..keyed_config()
    })
    .await
}

#[tokio::test]
async fn a_configured_origin_sees_answers_and_their_headers() {
    let app = app().await;
    let chat = app.chat().await;
    for path in [&*chat, "/nowhere", "/v1/applications"] {
        let answer = app.get(path).header("origin", ORIGIN).send().await;
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
        assert_eq!(
            answer.header("access-control-expose-headers"),
            "ETag, Location, Tiro-Cursor, Idempotent-Replayed, Retry-After"
        );
        let varies = answer
            .headers
            .get_all("vary")
            .iter()
            .any(|value| value == "origin");
        assert!(varies, "{:?}", answer.headers);
    }
}

#[tokio::test]
async fn another_origin_sees_nothing() {
    let app = app().await;
    let answer = app
        .get("/healthz")
        .header("origin", "https://evil.example")
        .send()
        .await;
    assert!(!answer.has_header("access-control-allow-origin"));
}

#[tokio::test]
async fn a_preflight_needs_no_key() {
    let app = app().await;
    let preflight = app
        .request(Method::OPTIONS, "/v1/applications")
        .header("origin", ORIGIN)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "idempotency-key")
        .send()
        .await
        .status(204);
    assert_eq!(preflight.header("access-control-allow-origin"), ORIGIN);
    assert!(preflight.header("access-control-allow-methods").contains("PATCH"));
    assert!(
        preflight
            .header("access-control-allow-headers")
            .contains("Idempotency-Key")
    );
}
