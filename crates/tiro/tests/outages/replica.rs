//! A second MariaDB that follows the lent one by lossless semi-synchronous replication, and can take its place.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::counts::full;
use crate::nodes::{Mysql, Systems};
use crate::support::temp_folder;

/// Starting, or applying what was written until then, takes no longer.
const WAIT_MAX: Duration = Duration::from_secs(120);
/// Of the primary's binary log: everything that there ever was.
const BEGINNING: &str = "MASTER_LOG_FILE = 'binlog.000001', MASTER_LOG_POS = 4";
/// How large its disk is where it has one.
const DISK: &str = "size=1536m";
const FILLER: &str = "filler";
const APPLIED: &str = "Slave has read all relay log";

/// A running replica. Killed when dropped.
pub(crate) struct Replica {
    server: Child,
    mysql: Mysql,
    /// `host:port`.
    pub(crate) address: String,
    /// With the full counts on a small disk of its own.
    folder: TempDir,
}

impl Replica {
    /// Starts one that has what the primary has; from then on a COMMIT of the primary waits until this has it too.
    pub(crate) fn follow(cluster: &Path) -> Replica {
        let primary = Systems::of(cluster).mysql();
        let replica = Replica::start(cluster);
        let from = format!(
            "MASTER_HOST = '{}', MASTER_PORT = {}, MASTER_USER = '{}', MASTER_PASSWORD = '{}'",
            primary.host, primary.port, primary.user, primary.password
        );
        replica.mysql.query(&format!(
            "CHANGE MASTER TO {from}, {BEGINNING}, MASTER_USE_GTID = no; START SLAVE"
        ));
        replica.catch_up(&primary);
        // From here on what it acknowledges is durable, as on the primary; what it had to catch up with was already.
        let durable = "SET GLOBAL innodb_flush_log_at_trx_commit = 1; SET GLOBAL sync_binlog = 1; \
                       SET GLOBAL sync_relay_log = 1";
        replica.mysql.query(durable);
        primary.query(
            "SET GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_SYNC'; \
             SET GLOBAL rpl_semi_sync_master_timeout = 4294967295; SET GLOBAL rpl_semi_sync_master_enabled = ON",
        );
        // It asks for acknowledgements when it connects.
        replica.mysql.query("STOP SLAVE IO_THREAD; START SLAVE IO_THREAD");
        until("the primary waits for the replica", || {
            let status = primary.query("SHOW STATUS LIKE 'Rpl_semi_sync_master_%'");
            status.contains("clients\t1") && status.contains("status\tON")
        });
        replica.catch_up(&primary);
        replica
    }

    /// Makes it the primary, once it has applied whatever it was sent.
    pub(crate) fn promote(&self) {
        self.mysql.query("STOP SLAVE IO_THREAD");
        until("the replica has applied all that it has", || {
            self.mysql.query("SHOW SLAVE STATUS").contains(APPLIED)
        });
        self.mysql
            .query("STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = OFF");
    }

    /// Takes all space that its disk has, which has to be one of its own.
    pub(crate) fn fill_disk(&self) {
        let mut filler = fs::File::create(self.folder.path().join(FILLER)).unwrap();
        let zeros = vec![0; 64 * 1024];
        let full = loop {
            if let Err(error) = filler.write_all(&zeros) {
                break error;
            }
        };
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull, "{full}");
    }

    /// Gives the space back.
    pub(crate) fn empty_disk(&self) {
        fs::remove_file(self.folder.path().join(FILLER)).unwrap();
    }

    fn start(cluster: &Path) -> Replica {
        let folder = temp_folder();
        if full() {
            mount(folder.path());
        }
        let (place, mut mysql) = (folder.path().display(), Systems::of(cluster).mysql());
        mysql.port = free_port().to_string();
        let is_root = rustix::process::getuid().is_root();
        let user = if is_root { "user = root\n" } else { "" };
        let accounts = cluster.with_file_name("mysql").join("accounts.sql");
        let settings = format!(
            "[mariadbd]\n{user}datadir = {place}/data\nsocket = mariadbd.sock\npid-file = {place}/mariadbd.pid\n\
             bind-address = 127.0.0.1\nport = {}\nskip-name-resolve\ninit-file = {}\n\
             innodb-flush-log-at-trx-commit = 0\nsync-binlog = 0\nlog-bin = binlog\nbinlog-format = ROW\n\
             server-id = 2\nrelay-log = relay\nread-only\nrpl-semi-sync-slave-enabled\n\
             innodb-buffer-pool-size = 128M\nmax-allowed-packet = 64M\nmax-connections = 500\n\
             character-set-server = utf8mb4\n",
            mysql.port,
            accounts.display()
        );
        let file = folder.path().join("server.cnf");
        fs::write(&file, settings).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"]);
        install.arg(format!("--datadir={place}/data"));
        if is_root {
            install.arg("--user=root");
        }
        let installed = install
            .stdout(log.try_clone().unwrap())
            .stderr(log.try_clone().unwrap());
        assert!(installed.status().unwrap().success(), "see {place}/log");
        let server = Command::new("mariadbd")
            .arg(format!("--defaults-file={}", file.display()))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let replica = Replica {
            server: server.unwrap(),
            address: format!("{}:{}", mysql.host, mysql.port),
            mysql,
            folder,
        };
        until("the replica answers", || replica.mysql.answers());
        replica
    }

    /// Waits until it has applied what the primary had written when this was called.
    fn catch_up(&self, primary: &Mysql) {
        let written = primary.query("SHOW MASTER STATUS");
        let mut columns = written.split('\t');
        let (file, position) = (columns.next().unwrap(), columns.next().unwrap());
        let seconds = WAIT_MAX.as_secs();
        let waited = self.mysql.query(&format!(
            "SELECT MASTER_POS_WAIT('{file}', {position}, {seconds}) >= 0"
        ));
        assert_eq!(waited.trim(), "1", "{}", self.mysql.query("SHOW SLAVE STATUS"));
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let killed = self.server.kill().and_then(|()| self.server.wait());
        killed.expect("a child can be killed");
        if full() {
            let unmounted = Command::new("umount").arg(self.folder.path()).status();
            assert!(unmounted.unwrap().success(), "its disk is not let go");
        }
    }
}

/// A disk in memory.
fn mount(folder: &Path) {
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", DISK, "tmpfs"]).arg(folder);
    let mounted = mount.status().unwrap().success();
    assert!(
        mounted,
        "a full disk takes a disk of its own: run this with the right to mount"
    );
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < WAIT_MAX, "waited {WAIT_MAX:?} until {what}");
        std::thread::yield_now();
    }
}
