//! How a cluster stands: queues, dead letters, how far each partition is announced and indexed, and who takes part.
//!
//! MySQL has to answer. What RabbitMQ and the index say is there or not, each by itself.

use std::time::Duration;

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ErrorKind};
use sqlx::Row;
use tokio::time::timeout;

use crate::mysql::pool::Pool;
use crate::nodes::{self, SeenNode};
use crate::rabbitmq::{Broker, RabbitError, Topology};
use crate::worker::{IndexFailure, Indexer};

const QUEUES_WITHIN: Duration = Duration::from_secs(10);

/// The state of a cluster; its parts were read one after the other.
#[derive(Clone, Debug)]
pub struct ClusterStatus {
    /// In the order of their numbers.
    pub partitions: Vec<PartitionStatus>,
    /// What RabbitMQ says.
    pub queues: Result<QueuesStatus, RabbitError>,
    /// Why it is not known how far the index goes.
    pub index_failure: Option<IndexFailure>,
    /// Who takes part, the oldest first.
    pub nodes: Vec<SeenNode>,
}

/// How far the changes of a partition got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// Its number.
    pub partition: u16,
    /// Of its latest change.
    pub position: u64,
    /// Announced up to here.
    pub announced: u64,
    /// Indexed up to here; `None` where that is not known.
    pub indexed: Option<u64>,
    /// Since the oldest change that is not announced was made.
    pub oldest_not_announced: Option<Duration>,
    /// Since the oldest change that is not indexed was made; `None` also where it is not known.
    pub oldest_not_indexed: Option<Duration>,
}

impl PartitionStatus {
    /// Changes that were not announced to the workers.
    #[must_use]
    pub fn relay_lag(&self) -> u64 {
        self.position.saturating_sub(self.announced)
    }

    /// Changes that were not indexed, announced or not.
    #[must_use]
    pub fn search_lag(&self) -> Option<u64> {
        Some(self.position.saturating_sub(self.indexed?))
    }
}

/// What AMQP says of the queues: messages that nobody holds. How many a worker holds at the moment is told by no
/// question of AMQP; that much is in [`PartitionStatus::search_lag`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuesStatus {
    /// One a partition, in their order.
    pub changes: Vec<QueueStatus>,
    /// Parked creates that wait to be applied.
    pub parked: QueueStatus,
    /// What failed and waits to be tried again, one a delay.
    pub retries: Vec<QueueStatus>,
    /// Dead letters.
    pub dead: QueueStatus,
}

/// A queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStatus {
    /// Its name.
    pub name: String,
    /// Messages that wait and consumers that are there, the active one and those that stand by; `None` where there is no
    /// such queue.
    pub counts: Option<QueueCounts>,
}

/// Of a queue that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueCounts {
    /// Messages that nobody holds.
    pub waiting: u32,
    /// Consumers.
    pub consumers: u32,
}

impl ClusterStatus {
    /// Asks all systems. It has no bound of its own where MySQL falls silent: whoever calls it sets one.
    ///
    /// # Errors
    /// When MySQL does not answer.
    pub async fn load<I: Indexer>(
        pool: &Pool,
        broker: &Broker,
        topology: &Topology,
        indexer: &I,
    ) -> Result<ClusterStatus, sqlx::Error> {
        let mut partitions = partitions(pool).await?;
        let numbers: Vec<u16> = partitions.iter().map(|partition| partition.partition).collect();
        let index_failure = match indexer.indexed(&numbers).await {
            Ok(indexed) => {
                for (partition, indexed) in partitions.iter_mut().zip(indexed) {
                    partition.indexed = Some(indexed);
                }
                None
            }
            Err(failure) => Some(failure),
        };
        for partition in &mut partitions {
            partition.oldest_not_announced =
                age_after(pool, partition.partition, partition.announced).await?;
            if let Some(indexed) = partition.indexed {
                partition.oldest_not_indexed = age_after(pool, partition.partition, indexed).await?;
            }
        }
        let queues = timeout(QUEUES_WITHIN, queues(broker, topology)).await;
        Ok(ClusterStatus {
            partitions,
            queues: queues.unwrap_or(Err(RabbitError::Unanswered)),
            index_failure,
            nodes: nodes::seen(pool).await?,
        })
    }
}

async fn partitions(pool: &Pool) -> Result<Vec<PartitionStatus>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT partitions.id, partitions.position, relays.position FROM partitions \
         LEFT JOIN relays ON relays.partition_id = partitions.id ORDER BY partitions.id",
    )
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(PartitionStatus {
                partition: row.try_get(0)?,
                position: row.try_get(1)?,
                announced: row.try_get::<Option<u64>, _>(2)?.unwrap_or(0),
                indexed: None,
                oldest_not_announced: None,
                oldest_not_indexed: None,
            })
        })
        .collect()
}

/// How long ago the first change behind `position` was made.
async fn age_after(pool: &Pool, partition: u16, position: u64) -> Result<Option<Duration>, sqlx::Error> {
    let at: Option<i64> = sqlx::query_scalar(
        "SELECT at FROM changes WHERE partition_id = ? AND partition_position > ? \
         ORDER BY partition_position LIMIT 1",
    )
    .bind(partition)
    .bind(position)
    .fetch_optional(pool)
    .await?;
    let since = |at: i64| Duration::from_millis((crate::clock::now_ms() - at).max(0).unsigned_abs());
    Ok(at.map(since))
}

async fn queues(broker: &Broker, topology: &Topology) -> Result<QueuesStatus, RabbitError> {
    let connection = broker.connect(&format!("{} status", topology.name)).await?;
    let mut status = QueuesStatus {
        changes: Vec::new(),
        parked: queue(&connection, topology.parked()).await?,
        retries: Vec::new(),
        dead: queue(&connection, topology.dead()).await?,
    };
    for partition in &topology.partitions {
        status
            .changes
            .push(queue(&connection, topology.partition(*partition)).await?);
    }
    for delay in &topology.delays {
        status
            .retries
            .push(queue(&connection, topology.waiting(*delay)).await?);
    }
    connection.close(200, "done".into()).await?;
    Ok(status)
}

/// On a channel of its own, since RabbitMQ closes the channel that asks for a queue that is not there.
async fn queue(connection: &Connection, name: String) -> Result<QueueStatus, RabbitError> {
    const NOT_FOUND: u16 = 404;
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions::durable().passive();
    let counts = match channel
        .queue_declare(name.as_str().into(), passive, FieldTable::default())
        .await
    {
        Ok(queue) => {
            channel.close(200, "done".into()).await?;
            Some(QueueCounts {
                waiting: queue.message_count(),
                consumers: queue.consumer_count(),
            })
        }
        Err(error) => match error.kind() {
            ErrorKind::ProtocolError(refused) if refused.get_id() == NOT_FOUND => None,
            _ => return Err(error.into()),
        },
    };
    Ok(QueueStatus { name, counts })
}
