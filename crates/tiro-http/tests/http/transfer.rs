//! Imports and exports through the router, over the reference engine.

mod history;
mod plain_lines;
mod refusals;
mod sockets;
mod tiro_lines;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response, header};
use tiro_conformance::sample;
use tiro_core::Lists;
use tiro_http::{App, Config};
use tower_service::Service;

use crate::support::{Answer, Contract};
use watched::Watched;

/// A server without sockets, and its engine. Every answer is held to the OpenAPI document.
struct Tiro {
    router: Router,
    contract: Contract,
    engine: Arc<Watched>,
}

impl Tiro {
    async fn new() -> Tiro {
        Tiro::with(Config::default()).await
    }

    async fn with(config: Config) -> Tiro {
        let engine = Arc::new(Watched::new());
        let router = tiro_http::router(&App::new(config, engine.clone()));
        Tiro {
            contract: Contract::of(&router).await,
            router,
            engine,
        }
    }

    /// A server with one application.
    async fn with_application() -> Tiro {
        let tiro = Tiro::new().await;
        history::create_application(&*tiro.engine, TOKEN).await;
        tiro
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let answer = Answer::read(self.send_unread(request).await).await;
        if let Err(broken) = self.contract.check(&method, &path, &answer) {
            panic!("{path} answered {answer:?}, which the OpenAPI document does not allow: {broken}");
        }
        answer
    }

    /// Sends a request without reading the body of the answer.
    async fn send_unread(&self, request: Request<Body>) -> Response<Body> {
        let Ok(response) = self.router.clone().call(request).await;
        response
    }

    async fn import(&self, query: &str, body: impl Into<Body>) -> Answer {
        self.send(post(query, body)).await
    }

    /// Imports plain lines into the application.
    async fn import_plain(&self, lines: impl Into<Body>) -> Answer {
        self.import(&format!("?application={TOKEN}&source=sample"), lines)
            .await
    }

    async fn export(&self, query: &str) -> Vec<u8> {
        self.send(get(&format!("/v1/export{query}")))
            .await
            .status(200)
            .bytes
    }

    /// Bodies of the messages of a chat of the application.
    async fn bodies(&self, chat: u64) -> Vec<Option<String>> {
        let token = history::token(TOKEN);
        let range = tiro_core::NumberRange::After {
            after: 0,
            before: None,
            limit: 200,
        };
        let page = self.engine.messages(&token, chat, range).await.unwrap();
        let body = |message: tiro_core::Message| message.content.map(|content| content.body.to_string());
        page.items.into_iter().map(body).collect()
    }
}

const TOKEN: &str = "app_of_the_transfer_tests";

fn post(query: &str, body: impl Into<Body>) -> Request<Body> {
    Request::builder()
        .method(Method::POST)
        .uri(format!("/v1/import{query}"))
        .header(header::HOST, "localhost:3000")
        .body(body.into())
        .unwrap()
}

fn get(path: &str) -> Request<Body> {
    Request::builder()
        .uri(path)
        .header(header::HOST, "localhost:3000")
        .body(Body::empty())
        .unwrap()
}

/// Lines, chats made, messages stored and lines unchanged of an import that was carried out.
#[track_caller]
fn imported(answer: Answer) -> (u64, u64, u64, u64) {
    let report = answer.status(200).json();
    let count = |name: &str| report[name].as_u64().unwrap();
    (
        count("lines"),
        count("chats_created"),
        count("messages_created"),
        count("unchanged"),
    )
}

/// Asserts status, code, and code and line of the only entry in `errors`.
#[track_caller]
fn assert_refused(answer: &Answer, wanted: (u16, &str, &str, u64)) {
    let (status, code, error, line) = wanted;
    let answer = answer.clone().problem(status, code);
    assert_eq!(
        answer.violations(),
        [format!("{error} {line}")],
        "{}",
        answer.text()
    );
}

/// The line of the only entry in `errors`.
#[track_caller]
fn line_of(answer: &Answer) -> u64 {
    let problem = answer.json();
    assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
    problem["errors"][0]["line"].as_u64().unwrap()
}

fn detail(answer: &Answer) -> String {
    answer.json()["detail"].as_str().unwrap().to_owned()
}

/// A body that breaks off after these bytes.
fn broken(bytes: &[u8]) -> Body {
    let pieces = [
        Ok(Bytes::copy_from_slice(bytes)),
        Err(std::io::Error::other("the client is gone")),
    ];
    Body::from_stream(stream::iter(pieces))
}

/// The sample's lines up to a number.
fn sample_until(lines: usize) -> String {
    sample::NDJSON.split_inclusive('\n').take(lines).collect()
}

/// Longer than anything here takes, so that a test that waits in vain fails by name.
const PATIENCE: Duration = Duration::from_secs(60);

async fn in_time<T>(event: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, event)
        .await
        .expect("this takes no time")
}
