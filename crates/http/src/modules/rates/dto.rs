//! The shape of a day's rates. The command line's `--json` prints the same.

use std::collections::BTreeMap;

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::modules::rates::{Currency, Rate, RateDate, StoredRates};
use serde::Serialize;
use utoipa::ToSchema;

/// What one unit of the base cost on a day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RatesBody {
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub date: RateDate,
    /// The currency that the rates are stated in.
    #[schema(value_type = String)]
    pub base: Currency,
    /// What one unit of it costs, exactly as the source said.
    #[schema(value_type = BTreeMap<String, f64>)]
    pub rates: BTreeMap<Currency, Rate>,
    /// When they were stored.
    #[schema(value_type = String, format = DateTime)]
    pub ingested_at: Timestamp,
}

impl From<StoredRates> for RatesBody {
    fn from(stored: StoredRates) -> Self {
        Self {
            date: stored.day.date,
            base: stored.day.base,
            rates: stored.day.rates,
            ingested_at: stored.ingested_at,
        }
    }
}
