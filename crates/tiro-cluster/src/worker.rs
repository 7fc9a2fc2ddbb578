//! A worker: everything that follows a commit and nobody waits for.
//!
//! Any number of workers run at once, and each does all of it: what two of them do at the same time is done twice, which
//! harms nothing, or is held apart by RabbitMQ (a partition has one consumer) and MySQL (cursors move by comparing).

mod clear;
mod clear_index;
mod lag;
mod options;
pub(crate) mod recount;
mod relay;
mod restores;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tiro_core::ApplicationId;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::clock::system_clock;
use crate::lookups::Lookups;
use crate::mysql::pool::Pool;
use crate::mysql::{connection, connections};
use crate::nodes::Node;
use crate::opensearch::Below;
use crate::rabbitmq::consumer::{Bounds, Consumers, ParkedConsumer, stopped};
use crate::rabbitmq::{Broker, Publisher, Topology};
use crate::redis::{Doorbell, Rung};
use crate::writes::Writes;
use crate::{ClusterConfig, OpenError};

pub use clear::Clear;
pub use clear_index::{ClearIndex, Cleared};
pub use lag::Lag;
pub use options::WorkerOptions;
pub use recount::Recount;
pub use relay::Relay;
pub use restores::Restores;

/// Brings the index of one partition up to date, and takes out what was deleted: the work of a worker.
pub trait Indexer: Send + Sync + 'static {
    /// Indexes the changes of the partition from where the index stands through the position `through`, which exists.
    /// Answers when they are found by searches. Doing it again, or for less than is done, changes nothing.
    fn index(&self, partition: u16, through: u64) -> impl Future<Output = Result<(), IndexFailure>> + Send;

    /// How far each of the partitions is indexed, in their order.
    fn indexed(&self, partitions: &[u16]) -> impl Future<Output = Result<Vec<u64>, IndexFailure>> + Send;

    /// Takes some of the documents below these things of the partition out of the index, and says how many it met: at 0 none
    /// are left. Without an index there are none.
    fn purge(
        &self,
        partition: u16,
        below: &[Below],
    ) -> impl Future<Output = Result<u64, IndexFailure>> + Send;
}

/// Why changes were not indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexFailure {
    /// A system that is needed is away or overloaded. It is tried until it is back.
    Unavailable(String),
    /// These changes cannot be indexed. They become a dead letter after some tries.
    Failed(String),
}

impl From<sqlx::Error> for IndexFailure {
    fn from(error: sqlx::Error) -> IndexFailure {
        IndexFailure::Unavailable(format!("MySQL: {error}"))
    }
}

impl fmt::Display for IndexFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IndexFailure::Unavailable(text) => write!(f, "what indexing needs is away: {text}"),
            IndexFailure::Failed(text) => write!(f, "indexing failed: {text}"),
        }
    }
}

impl std::error::Error for IndexFailure {}

/// Why a worker did not begin, or ended.
#[derive(Debug)]
pub enum WorkerError {
    /// MySQL did not answer at the start.
    Mysql(sqlx::Error),
    /// The cluster has no partitions yet: no node has served it.
    Empty,
    /// No client of Redis can be made.
    Redis(String),
    /// The address of MySQL is none.
    Address(OpenError),
    /// A part ended by a panic.
    Ended(String),
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WorkerError::Mysql(error) => write!(f, "MySQL: {error}"),
            WorkerError::Empty => f.write_str("the database holds no cluster yet"),
            WorkerError::Redis(text) => write!(f, "`redis`: {text}"),
            WorkerError::Address(error) => write!(f, "{error}"),
            WorkerError::Ended(text) => write!(f, "a part of the worker ended: {text}"),
        }
    }
}

impl std::error::Error for WorkerError {}

impl From<sqlx::Error> for WorkerError {
    fn from(error: sqlx::Error) -> WorkerError {
        WorkerError::Mysql(error)
    }
}

/// Runs a worker until `stop` holds true, or nobody can set it any more. It then ends within `options.stop_within` and
/// a few seconds: what runs is finished or given back.
///
/// # Errors
/// When it cannot begin, or a part of it ends by a panic. That a system is away later on is not an error.
pub async fn run<I: Indexer>(
    config: &ClusterConfig,
    pool: Pool,
    indexer: Arc<I>,
    options: WorkerOptions,
    mut stop: watch::Receiver<bool>,
) -> Result<(), WorkerError> {
    let partitions = partitions(&pool).await?;
    let connections_max = connections::of_worker(u16::try_from(partitions.len()).unwrap_or(u16::MAX));
    tracing::info!(
        connections_max,
        "joined the cluster; so many connections to MySQL at most"
    );
    let topology = Topology {
        delays: options.delays.clone(),
        ..Topology::new(&config.name, partitions)
    };
    let publisher = Arc::new(Publisher::new(Broker::of(config), topology));
    let node = Node::new(pool.clone(), "worker");
    let consumers = Arc::new(Consumers {
        broker: Broker::of(config),
        publisher: publisher.clone(),
        indexer: indexer.clone(),
        bounds: Bounds {
            prefetch: options.prefetch,
            partitions_at_once: options.partitions_at_once,
            tries_max: options.tries_max,
            stop_within: options.stop_within,
        },
        share: node.share(),
        troubles: node.troubles(),
    });
    let ring = Arc::new(Notify::new());
    let redis = crate::redis::client(config).map_err(WorkerError::Redis)?;
    let doorbell = Doorbell::new(redis, &config.name);
    let writes = Arc::new(writes(config, publisher.topology(), &doorbell)?);
    let parked = Arc::new(ParkedConsumer {
        broker: Broker::of(config),
        publisher: publisher.clone(),
        writes: writes.clone(),
        tries_max: options.tries_max,
        stop_within: options.stop_within,
        troubles: node.troubles(),
    });
    let relay = Relay::new(pool.clone(), publisher.clone(), ring.clone());
    let clear_index = ClearIndex::new(pool.clone(), indexer.clone());
    let lag = Lag::new(pool.clone(), publisher, indexer);

    let mut parts = JoinSet::new();
    parts.spawn(consumers.run(stop.clone()));
    parts.spawn(parked.run(stop.clone()));
    parts.spawn(doorbell.clone().send(stop.clone()));
    parts.spawn(relay.run(options.relay_every, stop.clone()));
    parts.spawn(lag.run(options.lag_every, stop.clone()));
    parts.spawn(Clear::new(pool.clone()).run(stop.clone()));
    parts.spawn(clear_index.run(stop.clone()));
    parts.spawn(Restores::new(pool.clone(), options.restore_silent_max).run(stop.clone()));
    parts.spawn(Recount::new(pool, options.recount_every).run(stop.clone()));
    parts.spawn(node.run(stop.clone()));
    parts.spawn({
        let stop = stop.clone();
        async move { doorbell.listen(move |_: Rung| ring.notify_one(), stop).await }
    });

    let ended = tokio::select! {
        () = stopped(&mut stop) => None,
        ended = parts.join_next() => ended,
    };
    if let Some(Err(error)) = ended {
        return Err(WorkerError::Ended(error.to_string()));
    }
    let ended = end(parts, options.stop_within).await;
    writes.close().await;
    ended
}

/// What parked creates are applied with: as on any node, and the nodes are told through Redis.
fn writes(config: &ClusterConfig, topology: &Topology, doorbell: &Doorbell) -> Result<Writes, WorkerError> {
    let mysql = connection::options(config).map_err(WorkerError::Address)?;
    let count = u16::try_from(topology.partitions.len()).map_err(|_| WorkerError::Empty)?;
    let doorbell = doorbell.clone();
    let told = move |moved: &[(ApplicationId, u64)]| {
        for (application, position) in moved {
            doorbell.ring(*application, *position);
        }
    };
    let lookups = Lookups::new(mysql.clone());
    Ok(Writes::start(
        mysql,
        count,
        lookups,
        system_clock(),
        Box::new(told),
    ))
}

/// Waits for all parts, which know of the stop; those that take too long are dropped.
async fn end(mut parts: JoinSet<()>, within: Duration) -> Result<(), WorkerError> {
    const CLOSE_WITHIN: Duration = Duration::from_secs(5);
    let all = async {
        while let Some(ended) = parts.join_next().await {
            ended.map_err(|error| WorkerError::Ended(error.to_string()))?;
        }
        Ok(())
    };
    let Ok(ended) = timeout(within + CLOSE_WITHIN, all).await else {
        tracing::warn!("parts of the worker did not end in time and are dropped");
        return Ok(());
    };
    ended
}

async fn partitions(pool: &Pool) -> Result<Vec<u16>, WorkerError> {
    let partitions: Vec<u16> = sqlx::query_scalar("SELECT id FROM partitions ORDER BY id")
        .fetch_all(pool)
        .await?;
    if partitions.is_empty() {
        return Err(WorkerError::Empty);
    }
    Ok(partitions)
}
