//! Lets the web pages of configured origins call the API and see its headers (the Fetch standard, CORS protocol).

use http::{HeaderMap, HeaderValue, header};

use crate::config::CorsOrigin;

const EXPOSED: &str = "ETag, Location, Tiro-Cursor, Idempotent-Replayed, Retry-After";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, Prefer, X-Request-Id";
const PREFLIGHT_SECONDS: &str = "600";

/// Adds what lets the origin see an answer. Nothing without configured origins.
pub(crate) fn expose(allowed: &[CorsOrigin], origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    if allowed.is_empty() {
        return;
    }
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = admitted(allowed, origin) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static(EXPOSED),
        );
    }
}

/// Adds what a browser asks for before it sends a request.
pub(crate) fn preflight(allowed: &[CorsOrigin], origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    if admitted(allowed, origin).is_some() {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static(METHODS),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static(HEADERS),
        );
        headers.insert(
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static(PREFLIGHT_SECONDS),
        );
    }
}

fn admitted<'a>(allowed: &[CorsOrigin], origin: Option<&'a HeaderValue>) -> Option<&'a HeaderValue> {
    let origin = origin?;
    let text = origin.to_str().ok()?;
    allowed.iter().any(|known| known.admits(text)).then_some(origin)
}
