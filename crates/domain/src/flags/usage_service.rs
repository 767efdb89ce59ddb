//! Counting uses of features, and telling of them.

use std::fmt;
use std::sync::Arc;

use super::error::FlagError;
use super::ports::FlagRepository;
use super::snapshot::Snapshot;
use super::usage::{HourOfUse, UsageLog, UsageQuery, hour};
use crate::access::KeyKind;
use crate::clock::{Clock, Timestamp};
use crate::text::{EnvironmentName, FeatureName};

/// The hours that are told of unless others are asked for, in seconds.
const A_DAY: u32 = 24 * 60 * 60;

/// Counts uses of features, and tells of them.
#[derive(Clone)]
pub struct UsageService {
    repository: Arc<dyn FlagRepository>,
    log: Arc<dyn UsageLog>,
    clock: Arc<dyn Clock>,
}

/// Uses in an environment between two instants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// Where.
    pub environment: EnvironmentName,
    /// From when,
    pub from: Timestamp,
    /// and until when.
    pub to: Timestamp,
    /// The hours in which there was use, sorted by feature and hour.
    pub hours: Vec<HourOfUse>,
}

impl UsageService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn FlagRepository>,
        log: Arc<dyn UsageLog>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            repository,
            log,
            clock,
        }
    }

    /// Counts what an application with a key of this kind tells of its features. A feature that the environment does not
    /// have, or of which the key is not told, is ignored. It waits for nothing.
    pub fn count<'a>(
        &self,
        snapshot: &Snapshot,
        kind: KeyKind,
        counts: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        let at = self.clock.now();
        for (feature, times) in counts {
            let found = snapshot.program.find(feature);
            let flag = found.and_then(|at| snapshot.flags.get(at));
            if let Some(flag) = flag.filter(|flag| times > 0 && flag.is_for(kind)) {
                let (environment, feature) = (snapshot.environment, flag.feature.id);
                self.log.count(environment, feature, times, at);
            }
        }
    }

    /// The uses in an environment, of one feature or of all, in the 24 hours before `to`, which is now, unless told.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::FeatureNotFound`], [`FlagError::Storage`].
    pub fn report(
        &self,
        environment: &EnvironmentName,
        feature: Option<&FeatureName>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<UsageReport, FlagError> {
        let environment = self.repository.get_environment(environment)?;
        let feature = feature.map(|name| self.repository.get_feature(name));
        let to = to.unwrap_or_else(|| self.clock.now());
        let query = UsageQuery {
            environment: environment.id,
            feature: feature.transpose()?.map(|feature| feature.id),
            from: hour(from.unwrap_or_else(|| to.minus_seconds(A_DAY))),
            to,
        };
        Ok(UsageReport {
            environment: environment.name,
            hours: self.log.list(&query)?,
            from: query.from,
            to: query.to,
        })
    }
}

impl fmt::Debug for UsageService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsageService").finish_non_exhaustive()
    }
}
