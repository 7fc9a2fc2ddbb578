//! Servers that a test may hurt: lent by `cargo xtask cluster lend`, which ends them when this process has ended.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// What `lend` prints before the path of the `cluster.toml`.
const LENT: &str = "lent: ";

/// The four systems, under the names of `pids.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    MySql,
    RabbitMq,
    Redis,
    OpenSearch,
}

pub(crate) struct Servers {
    lender: Child,
    said: Lines<BufReader<ChildStdout>>,
    /// The `cluster.toml`.
    pub(crate) file: PathBuf,
}

impl System {
    pub(crate) const ALL: [System; 4] = [System::Redis, System::RabbitMq, System::OpenSearch, System::MySql];

    /// In [`System::ALL`].
    pub(crate) fn place(self) -> usize {
        let place = System::ALL.iter().position(|other| *other == self);
        place.expect("all are there")
    }

    /// Its member in `cluster.toml` and `pids.json`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            System::MySql => "mysql",
            System::RabbitMq => "rabbitmq",
            System::Redis => "redis",
            System::OpenSearch => "opensearch",
        }
    }
}

impl Servers {
    pub(crate) fn lend() -> Servers {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
        let mut lend = Command::new(cargo);
        for (name, _) in std::env::vars_os() {
            if of_this_package(&name.to_string_lossy()) {
                lend.env_remove(name);
            }
        }
        let mut lender = lend
            .args(["run", "--release", "--locked", "--quiet", "--package", "xtask"])
            .args(["--", "cluster", "lend"])
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(lender.stdout.take().unwrap()).lines();
        let mut servers = Servers {
            lender,
            said,
            file: PathBuf::new(),
        };
        servers.file = servers.wait_until_up();
        servers
    }

    /// Starts what does not answer; returns when all do.
    pub(crate) fn up(&mut self) {
        let asks = self.lender.stdin.as_mut().unwrap();
        asks.write_all(b"up\n").unwrap();
        self.wait_until_up();
    }

    /// Sends a signal to the process that serves.
    pub(crate) fn signal(&self, system: System, signal: Signal) {
        let processes = std::fs::read_to_string(self.file.with_file_name("pids.json")).unwrap();
        let processes: serde_json::Value = serde_json::from_str(&processes).unwrap();
        let id = processes[system.name()].as_i64().unwrap();
        let id = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        let process = pidfd_open(id, PidfdFlags::empty()).unwrap();
        pidfd_send_signal(&process, signal).unwrap();
    }

    fn wait_until_up(&mut self) -> PathBuf {
        let file = self.said.find_map(|line| {
            let line = line.unwrap();
            println!("    {line}");
            line.strip_prefix(LENT).map(PathBuf::from)
        });
        file.expect("the servers do not start; what was said is above")
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.lender.stdin.take());
        let ended = self.lender.wait().expect("a child can be waited for");
        if !std::thread::panicking() {
            assert!(ended.success(), "the servers did not end well");
        }
    }
}

/// What cargo says of the package whose tests it runs. Build scripts that look at it would run again, and most of what we
/// depend on would be built twice for each run of these tests.
fn of_this_package(variable: &str) -> bool {
    let said = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ];
    said.iter().any(|begins| variable.starts_with(begins))
}
