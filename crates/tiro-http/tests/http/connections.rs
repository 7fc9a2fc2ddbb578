//! Clients on real sockets: slow, idle, rude, gone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tiro_core::Engine;
use tiro_http::{BindError, Config, Exposure, Server, Transport};

use crate::support::{OPERATOR_KEY, TestEngine, TestServer, keyed_config};

/// Longer than anything here takes, so that a test that waits in vain fails by name.
const PATIENCE: Duration = Duration::from_secs(60);

fn with(transport: Transport) -> Config {
    Config {
        transport,
        ..Config::default()
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("this takes no time")
}

/// Creates an application and a chat, and answers the chat's path.
async fn chat(server: &TestServer) -> String {
    let mut connection = server.connect().await;
    connection.post("/v1/applications", r#"{"name":"a"}"#).await;
    let (_, _, body) = connection.answer().await;
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    let path = format!("/v1/applications/{}/chats", json["token"].as_str().unwrap());
    connection.post(&path, "").await;
    assert_eq!(connection.answer().await.0, 201);
    format!("{path}/1")
}

#[tokio::test]
async fn requests_follow_each_other_on_one_connection_also_when_sent_at_once() {
    let server = TestServer::start(Config::default());
    let mut connection = server.connect().await;
    for _ in 0..3 {
        connection.request("GET", "/healthz").await;
        assert_eq!(in_time(connection.answer()).await.0, 200);
    }
    let one = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    connection.write(one.repeat(10)).await;
    for _ in 0..10 {
        assert_eq!(in_time(connection.answer()).await.2, "ok\n");
    }
}

#[tokio::test]
async fn a_client_that_sends_its_head_slowly_is_cut_and_stops_nobody() {
    let head_timeout = Duration::from_millis(200);
    let server = TestServer::start(with(Transport {
        head_timeout,
        ..Transport::default()
    }));
    let mut slow = server.connect().await;
    slow.write("GET /healthz HTTP/1.1\r\nhost: loc").await;
    let mut quick = server.connect().await;
    quick.request("GET", "/healthz").await;
    assert_eq!(in_time(quick.answer()).await.0, 200);
    assert_eq!(in_time(slow.closed()).await, "");
    quick.request("GET", "/healthz").await;
    assert_eq!(in_time(quick.answer()).await.0, 200);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time_and_not_after_that_of_a_head() {
    let transport = Transport {
        head_timeout: Duration::from_millis(1),
        idle_timeout: Duration::from_millis(500),
        ..Transport::default()
    };
    let server = TestServer::start(with(transport));
    let mut connection = server.connect().await;
    connection.request("GET", "/healthz").await;
    assert_eq!(in_time(connection.answer()).await.0, 200);
    let begun = std::time::Instant::now();
    assert_eq!(in_time(connection.closed()).await, "");
    assert!(
        begun.elapsed() >= Duration::from_millis(300),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_body_that_does_not_come_is_408() {
    let body_timeout = Duration::from_millis(100);
    let server = TestServer::start(with(Transport {
        body_timeout,
        ..Transport::default()
    }));
    let chat = chat(&server).await;
    let mut connection = server.connect().await;
    let head =
        format!("POST {chat}/messages HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20\r\n\r\n{{\"body\"");
    connection.write(head).await;
    let (status, head, body) = in_time(connection.answer()).await;
    assert_eq!(status, 408, "{body}");
    assert!(head.contains("connection: close") && body.contains("request_timeout"));
    assert_eq!(in_time(connection.closed()).await, "");
}

#[tokio::test]
async fn hundreds_of_idle_connections_stop_nobody() {
    let server = TestServer::start(Config::default());
    let mut idle = Vec::new();
    for _ in 0..400 {
        idle.push(server.connect().await);
    }
    let mut connection = server.connect().await;
    connection.request("GET", "/healthz").await;
    assert_eq!(in_time(connection.answer()).await.0, 200);
    let last = idle.last_mut().unwrap();
    last.request("GET", "/healthz").await;
    assert_eq!(in_time(last.answer()).await.0, 200);
}

#[tokio::test]
async fn a_full_server_serves_the_next_client_when_one_leaves() {
    let server = TestServer::start(with(Transport {
        connections_max: 1,
        ..Transport::default()
    }));
    let mut first = server.connect().await;
    first.request("GET", "/healthz").await;
    assert_eq!(in_time(first.answer()).await.0, 200);
    let mut second = server.connect().await;
    second.request("GET", "/healthz").await;
    first.request("GET", "/healthz").await;
    assert_eq!(in_time(first.answer()).await.0, 200);
    drop(first);
    assert_eq!(in_time(second.answer()).await.0, 200);
}

#[tokio::test]
async fn a_write_goes_on_when_its_client_goes_away() {
    let server = TestServer::start(Config::default());
    let chat = chat(&server).await;
    server.engine.hold_answers();
    let mut gone = server.connect().await;
    gone.post(&format!("{chat}/messages"), r#"{"body":"a"}"#).await;
    drop(gone);
    in_time(server.engine.wrote(3)).await;
    server.engine.answer();
    let mut connection = server.connect().await;
    connection.request("GET", &format!("{chat}/messages/1")).await;
    assert_eq!(in_time(connection.answer()).await.0, 200);
}

#[tokio::test]
async fn a_client_that_closes_its_sending_side_gets_its_answer() {
    let server = TestServer::start(Config::default());
    let chat = chat(&server).await;
    server.engine.hold_answers();
    let mut finished = server.connect().await;
    finished
        .post(&format!("{chat}/messages"), r#"{"body":"a"}"#)
        .await;
    finished.finish_sending().await;
    in_time(server.engine.wrote(3)).await;
    // Another request, so that the server has seen the end of the first client's bytes by now.
    let mut other = server.connect().await;
    other.request("GET", "/healthz").await;
    assert_eq!(in_time(other.answer()).await.0, 200);
    server.engine.answer();
    assert_eq!(in_time(finished.answer()).await.0, 201);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_431() {
    let server = TestServer::start(Config::default());
    for (bytes, with_problem) in [(20_000, true), (200_000, false)] {
        let mut connection = server.connect().await;
        let padding = "p".repeat(bytes);
        let head = format!("GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-padding: {padding}\r\n\r\n");
        // The server may close before it has read all of it.
        connection.write_what_is_taken(head).await;
        let (status, _, body) = in_time(connection.answer()).await;
        assert_eq!((status, body.contains("headers_too_large")), (431, with_problem));
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_answered_although_it_is_still_being_sent() {
    let server = TestServer::start(Config::default());
    let chat = chat(&server).await;
    let mut connection = server.connect().await;
    connection
        .post(&format!("{chat}/messages"), &" ".repeat(3_000_000))
        .await;
    let (status, _, body) = in_time(connection.answer()).await;
    assert_eq!(status, 413, "{body}");
}

#[tokio::test]
async fn a_panic_leaves_the_connection_and_the_process_alive() {
    let server = TestServer::start(Config::default());
    let chat = chat(&server).await;
    server.engine.panic_on_reads();
    let mut connection = server.connect().await;
    connection
        .request("GET", chat.rsplit_once("/chats").unwrap().0)
        .await;
    assert_eq!(in_time(connection.answer()).await.0, 500);
    connection.request("GET", "/healthz").await;
    assert_eq!(in_time(connection.answer()).await.0, 200);
}

#[tokio::test]
async fn a_server_that_stops_answers_what_is_under_way_and_closes_what_is_idle() {
    let server = TestServer::start(Config::default());
    let chat = chat(&server).await;
    let mut idle = server.connect().await;
    idle.request("GET", "/healthz").await;
    assert_eq!(in_time(idle.answer()).await.0, 200);
    let fresh = server.connect().await;
    server.engine.hold_answers();
    let mut busy = server.connect().await;
    busy.post(&format!("{chat}/messages"), r#"{"body":"a"}"#).await;
    in_time(server.engine.wrote(3)).await;
    let (engine, address) = (server.engine.clone(), server.address);
    let stopped = server.stop();
    assert_eq!(in_time(idle.closed()).await, "");
    assert_eq!(in_time(fresh.closed()).await, "");
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "nothing listens any more"
    );
    engine.answer();
    assert_eq!(in_time(busy.answer()).await.0, 201);
    assert_eq!(in_time(stopped).await.unwrap().connections_cut, 0);
}

#[tokio::test]
async fn a_stop_has_an_end_although_a_request_has_none() {
    let drain_timeout = Duration::from_millis(100);
    let server = TestServer::start(with(Transport {
        drain_timeout,
        ..Transport::default()
    }));
    let chat = chat(&server).await;
    server.engine.hold_answers();
    let mut busy = server.connect().await;
    busy.post(&format!("{chat}/messages"), r#"{"body":"a"}"#).await;
    in_time(server.engine.wrote(3)).await;
    assert_eq!(in_time(server.stop()).await.unwrap().connections_cut, 1);
    assert_eq!(in_time(busy.closed()).await, "");
}

#[tokio::test]
async fn a_server_without_a_key_listens_on_its_own_machine_only() {
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let bind = |config: Config| {
        let engine: Arc<dyn Engine> = Arc::new(TestEngine::default());
        Server::bind(config, engine).map(drop)
    };
    let refused = bind(Config {
        listen: vec![everywhere],
        ..Config::default()
    })
    .unwrap_err();
    assert!(matches!(refused, BindError::Exposed(address) if address == everywhere));
    let text = refused.to_string();
    for fix in ["--operator-key", "--listen 127.0.0.1:0", "--open"] {
        assert!(text.contains(fix), "{text}");
    }
    assert!(!text.contains(OPERATOR_KEY));
    assert!(matches!(
        bind(Config {
            listen: Vec::new(),
            ..Config::default()
        }),
        Err(BindError::NoAddress)
    ));
    // Allowed, but bound to the own machine here: nothing of a test may be reachable from outside.
    let own: SocketAddr = "127.0.0.1:0".parse().unwrap();
    bind(Config {
        listen: vec![own],
        exposure: Exposure::Open,
        ..Config::default()
    })
    .unwrap();
    bind(Config {
        listen: vec![own, own],
        ..keyed_config()
    })
    .unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_named_with_the_flag_to_change() {
    let server = TestServer::start(Config::default());
    let engine: Arc<dyn Engine> = Arc::new(TestEngine::default());
    let refused = Server::bind(
        Config {
            listen: vec![server.address],
            ..Config::default()
        },
        engine,
    )
    .map(drop);
    let text = refused.unwrap_err().to_string();
    assert!(
        text.contains(&server.address.to_string()) && text.contains("--listen"),
        "{text}"
    );
}
