//! MariaDB or MySQL: every commit durable before it is answered.

use std::fs;
use std::process::Command;

use anyhow::{Context, bail};

use super::dialogue::hear;
use super::server::{Kind, Place};
use super::settings::{USER, write_private};
use super::systems::Origin;
use crate::steps::succeed;

pub(crate) static MARIADB: Kind = Kind {
    name: "mysql",
    program: "mariadbd",
    port: |ports| ports.mysql,
    prepare: |place| {
        write_files(place, "")?;
        let mut install = place.run("mariadb-install-db");
        install.args(["--no-defaults", "--skip-test-db", "--skip-name-resolve"]);
        install.arg("--auth-root-authentication-method=socket");
        make_data(place, install)
    },
    command: |place| command(place, "mariadbd"),
    answers,
    version,
};
pub(crate) static MYSQL: Kind = Kind {
    name: "mysql",
    program: "mysqld",
    port: |ports| ports.mysql,
    prepare: |place| {
        // Its own protocol would take a port of its own, and the other wants a folder of the package.
        write_files(place, "mysqlx=OFF\nsecure-file-priv=NULL\n")?;
        let mut install = place.run("mysqld");
        install.args(["--no-defaults", "--initialize-insecure"]);
        make_data(place, install)
    },
    command: |place| command(place, "mysqld"),
    answers,
    version,
};

/// The version of the protocol that a greeting begins with, behind the four bytes of its packet's header.
const PROTOCOL_VERSION: u8 = 10;
/// In seconds, for the whole of a login and a query.
const LOGIN_MAX: &str = "10";

fn write_files(place: &Place<'_>, own: &str) -> anyhow::Result<()> {
    let folder = place.folder.display();
    let (port, password) = (place.settings.ports.mysql, &place.settings.mysql_password);
    let user = if seems_root(place) { "user=root\n" } else { "" };
    // The socket's path is short because it is relative to the data: a whole one may be longer than the 107 bytes
    // that the system takes.
    let server = format!(
        "[server]\n{user}{own}\
         datadir={folder}/data\nsocket=server.sock\npid-file={folder}/server.pid\n\
         bind-address=127.0.0.1\nport={port}\nskip-name-resolve\ninit-file={folder}/accounts.sql\n\
         innodb-flush-log-at-trx-commit=1\nsync-binlog=1\nlog-bin=binlog\nbinlog-format=ROW\nserver-id=1\n\
         ssl-cert={folder}/certificate.pem\nssl-key={folder}/key.pem\n\
         innodb-buffer-pool-size=256M\nmax-allowed-packet=64M\nmax-connections=500\ncharacter-set-server=utf8mb4\n"
    );
    let client =
        format!("[client]\nprotocol=TCP\nhost=127.0.0.1\nport={port}\nuser={USER}\npassword={password}\n");
    // Run at each start, and the same each time.
    let accounts = format!(
        "CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1' IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;\n"
    );
    write_private(&place.folder.join("server.cnf"), &server)?;
    write_private(&place.folder.join("client.cnf"), &client)?;
    write_private(&place.folder.join("accounts.sql"), &accounts)?;
    make_certificate(place)
}

/// MySQL and newer MariaDB encrypt unasked, with certificates that they make for themselves. This one is told to, so that tests
/// meet what people have.
fn make_certificate(place: &Place<'_>) -> anyhow::Result<()> {
    let certificate = place.folder.join("certificate.pem");
    if certificate.try_exists()? {
        return Ok(());
    }
    let new = place.folder.join("certificate.new");
    let mut make = Command::new("openssl");
    make.args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
    ]);
    make.args(["-nodes", "-days", "3650", "-subj", "/CN=localhost", "-keyout"]);
    make.arg(place.folder.join("key.pem")).arg("-out").arg(&new);
    let log = fs::File::create(place.folder.join("certificate.log"))?;
    make.stdout(log.try_clone()?).stderr(log);
    succeed(&mut make).with_context(|| format!("see {}/certificate.log", place.folder.display()))?;
    Ok(fs::rename(new, certificate)?)
}

/// Makes the system's tables; a folder half made is made anew.
fn make_data(place: &Place<'_>, mut install: Command) -> anyhow::Result<()> {
    let (data, half_made) = (place.folder.join("data"), place.folder.join("data.new"));
    if data.try_exists()? {
        return Ok(());
    }
    if half_made.try_exists()? {
        fs::remove_dir_all(&half_made).context("cannot remove the half made data.new")?;
    }
    install.arg(format!("--datadir={}", half_made.display()));
    install.current_dir(&place.folder);
    if seems_root(place) {
        install.arg("--user=root");
    }
    let log = fs::File::create(place.folder.join("install.log"))?;
    install.stdout(log.try_clone()?).stderr(log);
    succeed(&mut install).with_context(|| format!("see {}/install.log", place.folder.display()))?;
    Ok(fs::rename(half_made, data)?)
}

/// What is unpacked runs in a name space where whoever starts it is root; both servers want to be told that root is meant.
fn seems_root(place: &Place<'_>) -> bool {
    rustix::process::getuid().is_root() || matches!(place.system.origin, Origin::Unpacked(_))
}

fn command(place: &Place<'_>, program: &str) -> anyhow::Result<Command> {
    let mut command = place.run(program);
    command.arg(format!("--defaults-file={}/server.cnf", place.folder.display()));
    Ok(command)
}

/// A greeting, and then a login: the first comes from a server that is about to refuse everybody, too.
fn answers(place: &Place<'_>) -> anyhow::Result<()> {
    let greeting = hear(place.settings.ports.mysql, b"", 5)?;
    if greeting[4] != PROTOCOL_VERSION {
        bail!("it greets with {greeting:?}");
    }
    query(place, "SELECT 1").map(|_| ())
}

fn version(place: &Place<'_>) -> anyhow::Result<String> {
    Ok(query(place, "SELECT VERSION()")?.trim().to_owned())
}

/// Logs in and asks one thing.
fn query(place: &Place<'_>, statement: &str) -> anyhow::Result<String> {
    let mut login = Command::new("timeout");
    login.args([LOGIN_MAX, "mariadb"]);
    login.arg(format!("--defaults-file={}/client.cnf", place.folder.display()));
    let output = login
        .args(["--skip-column-names", "--execute", statement])
        .output()?;
    if !output.status.success() {
        bail!("it refuses a login: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
