//! Answers that are not things: what a batch or an import did, how the server is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Time;

/// The numbers of a batch's messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BatchCreated {
    /// Of the first message.
    #[schema(minimum = 1)]
    pub first: u64,
    /// Of the last message: `first + count - 1`.
    #[schema(minimum = 1)]
    pub last: u64,
    /// How many messages, at least 1.
    #[schema(minimum = 1)]
    pub count: u64,
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// Lines that were read.
    pub lines: u64,
    /// Chats that it made.
    pub chats_created: u64,
    /// Messages that it stored.
    pub messages_created: u64,
    /// Lines that were there before.
    pub unchanged: u64,
}

/// How the server is, for its operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// `tiro`.
    pub name: String,
    /// Of the program.
    pub version: String,
    /// When it began to serve.
    pub started_at: Time,
    /// Whole seconds since then.
    pub uptime_seconds: u64,
    /// Whether reads and writes can be served.
    pub ready: bool,
    /// What an operator should know, one sentence each; empty when all is well.
    pub remarks: Vec<String>,
    /// Queues between nodes; like the lists below empty on a server that is one process.
    pub queues: Vec<QueueStatus>,
    /// What was given up after every try and waits for the operator; `null` while it cannot be known.
    #[schema(required)]
    pub dead_letters: Option<u64>,
    /// Partitions, by number.
    pub partitions: Vec<PartitionStatus>,
    /// Nodes heard of lately, by role and name.
    pub nodes: Vec<NodeStatus>,
}

/// A queue between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QueueStatus {
    /// Its name.
    pub name: String,
    /// What nobody has begun with.
    pub waiting: u64,
    /// What somebody works on; `null` where it cannot be known.
    #[schema(required)]
    pub running: Option<u64>,
    /// What failed and waits for its next try; `null` where it cannot be known.
    #[schema(required)]
    pub failed: Option<u64>,
    /// How long the oldest has waited; `null` if nothing waits or it cannot be known.
    #[schema(required)]
    pub oldest_age_ms: Option<u64>,
}

/// A part of the applications that is written to in one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PartitionStatus {
    /// From 0.
    pub number: u16,
    /// Changes that were made in it.
    pub changes: u64,
    /// Of those, how many were handed to the queues.
    pub relayed: u64,
    /// Of those, how many the search index has; `null` if it does not answer.
    #[schema(required)]
    pub indexed: Option<u64>,
}

/// A process that takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeStatus {
    /// `api` or `worker`.
    pub role: String,
    /// Host and process.
    pub name: String,
    /// When it began.
    pub started_at: Time,
    /// When it was last heard of.
    pub seen_at: Time,
}

/// Whether reads and writes can be served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// Always true; what cannot serve answers 503 with a problem.
    pub ready: bool,
    /// What is amiss although everything can be served, one sentence each.
    pub remarks: Vec<String>,
}

/// Where a program that asks for `/` finds what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct About {
    /// `tiro`.
    pub name: String,
    /// Of the program.
    pub version: String,
    /// Path of the API.
    pub api: String,
    /// Path of the pages for people.
    pub docs: String,
    /// Path of the OpenAPI document.
    pub openapi: String,
}
