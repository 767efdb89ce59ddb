//! The port of segments and overrides on SQL; each method opens its transaction and calls the units of work.

use flagstaff_domain::flags::FlagError;
use flagstaff_domain::flags::targeting::{
    ChangeOverride, ChangeSegment, CreateOverride, CreateSegment, Override, Segment, TargetName,
    TargetingRepository,
};
use flagstaff_domain::ids::{OverrideId, Seq};
use flagstaff_domain::page::{Listing, Page};
use flagstaff_domain::text::{EnvironmentName, FeatureName, SegmentName};
use flagstaff_domain::write::{Precondition, Stamp, Written};

use super::overrides::Neighbours;
use super::{agreement, overrides, segments};
use crate::changes::unit;
use crate::db::Db;

/// Segments and overrides in the database.
#[derive(Debug, Clone)]
pub struct DieselTargetingRepository {
    db: Db,
}

impl DieselTargetingRepository {
    /// The repository over this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

impl TargetingRepository for DieselTargetingRepository {
    fn list_segments(&self, page: &Page<SegmentName>) -> Result<Listing<Segment>, FlagError> {
        self.db.read(|connection| segments::list(connection, page))
    }

    fn get_segment(&self, name: &SegmentName) -> Result<Segment, FlagError> {
        self.db.read(|connection| segments::get(connection, name))
    }

    fn create_segment(
        &self,
        command: &CreateSegment,
        stamp: &Stamp,
    ) -> Result<Written<Segment>, FlagError> {
        let command = command.clone();
        unit::write(&self.db, stamp, move |unit| {
            segments::create(unit, &command)
        })
    }

    fn change_segment(
        &self,
        name: &SegmentName,
        change: &ChangeSegment,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Segment>, FlagError> {
        let (name, change, precondition) = (name.clone(), change.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            let written = segments::change(unit, &name, &change, &precondition)?;
            agreement::check(unit.connection, Some(written.record.id))?;
            Ok(written)
        })
    }

    fn delete_segment(
        &self,
        name: &SegmentName,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, FlagError> {
        let (name, precondition) = (name.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            segments::delete(unit, &name, &precondition)
        })
    }

    fn list_overrides(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        page: &Page<OverrideId>,
    ) -> Result<Listing<Override>, FlagError> {
        self.db
            .read(|connection| overrides::list(connection, environment, feature, page))
    }

    fn find_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        target: &TargetName,
    ) -> Result<Option<Override>, FlagError> {
        self.db
            .read(|connection| overrides::find(connection, environment, feature, target))
    }

    fn get_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        id: OverrideId,
    ) -> Result<Override, FlagError> {
        self.db
            .read(|connection| overrides::get(connection, environment, feature, id))
    }

    fn create_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        command: &CreateOverride,
        stamp: &Stamp,
    ) -> Result<Written<Override>, FlagError> {
        let (environment, feature, command) =
            (environment.clone(), feature.clone(), command.clone());
        unit::write(&self.db, stamp, move |unit| {
            let neighbours = Neighbours::MoveBack;
            let written = overrides::create(unit, &environment, &feature, &command, neighbours)?;
            if let Some(segment) = written.record.target.segment() {
                agreement::check(unit.connection, Some(segment.id))?;
            }
            Ok(written)
        })
    }

    fn change_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        id: OverrideId,
        change: &ChangeOverride,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Override>, FlagError> {
        let (environment, feature) = (environment.clone(), feature.clone());
        let (change, precondition) = (change.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            let before = overrides::get_accepted(unit, &environment, &feature, id, &precondition)?;
            let written = overrides::change(unit, &before, &change, Neighbours::MoveBack)?;
            if let Some(segment) = written.record.target.segment() {
                agreement::draws_once(unit.connection, Some(segment.id))?;
            }
            Ok(written)
        })
    }

    fn delete_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        id: OverrideId,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, FlagError> {
        let (environment, feature) = (environment.clone(), feature.clone());
        let precondition = precondition.clone();
        unit::write(&self.db, stamp, move |unit| {
            let before = overrides::get_accepted(unit, &environment, &feature, id, &precondition)?;
            overrides::delete(unit, &before)
        })
    }
}
