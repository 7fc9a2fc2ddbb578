//! Redis: tells other nodes at once what they would find out by themselves, shares rate limits, and keeps pages of messages.
//!
//! Nothing that it holds is needed: it may lose everything at any time, or be away. Then it takes longer until others
//! notice a change, each node lets requests pass, and pages are read from MySQL. Nobody waits for it on the way to an
//! answer, save for a rate limit (20 ms) or a page (100 ms).

mod doorbell;
mod limits;
mod pages;
mod prompt;

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};

pub use doorbell::{Doorbell, Rung};
pub use limits::RateLimits;
pub(crate) use pages::{Pages, Puts};

const ANSWER_WITHIN: Duration = Duration::from_millis(500);
const CONNECT_WITHIN: Duration = Duration::from_secs(2);

/// A connection that is opened when it is needed, and again when it was lost. Each use of it tries once and says how it
/// went.
pub(crate) fn connection(client: &Client) -> RedisResult<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(0)
        .set_max_delay(Duration::from_secs(2))
        .set_connection_timeout(Some(CONNECT_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN));
    client.get_connection_manager_lazy(config)
}
