//! A database of a test's own, gone with the test, and engines on it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tiro_conformance::address::{at_port, in_database, with_parameter};
use tokio::runtime::Builder;

use crate::mysql::connection;
use crate::{ClusterConfig, ClusterEngine, Options};

const HOW: &str = "the variable TIRO_CLUSTER must name the file of a running cluster: start one with \
     `cargo xtask cluster up --dir DIR` and set TIRO_CLUSTER=DIR/cluster.toml, or run `cargo xtask test`";

static DATABASES: AtomicU32 = AtomicU32::new(0);

pub(super) struct Database {
    pub(super) config: ClusterConfig,
    server: MySqlConnectOptions,
    name: String,
}

impl Database {
    /// A database that does not exist yet.
    pub(super) fn new() -> Database {
        let file = std::env::var("TIRO_CLUSTER").expect(HOW);
        let mut config = ClusterConfig::read(Path::new(&file)).expect("the file of the cluster is right");
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let random = fastrand::u32(..);
        let name = format!("tiro_test_{}_{number}_{random:08x}", std::process::id());
        let server = connection::options(&config).expect("the file names a database");
        config.mysql = in_database(&config.mysql, &name);
        config.partitions = 4;
        Database {
            config,
            server: server.database("information_schema"),
            name,
        }
    }

    pub(super) async fn open(&self) -> ClusterEngine {
        ClusterEngine::open(&self.config, Options::default())
            .await
            .expect("the cluster opens")
    }

    /// A connection of the test's own.
    pub(super) async fn connect(&self) -> MySqlConnection {
        let options = self.server.clone().database(&self.name);
        options.connect().await.expect("MySQL answers")
    }

    pub(super) async fn rows(&self, question: &str) -> Vec<MySqlRow> {
        let mut connection = self.connect().await;
        let rows = sqlx::raw_sql(AssertSqlSafe(question.to_owned()))
            .fetch_all(&mut connection)
            .await;
        rows.unwrap_or_else(|error| panic!("{question}: {error}"))
    }

    pub(super) async fn number(&self, question: &str) -> i64 {
        let rows = self.rows(question).await;
        rows[0].try_get(0).expect("a number was asked for")
    }

    pub(super) async fn count(&self, question: &str) -> u64 {
        let rows = self.rows(question).await;
        rows[0].try_get(0).expect("a count was asked for")
    }

    /// Every column, with its type and what it holds where nothing is said.
    pub(super) async fn columns(&self) -> Vec<String> {
        let columns = "SELECT CONCAT_WS(' ', table_name, ordinal_position, column_name, column_type, is_nullable, column_key, \
                       IFNULL(column_default, '')) FROM information_schema.columns WHERE table_schema = DATABASE() \
                       ORDER BY table_name, ordinal_position";
        let rows = self.rows(columns).await;
        let text = |row: &MySqlRow| row.try_get(0).expect("a text was asked for");
        rows.iter().map(text).collect()
    }

    /// Where MySQL is.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.server.get_host(), self.server.get_port())
    }

    /// From now on MySQL is reached at another port of this machine, without TLS.
    pub(super) fn reach_through(&mut self, port: u16) {
        self.config.mysql = with_parameter(&at_port(&self.config.mysql, port), "ssl-mode", "DISABLED");
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS `{}`", self.name);
        let server = self.server.clone();
        let dropped = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async {
                let mut connection = MySqlConnection::connect_with(&server).await?;
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
