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

pub(crate) use connection::Connection;
pub use doorbell::{Doorbell, Rung};
pub use limits::RateLimits;
pub(crate) use pages::{Pages, Puts};

/// How long an answer may take that no request waits for.
const UNHURRIED: Duration = Duration::from_millis(500);
