//! The way of every request: guard, access, rate limit, query, handler, wrap. One place instead of a stack of layers.
//!
//! The wrap gives every answer its request id, CORS headers and compression, turns a panic into a problem, counts,
//! and writes the only log lines about requests: route templates, never paths, tokens or bodies.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::body::Body;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use tiro_api::Code;

use crate::access::{self, Admission};
use crate::app::App;
use crate::call::Call;
use crate::metrics::RouteMetrics;
use crate::problem::Problem;
use crate::query::Query;
use crate::request_id::{RequestId, X_REQUEST_ID};
use crate::route::{Caller, Compression, Operation, Pace};
use crate::violations::Violations;
use crate::{cors, encoding, guard, rate_limits};

/// What answers the requests of a route. Its future is boxed, so that the way of every request is compiled once and
/// not once for each handler.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one request.
    fn handle(&self, call: Call) -> BoxFuture<'static, Result<Response<Body>, Problem>>;
}

impl<F, A> Handler for F
where
    F: Fn(Call) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response<Body>, Problem>> + Send + 'static,
{
    fn handle(&self, call: Call) -> BoxFuture<'static, Result<Response<Body>, Problem>> {
        Box::pin(self(call))
    }
}

/// Which requests an endpoint gets.
#[derive(Clone, Copy)]
pub(crate) struct RoutePlace {
    pub(crate) method: &'static str,
    /// Its segments are those of the paths that come here.
    pub(crate) template: &'static str,
    /// For the log and the metrics.
    pub(crate) label: &'static str,
}

/// A route, ready to serve.
pub(crate) struct Endpoint {
    app: App,
    place: RoutePlace,
    operation: &'static Operation,
    metrics: RouteMetrics,
    handler: Box<dyn Handler>,
}

/// What the wrap needs of a request after the handler took it.
struct Wrap {
    request_id: RequestId,
    started: Instant,
    origin: Option<HeaderValue>,
    preflight: bool,
    gzip: bool,
}

impl Endpoint {
    pub(crate) fn new(
        app: &App,
        place: RoutePlace,
        operation: &'static Operation,
        handler: Box<dyn Handler>,
    ) -> Endpoint {
        Endpoint {
            app: app.clone(),
            place,
            operation,
            metrics: app.metrics.route(place.label, place.method),
            handler,
        }
    }

    /// Answers one request, whatever happens.
    pub(crate) async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let wrap = Wrap {
            request_id: RequestId::of(&head.headers),
            started: Instant::now(),
            origin: head.headers.get(header::ORIGIN).cloned(),
            preflight: head.method == Method::OPTIONS
                && head.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD),
            gzip: self.operation.compression == Compression::LargeAnswers
                && encoding::accepts_gzip(&head.headers),
        };
        let result = match AssertUnwindSafe(self.answer((head, wrap.request_id.clone()), body))
            .catch_unwind()
            .await
        {
            Ok(result) => result,
            Err(panic) => Err(Problem::internal(panic_text(panic.as_ref()))),
        };
        self.wrap(result, wrap).await
    }

    async fn answer(
        &self,
        (head, request_id): (Parts, RequestId),
        body: Body,
    ) -> Result<Response<Body>, Problem> {
        guard::check(&self.app, &head)?;
        let caller = self.operation.caller;
        let admission = access::admit(&self.app, caller, &head, self.place.template).await?;
        rate_limits::check(&self.app, (caller, admission), &head, self.place.template).await?;
        let mut query = Query::default();
        if caller != Caller::Public {
            let mut violations = Violations::default();
            let text = head.uri.query().unwrap_or_default();
            let unknown = self.operation.dialect.unknown();
            query = Query::parse(text, self.operation.parameters, unknown, &mut violations);
            violations.check()?;
        }
        let call = Call::new(
            self.app.clone(),
            (head, request_id),
            self.place.template,
            query,
            body,
        );
        match self.handler.handle(call).await {
            Err(problem) if admission == Admission::ByUnverifiedKey => Err(access::unknown_key(problem)),
            result => result,
        }
    }

    async fn wrap(&self, result: Result<Response<Body>, Problem>, wrap: Wrap) -> Response<Body> {
        let Wrap {
            request_id,
            started,
            origin,
            preflight,
            gzip,
        } = wrap;
        let mut response = match result {
            Ok(response) => response,
            Err(problem) => {
                self.log_failure(&problem, &request_id);
                problem.into_response(&request_id, self.operation.dialect)
            }
        };
        if gzip {
            response = encoding::gzipped(response).await;
        }
        let headers = response.headers_mut();
        if self.operation.compression == Compression::LargeAnswers {
            headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        if self.operation.caller != Caller::Public {
            headers.insert(
                header::CACHE_CONTROL,
                HeaderValue::from_static("private, no-cache"),
            );
        }
        cors::expose(&self.app.config.cors_origins, origin.as_ref(), headers);
        if preflight {
            cors::preflight(&self.app.config.cors_origins, origin.as_ref(), headers);
        }
        let elapsed = started.elapsed();
        self.metrics.answered(response.status(), elapsed.as_secs_f64());
        let status = response.status().as_u16();
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let id = request_id.as_str();
        let slow = elapsed >= self.app.config.transport.slow_request;
        if slow && self.operation.pace == Pace::Prompt {
            tracing::info!(
                method = self.place.method,
                route = self.place.label,
                status,
                millis,
                request_id = id,
                "slow request"
            );
        } else {
            tracing::debug!(
                method = self.place.method,
                route = self.place.label,
                status,
                millis,
                request_id = id,
                "request"
            );
        }
        response
            .headers_mut()
            .insert(X_REQUEST_ID, request_id.into_header());
        response
    }

    fn log_failure(&self, problem: &Problem, request_id: &RequestId) {
        if problem.status() < StatusCode::INTERNAL_SERVER_ERROR {
            return;
        }
        let (route, id, code) = (self.place.label, request_id.as_str(), problem.code());
        let cause = problem.operator_text().unwrap_or("");
        if code == Code::Internal {
            tracing::error!(method = self.place.method, route, request_id = id, %code, cause, "request failed");
        } else {
            tracing::warn!(method = self.place.method, route, request_id = id, %code, "request failed");
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("no text"))
}
