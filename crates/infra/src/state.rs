//! Whole installations: read in one transaction, changed in one transaction across contexts.

use flagstaff_domain::access::AccessError;
use flagstaff_domain::access::ChangeKey;
use flagstaff_domain::flags::targeting::{CreateOverride, CreateSegment, OverrideSeeds};
use flagstaff_domain::flags::{FlagError, Seeds};
use flagstaff_domain::state::{CurrentState, Import, Plan, StateError, StateRepository, Step};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::write::Precondition;

use crate::access::keys;
use crate::changes::unit::UnitOfWork;
use crate::db::{Db, DbConnection, WorkError};
use crate::flags::overrides::{self, Neighbours, Wanted};
use crate::flags::{agreement, feature_work, segments, work};
use crate::modules;

/// The database as a whole.
#[derive(Debug, Clone)]
pub struct DieselStateRepository {
    db: Db,
}

impl DieselStateRepository {
    /// The repository over this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

fn within<E: Into<StateError>>(error: WorkError<E>) -> WorkError<StateError> {
    error.refused_as(E::into)
}

fn load(connection: &mut DbConnection) -> Result<CurrentState, WorkError<StateError>> {
    let (environments, features, flags) =
        work::load_all(connection).map_err(within::<FlagError>)?;
    let keys = keys::load_all(connection).map_err(within::<AccessError>)?;
    Ok(CurrentState {
        environments,
        features,
        flags,
        keys,
        segments: segments::load_all(connection)?,
        overrides: Wanted::default().load(connection)?,
        modules: modules::load(connection)?,
    })
}

fn carry_out(
    unit: &mut UnitOfWork<'_>,
    step: &Step,
    seeds: &Seeds,
) -> Result<(), WorkError<StateError>> {
    let any = &Precondition::Any;
    match step {
        Step::CreateEnvironment(command) => done(work::create_environment(unit, command, seeds)),
        Step::ChangeEnvironment(name, change) => {
            done(work::change_environment(unit, name, change, any))
        }
        Step::DeleteEnvironment(name) => done(work::delete_environment(unit, name, any)),
        Step::CreateFeature(command) => done(feature_work::create_feature(unit, command, seeds)),
        Step::ChangeFeature(name, change) => {
            done(feature_work::change_feature(unit, name, change, any))
        }
        Step::DeleteFeature(name) => done(feature_work::delete_feature(unit, name, any)),
        Step::SetFlag {
            environment,
            feature,
            change,
            ..
        } => done(work::change_flag(unit, environment, feature, change, any)),
        Step::CreateSegment {
            name,
            description,
            rules,
            seed,
        } => {
            let command = CreateSegment {
                name: name.clone(),
                description: description.clone(),
                rules: rules.clone(),
                seed: seed.unwrap_or_else(|| seeds.segment(name.as_str())),
            };
            done(segments::create(unit, &command))
        }
        Step::ChangeSegment(name, change) => done(segments::change(unit, name, change, any)),
        Step::DeleteSegment(name) => done(segments::delete(unit, name, any)),
        Step::CreateOverride {
            environment,
            feature,
            new,
            seed,
            rollout_seed,
        } => {
            let target = new.target.to_string();
            let made = seeds.of_override(environment.as_str(), feature.as_str(), &target);
            let seeds = OverrideSeeds {
                split: seed.clone().unwrap_or(made.split),
                rollout: rollout_seed.unwrap_or(made.rollout),
            };
            let new = new.clone();
            let command = CreateOverride { new, seeds };
            let stay = Neighbours::Stay;
            done(overrides::create(
                unit,
                environment,
                feature,
                &command,
                stay,
            ))
        }
        Step::ChangeOverride {
            environment,
            feature,
            id,
            change,
        } => {
            let before = overrides::get(unit.connection, environment, feature, *id);
            let before = before.map_err(within::<FlagError>)?;
            done(overrides::change(unit, &before, change, Neighbours::Stay))
        }
        Step::DeleteOverride {
            environment,
            feature,
            id,
        } => {
            let before = overrides::get(unit.connection, environment, feature, *id);
            let before = before.map_err(within::<FlagError>)?;
            done(overrides::delete(unit, &before))
        }
        Step::CreateKey {
            environment, key, ..
        } => done(keys::create(unit, environment, key)),
        Step::ChangeKey {
            environment,
            id,
            name,
            expires_at,
        } => {
            let change = ChangeKey {
                name: Some(name.clone()),
                expires_at: Some(*expires_at),
            };
            done(keys::change(unit, environment, *id, &change, any))
        }
        Step::DeleteKey(environment, id, _) => done(keys::delete(unit, environment, *id, any)),
        Step::OfModule(step) => modules::carry_out(unit, step),
    }
}

/// A step's result: what it made is in the store.
fn done<T, E: Into<StateError>>(
    result: Result<T, WorkError<E>>,
) -> Result<(), WorkError<StateError>> {
    result.map(drop).map_err(within)
}

fn make(import: &Import, connection: &mut DbConnection) -> Result<Plan, WorkError<StateError>> {
    let plan = Plan::new(&load(connection)?, &import.file, import.prune);
    let plan = plan.map_err(WorkError::Refused)?;
    let mut unit = UnitOfWork::new(connection, &import.stamp);
    for (at, step) in plan.steps.iter().enumerate() {
        carry_out(&mut unit, step, &import.seeds)?;
        import.progress.advanced(at + 1, plan.steps.len());
    }
    agreement::check(unit.connection, None).map_err(within::<FlagError>)?;
    Ok(plan)
}

impl StateRepository for DieselStateRepository {
    fn load(&self) -> Result<CurrentState, StorageError> {
        self.db.read(load).map_err(|error: StateError| match error {
            StateError::Storage(error) => error,
            other => StorageError::failed(other),
        })
    }

    fn apply(&self, import: Import) -> Result<Plan, StateError> {
        self.db.write(move |connection| make(&import, connection))
    }

    fn rehearse(&self, import: Import) -> Result<Plan, StateError> {
        self.db
            .rehearse(move |connection| make(&import, connection))
    }
}
