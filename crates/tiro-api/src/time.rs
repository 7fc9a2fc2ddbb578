//! Times of the wire: RFC 3339, UTC, milliseconds, as in `2026-11-21T02:50:00.000Z`.

use std::fmt;
use std::str::FromStr;

use jiff::fmt::temporal::{Pieces, PiecesOffset};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};

const DAY_MILLIS: u64 = 86_400_000;
const TEXT_BYTES: usize = 24;

/// A point in time, from year 0000 to 9999, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// The text is not a time of RFC 3339 in the years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadTime;

impl Time {
    /// `0000-01-01T00:00:00.000Z`.
    pub const MIN: Time = Time(-62_167_219_200_000);
    /// `9999-12-31T23:59:59.999Z`.
    pub const MAX: Time = Time(253_402_300_799_999);

    /// The time so many milliseconds after the beginning of 1970; `None` outside the years 0000 to 9999.
    #[must_use]
    pub fn from_millis(millis: i64) -> Option<Time> {
        (Self::MIN.0..=Self::MAX.0)
            .contains(&millis)
            .then_some(Time(millis))
    }

    /// Milliseconds since the beginning of 1970; negative before.
    #[must_use]
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// The text, written without allocating: every list of things writes hundreds of them.
    pub(crate) fn text(self) -> [u8; TEXT_BYTES] {
        // From the first day, so that nothing below is negative; divisions of 32 bits are the quick ones.
        let since_first = (self.0 - Self::MIN.0).cast_unsigned();
        let (days, millis) = (since_first / DAY_MILLIS, (since_first % DAY_MILLIS) as u32);
        let (year, month, day) = civil_date(days as u32);
        let (hours, minutes, seconds) = (millis / 3_600_000, millis / 60_000 % 60, millis / 1_000 % 60);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (place, number) in [
            (0, year / 100),
            (2, year % 100),
            (5, month),
            (8, day),
            (11, hours),
            (14, minutes),
            (17, seconds),
            (20, millis % 1_000 / 10),
        ] {
            text[place..place + 2].copy_from_slice(&TWO_DIGITS[number as usize]);
        }
        text[22] = b'0' + (millis % 10) as u8;
        text
    }
}

/// `00` to `99`.
const TWO_DIGITS: [[u8; 2]; 100] = {
    let mut texts = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        texts[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    texts
};

/// Year, month and day of a day counted from 0000-01-01 (H. Hinnant, "chrono-compatible low-level date algorithms",
/// `civil_from_days`; there days count from 0000-03-01).
fn civil_date(day: u32) -> (u32, u32, u32) {
    const DAYS_OF_ERA: u32 = 146_097;
    const YEARS_OF_ERA: u32 = 400;
    // One era more and the 60 days of January and February 0000 less, so that the first day is not before the first era.
    let day = day + DAYS_OF_ERA - 60;
    let era = day / DAYS_OF_ERA;
    let day_of_era = day % DAYS_OF_ERA;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * YEARS_OF_ERA + u32::from(month <= 2) - YEARS_OF_ERA;
    (year, month, day_of_month)
}

impl FromStr for Time {
    type Err = BadTime;

    /// Reads RFC 3339 with any offset; what is finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Time, BadTime> {
        let pieces = Pieces::parse(text).map_err(|_| BadTime)?;
        // `Pieces` also reads times without seconds or with the name of a zone, which RFC 3339 does not know.
        let plain = pieces.time_zone_annotation().is_none() && text.get(16..17) == Some(":");
        let (Some(time), true) = (pieces.time(), plain) else {
            return Err(BadTime);
        };
        let offset = match pieces.offset().ok_or(BadTime)? {
            PiecesOffset::Numeric(numeric) => i64::from(numeric.offset().seconds()),
            _ => 0,
        };
        let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        let nanos = pieces.date().to_datetime(time).duration_since(epoch).as_nanos();
        let millis = i64::try_from(nanos.div_euclid(1_000_000)).map_err(|_| BadTime)?;
        Time::from_millis(millis - offset * 1_000).ok_or(BadTime)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text()
            .iter()
            .try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

impl fmt::Display for BadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time of RFC 3339, as in 2026-11-21T02:50:00.000Z")
    }
}

impl std::error::Error for BadTime {}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.text();
        serializer.serialize_str(str::from_utf8(&text).map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::String))
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .pattern(Some(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"))
            .description(Some(
                "RFC 3339, UTC, milliseconds. Informative: order is by number and position.",
            ))
            .examples(["2026-11-21T02:50:00.000Z"])
            .into()
    }
}

impl utoipa::ToSchema for Time {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_and_the_last_time_read_what_they_write() {
        assert_eq!(Time::MIN.to_string(), "0000-01-01T00:00:00.000Z");
        assert_eq!(Time::MAX.to_string(), "9999-12-31T23:59:59.999Z");
        for time in [Time::MIN, Time::MAX] {
            assert_eq!(time.to_string().parse(), Ok(time));
        }
    }

    #[test]
    fn any_offset_is_read_and_fractions_are_cut_to_milliseconds() {
        let time: Time = "2024-02-29T23:30:00.123999+01:30".parse().unwrap();
        assert_eq!(time.to_string(), "2024-02-29T22:00:00.123Z");
        assert_eq!(
            "1969-12-31T23:59:59.9999Z".parse::<Time>().unwrap().as_millis(),
            -1
        );
    }

    #[test]
    fn what_is_not_rfc_3339_is_no_time() {
        for wrong in [
            "",
            "2024-02-29",
            "2024-02-30T00:00:00Z",
            "2024-02-29T00:00:00",
            "2024-02-29T00:00Z",
            "2024-02-29T00:00:00Z[UTC]",
            "0000-01-01T00:00:00+00:01",
            "1700000000",
        ] {
            assert_eq!(wrong.parse::<Time>(), Err(BadTime), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_time_reads_what_it_wrote(millis in Time::MIN.0..=Time::MAX.0) {
            let time = Time(millis);
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
