//! How an engine's parts are, for its operator: what waits where, how far each part has come, and who takes part.

use std::time::Duration;

use crate::Timestamp;

/// The parts of an engine at one moment. An engine of one process has none of them: every list is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Whatever else an operator should know of the parts, one sentence each.
    pub remarks: Vec<String>,
    /// In the order of what they are for.
    pub queues: Vec<QueueStatus>,
    /// What was given up after every try and waits for an operator; `None` while it cannot be known.
    pub dead_letters: Option<u64>,
    /// By number.
    pub partitions: Vec<PartitionStatus>,
    /// Those heard of lately, by role and name.
    pub nodes: Vec<NodeStatus>,
}

impl Status {
    /// That of an engine without parts.
    #[must_use]
    pub fn alone() -> Status {
        Status {
            remarks: Vec::new(),
            queues: Vec::new(),
            dead_letters: Some(0),
            partitions: Vec::new(),
            nodes: Vec::new(),
        }
    }
}

/// A queue between nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStatus {
    /// Its name.
    pub name: String,
    /// What nobody has begun with.
    pub waiting: u64,
    /// What somebody works on; `None` where it cannot be known.
    pub running: Option<u64>,
    /// What failed and waits for its next try; `None` where it cannot be known.
    pub failed: Option<u64>,
    /// How long the oldest has waited; `None` if nothing waits or it cannot be known.
    pub oldest_age: Option<Duration>,
}

/// A part of the applications that is written to in one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// From 0.
    pub number: u16,
    /// Changes that were made in it.
    pub changes: u64,
    /// Of those, how many were handed to the queues.
    pub relayed: u64,
    /// Of those, how many the search index has; `None` if it does not answer.
    pub indexed: Option<u64>,
}

/// A process that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// `api` or `worker`.
    pub role: String,
    /// Host and process.
    pub name: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was last heard of.
    pub seen_at: Timestamp,
}

/// What came of looking for pages of messages in a cache, since the engine was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CachedPages {
    /// It had the page as it is.
    pub shown: u64,
    /// It had nothing.
    pub missing: u64,
    /// It had the page as it was before a change.
    pub changed: u64,
    /// It had something else.
    pub unreadable: u64,
}
