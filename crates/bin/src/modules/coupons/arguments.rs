//! The fields of a coupon as options.

use clap::{Args, ValueEnum};
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::modules::coupons::{
    Amount, ChangeCoupon, CouponId, CouponState, CurrencyCode, Label, LongText, Place,
};
use flagstaff_domain::text::{FeatureName, Invalid};

use crate::exit::Failure;

/// What a coupon says.
#[derive(Debug, Args)]
pub(crate) struct Fields {
    /// What is shown or typed in to use it
    #[arg(long, value_name = "TEXT", value_parser = label)]
    code: Option<Label>,
    /// What it offers, in a line
    #[arg(long, value_name = "TEXT", value_parser = label, allow_hyphen_values = true)]
    title: Option<Label>,
    /// From when on it can be used
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    published_at: Option<Timestamp>,
    /// From when on it can no longer be used
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    expire_at: Option<Timestamp>,
    /// What it offers
    #[arg(long, value_name = "TEXT", value_parser = long_text, allow_hyphen_values = true)]
    description: Option<LongText>,
    /// Whose offer it is
    #[arg(long, value_name = "TEXT", value_parser = label)]
    merchant: Option<Label>,
    /// What kind of offer it is
    #[arg(long, value_name = "TEXT", value_parser = label)]
    category: Option<Label>,
    /// Where it can be used: lat, long, city, phone, state, street, zip
    #[arg(long, value_name = "JSON", value_parser = place)]
    store: Option<Place>,
    /// How much it is worth, as 12.50
    #[arg(long, value_parser = amount, allow_hyphen_values = true)]
    amount: Option<Amount>,
    /// In which currency of ISO 4217
    #[arg(long, value_parser = currency)]
    currency: Option<CurrencyCode>,
    /// The feature by which it is shown
    #[arg(long, value_parser = feature)]
    feature: Option<FeatureName>,
}

impl From<Fields> for ChangeCoupon {
    fn from(fields: Fields) -> Self {
        Self {
            category: fields.category,
            couponcode: fields.code,
            description: fields.description,
            merchant: fields.merchant,
            title: fields.title,
            store: fields.store,
            expire_at: fields.expire_at,
            published_at: fields.published_at,
            amount: fields.amount,
            currency: fields.currency,
            feature: fields.feature,
            ..Self::default()
        }
    }
}

/// What a coupon can be without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Clear {
    Description,
    Merchant,
    Category,
    Store,
    Amount,
    Currency,
    Feature,
}

/// A change that sets these fields, and takes those away.
pub(super) fn change(fields: Fields, clear: &[Clear]) -> Result<ChangeCoupon, Failure> {
    let mut change = ChangeCoupon::from(fields);
    for field in clear {
        let set = match field {
            Clear::Description => change.description.replace(LongText::default()).is_some(),
            Clear::Merchant => change.merchant.replace(Label::default()).is_some(),
            Clear::Category => change.category.replace(Label::default()).is_some(),
            Clear::Store => change.store.replace(Place::default()).is_some(),
            Clear::Amount | Clear::Currency => {
                change.without.price = true;
                change.amount.is_some() || change.currency.is_some()
            }
            Clear::Feature => {
                change.without.feature = true;
                change.feature.is_some()
            }
        };
        if set {
            let message = "--clear takes away what another option sets, or twice the same";
            return Err(Failure::wrong(message));
        }
    }
    Ok(change)
}

pub(super) fn id(text: &str) -> Result<CouponId, Invalid> {
    let id = text.parse().ok().filter(|id| *id > 0).map(CouponId);
    id.ok_or_else(|| Invalid::new("must be a coupon's id, which is a positive integer"))
}

pub(super) fn state(text: &str) -> Result<CouponState, Invalid> {
    match text {
        "valid" => Ok(CouponState::Valid),
        "invalid" => Ok(CouponState::Invalid),
        _ => Err(Invalid::new("must be valid or invalid")),
    }
}

fn label(text: &str) -> Result<Label, Invalid> {
    Label::parse(text)
}

fn long_text(text: &str) -> Result<LongText, Invalid> {
    LongText::parse(text)
}

fn instant(text: &str) -> Result<Timestamp, Invalid> {
    Timestamp::try_from(text.to_owned())
}

fn place(text: &str) -> Result<Place, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

fn amount(text: &str) -> Result<Amount, Invalid> {
    Amount::parse(text)
}

fn currency(text: &str) -> Result<CurrencyCode, Invalid> {
    CurrencyCode::parse(text)
}

fn feature(text: &str) -> Result<FeatureName, Invalid> {
    FeatureName::parse(text)
}
