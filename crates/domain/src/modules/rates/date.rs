//! The day that rates belong to, in UTC.

use std::fmt;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::text::Invalid;

/// A day, written `2020-01-31` (ISO 8601), in the years 0001 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RateDate(NaiveDate);

impl RateDate {
    /// Takes a day in its one form.
    ///
    /// # Errors
    /// [`Invalid`] that says what would be right.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let shaped = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let date = shaped
            .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
            .flatten();
        date.filter(|_| !text.starts_with("0000"))
            .map(Self)
            .ok_or_else(|| Invalid::new("must be a date that there is, such as 2020-01-31"))
    }

    /// The day of an instant, in UTC.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(at.to_utc().date_naive())
    }

    /// The day this many days before, or the first that there is.
    #[must_use]
    pub fn before(self, days: u64) -> Self {
        let first = NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or(self.0);
        let date = self.0.checked_sub_days(Days::new(days));
        Self(date.filter(|date| *date >= first).unwrap_or(first))
    }

    /// The next day, where the calendar has one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        let next = self.0.succ_opt()?;
        (next <= NaiveDate::from_ymd_opt(9999, 12, 31)?).then_some(Self(next))
    }

    /// The days from this one to `last`, both included.
    pub fn up_to(self, last: Self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |date| date.next()).take_while(move |date| *date <= last)
    }

    /// How many days lie between the two.
    #[must_use]
    pub fn distance(self, other: Self) -> u64 {
        (self.0 - other.0).num_days().unsigned_abs()
    }
}

impl TryFrom<String> for RateDate {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<RateDate> for String {
    fn from(date: RateDate) -> Self {
        date.to_string()
    }
}

impl fmt::Display for RateDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%d"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> RateDate {
        RateDate::parse(text).unwrap()
    }

    #[test]
    fn a_day_has_one_form_and_is_in_the_calendar() {
        for right in ["2020-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(date(right).to_string(), right);
        }
        for wrong in [
            "",
            "2020-1-1",
            "2021-02-29",
            "2020-13-01",
            "2020-00-10",
            "0000-01-01",
            "20200101",
            "2020-01-01T00",
            "+020-01-01",
            "2020/01/01",
            "２020-01",
            " 2020-01-1",
        ] {
            assert!(RateDate::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_days_before_a_leap_day_and_a_new_year_are_those_of_the_calendar() {
        assert_eq!(date("2024-03-01").before(1), date("2024-02-29"));
        assert_eq!(date("2023-03-01").before(1), date("2023-02-28"));
        assert_eq!(date("2026-01-01").before(1), date("2025-12-31"));
        assert_eq!(date("0001-01-02").before(10), date("0001-01-01"));
    }

    #[test]
    fn a_range_has_both_its_ends() {
        let days: Vec<_> = date("2024-02-28").up_to(date("2024-03-01")).collect();
        assert_eq!(days, ["2024-02-28", "2024-02-29", "2024-03-01"].map(date));
        assert_eq!(date("2024-02-28").up_to(date("2024-02-27")).count(), 0);
        assert_eq!(date("9999-12-31").up_to(date("9999-12-31")).count(), 1);
    }

    #[test]
    fn the_day_of_an_instant_ends_at_midnight_utc() {
        let at = |text: &str| RateDate::of(Timestamp::try_from(text.to_owned()).unwrap());
        assert_eq!(at("2024-02-29T23:59:59.999999Z"), date("2024-02-29"));
        assert_eq!(at("2024-03-01T00:00:00Z"), date("2024-03-01"));
        assert_eq!(at("2024-03-01T00:30:00+01:00"), date("2024-02-29"));
    }
}
