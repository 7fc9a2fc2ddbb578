//! How `tiro serve` ends.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::{Tiro, block_on, temp_folder};
use tiro_client::Sending;
use tiro_client::api::{CreateApplication, CreateChat};

/// A chat to write to: the token of its application.
fn application_with_chat(tiro: &Tiro) -> String {
    let client = tiro.client();
    block_on(async {
        let application = CreateApplication {
            name: "stopping",
            metadata: None,
        };
        let created = client
            .create_application(&application, &Sending::default())
            .await
            .unwrap();
        let token = created.value.token.into_owned();
        client
            .create_chat(&token, &CreateChat::default(), &Sending::default())
            .await
            .unwrap();
        token
    })
}

/// A request that the server has begun to read and that is not complete.
fn request_in_flight(tiro: &Tiro, token: &str, body: &str) -> TcpStream {
    let mut connection = TcpStream::connect(tiro.host()).unwrap();
    let head = format!(
        "POST /v1/applications/{token}/chats/1/messages HTTP/1.1\r\nHost: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        tiro.host(),
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    let expected = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut interim = vec![0; expected.len()];
    connection.read_exact(&mut interim).unwrap();
    assert_eq!(interim, expected, "{}", String::from_utf8_lossy(&interim));
    connection
}

fn stops_in_order(signal: impl Fn(&Tiro)) {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let token = application_with_chat(&tiro);
    let body = "{\"body\":\"sent before the end\"}";
    let mut connection = request_in_flight(&tiro, &token, body);
    signal(&tiro);
    tiro.process()
        .stderr
        .wait_for_line(&tiro.process().stdout, |line| line.contains("stopping"));
    connection.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let ended = tiro.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");

    let tiro = Tiro::start(folder.path(), &[]);
    let message = block_on(tiro.client().message(&token, 1, 1)).unwrap();
    assert_eq!(message.value.body.unwrap(), "sent before the end");
    assert!(
        !tiro.process().stderr.so_far().contains(&token),
        "a token was logged"
    );
}

#[test]
fn sigterm_lets_requests_in_flight_be_answered_and_ends_with_0() {
    stops_in_order(|tiro| tiro.process().terminate());
}

#[test]
fn sigint_does_the_same() {
    stops_in_order(|tiro| tiro.process().interrupt());
}

#[test]
fn a_second_signal_ends_at_once_and_what_was_acknowledged_stays() {
    let folder = temp_folder();
    let tiro = Tiro::start(folder.path(), &[]);
    let token = application_with_chat(&tiro);
    let unfinished = request_in_flight(&tiro, &token, "{\"body\":\"never sent\"}");
    tiro.process().terminate();
    tiro.process()
        .stderr
        .wait_for_line(&tiro.process().stdout, |line| line.contains("stopping"));
    tiro.process().terminate();
    let ended = tiro.wait();
    assert_eq!(ended.code, Some(128 + 15), "{ended:?}");
    drop(unfinished);

    let tiro = Tiro::start(folder.path(), &[]);
    let chat = block_on(tiro.client().chat(&token, 1)).unwrap();
    assert_eq!(chat.value.messages_count, 0);
    assert_eq!(tiro.stop().code, Some(0));
}
