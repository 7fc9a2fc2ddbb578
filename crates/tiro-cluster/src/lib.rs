//! The many-machine engine: the same promises on MySQL, RabbitMQ, Redis and OpenSearch, with any number of nodes.
//!
//! MySQL is the truth. A node gathers requests per partition and carries each batch out in one transaction; what others
//! need to know (indexers, live streams of other nodes) follows from the change rows that it commits. Decision 13 says
//! what each system owns and what happens without it.

mod clock;
mod config;
mod engine;
mod errors;
mod export;
pub mod mysql;
mod queue;
mod reads;
mod routes;
mod search;
#[cfg(test)]
mod tests;
mod transaction;
mod waiting;
mod writer;

pub use clock::Clock;
pub use config::{ClusterConfig, ConfigError};
pub use engine::{ClusterEngine, Options};
pub use errors::OpenError;
