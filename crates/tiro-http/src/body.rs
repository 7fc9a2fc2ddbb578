//! Reading the body of a request: what type it claims to be, how large it may be, how long it may take.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use http_body::Body as _;
use http_body_util::BodyExt;
use tiro_api::Code;

use crate::problem::Problem;

/// Most bytes read and thrown away after a body turned out too large, so that the client gets to see the answer.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// `application/json`, or no type at all.
    Json,
    /// `application/merge-patch+json`.
    MergePatch,
    /// `application/x-ndjson`.
    Ndjson,
    /// `application/x-www-form-urlencoded`.
    Form,
}

impl MediaType {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            MediaType::Json => "application/json",
            MediaType::MergePatch => "application/merge-patch+json",
            MediaType::Ndjson => "application/x-ndjson",
            MediaType::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// The type of a body, if it is one of `accepted`.
///
/// # Errors
/// 415 with a text that says what to send.
pub(crate) fn media_type(headers: &HeaderMap, accepted: &[MediaType]) -> Result<MediaType, Problem> {
    refuse_content_encoding(headers)?;
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(MediaType::Json);
    };
    let text = value
        .to_str()
        .map_err(|_| unsupported("a Content-Type that is not ASCII", accepted))?;
    let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
    let essence = essence.trim().to_ascii_lowercase();
    let utf_8 = parameters.split(';').all(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_matches('"');
        !name.trim().eq_ignore_ascii_case("charset") || value.eq_ignore_ascii_case("utf-8")
    });
    if !utf_8 {
        return Err(unsupported("a charset other than UTF-8", accepted));
    }
    if essence.is_empty() && accepted.contains(&MediaType::Json) {
        return Ok(MediaType::Json);
    }
    match accepted.iter().find(|kind| kind.name() == essence) {
        Some(kind) => Ok(*kind),
        None if matches!(
            essence.as_str(),
            "application/x-www-form-urlencoded" | "multipart/form-data"
        ) =>
        {
            Err(unsupported("a form; curl sends JSON with --json '{…}'", accepted))
        }
        None => Err(unsupported("a type that is not read here", accepted)),
    }
}

fn refuse_content_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => Err(Problem::new(
            Code::UnsupportedMediaType,
            "the body must not be compressed",
        )),
        _ => Ok(()),
    }
}

fn unsupported(found: &str, accepted: &[MediaType]) -> Problem {
    let names: Vec<&str> = accepted.iter().map(|kind| kind.name()).collect();
    let names = names.join(" or ");
    let problem = Problem::new(
        Code::UnsupportedMediaType,
        format!("the body is {found}; send JSON with `Content-Type: {names}`"),
    );
    match HeaderValue::from_str(&names.replace(" or ", ", ")) {
        Ok(value) => problem.with_header(header::ACCEPT, value),
        Err(_) => problem,
    }
}

/// The whole body, at most `bytes_max`, within `timeout`.
///
/// # Errors
/// 413, 408, or 400 if it ended early.
pub(crate) async fn read(
    body: Body,
    headers: &HeaderMap,
    bytes_max: usize,
    timeout: Duration,
) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > bytes_max as u64 {
        // A client that asked first (`Expect: 100-continue`) has not begun to send.
        if !headers.contains_key(header::EXPECT) {
            discard(body, timeout).await;
        }
        return Err(too_large(bytes_max));
    }
    match tokio::time::timeout(timeout, collect(body, bytes_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(Broken::TooLarge(rest))) => {
            discard(rest, timeout).await;
            Err(too_large(bytes_max))
        }
        Ok(Err(Broken::Unreadable)) => Err(closing(Problem::new(
            Code::MalformedRequest,
            "the body ended early or is not well-formed",
        ))),
        Err(_) => Err(closing(Problem::plain(Code::RequestTimeout))),
    }
}

enum Broken {
    TooLarge(Body),
    Unreadable,
}

/// Most bodies come in one piece, which is then not copied.
async fn collect(mut body: Body, bytes_max: usize) -> Result<Bytes, Broken> {
    let mut first = Bytes::new();
    let mut joined = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Broken::Unreadable)?.into_data() else {
            continue;
        };
        if first.len().max(joined.len()) + data.len() > bytes_max {
            return Err(Broken::TooLarge(body));
        }
        if first.is_empty() {
            first = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&data);
        }
        if body.is_end_stream() {
            break;
        }
    }
    Ok(if joined.is_empty() { first } else { joined.freeze() })
}

/// Reads on, within bounds: a connection closed with unread bytes in it is reset, and the answer is lost with it.
async fn discard(mut body: Body, timeout: Duration) {
    let reading = async {
        let mut discarded_bytes = 0;
        while let Some(Ok(frame)) = body.frame().await {
            discarded_bytes += frame.data_ref().map_or(0, Bytes::len);
            if discarded_bytes > DISCARDED_BYTES_MAX {
                break;
            }
        }
    };
    if tokio::time::timeout(timeout.min(Duration::from_secs(5)), reading)
        .await
        .is_err()
    {
        tracing::debug!("a client went on sending a body that is too large");
    }
}

fn too_large(bytes_max: usize) -> Problem {
    closing(Problem::new(
        Code::PayloadTooLarge,
        format!("the body has more than the {bytes_max} bytes that this route takes"),
    ))
}

/// The connection is of no use any more: what follows on it may be the rest of the body.
fn closing(problem: Problem) -> Problem {
    problem.with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(content_type: &str) -> Result<MediaType, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        media_type(&headers, &[MediaType::Json, MediaType::Ndjson])
    }

    #[test]
    fn json_is_read_with_and_without_a_type() {
        assert_eq!(
            media_type(&HeaderMap::new(), &[MediaType::Json]).unwrap(),
            MediaType::Json
        );
        for right in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert_eq!(typed(right).unwrap(), MediaType::Json, "{right}");
        }
        assert_eq!(typed("application/x-ndjson").unwrap(), MediaType::Ndjson);
    }

    #[test]
    fn other_types_are_refused() {
        for wrong in [
            "text/plain",
            "application/merge-patch+json",
            "application/json; charset=latin1",
        ] {
            assert_eq!(
                typed(wrong).unwrap_err().code(),
                Code::UnsupportedMediaType,
                "{wrong}"
            );
        }
        let form = format!("{:?}", typed("application/x-www-form-urlencoded").unwrap_err());
        assert!(form.contains("--json"), "{form}");
    }

    #[tokio::test]
    async fn a_body_is_read_at_its_limit_and_refused_one_above() {
        let wait = Duration::from_secs(5);
        let body = || {
            Body::new(http_body_util::StreamBody::new(futures_util::stream::iter(
                ["ab", "cd", "e"]
                    .map(|piece| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(piece)))),
            )))
        };
        assert_eq!(read(body(), &HeaderMap::new(), 5, wait).await.unwrap(), "abcde");
        let refused = read(body(), &HeaderMap::new(), 4, wait).await.unwrap_err();
        assert_eq!(refused.code(), Code::PayloadTooLarge);
        assert_eq!(
            read(Body::from("abcde"), &HeaderMap::new(), 5, wait)
                .await
                .unwrap(),
            "abcde"
        );
        assert!(
            read(Body::from("abcdef"), &HeaderMap::new(), 5, wait)
                .await
                .is_err()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_given_up() {
        let stuck = Body::new(http_body_util::StreamBody::new(futures_util::stream::pending::<
            Result<http_body::Frame<Bytes>, std::io::Error>,
        >()));
        let refused = read(stuck, &HeaderMap::new(), 5, Duration::from_secs(30))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::RequestTimeout);
    }
}
