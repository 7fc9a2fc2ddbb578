//! Where the engine takes the time from.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tiro_core::Timestamp;

/// Asked once for each transaction. It may stand still or go back: the order of things never depends on it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of this machine.
pub(crate) fn system_clock() -> Clock {
    Arc::new(|| Timestamp::from_millis(now_ms()))
}

/// Milliseconds since 1970. Only informative: what has to be compared between nodes uses the clock of MySQL.
pub(crate) fn now_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}
