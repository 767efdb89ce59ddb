//! Managing, listing and redeeming coupons.

use std::fmt;
use std::sync::Arc;

use super::change::ChangeCoupon;
use super::coupon::{Coupon, CouponId};
use super::error::CouponError;
use super::exchange::{Converted, Exchange};
use super::ports::{
    Audience, CouponPlace, CouponQuery, CouponRepository, CouponState, Redemptions,
};
use super::price::CurrencyCode;
use crate::changes::Actor;
use crate::clock::{Clock, Timestamp};
use crate::ids::Seq;
use crate::page::{Listing, Page};
use crate::write::{Precondition, Stamp, Written};

/// Manages coupons.
#[derive(Clone)]
pub struct CouponService {
    repository: Arc<dyn CouponRepository>,
    exchange: Arc<dyn Exchange>,
    clock: Arc<dyn Clock>,
}

impl CouponService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn CouponRepository>,
        exchange: Arc<dyn Exchange>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            repository,
            exchange,
            clock,
        }
    }

    fn stamp(&self, actor: &Actor) -> Stamp {
        Stamp {
            actor: actor.clone(),
            at: self.clock.now(),
        }
    }

    /// A page of the coupons that are in a state at this moment, as far as they are for this audience.
    ///
    /// # Errors
    /// [`CouponError::Storage`].
    pub fn list(
        &self,
        state: Option<CouponState>,
        audience: Audience,
        page: Page<CouponPlace>,
    ) -> Result<Listing<Coupon>, CouponError> {
        let query = CouponQuery {
            state,
            audience,
            now: self.clock.now(),
            page,
        };
        Ok(self.repository.list(&query)?)
    }

    /// What each of these coupons is worth in another currency, where a stored rate tells.
    ///
    /// # Errors
    /// [`CouponError::Storage`].
    pub fn convert(
        &self,
        coupons: &[Coupon],
        to: CurrencyCode,
    ) -> Result<Vec<Option<Converted>>, CouponError> {
        let quotes = self.exchange.quotes()?;
        let converted = coupons.iter().map(|coupon| {
            let price = coupon.details.price?;
            let (amount, rate_date) =
                quotes.quote(price.amount.to_decimal(), price.currency, to)?;
            Some(Converted {
                amount: to.paid(amount),
                currency: to,
                rate_date,
            })
        });
        Ok(converted.collect())
    }

    /// One coupon: whoever manages coupons sees all, everybody else what their list has.
    ///
    /// # Errors
    /// [`CouponError::NotFound`], [`CouponError::Storage`].
    pub fn get(&self, id: CouponId, audience: &Audience) -> Result<Coupon, CouponError> {
        let coupon = self.repository.get(id)?;
        if !shown(&coupon, audience, self.clock.now()) {
            return Err(CouponError::NotFound(id));
        }
        Ok(coupon)
    }

    /// Adds a coupon.
    ///
    /// # Errors
    /// [`CouponError::Invalid`], [`CouponError::UnknownFeature`], [`CouponError::Storage`].
    pub fn create(
        &self,
        actor: &Actor,
        command: &ChangeCoupon,
    ) -> Result<Written<Coupon>, CouponError> {
        command.create()?;
        self.repository.create(command, &self.stamp(actor))
    }

    /// Changes a coupon; what the change leaves out stays.
    ///
    /// # Errors
    /// [`CouponError::NotFound`], [`CouponError::VersionMismatch`], [`CouponError::Invalid`],
    /// [`CouponError::UnknownFeature`], [`CouponError::Storage`].
    pub fn change(
        &self,
        actor: &Actor,
        id: CouponId,
        change: &ChangeCoupon,
        precondition: &Precondition,
    ) -> Result<Written<Coupon>, CouponError> {
        self.repository
            .change(id, change, precondition, &self.stamp(actor))
    }

    /// Deletes a coupon with the counts of its redemptions.
    ///
    /// # Errors
    /// [`CouponError::NotFound`], [`CouponError::VersionMismatch`], [`CouponError::Storage`].
    pub fn delete(
        &self,
        actor: &Actor,
        id: CouponId,
        precondition: &Precondition,
    ) -> Result<Seq, CouponError> {
        self.repository.delete(id, precondition, &self.stamp(actor))
    }

    /// Counts a use of a coupon today, in UTC.
    ///
    /// # Errors
    /// [`CouponError::NotFound`], [`CouponError::Expired`], [`CouponError::NotPublished`], [`CouponError::Storage`].
    pub fn redeem(&self, id: CouponId, audience: &Audience) -> Result<Redemptions, CouponError> {
        let coupon = self.repository.get(id)?;
        let now = self.clock.now();
        let details = &coupon.details;
        // Whether it may be seen comes first; that it is not published yet is told by an answer of its own.
        if !shown(&coupon, audience, now.max(details.published_at)) {
            return Err(CouponError::NotFound(id));
        }
        if now >= details.expire_at {
            return Err(CouponError::Expired(details.expire_at));
        }
        if now < details.published_at {
            return Err(CouponError::NotPublished(details.published_at));
        }
        let date = now.to_utc().format("%Y-%m-%d").to_string();
        let count = self.repository.redeem(id, &date)?;
        Ok(Redemptions { date, count })
    }

    /// How often a coupon was redeemed, day by day.
    ///
    /// # Errors
    /// [`CouponError::NotFound`], [`CouponError::Storage`].
    pub fn redemptions(&self, id: CouponId) -> Result<Vec<Redemptions>, CouponError> {
        self.repository.redemptions(id)
    }
}

/// Whether the audience sees the coupon.
fn shown(coupon: &Coupon, audience: &Audience, now: Timestamp) -> bool {
    let feature = coupon.feature.as_ref();
    match audience {
        Audience::Managers => true,
        Audience::Everybody => feature.is_none(),
        Audience::Environment(enabled) => {
            coupon.details.published_at <= now
                && feature.is_none_or(|feature| enabled.contains(&feature.id))
        }
    }
}

impl fmt::Debug for CouponService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CouponService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::{always, eq};
    use serde_json::json;

    use super::*;
    use crate::clock::MockClock;
    use crate::ids::FeatureId;
    use crate::modules::coupons::change::tests::change;
    use crate::modules::coupons::coupon::CouponFeature;
    use crate::modules::coupons::exchange::NoExchange;
    use crate::modules::coupons::ports::MockCouponRepository;

    const PUBLISHED: &str = "2026-03-05T00:00:00Z";
    const EXPIRES: &str = "2026-08-05T00:00:00Z";

    fn service(now: &str, feature: Option<i64>, redeemed: usize) -> CouponService {
        let now = Timestamp::try_from(now.to_owned()).unwrap();
        let fields = json!({"couponcode": "A", "title": "B", "published_at": PUBLISHED, "expire_at": EXPIRES});
        let coupon = Coupon {
            id: CouponId(7),
            details: change(fields).create().unwrap(),
            feature: feature.map(|id| CouponFeature {
                id: FeatureId(id),
                name: None,
            }),
            version: Seq(1),
        };
        let mut repository = MockCouponRepository::new();
        repository
            .expect_get()
            .returning(move |_| Ok(coupon.clone()));
        repository
            .expect_redeem()
            .with(always(), eq(PUBLISHED[..10].to_owned()))
            .times(redeemed)
            .returning(|_, _| Ok(1));
        let mut clock = MockClock::new();
        clock.expect_now().return_const(now);
        CouponService::new(Arc::new(repository), Arc::new(NoExchange), Arc::new(clock))
    }

    #[test]
    fn a_coupon_is_redeemed_from_its_publication_until_its_expiry() {
        let redeem = |now, redeemed| {
            service(now, None, redeemed).redeem(CouponId(7), &Audience::Environment(Vec::new()))
        };
        assert_eq!(redeem(PUBLISHED, 1).unwrap().count, 1);
        let early = redeem("2026-03-04T23:59:59.999999Z", 0).unwrap_err();
        assert!(matches!(early, CouponError::NotPublished(_)), "{early}");
        let late = redeem(EXPIRES, 0).unwrap_err();
        assert!(matches!(late, CouponError::Expired(_)), "{late}");
    }

    #[test]
    fn an_environment_sees_what_its_features_show() {
        let get = |enabled: &[i64], now| {
            let enabled = enabled.iter().copied().map(FeatureId).collect();
            service(now, Some(3), 0).get(CouponId(7), &Audience::Environment(enabled))
        };
        assert!(get(&[3], PUBLISHED).is_ok());
        assert!(get(&[4], PUBLISHED).is_err());
        assert!(get(&[3], "2026-03-04T00:00:00Z").is_err());
        let hidden = service(PUBLISHED, Some(3), 0);
        assert!(hidden.get(CouponId(7), &Audience::Everybody).is_err());
        assert!(hidden.get(CouponId(7), &Audience::Managers).is_ok());
        let refused = hidden.redeem(CouponId(7), &Audience::Environment(Vec::new()));
        assert!(matches!(refused, Err(CouponError::NotFound(_))));
    }
}
