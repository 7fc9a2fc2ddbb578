//! The cluster engine keeps the contract: without an index, where every search reads the tail, and beside an indexer.

mod indexed;

use std::path::Path;
use std::sync::Arc;

use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tiro_cluster::{ClusterConfig, ClusterEngine, Options};
use tiro_conformance::address::in_database;
use tiro_conformance::{World, conformance_tests, model_test};
use tiro_core::Engine;

const HOW: &str = "the variable TIRO_CLUSTER must name the file of a running cluster: start one with \
     `cargo xtask cluster up --dir DIR` and set TIRO_CLUSTER=DIR/cluster.toml, or run `cargo xtask test`";

/// A database of its own, dropped at the end.
struct InDatabase {
    config: ClusterConfig,
    server: String,
    name: String,
    engine: Option<Arc<ClusterEngine>>,
}

impl InDatabase {
    async fn open(config: &ClusterConfig) -> Arc<ClusterEngine> {
        let engine = ClusterEngine::open(config, Options::default()).await;
        Arc::new(engine.expect("the cluster opens"))
    }
}

impl World for InDatabase {
    async fn fresh() -> InDatabase {
        let file = std::env::var("TIRO_CLUSTER").expect(HOW);
        let mut config = ClusterConfig::read(Path::new(&file)).expect("the file of the cluster is right");
        let server = in_database(&config.mysql, "information_schema");
        let name = format!("tiro_world_{}_{:016x}", std::process::id(), fastrand::u64(..));
        config.mysql = in_database(&config.mysql, &name);
        config.name = format!("w-{:016x}", fastrand::u64(..));
        config.partitions = 3;
        config.mysql_read_connections_max = 8;
        let engine = Some(InDatabase::open(&config).await);
        InDatabase {
            config,
            server,
            name,
            engine,
        }
    }

    fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(self.engine.as_ref().expect("the engine is open between reopens")) as Arc<dyn Engine>
    }

    async fn reopen(&mut self) {
        let engine = self.engine.take().expect("the engine is open between reopens");
        engine.close().await;
        drop(engine);
        self.engine = Some(InDatabase::open(&self.config).await);
    }
}

impl Drop for InDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async {
                let mut connection = server.parse::<MySqlConnectOptions>()?.connect().await?;
                let statement = format!("DROP DATABASE IF EXISTS `{name}`");
                sqlx::raw_sql(AssertSqlSafe(statement))
                    .execute(&mut connection)
                    .await?;
                connection.close().await
            })
        });
        let dropped = dropped.join().expect("the thread that drops a database ends");
        if let Err(error) = dropped {
            eprintln!("the database {} was not dropped: {error}", self.name);
        }
    }
}

conformance_tests!(InDatabase);
model_test!(InDatabase);
