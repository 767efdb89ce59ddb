//! Importing and exporting state files.

use std::fmt;
use std::sync::Arc;

use super::error::StateError;
use super::file::StateFile;
use super::plan::Plan;
use super::ports::{ImportOptions, Progress, StateRepository};
use crate::access::{KeyText, RandomSource};
use crate::changes::Actor;
use crate::clock::Clock;
use crate::storage::StorageError;
use crate::write::Stamp;

/// Imports and exports state files.
#[derive(Clone)]
pub struct StateService {
    repository: Arc<dyn StateRepository>,
    random: Arc<dyn RandomSource>,
    clock: Arc<dyn Clock>,
}

impl StateService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn StateRepository>,
        random: Arc<dyn RandomSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            repository,
            random,
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
    /// [`StateError`]; nothing was stored then.
    pub fn import(
        &self,
        mut file: StateFile,
        options: ImportOptions,
        progress: Arc<dyn Progress>,
    ) -> Result<Plan, StateError> {
        for key in file.access.keys.iter_mut().flatten() {
            if key.key.is_none() && key.digest.is_none() {
                key.candidate = Some(KeyText::generate(key.kind, self.random.as_ref()));
            }
        }
        if options.dry_run {
            return Plan::new(&self.repository.load()?, &file, options.prune);
        }
        let stamp = Stamp {
            actor: Actor::Import,
            at: self.clock.now(),
        };
        self.repository
            .apply(&file, options.prune, &stamp, progress)
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
    use crate::state::ports::{MockProgress, MockStateRepository};
    use crate::state::{CurrentState, Step};

    const FILE: &str = r#"{"version":1,"flags":{"environments":[{"name":"staging"}]},
        "access":{"keys":[{"environment":"staging","name":"web","kind":"client"}]}}"#;

    fn service(repository: MockStateRepository) -> StateService {
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .returning(|| Timestamp::from_micros(0).unwrap());
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0xC0; 32]);
        StateService::new(Arc::new(repository), Arc::new(random), Arc::new(clock))
    }

    fn import(service: &StateService, dry_run: bool) -> Result<Plan, StateError> {
        let options = ImportOptions {
            dry_run,
            prune: false,
        };
        let file = serde_json::from_str(FILE).unwrap();
        service.import(file, options, Arc::new(MockProgress::new()))
    }

    #[test]
    fn a_dry_run_plans_and_stores_nothing() {
        let mut repository = MockStateRepository::new();
        repository
            .expect_load()
            .returning(|| Ok(CurrentState::default()));
        let plan = import(&service(repository), true).unwrap();
        assert_eq!(plan.steps.len(), 2);
    }

    #[test]
    fn an_import_brings_a_text_for_each_key_that_has_none() {
        let mut repository = MockStateRepository::new();
        repository
            .expect_apply()
            .withf(|_, prune, stamp, _| !prune && stamp.actor == Actor::Import)
            .once()
            .returning(|file, prune, _, _| Plan::new(&CurrentState::default(), file, prune));
        let plan = import(&service(repository), false).unwrap();
        assert!(plan.steps.iter().any(|step| matches!(
            step,
            Step::CreateKey { generated: Some(text), .. } if text.reveal() == "C0".repeat(16)
        )));
    }
}
