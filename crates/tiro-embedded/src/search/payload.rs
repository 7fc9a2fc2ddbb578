//! What each commit of the index says of itself: its version, the folding of its grams, and how far it follows the log.

use tiro_core::FOLDING_VERSION;

use crate::log::{LogPoint, POINT_BYTES};

/// Version of the documents and of this text.
const INDEX_VERSION: u32 = 2;

/// `tiro-index <version> folding <version> through <log point in hexadecimal>`.
pub(super) fn encode(through: LogPoint) -> String {
    let point: String = through
        .encode()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("tiro-index {INDEX_VERSION} folding {FOLDING_VERSION} through {point}")
}

/// How far the index follows the log; `None` if another version or folding made it.
pub(super) fn decode(payload: &str) -> Option<LogPoint> {
    let prefix = format!("tiro-index {INDEX_VERSION} folding {FOLDING_VERSION} through ");
    let digits = payload.strip_prefix(&prefix)?;
    let mut point = [0; POINT_BYTES];
    if digits.len() != 2 * POINT_BYTES || !digits.is_ascii() {
        return None;
    }
    for (byte, at) in point.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
    }
    Some(LogPoint::decode(&point))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_comes_back_and_other_versions_and_foldings_do_not() {
        let point = LogPoint {
            segment_first: 7,
            offset: 4096,
            sequence: u64::MAX - 1,
            checksum: 0xdead_beef,
        };
        let text = encode(point);
        assert_eq!(decode(&text), Some(point));
        assert_eq!(decode(&text.replace("tiro-index 2", "tiro-index 1")), None);
        assert_eq!(decode(&text.replace("folding 1", "folding 2")), None);
        assert_eq!(decode(&text[..text.len() - 1]), None);
        assert_eq!(decode(""), None);
    }
}
