//! 32 bytes as 64 lower-case hexadecimal digits.

use std::fmt::Write;

/// Digits of a written digest or fingerprint.
pub(super) const DIGITS: usize = 64;

pub(super) fn written(bytes: &[u8; 32]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(DIGITS), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes every write");
            text
        })
}

/// `None` unless the text is what [`written`] writes.
pub(super) fn read(text: &str) -> Option<[u8; 32]> {
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() != DIGITS || !plain {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}
