//! One request as a handler sees it.

use std::ops::Deref;
use std::sync::Mutex;

use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use tiro_api::Code;
use tiro_core::{Command, Fault, IdempotencyKey, IfMatch, Parked, Reply, Request, Token};

use crate::app::App;
use crate::body::{self, MediaType};
use crate::conditions::{self, TagForm};
use crate::path;
use crate::prefer;
use crate::problem::{self, Problem};
use crate::query::Query;
use crate::request_id::RequestId;
use crate::violations::Violations;

/// What became of a create.
pub(crate) enum Created {
    /// It was carried out.
    Now(Reply),
    /// It was parked; this is its operation.
    Later(String),
}

/// One request. Dereferences to the [`App`].
pub(crate) struct Call {
    app: App,
    pub(crate) head: Parts,
    pub(crate) query: Query,
    template: &'static str,
    /// The request's name, for problems within an answer.
    pub(crate) request_id: RequestId,
    /// Never locked: the mutex lets handlers hold a shared call while they wait, which a bare body does not allow.
    body: Mutex<Body>,
}

impl Deref for Call {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl Call {
    pub(crate) fn new(
        app: App,
        (head, request_id): (Parts, RequestId),
        template: &'static str,
        query: Query,
        body: Body,
    ) -> Call {
        Call {
            app,
            head,
            query,
            template,
            request_id,
            body: Mutex::new(body),
        }
    }

    /// The application, for what outlives the request.
    pub(crate) fn app(&self) -> App {
        self.app.clone()
    }

    /// The token in the path.
    pub(crate) fn token(&self) -> Result<Token, Problem> {
        path::token(path::segment(self.template, self.head.uri.path(), "token"))
    }

    /// The number of a chat or message in the path.
    pub(crate) fn number(&self, name: &str) -> Result<u64, Problem> {
        path::number(path::segment(self.template, self.head.uri.path(), name))
    }

    /// A text in the path.
    pub(crate) fn text(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        path::segment(self.template, self.head.uri.path(), name)
    }

    /// What the path has behind the last named segment, slashes included.
    pub(crate) fn rest(&self) -> Option<std::borrow::Cow<'_, str>> {
        path::rest(self.template, self.head.uri.path())
    }

    /// The path of the route, with names in braces.
    pub(crate) fn template(&self) -> &'static str {
        self.template
    }

    /// The body as it arrives; empty from the second time on.
    pub(crate) fn take_body(&mut self) -> Body {
        match self.body.get_mut() {
            Ok(body) => std::mem::take(body),
            Err(poisoned) => std::mem::take(poisoned.into_inner()),
        }
    }

    /// The whole body of a request for one thing.
    ///
    /// # Errors
    /// 415, 413, 408, 400.
    pub(crate) async fn read(&mut self, accepted: &[MediaType]) -> Result<Bytes, Problem> {
        let bytes_max = self.app.request_bytes_max;
        self.read_at_most(accepted, bytes_max)
            .await
            .map(|(_, bytes)| bytes)
    }

    /// The whole body and its type.
    ///
    /// # Errors
    /// 415, 413, 408, 400.
    pub(crate) async fn read_at_most(
        &mut self,
        accepted: &[MediaType],
        bytes_max: usize,
    ) -> Result<(MediaType, Bytes), Problem> {
        let media_type = body::media_type(&self.head.headers, accepted)?;
        let body = self.take_body();
        let timeout = self.app.config.transport.body_timeout;
        let bytes = body::read(body, &self.head.headers, bytes_max, timeout).await?;
        Ok((media_type, bytes))
    }

    /// `Idempotency-Key`, if there is one.
    pub(crate) fn idempotency_key(&self, violations: &mut Violations) -> Option<IdempotencyKey> {
        const NAME: &str = "idempotency-key";
        let mut values = self.head.headers.get_all(NAME).iter();
        let value = values.next()?;
        if values.next().is_some() {
            violations.header("Idempotency-Key", Code::InvalidKey, "is there twice");
            return None;
        }
        let text = value.to_str().map_err(|_| Fault::NotAKey);
        match text.and_then(IdempotencyKey::new) {
            Ok(key) => Some(key),
            Err(fault) => {
                let (code, words) = problem::fault(&fault);
                violations.header("Idempotency-Key", code, &words);
                None
            }
        }
    }

    /// Carries out a create, or has it parked where the client prefers that and the engine does it.
    ///
    /// # Errors
    /// What the engine refuses or cannot do.
    pub(crate) async fn create(
        &self,
        command: Command,
        key: Option<IdempotencyKey>,
    ) -> Result<Created, Problem> {
        let (command, key) = match key {
            Some(key) if prefer::respond_async(&self.head.headers) => {
                match self.engine.park(Request::keyed(command, key)).await? {
                    Parked::Kept(name) => return Ok(Created::Later(name)),
                    Parked::NotKept(Request { command, key }) => (command, key.map(|(key, _)| key)),
                }
            }
            key => (command, key),
        };
        self.write(command, key).await.map(Created::Now)
    }

    /// `If-Match`; no condition if there is none.
    pub(crate) fn if_match(&self, form: TagForm, violations: &mut Violations) -> IfMatch {
        conditions::if_match(&self.head.headers, form, violations)
    }
}
