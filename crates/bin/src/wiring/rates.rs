//! Puts the services of rates together with their adapters.

use std::sync::Arc;
use std::time::Duration;

use flagstaff_domain::clock::Clock;
use flagstaff_domain::modules::rates::{RateIngest, RateRepository, RateService};
use flagstaff_infra::modules::rates::{
    DieselIngestTurns, DieselRateRepository, FixerRateSource, FixerSettings,
};
use secrecy::ExposeSecret;

use super::Base;
use crate::settings;

impl Base {
    /// The clock.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// Keeps rates.
    pub(crate) fn rate_repository(&self) -> Arc<dyn RateRepository> {
        Arc::new(DieselRateRepository::new(self.db.clone()))
    }

    /// Reads rates.
    pub(crate) fn rates(&self) -> RateService {
        RateService::new(self.rate_repository(), self.clock())
    }

    /// Ingests rates from the source that is configured.
    pub(crate) fn rate_ingest(&self, settings: &settings::Rates) -> RateIngest {
        let key = settings.access_key.as_ref();
        let source = FixerSettings::new(
            &settings.base_url.to_string(),
            key.map(|key| key.expose_secret().to_owned()),
            Duration::from_secs(settings.timeout_seconds),
        );
        RateIngest::new(
            Arc::new(FixerRateSource::new(source, Arc::clone(&self.clock))),
            self.rate_repository(),
            Arc::new(DieselIngestTurns::new(self.db.clone())),
            Arc::clone(&self.clock),
        )
    }
}
