//! Reading rates.

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::currency::Currency;
use super::date::RateDate;
use super::day::StoredRates;
use super::error::RateError;
use super::ports::RateRepository;
use crate::clock::Clock;
use crate::storage::StorageError;

/// How many stored days are looked through for one that has both currencies.
const LOOKED_THROUGH: usize = 31;

/// Reads rates.
#[derive(Clone)]
pub struct RateService {
    repository: Arc<dyn RateRepository>,
    clock: Arc<dyn Clock>,
}

/// Some of a day's rates, in some base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateView {
    /// The base to restate them in, other than the stored one.
    pub base: Option<Currency>,
    /// The currencies to show; all where none are named.
    pub symbols: Option<Vec<Currency>>,
}

/// The rates by which amounts are converted today.
#[derive(Debug, Clone, Default)]
pub struct Conversions(Vec<StoredRates>);

impl RateService {
    /// The service over its ports.
    #[must_use]
    pub fn new(repository: Arc<dyn RateRepository>, clock: Arc<dyn Clock>) -> Self {
        Self { repository, clock }
    }

    /// The day that it is, in UTC.
    #[must_use]
    pub fn today(&self) -> RateDate {
        RateDate::of(self.clock.now())
    }

    /// A day's rates.
    ///
    /// # Errors
    /// [`RateError`].
    pub fn get(&self, date: RateDate, view: &RateView) -> Result<StoredRates, RateError> {
        let today = self.today();
        if date > today {
            return Err(RateError::Future { today });
        }
        let stored = self.repository.find(date)?;
        let mut stored = stored.ok_or(RateError::NotStored(date))?;
        if let Some(base) = view.base {
            stored.day = stored.day.restated(base)?;
        }
        if let Some(symbols) = &view.symbols {
            stored.day = stored.day.narrowed(symbols);
        }
        Ok(stored)
    }

    /// What amounts can be converted by: the last days that are stored.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn conversions(&self) -> Result<Conversions, StorageError> {
        let latest = self.repository.latest(self.today(), LOOKED_THROUGH);
        latest.map(Conversions)
    }
}

impl Conversions {
    /// An amount in another currency, by the last day that has a rate for both, and that day.
    #[must_use]
    pub fn convert(
        &self,
        amount: Decimal,
        from: Currency,
        to: Currency,
    ) -> Option<(Decimal, RateDate)> {
        let days = self.0.iter().map(|stored| &stored.day);
        days.filter_map(|day| Some((day.convert(amount, from, to)?, day.date)))
            .next()
    }
}

impl fmt::Debug for RateService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{MockClock, Timestamp};
    use crate::ids::Seq;
    use crate::modules::rates::day::tests::{currency, day};
    use crate::modules::rates::ports::MockRateRepository;

    fn service(now: &str, repository: MockRateRepository) -> RateService {
        let now = Timestamp::try_from(now.to_owned()).unwrap();
        let mut clock = MockClock::new();
        clock.expect_now().return_const(now);
        RateService::new(Arc::new(repository), Arc::new(clock))
    }

    fn stored(date: &str, rates: &[(&str, &str)]) -> StoredRates {
        StoredRates {
            day: day(date, rates),
            ingested_at: Timestamp::from_micros(0).unwrap(),
            version: Seq(1),
        }
    }

    #[test]
    fn tomorrow_begins_at_midnight_utc() {
        let date = RateDate::parse("2024-02-29").unwrap();
        let mut repository = MockRateRepository::new();
        repository.expect_find().returning(|_| Ok(None));
        let early = service("2024-02-28T23:59:59.999999Z", repository);
        let error = early.get(date, &RateView::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "must not be in the future: in UTC it is 2024-02-28"
        );
        let mut repository = MockRateRepository::new();
        repository.expect_find().returning(|_| Ok(None));
        let in_time = service("2024-02-29T00:00:00Z", repository);
        let error = in_time.get(date, &RateView::default()).unwrap_err();
        assert!(matches!(error, RateError::NotStored(_)), "{error}");
    }

    #[test]
    fn an_amount_is_converted_by_the_last_day_that_has_both_currencies() {
        let mut repository = MockRateRepository::new();
        repository.expect_latest().returning(|_, _| {
            Ok(vec![
                stored("2024-02-28", &[("USD", "1.1")]),
                stored("2024-02-27", &[("USD", "1.2"), ("GBP", "0.6")]),
            ])
        });
        let conversions = service("2024-02-29T00:00:00Z", repository)
            .conversions()
            .unwrap();
        let convert = |from, to| {
            let found = conversions.convert(Decimal::TEN, currency(from), currency(to));
            found.map(|(amount, date)| (amount.to_string(), date.to_string()))
        };
        let told = |amount: &str, date: &str| Some((amount.to_owned(), date.to_owned()));
        assert_eq!(convert("EUR", "USD"), told("11.0", "2024-02-28"));
        assert_eq!(convert("USD", "GBP"), told("5", "2024-02-27"));
        assert_eq!(convert("USD", "CHF"), None);
    }
}
