//! Puts the service of coupons together with its adapters; what amounts are worth it asks rates, where there are any.

use std::sync::Arc;

use flagstaff_domain::modules::coupons::{CouponService, Exchange};
use flagstaff_infra::modules::coupons::DieselCouponRepository;

use super::Base;

impl Base {
    /// Manages, lists and redeems coupons.
    pub(crate) fn coupons(&self) -> CouponService {
        let repository = DieselCouponRepository::new(self.db.clone());
        CouponService::new(
            Arc::new(repository),
            self.exchange(),
            Arc::clone(&self.clock),
        )
    }

    #[cfg(feature = "rates")]
    fn exchange(&self) -> Arc<dyn Exchange> {
        Arc::new(self.rates())
    }

    #[cfg(not(feature = "rates"))]
    #[allow(
        clippy::unused_self,
        reason = "in a build with rates they are asked for"
    )]
    fn exchange(&self) -> Arc<dyn Exchange> {
        Arc::new(flagstaff_domain::modules::coupons::NoExchange)
    }
}
