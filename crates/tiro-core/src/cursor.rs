//! Places in the feed of an application.

use std::fmt;

use crate::Epoch;

/// A place in an application's feed: after the entry at `position`; 0 is the beginning.
/// Written `<epoch>.<position>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The history it belongs to.
    pub epoch: Epoch,
    /// The last entry before this place.
    pub position: u64,
}

/// The text is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCursor;

impl Cursor {
    /// Reads a cursor.
    ///
    /// # Errors
    /// [`BadCursor`] unless it is an epoch, a dot and a plain decimal number.
    pub fn parse(text: &str) -> Result<Cursor, BadCursor> {
        let (epoch, position) = text.split_once('.').ok_or(BadCursor)?;
        let plain = position == "0" || !position.starts_with(['0', '+']);
        let position = position.parse().map_err(|_| BadCursor)?;
        let epoch = Epoch::parse(epoch).ok_or(BadCursor)?;
        if plain {
            Ok(Cursor { epoch, position })
        } else {
            Err(BadCursor)
        }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch.as_str(), self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_what_it_wrote() {
        let cursor = Cursor {
            epoch: Epoch::generated([7; 5]),
            position: 42,
        };
        assert_eq!(Cursor::parse(&cursor.to_string()), Ok(cursor));
    }

    #[test]
    fn only_the_plain_form_is_a_cursor() {
        for wrong in [
            "",
            "abc",
            "abc.",
            ".1",
            "abc.01",
            "abc.+1",
            "abc.-1",
            "ABC.1",
            "abc.1.2",
            "abc.99999999999999999999",
        ] {
            assert_eq!(Cursor::parse(wrong), Err(BadCursor), "{wrong}");
        }
        assert!(Cursor::parse("abc.0").is_ok());
    }
}
