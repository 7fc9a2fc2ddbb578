//! A stream of events held by hand: it can be cut anywhere, and left unread.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for anything; far beyond what a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(120);

/// One connection with one stream on it.
pub(super) struct RawStream {
    connection: TcpStream,
    received: Vec<u8>,
    /// What was taken out of the chunks of the answer and not yet read.
    text: Vec<u8>,
    head_is_read: bool,
    /// Whether the answer came to its regular end.
    is_whole: bool,
    /// The last `id` that was received.
    pub(super) cursor: Option<String>,
}

impl RawStream {
    /// Asks for a stream; reads nothing of it.
    pub(super) async fn open(host: &str, token: &str, query: &str, last_event_id: Option<&str>) -> RawStream {
        let mut connection = TcpStream::connect(host).await.unwrap();
        let resume = last_event_id.map_or(String::new(), |id| format!("Last-Event-ID: {id}\r\n"));
        let head = format!(
            "GET /v1/applications/{token}/changes/stream{query} HTTP/1.1\r\nHost: {host}\r\n{resume}\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        RawStream {
            connection,
            received: Vec::new(),
            text: Vec::new(),
            head_is_read: false,
            is_whole: false,
            cursor: last_event_id.map(str::to_owned),
        }
    }

    /// The next entry; `None` at the end of the stream, however it came about.
    pub(super) async fn entry(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                if let Some(entry) = self.block(str::from_utf8(&block).unwrap()) {
                    return Some(entry);
                }
            } else if !self.receive().await {
                return None;
            }
        }
    }

    /// Reads until the stream has named the place at which it begins.
    pub(super) async fn begun(&mut self) -> String {
        while self.cursor.is_none() {
            if let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                assert_eq!(self.block(str::from_utf8(&block).unwrap()), None);
            } else {
                assert!(self.receive().await, "the stream ended before it began");
            }
        }
        self.cursor.clone().unwrap()
    }

    /// Whether the answer ended as an answer does, rather than being cut.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    fn block(&mut self, block: &str) -> Option<Value> {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        if let Some(id) = field("id: ") {
            self.cursor = Some(id.to_owned());
        }
        field("data: ").map(|data| serde_json::from_str(data).unwrap())
    }

    /// More text; false at the end.
    async fn receive(&mut self) -> bool {
        if self.is_whole {
            return false;
        }
        self.received.reserve(16 * 1024);
        let read = timeout(PATIENCE, self.connection.read_buf(&mut self.received)).await;
        match read.expect("a stream is never silent for so long") {
            Ok(0) | Err(_) => false,
            Ok(_) => {
                self.take_head();
                while self.head_is_read && self.take_chunk() {}
                true
            }
        }
    }

    fn take_head(&mut self) {
        let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") else {
            return;
        };
        if !self.head_is_read {
            let head: Vec<u8> = self.received.drain(..end + 4).collect();
            let head = String::from_utf8(head).unwrap();
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
            self.head_is_read = true;
        }
    }

    /// Takes one chunk (RFC 9112, section 7.1) out of what was received.
    fn take_chunk(&mut self) -> bool {
        let Some(line) = self.received.windows(2).position(|two| two == b"\r\n") else {
            return false;
        };
        let size = usize::from_str_radix(str::from_utf8(&self.received[..line]).unwrap(), 16).unwrap();
        let end = line + 2 + size + 2;
        if self.received.len() < end {
            return false;
        }
        self.text.extend_from_slice(&self.received[line + 2..end - 2]);
        self.received.drain(..end);
        self.is_whole = size == 0;
        !self.is_whole
    }
}
