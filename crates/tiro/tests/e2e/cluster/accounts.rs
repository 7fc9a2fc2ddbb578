//! The least rights that `docs/operations.md` names: accounts with exactly these run a node and a worker.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::encrypted::exercise;
use super::nodes::{Systems, start_worker};
use crate::support::{Launch, Tiro, block_on, temp_folder};

const OPERATIONS: &str = include_str!("../../../../../docs/operations.md");
/// The heading of the table.
const HEADING: &str = "| system | encrypted by |";
const PASSWORD: &str = "narrow";

/// What stands between backticks in the last column of a system's row, for a cluster of this name.
fn rights(system: &str, name: &str) -> Vec<String> {
    let table = &OPERATIONS[OPERATIONS.find(HEADING).expect("the table is there")..];
    let begins = format!("| {system} |");
    let row = table
        .lines()
        .find(|line| line.starts_with(&begins))
        .expect("the row is there");
    // What is escaped is no border.
    let row = row.trim_end_matches([' ', '|']).replace("\\|", "\0");
    let rights = row.rsplit('|').next().unwrap().replace('\0', "|");
    let said = rights.split('`').skip(1).step_by(2);
    said.map(|right| right.replace("<name>", name)).collect()
}

/// Has the broker of the tests carry out a command of its own tool, which lies beside the file of the cluster.
fn rabbitmqctl(arguments: &[&str]) {
    let file = PathBuf::from(std::env::var_os("TIRO_CLUSTER").expect("TIRO_CLUSTER is set"));
    let tool = file.with_file_name("rabbitmqctl");
    let output = Command::new("sh").arg(&tool).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{} {arguments:?}: {output:?}",
        tool.display()
    );
}

/// The account in a virtual host of its own; answers its URL.
fn in_rabbitmq(url: &str, name: &str, folder: &Path) -> String {
    let [configure, write, read] = rights("RabbitMQ", name).try_into().expect("three patterns");
    let definitions = serde_json::json!({
        "vhosts": [{"name": name}],
        "users": [{"name": name, "password": PASSWORD, "tags": []}],
        "permissions": [{"user": name, "vhost": name, "configure": configure, "write": write, "read": read}],
    });
    let file = folder.join("definitions.json");
    std::fs::write(&file, definitions.to_string()).unwrap();
    rabbitmqctl(&["import_definitions", file.to_str().unwrap()]);
    let (_, server) = url.rsplit_once('@').unwrap();
    let (server, _) = server.split_once('/').unwrap();
    format!("amqp://{name}:{PASSWORD}@{server}/{name}")
}

fn in_redis(url: &str, name: &str) -> String {
    let [rules] = rights("Redis", name).try_into().expect("the rules of an account");
    let (server, database) = url.strip_prefix("redis://").unwrap().split_once('/').unwrap();
    let mut redis = TcpStream::connect(server).unwrap();
    redis
        .write_all(format!("ACL SETUSER {name} on >{PASSWORD} {rules}\r\n").as_bytes())
        .unwrap();
    let mut answer = [0; 5];
    redis.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"+OK\r\n");
    format!("redis://{name}:{PASSWORD}@{server}/{database}")
}

fn in_mysql(systems: &Systems, name: &str) -> String {
    let [rights] = rights("MySQL", name).try_into().expect("a list of rights");
    let mysql = systems.mysql();
    let (host, port, database) = (&mysql.host, &mysql.port, &mysql.database);
    mysql.query(&format!(
        "CREATE USER '{name}'@'{host}' IDENTIFIED BY '{PASSWORD}'; GRANT {rights} ON `{database}`.* TO '{name}'@'{host}'"
    ));
    format!("mysql://{name}:{PASSWORD}@{host}:{port}/{database}")
}

#[test]
fn accounts_with_the_least_rights_of_the_table_run_a_cluster() {
    let systems = Systems::own();
    let name = systems.member("name").to_owned();
    let folder = temp_folder();
    let systems = systems
        .with("mysql", &in_mysql(&systems, &name))
        .with("redis", &in_redis(systems.member("redis"), &name))
        .with(
            "rabbitmq",
            &in_rabbitmq(systems.member("rabbitmq"), &name, folder.path()),
        );
    let config = folder.path().join("cluster.toml");
    std::fs::write(&config, systems.text()).unwrap();
    let config = config.to_str().unwrap();
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--cluster",
        config,
        "--rate-limit",
        "1000",
    ];
    let node = Tiro::launch(Launch::new(serve));
    let worker = start_worker(config);
    block_on(exercise(&node.client()));
    assert_eq!(node.stop().code, Some(0));
    worker.terminate();
    let ended = worker.wait();
    assert_eq!(ended.code, Some(0));
    for missing in ["denied", "ACCESS_REFUSED", "NOPERM"] {
        assert!(!ended.stderr.contains(missing), "{}", ended.stderr);
    }
    for command in ["verify", "reindex"] {
        let ended = Launch::new([command, "--cluster", config]).run();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}
