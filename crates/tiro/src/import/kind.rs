//! What a file to import holds, told by its first line, so that a wrong command line is noticed before anything
//! is sent. The server decides again by itself.

use std::io::Read;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// How much of a file is looked at. A longer first line can only be a plain one.
pub(super) const PEEK_BYTES_MAX: u64 = 64 * 1024;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What `tiro export` wrote: its first line is an object with the member `tiro`.
    Tiro,
    /// Messages of somebody else.
    Plain,
    /// Nothing at all.
    Empty,
}

#[derive(Deserialize)]
struct Marker {
    tiro: Option<IgnoredAny>,
}

impl Kind {
    /// Tells by the beginning of a file, plain or gzip. What does not decode is taken for plain lines: the server
    /// says exactly what is wrong with them.
    pub(super) fn of(beginning: &[u8]) -> Kind {
        if !beginning.starts_with(&[0x1f, 0x8b]) {
            return Kind::of_text(beginning);
        }
        let mut text = Vec::new();
        let mut reader = flate2::read::MultiGzDecoder::new(beginning).take(PEEK_BYTES_MAX);
        match reader.read_to_end(&mut text) {
            Ok(_) => Kind::of_text(&text),
            // The beginning of a file ends in the middle of its compressed data; what came before is good.
            Err(_) if !text.is_empty() => Kind::of_text(&text),
            Err(_) => Kind::Plain,
        }
    }

    fn of_text(text: &[u8]) -> Kind {
        if text.is_empty() {
            return Kind::Empty;
        }
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        match serde_json::from_slice::<Marker>(first) {
            Ok(Marker { tiro: Some(_) }) => Kind::Tiro,
            _ => Kind::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_first_line_tells_the_kind_plain_or_compressed() {
        let tiro = b"{\"tiro\":1,\"token\":\"app_aaaaaaaaaaaa\",\"epoch\":\"abc\",\"last_position\":9}\n{}\n";
        let plain = b"{\"chat\":\"a\",\"body\":\"b\"}\n";
        assert_eq!(Kind::of(tiro), Kind::Tiro);
        assert_eq!(Kind::of(plain), Kind::Plain);
        assert_eq!(Kind::of(&gzip(tiro)), Kind::Tiro);
        assert_eq!(Kind::of(&gzip(plain)), Kind::Plain);
    }

    #[test]
    fn a_compressed_file_is_recognised_by_its_beginning_alone() {
        let mut text = b"{\"tiro\":1}\n".to_vec();
        text.extend((0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()));
        let compressed = gzip(&text);
        assert_eq!(Kind::of(&compressed[..4_096]), Kind::Tiro);
    }

    #[test]
    fn nothing_is_empty_and_everything_else_is_for_the_server_to_judge() {
        assert_eq!(Kind::of(b""), Kind::Empty);
        assert_eq!(Kind::of(&gzip(b"")), Kind::Empty);
        assert_eq!(Kind::of(b"not json"), Kind::Plain);
        assert_eq!(Kind::of(&[0x1f, 0x8b, 0, 0, 0]), Kind::Plain);
    }
}
