//! One day's rates, as they were fetched and as they are stored.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;

use super::currency::Currency;
use super::date::RateDate;
use super::error::RateError;
use super::rate::Rate;
use crate::clock::Timestamp;
use crate::ids::Seq;

/// No currency changes its price so many times within [`NEAR`] days: whoever says so is mistaken.
const JUMP: u32 = 500;
/// For how many days a stored day tells what is to be expected of another.
const NEAR: u64 = 31;

/// What one unit of the base cost on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayRates {
    /// The day.
    pub date: RateDate,
    /// What the rates are stated in.
    pub base: Currency,
    /// The rates; never empty.
    pub rates: BTreeMap<Currency, Rate>,
    /// When the source made them, in seconds of Unix time, where it says so.
    pub made_at: Option<i64>,
}

impl DayRates {
    /// The same day in units of another currency.
    ///
    /// # Errors
    /// [`RateError::NoRate`] where the day has none for it.
    pub fn restated(&self, base: Currency) -> Result<Self, RateError> {
        if base == self.base {
            return Ok(self.clone());
        }
        let one = self.rates.get(&base).copied();
        let one = one.ok_or(RateError::NoRate(base, self.date))?;
        let mut rates: BTreeMap<_, _> = self
            .rates
            .iter()
            .filter_map(|(currency, rate)| Some((*currency, rate.restated(one)?)))
            .collect();
        if let Some(old) = Rate::ONE.restated(one) {
            rates.insert(self.base, old);
        }
        Ok(Self {
            base,
            rates,
            ..self.clone()
        })
    }

    /// The same day with these currencies alone; the base itself costs one.
    #[must_use]
    pub fn narrowed(mut self, symbols: &[Currency]) -> Self {
        self.rates.insert(self.base, Rate::ONE);
        self.rates.retain(|currency, _| symbols.contains(currency));
        self
    }

    /// An amount of one currency in another; `None` where the day has no rate for either, or the amount is beyond what a
    /// decimal holds.
    #[must_use]
    pub fn convert(&self, amount: Decimal, from: Currency, to: Currency) -> Option<Decimal> {
        let price = |currency| match self.rates.get(&currency) {
            _ if currency == self.base => Some(Decimal::ONE),
            rate => rate.map(|rate| rate.to_decimal()),
        };
        let (from, to) = (price(from)?, price(to)?);
        // Multiplied first, so that what comes out even is exact.
        match amount.checked_mul(to) {
            Some(product) => product.checked_div(from),
            None => amount.checked_div(from)?.checked_mul(to),
        }
    }

    /// What cannot be right of it, given the stored days on either side: those further away than `NEAR` tell nothing,
    /// the nearest one the base, and each of them the prices.
    ///
    /// # Errors
    /// [`Implausible`].
    pub fn check_beside(&self, others: &[Self]) -> Result<(), Implausible> {
        let away = |other: &&Self| self.date.distance(other.date);
        let near = others.iter().filter(|other| away(other) <= NEAR);
        let near: Vec<_> = near.collect();
        let nearest = near.iter().copied().min_by_key(away);
        if let Some(other) = nearest.filter(|other| other.base != self.base) {
            return Err(Implausible::Base {
                answered: self.base,
                stored: other.base,
            });
        }
        match near.into_iter().find_map(|other| self.jump_from(other)) {
            Some(currency) => Err(Implausible::Price(currency)),
            None => Ok(()),
        }
    }

    /// The currency whose price cannot have come from that of the other day, restated to the same base.
    fn jump_from(&self, other: &Self) -> Option<Currency> {
        let other = other.restated(self.base).ok()?;
        let jumps = |(currency, rate): (&Currency, &Rate)| {
            let known = other.rates.get(currency)?;
            let apart = rate.times(*known);
            apart
                .is_none_or(|apart| apart >= Decimal::from(JUMP))
                .then_some(*currency)
        };
        self.rates.iter().find_map(jumps)
    }
}

/// What is wrong with a day beside those that are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Implausible {
    /// A price is another by orders of magnitude.
    #[error("the rate of {0} is hundreds of times, or a fraction of, what it is on a day nearby")]
    Price(Currency),
    /// It is stated in another currency.
    #[error("the rates are in {answered}, and those of the day nearest to it in {stored}")]
    Base {
        /// The currency of the answer.
        answered: Currency,
        /// That of what is stored.
        stored: Currency,
    },
}

/// A day's rates as they are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRates {
    /// The rates.
    pub day: DayRates,
    /// When they were stored.
    pub ingested_at: Timestamp,
    /// The change that stored them.
    pub version: Seq,
}

/// A day in the change log.
#[derive(Debug, Serialize)]
pub struct DayRecord<'a> {
    date: RateDate,
    base: Currency,
    rates: &'a BTreeMap<Currency, Rate>,
    ingested_at: Timestamp,
    version: Seq,
}

impl<'a> From<&'a StoredRates> for DayRecord<'a> {
    fn from(stored: &'a StoredRates) -> Self {
        Self {
            date: stored.day.date,
            base: stored.day.base,
            rates: &stored.day.rates,
            ingested_at: stored.ingested_at,
            version: stored.version,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use insta::assert_snapshot;

    use super::*;

    pub(crate) fn currency(code: &str) -> Currency {
        Currency::parse(code).unwrap()
    }

    /// Rates of a day in euros.
    pub(crate) fn day(date: &str, rates: &[(&str, &str)]) -> DayRates {
        let rates = rates.iter();
        DayRates {
            date: RateDate::parse(date).unwrap(),
            base: currency("EUR"),
            rates: rates
                .map(|(code, rate)| (currency(code), Rate::parse(rate).unwrap()))
                .collect(),
            made_at: None,
        }
    }

    fn written(day: &DayRates) -> String {
        let rates = day.rates.iter();
        let rates: Vec<_> = rates.map(|(code, rate)| format!("{code} {rate}")).collect();
        rates.join(", ")
    }

    #[test]
    fn another_base_restates_every_rate_and_gains_the_old_base() {
        let day = day("2020-01-01", &[("USD", "1.25"), ("GBP", "0.85")]);
        let restated = day.restated(currency("USD")).unwrap();
        assert_eq!(written(&restated), "EUR 0.8, GBP 0.68, USD 1");
        assert_eq!(day.restated(currency("EUR")).unwrap(), day);
        let missing = day.restated(currency("CHF")).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "there is no rate of CHF for 2020-01-01"
        );
    }

    #[test]
    fn a_list_is_narrowed_to_what_it_has() {
        let day = day("2020-01-01", &[("USD", "1.25"), ("GBP", "0.85")]);
        let narrowed = |codes: [&str; 2]| written(&day.clone().narrowed(&codes.map(currency)));
        assert_eq!(narrowed(["GBP", "CHF"]), "GBP 0.85");
        assert_eq!(narrowed(["GBP", "EUR"]), "EUR 1, GBP 0.85");
    }

    #[test]
    fn an_amount_is_converted_by_way_of_the_base() {
        let day = day("2020-01-01", &[("USD", "1.25"), ("GBP", "0.85")]);
        let convert = |amount: &str, from, to| {
            let amount = amount.parse().unwrap();
            day.convert(amount, currency(from), currency(to))
        };
        assert_eq!(convert("10", "EUR", "USD"), Some("12.50".parse().unwrap()));
        assert_eq!(convert("12.50", "USD", "EUR"), Some("10".parse().unwrap()));
        assert_eq!(convert("25", "USD", "GBP"), Some("17".parse().unwrap()));
        assert_eq!(convert("5", "USD", "USD"), Some("5".parse().unwrap()));
        assert_eq!(convert("5", "USD", "CHF"), None);
    }

    #[test]
    fn a_thousand_times_the_price_of_a_day_nearby_on_either_side_cannot_be_right() {
        let known = day("2020-01-01", &[("USD", "1.25"), ("GBP", "0.85")]);
        let checked = |on: &str, rate: &str| {
            day(on, &[("USD", rate), ("SEK", "1000000")]).check_beside(std::slice::from_ref(&known))
        };
        let wrong = Err(Implausible::Price(currency("USD")));
        assert_eq!(checked("2020-01-09", "1250"), wrong);
        assert_eq!(checked("2020-01-09", "0.00125"), wrong);
        assert_eq!(checked("2019-12-01", "1250"), wrong);
        assert_eq!(checked("2020-01-09", "125"), Ok(()));
        assert_eq!(checked("2020-03-01", "1250"), Ok(()));
        // The day before is too far away; the one after is not.
        let days = [day("2019-01-01", &[("USD", "1.25")]), known.clone()];
        let filled = day("2019-12-31", &[("USD", "1250")]);
        assert_eq!(filled.check_beside(&days), wrong);
    }

    #[test]
    fn another_base_than_the_nearest_days_cannot_be_right_and_a_farther_day_is_restated() {
        let euros = day("2020-01-01", &[("USD", "1.25")]);
        let dollars = |on: &str, rate: &str| DayRates {
            base: currency("USD"),
            ..day(on, &[("EUR", rate)])
        };
        let base = Implausible::Base {
            answered: currency("USD"),
            stored: currency("EUR"),
        };
        let answered = dollars("2020-01-02", "0.8");
        assert_eq!(
            answered.check_beside(std::slice::from_ref(&euros)),
            Err(base)
        );
        let nearer = dollars("2020-01-03", "0.8");
        let days = [day("2019-12-30", &[("USD", "1.25")]), nearer];
        assert_eq!(dollars("2020-01-02", "0.8").check_beside(&days), Ok(()));
        assert_eq!(
            dollars("2020-01-02", "800").check_beside(&days),
            Err(Implausible::Price(currency("EUR")))
        );
    }

    #[test]
    fn a_day_is_written_whole_into_the_log() {
        let stored = StoredRates {
            day: day("2020-01-01", &[("USD", "1.1208"), ("GBP", "0.8508")]),
            ingested_at: Timestamp::try_from("2026-11-20T10:00:00Z".to_owned()).unwrap(),
            version: Seq(9),
        };
        let json = serde_json::to_string(&DayRecord::from(&stored)).unwrap();
        assert_snapshot!(json, @r#"{"date":"2020-01-01","base":"EUR","rates":{"GBP":0.8508,"USD":1.1208},"ingested_at":"2026-11-20T10:00:00.000000Z","version":9}"#);
    }
}
