//! What an operator may set, with the defaults.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tiro_core::{Limits, RateLimit};

/// Everything that the HTTP side needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// The key of the operator; without one, everybody who reaches the server is the operator.
    pub operator_key: Option<OperatorKey>,
    /// Who may reach a server without an operator key.
    pub exposure: Exposure,
    /// Origins of web pages that may call the server from a browser.
    pub cors_origins: Vec<CorsOrigin>,
    /// Limits of the domain.
    pub limits: Limits,
    /// How often each application may ask; as often as it likes if there is none.
    pub rate_limit: Option<RateLimit>,
    /// Limits of the connections and requests.
    pub transport: Transport,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 3000))],
            operator_key: None,
            exposure: Exposure::LoopbackOnly,
            cors_origins: Vec::new(),
            limits: Limits::default(),
            rate_limit: None,
            transport: Transport::default(),
        }
    }
}

/// Who may reach a server without an operator key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Programs on this machine: loopback addresses only, no foreign `Host`, no foreign `Origin`.
    LoopbackOnly,
    /// Anybody (`--open`).
    Open,
}

/// Limits of the connections and requests.
#[derive(Clone, Debug)]
pub struct Transport {
    /// Most connections at one time; further ones wait in the listen queue of the system.
    pub connections_max: usize,
    /// How long the head of a request may take from its first byte.
    pub head_timeout: Duration,
    /// How long the body of a request may take; for a streamed body, each piece of it.
    pub body_timeout: Duration,
    /// How long a connection may be silent, between two requests or while it takes an answer.
    pub idle_timeout: Duration,
    /// How long requests under way may take once the server stops.
    pub drain_timeout: Duration,
    /// Most bytes of a request's path and headers.
    pub head_bytes_max: usize,
    /// Most bytes of the body of a batch.
    pub batch_bytes_max: usize,
    /// A request that takes longer is logged.
    pub slow_request: Duration,
}

impl Default for Transport {
    fn default() -> Transport {
        Transport {
            connections_max: 20_000,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            drain_timeout: Duration::from_secs(30),
            head_bytes_max: 16 * 1024,
            batch_bytes_max: 4 * 1024 * 1024,
            slow_request: Duration::from_secs(1),
        }
    }
}

/// Most bytes that JSON needs for one byte of text: `\u0001`.
const ESCAPED_BYTE_BYTES: usize = 6;
/// Room for names of members and white space.
const ENVELOPE_BYTES: usize = 64 * 1024;

/// Most bytes of the body of a request for one thing: every text within the limits fits, however it is escaped.
pub(crate) fn request_bytes_max(limits: &Limits) -> usize {
    let texts = limits.body_bytes_max
        + limits.sender_bytes_max
        + 4 * limits.name_chars_max.max(limits.title_chars_max);
    ESCAPED_BYTE_BYTES * texts + limits.metadata_bytes_max + ENVELOPE_BYTES
}

/// The key that lets its holder do everything. `Debug` does not show it.
#[derive(Clone)]
pub struct OperatorKey([u8; 32]);

impl OperatorKey {
    /// Takes a key as the operator wrote it.
    ///
    /// # Errors
    /// [`BadOperatorKey`] unless it is 1 to 255 visible ASCII characters.
    pub fn new(text: &str) -> Result<OperatorKey, BadOperatorKey> {
        let right_length = (1..=255).contains(&text.len());
        if right_length && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(OperatorKey(Sha256::digest(text).into()))
        } else {
            Err(BadOperatorKey)
        }
    }

    /// Whether `candidate` is the key; takes the same time whichever byte differs.
    pub(crate) fn is(&self, candidate: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(candidate).into();
        self.0.ct_eq(&digest).into()
    }
}

impl fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OperatorKey(…)")
    }
}

/// The text cannot be an operator key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadOperatorKey;

impl fmt::Display for BadOperatorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("--operator-key must be 1 to 255 visible ASCII characters, without spaces")
    }
}

impl std::error::Error for BadOperatorKey {}

/// The origin of web pages: scheme, host and port as a browser sends them, or `*` for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsOrigin(String);

impl CorsOrigin {
    /// Takes an origin as the operator wrote it.
    ///
    /// # Errors
    /// [`BadCorsOrigin`] unless it is `*`, or `http://` or `https://` with a host and perhaps a port.
    pub fn new(text: &str) -> Result<CorsOrigin, BadCorsOrigin> {
        let bad = || BadCorsOrigin(text.to_owned());
        if text == "*" {
            return Ok(CorsOrigin(text.to_owned()));
        }
        let uri: http::Uri = text.parse().map_err(|_| bad())?;
        let known_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let bare = uri.path_and_query().is_none_or(|rest| rest == "/") && !text.ends_with('/');
        let plain_host = uri
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
        if known_scheme && bare && plain_host {
            Ok(CorsOrigin(text.to_ascii_lowercase()))
        } else {
            Err(bad())
        }
    }

    /// Whether a browser's `Origin` is meant.
    pub(crate) fn admits(&self, origin: &str) -> bool {
        self.0 == "*" || self.0.eq_ignore_ascii_case(origin)
    }
}

/// The text is not an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCorsOrigin(String);

impl fmt::Display for BadCorsOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "--cors-origin `{}` is not an origin: write scheme, host and port as in https://chat.example:8443, without a slash at the end",
            self.0
        )
    }
}

impl std::error::Error for BadCorsOrigin {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_key_is_compared_whole_and_never_shown() {
        let key = OperatorKey::new("correct horse".replace(' ', "-").as_str()).unwrap();
        assert!(key.is("correct-horse"));
        assert!(!key.is("correct-hors") && !key.is("") && !key.is("correct-horse-"));
        assert!(!format!("{key:?}").contains("horse"));
        assert!(OperatorKey::new("").is_err() && OperatorKey::new("a b").is_err());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for right in ["https://chat.example", "http://localhost:5173", "*"] {
            assert!(CorsOrigin::new(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "chat.example",
            "https://chat.example/",
            "https://chat.example/x",
            "ftp://a",
            "null",
        ] {
            assert!(CorsOrigin::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_longest_body_fits_however_it_is_escaped() {
        let limits = Limits::default();
        assert!(request_bytes_max(&limits) > 6 * limits.body_bytes_max + limits.metadata_bytes_max);
    }
}
