//! The server on a real socket, and clients that misbehave.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use tiro_core::Engine;
use tiro_http::{Config, Server, Stopped};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::TestEngine;

/// A server on a port of the system's choice.
pub(crate) struct TestServer {
    pub(crate) address: SocketAddr,
    pub(crate) engine: Arc<TestEngine>,
    stop: oneshot::Sender<()>,
    stopped: JoinHandle<Stopped>,
}

impl TestServer {
    pub(crate) fn start(config: Config) -> TestServer {
        let engine = Arc::new(TestEngine::default());
        let shared: Arc<dyn Engine> = engine.clone();
        let listen = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
        let server = Server::bind(Config { listen, ..config }, shared).unwrap();
        let address = server.local_addrs()[0];
        let (stop, stopping) = oneshot::channel();
        let stopped = tokio::spawn(server.run(async move {
            stopping.await.unwrap();
        }));
        TestServer {
            address,
            engine,
            stop,
            stopped,
        }
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection {
            stream: TcpStream::connect(self.address).await.unwrap(),
            unread: Vec::new(),
        }
    }

    /// Tells the server to stop and answers what awaits its end.
    pub(crate) fn stop(self) -> JoinHandle<Stopped> {
        self.stop.send(()).unwrap();
        self.stopped
    }
}

/// A client that writes bytes.
pub(crate) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Writes until the server closes or has taken everything.
    pub(crate) async fn write_what_is_taken(&mut self, bytes: impl AsRef<[u8]>) {
        if let Err(error) = self.stream.write_all(bytes.as_ref()).await {
            assert!(
                matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset),
                "{error}"
            );
        }
    }

    /// Writes a request without a body.
    pub(crate) async fn request(&mut self, method: &str, path: &str) {
        self.write(format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n"))
            .await;
    }

    /// Writes a request with a body of JSON.
    pub(crate) async fn post(&mut self, path: &str, body: &str) {
        let length = body.len();
        self.write(format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    }

    /// Tells the server that nothing more comes.
    pub(crate) async fn finish_sending(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// The next answer: status, head and body.
    pub(crate) async fn answer(&mut self) -> (u16, String, String) {
        loop {
            if let Some((answer, length)) = read_answer(&self.unread) {
                self.unread.drain(..length);
                return answer;
            }
            let read = self.stream.read_buf(&mut self.unread).await.unwrap();
            assert!(
                read > 0,
                "the server closed after {:?}",
                String::from_utf8_lossy(&self.unread)
            );
        }
    }

    /// Waits until the server closes, and answers what it still sent.
    pub(crate) async fn closed(mut self) -> String {
        // A connection that is reset is closed as well.
        while let Ok(1..) = self.stream.read_buf(&mut self.unread).await {}
        String::from_utf8(self.unread).unwrap()
    }
}

/// The first answer in some bytes, and how many of them it takes.
pub(crate) fn read_answer(bytes: &[u8]) -> Option<((u16, String, String), usize)> {
    let text = str::from_utf8(bytes).ok()?;
    let (head, rest) = text.split_once("\r\n\r\n")?;
    let head = head.to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse::<usize>().unwrap());
    let body = rest.get(..length)?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let taken = head.len() + 4 + length;
    Some(((status, head, body.to_owned()), taken))
}
