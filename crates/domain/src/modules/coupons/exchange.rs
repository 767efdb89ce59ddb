//! What an amount is in another currency. Rates know it, in builds that have them.

use std::fmt;

use rust_decimal::Decimal;

use super::price::CurrencyCode;
use crate::storage::StorageError;

/// An amount in another currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// How much, in the units in which the currency is paid.
    pub amount: String,
    /// Of what.
    pub currency: CurrencyCode,
    /// The day whose rates were used, `2026-11-20`.
    pub rate_date: String,
}

/// The rates of one moment.
pub trait Quotes: Send {
    /// An amount in another currency and the day of the rate; `None` where no rate allows it.
    fn quote(
        &self,
        amount: Decimal,
        from: CurrencyCode,
        to: CurrencyCode,
    ) -> Option<(Decimal, String)>;
}

/// Exchanges currencies.
pub trait Exchange: Send + Sync + fmt::Debug {
    /// The rates of this moment.
    ///
    /// # Errors
    /// [`StorageError`].
    fn quotes(&self) -> Result<Box<dyn Quotes>, StorageError>;
}

/// Knows no rates: nothing is converted.
#[derive(Debug, Clone, Copy)]
pub struct NoExchange;

impl Exchange for NoExchange {
    fn quotes(&self) -> Result<Box<dyn Quotes>, StorageError> {
        Ok(Box::new(Self))
    }
}

impl Quotes for NoExchange {
    fn quote(&self, _: Decimal, _: CurrencyCode, _: CurrencyCode) -> Option<(Decimal, String)> {
        None
    }
}

#[cfg(feature = "rates")]
mod by_rates {
    use super::{CurrencyCode, Decimal, Exchange, Quotes, StorageError};
    use crate::modules::rates::service::Conversions;
    use crate::modules::rates::{Currency, RateService};

    impl Exchange for RateService {
        fn quotes(&self) -> Result<Box<dyn Quotes>, StorageError> {
            Ok(Box::new(self.conversions()?))
        }
    }

    impl Quotes for Conversions {
        fn quote(
            &self,
            amount: Decimal,
            from: CurrencyCode,
            to: CurrencyCode,
        ) -> Option<(Decimal, String)> {
            let from = Currency::parse(from.as_str()).ok()?;
            let to = Currency::parse(to.as_str()).ok()?;
            let (amount, date) = self.convert(amount, from, to)?;
            Some((amount, date.to_string()))
        }
    }
}
