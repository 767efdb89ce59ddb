//! What a coupon is worth: an exact amount in a currency of ISO 4217.

use std::fmt;
use std::str::FromStr;

use iso_currency::Currency;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::text::Invalid;

/// The most digits before the point.
const WHOLE_DIGITS: usize = 15;
/// The most digits behind the point.
const DECIMALS: usize = 8;

/// An amount of money, zero or more; written as a decimal string, every digit as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Amount(Decimal);

impl Amount {
    /// Takes digits, perhaps with a point and digits behind it.
    ///
    /// # Errors
    /// [`Invalid`] that says what would be right.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str, most: usize| {
            (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        let number = (digits(whole, WHOLE_DIGITS) && digits(decimals, DECIMALS))
            .then(|| Decimal::from_str_exact(text).ok())
            .flatten();
        number.map(Self).ok_or_else(|| {
            Invalid::new(format!(
                "must be a decimal string such as \"12.50\", with at most {WHOLE_DIGITS} digits before the point and \
                 {DECIMALS} behind it"
            ))
        })
    }

    /// The number.
    #[must_use]
    pub fn to_decimal(self) -> Decimal {
        self.0
    }
}

impl TryFrom<String> for Amount {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<Amount> for String {
    fn from(amount: Amount) -> Self {
        amount.to_string()
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A currency's code in ISO 4217.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct CurrencyCode(Currency);

impl CurrencyCode {
    /// Takes the code when there is such a currency.
    ///
    /// # Errors
    /// [`Invalid`] that says what would be right.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Currency::from_str(text)
            .map(Self)
            .map_err(|_| Invalid::new("must be a currency's code in ISO 4217, such as USD"))
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0.code()
    }

    /// An amount as it is paid in this currency: with as many decimals as it has.
    #[must_use]
    pub fn paid(self, amount: Decimal) -> String {
        let decimals = u32::from(self.0.exponent().unwrap_or(2));
        let mut paid =
            amount.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
        paid.rescale(decimals);
        paid.to_string()
    }
}

impl TryFrom<String> for CurrencyCode {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(&text)
    }
}

impl From<CurrencyCode> for &'static str {
    fn from(code: CurrencyCode) -> Self {
        code.as_str()
    }
}

impl fmt::Display for CurrencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount in a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// How much.
    pub amount: Amount,
    /// Of what.
    pub currency: CurrencyCode,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_its_digits() {
        for text in ["0", "12.50", "0.00000001", "999999999999999.99"] {
            assert_eq!(Amount::parse(text).unwrap().to_string(), text);
        }
        for wrong in [
            "",
            "-1",
            "+1",
            "1e3",
            "1e309",
            "9223372036854775808",
            ".5",
            "5.",
            "1,5",
            "NaN",
            "0.000000001",
            " 1",
            "١",
        ] {
            assert!(Amount::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_currency_is_one_of_iso_4217() {
        assert_eq!(CurrencyCode::parse("USD").unwrap().as_str(), "USD");
        for wrong in ["usd", "QQQ", "", "EURO", "ZZZ", "$"] {
            assert!(CurrencyCode::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_amount_is_paid_in_the_units_of_its_currency() {
        let paid = |code: &str, amount: &str| {
            CurrencyCode::parse(code)
                .unwrap()
                .paid(amount.parse().unwrap())
        };
        assert_eq!(paid("USD", "12.345"), "12.35");
        assert_eq!(paid("USD", "12"), "12.00");
        assert_eq!(paid("JPY", "1234.5"), "1235");
        assert_eq!(paid("KWD", "1.2345"), "1.235");
    }
}
