//! SQL text under construction, sent as few packets.
//!
//! Several statements go in one packet, so a batch costs two round trips, however many tables it touches. Values get in as
//! numbers and hexadecimal literals only ([`Cell`]): no byte of a client is ever read as SQL. Whatever else it says is a
//! literal of this program.

use std::fmt::Write;

use tiro_core::Timestamp;

/// A statement takes no further row once it has so many bytes.
const STATEMENT_BYTES: usize = 4 * 1024 * 1024;
/// Most rows of a statement.
const STATEMENT_ROWS_MAX: usize = 4_096;
/// A packet takes no further statement once it has so many bytes. With a statement on top, and that with its largest row,
/// it stays below [`super::settings::PACKET_BYTES_MIN`].
const PACKET_BYTES: usize = 4 * 1024 * 1024;

/// A value in SQL.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell<'a> {
    Null,
    Number(u64),
    Signed(i64),
    /// The time by the clock of MySQL, in milliseconds since 1970.
    Now,
    /// Of a column that is compared.
    Bytes(&'a [u8]),
    /// Of a column of characters.
    Text(&'a str),
}

impl From<u64> for Cell<'_> {
    fn from(number: u64) -> Self {
        Cell::Number(number)
    }
}

impl From<u32> for Cell<'_> {
    fn from(number: u32) -> Self {
        Cell::Number(number.into())
    }
}

impl From<u16> for Cell<'_> {
    fn from(number: u16) -> Self {
        Cell::Number(number.into())
    }
}

impl From<u8> for Cell<'_> {
    fn from(number: u8) -> Self {
        Cell::Number(number.into())
    }
}

impl From<Timestamp> for Cell<'_> {
    fn from(time: Timestamp) -> Self {
        Cell::Signed(time.as_millis())
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}

/// Statements in order.
#[derive(Debug, Default)]
pub(crate) struct Script {
    packets: Vec<String>,
    open: String,
}

impl Script {
    /// Adds words of SQL.
    pub(crate) fn sql(&mut self, text: &'static str) -> &mut Script {
        self.open.push_str(text);
        self
    }

    /// Adds a value.
    pub(crate) fn cell<'a>(&mut self, cell: impl Into<Cell<'a>>) -> &mut Script {
        let written = match cell.into() {
            Cell::Null => self.open.write_str("NULL"),
            Cell::Number(number) => write!(self.open, "{number}"),
            Cell::Signed(number) => write!(self.open, "{number}"),
            Cell::Now => self.open.write_str("FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000)"),
            Cell::Bytes(bytes) => {
                self.hex(bytes);
                Ok(())
            }
            Cell::Text(text) => {
                self.open.push_str("_utf8mb4 ");
                self.hex(text.as_bytes());
                Ok(())
            }
        };
        written.expect("a text grows");
        self
    }

    /// Adds `(a, b, …)`.
    pub(crate) fn tuple(&mut self, cells: &[Cell<'_>]) -> &mut Script {
        for (index, cell) in cells.iter().enumerate() {
            self.sql(if index == 0 { "(" } else { "," }).cell(*cell);
        }
        self.sql(")")
    }

    /// Ends a statement.
    pub(crate) fn end(&mut self) {
        self.open.push(';');
        if self.open.len() >= PACKET_BYTES {
            self.packets.push(std::mem::take(&mut self.open));
        }
    }

    /// Adds a whole statement.
    pub(crate) fn statement(&mut self, text: &'static str) {
        self.sql(text).end();
    }

    /// Adds statements of many rows each: `head`, the rows, `tail`.
    pub(crate) fn rows(&mut self, head: &'static str, tail: &'static str) -> Rows<'_> {
        Rows {
            script: self,
            head,
            tail,
            rows: 0,
            start: 0,
        }
    }

    /// What is to be sent, one packet after the other.
    pub(crate) fn into_packets(mut self) -> Vec<String> {
        if !self.open.is_empty() {
            self.packets.push(self.open);
        }
        self.packets
    }

    fn hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.open.reserve(3 + 2 * bytes.len());
        self.open.push_str("x'");
        for byte in bytes {
            self.open.push(char::from(DIGITS[usize::from(byte >> 4)]));
            self.open.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
        self.open.push('\'');
    }
}

/// Rows of one table on their way into as few statements as their bounds allow.
pub(crate) struct Rows<'a> {
    script: &'a mut Script,
    head: &'static str,
    tail: &'static str,
    /// Of the statement under construction.
    rows: usize,
    start: usize,
}

impl Rows<'_> {
    pub(crate) fn add(&mut self, cells: &[Cell<'_>]) {
        let full = self.script.open.len().saturating_sub(self.start) >= STATEMENT_BYTES
            || self.rows >= STATEMENT_ROWS_MAX;
        if self.rows > 0 && full {
            self.close();
        }
        if self.rows == 0 {
            self.start = self.script.open.len();
            self.script.sql(self.head);
        } else {
            self.script.sql(",");
        }
        self.script.tuple(cells);
        self.rows += 1;
    }

    /// Ends the last statement; none was begun without rows.
    pub(crate) fn finish(mut self) {
        self.close();
    }

    fn close(&mut self) {
        if self.rows > 0 {
            self.script.sql(self.tail).end();
            self.rows = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbers_and_hexadecimal_digits() {
        let mut script = Script::default();
        script.sql("SELECT ").tuple(&[
            Cell::Null,
            u64::MAX.into(),
            Timestamp::from_millis(-1).into(),
            Cell::Bytes(b"'\\\0"),
            Cell::Text("é';"),
            Cell::Bytes(b""),
        ]);
        let text = script.into_packets().concat();
        let expected = "SELECT (NULL,18446744073709551615,-1,x'275c00',_utf8mb4 x'c3a9273b',x'')";
        assert_eq!(text, expected);
    }

    #[test]
    fn statements_and_packets_are_bounded() {
        let mut script = Script::default();
        let mut rows = script.rows("INSERT ", " END");
        let long = "a".repeat(700_000);
        (0..8).for_each(|_| rows.add(&[Cell::Text(&long)]));
        rows.finish();
        let packets = script.into_packets();
        assert_eq!(packets.len(), 3, "1.4 MB a row, 4 MiB a statement");
        for packet in &packets {
            assert!(packet.starts_with("INSERT (") && packet.ends_with(" END;"));
            assert!(packet.len() < 16 << 20);
        }
    }

    #[test]
    fn many_small_rows_are_more_than_one_statement() {
        let mut script = Script::default();
        let mut rows = script.rows("INSERT ", "");
        (0..5_000_u64).for_each(|number| rows.add(&[number.into()]));
        rows.finish();
        let text = script.into_packets().concat();
        assert_eq!(text.matches("INSERT").count(), 2);
        let mut none = Script::default();
        none.rows("INSERT ", "").finish();
        assert!(none.into_packets().is_empty());
    }
}
