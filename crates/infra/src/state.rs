//! Whole installations: read in one transaction, changed in one transaction across contexts.

use std::sync::Arc;

use flagstaff_domain::access::AccessError;
use flagstaff_domain::flags::FlagError;
use flagstaff_domain::state::{
    CurrentState, Plan, Progress, StateError, StateFile, StateRepository, Step,
};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::write::{Precondition, Stamp};

use crate::access::keys;
use crate::changes::unit::UnitOfWork;
use crate::db::{Db, DbConnection, WorkError};
use crate::flags::work;

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
    match error {
        WorkError::Refused(error) => WorkError::Refused(error.into()),
        WorkError::Database(error) => WorkError::Database(error),
    }
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
    })
}

fn carry_out(unit: &mut UnitOfWork<'_>, step: &Step) -> Result<(), WorkError<StateError>> {
    let any = &Precondition::Any;
    let flags: Result<(), WorkError<FlagError>> = match step {
        Step::CreateEnvironment(command) => work::create_environment(unit, command).map(drop),
        Step::ChangeEnvironment(name, change) => {
            work::change_environment(unit, name, change, any).map(drop)
        }
        Step::DeleteEnvironment(name) => work::delete_environment(unit, name, any).map(drop),
        Step::CreateFeature(command) => work::create_feature(unit, command).map(drop),
        Step::ChangeFeature(name, change) => {
            work::change_feature(unit, name, change, any).map(drop)
        }
        Step::DeleteFeature(name) => work::delete_feature(unit, name, any).map(drop),
        Step::SetFlag {
            environment,
            feature,
            change,
            ..
        } => work::change_flag(unit, environment, feature, change, any).map(drop),
        Step::CreateKey { .. } | Step::ChangeKey { .. } | Step::DeleteKey(..) => {
            return carry_out_on_keys(unit, step).map_err(within);
        }
    };
    flags.map_err(within)
}

fn carry_out_on_keys(unit: &mut UnitOfWork<'_>, step: &Step) -> Result<(), WorkError<AccessError>> {
    match step {
        Step::CreateKey {
            environment, key, ..
        } => keys::create(unit, environment, key).map(drop),
        Step::ChangeKey {
            environment,
            id,
            name,
            expires_at,
        } => keys::change_by_id(unit, environment, *id, name, *expires_at),
        Step::DeleteKey(environment, id, _) => {
            keys::delete(unit, environment, *id, &Precondition::Any).map(drop)
        }
        _ => Ok(()),
    }
}

impl StateRepository for DieselStateRepository {
    fn load(&self) -> Result<CurrentState, StorageError> {
        self.db.read(load).map_err(|error: StateError| match error {
            StateError::Storage(error) => error,
            other => StorageError::failed(other),
        })
    }

    fn apply(
        &self,
        file: &StateFile,
        prune: bool,
        stamp: &Stamp,
        progress: Arc<dyn Progress>,
    ) -> Result<Plan, StateError> {
        let (file, stamp) = (file.clone(), stamp.clone());
        self.db.write(move |connection| {
            let plan = Plan::new(&load(connection)?, &file, prune).map_err(WorkError::Refused)?;
            let mut unit = UnitOfWork::new(connection, &stamp);
            for (at, step) in plan.steps.iter().enumerate() {
                carry_out(&mut unit, step)?;
                progress.advanced(at + 1, plan.steps.len());
            }
            Ok(plan)
        })
    }
}
