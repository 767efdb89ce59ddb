//! What the Fixer API answers (<https://fixer.io/documentation>): rates, or a refusal with the status of a success.
//!
//! Nothing of the answer is repeated in an error: an access key may be in it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use flagstaff_domain::modules::rates::{Currency, DayRates, Rate, RateDate, SourceError};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Answer<'a> {
    success: bool,
    error: Option<Refusal>,
    timestamp: Option<i64>,
    base: Option<String>,
    date: Option<String>,
    #[serde(borrow)]
    rates: Option<Listed<'a>>,
}

/// The members of an object as they stand there, also where one stands there twice.
struct Listed<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Listed<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Members<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for Members<'a> {
    type Value = Listed<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rates by currency")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Listed<'a>, A::Error> {
        let mut listed = Vec::new();
        while let Some(member) = map.next_entry()? {
            listed.push(member);
        }
        Ok(Listed(listed))
    }
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
}

fn garbage(what: impl Into<String>) -> SourceError {
    SourceError::Garbage(what.into())
}

/// Reads the body of an answer to the question for this day.
pub(super) fn read(body: &[u8], asked: RateDate) -> Result<DayRates, SourceError> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| {
        let place = (error.line(), error.column());
        garbage(format!(
            "it is not the JSON of the Fixer API (line {}, column {})",
            place.0, place.1
        ))
    })?;
    if !answer.success {
        let refusal = answer.error;
        return Err(refusal.map_or_else(
            || garbage("it says that there was no success, and not why"),
            |refusal| SourceError::Refused(refusal.code),
        ));
    }
    let date = answer.date.and_then(|date| RateDate::parse(&date).ok());
    match date {
        Some(date) if date == asked => {}
        Some(date) => return Err(garbage(format!("it is about {date} and not {asked}"))),
        None => return Err(garbage("it does not say which day it is about")),
    }
    let base = answer.base.and_then(|base| Currency::parse(&base).ok());
    let base = base.ok_or_else(|| garbage("it does not say in which currency rates are stated"))?;
    let mut rates = BTreeMap::new();
    for (code, number) in answer.rates.map(|listed| listed.0).unwrap_or_default() {
        let currency =
            Currency::parse(&code).map_err(|_| garbage("it has a rate of no currency"))?;
        let rate = Rate::parse(number.get())
            .map_err(|error| garbage(format!("the rate of {currency} {error}")))?;
        if currency == base && rate.to_decimal() != Rate::ONE.to_decimal() {
            return Err(garbage(format!(
                "it says that a {base} does not cost one {base}"
            )));
        }
        if rates.insert(currency, rate).is_some() {
            return Err(garbage(format!("it has two rates of {currency}")));
        }
    }
    if rates.is_empty() {
        return Err(garbage("it has no rates"));
    }
    Ok(DayRates {
        date: asked,
        base,
        rates,
        made_at: answer.timestamp,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "2013-12-24";

    fn answered(body: &str) -> Result<DayRates, SourceError> {
        read(body.as_bytes(), RateDate::parse(DAY).unwrap())
    }

    fn refused(body: &str) -> String {
        answered(body).unwrap_err().to_string()
    }

    #[test]
    fn an_answer_is_read_digit_by_digit() {
        let day = answered(
            r#"{"success": true, "timestamp": 1387929599, "historical": true, "base": "EUR",
                "date": "2013-12-24", "rates": {"U\u0053D": 1.370000000000000001, "BTC": 1.5e-05}}"#,
        )
        .unwrap();
        let rates: Vec<_> = day
            .rates
            .iter()
            .map(|(code, rate)| format!("{code} {rate}"))
            .collect();
        assert_eq!(rates, ["BTC 0.000015", "USD 1.370000000000000001"]);
        assert_eq!(
            (day.base.as_str(), day.made_at),
            ("EUR", Some(1_387_929_599))
        );
    }

    #[test]
    fn a_base_that_costs_one_of_itself_is_no_mistake() {
        let body = format!(
            r#"{{"success": true, "base": "EUR", "date": "{DAY}", "rates": {{"EUR": 1.0, "USD": 1.3}}}}"#
        );
        assert_eq!(answered(&body).unwrap().rates.len(), 2);
    }

    #[test]
    fn a_refusal_says_what_its_code_means_and_nothing_that_was_sent() {
        for (code, meaning) in [
            (101, "missing or invalid"),
            (103, "no such endpoint"),
            (104, "monthly limit"),
            (105, "plan does not include"),
            (106, "no rates for this day"),
            (202, "currencies"),
            (301, "no date"),
            (302, "does not take the date"),
            (999, "documentation"),
        ] {
            let said = refused(&format!(
                r#"{{"success": false, "error": {{"code": {code}, "type": "THE-KEY", "info": "THE-KEY"}}}}"#
            ));
            assert!(
                said.contains(meaning) && said.contains(&code.to_string()),
                "{said}"
            );
            assert!(!said.contains("THE-KEY"), "{said}");
        }
    }

    #[test]
    fn what_cannot_be_rates_is_refused() {
        let with = |rates: &str| {
            format!(r#"{{"success": true, "base": "EUR", "date": "{DAY}", "rates": {rates}}}"#)
        };
        for (body, said) in [
            (
                "<html>THE-KEY</html>".to_owned(),
                "not the JSON of the Fixer API (line 1, column 1)",
            ),
            (String::new(), "not the JSON"),
            ("[]".to_owned(), "not the JSON"),
            (r#"{"success": false}"#.to_owned(), "not why"),
            (r#"{"success": "THE-KEY"}"#.to_owned(), "not the JSON"),
            (with("{}"), "no rates"),
            (with("null"), "no rates"),
            (
                with(r#"{"USD": -1.37}"#),
                "the rate of USD must be more than zero",
            ),
            (
                with(r#"{"USD": 0}"#),
                "the rate of USD must be more than zero",
            ),
            (
                with(r#"{"USD": "1.37"}"#),
                "the rate of USD must be a decimal number",
            ),
            (
                with(r#"{"USD": null}"#),
                "the rate of USD must be a decimal number",
            ),
            (
                with(r#"{"USD": 1e400}"#),
                "the rate of USD must be a decimal number",
            ),
            (with(r#"{"USD": 1.3, "USD": 1.3}"#), "two rates of USD"),
            (
                with(r#"{"USD": 1.3, "EUR": 1.1}"#),
                "a EUR does not cost one EUR",
            ),
            (with("[1]"), "not the JSON"),
            (with(r#"{"USD": NaN}"#), "not the JSON"),
            (with(r#"{"THE-KEY": 1}"#), "a rate of no currency"),
            (
                with(r#"{"USD": 1}"#).replace(DAY, "2013-12-23"),
                "about 2013-12-23 and not 2013-12-24",
            ),
            (with(r#"{"USD": 1}"#).replace(DAY, "THE-KEY"), "which day"),
            (
                with(r#"{"USD": 1}"#).replace("EUR", "euro"),
                "in which currency",
            ),
        ] {
            let reason = refused(&body);
            assert!(reason.contains(said), "{body}: {reason}");
            assert!(!reason.contains("THE-KEY"), "{reason}");
        }
    }
}
