//! Points in time as ftrack writes them.
//!
//! The server stores seconds in UTC, but echoes what a client sent, microseconds and offset included. A value here therefore keeps the instant in microseconds beside
//! the offset it was written with, so that what was set can be read back unchanged.

use std::fmt;
use std::str::FromStr;

use jiff::civil;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

/// A point in time with the UTC offset it was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    micros: i64,
    offset_seconds: i32,
}

/// A text that is not a date or a datetime in ISO 8601 form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an ISO 8601 datetime")]
pub struct DateTimeError {
    text: String,
}

impl DateTime {
    /// Makes a value from microseconds since 1970-01-01T00:00:00Z and the offset to show it in, in seconds east of UTC.
    pub fn from_micros(micros: i64, offset_seconds: i32) -> Self {
        Self {
            micros,
            offset_seconds,
        }
    }

    /// Returns the current time in UTC.
    pub fn now() -> Self {
        Self::from_micros(Timestamp::now().as_microsecond(), 0)
    }

    /// Returns microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(self) -> i64 {
        self.micros
    }

    /// Returns the offset this value was written with, in seconds east of UTC.
    pub fn offset_seconds(self) -> i32 {
        self.offset_seconds
    }

    /// Returns the form the server stores and sends: naive UTC with whole seconds, such as `2022-10-10T10:12:09`.
    pub fn to_naive_seconds(self) -> String {
        let seconds = self.micros.div_euclid(1_000_000);
        civil_at(seconds * 1_000_000, 0).map_or_else(
            || String::from("1970-01-01T00:00:00"),
            |at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        )
    }
}

impl FromStr for DateTime {
    type Err = DateTimeError;

    /// Parses a date or a datetime; without an offset it is UTC, as on the server.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || DateTimeError {
            text: text.to_owned(),
        };
        let normal = text.trim();
        if let Ok(pieces) = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(normal) {
            let time = pieces.time().unwrap_or_else(civil::Time::midnight);
            let offset_seconds = match pieces.to_numeric_offset() {
                Some(offset) => offset.seconds(),
                None => 0,
            };
            let naive = pieces.date().to_datetime(time);
            let utc = naive
                .checked_sub(SignedDuration::from_secs(i64::from(offset_seconds)))
                .map_err(|_| error())?;
            let instant = Offset::UTC.to_timestamp(utc).map_err(|_| error())?;
            return Ok(Self::from_micros(instant.as_microsecond(), offset_seconds));
        }
        Err(error())
    }
}

impl fmt::Display for DateTime {
    /// Writes ISO 8601 with the offset and, when there are any, microseconds: the form clients send.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(local) = civil_at(self.micros, self.offset_seconds) else {
            return write!(f, "1970-01-01T00:00:00+00:00");
        };
        write!(f, "{}", local.strftime("%Y-%m-%dT%H:%M:%S"))?;
        let micros = self.micros.rem_euclid(1_000_000);
        if micros != 0 {
            write!(f, ".{micros:06}")?;
        }
        let minutes = self.offset_seconds.abs() / 60;
        let sign = if self.offset_seconds < 0 { '-' } else { '+' };
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

fn civil_at(micros: i64, offset_seconds: i32) -> Option<civil::DateTime> {
    let instant = Timestamp::from_microsecond(micros).ok()?;
    let offset = Offset::from_seconds(offset_seconds).ok()?;
    Some(offset.to_datetime(instant))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, printed: &str, naive: &str) {
        let value: DateTime = text.parse().unwrap();
        assert_eq!(value.to_string(), printed);
        assert_eq!(value.to_naive_seconds(), naive);
    }

    #[test]
    fn reads_every_form_that_clients_send() {
        check(
            "2022-10-10T10:12:09",
            "2022-10-10T10:12:09+00:00",
            "2022-10-10T10:12:09",
        );
        check(
            "2015-11-18T15:24:09Z",
            "2015-11-18T15:24:09+00:00",
            "2015-11-18T15:24:09",
        );
        check(
            "2015-11-18T15:24:09.25+02:00",
            "2015-11-18T15:24:09.250000+02:00",
            "2015-11-18T13:24:09",
        );
        check(
            "2022-01-05",
            "2022-01-05T00:00:00+00:00",
            "2022-01-05T00:00:00",
        );
        check(
            "2022-01-05 11:00",
            "2022-01-05T11:00:00+00:00",
            "2022-01-05T11:00:00",
        );
        check(
            "1969-12-31T23:59:59.5-01:00",
            "1969-12-31T23:59:59.500000-01:00",
            "1970-01-01T00:59:59",
        );
    }

    #[test]
    fn names_a_text_that_is_no_datetime() {
        let error = "yesterday".parse::<DateTime>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"yesterday\" is not an ISO 8601 datetime"
        );
    }

    proptest! {
        #[test]
        fn printing_then_parsing_gives_the_same_value(
            micros in -60_000_000_000_000_000_i64..200_000_000_000_000_000,
            minutes in -14 * 60..14 * 60,
        ) {
            let value = DateTime::from_micros(micros, minutes * 60);
            prop_assert_eq!(value.to_string().parse::<DateTime>().unwrap(), value);
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC*") {
            let _ = text.parse::<DateTime>();
        }
    }
}
