//! One rate: an exact, positive decimal, from the digits of the source to those of the answer.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::text::Invalid;

/// The digits of a rate that was worked out from others, where it cannot be exact.
const DIGITS: u32 = 16;
/// The most digits of a rate, written out.
const DIGITS_MAX: u32 = 28;

/// How many units of a currency one unit of the base costs: more than zero, up to 28 digits, written as a JSON number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate(Decimal);

impl Rate {
    /// One unit for one unit.
    pub const ONE: Self = Self(Decimal::ONE);

    /// Takes the text of a JSON number, every digit of it.
    ///
    /// # Errors
    /// [`Invalid`] when it is no number, not positive, or cannot be kept exactly.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let rate = exact(text).ok_or_else(|| {
            Invalid::new(format!(
                "must be a decimal number of at most {DIGITS_MAX} digits"
            ))
        })?;
        if rate.is_sign_negative() || rate.is_zero() {
            return Err(Invalid::new("must be more than zero"));
        }
        Ok(Self(rate))
    }

    /// The number.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        self.0
    }

    /// This rate in units of another base, whose rate is given; `None` beyond what a decimal holds.
    #[must_use]
    pub fn restated(self, base: Self) -> Option<Self> {
        if self == base {
            return Some(Self::ONE);
        }
        let quotient = self.0.checked_div(base.0)?.round_sf(DIGITS)?.normalize();
        (!quotient.is_zero()).then_some(Self(quotient))
    }

    /// How many times the larger of the two is the smaller; `None` beyond what a decimal holds.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Decimal> {
        self.0.max(other.0).checked_div(self.0.min(other.0))
    }
}

/// A decimal number as JSON writes it (RFC 8259, section 6), with its exponent; `None` where digits would be lost.
fn exact(text: &str) -> Option<Decimal> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let mut number = Decimal::from_str_exact(mantissa).ok()?;
    if number.is_zero() {
        return Some(number);
    }
    let scale = i64::from(number.scale()) - i64::from(exponent);
    if let Ok(scale) = u32::try_from(scale) {
        number.set_scale(scale).ok()?;
    } else {
        number.set_scale(0).ok()?;
        let mut tens = 0..scale.unsigned_abs();
        number = tens.try_fold(number, |number, _| number.checked_mul(Decimal::TEN))?;
    }
    (number.mantissa().unsigned_abs() < 10_u128.pow(DIGITS_MAX)).then_some(number)
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(number.get()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Rate {
        Rate::parse(text).unwrap()
    }

    #[test]
    fn every_digit_is_kept() {
        for (text, kept) in [
            ("1.1208", "1.1208"),
            ("0.1", "0.1"),
            ("23456.789012345678901", "23456.789012345678901"),
            ("1.5e-05", "0.000015"),
            ("1.2E+3", "1200"),
            ("12.345e1", "123.45"),
            ("9007199254740993", "9007199254740993"),
            ("1e-28", "0.0000000000000000000000000001"),
            (
                "9999999999999999999999999999",
                "9999999999999999999999999999",
            ),
            ("1e27", "1000000000000000000000000000"),
        ] {
            assert_eq!(rate(text).to_string(), kept);
            let json = serde_json::to_string(&rate(text)).unwrap();
            assert_eq!(json, kept);
            assert_eq!(serde_json::from_str::<Rate>(&json).unwrap(), rate(text));
        }
    }

    #[test]
    fn what_is_no_price_or_would_lose_digits_is_refused() {
        for wrong in [
            "0",
            "0.000",
            "-1",
            "-0.0",
            "\"1.1\"",
            "null",
            "NaN",
            "1e29",
            "1e-29",
            "1e999999999999",
            "",
            "1.00000000000000000000000000001",
            "true",
            "[1]",
            "1e",
            "0e5",
            "0e2147483647",
            "0e-2147483648",
            "1e2147483647",
            "1e28",
            "9999999999999999999999999999.9",
        ] {
            assert!(Rate::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rate_is_restated_in_sixteen_digits() {
        assert_eq!(
            rate("0.8508").restated(rate("1.1208")).unwrap().to_string(),
            "0.7591006423982869"
        );
        assert_eq!(
            rate("2.24").restated(rate("1.12")).unwrap().to_string(),
            "2"
        );
        assert_eq!(rate("1.12").restated(rate("1.12")).unwrap(), Rate::ONE);
        assert_eq!(
            rate("7922816251426433759354395033").restated(rate("0.00001")),
            None
        );
    }

    #[test]
    fn how_far_two_rates_are_apart_has_no_direction() {
        assert_eq!(rate("1.5").times(rate("1500")), Some(Decimal::from(1_000)));
        assert_eq!(rate("1500").times(rate("1.5")), Some(Decimal::from(1_000)));
    }
}
