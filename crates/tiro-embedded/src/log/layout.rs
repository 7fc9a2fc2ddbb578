//! The log on disk, format version 1: segments of batches, and the mark.
//!
//! Integers are little-endian; a checksum is CRC32C; a *page* is 4096 bytes. Unused bytes are zero. In every future
//! version magic, version and checksum of a page stay where they are, and so do those of a batch and its length, so that
//! an older program can tell a newer file from a broken one.
//!
//! # `log/<first sequence, 16 hex digits>.seg`
//!
//! A header page, then batches back to back, then zeros to the end. The file has its full length from the start and was
//! filled with zeros by real writes before its first use. The first segment is `0000000000000001.seg`.
//!
//! | offset | bytes | header page |
//! |---|---|---|
//! | 0 | 8 | magic `TIRO-SEG` |
//! | 8 | 2 | format version |
//! | 16 | 16 | data set id: random, made with the folder, the same in every file of it |
//! | 32 | 8 | first sequence: the sequence of the first batch, also the file's name |
//! | 40 | 8 | first sequence of the segment before this one, 0 in the first |
//! | 48 | 8 | capacity: bytes of the whole file |
//! | 4092 | 4 | checksum of bytes 0..4092 |
//!
//! | offset | bytes | batch; begins at a multiple of 8 |
//! |---|---|---|
//! | 0 | 4 | magic `FE 54 42 FF`; FE and FF occur in no UTF-8 text |
//! | 4 | 4 | checksum of the data set id followed by bytes 8.. of the batch, padding included |
//! | 8 | 2 | format version |
//! | 10 | 2 | flags, 0 |
//! | 12 | 4 | payload length, at most 8 MiB |
//! | 16 | 8 | sequence: 1, 2, 3 … through all segments, without a hole |
//! | 24 | 8 | synced through: the highest sequence that was durable when this batch was written |
//! | 32 | 4 | previous: checksum of the batch before it in this segment; of the header page for the first |
//! | 36 | 4 | 0 |
//! | 40 | … | payload, padded with zeros to a multiple of 8 |
//!
//! # `log/mark`
//!
//! Two pages. Generation *g* is written to page *g* mod 2, so a torn write leaves the other one. The valid page with the
//! higher generation counts.
//!
//! | offset | bytes | mark page |
//! |---|---|---|
//! | 0 | 8 | magic `TIROMARK` |
//! | 8 | 2 | format version |
//! | 16 | 16 | data set id |
//! | 32 | 8 | generation: 1, 2, 3 … |
//! | 40 | 28 | log point up to which the log was durable: segment's first sequence 8, offset 8, sequence 8, checksum 4 |
//! | 4092 | 4 | checksum of bytes 0..4092 |
//!
//! # Other names
//!
//! `next.seg` is the segment being prepared; it never holds anything and is removed when the log is opened. `lock` is
//! empty and locked by the process that has the log open. `<first sequence>.lost` is a segment set aside when data loss
//! was accepted; nothing reads it.

use std::fmt;

use super::fault::Fault;
use super::point::{LogPoint, POINT_BYTES};

/// The format this program writes; it refuses a higher one.
pub const FORMAT_VERSION: u16 = 2;
/// Bytes of one batch's payload, at most.
pub const PAYLOAD_BYTES_MAX: usize = 8 << 20;
/// Bytes of a segment file unless told otherwise.
pub const SEGMENT_BYTES_DEFAULT: u64 = 32 << 20;

pub(super) const PAGE_BYTES: usize = 4096;
/// Where the first batch of a segment begins.
pub(super) const BATCHES_START: u64 = PAGE_BYTES as u64;
pub(super) const BATCH_HEADER_BYTES: usize = 40;
pub(super) const ALIGNMENT: u64 = 8;
pub(super) const BATCH_MAGIC: [u8; 4] = *b"\xfeTB\xff";
const SEGMENT_MAGIC: [u8; 8] = *b"TIRO-SEG";
const MARK_MAGIC: [u8; 8] = *b"TIROMARK";
const CHECKSUM_OFFSET: usize = PAGE_BYTES - 4;

const _: () = assert!(SEGMENT_BYTES_DEFAULT >= BATCHES_START + batch_bytes(PAYLOAD_BYTES_MAX));
const _: () = assert!(PAYLOAD_BYTES_MAX <= u32::MAX as usize);
const _: () = assert!((BATCHES_START).is_multiple_of(ALIGNMENT));

/// A page of a file: a segment's header or one slot of the mark.
pub(super) type Page = [u8; PAGE_BYTES];

/// Names one data folder for ever: random, in every file of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataSetId(pub [u8; 16]);

impl fmt::Display for DataSetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The header page of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) data_set: DataSetId,
    pub(super) first: u64,
    /// First sequence of the segment before this one; 0 when this is the first.
    pub(super) previous_first: u64,
    /// Bytes of the whole file.
    pub(super) capacity: u64,
}

impl SegmentHeader {
    /// The page and its checksum, with which the segment's chain begins.
    pub(super) fn encode(&self) -> (Page, u32) {
        let mut page = start_page(SEGMENT_MAGIC, self.data_set);
        page[32..40].copy_from_slice(&self.first.to_le_bytes());
        page[40..48].copy_from_slice(&self.previous_first.to_le_bytes());
        page[48..56].copy_from_slice(&self.capacity.to_le_bytes());
        let checksum = seal_page(&mut page);
        (page, checksum)
    }

    /// The header and its checksum.
    pub(super) fn decode(page: &Page) -> Result<(SegmentHeader, u32), Fault> {
        let checksum = check_page(page, SEGMENT_MAGIC)?;
        let header = SegmentHeader {
            data_set: DataSetId(array(page, 16)),
            first: u64_at(page, 32),
            previous_first: u64_at(page, 40),
            capacity: u64_at(page, 48),
        };
        Ok((header, checksum))
    }
}

/// One slot of the mark: up to where the log was durable when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) data_set: DataSetId,
    pub(super) generation: u64,
    pub(super) synced: LogPoint,
}

impl Mark {
    pub(super) fn encode(&self) -> Page {
        let mut page = start_page(MARK_MAGIC, self.data_set);
        page[32..40].copy_from_slice(&self.generation.to_le_bytes());
        page[40..40 + POINT_BYTES].copy_from_slice(&self.synced.encode());
        seal_page(&mut page);
        page
    }

    pub(super) fn decode(page: &Page) -> Result<Mark, Fault> {
        check_page(page, MARK_MAGIC)?;
        Ok(Mark {
            data_set: DataSetId(array(page, 16)),
            generation: u64_at(page, 32),
            synced: LogPoint::decode(&array(page, 40)),
        })
    }
}

/// What stands before a batch's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub(super) checksum: u32,
    pub(super) version: u16,
    pub(super) payload_bytes: usize,
    pub(super) sequence: u64,
    pub(super) synced_through: u64,
    pub(super) previous: u32,
}

impl BatchHeader {
    /// Reads the fields of a header with `room` bytes from its start to the end of the segment. Nothing is verified but
    /// that it is a header and that its batch can lie there; [`BatchHeader::verify`] does the rest.
    pub(super) fn decode(bytes: &[u8; BATCH_HEADER_BYTES], room: u64) -> Result<BatchHeader, Fault> {
        if bytes[..4] != BATCH_MAGIC {
            let zeros = bytes.iter().all(|&byte| byte == 0);
            return Err(if zeros { Fault::Absent } else { Fault::Magic });
        }
        let header = BatchHeader {
            checksum: u32_at(bytes, 4),
            version: u16_at(bytes, 8),
            payload_bytes: u32_at(bytes, 12) as usize,
            sequence: u64_at(bytes, 16),
            synced_through: u64_at(bytes, 24),
            previous: u32_at(bytes, 32),
        };
        if header.payload_bytes > PAYLOAD_BYTES_MAX || header.bytes() > room {
            return Err(Fault::Length {
                payload_bytes: header.payload_bytes as u64,
            });
        }
        Ok(header)
    }

    /// Checks the whole batch, header and padding included, against its checksum; then the version.
    pub(super) fn verify(&self, batch: &[u8], data_set: DataSetId) -> Result<(), Fault> {
        let computed = batch_checksum(batch, data_set);
        if computed != self.checksum {
            return Err(Fault::Checksum {
                stored: self.checksum,
                computed,
                version: self.version,
            });
        }
        check_version(self.version)
    }

    /// Bytes of the whole batch on disk.
    pub(super) fn bytes(&self) -> u64 {
        batch_bytes(self.payload_bytes)
    }
}

/// Bytes on disk of a batch with a payload of that length.
pub(super) const fn batch_bytes(payload_bytes: usize) -> u64 {
    ((BATCH_HEADER_BYTES + payload_bytes) as u64).next_multiple_of(ALIGNMENT)
}

/// Puts the batch into `buffer`, replacing what was there, and answers its checksum. `header.checksum`, `version` and
/// `payload_bytes` are not read.
pub(super) fn encode_batch(
    buffer: &mut Vec<u8>,
    header: &BatchHeader,
    data_set: DataSetId,
    payload: &[u8],
) -> u32 {
    assert!(
        payload.len() <= PAYLOAD_BYTES_MAX,
        "a payload is at most PAYLOAD_BYTES_MAX long"
    );
    buffer.clear();
    buffer.resize(BATCH_HEADER_BYTES, 0);
    buffer[..4].copy_from_slice(&BATCH_MAGIC);
    buffer[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    buffer[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    buffer[16..24].copy_from_slice(&header.sequence.to_le_bytes());
    buffer[24..32].copy_from_slice(&header.synced_through.to_le_bytes());
    buffer[32..36].copy_from_slice(&header.previous.to_le_bytes());
    buffer.extend_from_slice(payload);
    buffer.resize(batch_bytes(payload.len()) as usize, 0);
    let checksum = batch_checksum(buffer, data_set);
    buffer[4..8].copy_from_slice(&checksum.to_le_bytes());
    checksum
}

// Beginning with the data set id, which no client knows, keeps a payload from containing a batch that looks valid.
fn batch_checksum(batch: &[u8], data_set: DataSetId) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&data_set.0), &batch[8..])
}

fn start_page(magic: [u8; 8], data_set: DataSetId) -> Page {
    let mut page = [0; PAGE_BYTES];
    page[..8].copy_from_slice(&magic);
    page[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    page[16..32].copy_from_slice(&data_set.0);
    page
}

/// Writes the checksum of a page into it.
pub(super) fn seal_page(page: &mut Page) -> u32 {
    let checksum = crc32c::crc32c(&page[..CHECKSUM_OFFSET]);
    page[CHECKSUM_OFFSET..].copy_from_slice(&checksum.to_le_bytes());
    checksum
}

fn check_page(page: &Page, magic: [u8; 8]) -> Result<u32, Fault> {
    if page[..8] != magic {
        let zeros = page.iter().all(|&byte| byte == 0);
        return Err(if zeros { Fault::Absent } else { Fault::Magic });
    }
    let (stored, version) = (u32_at(page, CHECKSUM_OFFSET), u16_at(page, 8));
    let computed = crc32c::crc32c(&page[..CHECKSUM_OFFSET]);
    if stored != computed {
        return Err(Fault::Checksum {
            stored,
            computed,
            version,
        });
    }
    check_version(version)?;
    Ok(stored)
}

fn check_version(version: u16) -> Result<(), Fault> {
    if version > FORMAT_VERSION {
        return Err(Fault::Newer { version });
    }
    Ok(())
}

pub(super) fn array<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[offset..offset + N]);
    array
}

fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(array(bytes, offset))
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(array(bytes, offset))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(array(bytes, offset))
}
