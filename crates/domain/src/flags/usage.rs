//! How often applications used which feature, as their SDKs tell: counted by environment and hour.
//!
//! Traces of use, of which the change log tells nothing. [`super::usage_service`] is the way in.

use std::fmt;

use crate::clock::Timestamp;
use crate::ids::{EnvironmentId, FeatureId};
use crate::storage::StorageError;
use crate::text::{EnvironmentName, FeatureName};

/// For how long after its last use a feature counts as used, in seconds.
pub const IN_USE_SECONDS: u32 = 24 * 60 * 60;

/// The most uses that one report may tell of one feature.
pub const COUNT_MAX: u64 = 1_000_000_000;

/// The beginning of the hour of an instant.
#[must_use]
pub fn hour(at: Timestamp) -> Timestamp {
    const HOUR: i64 = 3_600_000_000;
    Timestamp::from_micros(at.as_micros().div_euclid(HOUR) * HOUR).unwrap_or(at)
}

/// How often a feature was used in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HourOfUse {
    /// The feature.
    pub feature: FeatureName,
    /// When the hour began.
    pub hour: Timestamp,
    /// How often.
    pub count: u64,
}

/// Which hours are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageQuery {
    /// Where.
    pub environment: EnvironmentId,
    /// Of one feature alone.
    pub feature: Option<FeatureId>,
    /// Hours that begin at or after this instant,
    pub from: Timestamp,
    /// and before this one.
    pub to: Timestamp,
}

/// That a feature is used in an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureUse {
    /// The feature.
    pub feature: FeatureName,
    /// Where it is used.
    pub environment: EnvironmentName,
    /// How often, in the hours that were looked at.
    pub count: u64,
    /// When last.
    pub last_used_at: Timestamp,
}

impl fmt::Display for FeatureUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} was used {} times in {:?} within the last 24 hours, last at {}",
            self.feature.as_str(),
            self.count,
            self.environment.as_str(),
            self.last_used_at
        )
    }
}

/// Counts uses: in the memory of this process at once, and in storage some time later.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait UsageLog: Send + Sync {
    /// Counts that many uses. MUST neither wait for storage nor fail.
    fn count(&self, environment: EnvironmentId, feature: FeatureId, times: u64, at: Timestamp);

    /// The hours in which there was use, sorted by feature and hour; MUST include what is in memory alone.
    fn list(&self, query: &UsageQuery) -> Result<Vec<HourOfUse>, StorageError>;

    /// In which environments the feature was used since then, the one with the latest use first; MUST include what is in memory
    /// alone.
    fn uses(&self, feature: FeatureId, since: Timestamp) -> Result<Vec<FeatureUse>, StorageError>;

    /// Stores what was counted since, at most `limit` counts in one unit of work; returns how many. MUST add to what other
    /// instances stored, MUST store nothing of what is no more, and MUST store what it could not the next time.
    fn write(&self, limit: usize) -> Result<usize, StorageError>;

    /// Removes some of what was counted in hours before then from storage, about `limit` counts; returns how many, fewer than
    /// `limit` where none is left.
    fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StorageError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_begins_on_the_hour() {
        for (at, begins) in [
            ("2026-11-21T10:59:59.999999Z", "2026-11-21T10:00:00Z"),
            ("2026-11-21T11:00:00Z", "2026-11-21T11:00:00Z"),
            ("1969-12-31T23:30:00Z", "1969-12-31T23:00:00Z"),
        ] {
            let at = Timestamp::parse(at).unwrap();
            assert_eq!(hour(at), Timestamp::parse(begins).unwrap());
        }
    }
}
