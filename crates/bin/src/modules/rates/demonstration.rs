//! The rates of `--demo`: made up, for the days before today, so that they can be looked at without an access key.

use std::collections::BTreeMap;

use flagstaff_domain::changes::Actor;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::modules::rates::{Currency, DayRates, Rate, RateDate, RateRepository};
use flagstaff_domain::text::Invalid;
use flagstaff_domain::write::Stamp;

use crate::exit::{Exit, Failure};

/// For how many days.
const DAYS: u64 = 5;
/// What a euro costs on each of them.
const RATES: [(&str, &str); 6] = [
    ("CHF", "0.9312"),
    ("GBP", "0.8561"),
    ("JPY", "171.42"),
    ("PLN", "4.2538"),
    ("SEK", "11.0275"),
    ("USD", "1.0837"),
];

/// Stores them where there are none.
pub(super) fn load(repository: &dyn RateRepository, now: Timestamp) -> Result<(), Failure> {
    let today = RateDate::of(now);
    if !repository.latest(today, 1)?.is_empty() {
        return Ok(());
    }
    let wrong = |error: Invalid| Failure::new(Exit::Failed, format!("the demonstration: {error}"));
    let rates = RATES.iter().map(|(code, rate)| {
        let (currency, rate) = (Currency::parse(code), Rate::parse(rate));
        Ok((currency.map_err(wrong)?, rate.map_err(wrong)?))
    });
    let rates: BTreeMap<_, _> = rates.collect::<Result<_, Failure>>()?;
    let stamp = Stamp {
        actor: Actor::Import,
        at: now,
    };
    for date in today.before(DAYS).up_to(today.before(1)) {
        let day = DayRates {
            date,
            base: Currency::parse("EUR").map_err(wrong)?,
            rates: rates.clone(),
            // Whatever a source says later takes its place.
            made_at: Some(0),
        };
        repository.store(&day, &stamp)?;
    }
    Ok(())
}
