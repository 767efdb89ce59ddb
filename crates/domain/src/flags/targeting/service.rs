//! Managing segments and overrides: what the HTTP API and the command line both call.

use std::fmt;
use std::sync::Arc;

use super::check::check_rules;
use super::overrides::{
    ChangeOverride, CreateOverride, NewOverride, Override, OverrideSeeds, TargetName,
};
use super::ports::TargetingRepository;
use super::rule::Rule;
use super::seed::SplitSeed;
use super::segment::{ChangeSegment, CreateSegment, Segment};
use crate::access::RandomSource;
use crate::changes::Actor;
use crate::clock::Clock;
use crate::flags::error::FlagError;
use crate::ids::{OverrideId, Seq};
use crate::page::{Listing, Page};
use crate::text::{Description, EnvironmentName, FeatureName, SegmentName};
use crate::write::{Precondition, Stamp, Written};

/// Manages segments and overrides.
#[derive(Clone)]
pub struct TargetingService {
    repository: Arc<dyn TargetingRepository>,
    random: Arc<dyn RandomSource>,
    clock: Arc<dyn Clock>,
}

impl TargetingService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn TargetingRepository>,
        random: Arc<dyn RandomSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            repository,
            random,
            clock,
        }
    }

    fn stamp(&self, actor: &Actor) -> Stamp {
        Stamp {
            actor: actor.clone(),
            at: self.clock.now(),
        }
    }

    /// A page of the segments, sorted by name.
    ///
    /// # Errors
    /// [`FlagError::Storage`].
    pub fn list_segments(&self, page: &Page<SegmentName>) -> Result<Listing<Segment>, FlagError> {
        self.repository.list_segments(page)
    }

    /// One segment.
    ///
    /// # Errors
    /// [`FlagError::SegmentNotFound`], [`FlagError::Storage`].
    pub fn get_segment(&self, name: &SegmentName) -> Result<Segment, FlagError> {
        self.repository.get_segment(name)
    }

    /// Adds a segment.
    ///
    /// # Errors
    /// [`FlagError::Misplaced`], [`FlagError::SegmentExists`], [`FlagError::Storage`].
    pub fn create_segment(
        &self,
        actor: &Actor,
        name: SegmentName,
        description: Description,
        rules: Vec<Rule>,
    ) -> Result<Written<Segment>, FlagError> {
        check_rules(&rules)?;
        let command = CreateSegment {
            name,
            description,
            rules,
            seed: SplitSeed::generate(self.random.as_ref()),
        };
        self.repository.create_segment(&command, &self.stamp(actor))
    }

    /// Changes a segment, in every environment.
    ///
    /// # Errors
    /// [`FlagError::Misplaced`], [`FlagError::Tangled`], [`FlagError::DrawnTwice`], [`FlagError::SegmentNotFound`], [`FlagError::SegmentExists`],
    /// [`FlagError::VersionMismatch`], [`FlagError::Storage`].
    pub fn change_segment(
        &self,
        actor: &Actor,
        name: &SegmentName,
        change: &ChangeSegment,
        precondition: &Precondition,
    ) -> Result<Written<Segment>, FlagError> {
        check_rules(change.rules.as_deref().unwrap_or_default())?;
        self.repository
            .change_segment(name, change, precondition, &self.stamp(actor))
    }

    /// Deletes a segment that no override is for.
    ///
    /// # Errors
    /// [`FlagError::SegmentNotFound`], [`FlagError::InUse`], [`FlagError::VersionMismatch`], [`FlagError::Storage`].
    pub fn delete_segment(
        &self,
        actor: &Actor,
        name: &SegmentName,
        precondition: &Precondition,
    ) -> Result<Seq, FlagError> {
        self.repository
            .delete_segment(name, precondition, &self.stamp(actor))
    }

    /// A page of a flag's overrides: those for segments, the strongest first, then those for identities.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::FeatureNotFound`], [`FlagError::Storage`].
    pub fn list_overrides(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        page: &Page<OverrideId>,
    ) -> Result<Listing<Override>, FlagError> {
        self.repository.list_overrides(environment, feature, page)
    }

    /// The override for this target, if there is one.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::FeatureNotFound`], [`FlagError::Storage`].
    pub fn find_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        target: &TargetName,
    ) -> Result<Option<Override>, FlagError> {
        self.repository.find_override(environment, feature, target)
    }

    /// One override.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::FeatureNotFound`], [`FlagError::OverrideNotFound`],
    /// [`FlagError::Storage`].
    pub fn get_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        id: OverrideId,
    ) -> Result<Override, FlagError> {
        self.repository.get_override(environment, feature, id)
    }

    /// Adds an override.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::FeatureNotFound`], [`FlagError::OverrideExists`],
    /// [`FlagError::Invalid`], [`FlagError::Tangled`], [`FlagError::DrawnTwice`], [`FlagError::Storage`].
    pub fn create_override(
        &self,
        actor: &Actor,
        environment: &EnvironmentName,
        feature: &FeatureName,
        new: NewOverride,
    ) -> Result<Written<Override>, FlagError> {
        let command = CreateOverride {
            new,
            seeds: OverrideSeeds::generate(self.random.as_ref()),
        };
        let stamp = self.stamp(actor);
        self.repository
            .create_override(environment, feature, &command, &stamp)
    }

    /// Changes an override.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::FeatureNotFound`], [`FlagError::OverrideNotFound`],
    /// [`FlagError::Invalid`], [`FlagError::DrawnTwice`], [`FlagError::VersionMismatch`], [`FlagError::Storage`].
    pub fn change_override(
        &self,
        actor: &Actor,
        environment: &EnvironmentName,
        feature: &FeatureName,
        id: OverrideId,
        change: &ChangeOverride,
        precondition: &Precondition,
    ) -> Result<Written<Override>, FlagError> {
        let stamp = self.stamp(actor);
        self.repository
            .change_override(environment, feature, id, change, precondition, &stamp)
    }

    /// Deletes an override.
    ///
    /// # Errors
    /// [`FlagError::EnvironmentNotFound`], [`FlagError::FeatureNotFound`], [`FlagError::OverrideNotFound`],
    /// [`FlagError::VersionMismatch`], [`FlagError::Storage`].
    pub fn delete_override(
        &self,
        actor: &Actor,
        environment: &EnvironmentName,
        feature: &FeatureName,
        id: OverrideId,
        precondition: &Precondition,
    ) -> Result<Seq, FlagError> {
        let stamp = self.stamp(actor);
        self.repository
            .delete_override(environment, feature, id, precondition, &stamp)
    }
}

impl fmt::Debug for TargetingService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TargetingService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ports::MockRandomSource;
    use crate::clock::{MockClock, Timestamp};
    use crate::flags::targeting::ports::MockTargetingRepository;

    fn service(repository: MockTargetingRepository) -> TargetingService {
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .returning(|| Timestamp::from_micros(7).unwrap());
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0xFF; 32]);
        TargetingService::new(Arc::new(repository), Arc::new(random), Arc::new(clock))
    }

    fn rules(operator: &str) -> Vec<Rule> {
        let json = format!(
            r#"[{{"type":"ALL","conditions":[{{"property":"a","operator":"{operator}","value":"("}}]}}]"#
        );
        serde_json::from_str(&json).unwrap()
    }

    fn create(repository: MockTargetingRepository, operator: &str) -> Result<Seq, FlagError> {
        let name = SegmentName::parse("beta").unwrap();
        let actor = Actor::CommandLine;
        let made = service(repository).create_segment(
            &actor,
            name,
            Description::default(),
            rules(operator),
        );
        made.map(|written| written.revision)
    }

    #[test]
    fn a_segment_gets_a_seed_of_its_own() {
        let mut repository = MockTargetingRepository::new();
        repository
            .expect_create_segment()
            .withf(|command, stamp| {
                command.seed.as_i64() == (1 << 31) - 1 && stamp.actor == Actor::CommandLine
            })
            .once()
            .returning(|command, stamp| {
                Ok(Written {
                    record: command.record(crate::ids::SegmentId(1), stamp.at, Seq(3)),
                    revision: Seq(3),
                })
            });
        assert_eq!(create(repository, "EQUAL").unwrap(), Seq(3));
    }

    #[test]
    fn wrong_rules_are_refused_before_anything_is_stored() {
        let refused = create(MockTargetingRepository::new(), "REGEX").unwrap_err();
        let said = refused.to_string();
        assert!(
            said.starts_with("rules[0].conditions[0].value: must be"),
            "{said}"
        );
        let change = ChangeSegment {
            rules: Some(rules("REGEX")),
            ..ChangeSegment::default()
        };
        let name = SegmentName::parse("beta").unwrap();
        let actor = Actor::CommandLine;
        let refused = service(MockTargetingRepository::new()).change_segment(
            &actor,
            &name,
            &change,
            &Precondition::Any,
        );
        assert!(matches!(refused, Err(FlagError::Misplaced(_))));
    }
}
