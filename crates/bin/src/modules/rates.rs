//! Rates of currencies in the program: the server's part and its commands.

mod demonstration;
pub(super) mod ingest;
mod job;
pub(super) mod show;

use std::sync::Arc;

use flagstaff_domain::modules::rates::RateError;
use flagstaff_domain::modules::rates::ingest::IngestOptions;
use flagstaff_http::modules::rates::RatesModule;

use super::Started;
use crate::exit::{Exit, Failure};
use crate::settings::Settings;
use crate::wiring::{self, Base};

/// Rates in a server.
pub(super) fn start(base: &Base, settings: &Settings) -> Result<Started, Failure> {
    let settings = &settings.rates;
    let ingest = Arc::new(base.rate_ingest(settings));
    // What the first look at readiness and metrics finds.
    ingest.refresh()?;
    let schedule = flagstaff_domain::modules::rates::Schedule {
        ingest: Arc::clone(&ingest),
        time: settings.ingest_at,
        days: settings.days,
        options: IngestOptions {
            retries: settings.retries,
            force: false,
        },
        holder: wiring::made_up_name(),
    };
    let (repository, clock) = (base.rate_repository(), base.clock());
    let job = job::Job::start(schedule)
        .map_err(|error| Failure::io("cannot start the schedule of rates", &error))?;
    Ok(Started {
        http: Arc::new(RatesModule {
            rates: base.rates(),
            ingest,
            public: settings.public,
        }),
        demonstrate: Box::new(move || demonstration::load(repository.as_ref(), clock.now())),
        _job: Some(Box::new(job)),
    })
}

impl From<RateError> for Failure {
    fn from(error: RateError) -> Self {
        let exit = match error {
            RateError::Storage(error) => return error.into(),
            RateError::Future { .. } => {
                return Self::wrong(format!("DATE {error}"));
            }
            RateError::NotStored(_) | RateError::NoRate(..) => Exit::NotFound,
        };
        Self::new(exit, error.to_string())
    }
}
