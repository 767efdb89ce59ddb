//! The optional modules of this build, over the test's database and clock.

use std::sync::Arc;

use flagstaff_domain::clock::Clock;
use flagstaff_http::modules::Module;
use flagstaff_infra::db::Db;

/// All of them.
#[allow(
    unused_variables,
    clippy::vec_init_then_push,
    unused_mut,
    reason = "a build without modules has none"
)]
pub(super) fn all(db: &Db, clock: &Arc<dyn Clock>, public: bool) -> Vec<Arc<dyn Module>> {
    let mut modules: Vec<Arc<dyn Module>> = Vec::new();
    #[cfg(feature = "coupons")]
    modules.push(coupons::module(db, clock, public));
    #[cfg(feature = "rates")]
    modules.push(rates::module(db, clock, public));
    modules
}

#[cfg(feature = "coupons")]
mod coupons {
    //! Coupons, converted by stored rates where the build has them.

    use flagstaff_domain::modules::coupons::{CouponService, Exchange};
    use flagstaff_http::modules::coupons::CouponsModule;
    use flagstaff_infra::modules::coupons::DieselCouponRepository;

    use super::{Arc, Clock, Db, Module};

    #[cfg(feature = "rates")]
    fn exchange(db: &Db, clock: &Arc<dyn Clock>) -> Arc<dyn Exchange> {
        let repository = flagstaff_infra::modules::rates::DieselRateRepository::new(db.clone());
        let rates = flagstaff_domain::modules::rates::RateService::new(
            Arc::new(repository),
            Arc::clone(clock),
        );
        Arc::new(rates)
    }

    #[cfg(not(feature = "rates"))]
    fn exchange(_: &Db, _: &Arc<dyn Clock>) -> Arc<dyn Exchange> {
        Arc::new(flagstaff_domain::modules::coupons::NoExchange)
    }

    pub(super) fn module(db: &Db, clock: &Arc<dyn Clock>, public: bool) -> Arc<dyn Module> {
        let coupons = CouponService::new(
            Arc::new(DieselCouponRepository::new(db.clone())),
            exchange(db, clock),
            Arc::clone(clock),
        );
        Arc::new(CouponsModule::new(coupons, public, 20))
    }
}

#[cfg(feature = "rates")]
pub(crate) mod rates {
    //! Rates without a source: tests store the days that they need.

    use std::collections::BTreeMap;

    use flagstaff_domain::changes::Actor;
    use flagstaff_domain::modules::rates::ports::MockRateSource;
    use flagstaff_domain::modules::rates::{
        Currency, DayRates, Rate, RateDate, RateIngest, RateRepository, RateService,
    };
    use flagstaff_domain::write::Stamp;
    use flagstaff_http::modules::rates::RatesModule;
    use flagstaff_infra::modules::rates::{DieselIngestTurns, DieselRateRepository};

    use super::{Arc, Clock, Db, Module};
    use crate::support::{Backend, instant};

    pub(super) fn module(db: &Db, clock: &Arc<dyn Clock>, public: bool) -> Arc<dyn Module> {
        let repository = Arc::new(DieselRateRepository::new(db.clone()));
        let ingest = RateIngest::new(
            Arc::new(MockRateSource::new()),
            repository.clone(),
            Arc::new(DieselIngestTurns::new(db.clone())),
            Arc::clone(clock),
        );
        Arc::new(RatesModule {
            rates: RateService::new(repository, Arc::clone(clock)),
            ingest: Arc::new(ingest),
            public,
        })
    }

    impl Backend {
        /// Stores a day's rates in euros, as an ingest at 6 o'clock does.
        pub(crate) fn rates(&self, date: &str, rates: &[(&str, &str)]) {
            let rates = rates.iter().map(|(code, rate)| {
                let currency = Currency::parse(code).unwrap();
                (currency, Rate::parse(rate).unwrap())
            });
            let day = DayRates {
                date: RateDate::parse(date).unwrap(),
                base: Currency::parse("EUR").unwrap(),
                rates: rates.collect::<BTreeMap<_, _>>(),
                made_at: None,
            };
            let stamp = Stamp {
                actor: Actor::Job("rates"),
                at: instant("2026-11-20T06:00:00Z"),
            };
            let repository = DieselRateRepository::new(self.db.clone());
            repository.store(&day, &stamp).unwrap();
        }
    }
}
