//! The router under test, the personas that call it, and the contract that every answer is held to.

mod answer;
mod contract;
mod engine;
mod events;
mod socket;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use tiro_core::{Engine, Limits};
use tiro_http::{App, Config, Exposure, OperatorKey, Transport};

pub(crate) use answer::Answer;
pub(crate) use contract::{Contract, NOUNS, PREFIXES};
pub(crate) use engine::TestEngine;
pub(crate) use events::{Block, EventStream};
pub(crate) use socket::TestServer;

/// The operator's key wherever there is one.
pub(crate) const OPERATOR_KEY: &str = "the-operators-key";

/// A server without sockets.
pub(crate) struct TestApp {
    router: Router,
    contract: Arc<Contract>,
    pub(crate) engine: Arc<TestEngine>,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Persona {
    /// Sends no key.
    Stranger,
    /// Sends the operator's key.
    Operator,
    /// Sends a key of its own.
    Holder(String),
}

impl TestApp {
    /// A server that needs no key and answers its own machine.
    pub(crate) async fn open() -> TestApp {
        TestApp::with(Config::default()).await
    }

    /// A server with an operator key.
    pub(crate) async fn keyed() -> TestApp {
        TestApp::with(keyed_config()).await
    }

    /// A server with other limits.
    pub(crate) async fn limited(limits: Limits, transport: Transport) -> TestApp {
        TestApp::with(Config {
            limits,
            transport,
            ..Config::default()
        })
        .await
    }

    pub(crate) async fn with(config: Config) -> TestApp {
        TestApp::over(config, TestEngine::default()).await
    }

    /// A server over this engine.
    pub(crate) async fn over(config: Config, engine: TestEngine) -> TestApp {
        let engine = Arc::new(engine);
        let shared: Arc<dyn Engine> = engine.clone();
        let router = tiro_http::router(&App::new(config, shared));
        let contract = Arc::new(Contract::of(&router).await);
        TestApp {
            router,
            contract,
            engine,
        }
    }

    pub(crate) fn contract(&self) -> &Contract {
        &self.contract
    }

    /// A request by somebody without a key.
    pub(crate) fn request(&self, method: Method, path: &str) -> Call {
        self.as_persona(&Persona::Stranger, method, path)
    }

    /// A request by a persona.
    pub(crate) fn as_persona(&self, persona: &Persona, method: Method, path: &str) -> Call {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost");
        match persona {
            Persona::Stranger => {}
            Persona::Operator => request = request.header("authorization", format!("Bearer {OPERATOR_KEY}")),
            Persona::Holder(key) => request = request.header("authorization", format!("Bearer {key}")),
        }
        Call {
            router: self.router.clone(),
            contract: self.contract.clone(),
            request: request.body(Body::empty()).unwrap(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Call {
        self.request(Method::POST, path).json(body)
    }

    pub(crate) fn put(&self, path: &str, body: &str) -> Call {
        self.request(Method::PUT, path).json(body)
    }

    pub(crate) fn patch(&self, path: &str, body: &str) -> Call {
        self.request(Method::PATCH, path).json(body)
    }

    pub(crate) fn delete(&self, path: &str) -> Call {
        self.request(Method::DELETE, path)
    }

    /// Creates an application and answers its path.
    pub(crate) async fn application(&self) -> String {
        let created = self
            .as_persona(&Persona::Operator, Method::POST, "/v1/applications")
            .json(r#"{"name":"shop"}"#)
            .send()
            .await;
        created.status(201).header("location").to_owned()
    }

    /// Creates an application with a chat and answers the chat's path.
    pub(crate) async fn chat(&self) -> String {
        let application = self.application().await;
        self.post(&format!("{application}/chats"), "{}")
            .send()
            .await
            .status(201)
            .header("location")
            .to_owned()
    }

    /// Creates an application with a chat of so many messages and answers the chat's path.
    pub(crate) async fn chat_of(&self, messages: usize) -> String {
        let chat = self.chat().await;
        for number in 1..=messages {
            let body = format!(r#"{{"body":"message {number}"}}"#);
            self.post(&format!("{chat}/messages"), &body)
                .send()
                .await
                .status(201);
        }
        chat
    }
}

/// A server with an operator key.
pub(crate) fn keyed_config() -> Config {
    Config {
        operator_key: Some(OperatorKey::new(OPERATOR_KEY).unwrap()),
        exposure: Exposure::LoopbackOnly,
        ..Config::default()
    }
}

/// A request that is being put together.
pub(crate) struct Call {
    router: Router,
    contract: Arc<Contract>,
    request: Request<Body>,
}

impl Call {
    /// Adds a header; a second one of the same name stays beside the first.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Call {
        self.request.headers_mut().append(name, value.parse().unwrap());
        self
    }

    /// Replaces a header.
    pub(crate) fn only_header(mut self, name: &'static str, value: &str) -> Call {
        self.request.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    pub(crate) fn without_header(mut self, name: &'static str) -> Call {
        self.request.headers_mut().remove(name);
        self
    }

    pub(crate) fn json(self, body: &str) -> Call {
        self.body("application/json", body.to_owned())
    }

    /// A form as Rails clients send it.
    pub(crate) fn form(self, form: &str) -> Call {
        self.body("application/x-www-form-urlencoded", form.to_owned())
    }

    pub(crate) fn body(self, content_type: &str, body: impl Into<Body>) -> Call {
        let mut call = self.only_header("content-type", content_type);
        *call.request.body_mut() = body.into();
        call
    }

    pub(crate) fn raw_body(mut self, body: impl Into<Body>) -> Call {
        *self.request.body_mut() = body.into();
        self
    }

    pub(crate) fn key(self, key: &str) -> Call {
        self.header("idempotency-key", key)
    }

    /// Sends the request and answers the body as it comes.
    pub(crate) async fn streamed(mut self) -> Body {
        let response = tower_service::Service::call(&mut self.router, self.request)
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        response.into_body()
    }

    /// Sends the request for a stream and answers it as it begins.
    pub(crate) async fn open(mut self) -> EventStream {
        let response = tower_service::Service::call(&mut self.router, self.request)
            .await
            .unwrap();
        EventStream::of(response)
    }

    /// Sends the request and holds the answer to the contract.
    pub(crate) async fn send(mut self) -> Answer {
        let (method, path) = (
            self.request.method().clone(),
            self.request.uri().path().to_owned(),
        );
        let response = tower_service::Service::call(&mut self.router, self.request)
            .await
            .unwrap();
        let answer = Answer::read(response).await;
        if let Err(broken) = self.contract.check(&method, &path, &answer) {
            panic!(
                "{method} {path} answered {answer:?}, which the OpenAPI document does not allow: {broken}"
            );
        }
        answer
    }
}
