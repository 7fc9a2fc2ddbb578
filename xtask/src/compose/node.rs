//! One node of a running Tiro, asked over HTTP/1.1, a connection a request.
//!
//! RFC 9112: with `Connection: close` an answer ends with its connection, or is told in chunks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

/// Longest silence of a node before a step fails.
const SILENCE_MAX: Duration = Duration::from_secs(30);
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 16 << 20;

/// Where a node listens: `host:port`.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    host: String,
}

/// An answer that has arrived whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Node {
    /// The node of an address like `http://127.0.0.1:3000`.
    pub(crate) fn of(address: &str) -> anyhow::Result<Node> {
        let host = address
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'));
        let host = host.filter(|host| host.contains(':') && !host.contains('/'));
        let host =
            host.with_context(|| format!("`{address}` is not an address like http://127.0.0.1:3000"))?;
        Ok(Node {
            host: host.to_owned(),
        })
    }

    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.host)
    }

    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.call("GET", path, &[], None)
    }

    pub(crate) fn post(&self, path: &str, key: Option<&str>, body: &Value) -> anyhow::Result<Answer> {
        let key = key.map(|key| ("Idempotency-Key", key));
        self.call("POST", path, key.as_slice(), Some(body))
    }

    /// One request and its answer, whatever the status is.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let asked = || format!("{method} http://{}{path}", self.host);
        let connection = self.send(method, path, headers, body).with_context(asked)?;
        let mut received = Vec::new();
        let read = connection.take(ANSWER_BYTES_MAX).read_to_end(&mut received);
        read.with_context(asked)?;
        Answer::of(&received).with_context(asked)
    }

    /// A stream of Server-Sent Events: its lines from the first event on, as they come.
    pub(crate) fn events(
        &self,
        path: &str,
    ) -> anyhow::Result<impl Iterator<Item = std::io::Result<String>> + use<>> {
        let connection = self.send("GET", path, &[("Accept", "text/event-stream")], None)?;
        let mut lines = BufReader::new(connection).lines();
        let status = lines.next().context("no answer")??;
        if !status.starts_with("HTTP/1.1 200") {
            bail!("{path} is answered {status}");
        }
        // The head ends with an empty line; sizes of chunks stand between the events and are none of their lines.
        for line in lines.by_ref() {
            if line?.is_empty() {
                break;
            }
        }
        Ok(lines)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> anyhow::Result<TcpStream> {
        let address = self.host.to_socket_addrs()?.next().context("no such host")?;
        let mut connection = TcpStream::connect_timeout(&address, CONNECT_MAX)?;
        connection.set_read_timeout(Some(SILENCE_MAX))?;
        connection.set_write_timeout(Some(SILENCE_MAX))?;
        let body = body.map_or_else(String::new, Value::to_string);
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.host
        );
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            request += "Content-Type: application/json\r\n";
        }
        request += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        connection.write_all(request.as_bytes())?;
        Ok(connection)
    }
}

impl Answer {
    fn of(received: &[u8]) -> anyhow::Result<Answer> {
        let end = received.windows(4).position(|window| window == b"\r\n\r\n");
        let end = end.context("the answer has no end of its head")?;
        let head = std::str::from_utf8(&received[..end])?;
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
        let body = &received[end + 4..];
        Ok(Answer {
            status: status.with_context(|| format!("not HTTP/1.1: {head:.80}"))?,
            headers,
            body: if chunked { joined(body)? } else { body.to_vec() },
        })
    }

    /// The body of an answer with this status.
    pub(crate) fn expect(&self, status: u16) -> anyhow::Result<Value> {
        if self.status != status {
            let said = String::from_utf8_lossy(&self.body);
            bail!("answered {} in place of {status}: {said:.600}", self.status);
        }
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).context("the body is not JSON")
    }

    pub(crate) fn header(&self, name: &str) -> anyhow::Result<&str> {
        let found = self.headers.iter().find(|(found, _)| found == name);
        let (_, value) = found.with_context(|| format!("the answer has no {name}"))?;
        Ok(value)
    }
}

/// The bytes of a body that comes in chunks.
fn joined(mut chunks: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = chunks
            .windows(2)
            .position(|window| window == b"\r\n")
            .context("a chunk is missing")?;
        let size = usize::from_str_radix(std::str::from_utf8(&chunks[..end])?, 16)?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = chunks
            .get(end + 2..end + 2 + size)
            .context("a chunk is cut off")?;
        body.extend_from_slice(chunk);
        chunks = chunks
            .get(end + 2 + size + 2..)
            .context("the last chunk is missing")?;
    }
}

/// A text as a value of a query, or as a segment of a path (RFC 3986, section 2.3).
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_known_length_and_in_chunks_have_the_same_body() {
        let plain = Answer::of(b"HTTP/1.1 201 Created\r\nETag: \"1\"\r\n\r\n{\"a\":1}").unwrap();
        assert_eq!(plain.expect(201).unwrap()["a"], 1);
        assert_eq!(plain.header("etag").unwrap(), "\"1\"");
        let chunked =
            b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
        assert_eq!(Answer::of(chunked).unwrap().body, plain.body);
        assert!(Answer::of(&chunked[..chunked.len() - 5]).is_err());
    }

    #[test]
    fn another_status_is_an_error_with_what_was_said() {
        let refused = Answer::of(b"HTTP/1.1 404 Not Found\r\n\r\n{\"code\":\"not_found\"}").unwrap();
        assert!(refused.expect(200).unwrap_err().to_string().contains("not_found"));
        assert!(refused.header("etag").is_err());
    }

    #[test]
    fn addresses_and_values_are_written_as_they_go_on_the_wire() {
        assert!(Node::of("127.0.0.1:3000").is_err());
        assert_eq!(
            Node::of("http://127.0.0.1:3000/").unwrap().address(),
            "http://127.0.0.1:3000"
        );
        assert_eq!(encoded("a ü№"), "a%20%C3%BC%E2%84%96");
    }
}
