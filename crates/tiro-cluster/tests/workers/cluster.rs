//! A cluster for one test.

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicConsumeOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, Executor};
use tiro_cluster::mysql::Pool;
use tiro_cluster::rabbitmq::{Broker, Publisher, Topology};
use tiro_cluster::{ClusterConfig, SearchIndex};
use tiro_conformance::Proxy;
use tiro_conformance::address::in_database;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Nothing that a test waits for takes so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const SCHEMA: &str = include_str!("../../src/mysql/schema.sql");

#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) config: ClusterConfig,
    pub(crate) pool: Pool,
    pub(crate) topology: Topology,
}

/// Runs a test on a new cluster of two partitions, and removes it whatever happens. Once in many runs that hung: a worker that was
/// stopped gave up a statement that was being prepared, and the pool of before waited for the end of its encrypted connection.
pub(crate) async fn with_cluster<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Cluster) -> F) {
    let cluster = Box::pin(Cluster::create()).await;
    let outcome = tokio::spawn(timeout(PATIENCE, test(cluster.clone()))).await;
    // What hangs here would hang for ever: the test has ended.
    let removed = timeout(PATIENCE, cluster.remove()).await;
    match outcome {
        Ok(ended) => {
            ended.expect("the test ends in time");
            removed.expect("the cluster is removed in time");
        }
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

impl Cluster {
    async fn create() -> Cluster {
        let file = std::env::var_os("TIRO_CLUSTER")
            .expect("TIRO_CLUSTER must name the file of a running cluster: see `cargo xtask cluster up`");
        let mut config = ClusterConfig::read(Path::new(&file)).unwrap();
        config.name = format!("test-{:08x}", fastrand::u32(..));
        let options: MySqlConnectOptions = config.mysql.parse().unwrap();
        let database = config.name.replace('-', "_");
        let server = Pool::new(options.clone().database("mysql"), 1);
        let create = format!("CREATE DATABASE {database} CHARACTER SET utf8mb4");
        server.execute(AssertSqlSafe(create)).await.unwrap();
        server.close().await;
        let pool = Pool::new(options.database(&database), 8);
        config.mysql = in_database(&config.mysql, &database);
        sqlx::raw_sql(SCHEMA).execute(&pool).await.unwrap();
        pool.execute("INSERT INTO partitions VALUES (0, 0), (1, 0)")
            .await
            .unwrap();
        let delays = [50, 100].map(Duration::from_millis).to_vec();
        let topology = Topology {
            delays,
            ..Topology::new(&config.name, vec![0, 1])
        };
        Cluster {
            config,
            pool,
            topology,
        }
    }

    async fn remove(&self) {
        let index = SearchIndex::new(&self.config, [0; 16]).unwrap();
        index.delete_all().await.unwrap();
        let database = self.config.name.replace('-', "_");
        self.pool
            .execute(AssertSqlSafe(format!("DROP DATABASE {database}")))
            .await
            .unwrap();
        self.pool.close().await;
        let connection = self.rabbitmq().await;
        // Held until the connection is closed: lapin refuses to close one with a channel that is being closed.
        let channel = connection.create_channel().await.unwrap();
        self.topology.delete(&channel).await.unwrap();
        connection.close(200, "done".into()).await.unwrap();
    }

    /// A connection of the test's own, not through any proxy.
    pub(crate) async fn rabbitmq(&self) -> Connection {
        let properties = ConnectionProperties::default();
        Connection::connect(&self.config.rabbitmq, properties)
            .await
            .unwrap()
    }

    /// The same cluster with RabbitMQ behind a proxy.
    pub(crate) async fn behind_proxy(&self) -> (Cluster, Proxy) {
        let proxy = Proxy::start(&self.config.rabbitmq).await;
        let mut cluster = self.clone();
        cluster.config.rabbitmq = proxy.url().to_owned();
        (cluster, proxy)
    }

    pub(crate) fn publisher(&self) -> Arc<Publisher> {
        Arc::new(Publisher::new(Broker::of(&self.config), self.topology.clone()))
    }

    pub(crate) fn relay(&self, publisher: &Arc<Publisher>) -> tiro_cluster::worker::Relay {
        tiro_cluster::worker::Relay::new(self.pool.clone(), publisher.clone(), Arc::new(Notify::new()))
    }

    /// As if so many changes were committed.
    pub(crate) async fn commit(&self, partition: u16, changes: u64) {
        sqlx::query("UPDATE partitions SET position = position + ? WHERE id = ?")
            .bind(changes)
            .bind(partition)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Where the relay's cursors stand.
    pub(crate) async fn cursors(&self) -> HashMap<u16, u64> {
        let rows = sqlx::query_as("SELECT partition_id, position FROM relays").fetch_all(&self.pool);
        rows.await.unwrap().into_iter().collect()
    }

    /// Messages in a queue that nobody holds.
    pub(crate) async fn waiting(&self, queue: &str) -> u32 {
        let connection = self.rabbitmq().await;
        let channel = connection.create_channel().await.unwrap();
        let passive = QueueDeclareOptions::durable().passive();
        let queue = channel
            .queue_declare(queue.into(), passive, FieldTable::default())
            .await
            .unwrap();
        connection.close(200, "done".into()).await.unwrap();
        queue.message_count()
    }

    /// Waits for so many messages of a queue, and gives them back unread.
    pub(crate) async fn arrived(&self, queue: &str, messages: usize) -> Vec<Delivery> {
        let connection = self.rabbitmq().await;
        let channel = connection.create_channel().await.unwrap();
        self.topology.declare(&channel).await.unwrap();
        let consumer = channel
            .basic_consume(
                queue.into(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await
            .unwrap();
        let arrived = consumer.take(messages).map(Result::unwrap).collect().await;
        connection.close(200, "done".into()).await.unwrap();
        arrived
    }
}
