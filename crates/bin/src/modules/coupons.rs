//! Coupons in the program: the server's part, and `flagstaff coupon`.

mod arguments;

use std::sync::Arc;

use clap::{Args, Subcommand};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::modules::coupons::{
    Audience, Coupon, CouponError, CouponId, CouponPlace, CouponService, CouponState, Place,
};
use flagstaff_domain::page::{PAGE_MAX, Page};
use flagstaff_domain::write::Precondition;
use flagstaff_http::modules::coupons::CouponsModule;
use flagstaff_http::modules::coupons::dto::{CouponBody, RedemptionsBody};
use serde_json::Value;

use self::arguments::{Clear, Fields, id};
use super::Started;
use crate::commands::{Session, deleted, every_page};
use crate::exit::{Exit, Failure};
use crate::output::{Output, instant, short};
use crate::settings::Settings;
use crate::wiring::Base;

/// The coupons of `--demo`.
const DEMONSTRATION: &str = include_str!("../../../../config/demo-coupons.json");

/// Coupons in a server.
#[allow(clippy::unnecessary_wraps, reason = "other modules may not start")]
pub(super) fn start(base: &Base, settings: &Settings) -> Result<Started, Failure> {
    let coupons = base.coupons();
    let settings = &settings.coupons;
    Ok(Started {
        http: Arc::new(CouponsModule::new(
            coupons.clone(),
            settings.public,
            settings.misses_per_address,
        )),
        demonstrate: Box::new(move || demonstrate(&coupons)),
        _job: None,
    })
}

fn demonstrate(coupons: &CouponService) -> Result<(), Failure> {
    let there = coupons.list(None, Audience::Managers, Page::first())?;
    if !there.items.is_empty() {
        return Ok(());
    }
    let demonstration: Vec<_> = serde_json::from_str(DEMONSTRATION)
        .map_err(|error| Failure::new(Exit::Failed, format!("the demonstration: {error}")))?;
    for coupon in &demonstration {
        coupons.create(&Actor::Import, coupon)?;
    }
    Ok(())
}

/// What to do with coupons.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff coupon list --state valid
  flagstaff coupon create --code 'WELCOME 20' --title '20% off' --published-at 2026-01-01T00:00:00Z --expire-at 2036-01-01T00:00:00Z
  flagstaff coupon create --help")]
pub(crate) enum Command {
    /// List the coupons, also those that a feature hides
    #[command(after_help = "\
Examples:
  flagstaff coupon list
  flagstaff coupon list --state invalid --json | jq length")]
    List(List),
    /// Show a coupon and how often it was redeemed
    #[command(after_help = "\
Examples:
  flagstaff coupon show 7")]
    Show(Named),
    /// Add a coupon
    #[command(after_help = "\
Examples:
  flagstaff coupon create --code 'WELCOME 20' --title '20% off' --published-at 2026-01-01T00:00:00Z --expire-at 2036-01-01T00:00:00Z
  flagstaff coupon create --code V10 --title 'Ten off' --amount 10.00 --currency EUR --feature summer_sale \\
    --published-at 2026-01-01T00:00:00Z --expire-at 2036-01-01T00:00:00Z --store '{\"city\": \"Seattle\"}'")]
    Create(Box<Fields>),
    /// Change a coupon; what is not given stays
    #[command(after_help = "\
Examples:
  flagstaff coupon set 7 --expire-at 2036-02-01T00:00:00Z
  flagstaff coupon set 7 --feature summer_sale
  flagstaff coupon set 7 --clear feature --clear amount")]
    Set(Box<Set>),
    /// Delete a coupon with the counts of its redemptions
    #[command(after_help = "\
Examples:
  flagstaff coupon delete 7")]
    Delete(Named),
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those that have not expired (valid), or those that have (invalid)
    #[arg(long, value_parser = arguments::state)]
    state: Option<CouponState>,
}

/// Names a coupon.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The coupon's id
    #[arg(value_parser = id)]
    id: CouponId,
}

/// Arguments of `set`.
#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    fields: Fields,
    /// Take this away; may be repeated. An amount goes with its currency
    #[arg(long, value_name = "FIELD")]
    clear: Vec<Clear>,
}

impl From<CouponError> for Failure {
    fn from(error: CouponError) -> Self {
        let exit = match error {
            CouponError::Storage(error) => return error.into(),
            CouponError::Invalid { .. } => Exit::Wrong,
            CouponError::UnknownFeature(_) => {
                return Self::new(Exit::NotFound, format!("--feature {error}"));
            }
            CouponError::NotFound(_) => Exit::NotFound,
            CouponError::VersionMismatch(_)
            | CouponError::Expired(_)
            | CouponError::NotPublished(_) => Exit::Conflict,
        };
        Self::new(exit, error.to_string())
    }
}

pub(super) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    let coupons = services.base.coupons();
    match command {
        Command::List(arguments) => list(arguments.state, &coupons, &mut output),
        Command::Show(named) => {
            let coupon = coupons.get(named.id, &Audience::Managers)?;
            show(&coupon, &coupons, &mut output)
        }
        Command::Create(fields) => {
            let written = coupons.create(&Actor::CommandLine, &(*fields).into())?;
            show(&written.record, &coupons, &mut output)
        }
        Command::Set(set) => {
            let change = arguments::change(set.fields, &set.clear)?;
            let any = &Precondition::Any;
            let written = coupons.change(&Actor::CommandLine, set.named.id, &change, any)?;
            show(&written.record, &coupons, &mut output)
        }
        Command::Delete(named) => {
            let revision = coupons.delete(&Actor::CommandLine, named.id, &Precondition::Any)?;
            deleted(&format!("coupon {}", named.id), revision, &mut output)
        }
    }
}

fn list(
    state: Option<CouponState>,
    coupons: &CouponService,
    output: &mut Output,
) -> Result<(), Failure> {
    let all = every_page(
        |after| {
            let limit = PAGE_MAX;
            coupons.list(state, Audience::Managers, Page { limit, after })
        },
        |coupon: &Coupon| CouponPlace {
            expire_at: state.map(|_| coupon.details.expire_at),
            id: coupon.id,
        },
    )?;
    if output.is_json() {
        let bodies: Vec<_> = all.iter().map(|one| CouponBody::new(one, None)).collect();
        return output.json(&bodies);
    }
    if all.is_empty() {
        return output.line("no such coupons; add one with `flagstaff coupon create`");
    }
    output.table(
        ["ID", "CODE", "TITLE", "PUBLISHED", "EXPIRES", "FEATURE"],
        all.iter().map(|one| {
            let details = &one.details;
            [
                one.id.to_string(),
                short(details.couponcode.as_str()),
                short(details.title.as_str()),
                instant(details.published_at),
                instant(details.expire_at),
                feature(one),
            ]
        }),
    )
}

fn feature(coupon: &Coupon) -> String {
    let feature = coupon.feature.as_ref().map(|feature| &feature.name);
    match feature {
        None => String::new(),
        Some(None) => "(deleted)".to_owned(),
        Some(Some(name)) => name.to_string(),
    }
}

/// Where a store is, in one line.
fn place(store: &Place) -> String {
    let members = serde_json::to_value(store).unwrap_or_default();
    let members = members.as_object().into_iter().flatten();
    let told = members.map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Shows a coupon; to a person also how often it was redeemed.
fn show(coupon: &Coupon, coupons: &CouponService, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&CouponBody::new(coupon, None));
    }
    let details = &coupon.details;
    let text = |text: Option<String>| text.unwrap_or_default();
    let price = details.price;
    output.fields([
        ("coupon", coupon.id.to_string()),
        ("code", details.couponcode.to_string()),
        ("title", details.title.to_string()),
        (
            "description",
            text(details.description.as_ref().map(ToString::to_string)),
        ),
        (
            "merchant",
            text(details.merchant.as_ref().map(ToString::to_string)),
        ),
        (
            "category",
            text(details.category.as_ref().map(ToString::to_string)),
        ),
        ("store", text(details.store.as_ref().map(place))),
        ("published", instant(details.published_at)),
        ("expires", instant(details.expire_at)),
        (
            "worth",
            text(price.map(|price| format!("{} {}", price.amount, price.currency))),
        ),
        ("feature", feature(coupon)),
        ("version", coupon.version.to_string()),
    ])?;
    let days = coupons.redemptions(coupon.id)?;
    if days.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let days = days.into_iter().map(RedemptionsBody::from);
    output.table(
        ["DAY", "REDEEMED"],
        days.map(|day| [day.date, day.count.to_string()]),
    )
}
