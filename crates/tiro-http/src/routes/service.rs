//! What is not about chats: health, status, metrics, and where to begin.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use tiro_api::{About, Code, Ready, Status, Time};

use crate::answer;
use crate::call::Call;
use crate::problem::{self, Problem};
use crate::route::{Answer, Caller, Operation};
use crate::wire;

const TAG: &str = "health and metrics";
const NAME: &str = "tiro";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Bytes that a small JSON answer takes.
const SMALL_BYTES: usize = 256;

pub(crate) const HEALTH: Operation =
    Operation::new("health", TAG, "Liveness check").answers(&[Answer::text(
        200,
        "text/plain; charset=utf-8",
        "The process answers requests.",
    )]);

pub(crate) async fn health(_: Call) -> Result<Response<Body>, Problem> {
    Ok(answer::text("text/plain; charset=utf-8", "ok\n"))
}

pub(crate) const READY: Operation = Operation::new("ready", TAG, "Readiness check")
    .answers(&[Answer::json(
        200,
        "Ready",
        "Reads and writes can be served. `remarks` lists other faults; 503 if they cannot.",
    )])
    .problems(&[
        Code::StorageFull,
        Code::StorageUnavailable,
        Code::Overloaded,
        Code::Stopping,
    ]);

pub(crate) async fn ready(call: Call) -> Result<Response<Body>, Problem> {
    let health = call.engine.health();
    match health.writes_blocked {
        Some(shortage) => Err(unready(problem::shortage(shortage), &health.remarks).retry_after(RETRY_AFTER)),
        None => answer::json(
            StatusCode::OK,
            &Ready {
                ready: true,
                remarks: health.remarks,
            },
            SMALL_BYTES,
        ),
    }
}

/// Whoever asks is told the reasons too.
fn unready(code: Code, remarks: &[String]) -> Problem {
    let mut detail = code.explanation().to_owned();
    for remark in remarks {
        detail.push_str("; ");
        detail.push_str(remark);
    }
    Problem::new(code, detail)
}

const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

pub(crate) const STATUS: Operation = Operation::new("status", TAG, "Server status")
    .caller(Caller::Operator)
    .answers(&[Answer::json(
        200,
        "Status",
        "Version, uptime, queues, indexing lag and nodes.",
    )]);

pub(crate) async fn status(call: Call) -> Result<Response<Body>, Problem> {
    let health = call.engine.health();
    let mut remarks = health.remarks;
    if let Some(shortage) = health.writes_blocked {
        remarks.insert(
            0,
            format!(
                "Writes cannot be served: {}.",
                problem::shortage(shortage).title()
            ),
        );
    }
    let parts = call.engine.status().await?;
    remarks.extend(parts.remarks);
    let started_at = i64::try_from(call.started_at.as_millis())
        .ok()
        .and_then(Time::from_millis);
    let status = Status {
        name: NAME.to_owned(),
        version: VERSION.to_owned(),
        started_at: started_at.ok_or_else(|| Problem::internal("the clock is out of bounds"))?,
        uptime_seconds: call.started.elapsed().as_secs(),
        ready: health.writes_blocked.is_none(),
        remarks,
        queues: parts.queues.into_iter().map(wire::queue_status).collect(),
        dead_letters: parts.dead_letters,
        partitions: parts.partitions.into_iter().map(wire::partition_status).collect(),
        nodes: parts.nodes.into_iter().map(wire::node_status).collect(),
    };
    answer::json(StatusCode::OK, &status, SMALL_BYTES)
}

pub(crate) const METRICS: Operation = Operation::new("metrics", TAG, "Prometheus metrics")
    .caller(Caller::Operator)
    .answers(&[Answer::text(200, OPENMETRICS, "Counters, gauges and histograms.")])
    .compressed();

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) async fn metrics(call: Call) -> Result<Response<Body>, Problem> {
    let text = call
        .metrics
        .text()
        .map_err(|error| Problem::internal(format!("metrics cannot be written: {error}")))?;
    Ok(answer::text(OPENMETRICS, text))
}

pub(crate) const ABOUT: Operation = Operation::new("about", TAG, "Entry point").answers(&[
    Answer::json(
        200,
        "About",
        "Name, version and the paths of the API and its documentation.",
    ),
    Answer::empty(303, "Browsers (`Accept: text/html`) are redirected to `/docs`."),
]);

pub(crate) async fn about(call: Call) -> Result<Response<Body>, Problem> {
    let mut accepted = call.head.headers.get_all(header::ACCEPT).iter();
    if accepted.any(|value| value.to_str().is_ok_and(|text| text.contains("text/html"))) {
        let mut response = answer::empty(StatusCode::SEE_OTHER);
        response
            .headers_mut()
            .insert(header::LOCATION, HeaderValue::from_static("/docs"));
        return Ok(response);
    }
    let about = About {
        name: NAME.to_owned(),
        version: VERSION.to_owned(),
        api: "/v1".to_owned(),
        docs: "/docs".to_owned(),
        openapi: "/openapi.json".to_owned(),
    };
    answer::json(StatusCode::OK, &about, SMALL_BYTES)
}
