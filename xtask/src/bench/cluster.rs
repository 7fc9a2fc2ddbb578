//! A cluster of the bench's own: nodes and workers of the release binary on the four systems, in a database of its own.
//!
//! The systems are those that `TIRO_CLUSTER` names, else the bench brings up its own, once a run, and ends them with it.

pub(super) mod processors;
pub(super) mod raw;
pub(super) mod status;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::mysql::MySqlConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::Plan;
use super::api::Api;
use super::process::Process;
use super::server;
use crate::cluster::{Lent, PIDS_JSON};

/// Workers of every deployment.
pub(super) const WORKERS: usize = 2;
/// Partitions of every deployment: as many as a new cluster has unless it is told otherwise.
pub(super) const PARTITIONS: usize = 4;
/// How long the index may go on with what it took in before the workers stood still.
const SETTLED_WITHIN: Duration = Duration::from_secs(20);

/// MariaDB, RabbitMQ, Redis and OpenSearch.
pub(crate) struct Systems {
    /// What their `cluster.toml` says.
    members: toml::Table,
    processes: BTreeMap<String, u32>,
    /// Kept for as long as they run.
    _lent: Lent,
}

impl Systems {
    /// Brings them up.
    pub(super) fn bring_up() -> anyhow::Result<Systems> {
        let lent = Lent::prepare()?;
        let file = lent.bring_up()?;
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let pids = file.with_file_name(PIDS_JSON);
        let pids = fs::read_to_string(&pids).with_context(|| pids.display().to_string())?;
        Ok(Systems {
            members: toml::from_str(&text)?,
            processes: serde_json::from_str(&pids)?,
            _lent: lent,
        })
    }

    fn member(&self, name: &str) -> anyhow::Result<&str> {
        let value = self.members.get(name).and_then(toml::Value::as_str);
        value.with_context(|| format!("cluster.toml has no `{name}`"))
    }

    /// The serving processes, by name.
    pub(super) fn processes(&self) -> impl Iterator<Item = (&str, Process)> {
        let processes = self.processes.iter();
        processes.map(|(name, id)| (name.as_str(), Process::of(*id)))
    }
}

/// A program that runs; it is killed when this is dropped.
pub(super) struct Running(Child);

impl Running {
    pub(super) fn process(&self) -> Process {
        Process::of(self.0.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("a node did not end: {error}");
        }
    }
}

/// An API node.
pub(super) struct Node {
    pub(super) api: Api,
    pub(super) running: Running,
}

/// Nodes and workers of one cluster. The database goes with it; queues and the index of borrowed systems stay.
pub(super) struct Deployment<'a> {
    systems: &'a Systems,
    mysql: MySqlConnectOptions,
    pub(super) database: String,
    pub(super) nodes: Vec<Node>,
    pub(super) workers: Vec<Running>,
    config: PathBuf,
    _folder: TempDir,
}

impl<'a> Deployment<'a> {
    /// So many API nodes, and [`WORKERS`] workers.
    pub(super) fn start(plan: &'a Plan, nodes: usize) -> anyhow::Result<Deployment<'a>> {
        let systems = plan.systems()?;
        let folder = plan.temporary_folder()?;
        let database = format!("bench_{:08x}", fastrand::u32(..));
        let config = folder.path().join("cluster.toml");
        fs::write(&config, systems.file_for(&database, systems.member("redis")?)?)?;
        let mut deployment = Deployment {
            systems,
            mysql: MySqlConnectOptions::from_str(&systems.mysql_for(&database)?)?.disable_statement_logging(),
            database,
            nodes: Vec::new(),
            workers: Vec::new(),
            config,
            _folder: folder,
        };
        for _ in 0..nodes {
            let node = deployment.node(&deployment.config)?;
            deployment.nodes.push(node);
        }
        for _ in 0..WORKERS {
            let arguments = ["worker", "--cluster"].map(OsStr::new);
            let arguments = arguments.into_iter().chain([deployment.config.as_os_str()]);
            let ready = |line: &str| line.contains("is ready").then_some(());
            let (child, ()) = server::start(arguments, ready)?;
            deployment.workers.push(Running(child));
        }
        Ok(deployment)
    }

    fn node(&self, config: &Path) -> anyhow::Result<Node> {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--cluster"].map(OsStr::new);
        let arguments = arguments.into_iter().chain([config.as_os_str()]);
        let (child, address) = server::start(arguments, server::address_in)?;
        Ok(Node {
            api: Api::at(address),
            running: Running(child),
        })
    }

    /// One more node, that nobody sent anything yet.
    pub(super) fn another_node(&self) -> anyhow::Result<Node> {
        self.node(&self.config)
    }

    /// One more node, with a Redis of its own at this port.
    pub(super) fn node_with_redis(&self, port: u16) -> anyhow::Result<Node> {
        let redis = format!("redis://127.0.0.1:{port}/0");
        let config = self.config.with_file_name("own-redis.toml");
        fs::write(&config, self.systems.file_for(&self.database, &redis)?)?;
        self.node(&config)
    }

    /// The first so many nodes.
    pub(super) fn addresses(&self, nodes: usize) -> Vec<SocketAddr> {
        self.nodes[..nodes]
            .iter()
            .map(|node| node.api.address())
            .collect()
    }

    /// How to reach a database of MySQL.
    pub(super) fn mysql(&self, database: &str) -> MySqlConnectOptions {
        self.mysql.clone().database(database)
    }

    /// Carries statements out.
    pub(super) fn tell(&self, statements: String) -> anyhow::Result<()> {
        runtime()?.block_on(async {
            let options = self.mysql("information_schema");
            let mut connection = sqlx::MySqlConnection::connect_with(&options).await?;
            sqlx::raw_sql(AssertSqlSafe(statements))
                .execute(&mut connection)
                .await?;
            Ok(connection.close().await?)
        })
    }

    /// Transactions that were carried out, of the last hours.
    pub(super) fn transactions(&self) -> anyhow::Result<u64> {
        runtime()?.block_on(async {
            let options = self.mysql(&self.database);
            let mut connection = sqlx::MySqlConnection::connect_with(&options).await?;
            let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM transactions")
                .fetch_one(&mut connection)
                .await?;
            connection.close().await?;
            Ok(u64::try_from(count)?)
        })
    }

    /// Does something while the workers stand still.
    pub(super) fn without_workers<T>(&self, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
        self.signal(Signal::STOP)?;
        let search = self.systems.processes().find(|(name, _)| *name == "opensearch");
        let settled = search.map_or(Ok(()), |(_, process)| process.settle(SETTLED_WITHIN));
        let done = settled.and_then(|()| work());
        self.signal(Signal::CONT)?;
        done
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        for worker in &self.workers {
            let pid = Pid::from_child(&worker.0);
            kill_process(pid, signal).context("a worker is gone")?;
        }
        Ok(())
    }

    /// Whose processor time counts, by what they are.
    pub(super) fn parts(&self) -> Vec<(String, Vec<Process>)> {
        let processes = |running: &mut dyn Iterator<Item = &Running>| running.map(Running::process).collect();
        let systems = self.systems.processes();
        let mut parts: Vec<(String, Vec<Process>)> = systems
            .map(|(name, process)| (name.to_owned(), vec![process]))
            .collect();
        let nodes = processes(&mut self.nodes.iter().map(|node| &node.running));
        parts.push(("API nodes".to_owned(), nodes));
        parts.push(("workers".to_owned(), processes(&mut self.workers.iter())));
        parts.push(("the load".to_owned(), vec![Process::of(std::process::id())]));
        parts
    }
}

impl Drop for Deployment<'_> {
    fn drop(&mut self) {
        self.nodes.clear();
        self.workers.clear();
        if let Err(error) = self.tell(format!(
            "DROP DATABASE IF EXISTS `{}`; DROP DATABASE IF EXISTS `{}`",
            self.database,
            raw::database(self)
        )) {
            eprintln!("the database {} was not removed: {error:#}", self.database);
        }
    }
}

impl Systems {
    /// Without TLS, as all that was measured before the servers offered it, unless the address says something else.
    fn mysql_for(&self, database: &str) -> anyhow::Result<String> {
        let mysql = self.member("mysql")?;
        let (place, parameters) = mysql.split_once('?').unwrap_or((mysql, "ssl-mode=DISABLED"));
        let (server, _) = place.rsplit_once('/').context("`mysql` names no database")?;
        Ok(format!("{server}/{database}?{parameters}"))
    }

    /// A file for a cluster of its own on the same systems, without an operator key.
    fn file_for(&self, database: &str, redis: &str) -> anyhow::Result<String> {
        let mysql = self.mysql_for(database)?;
        let name = database.replace('_', "-");
        let mut text = format!(
            "name = \"{name}\"
partitions = {PARTITIONS}
mysql = \"{mysql}\"
redis = \"{redis}\"
"
        );
        for member in ["rabbitmq", "opensearch", "secret"] {
            text.push_str(&format!(
                "{member} = \"{}\"
",
                self.member(member)?
            ));
        }
        Ok(text)
    }
}

/// A runtime on this thread.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?)
}
