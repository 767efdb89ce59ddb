//! The shape of a day's rates. The command line's `--json` prints the same.

use std::borrow::Cow;
use std::collections::BTreeMap;

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::modules::rates::{Currency, Rate, RateDate, StoredRates};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// A rate: a number of no format, since `double` would lose digits.
#[derive(Debug)]
pub(crate) struct RateSchema;

impl ToSchema for RateSchema {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Rate")
    }
}

impl PartialSchema for RateSchema {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Number)
            .exclusive_minimum(Some(0))
            .description(Some("An exact decimal of up to 28 digits"))
            .into()
    }
}

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
    #[schema(value_type = BTreeMap<String, RateSchema>)]
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
