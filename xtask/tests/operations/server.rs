//! A MySQL or MariaDB of a test's own, in a temporary folder on loopback. Killed when dropped.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use crate::until;

/// Which server, and where its programs are.
#[derive(Clone)]
pub(crate) enum Dialect {
    /// Installed on this machine.
    MariaDb,
    /// Packages unpacked into this folder, run by its own loader.
    MySql(PathBuf),
}

pub(crate) struct Server {
    dialect: Dialect,
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Server {
    /// Starts one with these blocks of settings, then those that only a test has, and waits until it answers.
    pub(crate) fn start(dialect: &Dialect, id: u16, blocks: &[&str]) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let settings = folder.path().join("my.cnf");
        let own = dialect.settings(folder.path(), port, id);
        fs::write(&settings, format!("{}\n{own}", blocks.join("\n"))).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        dialect.make_data(folder.path(), &log);
        let mut command = dialect.program("mysqld", "mariadbd");
        command.arg(format!("--defaults-file={}", settings.display()));
        let process = command
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut server = Server {
            dialect: dialect.clone(),
            folder,
            port,
            process,
        };
        until("it answers", || {
            let ended = server.process.try_wait().unwrap();
            assert!(ended.is_none(), "it does not start: {}", server.log());
            server.has("SELECT 1")
        });
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Rows of statements that have to succeed: columns between tabs, no names.
    pub(crate) fn query(&self, statements: &str) -> String {
        let output = self.ask(statements);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{statements}: {complaint}{}", self.log());
        String::from_utf8(output.stdout).unwrap()
    }

    /// Whether statements succeed.
    pub(crate) fn has(&self, statements: &str) -> bool {
        self.ask(statements).status.success()
    }

    /// Sends a statement without waiting for its answer.
    pub(crate) fn begin(&self, statement: &str) -> Child {
        self.client().args(["--execute", statement]).spawn().unwrap()
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().and_then(|()| self.process.wait()).unwrap();
    }

    fn ask(&self, statements: &str) -> Output {
        let mut client = self.client();
        client
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut client = client.spawn().unwrap();
        let sent = client.stdin.take().unwrap().write_all(statements.as_bytes());
        let output = client.wait_with_output().unwrap();
        assert!(
            sent.is_ok() || !output.status.success(),
            "the statements were not taken"
        );
        output
    }

    fn client(&self) -> Command {
        let mut client = self.dialect.program("mysql", "mariadb");
        client.args(["--no-defaults", "--user=root", "--skip-column-names", "--batch"]);
        client.arg(format!("--socket={}/socket", self.folder.path().display()));
        client
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Dialect {
    fn program(&self, of_mysql: &str, of_mariadb: &str) -> Command {
        match self {
            Dialect::MariaDb => Command::new(of_mariadb),
            Dialect::MySql(folder) => {
                let places = ["usr/sbin", "usr/bin"].map(|place| folder.join(place).join(of_mysql));
                let program = places.iter().find(|place| place.is_file());
                let program = program.unwrap_or_else(|| panic!("{} has no {of_mysql}", folder.display()));
                let libraries = ["x86_64-linux-gnu", "mysql/private"]
                    .map(|below| folder.join("usr/lib").join(below).display().to_string());
                let mut command = Command::new(folder.join("usr/lib64/ld-linux-x86-64.so.2"));
                command.arg("--library-path").arg(libraries.join(":"));
                command.arg("--argv0").arg(program).arg(program);
                command
            }
        }
    }

    fn settings(&self, folder: &Path, port: u16, id: u16) -> String {
        let at = folder.display();
        let user = if rustix::process::getuid().is_root() {
            "user = root\n"
        } else {
            ""
        };
        let both = format!(
            "{user}server_id = {id}\ndatadir = {at}/data\nsocket = {at}/socket\npid_file = {at}/pid\n\
             bind_address = 127.0.0.1\nport = {port}\ninnodb_buffer_pool_size = 64M\n"
        );
        match self {
            Dialect::MariaDb => format!("[mariadbd]\n{both}"),
            Dialect::MySql(unpacked) => {
                let at = unpacked.display();
                format!(
                    "[mysqld]\n{both}mysqlx = OFF\nsecure_file_priv = NULL\nbasedir = {at}/usr\n\
                     plugin_dir = {at}/usr/lib/mysql/plugin\ncharacter_sets_dir = {at}/usr/share/mysql/charsets\n\
                     lc_messages_dir = {at}/usr/share/mysql\n"
                )
            }
        }
    }

    /// Tables of the system, with a root that only who may enter the folder can be.
    fn make_data(&self, folder: &Path, log: &File) {
        let mut make = match self {
            Dialect::MariaDb => {
                let mut make = Command::new("mariadb-install-db");
                make.args([
                    "--no-defaults",
                    "--skip-test-db",
                    "--auth-root-authentication-method=normal",
                ]);
                if rustix::process::getuid().is_root() {
                    make.arg("--user=root");
                }
                make
            }
            Dialect::MySql(_) => {
                let file = folder.join("initialize.cnf");
                // Without what belongs to plugins: they are not loaded while the data is made.
                fs::write(&file, self.settings(folder, 0, 1)).unwrap();
                let mut make = self.program("mysqld", "mariadbd");
                make.arg(format!("--defaults-file={}", file.display()));
                make.arg("--initialize-insecure");
                make
            }
        };
        make.arg(format!("--datadir={}/data", folder.display()));
        let made = make
            .stdout(log.try_clone().unwrap())
            .stderr(log.try_clone().unwrap())
            .status();
        let said = fs::read_to_string(folder.join("log")).unwrap();
        assert!(made.unwrap().success(), "{said}");
    }
}
