//! The units of work on coupons, for the repository and the state file's import alike.

use diesel::prelude::*;
use flagstaff_domain::changes::{ModuleKind, NewChange};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::modules::coupons::coupon::CouponRecord;
use flagstaff_domain::modules::coupons::{
    CHANGED, CREATED, ChangeCoupon, Coupon, CouponError, CouponFeature, CouponId, DELETED,
};
use flagstaff_domain::text::FeatureName;
use flagstaff_domain::write::Written;

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

fn feature(connection: &mut DbConnection, name: &FeatureName) -> Work<CouponFeature> {
    match names::find_feature(connection, name.as_str())? {
        Some(id) => Ok(CouponFeature {
            id,
            name: Some(name.clone()),
        }),
        None => refuse(CouponError::UnknownFeature(name.clone())),
    }
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
    let named = command.feature.as_ref();
    let feature = named
        .map(|name| feature(unit.connection, name))
        .transpose()?;
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
) -> Work<Written<Coupon>> {
    let before = get(unit.connection, id)?;
    let details = change.apply(&before.details).map_err(WorkError::Refused)?;
    let feature = match &change.feature {
        Some(name) => Some(feature(unit.connection, name)?),
        None => before.feature.clone(),
    };
    let same_feature =
        feature.as_ref().map(|one| one.id) == before.feature.as_ref().map(|one| one.id);
    if details == before.details && same_feature {
        let revision = before.version;
        return Ok(Written {
            record: before,
            revision,
        });
    }
    let seq = unit.next_seq()?;
    let record = Coupon {
        id,
        details,
        feature,
        version: seq,
    };
    diesel::update(coupons::table.find(id.0))
        .set(DetailsRow::try_from(&record)?)
        .execute(unit.connection)?;
    append(unit, CHANGED, Some(&before), Some(&record), seq)?;
    Ok(Written {
        record,
        revision: seq,
    })
}

pub(crate) fn delete(unit: &mut UnitOfWork<'_>, id: CouponId) -> Work<Seq> {
    let before = get(unit.connection, id)?;
    let seq = unit.next_seq()?;
    diesel::delete(coupons::table.find(id.0)).execute(unit.connection)?;
    append(unit, DELETED, Some(&before), None, seq)?;
    Ok(seq)
}
