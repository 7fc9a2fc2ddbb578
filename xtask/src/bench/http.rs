//! Just enough of HTTP/1.1 to measure a server cheaply: where an answer ends, and its status.
//!
//! RFC 9112, section 6: a body is as long as `content-length` says, or comes in chunks.

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer that has arrived whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Bytes of the status line and the headers.
    pub(crate) head_bytes: usize,
    /// Bytes of head and body.
    pub(crate) bytes: usize,
}

enum Length {
    Known(usize),
    Chunked,
}

/// Sends one request and reads its answer into `received`, which is emptied first.
pub(crate) async fn exchange(
    connection: &mut TcpStream,
    request: &[u8],
    received: &mut Vec<u8>,
) -> anyhow::Result<Answer> {
    received.clear();
    connection.write_all(request).await?;
    loop {
        if connection.read_buf(received).await? == 0 {
            bail!("the server closed a connection in the middle of an answer");
        }
        if let Some(answer) = whole_answer(received)? {
            return Ok(answer);
        }
    }
}

/// The answer at the beginning of `received`, once all of it is there.
fn whole_answer(received: &[u8]) -> anyhow::Result<Option<Answer>> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let (status, length) = read_head(&received[..end])?;
    let head_bytes = end + 4;
    let body_bytes = match length {
        Length::Known(bytes) => Some(bytes),
        Length::Chunked => chunked_bytes(&received[head_bytes..])?,
    };
    let answer = body_bytes.map(|body_bytes| Answer {
        status,
        head_bytes,
        bytes: head_bytes + body_bytes,
    });
    Ok(answer.filter(|answer| answer.bytes <= received.len()))
}

fn read_head(head: &[u8]) -> anyhow::Result<(u16, Length)> {
    let head = std::str::from_utf8(head).context("the head of an answer is not text")?;
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let status = status_line
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3)?.parse().ok())
        .with_context(|| format!("not an HTTP/1.1 answer: {status_line}"))?;
    for line in lines {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        if name.eq_ignore_ascii_case("content-length") {
            return Ok((status, Length::Known(value.trim().parse()?)));
        }
        if name.eq_ignore_ascii_case("transfer-encoding") {
            return Ok((status, Length::Chunked));
        }
    }
    // Answers without a body, such as 204.
    Ok((status, Length::Known(0)))
}

/// How many bytes the chunks take, the last one included; `None` while that one is missing.
fn chunked_bytes(body: &[u8]) -> anyhow::Result<Option<usize>> {
    let mut at = 0;
    loop {
        let Some(line) = body
            .get(at..)
            .and_then(|rest| rest.windows(2).position(|window| window == b"\r\n"))
        else {
            return Ok(None);
        };
        let size = std::str::from_utf8(&body[at..at + line])?;
        let size =
            usize::from_str_radix(size, 16).with_context(|| format!("not the size of a chunk: {size}"))?;
        at += line + 2 + size + 2;
        if size == 0 {
            return Ok(Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends_at(text: &str) -> Option<Answer> {
        whole_answer(text.as_bytes()).unwrap()
    }

    #[test]
    fn an_answer_is_whole_with_its_last_byte_and_not_before() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
            "HTTP/1.1 200 No Content\r\nserver: x\r\n\r\n",
        ] {
            for end in 0..text.len() {
                assert_eq!(ends_at(&text[..end]), None, "{:?}", &text[..end]);
            }
            let answer = ends_at(text).unwrap();
            assert_eq!((answer.status, answer.bytes), (200, text.len()));
        }
    }

    #[test]
    fn what_is_not_http_is_an_error() {
        assert!(whole_answer(b"SSH-2.0-x\r\n\r\n").is_err());
        assert!(whole_answer(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n").is_err());
    }
}
