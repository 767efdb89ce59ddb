//! The units of work on coupons, for the repository and the state file's import alike.

use diesel::prelude::*;
use flagstaff_domain::changes::{ModuleKind, NewChange};
use flagstaff_domain::ids::{FeatureId, Seq};
use flagstaff_domain::modules::coupons::coupon::CouponRecord;
use flagstaff_domain::modules::coupons::{
    CHANGED, CREATED, ChangeCoupon, Coupon, CouponError, CouponFeature, CouponId, DELETED, Details,
};
use flagstaff_domain::text::FeatureName;
use flagstaff_domain::write::{Precondition, Written};

use super::rows::{self, CouponRow, DetailsRow};
use crate::changes::unit::UnitOfWork;
use crate::db::error::refuse;
use crate::db::schema::coupons;
use crate::db::{DbConnection, WorkError};
use crate::flags::names;

pub(super) type Work<T> = Result<T, WorkError<CouponError>>;

pub(crate) fn get(connection: &mut DbConnection, id: CouponId) -> Work<Coupon> {
    let row: Option<CouponRow> = coupons::table
        .find(id.0)
        .select(CouponRow::as_select())
        .first(connection)
        .optional()?;
    let found = rows::coupons(connection, row.into_iter().collect())?.pop();
    found.map_or_else(|| refuse(CouponError::NotFound(id)), Ok)
}

/// The feature of this name, which has to be there.
fn feature(connection: &mut DbConnection, name: &FeatureName) -> Work<CouponFeature> {
    match names::find_feature(connection, name.as_str())? {
        Some(id) => Ok(CouponFeature {
            id,
            name: Some(name.clone()),
        }),
        None => refuse(CouponError::UnknownFeature(name.clone())),
    }
}

/// The feature of a whole coupon: by its name, or one that is gone.
fn feature_of(connection: &mut DbConnection, whole: &ChangeCoupon) -> Work<Option<CouponFeature>> {
    match &whole.feature {
        Some(name) => feature(connection, name).map(Some),
        None => Ok(whole.feature_deleted.then_some(CouponFeature::GONE)),
    }
}

fn check(precondition: &Precondition, version: Seq) -> Work<()> {
    precondition
        .check(version)
        .map_err(|mismatch| WorkError::Refused(mismatch.into()))
}

fn append(
    unit: &mut UnitOfWork<'_>,
    kind: ModuleKind,
    before: Option<&Coupon>,
    after: Option<&Coupon>,
    seq: Seq,
) -> Work<()> {
    let named = after.or(before);
    let subject = named.map(|one| one.details.couponcode.to_string());
    let change = NewChange::of_module(
        kind,
        subject.unwrap_or_default(),
        before.map(CouponRecord::from),
        after.map(CouponRecord::from),
    )?;
    Ok(unit.append(seq, &change)?)
}

pub(crate) fn create(unit: &mut UnitOfWork<'_>, command: &ChangeCoupon) -> Work<Written<Coupon>> {
    let details = command.create().map_err(WorkError::Refused)?;
    let feature = feature_of(unit.connection, command)?;
    let seq = unit.next_seq()?;
    let mut record = Coupon {
        id: CouponId(0),
        details,
        feature,
        version: seq,
    };
    let id = diesel::insert_into(coupons::table)
        .values(DetailsRow::try_from(&record)?)
        .returning(coupons::id)
        .get_result(unit.connection)?;
    record.id = CouponId(id);
    append(unit, CREATED, None, Some(&record), seq)?;
    Ok(Written {
        record,
        revision: seq,
    })
}

pub(crate) fn change(
    unit: &mut UnitOfWork<'_>,
    id: CouponId,
    change: &ChangeCoupon,
    precondition: &Precondition,
) -> Work<Written<Coupon>> {
    let before = get(unit.connection, id)?;
    check(precondition, before.version)?;
    let details = change.apply(&before.details).map_err(WorkError::Refused)?;
    let feature = match &change.feature {
        Some(name) => Some(feature(unit.connection, name)?),
        None => before.feature.clone().filter(|_| !change.without.feature),
    };
    update(unit, before, details, feature)
}

/// Makes a coupon what another says, whole.
pub(crate) fn replace(
    unit: &mut UnitOfWork<'_>,
    id: CouponId,
    whole: &ChangeCoupon,
) -> Work<Written<Coupon>> {
    let before = get(unit.connection, id)?;
    let details = whole.create().map_err(WorkError::Refused)?;
    let gone = before.feature.clone().filter(|one| one.name.is_none());
    let feature = match gone {
        Some(gone) if whole.feature_deleted => Some(gone),
        _ => feature_of(unit.connection, whole)?,
    };
    update(unit, before, details, feature)
}

fn update(
    unit: &mut UnitOfWork<'_>,
    before: Coupon,
    details: Details,
    feature: Option<CouponFeature>,
) -> Work<Written<Coupon>> {
    let id_of = |feature: &Option<CouponFeature>| feature.as_ref().map(|one| one.id);
    if details == before.details && id_of(&feature) == id_of(&before.feature) {
        let revision = before.version;
        return Ok(Written {
            record: before,
            revision,
        });
    }
    let seq = unit.next_seq()?;
    let record = Coupon {
        id: before.id,
        details,
        feature,
        version: seq,
    };
    diesel::update(coupons::table.find(record.id.0))
        .set(DetailsRow::try_from(&record)?)
        .execute(unit.connection)?;
    append(unit, CHANGED, Some(&before), Some(&record), seq)?;
    Ok(Written {
        record,
        revision: seq,
    })
}

pub(crate) fn delete(
    unit: &mut UnitOfWork<'_>,
    id: CouponId,
    precondition: &Precondition,
) -> Work<Seq> {
    let before = get(unit.connection, id)?;
    check(precondition, before.version)?;
    let seq = unit.next_seq()?;
    diesel::delete(coupons::table.find(id.0)).execute(unit.connection)?;
    append(unit, DELETED, Some(&before), None, seq)?;
    Ok(seq)
}

/// The coupons that name a feature, in words: it is not deleted while they do.
pub(crate) fn users(connection: &mut DbConnection, feature: FeatureId) -> QueryResult<Vec<String>> {
    let named: Vec<(i64, String)> = coupons::table
        .filter(coupons::feature_id.eq(feature.0))
        .order(coupons::id)
        .select((coupons::id, coupons::couponcode))
        .load(connection)?;
    let named = named.into_iter();
    Ok(named
        .map(|(id, code)| format!("coupon {id} ({code:?})"))
        .collect())
}
