//! gzip for large answers.

use std::io::Write;

use axum::body::Body;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, Response, header};
use http_body::Body as _;
use http_body_util::BodyExt;

/// Smaller answers fit into one packet anyway.
const GZIP_BYTES_MIN: u64 = 1_024;
/// Larger answers are compressed on a thread that may be busy for a while.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// Whether a client takes gzip (RFC 9110, section 12.5.3).
pub(crate) fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .any(|element| {
            let (coding, weight) = element.split_once(';').unwrap_or((element, ""));
            let refused = weight
                .trim()
                .strip_prefix("q=")
                .is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
            matches!(coding.trim(), "gzip" | "x-gzip" | "*") && !refused
        })
}

/// The answer, compressed if it is worth it and its length is known; otherwise as it was.
pub(crate) async fn gzipped(response: Response<Body>) -> Response<Body> {
    let worthwhile = response
        .body()
        .size_hint()
        .exact()
        .is_some_and(|bytes| bytes >= GZIP_BYTES_MIN);
    if !worthwhile || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let plain = match body.collect().await {
        Ok(collected) => collected.to_bytes(),
        // A body of known length that is held in memory does not fail.
        Err(error) => {
            let failed = futures_util::stream::once(std::future::ready(Err::<Bytes, _>(error)));
            return Response::from_parts(head, Body::from_stream(failed));
        }
    };
    match compressed(plain.clone()).await {
        Some(bytes) => {
            head.headers
                .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            head.headers.remove(header::CONTENT_LENGTH);
            Response::from_parts(head, Body::from(bytes))
        }
        None => Response::from_parts(head, Body::from(plain)),
    }
}

/// `None` if it cannot be compressed; the answer then goes out as it is.
async fn compressed(plain: Bytes) -> Option<Vec<u8>> {
    if plain.len() <= INLINE_BYTES_MAX {
        return gzip(&plain);
    }
    tokio::task::spawn_blocking(move || gzip(&plain))
        .await
        .ok()
        .flatten()
}

fn gzip(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 2), Compression::fast());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_when_it_is_named_and_not_refused() {
        let mut headers = HeaderMap::new();
        assert!(!accepts_gzip(&headers));
        for (value, taken) in [
            ("gzip", true),
            ("br, gzip;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
        ] {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
            assert_eq!(accepts_gzip(&headers), taken, "{value}");
        }
    }
}
