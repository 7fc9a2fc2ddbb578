//! A MariaDB with a certificate: TLS begins in the middle of its protocol, so nothing can stand before it.

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::Mysql;
use super::authority::Authority;
use crate::support::temp_folder;

const STARTED_WITHIN: Duration = Duration::from_secs(120);
const ACCOUNT: &str = "encrypted";
const PASSWORD: &str = "p%40ss";
/// Percent-decoded.
const PASSWORD_TEXT: &str = "p@ss";

/// A running server. Killed when dropped.
pub(super) struct MariaDb {
    server: Child,
    mysql: Mysql,
    _folder: TempDir,
}

impl MariaDb {
    /// One that shows a certificate for `host`, and lets nobody in without TLS.
    pub(super) fn start(authority: &Authority, host: &str) -> MariaDb {
        let folder = temp_folder();
        let place = folder.path().display();
        let certified = authority.certify(host);
        let port = free_port();
        let is_root = rustix::process::getuid().is_root();
        let user = if is_root { "user = root\n" } else { "" };
        let settings = format!(
            "[mariadbd]\n{user}datadir = {place}/data\nsocket = mariadbd.sock\npid-file = {place}/mariadbd.pid\n\
             bind-address = 127.0.0.1\nport = {port}\nskip-name-resolve\ninit-file = {place}/accounts.sql\n\
             ssl-cert = {place}/server.pem\nssl-key = {place}/server.key\nlog-bin = binlog\nbinlog-format = ROW\n\
             server-id = 1\ninnodb-flush-log-at-trx-commit = 1\nsync-binlog = 1\ninnodb-buffer-pool-size = 64M\n\
             max-allowed-packet = 64M\ncharacter-set-server = utf8mb4\n"
        );
        let accounts = format!(
            "CREATE USER '{ACCOUNT}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD_TEXT}' REQUIRE SSL;\n\
             GRANT ALL PRIVILEGES ON *.* TO '{ACCOUNT}'@'127.0.0.1';\n\
             CREATE USER 'watcher'@'127.0.0.1' IDENTIFIED BY 'watches';\n\
             GRANT ALL PRIVILEGES ON *.* TO 'watcher'@'127.0.0.1';\n"
        );
        for (name, text) in [
            ("server.pem", &certified.certificate),
            ("server.key", &certified.key),
            ("server.cnf", &settings),
            ("accounts.sql", &accounts),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut install = Command::new("mariadb-install-db");
        install.args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"]);
        install.arg(format!("--datadir={place}/data"));
        if is_root {
            install.arg("--user=root");
        }
        install
            .stdout(log.try_clone().unwrap())
            .stderr(log.try_clone().unwrap());
        let said = || fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(install.status().unwrap().success(), "{}", said());
        let server = Command::new("mariadbd")
            .arg(format!("--defaults-file={place}/server.cnf"))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let started = MariaDb {
            server,
            mysql: Mysql {
                host: "127.0.0.1".to_owned(),
                port: port.to_string(),
                user: "watcher".to_owned(),
                password: "watches".to_owned(),
                database: String::new(),
            },
            _folder: folder,
        };
        let begun = Instant::now();
        while !started.mysql.answers() {
            assert!(begun.elapsed() < STARTED_WITHIN, "MariaDB does not start");
            std::thread::yield_now();
        }
        started
    }

    /// Its address under a name, for the account that has to encrypt.
    pub(super) fn url(&self, host: &str, query: &str) -> String {
        format!(
            "mysql://{ACCOUNT}:{PASSWORD}@{host}:{}/tiro{query}",
            self.mysql.port
        )
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let killed = self.server.kill().and_then(|()| self.server.wait());
        killed.expect("a child can be killed");
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
