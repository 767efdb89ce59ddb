//! Coupons in the database: each port method opens its transaction and calls `work` or `redemptions`.

use diesel::prelude::*;
use flagstaff_domain::ids::Seq;
use flagstaff_domain::modules::coupons::{
    Audience, ChangeCoupon, Coupon, CouponError, CouponId, CouponPlace, CouponQuery,
    CouponRepository, CouponState, Redemptions,
};
use flagstaff_domain::page::Listing;
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::write::{Precondition, Stamp, Written};

use super::rows::{self, CouponRow};
use super::{redemptions, work};
use crate::changes::unit;
use crate::db::error::one_more;
use crate::db::schema::coupons;
use crate::db::{Db, WorkError};

/// Coupons in the database.
#[derive(Debug, Clone)]
pub struct DieselCouponRepository {
    db: Db,
}

impl DieselCouponRepository {
    /// The coupons of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

impl CouponRepository for DieselCouponRepository {
    fn list(&self, query: &CouponQuery) -> Result<Listing<Coupon>, StorageError> {
        self.db.read(|connection| {
            let now = query.now.as_micros();
            let mut found = coupons::table
                .select(CouponRow::as_select())
                .limit(one_more(query.page.limit))
                .into_boxed();
            found = match query.state {
                None => found.order(coupons::id),
                Some(_) => found.order((coupons::expire_at, coupons::id)),
            };
            match query.state {
                None => {}
                Some(CouponState::Valid) => found = found.filter(coupons::expire_at.gt(now)),
                Some(CouponState::Invalid) => found = found.filter(coupons::expire_at.le(now)),
            }
            match query.page.after {
                None => {}
                Some(CouponPlace {
                    expire_at: None,
                    id,
                }) => found = found.filter(coupons::id.gt(id.0)),
                Some(CouponPlace {
                    expire_at: Some(at),
                    id,
                }) => {
                    let (at, id) = (at.as_micros(), id.0);
                    let behind = coupons::expire_at
                        .gt(at)
                        .or(coupons::expire_at.eq(at).and(coupons::id.gt(id)));
                    // The first condition alone is what the index begins at.
                    found = found.filter(coupons::expire_at.ge(at)).filter(behind);
                }
            }
            match &query.audience {
                Audience::Managers => {}
                Audience::Everybody => found = found.filter(coupons::feature_id.is_null()),
                Audience::Environment(enabled) => {
                    let enabled: Vec<i64> = enabled.iter().map(|id| id.0).collect();
                    let shown = coupons::feature_id
                        .is_null()
                        .or(coupons::feature_id.assume_not_null().eq_any(enabled));
                    found = found.filter(coupons::published_at.le(now)).filter(shown);
                }
            }
            let found = found.load(connection)?;
            let found = rows::coupons(connection, found)?;
            Ok::<_, WorkError<StorageError>>(Listing::cut(found, query.page.limit))
        })
    }

    fn get(&self, id: CouponId) -> Result<Coupon, CouponError> {
        self.db.read(|connection| work::get(connection, id))
    }

    fn create(
        &self,
        command: &ChangeCoupon,
        stamp: &Stamp,
    ) -> Result<Written<Coupon>, CouponError> {
        let command = command.clone();
        unit::write(&self.db, stamp, move |unit| work::create(unit, &command))
    }

    fn change(
        &self,
        id: CouponId,
        change: &ChangeCoupon,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Coupon>, CouponError> {
        let (change, precondition) = (change.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            work::change(unit, id, &change, &precondition)
        })
    }

    fn delete(
        &self,
        id: CouponId,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, CouponError> {
        let precondition = precondition.clone();
        unit::write(&self.db, stamp, move |unit| {
            work::delete(unit, id, &precondition)
        })
    }

    fn redeem(&self, id: CouponId, date: &str) -> Result<i64, CouponError> {
        let date = date.to_owned();
        self.db
            .write(move |connection| redemptions::redeem(connection, id, &date))
    }

    fn redemptions(&self, id: CouponId) -> Result<Vec<Redemptions>, CouponError> {
        self.db.read(|connection| redemptions::all(connection, id))
    }
}
