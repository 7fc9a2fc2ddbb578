//! The many-machine engine: the same promises on MySQL, RabbitMQ, Redis and OpenSearch, with any number of nodes.
//!
//! MySQL is the truth. A node gathers requests per partition and carries each batch out in one transaction; what others
//! need to know (indexers, live streams of other nodes) follows from the change rows that it commits. Decision 13 says
//! what each system owns and what happens without it.

mod backoff;
mod circuit;
mod clock;
mod config;
mod engine;
mod errors;
mod export;
pub mod indexer;
mod lately;
mod lookups;
mod member;
pub mod mysql;
mod new_epoch;
mod nodes;
pub mod opensearch;
mod parking;
mod planted;
mod queue;
pub mod rabbitmq;
mod reads;
pub mod redis;
mod routes;
mod search;
mod start;
pub mod status;
#[cfg(test)]
mod tests;
mod transaction;
mod verify;
mod waiting;
pub mod worker;
mod writer;
mod writes;

pub use clock::Clock;
pub use config::{ClusterConfig, ConfigError};
pub use engine::{ClusterEngine, Options};
pub use errors::OpenError;
pub use indexer::{Indexer, IndexerError, RebuildProgress};
pub use member::Member;
pub use new_epoch::new_epoch;
pub use nodes::{Node, SeenNode};
pub use opensearch::{IndexError, SearchIndex};
pub use start::when_mysql_is_there;
pub use verify::{Finding, Remedy, VerifyError, VerifyOptions, VerifyProgress, VerifyReport, verify};
