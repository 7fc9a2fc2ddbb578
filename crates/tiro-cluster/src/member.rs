//! A process that works on a cluster without serving requests: a worker, or a command of the operator.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::watch;

use crate::indexer::{Indexer, IndexerError};
use crate::mysql::connection;
use crate::mysql::connections::WORKER_MAX;
use crate::mysql::pool::Pool;
use crate::opensearch::{Below, IndexError, SearchIndex};
use crate::rabbitmq::dead::DeadLetters;
use crate::rabbitmq::{Broker, Publisher, RabbitError, Topology};
use crate::worker::{self, IndexFailure, WorkerError, WorkerOptions};
use crate::{ClusterConfig, OpenError, planted};

/// A member of a cluster whose tables are there and of a version that it knows.
pub struct Member {
    config: ClusterConfig,
    pool: Pool,
    partitions: Vec<u16>,
    index: SearchIndex,
}

impl Member {
    /// Joins a cluster; makes its tables if nobody has. Connects to MySQL alone: the other systems may be away.
    ///
    /// # Errors
    /// Why it cannot take part.
    pub fn join(config: &ClusterConfig) -> BoxFuture<'_, Result<Member, OpenError>> {
        Box::pin(Member::connect(config))
    }

    async fn connect(config: &ClusterConfig) -> Result<Member, OpenError> {
        planted::choose().map_err(OpenError::Planted)?;
        let mysql = connection::options(config)?;
        let partitions = (0..connection::prepare(&mysql, config).await?).collect();
        let pool = Pool::new(mysql, WORKER_MAX);
        let index = search_index(config, &pool).await?;
        Ok(Member {
            config: config.clone(),
            pool,
            partitions,
            index,
        })
    }

    /// Works until `stop` holds true; see [`worker::run`].
    ///
    /// # Errors
    /// See [`worker::run`].
    pub fn work(
        self,
        options: WorkerOptions,
        stop: watch::Receiver<bool>,
    ) -> BoxFuture<'static, Result<(), WorkerError>> {
        Box::pin(async move {
            let indexer = Arc::new(self.indexer());
            worker::run(&self.config, self.pool, indexer, options, stop).await
        })
    }

    /// What brings the search index after the database.
    #[must_use]
    pub fn indexer(&self) -> Indexer {
        Indexer::new(self.pool.clone(), self.index.clone())
    }

    /// What announces changes to the queues of this cluster.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        let topology = Topology::new(&self.config.name, self.partitions.clone());
        Publisher::new(Broker::of(&self.config), topology)
    }

    /// What workers gave up.
    ///
    /// # Errors
    /// When RabbitMQ is away.
    pub fn dead_letters(&self) -> BoxFuture<'_, Result<DeadLetters, RabbitError>> {
        Box::pin(async { DeadLetters::open(&Broker::of(&self.config), &self.publisher()).await })
    }
}

/// The search index of the data set that MySQL holds.
pub(crate) async fn search_index(config: &ClusterConfig, pool: &Pool) -> Result<SearchIndex, OpenError> {
    let data_set: Vec<u8> = sqlx::query_scalar("SELECT data_set FROM server WHERE one = 1")
        .fetch_one(pool)
        .await?;
    let data_set = data_set
        .try_into()
        .map_err(|_| OpenError::Schema("the row of `server` names no data set".to_owned()))?;
    SearchIndex::new(config, data_set).map_err(|error| OpenError::Opensearch(error.to_string()))
}

/// The work that RabbitMQ brings.
impl worker::Indexer for Indexer {
    async fn index(&self, partition: u16, through: u64) -> Result<(), IndexFailure> {
        self.index_partition(partition, through).await?;
        Ok(())
    }

    async fn indexed(&self, partitions: &[u16]) -> Result<Vec<u64>, IndexFailure> {
        let generation = match self.index().current().await {
            // The first work makes it.
            Err(IndexError::Missing) => return Ok(vec![0; partitions.len()]),
            current => current.map_err(IndexerError::from)?,
        };
        let mut indexed = Vec::new();
        for partition in partitions {
            let watermark = self.index().watermark(&generation, *partition).await;
            indexed.push(watermark.map_err(IndexerError::from)?);
        }
        Ok(indexed)
    }

    async fn purge(&self, partition: u16, below: &[Below]) -> Result<u64, IndexFailure> {
        match Indexer::index(self).purge(partition, below).await {
            Err(IndexError::Missing) => Ok(0),
            purged => Ok(purged.map_err(IndexerError::from)?),
        }
    }
}

impl From<IndexerError> for IndexFailure {
    fn from(error: IndexerError) -> IndexFailure {
        if error.is_temporary() {
            IndexFailure::Unavailable(error.to_string())
        } else {
            IndexFailure::Failed(error.to_string())
        }
    }
}
