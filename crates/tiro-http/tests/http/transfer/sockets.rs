//! Imports over a real socket, by clients that do not listen or go away.

use tiro_core::Engine;
use tiro_http::Config;

use super::{TOKEN, Tiro, history, in_time};
use crate::support::TestServer;

#[tokio::test]
async fn a_client_that_still_sends_gets_to_read_why_it_was_refused() {
    let server = TestServer::start(Config::default());
    history::create_application(&*server.engine, TOKEN).await;
    let mut connection = server.connect().await;
    let line = "{\"chat\":\"c\",\"body\":\"b\"}\n";
    let upload = format!("{line}not JSON\n{}", line.repeat(1_000_000));
    let length = upload.len();
    // Everything is taken, although the second line was refused: a reset could cost the client the answer.
    connection
        .write(format!(
            "POST /v1/import?application={TOKEN} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{upload}"
        ))
        .await;
    let (status, _, body) = in_time(connection.answer()).await;
    let problem: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, problem["errors"][0]["line"].as_u64()), (422, Some(2)));
}

#[tokio::test]
async fn a_connection_that_is_closed_in_the_middle_leaves_nothing_of_an_export() {
    let tiro = Tiro::with_application().await;
    super::imported(tiro.import_plain(tiro_conformance::sample::NDJSON).await);
    let exported = tiro.export("").await;
    let server = TestServer::start(Config::default());
    let mut connection = server.connect().await;
    let length = exported.len();
    let head = format!("POST /v1/import HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n");
    connection.write(head).await;
    connection.write(&exported[..length / 2]).await;
    // The restore was begun; after the end of the connection its entries are stored and given up.
    in_time(server.engine.wrote(1)).await;
    drop(connection);
    in_time(server.engine.wrote(3)).await;
    let export = server.engine.export(None).await.unwrap().next().await.unwrap();
    assert_eq!(export, None);
    assert!(server.engine.application(&history::token(TOKEN)).await.is_err());
}
