//! Redis: tells other nodes at once what they would find out by themselves, shares rate limits, and keeps pages of messages.
//!
//! Nothing that it holds is needed: it may lose everything at any time, or be away. Then it takes longer until others
//! notice a change, each node lets requests pass, and pages are read from MySQL. Nobody waits for it on the way to an
//! answer, save for a rate limit (20 ms) or a page (100 ms).

mod connection;
mod doorbell;
mod limits;
mod pages;
mod prompt;

use std::time::Duration;

use ::redis::{Client, ConnectionAddr, IntoConnectionInfo, TlsCertificates};

use crate::ClusterConfig;

pub(crate) use connection::Connection;
pub use doorbell::{Doorbell, Rung};
pub use limits::RateLimits;
pub(crate) use pages::{Pages, Puts};

/// How long an answer may take that no request waits for.
const UNHURRIED: Duration = Duration::from_millis(500);

/// A client of a cluster's Redis, which trusts what the cluster trusts. Connects to nothing yet.
///
/// # Errors
/// What is wrong with the address, or that nobody is trusted.
pub fn client(config: &ClusterConfig) -> Result<Client, String> {
    let text = |error: ::redis::RedisError| error.to_string();
    let address = config.redis.as_str().into_connection_info().map_err(text)?;
    if !matches!(address.addr(), ConnectionAddr::TcpTls { .. }) {
        return Client::open(address).map_err(text);
    }
    // The library would trust the system's certificates, or these alone.
    let trusted = TlsCertificates {
        client_tls: None,
        root_cert: Some(config.trust().pem().map_err(|error| error.to_string())?),
    };
    Client::build_with_tls(address, trusted).map_err(text)
}
