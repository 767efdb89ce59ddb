//! Rates of currencies: the Fixer API as their source, the database as their store.
//!
//! [`fixer`] asks the API, `answer` reads what it says; [`repository`] keeps the days, [`turns`] whose turn it is to
//! ingest.

mod address;
mod answer;
pub mod fixer;
pub mod repository;
pub mod turns;

pub use fixer::{FixerRateSource, FixerSettings};
pub use repository::DieselRateRepository;
pub use turns::DieselIngestTurns;
