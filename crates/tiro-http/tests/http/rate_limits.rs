//! How often an application may ask: what counts, what is answered, and whose buckets they are.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use tiro_core::{RateLimit, RateLimiter, Take, Token};
use tiro_http::Config;

use crate::support::{Persona, TestApp, TestEngine, keyed_config};

/// Notes whose bucket is taken from, and answers as it is told.
struct NotedLimiter {
    taken: Mutex<Vec<String>>,
    answer: Mutex<Take>,
}

impl NotedLimiter {
    fn new() -> Arc<NotedLimiter> {
        Arc::new(NotedLimiter {
            taken: Mutex::default(),
            answer: Mutex::new(Take::Allowed),
        })
    }

    fn answers(&self, answer: Take) {
        *self.answer.lock().unwrap() = answer;
    }

    /// Since this was asked last.
    fn taken(&self) -> Vec<String> {
        std::mem::take(&mut *self.taken.lock().unwrap())
    }
}

impl RateLimiter for NotedLimiter {
    fn take<'a>(&'a self, token: &'a Token) -> Pin<Box<dyn Future<Output = Take> + Send + 'a>> {
        self.taken.lock().unwrap().push(token.as_str().to_owned());
        Box::pin(ready(*self.answer.lock().unwrap()))
    }
}

fn limited(config: Config, per_second: u32, burst: u32) -> Config {
    Config {
        rate_limit: RateLimit::new(per_second, burst),
        ..config
    }
}

async fn noted(config: Config) -> (TestApp, Arc<NotedLimiter>) {
    let limiter = NotedLimiter::new();
    let engine = TestEngine::limited_by(limiter.clone());
    (TestApp::over(config, engine).await, limiter)
}

fn token(application: &str) -> String {
    application.rsplit_once('/').unwrap().1.to_owned()
}

#[tokio::test]
async fn what_counts_is_a_request_inside_an_application_once() {
    let (app, limiter) = noted(limited(keyed_config(), 1, 1)).await;
    let application = app.application().await;
    let token = token(&application);
    let chats = format!("{application}/chats");
    app.post(&chats, "{}").send().await.status(201);
    let batch = r#"{"messages":[{"body":"a"},{"body":"b"}]}"#;
    app.post(&format!("{chats}/1/messages/batch"), batch)
        .send()
        .await
        .status(201);
    app.get(&format!("{chats}/1/messages")).send().await.status(200);
    let mut stream = app.get(&format!("{application}/changes/stream")).open().await;
    stream.block().await.unwrap();
    app.get(&format!("/applications/{token}/chats/1"))
        .send()
        .await
        .status(200);
    let holder = Persona::Holder(token.clone());
    app.as_persona(&holder, Method::GET, &application)
        .send()
        .await
        .status(200);
    // Refused further on: it was asked all the same.
    app.get(&format!("{chats}/7"))
        .send()
        .await
        .problem(404, "chat_not_found");
    assert_eq!(limiter.taken(), vec![token; 7]);
}

#[tokio::test]
async fn the_operator_health_metrics_and_documents_are_never_held_back() {
    let (app, limiter) = noted(limited(keyed_config(), 1, 1)).await;
    limiter.answers(Take::Limited {
        retry_after: Duration::from_secs(9),
    });
    let application = app.application().await;
    for inside in [
        application.clone(),
        format!("{application}/chats"),
        format!("{application}/changes"),
    ] {
        app.as_persona(&Persona::Operator, Method::GET, &inside)
            .send()
            .await
            .status(200);
    }
    for path in [
        "/v1/applications",
        "/v1/export",
        "/v1/search?q=a",
        "/v1/status",
        "/metrics",
    ] {
        app.as_persona(&Persona::Operator, Method::GET, path)
            .send()
            .await
            .status(200);
    }
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        app.get(path).send().await.status(200);
    }
    app.get("/v1/applications/short")
        .send()
        .await
        .problem(404, "application_not_found");
    assert_eq!(limiter.taken(), Vec::<String>::new());
    // Who has no key that is known is told so first.
    let unknown = Persona::Holder("an-unknown-key-of-some-length".to_owned());
    app.as_persona(&unknown, Method::GET, &application)
        .send()
        .await
        .problem(401, "unauthorized");
    assert_eq!(limiter.taken(), Vec::<String>::new());
}

#[tokio::test]
async fn a_request_above_the_limit_is_429_in_the_words_of_its_route_and_does_nothing() {
    let (app, limiter) = noted(limited(Config::default(), 1, 1)).await;
    let application = app.application().await;
    let chats = format!("{application}/chats");
    app.post(&chats, "{}").send().await.status(201);
    limiter.answers(Take::Limited {
        retry_after: Duration::from_millis(1_001),
    });
    let messages = format!("{chats}/1/messages");
    let refused = app.post(&messages, r#"{"body":"a"}"#).key("k").send().await;
    assert_eq!(refused.header("retry-after"), "2");
    refused.problem(429, "too_many_requests");
    app.get(&messages).send().await.problem(429, "too_many_requests");
    for prefix in ["", "/api", "/api/v1"] {
        let path = format!("{prefix}/applications/{}/chats/1/messages", token(&application));
        let refused = app.post(&path, r#"{"body":"a"}"#).send().await;
        assert_eq!(refused.header("retry-after"), "2");
        assert_eq!(refused.json()["code"], "too_many_requests", "{}", refused.text());
        assert_eq!(refused.header("content-type"), "application/json");
        refused.status(429);
    }
    limiter.answers(Take::Allowed);
    let stored = app.get(&messages).send().await.status(200).json();
    assert_eq!(stored["data"].as_array().unwrap().len(), 0);
    let stored = app
        .post(&messages, r#"{"body":"a"}"#)
        .key("k")
        .send()
        .await
        .status(201);
    assert!(
        !stored.has_header("idempotent-replayed"),
        "a refusal binds nothing"
    );
}

#[tokio::test]
async fn a_server_whose_engine_shares_no_buckets_keeps_its_own() {
    let app = TestApp::with(limited(Config::default(), 1, 10)).await;
    let (one, other) = (app.application().await, app.application().await);
    let mut allowed = 0;
    let refused = loop {
        let answer = app.get(&one).send().await;
        if answer.code == 429 {
            break answer;
        }
        answer.status(200);
        allowed += 1;
        assert!(allowed < 10_000, "a limit of 1 a second holds");
    };
    assert!(allowed >= 10, "{allowed} of a burst of 10");
    assert_eq!(refused.header("retry-after"), "1");
    app.get(&other).send().await.status(200);
}

#[tokio::test]
async fn without_a_configured_limit_nobody_is_held_back() {
    let (app, limiter) = noted(Config::default()).await;
    limiter.answers(Take::Limited {
        retry_after: Duration::from_secs(9),
    });
    let application = app.application().await;
    for _ in 0..100 {
        app.get(&application).send().await.status(200);
    }
    assert_eq!(limiter.taken(), Vec::<String>::new());
}
