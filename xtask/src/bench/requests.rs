//! Requests as bytes, made before anything is measured.

use std::sync::atomic::{AtomicU64, Ordering};

/// Digits of a key: enough for every request of a run to have its own.
const KEY_DIGITS: usize = 16;
const KEY_HEADER: &str = "Idempotency-Key: ";

/// A ring of requests, the same for all connections; each connection begins at another place.
pub(crate) struct Requests {
    ring: Vec<Vec<u8>>,
    /// The number of the next key, if each request takes one.
    next_key: Option<AtomicU64>,
}

/// Where one connection keeps the request that it put a key into.
#[derive(Default)]
pub(crate) struct KeyedRequest {
    bytes: Vec<u8>,
}

impl Requests {
    /// Requests that are sent as they are.
    pub(crate) fn plain(ring: Vec<Vec<u8>>) -> Requests {
        assert!(!ring.is_empty(), "a load needs a request");
        Requests { ring, next_key: None }
    }

    /// The same requests, each with a key that no other has.
    pub(crate) fn keyed(&self) -> Requests {
        let with_place = |request: &Vec<u8>| {
            let line_end = request.windows(2).position(|window| window == b"\r\n");
            let (line, rest) = request.split_at(line_end.expect("a request has a first line") + 2);
            let header = format!("{KEY_HEADER}{}\r\n", "0".repeat(KEY_DIGITS));
            [line, header.as_bytes(), rest].concat()
        };
        Requests {
            ring: self.ring.iter().map(with_place).collect(),
            next_key: Some(AtomicU64::new(0)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ring.len()
    }

    /// The request at a place of the ring, as it is.
    pub(crate) fn plain_at(&self, place: usize) -> &[u8] {
        &self.ring[place % self.ring.len()]
    }

    /// The request at a place of the ring, with the next key if keys are wanted.
    pub(crate) fn get<'a>(&'a self, place: usize, keyed: &'a mut KeyedRequest) -> &'a [u8] {
        let request = self.plain_at(place);
        let Some(next_key) = &self.next_key else {
            return request;
        };
        let line_end = request.windows(2).position(|window| window == b"\r\n");
        let key_at = line_end.expect("a request has a first line") + 2 + KEY_HEADER.len();
        let key = format!("{:0KEY_DIGITS$}", next_key.fetch_add(1, Ordering::Relaxed));
        keyed.bytes.clear();
        keyed.bytes.extend_from_slice(request);
        keyed.bytes[key_at..key_at + KEY_DIGITS].copy_from_slice(key.as_bytes());
        &keyed.bytes
    }
}

/// A GET.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// A DELETE.
pub(crate) fn delete(path: &str) -> Vec<u8> {
    format!("DELETE {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

/// A POST of JSON.
pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyed_request_has_a_key_of_its_own() {
        let plain = Requests::plain(vec![post("/a", "{}"), post("/longer", "{}")]);
        let keyed = plain.keyed();
        let mut place = KeyedRequest::default();
        let expected = |path: &str, key: u64| {
            format!(
                "POST {path} HTTP/1.1\r\nIdempotency-Key: {key:016}\r\nHost: localhost\r\n\
                 Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
            )
        };
        for (number, path) in [(0, "/a"), (1, "/longer"), (2, "/a")] {
            let request = keyed.get(number, &mut place);
            assert_eq!(
                std::str::from_utf8(request).unwrap(),
                expected(path, number as u64)
            );
        }
    }
}
