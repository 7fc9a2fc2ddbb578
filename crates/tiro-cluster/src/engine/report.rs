//! How the cluster stands, as an operator asks any of its API nodes.

use tiro_core::{Failure, NodeStatus, PartitionStatus, QueueStatus, Shortage, Status, Timestamp};

use crate::ClusterConfig;
use crate::clock::now_ms;
use crate::errors::unavailable;
use crate::indexer::Indexer;
use crate::mysql::beside::step;
use crate::mysql::pool::Pool;
use crate::nodes::SeenNode;
use crate::rabbitmq::{Broker, Topology};
use crate::status::{self, ClusterStatus, QueuesStatus};

/// Asks the systems for it.
pub(super) struct Report {
    pool: Pool,
    broker: Broker,
    topology: Topology,
    indexer: Indexer,
}

impl Report {
    pub(super) fn new(config: &ClusterConfig, pool: Pool, partitions: Vec<u16>, indexer: Indexer) -> Report {
        Report {
            pool,
            broker: Broker::of(config),
            topology: Topology::new(&config.name, partitions),
            indexer,
        }
    }

    pub(super) async fn status(&self) -> Result<Status, Failure> {
        let loading = ClusterStatus::load(&self.pool, &self.broker, &self.topology, &self.indexer);
        let cluster = step(loading).await.map_err(|error| {
            tracing::warn!(%error, "MySQL does not say how the cluster stands");
            unavailable(Shortage::StorageUnavailable)
        })?;
        let mut remarks = Vec::new();
        if let Some(failure) = &cluster.index_failure {
            remarks.push(format!("The search index does not say how far it is: {failure}."));
        }
        let troubled = cluster.nodes.iter().filter_map(|node| {
            let trouble = node.trouble.as_ref()?;
            Some(format!("The {} {} has trouble: {trouble}.", node.role, node.name))
        });
        remarks.extend(troubled);
        let (queues, dead_letters) = match &cluster.queues {
            Ok(queues) => (
                queue_statuses(queues, &cluster.partitions),
                // Workers make the queue: before the first, nothing was given up.
                waiting(&queues.dead).or(Some(0)),
            ),
            Err(error) => {
                remarks.push(format!("RabbitMQ does not say what waits: {error}."));
                (Vec::new(), None)
            }
        };
        Ok(Status {
            dead_letters,
            queues,
            partitions: cluster.partitions.iter().map(partition_status).collect(),
            nodes: cluster.nodes.into_iter().map(node_status).collect(),
            remarks,
        })
    }
}

fn waiting(queue: &status::QueueStatus) -> Option<u64> {
    queue.counts.map(|counts| u64::from(counts.waiting))
}

/// One for each partition, that of parked creates, then those in which failed work waits for its next try.
fn queue_statuses(queues: &QueuesStatus, partitions: &[status::PartitionStatus]) -> Vec<QueueStatus> {
    let of_changes = queues
        .changes
        .iter()
        .zip(partitions)
        .map(|(queue, partition)| QueueStatus {
            name: queue.name.clone(),
            waiting: waiting(queue).unwrap_or(0),
            // AMQP says only what nobody holds.
            running: None,
            failed: Some(0),
            oldest_age: partition.oldest_not_indexed,
        });
    let of_retries = queues.retries.iter().map(|queue| QueueStatus {
        name: queue.name.clone(),
        waiting: 0,
        running: Some(0),
        failed: waiting(queue),
        oldest_age: None,
    });
    // AMQP does not say how long the oldest has waited, and looking at it would count as delivering it.
    let of_parked = QueueStatus {
        name: queues.parked.name.clone(),
        waiting: waiting(&queues.parked).unwrap_or(0),
        running: None,
        failed: Some(0),
        oldest_age: None,
    };
    of_changes.chain([of_parked]).chain(of_retries).collect()
}

fn partition_status(partition: &status::PartitionStatus) -> PartitionStatus {
    PartitionStatus {
        number: partition.partition,
        changes: partition.position,
        relayed: partition.announced,
        indexed: partition.indexed,
    }
}

fn node_status(node: SeenNode) -> NodeStatus {
    let now = now_ms();
    let before = |age: std::time::Duration| {
        Timestamp::from_millis(now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX)))
    };
    NodeStatus {
        role: node.role,
        name: node.name,
        started_at: before(node.age),
        seen_at: before(node.silent),
    }
}
