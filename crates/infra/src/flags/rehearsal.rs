//! Changes that are made to see what would be served then, and taken back: each is refused at its end, which undoes it.

use flagstaff_domain::flags::seed::Seeds;
use flagstaff_domain::flags::targeting::{CreateOverride, CreateSegment};
use flagstaff_domain::flags::{FlagError, Proposal, Rehearsal, Rehearsed, Snapshot};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::{Description, EnvironmentName};
use flagstaff_domain::write::{Precondition, Stamp};

use super::overrides::Neighbours::MoveBack;
use super::work::Work;
use super::{overrides, prerequisites, segments, snapshots, work};
use crate::changes::unit::{self, UnitOfWork};
use crate::db::{Db, DbConnection, WorkError};

/// Rehearsals in the database.
#[derive(Debug, Clone)]
pub struct DieselRehearsal {
    db: Db,
}

impl DieselRehearsal {
    /// Rehearsals in this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

/// How a rehearsal ends: never with a commit.
enum End {
    Rehearsed(Box<Rehearsed>),
    Refused(FlagError),
}

impl From<StorageError> for End {
    fn from(error: StorageError) -> Self {
        Self::Refused(error.into())
    }
}

/// The same failure, as the end of a rehearsal.
fn ended<E: Into<FlagError>>(error: WorkError<E>) -> WorkError<End> {
    match error {
        WorkError::Refused(error) => WorkError::Refused(End::Refused(error.into())),
        WorkError::Database(error) => WorkError::Database(error),
    }
}

impl Rehearsal for DieselRehearsal {
    fn rehearse(
        &self,
        environment: &EnvironmentName,
        proposals: &[Proposal],
        stamp: &Stamp,
    ) -> Result<Rehearsed, FlagError> {
        let (environment, proposals) = (environment.clone(), proposals.to_vec());
        let end = unit::write(&self.db, stamp, move |unit| {
            let before = served(unit.connection, &environment)?;
            for proposal in &proposals {
                make(unit, &environment, proposal).map_err(ended)?;
            }
            prerequisites::check(unit.connection).map_err(ended)?;
            let after = served(unit.connection, &environment)?;
            let rehearsed = Box::new(Rehearsed { before, after });
            Err::<std::convert::Infallible, _>(WorkError::Refused(End::Rehearsed(rehearsed)))
        });
        match end {
            Err(End::Rehearsed(rehearsed)) => Ok(*rehearsed),
            Err(End::Refused(error)) => Err(error),
            Ok(never) => match never {},
        }
    }
}

fn served(
    connection: &mut DbConnection,
    environment: &EnvironmentName,
) -> Result<Snapshot, WorkError<End>> {
    let environment = work::get_environment(connection, environment).map_err(ended)?;
    let snapshot = snapshots::load_one(connection, environment.id).map_err(ended)?;
    snapshot.ok_or_else(|| {
        WorkError::Refused(End::Refused(FlagError::EnvironmentNotFound(
            environment.name,
        )))
    })
}

fn make(unit: &mut UnitOfWork<'_>, environment: &EnvironmentName, proposal: &Proposal) -> Work<()> {
    let (any, seeds) = (&Precondition::Any, Seeds::passing());
    match proposal {
        Proposal::ChangeFlag { feature, change } => {
            work::change_flag(unit, environment, feature, change, any).map(drop)
        }
        Proposal::CreateSegment { name, rules } => {
            let command = CreateSegment {
                name: name.clone(),
                description: Description::default(),
                rules: rules.clone(),
                seed: seeds.segment(name.as_str()),
            };
            segments::create(unit, &command).map(drop)
        }
        Proposal::ChangeSegment { segment, change } => {
            segments::change(unit, segment, change, any).map(drop)
        }
        Proposal::CreateOverride { feature, new } => {
            let target = new.target.to_string();
            let seeds = seeds.of_override(environment.as_str(), feature.as_str(), &target);
            let new = new.clone();
            let command = CreateOverride { new, seeds };
            overrides::create(unit, environment, feature, &command, MoveBack).map(drop)
        }
        Proposal::ChangeOverride {
            feature,
            id,
            change,
        } => {
            let before = overrides::get(unit.connection, environment, feature, *id)?;
            overrides::change(unit, &before, change, MoveBack).map(drop)
        }
        Proposal::DeleteOverride { feature, id } => {
            let before = overrides::get(unit.connection, environment, feature, *id)?;
            overrides::delete(unit, &before).map(drop)
        }
    }
}
