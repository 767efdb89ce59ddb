//! How often coupons were redeemed, counted per day: traces of use, which are no part of the change log.

use diesel::prelude::*;
use flagstaff_domain::modules::coupons::{CouponId, Redemptions};

use super::work::{self, Work};
use crate::db::DbConnection;
use crate::db::schema::coupon_redemptions as counts;

/// Counts one more on that day. Writers take turns, so that none is lost.
pub(super) fn redeem(connection: &mut DbConnection, id: CouponId, date: &str) -> Work<i64> {
    work::get(connection, id)?;
    let counted = diesel::update(counts::table.find((id.0, date)))
        .set(counts::count.eq(counts::count + 1))
        .execute(connection)?;
    if counted == 0 {
        diesel::insert_into(counts::table)
            .values((
                counts::coupon_id.eq(id.0),
                counts::date.eq(date),
                counts::count.eq(1),
            ))
            .execute(connection)?;
    }
    let count = counts::table
        .find((id.0, date))
        .select(counts::count)
        .first(connection)?;
    Ok(count)
}

/// The counts, oldest day first.
pub(super) fn all(connection: &mut DbConnection, id: CouponId) -> Work<Vec<Redemptions>> {
    work::get(connection, id)?;
    let rows: Vec<(String, i64)> = counts::table
        .filter(counts::coupon_id.eq(id.0))
        .order(counts::date)
        .select((counts::date, counts::count))
        .load(connection)?;
    let days = rows
        .into_iter()
        .map(|(date, count)| Redemptions { date, count });
    Ok(days.collect())
}
