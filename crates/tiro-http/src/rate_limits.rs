//! How often an application may ask: the one place where a request is held to the configured rate.
//!
//! What counts is the token in the path. The operator's requests, health, metrics and the documents are never held back. A
//! stream is one request, and so is a batch.

use std::collections::HashMap;
use std::future::{Future, ready};
use std::pin::Pin;
use std::time::{Duration, Instant};

use http::request::Parts;
use parking_lot::Mutex;
use tiro_api::Code;
use tiro_core::{Bucket, RateLimit, RateLimiter, Take, Token};

use crate::access::Admission;
use crate::app::App;
use crate::path;
use crate::problem::Problem;
use crate::route::Caller;

/// Most tokens whose buckets are remembered.
const TOKENS_MAX: usize = 100_000;

/// Lets a request on or not.
///
/// # Errors
/// 429, with the time until it is worth asking again.
pub(crate) async fn check(
    app: &App,
    (caller, admission): (Caller, Admission),
    head: &Parts,
    template: &str,
) -> Result<(), Problem> {
    let Some(limiter) = &app.rate_limiter else {
        return Ok(());
    };
    if caller != Caller::Application || admission == Admission::Operator {
        return Ok(());
    }
    // What is no token names nothing: that is said further on.
    let Ok(token) = path::token(path::segment(template, head.uri.path(), "token")) else {
        return Ok(());
    };
    match limiter.take(&token).await {
        Take::Allowed => Ok(()),
        Take::Limited { retry_after } => Err(Problem::plain(Code::TooManyRequests).retry_after(retry_after)),
    }
}

/// Buckets of this process. A bucket that is forgotten is a full one.
pub(crate) struct LocalBuckets {
    limit: RateLimit,
    tokens_max: usize,
    started: Instant,
    /// Never longer than `tokens_max`. Held for one look, and once in many for as long as it takes to go through it.
    buckets: Mutex<HashMap<Token, Bucket>>,
}

impl LocalBuckets {
    pub(crate) fn new(limit: RateLimit) -> LocalBuckets {
        LocalBuckets {
            limit,
            tokens_max: TOKENS_MAX,
            started: Instant::now(),
            buckets: Mutex::default(),
        }
    }

    fn take_at(&self, token: &Token, now_us: u64) -> Take {
        let mut buckets = self.buckets.lock();
        if let Some(bucket) = buckets.get_mut(token) {
            return bucket.take(self.limit, now_us);
        }
        if buckets.len() >= self.tokens_max {
            buckets.retain(|_, bucket| !bucket.is_full(self.limit, now_us));
            // Few went: not to go through all of them for each new token, start anew.
            if buckets.len() > self.tokens_max / 4 * 3 {
                buckets.clear();
            }
        }
        let mut bucket = Bucket::full(self.limit, now_us);
        let taken = bucket.take(self.limit, now_us);
        buckets.insert(token.clone(), bucket);
        taken
    }
}

impl RateLimiter for LocalBuckets {
    fn take<'a>(&'a self, token: &'a Token) -> Pin<Box<dyn Future<Output = Take> + Send + 'a>> {
        let elapsed = self
            .started
            .elapsed()
            .min(Duration::from_secs(u64::from(u32::MAX)));
        let now_us = elapsed.as_secs() * 1_000_000 + u64::from(elapsed.subsec_micros());
        Box::pin(ready(self.take_at(token, now_us)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: usize) -> Token {
        Token::parse(&format!("a-token-of-a-test-{number}")).unwrap()
    }

    fn buckets(per_second: u32, burst: u32, tokens_max: usize) -> LocalBuckets {
        LocalBuckets {
            tokens_max,
            ..LocalBuckets::new(RateLimit::new(per_second, burst).unwrap())
        }
    }

    #[test]
    fn each_token_has_a_bucket_of_its_own() {
        let buckets = buckets(1, 1, 10);
        assert_eq!(buckets.take_at(&token(1), 0), Take::Allowed);
        let retry_after = Duration::from_secs(1);
        assert_eq!(buckets.take_at(&token(1), 0), Take::Limited { retry_after });
        assert_eq!(buckets.take_at(&token(2), 0), Take::Allowed);
    }

    #[test]
    fn full_buckets_are_forgotten_first_and_never_more_than_the_bound_are_kept() {
        let buckets = buckets(1, 2, 8);
        for number in 0..6 {
            buckets.take_at(&token(number), 0);
        }
        for number in [100, 100, 101] {
            buckets.take_at(&token(number), 1_000_000);
        }
        assert_eq!(buckets.buckets.lock().len(), 8);
        buckets.take_at(&token(102), 1_000_000);
        let kept = buckets.buckets.lock().len();
        assert_eq!(kept, 3, "the six of the first second are full again");
        assert!(matches!(
            buckets.take_at(&token(100), 1_000_000),
            Take::Limited { .. }
        ));
        for number in 200..1_000 {
            buckets.take_at(&token(number), 1_000_000);
            assert!(buckets.buckets.lock().len() <= 8);
        }
    }
}
