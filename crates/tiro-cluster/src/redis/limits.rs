//! Rate limits that all nodes share: a bucket of tokens a key, in Redis, by the clock of Redis.
//!
//! A limit protects the service, so it must not be what takes it down: where Redis does not answer in 20 ms the request
//! passes, and for a second nobody asks again. A bucket that was lost is a full one.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::aio::ConnectionManager;
use redis::{Client, RedisResult, Script};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::connection;

const ANSWER_WITHIN: Duration = Duration::from_millis(20);
const AWAY_FOR: Duration = Duration::from_secs(1);

/// Answers 0, or after how many microseconds there will be a token. `KEYS[1]` is the bucket, `ARGV` how many tokens come
/// a second and how many it holds. Times are microseconds; 16 digits fit into the numbers of Lua.
const TAKE: &str = "
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(bucket[1]), tonumber(bucket[2])
if not tokens or not at or at > now then
    tokens, at = burst, now
end
tokens = math.min(burst, tokens + (now - at) * rate / 1000000)
local wait = 0
if tokens >= 1 then
    tokens = tokens - 1
else
    wait = math.ceil((1 - tokens) * 1000000 / rate)
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst * 1000 / rate) + 1000)
return wait
";

/// Whether a request may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// It may.
    Allowed,
    /// Not before so long.
    Limited {
        /// Until there is a token again.
        retry_after: Duration,
    },
}

/// The rate limits of a cluster.
pub struct RateLimits {
    client: Client,
    prefix: String,
    script: Script,
    redis: OnceCell<ConnectionManager>,
    /// Nobody asks before; `Some` while Redis is away.
    away_until: Mutex<Option<Instant>>,
}

impl RateLimits {
    /// The limits of the cluster `name`. It connects with the first question.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(url: &str, name: &str) -> RedisResult<RateLimits> {
        Ok(RateLimits {
            client: Client::open(url)?,
            prefix: format!("{name}.limit."),
            script: Script::new(TAKE),
            redis: OnceCell::new(),
            away_until: Mutex::new(None),
        })
    }

    /// Takes a token from the bucket of `key`, which holds `burst` and gets `per_second`; each at least 1. Takes at most
    /// 20 ms.
    pub async fn take(&self, key: &str, per_second: u32, burst: u32) -> Take {
        if self.away_until.lock().is_some_and(|until| Instant::now() < until) {
            return Take::Allowed;
        }
        let answer = timeout(ANSWER_WITHIN, self.ask(key, per_second.max(1), burst.max(1))).await;
        let error = match answer {
            Ok(Ok(wait_us)) => {
                if self.away_until.lock().take().is_some() {
                    tracing::info!("rate limits hold again");
                }
                return match wait_us {
                    0 => Take::Allowed,
                    wait_us => Take::Limited {
                        retry_after: Duration::from_micros(wait_us),
                    },
                };
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in 20 ms".to_owned(),
        };
        let before = self.away_until.lock().replace(Instant::now() + AWAY_FOR);
        if before.is_none() {
            tracing::warn!(error, "rate limits do not hold while Redis is away");
        }
        Take::Allowed
    }

    async fn ask(&self, key: &str, per_second: u32, burst: u32) -> RedisResult<u64> {
        let mut redis = self
            .redis
            .get_or_try_init(|| async { connection(&self.client) })
            .await?
            .clone();
        self.script
            .key(format!("{}{key}", self.prefix))
            .arg(per_second)
            .arg(burst)
            .invoke_async(&mut redis)
            .await
    }
}
