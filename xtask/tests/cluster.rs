//! `cargo xtask cluster` on the real servers: up, up again, one killed, up again, down.

#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A cluster in a folder that goes when the test ends, and with it the servers.
struct Cluster {
    folder: TempDir,
}

impl Cluster {
    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("cluster").args(arguments);
        command.arg("--dir").arg(self.folder.path()).output().unwrap()
    }

    /// Runs a command that has to succeed; answers what it said.
    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn processes(&self) -> BTreeMap<String, u32> {
        serde_json::from_str(&self.file("pids.json")).unwrap()
    }

    fn sql(&self, statements: &str) -> String {
        let settings = self.folder.path().join("mysql/client.cnf");
        let mut client = Command::new("mariadb");
        client.arg(format!("--defaults-file={}", settings.display()));
        let output = client
            .args(["--skip-column-names", "--execute", statements])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Host and port of every URL in `cluster.toml`.
    fn addresses(&self) -> Vec<String> {
        let table: toml::Table = toml::from_str(&self.file("cluster.toml")).unwrap();
        let servers = ["mysql", "rabbitmq", "redis", "opensearch"];
        let urls = servers.map(|name| table[name].as_str().unwrap());
        urls.map(|url| {
            let behind_scheme = url.split_once("://").unwrap().1;
            let behind_user = behind_scheme
                .rsplit_once('@')
                .map_or(behind_scheme, |(_, rest)| rest);
            behind_user.split('/').next().unwrap().to_owned()
        })
        .to_vec()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let output = self.run(&["down"]);
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn a_killed_server_is_back_with_its_data_and_down_leaves_nothing_behind() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let cluster = Cluster { folder };
    cluster.succeed(&["up", "--no-install"]);
    let (first, file) = (cluster.processes(), cluster.file("cluster.toml"));
    assert_serves(&first);
    assert_private(&cluster.folder.path().join("cluster.toml"));
    cluster.sql(
        "CREATE DATABASE tiro; CREATE TABLE tiro.kept (word TEXT); INSERT INTO tiro.kept VALUES ('calamus')",
    );

    let said = cluster.succeed(&["up", "--no-install"]);
    assert_eq!(said.matches("is up").count(), 4, "{said}");
    assert_eq!(cluster.processes(), first);

    let pid = Pid::from_raw(first["mysql"] as i32).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let status = cluster.run(&["status"]);
    let complaint = String::from_utf8(status.stderr).unwrap();
    assert!(complaint.contains("mysql: not up"), "{complaint}");
    assert!(!status.status.success());

    cluster.succeed(&["up", "--no-install"]);
    assert_eq!(cluster.sql("SELECT word FROM tiro.kept"), "calamus\n");
    let second = cluster.processes();
    let changed = second.iter().filter(|(name, pid)| first[*name] != **pid);
    assert_eq!(
        changed.map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["mysql"]
    );
    assert_eq!(cluster.file("cluster.toml"), file);
    assert_eq!(cluster.succeed(&["status"]).matches("answers").count(), 4);

    cluster.succeed(&["down"]);
    for address in cluster.addresses() {
        assert!(TcpStream::connect(&address).is_err(), "{address} still listens");
    }
    assert!(!cluster.folder.path().join("pids.json").exists());
    assert_eq!(cluster.succeed(&["down"]).matches("did not run").count(), 4);
}

/// The processes named are the servers themselves: nothing that has started them, nothing that they have started.
fn assert_serves(processes: &BTreeMap<String, u32>) {
    let programs: BTreeMap<&str, String> = processes
        .iter()
        .map(|(name, pid)| {
            let program = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
            (name.as_str(), program.trim_end().to_owned())
        })
        .collect();
    let expected = [
        ("mysql", "mariadbd"),
        ("opensearch", "java"),
        ("rabbitmq", "beam.smp"),
        ("redis", "redis-server"),
    ];
    assert_eq!(
        programs,
        expected.map(|(name, program)| (name, program.to_owned())).into()
    );
}

fn assert_private(file: &Path) {
    let rights = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(rights & 0o777, 0o600, "{}", file.display());
}
