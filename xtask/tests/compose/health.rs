//! The questions whether a container is well, asked here as far as that needs no container.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;

use crate::dockerfile;
use crate::file::compose;

#[test]
fn every_service_says_when_it_is_well_within_bounds() {
    for (name, service) in &compose().services {
        let check = &service.healthcheck;
        if !check.test.is_empty() {
            let kind = check.test[0].as_str();
            assert!(["CMD", "CMD-SHELL"].contains(&kind), "{name}: {kind}");
            assert!(check.test.len() > 1, "{name}");
        }
        assert!(check.retries >= 3, "{name}");
        let times = [&check.interval, &check.timeout];
        for time in times.into_iter().chain(&check.start_period) {
            let seconds: u32 = time.strip_suffix('s').unwrap().parse().unwrap();
            assert!((1..=120).contains(&seconds), "{name}: {time}");
        }
    }
}

/// The image's question, of a server on this port.
fn question(port: u16) -> Command {
    let (_, question) = dockerfile::argument("HEALTHCHECK")
        .split_once("CMD ")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let question = dockerfile::list(&question);
    let mut command = Command::new(&question[0]);
    command
        .args(&question[1..])
        .env("TIRO_LISTEN", format!("0.0.0.0:{port}"));
    command.stderr(Stdio::null());
    command
}

/// Asks as the nodes' check does, of a server that answers with one status line.
fn node_is_well(status: &'static str) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let request: Vec<String> = lines
            .by_ref()
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        assert_eq!(
            request,
            ["GET /readyz HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
        );
        stream
            .write_all(format!("{status}\r\ncontent-length: 0\r\n\r\n").as_bytes())
            .unwrap();
    });
    let done = question(port).status().unwrap();
    server.join().unwrap();
    done.success()
}

#[test]
fn a_node_is_well_when_it_is_ready() {
    assert!(node_is_well("HTTP/1.1 200 OK"));
    assert!(!node_is_well("HTTP/1.1 503 Service Unavailable"));
}

#[test]
fn a_node_that_does_not_listen_is_not_well() {
    // A port that was free a moment ago and is nobody's now.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    assert!(!question(port).status().unwrap().success());
}

#[test]
fn a_worker_is_well_while_it_is_connected_to_the_broker() {
    let check = &compose().services["worker"].healthcheck.test;
    assert_eq!(check[check.len() - 2..], ["/proc/net/tcp", "/proc/net/tcp6"]);
    let header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n";
    // proc_net(5): 172.18.0.7:40000 to 172.18.0.3:5672, established (01), closing (06).
    let line = |port: u16, state: &str| {
        format!("{header}   0: 070012AC:9C40 030012AC:{port:04X} {state} 00000000:00000000 00:00000000\n")
    };
    let is_well = |table: String| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), table).unwrap();
        let mut asked = Command::new(&check[1]);
        asked.args(&check[2..check.len() - 2]).arg(file.path());
        asked.status().unwrap().success()
    };
    assert!(is_well(line(5_672, "01")));
    assert!(!is_well(line(5_672, "06")));
    assert!(!is_well(line(3_306, "01")));
    assert!(!is_well(header.to_owned()));
}
