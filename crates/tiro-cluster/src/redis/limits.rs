//! Rate limits that all nodes share: a bucket of tokens for each application's token, in Redis, by the clock of Redis.
//!
//! A limit protects the service, so it must not be what takes it down: where Redis does not answer in 20 ms the request
//! passes, and for a second nobody asks again. A bucket that was lost is a full one.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{Client, Script};
use tiro_core::{RateLimit, RateLimiter, Take, Token};

use super::prompt::{Prompt, Says};

const ANSWER_WITHIN: Duration = Duration::from_millis(20);

/// What the script begins with.
const BY_THE_CLOCK_OF_REDIS: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
";

/// Answers 0, or after how many microseconds there will be a token. `KEYS[1]` is the bucket, `ARGV` how many tokens come
/// a second and how many it holds; `now` is the time in microseconds. It is the rule of [`tiro_core::Bucket`], a second time:
/// what nodes share must be looked at and changed in one step, which only a script is. Both are held to one table. The
/// numbers of Lua are exact up to 2^53, and nothing here is larger before its bucket is forgotten.
const TAKE: &str = "
local rate, full = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000000
local bucket = redis.call('HMGET', KEYS[1], 'parts', 'at')
local parts, at = tonumber(bucket[1]), tonumber(bucket[2])
if not parts or not at or at > now then
    parts, at = full, now
end
parts = math.min(full, parts + (now - at) * rate)
local wait = 0
if parts >= 1000000 then
    parts = parts - 1000000
else
    wait = math.ceil((1000000 - parts) / rate)
end
redis.call('HSET', KEYS[1], 'parts', string.format('%.0f', parts), 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(full / rate / 1000) + 1000)
return wait
";

/// A rate limit of a cluster.
pub struct RateLimits {
    prefix: String,
    limit: RateLimit,
    script: Script,
    prompt: Prompt,
}

impl RateLimits {
    /// The limit of the cluster `name`. It connects with the first question.
    #[must_use]
    pub fn new(client: Client, name: &str, limit: RateLimit) -> RateLimits {
        RateLimits {
            prefix: format!("{name}.limit."),
            limit,
            script: Script::new(&format!("{BY_THE_CLOCK_OF_REDIS}{TAKE}")),
            prompt: Prompt::new(
                client,
                ANSWER_WITHIN,
                Says {
                    away: "rate limits do not hold while Redis is away",
                    back: "rate limits hold again",
                },
            ),
        }
    }

    async fn take_or_pass(&self, token: &Token) -> Take {
        let take = |mut redis: ConnectionManager| async move {
            let mut call = self.script.key(format!("{}{}", self.prefix, token.as_str()));
            call.arg(self.limit.per_second()).arg(self.limit.burst());
            call.invoke_async::<u64>(&mut redis).await
        };
        match self.prompt.ask(take).await {
            None | Some(0) => Take::Allowed,
            Some(wait_us) => Take::Limited {
                retry_after: Duration::from_micros(wait_us),
            },
        }
    }
}

impl RateLimiter for RateLimits {
    fn take<'a>(&'a self, token: &'a Token) -> Pin<Box<dyn Future<Output = Take> + Send + 'a>> {
        Box::pin(self.take_or_pass(token))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tiro_conformance::rate_limits::RATE_LIMITS;

    use super::*;
    use crate::ClusterConfig;

    #[tokio::test]
    async fn the_script_comes_to_what_the_table_says() {
        let file =
            std::env::var_os("TIRO_CLUSTER").expect("TIRO_CLUSTER names the file of a running cluster");
        let config = ClusterConfig::read(Path::new(&file)).expect("the file of the cluster is right");
        let client = Client::open(config.redis.as_str()).expect("`redis` is an address");
        let redis = client.get_multiplexed_async_connection().await;
        let mut redis = redis.expect("Redis answers");
        let script = Script::new(&format!("local now = tonumber(ARGV[3])\n{TAKE}"));
        for (index, requests) in RATE_LIMITS.iter().enumerate() {
            let key = format!("test-{:08x}.limit.{index}", fastrand::u32(..));
            for (at_us, wait_us) in requests.steps {
                let mut call = script.key(&key);
                call.arg(requests.per_second).arg(requests.burst).arg(*at_us);
                let answered: u64 = call.invoke_async(&mut redis).await.expect("Redis answers");
                assert_eq!(answered, *wait_us, "{requests:?} at {at_us}");
            }
            let forgotten: u64 = redis::cmd("DEL")
                .arg(&key)
                .query_async(&mut redis)
                .await
                .expect("Redis answers");
            assert_eq!(forgotten, 1);
        }
    }
}
