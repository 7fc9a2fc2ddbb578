//! The rate limit of a server.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::requests::create_application;
use crate::support::{Tiro, block_on, temp_folder};

/// The whole answer to a `GET`.
pub(crate) fn get(node: &Tiro, path: &str) -> String {
    let mut stream = TcpStream::connect(node.host()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn an_application_is_held_to_its_limit_and_others_are_not() {
    let folder = temp_folder();
    let command = Tiro::command(folder.path(), &["--rate-limit", "1"]);
    let tiro = Tiro::launch(command.env("TIRO_RATE_LIMIT_BURST", "20"));
    let create = || block_on(create_application(&tiro.client()));
    let (one, other) = (create(), create());
    let path = format!("/v1/applications/{one}");
    let mut allowed = 0;
    let refused = loop {
        let answer = get(&tiro, &path);
        if !answer.starts_with("HTTP/1.1 200") {
            break answer;
        }
        allowed += 1;
        assert!(allowed < 10_000, "a limit of 1 a second holds");
    };
    assert!(allowed >= 20, "{allowed} of a burst of 20");
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.contains("retry-after: 1"), "{refused}");
    let classic = get(&tiro, &format!("/applications/{one}"));
    assert!(classic.starts_with("HTTP/1.1 429"), "{classic}");
    let other = get(&tiro, &format!("/v1/applications/{other}"));
    assert!(other.starts_with("HTTP/1.1 200"), "{other}");
    assert_eq!(tiro.stop().code, Some(0));
}
