//! The body of an import as numbered lines: streamed, decompressed on the way, each line bounded.
//!
//! Lines end at a line feed; a carriage return before it, a byte order mark at the start and lines of nothing but
//! white space are dropped, but the latter count in the numbers. What is compressed shows by its first bytes.

use std::io::Write;
use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, BufMut, Bytes, BytesMut, buf::Writer};
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt;

use super::bounds::{GZIP_SLICE_BYTES, UPLOAD_DRAIN_MAX};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// A line with content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1; blank lines count.
    pub(super) number: u64,
    /// Without the line's end.
    pub(super) bytes: Bytes,
}

/// Why no further line can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UploadFault {
    /// Nothing came for as long as the body of a request may be silent.
    Idle,
    /// The connection broke, or the body ended before its announced length.
    Cut,
    /// The gzip data are damaged, cut or none although `Content-Encoding` says so; says which.
    Gzip(String),
    /// The line is longer than allowed.
    LineTooLong {
        /// The most bytes allowed.
        max: usize,
    },
}

enum Decoder {
    /// Too few bytes came to tell.
    Unknown,
    Plain,
    Gzip(Box<MultiGzDecoder<Writer<BytesMut>>>),
}

/// See the top of this file.
pub(super) struct Upload {
    body: Body,
    /// Whether `Content-Encoding` announced gzip.
    announced: Announced,
    decoder: Decoder,
    /// Received, not yet decoded.
    received: BytesMut,
    /// Decoded, not yet read.
    decoded: BytesMut,
    /// How far `decoded` is known to hold no line feed.
    searched: usize,
    ended: bool,
    lines_read: u64,
    bounds: UploadBounds,
}

/// What a client may do to an upload. The whole may be of any size and take any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UploadBounds {
    /// Longest line.
    pub(super) line_bytes_max: usize,
    /// Longest time without a byte.
    pub(super) idle_max: Duration,
}

/// What `Content-Encoding` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    /// Nothing; the first bytes tell.
    Nothing,
    /// `gzip`.
    Gzip,
}

impl Upload {
    pub(super) fn new(body: Body, announced: Announced, bounds: UploadBounds) -> Upload {
        Upload {
            body,
            announced,
            decoder: Decoder::Unknown,
            received: BytesMut::new(),
            decoded: BytesMut::new(),
            searched: 0,
            ended: false,
            lines_read: 0,
            bounds,
        }
    }

    /// The number of the last line read, blank or not; 0 before the first.
    pub(super) fn lines_read(&self) -> u64 {
        self.lines_read
    }

    /// The next line that is not blank; `None` at the end. The last one needs no line feed.
    ///
    /// # Errors
    /// [`UploadFault`]; the line in question is the one after [`Upload::lines_read`].
    pub(super) async fn next(&mut self) -> Result<Option<Line>, UploadFault> {
        while let Some(bytes) = self.next_raw().await? {
            self.lines_read += 1;
            if !bytes.trim_ascii().is_empty() {
                return Ok(Some(Line {
                    number: self.lines_read,
                    bytes,
                }));
            }
        }
        Ok(None)
    }

    async fn next_raw(&mut self) -> Result<Option<Bytes>, UploadFault> {
        loop {
            if let Some(at) = self.decoded[self.searched..]
                .iter()
                .position(|byte| *byte == b'\n')
            {
                let length = self.searched + at;
                return self.take_line(length, 1).map(Some);
            }
            self.searched = self.decoded.len();
            self.check_length(self.searched)?;
            if self.ended {
                return match self.decoded.len() {
                    0 => Ok(None),
                    length => self.take_line(length, 0).map(Some),
                };
            }
            self.decode_more().await?;
        }
    }

    fn take_line(&mut self, length: usize, end_bytes: usize) -> Result<Bytes, UploadFault> {
        self.check_length(length)?;
        let mut line = self.decoded.split_to(length).freeze();
        self.decoded.advance(end_bytes);
        self.searched = 0;
        if line.ends_with(b"\r") {
            line.truncate(line.len() - 1);
        }
        if self.lines_read == 0 && line.starts_with(&BYTE_ORDER_MARK) {
            line.advance(BYTE_ORDER_MARK.len());
        }
        Ok(line)
    }

    fn check_length(&self, length: usize) -> Result<(), UploadFault> {
        if length <= self.bounds.line_bytes_max {
            Ok(())
        } else {
            Err(UploadFault::LineTooLong {
                max: self.bounds.line_bytes_max,
            })
        }
    }

    /// Decodes some of what was received, or receives more.
    async fn decode_more(&mut self) -> Result<(), UploadFault> {
        match &mut self.decoder {
            Decoder::Unknown if self.received.len() < GZIP_MAGIC.len() => self.receive().await,
            Decoder::Unknown => self.choose_decoder(),
            Decoder::Plain if self.received.is_empty() => self.receive().await,
            Decoder::Plain => {
                if self.decoded.is_empty() {
                    self.decoded = self.received.split();
                } else {
                    self.decoded.unsplit(self.received.split());
                }
                Ok(())
            }
            Decoder::Gzip(_) if self.received.is_empty() => self.receive().await,
            Decoder::Gzip(decoder) => {
                let slice = self.received.len().min(GZIP_SLICE_BYTES);
                let slice = self.received.split_to(slice);
                decoder.write_all(&slice).map_err(damaged)?;
                self.decoded
                    .extend_from_slice(&decoder.get_mut().get_mut().split());
                Ok(())
            }
        }
    }

    fn choose_decoder(&mut self) -> Result<(), UploadFault> {
        self.decoder = if self.received.starts_with(&GZIP_MAGIC) {
            Decoder::Gzip(Box::new(MultiGzDecoder::new(BytesMut::new().writer())))
        } else if self.announced == Announced::Gzip {
            return Err(UploadFault::Gzip(
                "Content-Encoding says gzip, but the body does not begin like it".into(),
            ));
        } else {
            Decoder::Plain
        };
        Ok(())
    }

    async fn receive(&mut self) -> Result<(), UploadFault> {
        let frame = tokio::time::timeout(self.bounds.idle_max, self.body.frame()).await;
        match frame.map_err(|_| UploadFault::Idle)? {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.received.extend_from_slice(&data);
                }
                Ok(())
            }
            Some(Err(_)) => Err(UploadFault::Cut),
            None => self.finish(),
        }
    }

    /// Everything was received: what is left in the decoder.
    fn finish(&mut self) -> Result<(), UploadFault> {
        self.ended = true;
        match &mut self.decoder {
            Decoder::Unknown if self.announced == Announced::Nothing => {
                self.decoded.unsplit(self.received.split());
                Ok(())
            }
            Decoder::Unknown => Err(damaged("the body is empty")),
            Decoder::Plain => Ok(()),
            Decoder::Gzip(decoder) => {
                decoder.try_finish().map_err(damaged)?;
                self.decoded
                    .extend_from_slice(&decoder.get_mut().get_mut().split());
                Ok(())
            }
        }
    }

    /// Reads on and throws away for a while. A server that closes while a client still sends makes the client's
    /// system drop the answer unread, so the upload is drained after it was refused.
    pub(super) fn drain(self) {
        if self.ended {
            return;
        }
        let mut body = self.body;
        tokio::spawn(async move {
            let all = async { while let Some(Ok(_)) = body.frame().await {} };
            if tokio::time::timeout(UPLOAD_DRAIN_MAX, all).await.is_err() {
                tracing::debug!("a refused upload went on for too long and is cut off");
            }
        });
    }
}

fn damaged(error: impl std::fmt::Display) -> UploadFault {
    UploadFault::Gzip(format!("the gzip data cannot be read: {error}"))
}

#[cfg(test)]
mod tests;
