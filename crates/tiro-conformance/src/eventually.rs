//! Waiting in tests for what other threads do: by looking, with an end.

use std::time::{Duration, Instant};

/// Far longer than anything that a test waits for.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// Looks again and again until there is something.
///
/// # Panics
/// There was nothing for a minute; `what` says of what.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < WAIT_MAX, "never happened: {what}");
        std::thread::yield_now();
    }
}
