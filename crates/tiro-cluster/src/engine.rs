//! The running engine: one writer a partition, and reads from the primary.

mod background;
mod port;
mod report;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use background::Background;
use report::Report;

use crate::ClusterConfig;
use crate::clock::{Clock, system_clock};
use crate::errors::OpenError;
use crate::indexer::Indexer;
use crate::lookups::Lookups;
use crate::member::search_index;
use crate::mysql::connection;
use crate::mysql::connections::{self, BESIDE_MAX};
use crate::mysql::pool::Pool;
use crate::parking::Parking;
use crate::planted;
use crate::rabbitmq::{Broker, Publisher, Topology};
use crate::reads::Reads;
use crate::redis::{Doorbell, Pages};
use crate::search::{Index, Indexed};
use crate::waiting::Waiting;
use crate::writes::Writes;

/// How long it is waited for what MySQL says of an operation, before it is said to be pending.
const OPERATION_WITHIN: Duration = Duration::from_secs(3);

/// How a node takes part.
#[derive(Clone)]
pub struct Options {
    /// Where it takes the time from.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            clock: system_clock(),
        }
    }
}

/// The engine of one node of a cluster. Opened with [`ClusterEngine::open`], ended with [`ClusterEngine::close`].
pub struct ClusterEngine {
    writes: Writes,
    /// `None` without a secret: then nothing is kept for later.
    parking: Option<Parking>,
    /// Of what no request waits for.
    pool: Pool,
    reads: Reads,
    waiting: Arc<Waiting>,
    background: Background,
    report: Report,
    indexed: Arc<Indexed>,
    /// For rate limits: where Redis is, and what keys of this cluster begin with.
    redis: (::redis::Client, String),
}

impl ClusterEngine {
    /// Takes part in a cluster: makes the database and its tables if they are missing, checks what MySQL is set to, and
    /// starts the writers. To be called inside a runtime, which carries the engine from then on.
    ///
    /// # Errors
    /// Why it cannot take part.
    pub fn open(config: &ClusterConfig, options: Options) -> BoxFuture<'_, Result<ClusterEngine, OpenError>> {
        Box::pin(ClusterEngine::start(config, options))
    }

    async fn start(config: &ClusterConfig, options: Options) -> Result<ClusterEngine, OpenError> {
        planted::choose().map_err(OpenError::Planted)?;
        let mysql = connection::options(config)?;
        let count = connection::prepare(&mysql, config).await?;
        let partitions: Vec<u16> = (0..count).collect();
        let connections_max = connections::of_node(count, config.mysql_read_connections_max);
        tracing::info!(
            connections_max,
            "joined the cluster; so many connections to MySQL at most"
        );
        let lookups = Lookups::new(mysql.clone());
        let pool = Pool::new(mysql.clone(), BESIDE_MAX);
        let waiting = Arc::new(Waiting::new());
        let redis = crate::redis::client(config).map_err(OpenError::Redis)?;
        let doorbell = Doorbell::new(redis.clone(), &config.name);
        let pages_pool = lookups.pool.another(config.mysql_read_connections_max);
        let index = search_index(config, &pool).await?;
        let indexed = Arc::new(Indexed::new(index.clone(), lookups.clone()));
        let indexer = Indexer::new(pool.clone(), index.clone());
        let parking = config.secret.as_deref().map(|secret| {
            let topology = Topology::new(&config.name, partitions.clone());
            Parking::start(Publisher::new(Broker::of(config), topology), secret)
        });
        let report = Report::new(config, pool.clone(), partitions, indexer);
        let told = Arc::clone(&waiting);
        let (pages, puts) = Pages::new(redis.clone(), &config.name, index.data_set());
        let through_redis = (&redis, &doorbell, puts);
        let background = Background::start(config, through_redis, told, pool.clone(), index);
        let asked = Arc::clone(&indexed) as Arc<dyn Index>;
        let reads = Reads::new(pages_pool, pages, Arc::clone(&waiting), asked);
        let told = Box::new(background::told(Arc::clone(&waiting), doorbell));
        let writes = Writes::start(mysql, count, lookups, options.clock, told);
        Ok(ClusterEngine {
            writes,
            parking,
            pool,
            reads,
            waiting,
            background,
            report,
            indexed,
            redis: (redis, config.name.clone()),
        })
    }

    /// Serves what was accepted, for 20 s at most, and lets go of MySQL. Later requests are refused. A second call does
    /// nothing.
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.stop())
    }

    async fn stop(&self) {
        self.writes.begin_to_close();
        // Streams end first: they hold back who stops the server.
        self.waiting.stop();
        if let Some(parking) = &self.parking {
            parking.close().await;
        }
        self.writes.close().await;
        self.background.stop().await;
        self.pool.close().await;
    }
}

/// What was accepted and is not carried out yet is answered as unknown.
impl Drop for ClusterEngine {
    fn drop(&mut self) {
        self.waiting.stop();
    }
}
