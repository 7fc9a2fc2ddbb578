//! The many-machine engine: the same promises on MySQL, RabbitMQ, Redis and OpenSearch, with any number of nodes.
//!
//! MySQL is the truth. A node gathers requests per partition and carries each batch out in one transaction; what others
//! need to know (indexers, live streams of other nodes) follows from the change rows that it commits. Decision 13 says
//! what each system owns and what happens without it.

mod backoff;
mod clock;
mod config;
mod export;
pub mod indexer;
pub mod mysql;
mod nodes;
pub mod opensearch;
pub mod rabbitmq;
mod reads;
pub mod redis;
mod search;
pub mod status;
mod waiting;
pub mod worker;

pub use config::{ClusterConfig, ConfigError};
pub use indexer::{Indexer, IndexerError, RebuildProgress};
pub use nodes::{Node, SeenNode};
pub use opensearch::{IndexError, SearchIndex};
