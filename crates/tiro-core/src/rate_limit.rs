//! Rate limits: a bucket of tokens that fills while nobody takes from it, and a request takes one.
//!
//! All in whole numbers, so that whoever reckons elsewhere (a script in Redis) comes to the same: a token is a million
//! parts, and a microsecond brings as many parts as a second brings tokens.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::Token;

/// Most tokens that come in a second, and that a bucket holds.
pub const RATE_LIMIT_MAX: u32 = 1_000_000;
/// Parts of a token; also microseconds of a second.
const PARTS: u64 = 1_000_000;

/// How much may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    per_second: u32,
    burst: u32,
}

impl RateLimit {
    /// So many requests a second in the long run, and `burst` at once after a rest. `None` unless both are 1 to
    /// [`RATE_LIMIT_MAX`].
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Option<RateLimit> {
        let right = 1..=RATE_LIMIT_MAX;
        (right.contains(&per_second) && right.contains(&burst)).then_some(RateLimit { per_second, burst })
    }

    /// Tokens that come in a second.
    #[must_use]
    pub fn per_second(self) -> u32 {
        self.per_second
    }

    /// Tokens that a bucket holds.
    #[must_use]
    pub fn burst(self) -> u32 {
        self.burst
    }

    fn full(self) -> u64 {
        u64::from(self.burst) * PARTS
    }
}

/// Whether a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// It may.
    Allowed,
    /// Not before so long.
    Limited {
        /// Until there is a token again, if nobody else takes it.
        retry_after: Duration,
    },
}

/// A bucket as it was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    parts: u64,
    at_us: u64,
}

impl Bucket {
    /// One from which nobody has taken yet, at a time in microseconds.
    #[must_use]
    pub fn full(limit: RateLimit, now_us: u64) -> Bucket {
        Bucket {
            parts: limit.full(),
            at_us: now_us,
        }
    }

    /// Takes a token if there is one. A clock that went back makes the bucket a full one: nobody is locked out by it.
    pub fn take(&mut self, limit: RateLimit, now_us: u64) -> Take {
        *self = self.filled(limit, now_us);
        if let Some(left) = self.parts.checked_sub(PARTS) {
            self.parts = left;
            return Take::Allowed;
        }
        let wait_us = (PARTS - self.parts).div_ceil(u64::from(limit.per_second));
        Take::Limited {
            retry_after: Duration::from_micros(wait_us),
        }
    }

    /// Whether it is as good as a new one, so that it need not be remembered.
    #[must_use]
    pub fn is_full(self, limit: RateLimit, now_us: u64) -> bool {
        self.filled(limit, now_us).parts == limit.full()
    }

    fn filled(self, limit: RateLimit, now_us: u64) -> Bucket {
        let Some(elapsed_us) = now_us.checked_sub(self.at_us) else {
            return Bucket::full(limit, now_us);
        };
        let came = elapsed_us.saturating_mul(u64::from(limit.per_second));
        Bucket {
            parts: limit.full().min(self.parts.saturating_add(came)),
            at_us: now_us,
        }
    }
}

/// The buckets of one limit, one for each token.
pub trait RateLimiter: Send + Sync + 'static {
    /// Takes from the bucket of a token, which need not be that of an application. Answers within some 20 ms, and lets
    /// pass where it cannot be found out: a limit must not be what takes the service down.
    fn take<'a>(&'a self, token: &'a Token) -> Pin<Box<dyn Future<Output = Take> + Send + 'a>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_of_one_to_a_million() {
        for (per_second, burst) in [(0, 1), (1, 0), (RATE_LIMIT_MAX + 1, 1), (1, RATE_LIMIT_MAX + 1)] {
            assert_eq!(RateLimit::new(per_second, burst), None);
        }
        assert!(RateLimit::new(1, RATE_LIMIT_MAX).is_some());
    }

    #[test]
    fn a_bucket_is_full_again_exactly_when_what_was_taken_has_come() {
        let limit = RateLimit::new(3, 2).unwrap();
        let mut bucket = Bucket::full(limit, 0);
        assert!(bucket.is_full(limit, 0));
        assert_eq!(bucket.take(limit, 0), Take::Allowed);
        assert!(!bucket.is_full(limit, 333_333));
        assert!(bucket.is_full(limit, 333_334));
    }

    #[test]
    fn the_longest_rest_does_not_overflow() {
        let limit = RateLimit::new(RATE_LIMIT_MAX, RATE_LIMIT_MAX).unwrap();
        let mut bucket = Bucket::full(limit, 0);
        assert_eq!(bucket.take(limit, u64::MAX), Take::Allowed);
        assert!(!bucket.is_full(limit, u64::MAX));
    }
}
