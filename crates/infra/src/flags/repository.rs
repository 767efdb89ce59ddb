//! Environments, features and flags in the database: each port method opens its transaction and calls `work.rs` or `feature_work.rs`.

use diesel::prelude::*;
use flagstaff_domain::flags::{
    ChangeEnvironment, ChangeFeature, ChangeFlag, CreateEnvironment, CreateFeature, Environment,
    Feature, FeatureFilter, Flag, FlagError, FlagRepository, Seeds,
};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::page::{Listing, Page};
use flagstaff_domain::text::{EnvironmentName, FeatureName, Invalid};
use flagstaff_domain::write::{Precondition, Stamp, Written};

use super::rows::{EnvironmentRow, FeatureRow, FlagRow};
use super::variants::with_variants;
use super::{feature_work, identity_rows, usage, work};
use crate::changes::unit;
use crate::db::error::one_more;
use crate::db::schema::{environments, features, flags};
use crate::db::{Db, WorkError};

/// How many identities are removed in one unit of work.
const AT_ONCE: usize = 2_000;

/// Environments, features and flags in the database.
#[derive(Debug, Clone)]
pub struct DieselFlagRepository {
    db: Db,
}

impl DieselFlagRepository {
    /// The repository over this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }

    /// Removes what was told of an environment's identities and its uses, before it is deleted itself: in small units of
    /// work, since everybody's changes would wait for as many rows at once.
    fn forget_traces(
        &self,
        name: &EnvironmentName,
        precondition: &Precondition,
    ) -> Result<(), FlagError> {
        loop {
            let (name, precondition) = (name.clone(), precondition.clone());
            let gone = self.db.write(move |connection| {
                let environment = work::get_environment(connection, &name)?;
                work::check(&precondition, environment.version)?;
                let identities = identity_rows::forget(connection, environment.id, AT_ONCE)?;
                Ok::<_, WorkError<FlagError>>(
                    identities + usage::forget(connection, environment.id)?,
                )
            })?;
            if gone == 0 {
                return Ok(());
            }
        }
    }
}

impl FlagRepository for DieselFlagRepository {
    fn list_environments(
        &self,
        page: &Page<EnvironmentName>,
    ) -> Result<Listing<Environment>, FlagError> {
        self.db.read(|connection| {
            let mut rows = environments::table
                .select(EnvironmentRow::as_select())
                .order(environments::name)
                .limit(one_more(page.limit))
                .into_boxed();
            if let Some(after) = &page.after {
                rows = rows.filter(environments::name.gt(after.as_str()));
            }
            let records = rows
                .load(connection)?
                .into_iter()
                .map(Environment::try_from);
            Ok(Listing::cut(
                records.collect::<Result<_, Invalid>>()?,
                page.limit,
            ))
        })
    }

    fn get_environment(&self, name: &EnvironmentName) -> Result<Environment, FlagError> {
        self.db
            .read(|connection| work::get_environment(connection, name))
    }

    fn create_environment(
        &self,
        command: &CreateEnvironment,
        seeds: &Seeds,
        stamp: &Stamp,
    ) -> Result<Written<Environment>, FlagError> {
        let (command, seeds) = (command.clone(), seeds.clone());
        unit::write(&self.db, stamp, move |unit| {
            work::create_environment(unit, &command, &seeds)
        })
    }

    fn change_environment(
        &self,
        name: &EnvironmentName,
        change: &ChangeEnvironment,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Environment>, FlagError> {
        let (name, change, precondition) = (name.clone(), change.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            work::change_environment(unit, &name, &change, &precondition)
        })
    }

    fn delete_environment(
        &self,
        name: &EnvironmentName,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, FlagError> {
        self.forget_traces(name, precondition)?;
        let (name, precondition) = (name.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            work::delete_environment(unit, &name, &precondition)
        })
    }

    fn list_features(
        &self,
        page: &Page<FeatureName>,
        filter: FeatureFilter,
    ) -> Result<Listing<Feature>, FlagError> {
        self.db.read(|connection| {
            let mut rows = features::table
                .select(FeatureRow::as_select())
                .order(features::name)
                .limit(one_more(page.limit))
                .into_boxed();
            if let Some(after) = &page.after {
                rows = rows.filter(features::name.gt(after.as_str()));
            }
            if let Some(archived) = filter.archived {
                rows = rows.filter(features::archived.eq(archived));
            }
            if let Some(stale) = filter.stale {
                rows = rows.filter(features::stale.eq(stale));
            }
            let rows = rows.load(connection)?;
            Ok(Listing::cut(with_variants(connection, rows)?, page.limit))
        })
    }

    fn get_feature(&self, name: &FeatureName) -> Result<Feature, FlagError> {
        self.db
            .read(|connection| work::get_feature(connection, name))
    }

    fn create_feature(
        &self,
        command: &CreateFeature,
        seeds: &Seeds,
        stamp: &Stamp,
    ) -> Result<Written<Feature>, FlagError> {
        let (command, seeds) = (command.clone(), seeds.clone());
        unit::write(&self.db, stamp, move |unit| {
            feature_work::create_feature(unit, &command, &seeds)
        })
    }

    fn change_feature(
        &self,
        name: &FeatureName,
        change: &ChangeFeature,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Feature>, FlagError> {
        let (name, change, precondition) = (name.clone(), change.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            feature_work::change_feature(unit, &name, &change, &precondition)
        })
    }

    fn delete_feature(
        &self,
        name: &FeatureName,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, FlagError> {
        let (name, precondition) = (name.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            feature_work::delete_feature(unit, &name, &precondition)
        })
    }

    fn list_flags(
        &self,
        environment: &EnvironmentName,
        page: &Page<FeatureName>,
    ) -> Result<Listing<Flag>, FlagError> {
        self.db.read(|connection| {
            let environment = work::get_environment(connection, environment)?;
            let mut rows = flags::table
                .inner_join(features::table)
                .filter(flags::environment_id.eq(environment.id.0))
                .select((FlagRow::as_select(), features::name))
                .order(features::name)
                .limit(one_more(page.limit))
                .into_boxed();
            if let Some(after) = &page.after {
                rows = rows.filter(features::name.gt(after.as_str()));
            }
            let rows: Vec<(FlagRow, String)> = rows.load(connection)?;
            let records = rows
                .into_iter()
                .map(|(row, feature)| row.into_flag(environment.name.as_str(), &feature));
            Ok(Listing::cut(
                records.collect::<Result<_, Invalid>>()?,
                page.limit,
            ))
        })
    }

    fn get_flag(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
    ) -> Result<Flag, FlagError> {
        self.db
            .read(|connection| work::get_flag(connection, environment, feature))
    }

    fn change_flag(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        change: &ChangeFlag,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Flag>, FlagError> {
        let (environment, feature) = (environment.clone(), feature.clone());
        let (change, precondition) = (change.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            work::change_flag(unit, &environment, &feature, &change, &precondition)
        })
    }
}
