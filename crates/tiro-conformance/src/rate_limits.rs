//! What every copy of the rule of rate limits must come to: sequences of requests, and how long each is told to wait.
//!
//! The rule is `tiro_core::Bucket`. It stands a second time where it cannot be called (in a script that Redis runs).

/// Requests to one bucket.
#[derive(Clone, Copy, Debug)]
pub struct Requests {
    /// Tokens that come in a second.
    pub per_second: u32,
    /// Tokens that the bucket holds.
    pub burst: u32,
    /// When each comes, and how long it is told to wait, in microseconds; 0 lets it pass.
    pub steps: &'static [(u64, u64)],
}

/// The table.
pub const RATE_LIMITS: [Requests; 6] = [
    // A burst, then one by one as tokens come.
    Requests {
        per_second: 1,
        burst: 3,
        steps: &[
            (1_000, 0),
            (1_000, 0),
            (1_000, 0),
            (1_000, 1_000_000),
            (500_999, 500_001),
            (1_000_999, 1),
            (1_001_000, 0),
            (1_001_000, 1_000_000),
        ],
    },
    // A rest fills no more than the burst.
    Requests {
        per_second: 10,
        burst: 2,
        steps: &[
            (5, 0),
            (5, 0),
            (5, 100_000),
            (60_000_005, 0),
            (60_000_005, 0),
            (60_000_005, 100_000),
        ],
    },
    // Waits are rounded up where a token does not come on a whole microsecond, and what came is not lost.
    Requests {
        per_second: 3,
        burst: 2,
        steps: &[
            (0, 0),
            (0, 0),
            (0, 333_334),
            (333_333, 1),
            (333_334, 0),
            (333_334, 333_333),
            (666_667, 0),
            (666_667, 333_333),
            (1_000_000, 0),
        ],
    },
    // A clock that goes back finds a full bucket.
    Requests {
        per_second: 1,
        burst: 1,
        steps: &[
            (10_000_000, 0),
            (10_000_000, 1_000_000),
            (9_000_000, 0),
            (9_000_000, 1_000_000),
        ],
    },
    // The highest rate: a token a microsecond.
    Requests {
        per_second: 1_000_000,
        burst: 1,
        steps: &[(7, 0), (7, 1), (8, 0), (10, 0), (10, 1)],
    },
    // The largest bucket at the lowest rate, at a time of today.
    Requests {
        per_second: 1,
        burst: 1_000_000,
        steps: &[
            (1_795_000_000_000_000, 0),
            (1_795_000_000_000_000, 0),
            (1_795_000_600_000_000, 0),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tiro_core::{Bucket, RateLimit, Take};

    use super::*;

    #[test]
    fn the_rule_of_the_core_comes_to_what_the_table_says() {
        for requests in RATE_LIMITS {
            let limit = RateLimit::new(requests.per_second, requests.burst).unwrap();
            let mut bucket = None;
            for (at_us, wait_us) in requests.steps {
                let bucket = bucket.get_or_insert_with(|| Bucket::full(limit, *at_us));
                let expected = match wait_us {
                    0 => Take::Allowed,
                    wait_us => Take::Limited {
                        retry_after: Duration::from_micros(*wait_us),
                    },
                };
                assert_eq!(bucket.take(limit, *at_us), expected, "{requests:?} at {at_us}");
            }
        }
    }
}
