//! The name of one request: in its answer, in its problem, in the log.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

/// `X-Request-Id`.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest name taken from a client.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// 1 to 128 bytes of `A-Z a-z 0-9 - _ . : /`: the client's own, or a generated one.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    /// The name that the client gave, if it is sane, or a new one.
    pub(crate) fn of(headers: &HeaderMap) -> RequestId {
        match headers.get(X_REQUEST_ID) {
            Some(given) if is_sane(given.as_bytes()) => RequestId(given.clone()),
            _ => RequestId::generated(),
        }
    }

    /// A name that no other request of this process has: 16 hexadecimal digits of the process, 12 of the request.
    pub(crate) fn generated() -> RequestId {
        static PROCESS: OnceLock<u64> = OnceLock::new();
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let process =
            *PROCESS.get_or_init(|| getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id())));
        let request = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut text = [0; 28];
        write_hex(&mut text[..16], process);
        write_hex(&mut text[16..], request);
        RequestId(HeaderValue::from_bytes(&text).expect("hexadecimal digits are visible"))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.to_str().expect("checked or made of visible characters")
    }

    /// As the header of an answer.
    pub(crate) fn into_header(self) -> HeaderValue {
        self.0
    }
}

fn is_sane(bytes: &[u8]) -> bool {
    let right_bytes = bytes
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(byte));
    (1..=REQUEST_ID_BYTES_MAX).contains(&bytes.len()) && right_bytes
}

fn write_hex(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_name_is_kept_and_any_other_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_static("trace-1/a.b:c_d"));
        assert_eq!(RequestId::of(&headers).as_str(), "trace-1/a.b:c_d");
        for wrong in ["", "a b", "<script>", &"x".repeat(129)] {
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(wrong).unwrap());
            assert_ne!(RequestId::of(&headers).as_str(), wrong);
        }
    }

    #[test]
    fn generated_names_differ() {
        assert_ne!(RequestId::generated().as_str(), RequestId::generated().as_str());
    }
}
