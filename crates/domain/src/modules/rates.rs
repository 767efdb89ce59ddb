//! Daily rates of currencies: what one unit of a base currency costs in others, as exact decimals.
//!
//! [`ingest`] fetches days from a source and stores them, [`service`] reads them, [`ports`] is what a source and a store
//! implement. A day is stored, replaced and logged as one record.

pub mod currency;
pub mod date;
pub mod day;
pub mod error;
pub mod ingest;
pub mod ports;
pub mod rate;
pub mod schedule;
pub mod service;

pub use currency::Currency;
pub use date::RateDate;
pub use day::{DayRates, Implausible, StoredRates};
pub use error::{IngestError, RateError, SourceError};
pub use ingest::{IngestProgress, IngestReport, Ingested, RateIngest};
pub use ports::{CallBudget, IngestStatus, IngestTurns, RateRepository, RateSource, Stored};
pub use rate::Rate;
pub use schedule::Schedule;
pub use service::RateService;

use crate::changes::ModuleKind;

/// The module's name in the change log.
pub(crate) const CONTEXT: &str = "rates";

/// A day's rates were stored, or replaced by newer ones.
pub const STORED: ModuleKind = ModuleKind {
    context: CONTEXT,
    kind: "rates.stored",
};

/// All kinds of changes that this module makes.
pub(crate) const KINDS: &[ModuleKind] = &[STORED];
