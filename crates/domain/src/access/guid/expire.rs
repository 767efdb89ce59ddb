//! When a record of the GUID register ends: Unix time in whole seconds, written as a JSON string.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Timestamp;
use crate::text::Invalid;

/// 9999-12-31T23:59:59Z.
const LAST: i64 = 253_402_300_799;
const SECOND: i64 = 1_000_000;
const DAY: i64 = 24 * 60 * 60;

/// Whole seconds of Unix time, from 1970 to the end of 9999. Written as a JSON string, `"1427736345"`; read from a JSON
/// number, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expire(i64);

impl Expire {
    /// That many seconds after 1970-01-01 UTC.
    ///
    /// # Errors
    /// [`Invalid`] when that is before 1970 or after 9999.
    pub fn new(seconds: i64) -> Result<Self, Invalid> {
        match seconds {
            0..=LAST => Ok(Self(seconds)),
            _ => Err(wrong()),
        }
    }

    /// Takes decimal digits and nothing else.
    ///
    /// # Errors
    /// [`Invalid`] when the text is anything else, or after 9999.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        Self::new(text.parse().map_err(|_| wrong())?)
    }

    /// That many days after an instant, and not after 9999.
    #[must_use]
    pub fn days_after(at: Timestamp, days: u32) -> Self {
        let seconds = at.as_micros().div_euclid(SECOND) + i64::from(days) * DAY;
        Self(seconds.clamp(0, LAST))
    }

    /// The second that holds this instant.
    ///
    /// # Errors
    /// [`Invalid`] when it is before 1970.
    pub fn of(at: Timestamp) -> Result<Self, Invalid> {
        Self::new(at.as_micros().div_euclid(SECOND))
    }

    /// The instant.
    #[must_use]
    pub fn at(self) -> Timestamp {
        // Every second that this type holds is an instant.
        Timestamp::from_micros(self.0 * SECOND).unwrap_or_default()
    }
}

fn wrong() -> Invalid {
    Invalid::new(
        "must be Unix time in whole seconds from 0 to 253402300799, the end of 9999, as a string such as \"1427736345\"",
    )
}

impl fmt::Display for Expire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Expire {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Expire {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// Reads a string or a number.
struct Written;

impl Visitor<'_> for Written {
    type Value = Expire;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unix time in whole seconds as a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Expire, E> {
        Expire::parse(text).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Expire, E> {
        Expire::new(seconds).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Expire, E> {
        let seconds = i64::try_from(seconds).map_err(|_| E::custom(wrong()))?;
        self.visit_i64(seconds)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Expire, E> {
        Err(E::custom(wrong()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Expire, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn it_is_written_as_a_string_and_read_from_a_number_too() {
        for json in ["\"1427736345\"", "1427736345", "\"001427736345\""] {
            let expire = read(json).unwrap();
            assert_eq!(serde_json::to_string(&expire).unwrap(), "\"1427736345\"");
        }
        assert_eq!(
            read("1427736345").unwrap().at().to_string(),
            "2015-03-30T17:25:45.000000Z"
        );
    }

    #[test]
    fn the_first_second_is_0_and_the_last_is_that_of_9999() {
        for good in ["0", "\"0\"", "253402300799", "\"253402300799\""] {
            assert!(read(good).is_ok(), "{good}");
        }
        let last = read("253402300799").unwrap();
        assert_eq!(last.at().to_string(), "9999-12-31T23:59:59.000000Z");
    }

    #[test]
    fn what_is_no_second_between_them_is_refused() {
        for bad in [
            "-1",
            "\"-1\"",
            "253402300800",
            "\"253402300800\"",
            "1427736345.5",
            "\"1427736345.5\"",
            "1e9",
            "\"1e9\"",
            "99999999999999999999",
            "\"99999999999999999999999999\"",
            "\"\"",
            "\" 1\"",
            "\"+1\"",
            "\"NaN\"",
            "\"tomorrow\"",
            "\"١\"",
            "null",
            "true",
            "[]",
            "{}",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn days_after_an_instant_stay_within_the_years() {
        let at = Timestamp::try_from("2026-11-20T10:00:00.999999Z".to_owned()).unwrap();
        assert_eq!(
            Expire::days_after(at, 30).at().to_string(),
            "2026-12-20T10:00:00.000000Z"
        );
        let last = Timestamp::try_from("9999-12-30T00:00:00Z".to_owned()).unwrap();
        assert_eq!(Expire::days_after(last, 30), Expire(LAST));
    }
}
