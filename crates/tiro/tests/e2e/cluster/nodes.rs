//! Nodes of a cluster of their own on the shared systems: another database, other queues, another index.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::support::{Launch, Running, Tiro, temp_folder};

/// Names the file of the systems that tests may use.
const CLUSTER_VARIABLE: &str = "TIRO_CLUSTER";

/// Two API nodes and, unless a test starts its own, two workers. All are killed when dropped.
pub(super) struct Cluster {
    pub(super) api: [Tiro; 2],
    workers: Vec<Running>,
    config: PathBuf,
    folder: TempDir,
}

/// What a file of a cluster says, as far as tests change it.
pub(super) struct Systems {
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
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Systems { text }
    }

    /// A cluster of its own name on the shared systems.
    pub(super) fn own() -> Systems {
        let name = format!("e2e-{}", fastrand::u32(..));
        Systems {
            text: Systems::shared().renamed(&name),
        }
    }

    /// With another value of a member.
    pub(super) fn with(&self, member: &str, value: &str) -> Systems {
        Systems {
            text: self.text.replace(self.member(member), value),
        }
    }

    /// The value of a member.
    pub(super) fn member(&self, name: &str) -> &str {
        let line = self
            .text
            .lines()
            .find(|line| line.starts_with(&format!("{name} =")));
        let value = line.and_then(|line| line.split('"').nth(1));
        value.unwrap_or_else(|| panic!("`{name}` is not in {CLUSTER_VARIABLE}"))
    }

    /// A file for a cluster of this name, without an operator key.
    fn renamed(&self, name: &str) -> String {
        let (server, _) = self.member("mysql").rsplit_once('/').unwrap();
        let database = name.replace('-', "_");
        let mut text = format!("name = \"{name}\"\npartitions = 4\nmysql = \"{server}/{database}\"\n");
        for member in ["rabbitmq", "redis", "opensearch", "secret"] {
            text.push_str(&format!("{member} = \"{}\"\n", self.member(member)));
        }
        text
    }
}

impl Cluster {
    /// Nodes with these further arguments of `tiro serve`.
    pub(super) fn start(arguments: &[&str]) -> Cluster {
        Cluster::on(&Systems::own(), arguments)
    }

    /// The same on these systems.
    pub(super) fn on(systems: &Systems, arguments: &[&str]) -> Cluster {
        let mut cluster = Cluster::without_workers(systems, arguments);
        for _ in 0..2 {
            let worker = cluster.worker(systems);
            cluster.add(worker);
        }
        cluster
    }

    /// The same without workers.
    pub(super) fn without_workers(systems: &Systems, arguments: &[&str]) -> Cluster {
        let folder = temp_folder();
        let config = folder.path().join("cluster.toml");
        std::fs::write(&config, &systems.text).unwrap();
        let file = config.to_str().unwrap();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--cluster", file];
        let api = [(); 2].map(|()| Tiro::launch(Launch::new(serve.iter().chain(arguments))));
        Cluster {
            api,
            workers: Vec::new(),
            config,
            folder,
        }
    }

    /// A further worker, which reaches the systems as these say; it is the caller's.
    pub(super) fn worker(&self, systems: &Systems) -> Running {
        let config = self.folder.path().join("worker.toml");
        std::fs::write(&config, &systems.text).unwrap();
        let worker = Launch::new(["worker", "--cluster", config.to_str().unwrap()]).start();
        worker
            .stdout
            .wait_for_line(&worker.stderr, |line| line.contains("is ready"));
        worker
    }

    /// Stops this worker with the others.
    pub(super) fn add(&mut self, worker: Running) {
        self.workers.push(worker);
    }

    /// Both API nodes.
    pub(super) fn servers(&self) -> [&Tiro; 2] {
        self.api.each_ref()
    }

    /// The file that the nodes were started with.
    pub(super) fn config(&self) -> &str {
        self.config.to_str().unwrap()
    }

    /// `host:port`, user, password and database of MySQL.
    pub(super) fn mysql(&self) -> Mysql {
        let text = std::fs::read_to_string(&self.config).unwrap();
        let url = Systems { text }.member("mysql").to_owned();
        let (user, rest) = url.strip_prefix("mysql://").unwrap().split_once('@').unwrap();
        let (user, password) = user.split_once(':').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let (host, port) = server.split_once(':').unwrap();
        Mysql {
            arguments: [
                format!("--host={host}"),
                format!("--port={port}"),
                format!("--user={user}"),
                format!("--password={password}"),
            ],
            database: database.to_owned(),
        }
    }

    /// SIGTERM to every node; each must end well.
    pub(super) fn stop(self) {
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

/// The command-line client of MySQL, for looking behind the service.
pub(super) struct Mysql {
    arguments: [String; 4],
    pub(super) database: String,
}

impl Mysql {
    /// What a statement answers: lines of values with tabs between them.
    pub(super) fn query(&self, statement: &str) -> String {
        let output = std::process::Command::new("mariadb")
            .arg("--no-defaults")
            .args(&self.arguments)
            .args(["--batch", "--skip-column-names", "--execute", statement])
            .output()
            .unwrap();
        assert!(output.status.success(), "{statement}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}
