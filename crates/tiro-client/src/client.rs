//! The client: one connection pool to one server, and how a request is sent, bounded and repeated.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use tokio::time::Instant;

use crate::patience::{ANSWER_BYTES_MAX, pause};
use crate::server::Server;
use crate::{Answer, Error, Key, Patience, Refusal, Sending};
use tiro_api::Problem;
use tiro_outbound::{Proxies, Trust};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Talks to one server. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) server: Server,
    patience: Patience,
}

/// How a client is set up.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Sent with every request, if given.
    pub operator_key: Option<String>,
    /// How long to wait and how often to ask again.
    pub patience: Patience,
}

/// A request, complete but for the server's address, so that it can be sent more than once.
pub(crate) struct Call {
    method: Method,
    url: reqwest::Url,
    headers: HeaderMap,
    body: Bytes,
    /// Whether carrying it out twice is the same as once.
    repeatable: bool,
}

impl Call {
    pub(crate) fn get(url: reqwest::Url) -> Call {
        Call {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeatable: true,
        }
    }

    /// Adds a header, or replaces it.
    pub(crate) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }
}

/// An answer with a status below 400, not yet decoded.
pub(crate) struct RawAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Client {
    /// A client of the server at `server`, such as `http://127.0.0.1:3000`. Connects with the first request.
    ///
    /// # Errors
    /// [`Error::Unusable`] if the address or the key cannot be used.
    pub fn new(server: &str, options: Options) -> Result<Client, Error> {
        let server = Server::parse(server)?;
        let proxies = if server.is_loopback() {
            Proxies::Unused
        } else {
            Proxies::OfEnvironment
        };
        let mut builder = tiro_outbound::http(server.address(), &Trust::system(), proxies)
            .map_err(|error| Error::Unusable(error.to_string()))?
            .user_agent(concat!("tiro-client/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.patience.connect);
        if let Some(key) = &options.operator_key {
            builder = builder.default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer(key)?)]));
        }
        let http = builder
            .build()
            .map_err(|error| Error::Unusable(format!("no client can be set up: {}", reason_of(error))))?;
        Ok(Client {
            http,
            server,
            patience: options.patience,
        })
    }

    /// The server's scheme, host and port.
    #[must_use]
    pub fn server(&self) -> String {
        self.server.name()
    }

    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, String)],
    ) -> Result<Answer<T>, Error> {
        let call = Call::get(self.server.url(segments, query));
        self.decode(self.send(&call).await?)
    }

    pub(crate) async fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        segments: &[&str],
        body: &impl Serialize,
        sending: &Sending,
    ) -> Result<Answer<T>, Error> {
        let call = self.call_of(method, segments, body, sending)?;
        self.decode(self.send(&call).await?)
    }

    /// A request with a body of JSON.
    pub(crate) fn call_of(
        &self,
        method: Method,
        segments: &[&str],
        body: &impl Serialize,
        sending: &Sending,
    ) -> Result<Call, Error> {
        let body = serde_json::to_vec(body)
            .map_err(|error| Error::Unusable(format!("the request cannot be written as JSON: {error}")))?;
        self.call(method, segments, body.into(), sending)
    }

    pub(crate) async fn delete(&self, segments: &[&str], sending: &Sending) -> Result<Answer<()>, Error> {
        let call = self.call(Method::DELETE, segments, Bytes::new(), sending)?;
        let raw = self.send(&call).await?;
        Ok(Answer::new((), &raw))
    }

    fn call(&self, method: Method, segments: &[&str], body: Bytes, sending: &Sending) -> Result<Call, Error> {
        let mut headers = HeaderMap::new();
        if !body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(key) = sending.key.header()? {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        if let Some(etag) = &sending.if_match {
            let value = HeaderValue::from_str(etag).map_err(|_| {
                Error::Unusable("`If-Match` has to be an ETag as received, or `*`".to_owned())
            })?;
            headers.insert(http::header::IF_MATCH, value);
        }
        Ok(Call {
            method,
            url: self.server.url(segments, &[]),
            headers,
            body,
            repeatable: sending.key != Key::None,
        })
    }

    /// Sends until there is an answer, the bounds of [`Patience`] are reached, or repeating would be unsafe.
    pub(crate) async fn send(&self, call: &Call) -> Result<RawAnswer, Error> {
        let deadline = Instant::now() + self.patience.total;
        let mut attempt = 1;
        loop {
            let failure = match self.attempt(call, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            attempt += 1;
            let wish = failure.refusal().and_then(|refusal| refusal.retry_after);
            let pause = pause(attempt, wish, random_byte());
            if attempt > self.patience.attempts_max
                || !may_repeat(call, &failure)
                || Instant::now() + pause >= deadline
            {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&self, call: &Call, deadline: Instant) -> Result<RawAnswer, Error> {
        let left = deadline.saturating_duration_since(Instant::now());
        let wait = self.patience.answer.min(left);
        let request = self
            .http
            .request(call.method.clone(), call.url.clone())
            .headers(call.headers.clone())
            .body(call.body.clone());
        let answered = async {
            let response = request.send().await.map_err(|error| self.broken(error))?;
            self.collect(response).await
        };
        match tokio::time::timeout(wait, answered).await {
            Ok(result) => result,
            Err(_) => Err(self.silent(wait)),
        }
    }

    /// The whole answer in memory; a status of 400 and above is an error.
    pub(crate) async fn collect(&self, mut response: reqwest::Response) -> Result<RawAnswer, Error> {
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.not_tiro(format!("an answer of more than {ANSWER_BYTES_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        if status.is_client_error() || status.is_server_error() {
            return Err(self.refused(status, &headers, &body));
        }
        Ok(RawAnswer {
            status,
            headers,
            body: body.freeze(),
        })
    }

    pub(crate) fn decode<T: DeserializeOwned>(&self, raw: RawAnswer) -> Result<Answer<T>, Error> {
        let value = serde_json::from_slice(&raw.body)
            .map_err(|error| self.not_tiro(format!("status {}, and {error}", raw.status.as_u16())))?;
        Ok(Answer::new(value, &raw))
    }

    fn refused(&self, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Error::Refused(Box::new(Refusal {
                status: status.as_u16(),
                problem,
                retry_after: retry_after(headers),
            })),
            Err(_) => self.not_tiro(format!("status {} without a problem document", status.as_u16())),
        }
    }

    pub(crate) fn broken(&self, error: reqwest::Error) -> Error {
        let server = self.server.name();
        if error.is_connect() {
            let reason = reason_of(error);
            Error::Unreachable { server, reason }
        } else {
            let reason = reason_of(error);
            Error::Vanished { server, reason }
        }
    }

    pub(crate) fn silent(&self, waited: Duration) -> Error {
        Error::Vanished {
            server: self.server.name(),
            reason: format!("nothing came for {} s", waited.as_secs()),
        }
    }

    pub(crate) fn cut(&self, reason: String) -> Error {
        Error::Vanished {
            server: self.server.name(),
            reason,
        }
    }

    pub(crate) fn not_tiro(&self, reason: String) -> Error {
        Error::NotTiro {
            server: self.server.name(),
            reason,
        }
    }
}

/// Whether sending again can do no harm: nothing was done, or doing it twice is doing it once.
fn may_repeat(call: &Call, failure: &Error) -> bool {
    match failure {
        Error::Unreachable { .. } => true,
        Error::Vanished { .. } => call.repeatable,
        Error::Refused(refusal) if refusal.status == 429 => true,
        Error::Refused(refusal) if refusal.status == 503 => call.repeatable,
        _ => false,
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn bearer(key: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| {
        Error::Unusable("the operator key holds characters that cannot be sent in a header".to_owned())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// The innermost reason, which is the one that says something; the URL is left out, since it may hold a token.
fn reason_of(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

pub(crate) fn random_byte() -> u8 {
    let mut byte = [0];
    match getrandom::fill(&mut byte) {
        Ok(()) => byte[0],
        // Only spreads retries: any value is right.
        Err(_) => 128,
    }
}
