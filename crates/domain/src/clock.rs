//! Time: the instant type that every record carries, and the port through which the clock is read.
//!
//! Nothing else in the workspace asks the operating system for the time of day; tests fix it with `MockClock`.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::text::Invalid;

/// An instant in UTC, whole microseconds, in the years 0 to 9999.
///
/// Written as RFC 3339 with six decimals, `2026-11-20T10:00:00.000000Z`; read from RFC 3339 with any offset.
/// The default is 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z, in microseconds of Unix time.
const YEARS_0_TO_9999: RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

impl Timestamp {
    /// The instant of that many microseconds after 1970-01-01 UTC, or `None` outside the years 0 to 9999.
    #[must_use]
    pub fn from_micros(micros: i64) -> Option<Self> {
        YEARS_0_TO_9999.contains(&micros).then_some(Self(micros))
    }

    /// Reads an RFC 3339 instant with any offset.
    ///
    /// # Errors
    /// [`Invalid`] when it is none, or outside the years 0 to 9999.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        DateTime::parse_from_rfc3339(text)
            .ok()
            .and_then(|at| Self::from_micros(at.timestamp_micros()))
            .ok_or_else(|| Invalid::new("must be an RFC 3339 instant such as 2026-11-20T10:00:00Z"))
    }

    /// Microseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// This instant moved by `seconds`, or itself where that would leave the year 9999.
    #[must_use]
    pub fn plus_seconds(self, seconds: u32) -> Self {
        Self::from_micros(self.0 + i64::from(seconds) * 1_000_000).unwrap_or(self)
    }

    /// This instant moved back by `seconds`, or itself where that would leave the year 0.
    #[must_use]
    pub fn minus_seconds(self, seconds: u32) -> Self {
        Self::from_micros(self.0 - i64::from(seconds) * 1_000_000).unwrap_or(self)
    }

    /// That many days before this instant, or `None` where that would be before the year 0.
    #[must_use]
    pub fn minus_days(self, days: u32) -> Option<Self> {
        Self::from_micros(self.0 - i64::from(days) * 24 * 60 * 60 * 1_000_000)
    }

    /// The instant as chrono's type.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    /// Cuts the instant to whole microseconds; one outside the years 0 to 9999 becomes the start of 1970.
    fn from(at: DateTime<Utc>) -> Self {
        Self::from_micros(at.timestamp_micros()).unwrap_or(Self(0))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<Timestamp> for String {
    fn from(at: Timestamp) -> Self {
        at.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

/// A time of day in UTC, written `06:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(NaiveTime);

impl TimeOfDay {
    /// Takes a time in its one form.
    ///
    /// # Errors
    /// [`Invalid`] that says what would be right.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shaped = text.len() == 5
            && text.bytes().enumerate().all(|(at, byte)| match at {
                2 => byte == b':',
                _ => byte.is_ascii_digit(),
            });
        let time = shaped
            .then(|| NaiveTime::parse_from_str(text, "%H:%M").ok())
            .flatten();
        time.map(Self)
            .ok_or_else(|| Invalid::new("must be a time of day in UTC, such as 06:30"))
    }

    /// The last instant at which it was this time, `now` included.
    #[must_use]
    pub fn last(self, now: Timestamp) -> Timestamp {
        let now = now.to_utc();
        let today = now.date_naive().and_time(self.0).and_utc();
        if today <= now {
            today.into()
        } else {
            (today - TimeDelta::days(1)).into()
        }
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.0.format("%H:%M").to_string()
    }
}

/// The clock.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Clock: Send + Sync {
    /// The time of day. It may jump in either direction, as the host's clock does.
    fn now(&self) -> Timestamp;

    /// Time since the process started. MUST never go backwards.
    fn uptime(&self) -> Duration;
}

/// A clock that stands still where the host's is set back, so that what has expired stays expired.
pub struct Onward {
    clock: Arc<dyn Clock>,
    /// The latest time seen, in microseconds.
    latest: AtomicI64,
}

impl Onward {
    /// Goes on from the time that the clock shows when first asked.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            latest: AtomicI64::new(i64::MIN),
        }
    }

    /// The time of day, or the latest that it was seen to be.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let now = self.clock.now();
        let latest = self.latest.fetch_max(now.as_micros(), Ordering::Relaxed);
        Timestamp::from_micros(latest).map_or(now, |latest| latest.max(now))
    }
}

impl fmt::Debug for Onward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Onward")
            .field("latest", &self.latest)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Timestamp, Invalid> {
        Timestamp::try_from(text.to_owned())
    }

    #[test]
    fn an_instant_is_written_in_utc_with_six_decimals() {
        let at = parse("2026-11-20T12:00:00.1234567+02:00").unwrap();
        assert_eq!(at.to_string(), "2026-11-20T10:00:00.123456Z");
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-11-20",
            "2026-13-01T00:00:00Z",
            "12345",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn adding_seconds_never_leaves_the_year_9999() {
        let last = parse("9999-12-31T23:59:59Z").unwrap();
        assert_eq!(last.plus_seconds(10), last);
        assert_eq!(
            parse("2026-11-20T10:00:00Z").unwrap().plus_seconds(90),
            parse("2026-11-20T10:01:30Z").unwrap()
        );
    }

    #[test]
    fn a_clock_that_is_set_back_stands_still() {
        let mut clock = MockClock::new();
        let mut readings = [7, 9, 4, 10].into_iter();
        clock
            .expect_now()
            .returning(move || Timestamp(readings.next().unwrap()));
        let onward = Onward::new(Arc::new(clock));
        assert_eq!([(); 4].map(|()| onward.now().as_micros()), [7, 9, 9, 10]);
    }

    fn time(text: &str) -> TimeOfDay {
        TimeOfDay::parse(text).unwrap()
    }

    #[test]
    fn a_time_of_day_has_one_form() {
        assert_eq!(String::from(time("06:30")), "06:30");
        for wrong in ["", "6:30", "24:00", "06:60", "06:30:00", "noon", " 6:30"] {
            assert!(TimeOfDay::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_due_is_the_last_time_that_has_come() {
        let last = |text: &str, now: &str| time(text).last(parse(now).unwrap()).to_string();
        assert_eq!(
            last("06:30", "2024-03-01T06:30:00Z"),
            "2024-03-01T06:30:00.000000Z"
        );
        assert_eq!(
            last("06:30", "2024-03-01T06:29:59Z"),
            "2024-02-29T06:30:00.000000Z"
        );
        assert_eq!(
            last("00:00", "2024-03-01T00:00:00Z"),
            "2024-03-01T00:00:00.000000Z"
        );
    }
}
