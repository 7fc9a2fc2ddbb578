//! How values stand in log batches and view rows: numbers as varints, texts with their length before them.
//!
//! Little-endian base 128 for numbers (LEB128), zigzag for times, one byte 0 or 1 before what may be absent. Bytes
//! that do not decode are [`Corrupt`], never a panic. `docs/data-layout.md` lists every record.

pub(crate) mod entries;
pub(crate) mod events;
pub(crate) mod things;

use tiro_core::Timestamp;

/// Stored bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt(
    /// What could not be read.
    pub &'static str,
);

impl std::fmt::Display for Corrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "stored bytes do not decode: {}", self.0)
    }
}

impl std::error::Error for Corrupt {}

/// Appends values to a buffer.
pub(crate) struct Encoder<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Encoder<'a> {
        Encoder { out }
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push((number as u8) | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn time(&mut self, time: Timestamp) {
        let millis = time.as_millis();
        self.number(((millis << 1) ^ (millis >> 63)).cast_unsigned());
    }

    pub(crate) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn optional_text(&mut self, text: Option<&str>) {
        self.optional(text, Encoder::text);
    }

    pub(crate) fn optional_time(&mut self, time: Option<Timestamp>) {
        self.optional(time, Encoder::time);
    }
}

/// Takes values from the front of stored bytes.
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What was not taken yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Nothing may be left over.
    pub(crate) fn end(&self) -> Result<(), Corrupt> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Corrupt("bytes after the end of a record"))
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Corrupt> {
        let (byte, rest) = self.rest.split_first().ok_or(Corrupt("a record ends early"))?;
        self.rest = rest;
        Ok(*byte)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Corrupt> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Corrupt("a number is longer than 64 bits"))
    }

    pub(crate) fn raw(&mut self, bytes: usize) -> Result<&'a [u8], Corrupt> {
        let (taken, rest) = self
            .rest
            .split_at_checked(bytes)
            .ok_or(Corrupt("a record ends early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Corrupt> {
        let bytes = usize::try_from(self.number()?).map_err(|_| Corrupt("a text is longer than memory"))?;
        std::str::from_utf8(self.raw(bytes)?).map_err(|_| Corrupt("a text is not UTF-8"))
    }

    /// Passes over a text.
    pub(crate) fn skip_text(&mut self) -> Result<(), Corrupt> {
        let bytes = usize::try_from(self.number()?).map_err(|_| Corrupt("a text is longer than memory"))?;
        self.raw(bytes).map(drop)
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, Corrupt> {
        let zigzag = self.number()?;
        let millis = (zigzag >> 1).cast_signed() ^ -((zigzag & 1).cast_signed());
        Ok(Timestamp::from_millis(millis))
    }

    pub(crate) fn optional<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Corrupt>,
    ) -> Result<Option<T>, Corrupt> {
        match self.byte()? {
            0 => Ok(None),
            1 => read(self).map(Some),
            _ => Err(Corrupt("a presence byte is neither 0 nor 1")),
        }
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<&'a str>, Corrupt> {
        self.optional(Decoder::text)
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>, Corrupt> {
        self.optional(Decoder::time)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn values_come_back_as_they_went_in(number: u64, millis in -62_167_219_200_000_i64..=253_402_300_799_999, text: String) {
            let mut bytes = Vec::new();
            let mut encoder = Encoder::new(&mut bytes);
            encoder.number(number);
            encoder.time(Timestamp::from_millis(millis));
            encoder.optional_text(Some(&text));
            encoder.optional_time(None);
            let mut decoder = Decoder::new(&bytes);
            prop_assert_eq!(decoder.number(), Ok(number));
            prop_assert_eq!(decoder.time(), Ok(Timestamp::from_millis(millis)));
            prop_assert_eq!(decoder.optional_text(), Ok(Some(&*text)));
            prop_assert_eq!(decoder.optional_time(), Ok(None));
            prop_assert_eq!(decoder.end(), Ok(()));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let mut decoder = Decoder::new(&bytes);
            while !decoder.is_empty() {
                if decoder.optional_text().and_then(|_| decoder.number()).and_then(|_| decoder.time()).is_err() {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_number_of_more_than_64_bits_is_corrupt() {
        assert_eq!(
            Decoder::new(&[0xff; 10]).number(),
            Err(Corrupt("a number is longer than 64 bits"))
        );
        let mut bytes = vec![0xff; 9];
        bytes.push(1);
        assert_eq!(Decoder::new(&bytes).number(), Ok(u64::MAX));
    }
}
