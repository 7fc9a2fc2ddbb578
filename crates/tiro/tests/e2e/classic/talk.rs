//! HTTP as a classic client speaks it, over a connection of its own for each request.
//!
//! Every answer is looked at: none may be a failure of the server, end before its end, or have a name that only a
//! database knows.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::support::Tiro;

/// Longest silence of the server; far beyond what a busy machine needs.
const SILENCE_MAX: Duration = Duration::from_secs(120);

/// Names of members that no answer may have, at any depth.
const INNER_NAMES: [&str; 4] = ["id", "_id", "application_id", "chat_id"];

/// A client that knows nothing but where its service is.
#[derive(Clone)]
pub(crate) struct Service {
    writes: String,
    reads: String,
}

/// A request that is being put together.
#[derive(Clone)]
pub(super) struct Request {
    method: &'static str,
    path: String,
    headers: String,
    body: String,
}

/// An answer that arrived whole.
#[derive(Clone)]
pub(super) struct Answer {
    asked: String,
    status: u16,
    head: String,
    body: Vec<u8>,
}

pub(super) fn get(path: impl Into<String>) -> Request {
    Request::new("GET", path.into())
}

pub(super) fn post(path: impl Into<String>) -> Request {
    Request::new("POST", path.into())
}

pub(super) fn put(path: impl Into<String>) -> Request {
    Request::new("PUT", path.into())
}

pub(super) fn patch(path: impl Into<String>) -> Request {
    Request::new("PATCH", path.into())
}

pub(super) fn delete(path: impl Into<String>) -> Request {
    Request::new("DELETE", path.into())
}

impl Request {
    fn new(method: &'static str, path: String) -> Request {
        Request {
            method,
            path,
            headers: String::new(),
            body: String::new(),
        }
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Request {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Under an `Idempotency-Key`.
    pub(super) fn key(self, key: &str) -> Request {
        self.header("Idempotency-Key", key)
    }

    pub(super) fn json(mut self, body: &Value) -> Request {
        self.body = body.to_string();
        self.header("Content-Type", "application/json")
    }

    /// A form as Rails clients send it, already encoded.
    pub(super) fn form(mut self, body: &str) -> Request {
        body.clone_into(&mut self.body);
        self.header("Content-Type", "application/x-www-form-urlencoded")
    }
}

impl Service {
    pub(super) fn of(tiro: &Tiro) -> Service {
        Service::at(tiro.host())
    }

    /// `host:port`.
    pub(crate) fn at(host: &str) -> Service {
        Service::over(host, host)
    }

    /// A service that is written to at one `host:port` and read at another.
    pub(crate) fn over(writes: &str, reads: &str) -> Service {
        Service {
            writes: writes.to_owned(),
            reads: reads.to_owned(),
        }
    }

    /// Sends a request; the connection on which the answer comes.
    pub(super) fn ask(&self, request: &Request) -> TcpStream {
        let Request {
            method,
            path,
            headers,
            body,
        } = request;
        let host = if *method == "GET" {
            &self.reads
        } else {
            &self.writes
        };
        let mut connection = TcpStream::connect(host).unwrap();
        connection.set_read_timeout(Some(SILENCE_MAX)).unwrap();
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        );
        connection.write_all(text.as_bytes()).unwrap();
        connection
    }

    /// Sends a request; its answer, if it has this status.
    pub(super) fn send(&self, status: u16, request: &Request) -> Answer {
        let asked = format!("{} {}", request.method, request.path);
        let mut bytes = Vec::new();
        self.ask(request).read_to_end(&mut bytes).unwrap();
        let answer = Answer::read(asked, &bytes);
        assert_eq!(answer.status, status, "{answer:?}");
        answer
    }

    /// Sends a request; the JSON that is answered with this status.
    pub(super) fn json(&self, status: u16, request: &Request) -> Value {
        self.send(status, request).json()
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} answered\n{}{body}", self.asked, self.head)
    }
}

impl Answer {
    pub(super) fn read(asked: String, bytes: &[u8]) -> Answer {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("{asked}: no answer")) + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer {
            asked,
            status,
            head,
            body: Vec::new(),
        };
        answer.body = answer.body_of(&bytes[end..]);
        answer.check();
        answer
    }

    /// The body that a message framed (RFC 9112, section 6); fails if it broke off.
    fn body_of(&self, framed: &[u8]) -> Vec<u8> {
        if self.header("transfer-encoding") == Some("chunked") {
            return unchunked(framed).unwrap_or_else(|| panic!("{} broke off", self.asked));
        }
        let length = self
            .header("content-length")
            .map_or(0, |text| text.parse().unwrap());
        assert_eq!(framed.len(), length, "{} broke off", self.asked);
        framed.to_vec()
    }

    fn check(&self) {
        assert!(self.status < 500, "{self:?}");
        if self
            .header("content-type")
            .is_some_and(|text| text.contains("json"))
            && !self.body.is_empty()
        {
            refuse_inner_names(&self.asked, &self.json());
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        headers
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{self:?}: {error}"))
    }
}

/// What chunks hold; `None` if the last one is missing.
fn unchunked(mut framed: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = framed.windows(2).position(|window| window == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&framed[..line]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(framed.get(line + 2..line + 2 + size)?);
        framed = framed.get(line + 2 + size + 2..)?;
    }
}

fn refuse_inner_names(asked: &str, value: &Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                assert!(!INNER_NAMES.contains(&name.as_str()), "{asked} answers `{name}`");
                refuse_inner_names(asked, member);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| refuse_inner_names(asked, item)),
        _ => {}
    }
}

#[test]
#[should_panic(expected = "GET /chats answers `chat_id`")]
fn a_name_that_only_a_database_knows_is_noticed_at_any_depth() {
    let body = r#"[{"chat":{"chat_id":1}}]"#;
    let text = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Answer::read("GET /chats".to_owned(), text.as_bytes());
}

#[test]
#[should_panic(expected = "GET /chats broke off")]
fn a_list_that_breaks_off_is_noticed() {
    let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n";
    Answer::read("GET /chats".to_owned(), text.as_bytes());
}
