//! Points in time, as plain data: the core has no clock of its own.

/// Milliseconds since 1970-01-01T00:00:00Z, from year 0000 to 9999 so that RFC 3339 can write it.
///
/// Informative only: the order of things is by position, never by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// `0000-01-01T00:00:00.000Z`.
    pub const MIN: Timestamp = Timestamp(-62_167_219_200_000);
    /// `9999-12-31T23:59:59.999Z`.
    pub const MAX: Timestamp = Timestamp(253_402_300_799_999);

    /// The time so many milliseconds after the beginning of 1970, at most [`Timestamp::MAX`] and at least
    /// [`Timestamp::MIN`]: a clock that is out of bounds is as wrong as one at the bound.
    #[must_use]
    pub fn from_millis(millis: i64) -> Timestamp {
        Timestamp(millis.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Milliseconds since the beginning of 1970; negative before.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }
}
