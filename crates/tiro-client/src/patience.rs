//! How long a client waits and how often it asks again: every bound of this crate in one place.
//!
//! Together they keep the promise that a client whose server vanishes gives up within 30 s.

use std::time::Duration;

/// The bounds of one ordinary request, all attempts together.
#[derive(Clone, Debug)]
pub struct Patience {
    /// Most attempts, the first included. Only what is safe to repeat is repeated.
    pub attempts_max: u32,
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait for the whole answer of one attempt.
    pub answer: Duration,
    /// Longest time for all attempts and the pauses between them.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            attempts_max: 5,
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(12),
            total: Duration::from_secs(28),
        }
    }
}

impl Patience {
    /// One attempt, for programs that count answers: load generators and tests of failures.
    #[must_use]
    pub fn one_attempt() -> Patience {
        Patience {
            attempts_max: 1,
            ..Patience::default()
        }
    }
}

/// An import or export on which nothing moves for this long makes the client ask whether the server lives.
pub(crate) const SILENCE: Duration = Duration::from_secs(10);
/// Longest wait for the answer to that question. An answer buys another silence, so that two silences and this
/// have to be less than 30 s.
pub(crate) const PROBE: Duration = Duration::from_secs(5);
/// Longest standstill of an import or export while the server says that it lives.
pub(crate) const STANDSTILL_MAX: Duration = Duration::from_secs(600);
/// Longest answer that is kept in memory: a page of 4 MiB of texts, each byte escaped as `\u00XX`.
pub(crate) const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Longest silence of a live stream, on which a server says something every 15 s.
pub(crate) const STREAM_SILENCE: Duration = Duration::from_secs(20);
/// How long after the last word of a server its live stream is given up.
pub(crate) const STREAM_AWAY_MAX: Duration = Duration::from_secs(28);
/// When to connect again to a server that did not say.
pub(crate) const RECONNECT: Duration = Duration::from_secs(2);

const _: () = assert!(STREAM_SILENCE.as_secs() < STREAM_AWAY_MAX.as_secs() && STREAM_AWAY_MAX.as_secs() < 30);
const _: () = assert!(2 * SILENCE.as_secs() + PROBE.as_secs() < 30);

/// The pause before attempt `attempt` (the second is 2): what the server asked for, or twice as long each time
/// with a random part, so that many clients do not come back together.
pub(crate) fn pause(attempt: u32, retry_after: Option<Duration>, random: u8) -> Duration {
    retry_after.unwrap_or_else(|| {
        let step_ms = 50_u64 << attempt.min(6);
        Duration::from_millis(step_ms / 2 + step_ms * u64::from(random) / 512)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_server_s_wish_counts_first() {
        assert_eq!(pause(2, None, 0), Duration::from_millis(100));
        assert!(pause(5, None, 0) > pause(2, None, 255));
        assert!(pause(60, None, 255) < Duration::from_secs(4));
        assert_eq!(
            pause(2, Some(Duration::from_secs(3)), 255),
            Duration::from_secs(3)
        );
    }

    #[test]
    fn all_attempts_together_end_within_30_seconds() {
        let patience = Patience::default();
        assert!(patience.total < Duration::from_secs(30));
        assert!(patience.answer + patience.connect < patience.total);
    }
}
