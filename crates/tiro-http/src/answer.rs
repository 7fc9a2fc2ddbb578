//! Answers that are not problems, with the headers that the contract gives them.

use axum::body::Body;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use tiro_api::WriteJson;
use tiro_core::{Cursor, Reply};

use crate::conditions;
use crate::problem::Problem;

const TIRO_CURSOR: HeaderName = HeaderName::from_static("tiro-cursor");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// What one thing takes, its texts aside.
const THING_BYTES: usize = 320;

/// JSON of about `bytes` bytes.
pub(crate) fn json(
    status: StatusCode,
    body: &impl WriteJson,
    bytes: usize,
) -> Result<Response<Body>, Problem> {
    let mut buffer = Vec::with_capacity(bytes);
    body.write_json(&mut buffer)
        .map_err(|error| Problem::internal(format!("an answer cannot be written as JSON: {error}")))?;
    let mut response = Response::new(Body::from(buffer));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}

/// A page of `items` things whose texts have `text_bytes` bytes.
pub(crate) fn page(
    body: &impl WriteJson,
    items: usize,
    text_bytes: usize,
) -> Result<Response<Body>, Problem> {
    json(StatusCode::OK, body, 256 + items * THING_BYTES + text_bytes)
}

/// A text of some type.
pub(crate) fn text(content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// One thing that was read; 304 if the client has it already.
pub(crate) fn found(
    headers: &HeaderMap,
    tag: String,
    cursor: &Cursor,
    body: &impl WriteJson,
) -> Result<Response<Body>, Problem> {
    let mut response = if conditions::is_known(headers, &tag)? {
        empty(StatusCode::NOT_MODIFIED)
    } else {
        json(StatusCode::OK, body, THING_BYTES)?
    };
    insert(&mut response, header::ETAG, tag)?;
    insert(&mut response, TIRO_CURSOR, cursor.to_string())?;
    Ok(response)
}

/// One thing that was created; a replay answers the same.
pub(crate) fn created(
    reply: &Reply,
    tag: String,
    location: String,
    body: &impl WriteJson,
) -> Result<Response<Body>, Problem> {
    let mut response = json(StatusCode::CREATED, body, THING_BYTES)?;
    insert(&mut response, header::ETAG, tag)?;
    insert(&mut response, header::LOCATION, location)?;
    wrote(response, reply)
}

/// Things that were created together.
pub(crate) fn batch_created(
    reply: &Reply,
    location: String,
    body: &impl WriteJson,
) -> Result<Response<Body>, Problem> {
    let mut response = json(StatusCode::CREATED, body, THING_BYTES)?;
    insert(&mut response, header::LOCATION, location)?;
    wrote(response, reply)
}

/// A create that was parked (RFC 7240, section 4.1).
pub(crate) fn parked(location: String, body: &impl WriteJson) -> Result<Response<Body>, Problem> {
    let mut response = json(StatusCode::ACCEPTED, body, THING_BYTES)?;
    insert(&mut response, header::LOCATION, location)?;
    let applied = HeaderValue::from_static("respond-async");
    response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    Ok(response)
}

/// What became of one, with the entry that it made.
pub(crate) fn operation(cursor: Option<&Cursor>, body: &impl WriteJson) -> Result<Response<Body>, Problem> {
    let mut response = json(StatusCode::OK, body, THING_BYTES)?;
    if let Some(cursor) = cursor {
        insert(&mut response, TIRO_CURSOR, cursor.to_string())?;
    }
    Ok(response)
}

/// One thing that was changed.
pub(crate) fn updated(reply: &Reply, tag: String, body: &impl WriteJson) -> Result<Response<Body>, Problem> {
    let mut response = json(StatusCode::OK, body, THING_BYTES)?;
    insert(&mut response, header::ETAG, tag)?;
    wrote(response, reply)
}

/// One thing without a tag that was read.
pub(crate) fn seen(cursor: &Cursor, body: &impl WriteJson) -> Result<Response<Body>, Problem> {
    let mut response = json(StatusCode::OK, body, THING_BYTES)?;
    insert(&mut response, TIRO_CURSOR, cursor.to_string())?;
    Ok(response)
}

/// One thing without a tag that was set.
pub(crate) fn set(reply: &Reply, body: &impl WriteJson) -> Result<Response<Body>, Problem> {
    wrote(json(StatusCode::OK, body, THING_BYTES)?, reply)
}

/// One thing that is deleted.
pub(crate) fn deleted(reply: &Reply) -> Result<Response<Body>, Problem> {
    wrote(empty(StatusCode::NO_CONTENT), reply)
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn wrote(mut response: Response<Body>, reply: &Reply) -> Result<Response<Body>, Problem> {
    if let Some(cursor) = &reply.cursor {
        insert(&mut response, TIRO_CURSOR, cursor.to_string())?;
    }
    if reply.replayed {
        let replayed = HeaderValue::from_static("true");
        response.headers_mut().insert(IDEMPOTENT_REPLAYED, replayed);
    }
    Ok(response)
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: String) -> Result<(), Problem> {
    let value = HeaderValue::try_from(value)
        .map_err(|_| Problem::internal(format!("the header {name} has a value that cannot be sent")))?;
    response.headers_mut().insert(name, value);
    Ok(())
}
