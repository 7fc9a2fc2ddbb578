//! Nodes that are started before MySQL: they wait, say so, and serve as soon as it is there; what waiting does not mend ends them.

use tempfile::TempDir;
use tiro_conformance::{Fault, Proxy};

use super::nodes::Systems;
use crate::requests::create_application;
use crate::support::{Launch, Running, temp_folder};

const WAITS: &str = "the start waits for MySQL";

fn start(role: &[&str], systems: &Systems, folder: &TempDir) -> Running {
    let config = folder.path().join("cluster.toml");
    std::fs::write(&config, systems.text()).unwrap();
    let file = config.to_str().unwrap();
    Launch::new(role.iter().chain(&["--cluster", file])).start()
}

const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];
const WORKER: [&str; 1] = ["worker"];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_are_started_before_mysql_serve_when_it_is_there() {
    let systems = Systems::own();
    let mysql = Proxy::start(systems.member("mysql")).await;
    let systems = systems.with("mysql", mysql.url());
    mysql.set(Fault::Refuse);
    let folder = temp_folder();
    let node = start(&SERVE, &systems, &folder);
    let worker = start(&WORKER, &systems, &folder);
    for process in [&node, &worker] {
        process
            .stderr
            .wait_for_line(&process.stdout, |line| line.contains(WAITS));
        assert_eq!(process.stdout.so_far(), "");
    }
    mysql.set(Fault::None);
    worker
        .stdout
        .wait_for_line(&worker.stderr, |line| line.contains("is ready"));
    let node = crate::support::Tiro::listening(node).unwrap();
    create_application(&node.client()).await;
    worker.terminate();
    assert_eq!(worker.wait().code, Some(0));
    assert_eq!(node.stop().code, Some(0));
}

#[test]
fn nodes_that_wait_for_mysql_end_at_once_when_they_are_told_to() {
    let systems = Systems::own();
    // Nothing listens on the first port: connections are refused.
    let systems = systems.with("mysql", "mysql://somebody:secret@127.0.0.1:1/tiro");
    for role in [&SERVE[..], &WORKER] {
        let folder = temp_folder();
        let process = start(role, &systems, &folder);
        process
            .stderr
            .wait_for_line(&process.stdout, |line| line.contains(WAITS));
        process.terminate();
        let ended = process.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stderr.contains("secret"), "{ended:?}");
    }
}

#[test]
fn a_password_that_is_wrong_ends_a_start_and_is_not_waited_for() {
    let systems = Systems::own();
    let password = systems.mysql().password;
    let mysql = systems.member("mysql").replace(&password, "wrong");
    let systems = systems.with("mysql", &mysql);
    for role in [&SERVE[..], &WORKER] {
        let folder = temp_folder();
        let ended = start(role, &systems, &folder).wait();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("1045"), "{ended:?}");
    }
}
