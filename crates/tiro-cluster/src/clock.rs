//! Where the engine takes the time from.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tiro_core::Timestamp;

/// Asked once for each transaction. It may stand still or go back: the order of things never depends on it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of this machine.
pub(crate) fn system_clock() -> Clock {
    Arc::new(|| {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
        };
        Timestamp::from_millis(millis)
    })
}
