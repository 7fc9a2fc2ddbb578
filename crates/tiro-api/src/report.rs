//! Answers that are not things: what a batch or an import did, how the server is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Time;

/// The numbers of a batch's messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchCreated {
    /// The number of the first message.
    #[schema(minimum = 1)]
    pub first: u64,
    /// The number of the last message: `first + count - 1`.
    #[schema(minimum = 1)]
    pub last: u64,
    /// How many messages, at least 1.
    #[schema(minimum = 1)]
    pub count: u64,
}

/// The result of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// Lines read.
    pub lines: u64,
    /// Chats created.
    pub chats_created: u64,
    /// Messages created.
    pub messages_created: u64,
    /// Lines that were stored before and changed nothing.
    pub unchanged: u64,
}

/// The state of the server, for its operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// `tiro`.
    pub name: String,
    /// The version of the program.
    pub version: String,
    /// When the server started.
    pub started_at: Time,
    /// Whole seconds since then.
    pub uptime_seconds: u64,
    /// Whether reads and writes can be served.
    pub ready: bool,
    /// What an operator should know, one sentence each; empty when all is well.
    pub remarks: Vec<String>,
    /// Queues between nodes; on a single-machine server this and the lists below are empty.
    pub queues: Vec<QueueStatus>,
    /// Pieces of work that failed at every try and wait for the operator (`tiro dead`); `null` while unknown.
    #[schema(required)]
    pub dead_letters: Option<u64>,
    /// Partitions, by number.
    pub partitions: Vec<PartitionStatus>,
    /// Nodes that reported recently, by role and name.
    pub nodes: Vec<NodeStatus>,
}

/// A queue between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueStatus {
    /// Its name.
    pub name: String,
    /// Messages that no worker has taken yet.
    pub waiting: u64,
    /// Messages that workers are processing; `null` where unknown.
    #[schema(required)]
    pub running: Option<u64>,
    /// Messages that failed and wait for their next try; `null` where unknown.
    #[schema(required)]
    pub failed: Option<u64>,
    /// How long the oldest message has waited; `null` if none waits, or where unknown.
    #[schema(required)]
    pub oldest_age_ms: Option<u64>,
}

/// A partition: the applications whose writes share one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartitionStatus {
    /// From 0.
    pub number: u16,
    /// How many changes were made in it.
    pub changes: u64,
    /// How many of them were handed to the queues.
    pub relayed: u64,
    /// How many of them are in the search index; `null` if the index does not answer.
    #[schema(required)]
    pub indexed: Option<u64>,
}

/// A node of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeStatus {
    /// `api` or `worker`.
    pub role: String,
    /// Host name and process id.
    pub name: String,
    /// When it started.
    pub started_at: Time,
    /// When it last reported.
    pub seen_at: Time,
}

/// Whether reads and writes can be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// Always true; a server that is not ready answers 503 with a problem.
    pub ready: bool,
    /// Faults that do not stop reads and writes, one sentence each.
    pub remarks: Vec<String>,
}

/// Name, version and paths of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct About {
    /// `tiro`.
    pub name: String,
    /// The version of the program.
    pub version: String,
    /// Path of the API.
    pub api: String,
    /// Path of the API reference.
    pub docs: String,
    /// Path of the OpenAPI document.
    pub openapi: String,
}
