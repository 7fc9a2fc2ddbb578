//! Reading a segment batch by batch, verified, and searching for what comes after a bad one.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{During, IoFailed};
use super::fault::Fault;
use super::layout::{ALIGNMENT, BATCH_HEADER_BYTES, BATCH_MAGIC, BatchHeader, DataSetId, array};
use super::point::LogPoint;
use super::segment::Segment;
use crate::disk::DiskFile;

const WINDOW_BYTES: usize = 64 << 10;

/// Walks one segment from point to point.
pub(super) struct Walk {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    data_set: DataSetId,
    capacity: u64,
    at: LogPoint,
    window: Window,
    payload: Range<usize>,
}

impl Walk {
    pub(super) fn new(file: Arc<dyn DiskFile>, segment: &Segment) -> Walk {
        Walk {
            file,
            path: segment.path.clone(),
            data_set: segment.header.data_set,
            capacity: segment.header.capacity,
            at: segment.start(),
            window: Window::default(),
            payload: 0..0,
        }
    }

    /// The point after the last good batch.
    pub(super) fn at(&self) -> LogPoint {
        self.at
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Goes on from there, which must be a point of this segment.
    pub(super) fn go_to(&mut self, point: LogPoint) {
        self.at = point;
    }

    /// Steps over the next batch, or says what is wrong with the bytes where it should be and stays.
    pub(super) fn advance(&mut self) -> Result<Result<(), Fault>, IoFailed> {
        let mut verified = self.read_batch(self.at.offset).during("read", &self.path)?;
        if let Ok(header) = &verified {
            let expected = self.at.checksum;
            if header.sequence != self.at.sequence + 1 {
                verified = Err(Fault::Sequence {
                    found: header.sequence,
                });
            } else if header.previous != expected {
                verified = Err(Fault::Previous {
                    found: header.previous,
                    expected,
                });
            }
        }
        Ok(verified.map(|header| {
            self.at.offset += header.bytes();
            self.at.sequence = header.sequence;
            self.at.checksum = header.checksum;
        }))
    }

    /// The payload of the batch just stepped over.
    pub(super) fn payload(&self) -> &[u8] {
        &self.window.bytes[self.payload.clone()]
    }

    fn read_batch(&mut self, offset: u64) -> io::Result<Result<BatchHeader, Fault>> {
        let room = self.capacity.saturating_sub(offset);
        let bytes = self.window.get(&*self.file, offset, BATCH_HEADER_BYTES)?;
        if room < BATCH_HEADER_BYTES as u64 || bytes.len() < BATCH_HEADER_BYTES {
            return Ok(Err(Fault::Absent));
        }
        let header = match BatchHeader::decode(&array(bytes, 0), room) {
            Ok(header) => header,
            Err(fault) => return Ok(Err(fault)),
        };
        let length = header.bytes() as usize;
        let batch = self.window.get(&*self.file, offset, length)?;
        if batch.len() < length {
            return Ok(Err(Fault::Length {
                payload_bytes: header.payload_bytes as u64,
            }));
        }
        let verified = header.verify(batch, self.data_set);
        let start = (offset - self.window.start) as usize + BATCH_HEADER_BYTES;
        self.payload = start..start + header.payload_bytes;
        Ok(verified.map(|()| header))
    }

    /// The first valid batch at or after `offset` that `wanted` takes, and where it begins. Does not move the walk.
    pub(super) fn search(
        &mut self,
        mut offset: u64,
        wanted: impl Fn(&BatchHeader) -> bool,
    ) -> Result<Option<(u64, BatchHeader)>, IoFailed> {
        let mut chunk = vec![0; WINDOW_BYTES];
        while offset < self.capacity {
            let read = self
                .file
                .read_up_to_at(&mut chunk, offset)
                .during("read", &self.path)?;
            let Some(candidate) = find_magic(&chunk[..read]) else {
                if read < chunk.len() {
                    return Ok(None);
                }
                offset += read as u64;
                continue;
            };
            offset += candidate as u64;
            match self.read_batch(offset).during("read", &self.path)? {
                Ok(header) if wanted(&header) => return Ok(Some((offset, header))),
                Ok(header) => offset += header.bytes(),
                Err(_) => offset += ALIGNMENT,
            }
        }
        Ok(None)
    }

    /// The byte after the last one at or after `offset` that is not zero.
    pub(super) fn written_end(&self, mut offset: u64) -> Result<Option<u64>, IoFailed> {
        let mut chunk = vec![0; WINDOW_BYTES];
        let mut end = None;
        loop {
            let read = self
                .file
                .read_up_to_at(&mut chunk, offset)
                .during("read", &self.path)?;
            if let Some(last) = chunk[..read].iter().rposition(|&byte| byte != 0) {
                end = Some(offset + last as u64 + 1);
            }
            if read < chunk.len() {
                return Ok(end);
            }
            offset += read as u64;
        }
    }
}

fn find_magic(chunk: &[u8]) -> Option<usize> {
    let words = chunk.chunks(ALIGNMENT as usize);
    words
        .enumerate()
        .find(|(_, word)| word.starts_with(&BATCH_MAGIC))
        .map(|(index, _)| index * ALIGNMENT as usize)
}

/// A stretch of the file, read ahead so that small batches do not cost a call each.
#[derive(Default)]
struct Window {
    bytes: Vec<u8>,
    start: u64,
}

impl Window {
    /// `length` bytes from `offset`, fewer at the end of the file.
    fn get(&mut self, file: &dyn DiskFile, offset: u64, length: usize) -> io::Result<&[u8]> {
        let end = self.start + self.bytes.len() as u64;
        if offset < self.start || offset + length as u64 > end {
            let mut bytes = std::mem::take(&mut self.bytes);
            bytes.resize(length.max(WINDOW_BYTES), 0);
            let read = file.read_up_to_at(&mut bytes, offset)?;
            bytes.truncate(read);
            (self.bytes, self.start) = (bytes, offset);
        }
        let from = (offset - self.start) as usize;
        Ok(&self.bytes[from..self.bytes.len().min(from + length)])
    }
}
