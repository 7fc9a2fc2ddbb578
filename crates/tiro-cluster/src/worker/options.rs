//! How a worker goes about its work.

use std::time::Duration;

/// Settings of a worker. Order needs one consumer a partition, so there is no number of consumers a queue: partitions are
/// what workers share among each other.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Messages of a partition that are held at once, and become one piece of work. At least 1.
    pub prefetch: u16,
    /// Partitions that are indexed at once. At least 1.
    pub partitions_at_once: usize,
    /// Tries of a piece of work before it becomes a dead letter. At least 1.
    pub tries_max: u32,
    /// How long it waits after its first, second … failure; the last one is for all that follow. At least one.
    pub delays: Vec<Duration>,
    /// How often it is looked for changes to announce when nobody rings.
    pub relay_every: Duration,
    /// How often it is looked for announced changes that nobody indexes.
    pub lag_every: Duration,
    /// How often every count is recounted.
    pub recount_every: Duration,
    /// How long an application that is being restored may store nothing before it is given up. A client that is heard of
    /// must not lose its import: longer than a piece of a request's body may take, which is an hour at most.
    pub restore_silent_max: Duration,
    /// How long work that runs may go on after the stop.
    pub stop_within: Duration,
}

impl Default for WorkerOptions {
    fn default() -> WorkerOptions {
        WorkerOptions {
            prefetch: 64,
            partitions_at_once: 4,
            tries_max: 8,
            delays: [1, 5, 30].map(Duration::from_secs).to_vec(),
            relay_every: Duration::from_millis(100),
            lag_every: Duration::from_secs(10),
            recount_every: Duration::from_secs(3_600),
            restore_silent_max: Duration::from_secs(2 * 3_600),
            stop_within: Duration::from_secs(10),
        }
    }
}
