//! Changes that are made to see what would be served then, and taken back: each is refused at its end, which undoes it.

use flagstaff_domain::flags::seed::Seeds;
use flagstaff_domain::flags::targeting::{CreateOverride, CreateSegment};
use flagstaff_domain::flags::{FlagError, PreviewError, Proposal, Rehearsal, Rehearsed, Snapshot};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::{Description, EnvironmentName};
use flagstaff_domain::write::{Precondition, Stamp};

use super::overrides::Neighbours::MoveBack;
use super::snapshots::Loaded;
use super::work::Work;
use super::{agreement, overrides, segments, snapshots, work};
use crate::changes::unit::{self, UnitOfWork};
use crate::db::{Db, WorkError};

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

impl Rehearsal for DieselRehearsal {
    fn rehearse(
        &self,
        environment: &EnvironmentName,
        proposals: &[Proposal],
        stamp: &Stamp,
    ) -> Result<Rehearsed, PreviewError> {
        let (name, proposals) = (environment.clone(), proposals.to_vec());
        let [before, after] = unit::rehearse(&self.db, stamp, move |unit| {
            let whole = |error: WorkError<FlagError>| error.refused_as(PreviewError::from);
            let environment = work::get_environment(unit.connection, &name).map_err(whole)?;
            let before = snapshots::load_one(unit.connection, environment.id)?;
            for (at, proposal) in proposals.iter().enumerate() {
                let made = make(unit, &name, proposal);
                made.map_err(|error| error.refused_as(|error| PreviewError::of(at, error)))?;
            }
            agreement::check(unit.connection, None).map_err(whole)?;
            let after = snapshots::load_one(unit.connection, environment.id)?;
            Ok::<_, WorkError<PreviewError>>([before, after])
        })?;
        Ok(Rehearsed {
            before: served(before, environment)?,
            after: served(after, environment)?,
        })
    }
}

/// Compiled when the unit has ended: others can write meanwhile.
fn served(loaded: Loaded, environment: &EnvironmentName) -> Result<Snapshot, FlagError> {
    let snapshots = loaded.compile().map_err(StorageError::failed)?;
    let found = snapshots.into_iter().next();
    found.ok_or_else(|| FlagError::EnvironmentNotFound(environment.clone()))
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
