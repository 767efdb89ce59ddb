//! Managing features, environments and flags: what the HTTP API and the command line both call.
//!
//! Reading flags as an application does is not here but in [`crate::serving`].

use std::sync::Arc;

use chrono::TimeDelta;

use super::environment::{ChangeEnvironment, CreateEnvironment, Environment};
use super::error::FlagError;
use super::feature::{ChangeFeature, CreateFeature, Feature, FeatureFilter};
use super::flag::{ChangeFlag, Flag};
use super::ports::FlagRepository;
use super::retrievals::RetrievalLog;
use super::seed::Seeds;
use super::usage::{IN_USE_SECONDS, UsageLog};
use crate::access::RandomSource;
use crate::changes::Actor;
use crate::clock::Clock;
use crate::ids::Seq;
use crate::page::{Listing, Page};
use crate::text::{EnvironmentName, FeatureName};
use crate::write::{Precondition, Stamp, Written};

/// How long after its last retrieval an environment counts as used.
const IN_USE: TimeDelta = TimeDelta::hours(24);

/// Manages features, environments and flags.
#[derive(Clone)]
pub struct FlagService {
    repository: Arc<dyn FlagRepository>,
    retrievals: Arc<dyn RetrievalLog>,
    random: Arc<dyn RandomSource>,
    usage: Arc<dyn UsageLog>,
    clock: Arc<dyn Clock>,
}

impl FlagService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn FlagRepository>,
        retrievals: Arc<dyn RetrievalLog>,
        random: Arc<dyn RandomSource>,
        usage: Arc<dyn UsageLog>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            repository,
            retrievals,
            random,
            usage,
            clock,
        }
    }

    fn stamp(&self, actor: &Actor) -> Stamp {
        Stamp {
            actor: actor.clone(),
            at: self.clock.now(),
        }
    }

    fn seeds(&self) -> Seeds {
        Seeds::draw(self.random.as_ref())
    }

    /// A page of the environments, sorted by name.
    ///
    /// # Errors
    /// [`FlagError::Storage`].
    pub fn list_environments(
        &self,
        page: &Page<EnvironmentName>,
    ) -> Result<Listing<Environment>, FlagError> {
        self.repository.list_environments(page)
    }

    /// One environment.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::Storage`].
    pub fn get_environment(&self, name: &EnvironmentName) -> Result<Environment, FlagError> {
        self.repository.get_environment(name)
    }

    /// Adds an environment with a flag for every feature.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentExists`], [`FlagError::Storage`].
    pub fn create_environment(
        &self,
        actor: &Actor,
        command: &CreateEnvironment,
    ) -> Result<Written<Environment>, FlagError> {
        self.repository
            .create_environment(command, &self.seeds(), &self.stamp(actor))
    }

    /// Renames or describes an environment.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::EnvironmentExists`], [`FlagError::VersionMismatch`],
    /// [`FlagError::Storage`].
    pub fn change_environment(
        &self,
        actor: &Actor,
        name: &EnvironmentName,
        change: &ChangeEnvironment,
        precondition: &Precondition,
    ) -> Result<Written<Environment>, FlagError> {
        self.repository
            .change_environment(name, change, precondition, &self.stamp(actor))
    }

    /// Deletes an environment with its flags and keys. Unless `force`, one whose flags were retrieved from this
    /// process within the last 24 hours is kept.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::EnvironmentInUse`], [`FlagError::VersionMismatch`],
    /// [`FlagError::Storage`].
    pub fn delete_environment(
        &self,
        actor: &Actor,
        name: &EnvironmentName,
        precondition: &Precondition,
        force: bool,
    ) -> Result<Seq, FlagError> {
        let stamp = self.stamp(actor);
        if !force {
            let environment = self.repository.get_environment(name)?;
            if let Some(retrievals) = self.retrievals.find(environment.id)
                && stamp.at.to_utc() - retrievals.last.to_utc() < IN_USE
            {
                return Err(FlagError::EnvironmentInUse {
                    environment: environment.name,
                    last_retrieved_at: retrievals.last,
                });
            }
        }
        self.repository
            .delete_environment(name, precondition, &stamp)
    }

    /// A page of the features that the filter shows, sorted by name.
    ///
    /// # Errors
    /// [`FlagError::Storage`].
    pub fn list_features(
        &self,
        page: &Page<FeatureName>,
        filter: FeatureFilter,
    ) -> Result<Listing<Feature>, FlagError> {
        self.repository.list_features(page, filter)
    }

    /// One feature.
    ///
    /// # Errors
    /// [`FlagError::FeatureNotFound`], [`FlagError::Storage`].
    pub fn get_feature(&self, name: &FeatureName) -> Result<Feature, FlagError> {
        self.repository.get_feature(name)
    }

    /// Adds a feature with its flag in every environment.
    ///
    /// # Errors
    /// [`FlagError::FeatureExists`], [`FlagError::EnabledInUnknown`], [`FlagError::Storage`].
    pub fn create_feature(
        &self,
        actor: &Actor,
        command: &CreateFeature,
    ) -> Result<Written<Feature>, FlagError> {
        self.repository
            .create_feature(command, &self.seeds(), &self.stamp(actor))
    }

    /// Changes a feature; its flags stay as they are.
    ///
    /// # Errors
    /// [`FlagError::FeatureNotFound`], [`FlagError::FeatureExists`], [`FlagError::VariantInUse`],
    /// [`FlagError::Invalid`], [`FlagError::VersionMismatch`], [`FlagError::Storage`].
    pub fn change_feature(
        &self,
        actor: &Actor,
        name: &FeatureName,
        change: &ChangeFeature,
        precondition: &Precondition,
    ) -> Result<Written<Feature>, FlagError> {
        self.repository
            .change_feature(name, change, precondition, &self.stamp(actor))
    }

    /// Deletes a feature with its flags. Unless `force`, one that applications used within the last 24 hours is kept.
    ///
    /// # Errors
    /// [`FlagError::FeatureNotFound`], [`FlagError::FeatureInUse`], [`FlagError::VersionMismatch`],
    /// [`FlagError::Storage`].
    pub fn delete_feature(
        &self,
        actor: &Actor,
        name: &FeatureName,
        precondition: &Precondition,
        force: bool,
    ) -> Result<Seq, FlagError> {
        let stamp = self.stamp(actor);
        if !force {
            let feature = self.repository.get_feature(name)?;
            let since = stamp.at.minus_seconds(IN_USE_SECONDS);
            if let Some(latest) = self.usage.uses(feature.id, since)?.into_iter().next() {
                return Err(FlagError::FeatureInUse(Box::new(latest)));
            }
        }
        self.repository.delete_feature(name, precondition, &stamp)
    }

    /// A page of an environment's flags, sorted by feature name.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::Storage`].
    pub fn list_flags(
        &self,
        environment: &EnvironmentName,
        page: &Page<FeatureName>,
    ) -> Result<Listing<Flag>, FlagError> {
        self.repository.list_flags(environment, page)
    }

    /// One flag.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::FeatureNotFound`], [`FlagError::Storage`].
    pub fn get_flag(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
    ) -> Result<Flag, FlagError> {
        self.repository.get_flag(environment, feature)
    }

    /// Switches a flag, or sets its value or its split.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::FeatureNotFound`], [`FlagError::Invalid`],
    /// [`FlagError::VersionMismatch`], [`FlagError::Storage`].
    pub fn change_flag(
        &self,
        actor: &Actor,
        environment: &EnvironmentName,
        feature: &FeatureName,
        change: &ChangeFlag,
        precondition: &Precondition,
    ) -> Result<Written<Flag>, FlagError> {
        self.repository.change_flag(
            environment,
            feature,
            change,
            precondition,
            &self.stamp(actor),
        )
    }
}

impl std::fmt::Debug for FlagService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlagService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::{always, eq};

    use super::*;
    use crate::access::ports::MockRandomSource;
    use crate::clock::{MockClock, Timestamp};
    use crate::flags::HashKey;
    use crate::flags::ports::MockFlagRepository;
    use crate::flags::retrievals::{MockRetrievalLog, Retrievals};
    use crate::flags::usage::{FeatureUse, MockUsageLog};
    use crate::ids::{EnvironmentId, FeatureId};
    use crate::text::Description;

    const HOUR: i64 = 3_600_000_000;

    fn now() -> Timestamp {
        Timestamp::from_micros(1_000 * HOUR).unwrap()
    }

    fn name() -> EnvironmentName {
        EnvironmentName::parse("production").unwrap()
    }

    fn environment() -> Environment {
        Environment {
            id: EnvironmentId(4),
            name: name(),
            description: Description::default(),
            created_at: now(),
            hash_key: HashKey::parse("hash-key").unwrap(),
            revision: Seq(1),
            version: Seq(1),
        }
    }

    fn service(repository: MockFlagRepository, last_retrieved: Option<i64>) -> FlagService {
        let mut clock = MockClock::new();
        clock.expect_now().returning(now);
        let mut retrievals = MockRetrievalLog::new();
        retrievals
            .expect_find()
            .with(eq(EnvironmentId(4)))
            .returning(move |_| {
                last_retrieved.map(|micros| Retrievals {
                    last: Timestamp::from_micros(micros).unwrap(),
                    count: 1,
                })
            });
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0xA5; 32]);
        FlagService::new(
            Arc::new(repository),
            Arc::new(retrievals),
            Arc::new(random),
            Arc::new(MockUsageLog::new()),
            Arc::new(clock),
        )
    }

    #[test]
    fn a_change_carries_its_actor_and_the_time_of_the_clock() {
        let mut repository = MockFlagRepository::new();
        let stamp = Stamp {
            actor: Actor::CommandLine,
            at: now(),
        };
        repository
            .expect_create_environment()
            .with(always(), always(), eq(stamp))
            .once()
            .returning(|_, _, _| {
                Ok(Written {
                    record: environment(),
                    revision: Seq(1),
                })
            });
        let command = CreateEnvironment {
            name: name(),
            description: Description::default(),
        };
        let written = service(repository, None)
            .create_environment(&Actor::CommandLine, &command)
            .unwrap();
        assert_eq!(written.record, environment());
    }

    fn delete(last_retrieved: Option<i64>, force: bool) -> Result<Seq, FlagError> {
        let mut repository = MockFlagRepository::new();
        repository
            .expect_get_environment()
            .returning(|_| Ok(environment()));
        repository
            .expect_delete_environment()
            .returning(|_, _, _| Ok(Seq(9)));
        service(repository, last_retrieved).delete_environment(
            &Actor::CommandLine,
            &name(),
            &Precondition::Any,
            force,
        )
    }

    #[test]
    fn an_environment_retrieved_within_24_hours_is_kept_unless_forced() {
        let recently = Some(1_000 * HOUR - 24 * HOUR + 1);
        assert!(matches!(
            delete(recently, false),
            Err(FlagError::EnvironmentInUse { .. })
        ));
        assert!(delete(recently, true).is_ok());
    }

    #[test]
    fn an_environment_nobody_retrieved_for_24_hours_is_deleted() {
        assert!(delete(Some(1_000 * HOUR - 24 * HOUR), false).is_ok());
        assert!(delete(None, false).is_ok());
    }

    #[test]
    fn a_missing_environment_is_not_found_before_anything_is_deleted() {
        let mut repository = MockFlagRepository::new();
        repository
            .expect_get_environment()
            .returning(|name| Err(FlagError::EnvironmentNotFound(name.clone())));
        let error = service(repository, None)
            .delete_environment(&Actor::CommandLine, &name(), &Precondition::Any, false)
            .unwrap_err();
        assert_eq!(error.to_string(), "there is no environment \"production\"");
    }

    fn delete_feature(uses: Vec<FeatureUse>, force: bool) -> Result<Seq, FlagError> {
        let mut repository = MockFlagRepository::new();
        repository.expect_get_feature().returning(|name| {
            let feature = CreateFeature::named(name.clone());
            Ok(feature.record(FeatureId(3), now(), Seq(1)))
        });
        repository
            .expect_delete_feature()
            .returning(|_, _, _| Ok(Seq(9)));
        let mut usage = MockUsageLog::new();
        let since = Timestamp::from_micros(976 * HOUR).unwrap();
        usage
            .expect_uses()
            .with(eq(FeatureId(3)), eq(since))
            .returning(move |_, _| Ok(uses.clone()));
        let service = FlagService {
            usage: Arc::new(usage),
            ..service(repository, None)
        };
        let feature = FeatureName::parse("dark_mode").unwrap();
        service.delete_feature(&Actor::CommandLine, &feature, &Precondition::Any, force)
    }

    #[test]
    fn a_feature_used_within_24_hours_is_kept_unless_forced() {
        let used = vec![FeatureUse {
            feature: FeatureName::parse("dark_mode").unwrap(),
            environment: name(),
            count: 42,
            last_used_at: now(),
        }];
        let refused = delete_feature(used.clone(), false).unwrap_err();
        let message = r#""dark_mode" was used 42 times in "production" within the last 24 hours"#;
        assert!(refused.to_string().starts_with(message), "{refused}");
        assert!(delete_feature(used, true).is_ok());
        assert!(delete_feature(Vec::new(), false).is_ok());
    }
}
