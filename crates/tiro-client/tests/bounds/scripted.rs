//! A server on a loopback port that answers as a test says and remembers what it was asked.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a request gets.
pub(crate) enum Reply {
    /// These bytes, then the end of the connection.
    Bytes(Vec<u8>),
    /// Something else, later.
    After(Duration, Box<Reply>),
    /// Nothing, and the connection stays.
    Never,
    /// The end of the connection.
    Hangup,
    /// The beginning of a chunked answer, then the end of the connection.
    Cut,
    /// The beginning of a chunked answer, then nothing.
    Stalled,
}

impl Reply {
    pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
        let headers: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"))
            .collect();
        let length = body.len();
        let head =
            format!("HTTP/1.1 {status} S\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
        Reply::Bytes([head.as_bytes(), body.as_bytes()].concat())
    }
}

type Script = Arc<dyn Fn(&str, usize) -> Reply + Send + Sync>;

/// The server; ends with the test's runtime.
pub(crate) struct Scripted {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    accepting: JoinHandle<()>,
}

impl Scripted {
    /// Answers the n-th request, from 1, with `script(n)`.
    pub(crate) async fn start(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Scripted {
        Scripted::begin(Arc::new(move |_, nth| script(nth))).await
    }

    /// Answers a request by its method and path.
    pub(crate) async fn start_by_path(script: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Scripted {
        Scripted::begin(Arc::new(move |path, _| script(path))).await
    }

    async fn begin(script: Script) -> Scripted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        let accepting = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(connection, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Scripted {
            port,
            heads,
            accepting,
        }
    }

    /// Closes the port.
    pub(crate) async fn stop(&self) {
        self.accepting.abort();
        while !self.accepting.is_finished() {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The heads of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// Method and path of all requests so far.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.requests().iter().map(|head| path_of(head)).collect()
    }

    /// One header of all requests that had it.
    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let prefix = format!("{name}: ");
        let heads = self.requests();
        heads
            .iter()
            .flat_map(|head| head.lines())
            .filter_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
            .collect()
    }
}

fn path_of(head: &str) -> String {
    let line = head.lines().next().unwrap_or_default();
    line.trim_end_matches(" HTTP/1.1").to_owned()
}

async fn serve(mut connection: TcpStream, script: Script, heads: Arc<Mutex<Vec<String>>>) {
    let Some(head) = read_request(&mut connection).await else {
        return;
    };
    let path = path_of(&head);
    let nth = {
        let mut heads = heads.lock().unwrap();
        heads.push(head);
        heads.len()
    };
    let mut reply = script(&path, nth);
    while let Reply::After(delay, later) = reply {
        tokio::time::sleep(delay).await;
        reply = *later;
    }
    let begun: &[u8] = b"HTTP/1.1 200 S\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    match reply {
        Reply::Bytes(bytes) => connection.write_all(&bytes).await.unwrap(),
        Reply::Cut => connection.write_all(begun).await.unwrap(),
        Reply::Stalled => {
            connection.write_all(begun).await.unwrap();
            std::future::pending::<()>().await;
        }
        Reply::Never => std::future::pending().await,
        Reply::Hangup | Reply::After(..) => {}
    }
}

/// Reads a head and its body; `None` if the connection ended before.
async fn read_request(connection: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let read = connection.read_buf(&mut bytes).await.ok()?;
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            let chunked = head.contains("transfer-encoding: chunked");
            if (chunked && body.ends_with("0\r\n\r\n")) || (!chunked && body.len() >= length) {
                return Some(head.to_owned());
            }
        }
        if read == 0 {
            return None;
        }
    }
}
