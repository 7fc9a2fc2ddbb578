//! A place in the log, between two batches.

use std::fmt;

use super::layout::array;

/// Bytes of an encoded [`LogPoint`].
pub const POINT_BYTES: usize = 28;

/// The place after one batch, where the next one starts. Whoever has applied the log up to here keeps the point, and is
/// told by its checksum when the log it comes back to is not the one it knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogPoint {
    /// First sequence of the segment that holds the batch before this point.
    pub segment_first: u64,
    /// Bytes from the start of that segment's file.
    pub offset: u64,
    /// Sequence of the batch before this point; 0 at the start of the log.
    pub sequence: u64,
    /// Checksum of the batch before this point; of the header page at the start of the log.
    pub checksum: u32,
}

impl LogPoint {
    /// Little-endian, in the order of the fields.
    pub fn encode(&self) -> [u8; POINT_BYTES] {
        let mut bytes = [0; POINT_BYTES];
        bytes[..8].copy_from_slice(&self.segment_first.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.offset.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[24..].copy_from_slice(&self.checksum.to_le_bytes());
        bytes
    }

    /// Any bytes decode; that the point is of this log is seen when it is used.
    pub fn decode(bytes: &[u8; POINT_BYTES]) -> LogPoint {
        LogPoint {
            segment_first: u64::from_le_bytes(array(bytes, 0)),
            offset: u64::from_le_bytes(array(bytes, 8)),
            sequence: u64::from_le_bytes(array(bytes, 16)),
            checksum: u32::from_le_bytes(array(bytes, 24)),
        }
    }
}

impl fmt::Display for LogPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogPoint {
            segment_first,
            offset,
            sequence,
            checksum,
        } = self;
        write!(
            f,
            "sequence {sequence} (segment {segment_first:016x}, byte {offset}, checksum {checksum:08x})"
        )
    }
}
