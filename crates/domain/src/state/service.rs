//! Importing and exporting state files.

use std::fmt;
use std::sync::Arc;

use super::error::{ImportError, StateError};
use super::file::StateFile;
use super::plan::{CurrentState, Plan};
use super::ports::{Import, ImportOptions, Progress, StateRepository};
use crate::access::{KeyText, RandomSource};
use crate::changes::Actor;
use crate::clock::Clock;
use crate::flags::usage::IN_USE_SECONDS;
use crate::flags::{FeatureUse, Seeds, UsageLog};
use crate::storage::StorageError;
use crate::write::Stamp;

/// Imports and exports state files.
#[derive(Clone)]
pub struct StateService {
    repository: Arc<dyn StateRepository>,
    random: Arc<dyn RandomSource>,
    usage: Arc<dyn UsageLog>,
    clock: Arc<dyn Clock>,
}

impl StateService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn StateRepository>,
        random: Arc<dyn RandomSource>,
        usage: Arc<dyn UsageLog>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            repository,
            random,
            usage,
            clock,
        }
    }

    /// Everything that is stored, as a file.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn export(&self) -> Result<StateFile, StorageError> {
        self.repository
            .load()
            .map(|current| StateFile::of(&current))
    }

    /// Makes what is stored like the file, in one transaction. Keys that the file names without text or digest, and
    /// that do not exist, are generated; the plan's steps hold them.
    ///
    /// # Errors
    /// [`ImportError::DeletesEnvironments`] and [`ImportError::DeletesUsedFeatures`] when pruning would delete environments,
    /// or features that applications used within the last 24 hours, and `options` do not force that; a dry run shows what
    /// is deleted. [`ImportError::State`]. Nothing was stored then.
    pub fn import(
        &self,
        mut file: StateFile,
        options: ImportOptions,
        progress: Arc<dyn Progress>,
    ) -> Result<Plan, ImportError> {
        for key in file.access.keys.iter_mut().flatten() {
            if key.key.is_none() && key.digest.is_none() {
                key.candidate = Some(KeyText::generate(key.kind, self.random.as_ref()));
            }
        }
        if options.prune && !options.force && !options.dry_run {
            let current = self.repository.load().map_err(StateError::from)?;
            let plan = Plan::new(&current, &file, options.prune)?;
            let deleted = plan.deleted_environments();
            if !deleted.is_empty() {
                let names = deleted.into_iter().cloned().collect();
                return Err(ImportError::DeletesEnvironments(names));
            }
            let used = self.used(&plan, &current).map_err(StateError::from)?;
            if !used.is_empty() {
                return Err(ImportError::DeletesUsedFeatures(used));
            }
            // Another writer may add an environment before the import's transaction begins; that one stays.
            file.flags.environments_stay = true;
        }
        let import = Import {
            seeds: file.seeds(Seeds::draw(self.random.as_ref())),
            file,
            prune: options.prune,
            stamp: Stamp {
                actor: Actor::Import,
                at: self.clock.now(),
            },
            progress,
        };
        let plan = match options.dry_run {
            true => self.repository.rehearse(import),
            false => self.repository.apply(import),
        };
        Ok(plan?)
    }

    /// The latest use of each feature that a plan deletes and that applications used within the last 24 hours.
    fn used(&self, plan: &Plan, current: &CurrentState) -> Result<Vec<FeatureUse>, StorageError> {
        let since = self.clock.now().minus_seconds(IN_USE_SECONDS);
        let mut used = Vec::new();
        for name in plan.deleted_features() {
            if let Some(feature) = current.features.iter().find(|one| one.name == *name) {
                used.extend(self.usage.uses(feature.id, since)?.into_iter().next());
            }
        }
        Ok(used)
    }
}

impl fmt::Debug for StateService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ports::MockRandomSource;
    use crate::clock::{MockClock, Timestamp};
    use crate::flags::usage::MockUsageLog;
    use crate::flags::{CreateFeature, Environment, HashKey};
    use crate::ids::{EnvironmentId, FeatureId, Seq};
    use crate::state::ports::{MockProgress, MockStateRepository};
    use crate::state::{CurrentState, Step};
    use crate::text::{Description, EnvironmentName, FeatureName};

    const FILE: &str = r#"{"version":1,"flags":{"environments":[{"name":"staging"}]},
        "access":{"keys":[{"environment":"staging","name":"web","kind":"client"}]}}"#;

    fn service(repository: MockStateRepository) -> StateService {
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .returning(|| Timestamp::from_micros(0).unwrap());
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0xC0; 32]);
        StateService::new(
            Arc::new(repository),
            Arc::new(random),
            Arc::new(MockUsageLog::new()),
            Arc::new(clock),
        )
    }

    fn import(service: &StateService, options: ImportOptions) -> Result<Plan, ImportError> {
        let file = serde_json::from_str(FILE).unwrap();
        service.import(file, options, Arc::new(MockProgress::new()))
    }

    /// What is stored: environments of these names.
    fn holding(names: &[&str]) -> CurrentState {
        let environments = names.iter().zip(1..).map(|(name, id)| Environment {
            id: EnvironmentId(id),
            name: EnvironmentName::parse(*name).unwrap(),
            description: Description::default(),
            created_at: Timestamp::from_micros(0).unwrap(),
            hash_key: HashKey::parse("hash-key").unwrap(),
            revision: Seq(1),
            version: Seq(1),
        });
        CurrentState {
            environments: environments.collect(),
            ..CurrentState::default()
        }
    }

    const PRUNE: ImportOptions = ImportOptions {
        dry_run: false,
        prune: true,
        force: false,
    };

    #[test]
    fn a_dry_run_plans_and_stores_nothing() {
        let mut repository = MockStateRepository::new();
        repository
            .expect_rehearse()
            .once()
            .returning(|import| Plan::new(&CurrentState::default(), &import.file, import.prune));
        let plan = import(
            &service(repository),
            ImportOptions {
                dry_run: true,
                ..ImportOptions::default()
            },
        )
        .unwrap();
        assert_eq!(plan.steps.len(), 2);
    }

    #[test]
    fn an_import_brings_a_text_for_each_key_that_has_none() {
        let mut repository = MockStateRepository::new();
        repository
            .expect_apply()
            .withf(|import| !import.prune && import.stamp.actor == Actor::Import)
            .once()
            .returning(|import| Plan::new(&CurrentState::default(), &import.file, import.prune));
        let plan = import(&service(repository), ImportOptions::default()).unwrap();
        assert!(plan.steps.iter().any(|step| matches!(
            step,
            Step::CreateKey { generated: Some(text), .. } if text.reveal() == "C0".repeat(16)
        )));
    }

    #[test]
    fn environments_are_deleted_only_when_that_is_forced() {
        let mut repository = MockStateRepository::new();
        repository
            .expect_load()
            .returning(|| Ok(holding(&["gone", "other", "staging"])));
        repository.expect_apply().once().returning(|import| {
            Plan::new(
                &holding(&["gone", "other", "staging"]),
                &import.file,
                import.prune,
            )
        });
        repository.expect_rehearse().once().returning(|import| {
            Plan::new(
                &holding(&["gone", "other", "staging"]),
                &import.file,
                import.prune,
            )
        });
        let service = service(repository);
        let refused = import(&service, PRUNE).unwrap_err();
        assert!(
            refused.to_string().ends_with(r#": "gone", "other""#),
            "{refused}"
        );
        for options in [
            ImportOptions {
                dry_run: true,
                ..PRUNE
            },
            ImportOptions {
                force: true,
                ..PRUNE
            },
        ] {
            let plan = import(&service, options).unwrap();
            assert_eq!(plan.deleted_environments().len(), 2);
        }
    }

    #[test]
    fn an_environment_that_comes_between_the_look_and_the_import_stays() {
        let mut repository = MockStateRepository::new();
        repository
            .expect_load()
            .returning(|| Ok(holding(&["staging"])));
        repository.expect_apply().once().returning(|import| {
            Plan::new(&holding(&["new", "staging"]), &import.file, import.prune)
        });
        let plan = import(&service(repository), PRUNE).unwrap();
        assert!(plan.deleted_environments().is_empty());
    }

    #[test]
    fn a_feature_that_is_used_is_deleted_only_when_that_is_forced() {
        let feature = CreateFeature::named(FeatureName::parse("used").unwrap());
        let feature = feature.record(FeatureId(3), Timestamp::default(), Seq(2));
        let current = CurrentState {
            features: vec![feature],
            ..holding(&["staging"])
        };
        let mut repository = MockStateRepository::new();
        let loaded = current.clone();
        repository
            .expect_load()
            .returning(move || Ok(loaded.clone()));
        repository
            .expect_apply()
            .once()
            .returning(move |import| Plan::new(&current, &import.file, import.prune));
        let mut usage = MockUsageLog::new();
        usage.expect_uses().returning(|feature, _| {
            assert_eq!(feature, FeatureId(3));
            Ok(vec![FeatureUse {
                feature: FeatureName::parse("used").unwrap(),
                environment: EnvironmentName::parse("staging").unwrap(),
                count: 42,
                last_used_at: Timestamp::default(),
            }])
        });
        let service = StateService {
            usage: Arc::new(usage),
            ..service(repository)
        };
        let import = |options| {
            let text =
                r#"{"version":1,"flags":{"environments":[{"name":"staging"}],"features":[]}}"#;
            let file = serde_json::from_str(text).unwrap();
            service.import(file, options, Arc::new(MockProgress::new()))
        };
        let refused = import(PRUNE).unwrap_err().to_string();
        assert!(
            refused.contains(r#""used" was used 42 times in "staging""#),
            "{refused}"
        );
        let plan = import(ImportOptions {
            force: true,
            ..PRUNE
        });
        assert_eq!(plan.unwrap().deleted_features().count(), 1);
    }
}
