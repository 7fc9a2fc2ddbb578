//! Nodes of a cluster of their own on the shared systems: another database, other queues, another index.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tiro_conformance::address::{Parts, in_database};

use crate::support::{Launch, Running, Tiro, temp_folder};

/// Names the file of the systems that tests may use.
const CLUSTER_VARIABLE: &str = "TIRO_CLUSTER";

pub(crate) const PARTITIONS: u16 = 4;

/// Two API nodes and, unless a test starts its own, two workers. All are killed when dropped.
pub(crate) struct Cluster {
    pub(crate) api: [Tiro; 2],
    pub(crate) workers: Vec<Running>,
    /// The file of each API node; workers have that of the second.
    configs: [PathBuf; 2],
    folder: TempDir,
}

/// What a file of a cluster says, as far as tests change it.
pub(crate) struct Systems {
    text: String,
}

impl Systems {
    fn shared() -> Systems {
        let file = std::env::var_os(CLUSTER_VARIABLE).unwrap_or_else(|| {
            panic!(
                "{CLUSTER_VARIABLE} is not set: run `cargo xtask test`, or `cargo xtask cluster up --dir D` and set it to \
                 D/cluster.toml"
            )
        });
        Systems::of(Path::new(&file))
    }

    /// Those of a file.
    pub(crate) fn of(file: &Path) -> Systems {
        let text =
            std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Systems { text }
    }

    /// A cluster of its own name on the shared systems.
    pub(crate) fn own() -> Systems {
        Systems::shared().renamed()
    }

    /// The whole of it.
    #[allow(dead_code, reason = "the tests of outages start nodes by files of their own")]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The value of a member.
    pub(crate) fn member(&self, name: &str) -> &str {
        let line = self
            .text
            .lines()
            .find(|line| line.starts_with(&format!("{name} =")));
        let value = line.and_then(|line| line.split('"').nth(1));
        value.unwrap_or_else(|| panic!("`{name}` is not in {CLUSTER_VARIABLE}"))
    }

    /// The same with another value of a member.
    pub(crate) fn with(&self, name: &str, value: &str) -> Systems {
        Systems {
            text: self.text.replace(self.member(name), value),
        }
    }

    /// `host:port`, user, password and database of MySQL.
    pub(crate) fn mysql(&self) -> Mysql {
        let Parts {
            host,
            port,
            user,
            password,
            path,
        } = Parts::of(self.member("mysql"));
        Mysql {
            host,
            port: port.to_string(),
            user,
            password,
            database: path,
        }
    }

    /// Those of a cluster of its own name, without an operator key.
    pub(crate) fn renamed(&self) -> Systems {
        let name = format!("e2e-{}", fastrand::u32(..));
        let mysql = in_database(self.member("mysql"), &name.replace('-', "_"));
        let mut text = format!("name = \"{name}\"\npartitions = {PARTITIONS}\nmysql = \"{mysql}\"\n");
        for member in ["rabbitmq", "redis", "opensearch", "secret"] {
            text.push_str(&format!("{member} = \"{}\"\n", self.member(member)));
        }
        Systems { text }
    }
}

/// An API node of a cluster of its own, without a worker, that finds nobody where these systems should be.
pub(super) fn node_without(systems: &[&str]) -> (Tiro, TempDir) {
    let folder = temp_folder();
    let config = folder.path().join("cluster.toml");
    let without = systems.iter().fold(Systems::own(), |systems, system| {
        let (scheme, _) = systems.member(system).split_once("://").unwrap();
        // Nothing listens on the first port: connections are refused.
        systems.with(system, &format!("{scheme}://127.0.0.1:1"))
    });
    std::fs::write(&config, without.text).unwrap();
    let node = start_api(config.to_str().unwrap(), "127.0.0.1:0");
    (node, folder)
}

impl Cluster {
    /// Nodes with these further arguments of `tiro serve`.
    pub(crate) fn start(arguments: &[&str]) -> Cluster {
        Cluster::on(&Systems::own(), arguments, &[])
    }

    /// The same as the file of these systems says, with these variables.
    pub(crate) fn on(systems: &Systems, arguments: &[&str], variables: &[(&str, &str)]) -> Cluster {
        let mut cluster = Cluster::without_workers(systems, arguments, variables);
        for _ in 0..2 {
            let worker = worker(cluster.config());
            cluster.add(ready(with(worker, variables).start()));
        }
        cluster
    }

    /// The same without workers.
    pub(crate) fn without_workers(
        systems: &Systems,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Cluster {
        let folder = temp_folder();
        let config = folder.path().join("cluster.toml");
        std::fs::write(&config, &systems.text).unwrap();
        let file = config.to_str().unwrap();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--cluster", file];
        let api = [(); 2].map(|()| Tiro::launch(with(Launch::new(serve.iter().chain(arguments)), variables)));
        Cluster {
            api,
            workers: Vec::new(),
            configs: [config.clone(), config],
            folder,
        }
    }

    /// The same with two workers, where the first API node reaches the systems another way than all others.
    pub(crate) fn apart(first: &Systems, others: &Systems) -> Cluster {
        let folder = temp_folder();
        let configs = [("first.toml", first), ("cluster.toml", others)].map(|(name, systems)| {
            let file = folder.path().join(name);
            std::fs::write(&file, &systems.text).unwrap();
            file
        });
        let api = configs
            .each_ref()
            .map(|config| start_api(config.to_str().unwrap(), "127.0.0.1:0"));
        let workers = [(); 2].map(|()| start_worker(configs[1].to_str().unwrap()));
        Cluster {
            api,
            workers: workers.into(),
            configs,
            folder,
        }
    }

    /// A further worker, which reaches the systems as these say; it is the caller's.
    pub(crate) fn worker(&self, systems: &Systems) -> Running {
        let config = self.folder.path().join("worker.toml");
        std::fs::write(&config, &systems.text).unwrap();
        start_worker(config.to_str().unwrap())
    }

    /// Stops this worker with the others.
    pub(crate) fn add(&mut self, worker: Running) {
        self.workers.push(worker);
    }

    /// Both API nodes.
    pub(crate) fn servers(&self) -> [&Tiro; 2] {
        self.api.each_ref()
    }

    /// The file that the nodes were started with; see [`Cluster::apart`].
    pub(crate) fn config(&self) -> &str {
        self.config_of(1)
    }

    /// The file of an API node.
    pub(crate) fn config_of(&self, node: usize) -> &str {
        self.configs[node].to_str().unwrap()
    }

    /// `host:port`, user, password and database of MySQL.
    pub(crate) fn mysql(&self) -> Mysql {
        Systems::of(&self.configs[1]).mysql()
    }

    /// SIGTERM to every node; each must end well.
    pub(crate) fn stop(self) {
        for ended in self.api.map(Tiro::stop) {
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
        for worker in self.workers {
            worker.terminate();
            let ended = worker.wait();
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
    }
}

/// An API node that listens at this `host:port`.
pub(crate) fn start_api(config: &str, host: &str) -> Tiro {
    Tiro::launch(Launch::new(["serve", "--listen", host, "--cluster", config]))
}

/// A worker that is ready.
#[allow(dead_code, reason = "the tests of outages start workers anew")]
pub(crate) fn start_worker(config: &str) -> Running {
    ready(worker(config).start())
}

fn with(launch: Launch, variables: &[(&str, &str)]) -> Launch {
    variables
        .iter()
        .fold(launch, |launch, (name, value)| launch.env(name, value))
}

fn worker(config: &str) -> Launch {
    Launch::new(["worker", "--cluster", config])
}

fn ready(worker: Running) -> Running {
    worker
        .stdout
        .wait_for_line(&worker.stderr, |line| line.contains("is ready"));
    worker
}

/// The command-line client of MySQL, for looking behind the service.
pub(crate) struct Mysql {
    pub(crate) host: String,
    pub(crate) port: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) database: String,
}

impl Mysql {
    /// What statements answer: lines of values with tabs between them.
    pub(crate) fn query(&self, statements: &str) -> String {
        let output = self.execute(statements);
        assert!(output.status.success(), "{statements}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether it is there.
    pub(crate) fn answers(&self) -> bool {
        self.execute("SELECT 1").status.success()
    }

    fn execute(&self, statements: &str) -> std::process::Output {
        let Mysql {
            host,
            port,
            user,
            password,
            ..
        } = self;
        std::process::Command::new("mariadb")
            .arg("--no-defaults")
            .args([format!("--host={host}"), format!("--port={port}")])
            .args([format!("--user={user}"), format!("--password={password}")])
            .args(["--batch", "--skip-column-names", "--execute", statements])
            .output()
            .unwrap()
    }
}
