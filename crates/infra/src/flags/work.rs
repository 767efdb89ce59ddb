//! The units of work on environments, features and flags, for the repository and the state file's import alike.
//!
//! Each reads, checks, writes the rows, and appends its change; the caller's transaction makes that one step.

use diesel::prelude::*;
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::flags::{
    ChangeEnvironment, ChangeFlag, CreateEnvironment, Environment, Feature, Flag, FlagError, Seed,
    Seeds, SplitHash,
};
use flagstaff_domain::ids::{EnvironmentId, FeatureId, Seq};
use flagstaff_domain::text::{EnvironmentName, FeatureName, Invalid, fold};
use flagstaff_domain::write::{Precondition, Written};

use super::overrides::Wanted;
use super::rows::{EnvironmentRow, FeatureRow, FlagRow, shares_to_column};
use super::variants::with_variants;
use crate::access;
use crate::changes::unit::UnitOfWork;
use crate::db::error::{refuse, unless_taken};
use crate::db::schema::{environments, features, flags};
use crate::db::{DbConnection, WorkError};

pub(super) type Work<T> = Result<T, WorkError<FlagError>>;

pub(super) fn check(precondition: &Precondition, version: Seq) -> Work<()> {
    precondition
        .check(version)
        .map_err(|mismatch| WorkError::Refused(mismatch.into()))
}

/// Appends a change and moves on the revision of what it affects: one environment, or all of them.
pub(super) fn append(unit: &mut UnitOfWork<'_>, seq: Seq, change: &NewChange) -> QueryResult<()> {
    unit.append(seq, change)?;
    let revision = (
        environments::revision.eq(seq.0),
        environments::revised_at.eq(unit.stamp.at.as_micros()),
    );
    match &change.environment {
        Some((id, _)) => diesel::update(environments::table.find(id.0))
            .set(revision)
            .execute(unit.connection),
        None => diesel::update(environments::table)
            .set(revision)
            .execute(unit.connection),
    }
    .map(|_| ())
}

pub(crate) fn get_environment(
    connection: &mut DbConnection,
    name: &EnvironmentName,
) -> Work<Environment> {
    let row = environments::table
        .filter(environments::name_folded.eq(fold(name.as_str())))
        .select(EnvironmentRow::as_select())
        .first(connection)
        .optional()?;
    match row {
        Some(row) => Ok(row.try_into()?),
        None => refuse(FlagError::EnvironmentNotFound(name.clone())),
    }
}

fn feature_row(connection: &mut DbConnection, name: &FeatureName) -> Work<FeatureRow> {
    let row = features::table
        .filter(features::name_folded.eq(fold(name.as_str())))
        .select(FeatureRow::as_select())
        .first(connection)
        .optional()?;
    row.ok_or_else(|| WorkError::Refused(FlagError::FeatureNotFound(name.clone())))
}

pub(crate) fn get_feature(connection: &mut DbConnection, name: &FeatureName) -> Work<Feature> {
    let row = feature_row(connection, name)?;
    let mut found = with_variants(connection, vec![row])?;
    found
        .pop()
        .ok_or_else(|| WorkError::Refused(FlagError::FeatureNotFound(name.clone())))
}

pub(crate) fn get_flag(
    connection: &mut DbConnection,
    environment: &EnvironmentName,
    feature: &FeatureName,
) -> Work<Flag> {
    let environment = get_environment(connection, environment)?;
    let feature = feature_row(connection, feature)?;
    let row = flags::table
        .filter(flags::environment_id.eq(environment.id.0))
        .filter(flags::feature_id.eq(feature.id))
        .select(FlagRow::as_select())
        .first(connection)?;
    Ok(row.into_flag(environment.name.as_str(), &feature.name)?)
}

pub(crate) fn create_environment(
    unit: &mut UnitOfWork<'_>,
    command: &CreateEnvironment,
    seeds: &Seeds,
) -> Work<Written<Environment>> {
    let seq = unit.next_seq()?;
    let at = unit.stamp.at;
    let hash_key = seeds.hash_key(command.name.as_str());
    let inserted = diesel::insert_into(environments::table)
        .values((
            environments::name.eq(command.name.as_str()),
            environments::name_folded.eq(fold(command.name.as_str())),
            environments::description.eq(command.description.as_str()),
            environments::created_at.eq(at.as_micros()),
            environments::revision.eq(seq.0),
            environments::revised_at.eq(at.as_micros()),
            environments::version.eq(seq.0),
            environments::hash_key.eq(hash_key.as_str()),
        ))
        .returning(environments::id)
        .get_result(unit.connection);
    let id = unless_taken(inserted, || {
        FlagError::EnvironmentExists(command.name.clone())
    })?;
    let record = Environment {
        id: EnvironmentId(id),
        name: command.name.clone(),
        description: command.description.clone(),
        created_at: at,
        hash_key,
        revision: seq,
        version: seq,
    };
    let defaults: Vec<(i64, String, bool, String)> = features::table
        .select((
            features::id,
            features::name,
            features::default_enabled,
            features::initial_value,
        ))
        .order(features::id)
        .load(unit.connection)?;
    for (feature, name, enabled, value) in defaults {
        let seed = seeds.flag(record.name.as_str(), &name);
        let flag = (record.id, FeatureId(feature));
        insert_flag(unit, seq, flag, (enabled, &value), &seed)?;
    }
    append(
        unit,
        seq,
        &NewChange::environment(None, Some(&record), None, &[])?,
    )?;
    Ok(Written {
        record,
        revision: seq,
    })
}

pub(super) fn insert_flag(
    unit: &mut UnitOfWork<'_>,
    seq: Seq,
    (environment, feature): (EnvironmentId, FeatureId),
    (enabled, value): (bool, &str),
    seed: &Seed,
) -> QueryResult<()> {
    diesel::insert_into(flags::table)
        .values((
            flags::environment_id.eq(environment.0),
            flags::feature_id.eq(feature.0),
            flags::enabled.eq(enabled),
            flags::value.eq(value),
            flags::updated_at.eq(unit.stamp.at.as_micros()),
            flags::version.eq(seq.0),
            flags::variants.eq(shares_to_column(&[])),
            flags::killed.eq(false),
            flags::hash.eq(SplitHash::default().as_str()),
            flags::seed.eq(seed.as_str()),
        ))
        .execute(unit.connection)
        .map(|_| ())
}

pub(crate) fn change_environment(
    unit: &mut UnitOfWork<'_>,
    name: &EnvironmentName,
    change: &ChangeEnvironment,
    precondition: &Precondition,
) -> Work<Written<Environment>> {
    let before = get_environment(unit.connection, name)?;
    check(precondition, before.version)?;
    let mut after = change.apply(&before);
    if after == before {
        return Ok(unchanged(after.version, after));
    }
    let seq = unit.next_seq()?;
    (after.version, after.revision) = (seq, seq);
    let updated = diesel::update(environments::table.find(after.id.0))
        .set((
            environments::name.eq(after.name.as_str()),
            environments::name_folded.eq(fold(after.name.as_str())),
            environments::description.eq(after.description.as_str()),
            environments::version.eq(seq.0),
        ))
        .execute(unit.connection);
    unless_taken(updated, || FlagError::EnvironmentExists(after.name.clone()))?;
    let entry = NewChange::environment(Some(&before), Some(&after), None, &[])?;
    append(unit, seq, &entry)?;
    Ok(Written {
        record: after,
        revision: seq,
    })
}

pub(super) fn unchanged<T>(version: Seq, record: T) -> Written<T> {
    Written {
        record,
        revision: version,
    }
}

pub(crate) fn delete_environment(
    unit: &mut UnitOfWork<'_>,
    name: &EnvironmentName,
    precondition: &Precondition,
) -> Work<Seq> {
    let before = get_environment(unit.connection, name)?;
    check(precondition, before.version)?;
    let rows: Vec<(FlagRow, String)> = flags::table
        .inner_join(features::table)
        .filter(flags::environment_id.eq(before.id.0))
        .select((FlagRow::as_select(), features::name))
        .order(features::name)
        .load(unit.connection)?;
    let lost: Vec<Flag> = rows
        .into_iter()
        .map(|(row, feature)| row.into_flag(before.name.as_str(), &feature))
        .collect::<Result<_, Invalid>>()?;
    let overrides = Wanted {
        environments: Some(&[before.id.0]),
        ..Wanted::default()
    };
    let overrides = overrides.load(unit.connection)?;
    access::keys::revoke_all(unit, &before)?;
    let seq = unit.next_seq()?;
    append(
        unit,
        seq,
        &NewChange::environment(Some(&before), None, Some(&lost), &overrides)?,
    )?;
    diesel::delete(environments::table.find(before.id.0)).execute(unit.connection)?;
    Ok(seq)
}

pub(super) fn flags_of(connection: &mut DbConnection, feature: &Feature) -> Work<Vec<Flag>> {
    let rows: Vec<(FlagRow, String)> = flags::table
        .inner_join(environments::table)
        .filter(flags::feature_id.eq(feature.id.0))
        .select((FlagRow::as_select(), environments::name))
        .order(environments::name)
        .load(connection)?;
    let flags = rows
        .into_iter()
        .map(|(row, environment)| row.into_flag(&environment, feature.name.as_str()));
    Ok(flags.collect::<Result<_, Invalid>>()?)
}

pub(crate) fn change_flag(
    unit: &mut UnitOfWork<'_>,
    environment: &EnvironmentName,
    feature: &FeatureName,
    change: &ChangeFlag,
    precondition: &Precondition,
) -> Work<Written<Flag>> {
    let before = get_flag(unit.connection, environment, feature)?;
    check(precondition, before.version)?;
    let mut after = change.apply(&before);
    if let Some(split) = &change.variants {
        let feature = get_feature(unit.connection, feature)?;
        after.variants = split.among(&feature.variants).map_err(|reason| {
            let field = "variants";
            WorkError::Refused(FlagError::Invalid { field, reason })
        })?;
    }
    if after == before {
        return Ok(unchanged(after.version, after));
    }
    let seq = unit.next_seq()?;
    (after.version, after.updated_at) = (seq, unit.stamp.at);
    diesel::update(flags::table.find(after.id.0))
        .set((
            flags::enabled.eq(after.enabled),
            flags::value.eq(after.value.to_json()),
            flags::updated_at.eq(after.updated_at.as_micros()),
            flags::version.eq(seq.0),
            flags::variants.eq(shares_to_column(&after.variants)),
            flags::killed.eq(after.killed),
        ))
        .execute(unit.connection)?;
    append(unit, seq, &NewChange::flag(&before, &after)?)?;
    Ok(Written {
        record: after,
        revision: seq,
    })
}

/// All environments, features and flags, sorted by name.
pub(crate) fn load_all(
    connection: &mut DbConnection,
) -> Work<(Vec<Environment>, Vec<Feature>, Vec<Flag>)> {
    let environment_rows = environments::table
        .select(EnvironmentRow::as_select())
        .order(environments::name)
        .load(connection)?;
    let feature_rows = features::table
        .select(FeatureRow::as_select())
        .order(features::name)
        .load(connection)?;
    let flag_rows: Vec<(FlagRow, String, String)> = flags::table
        .inner_join(features::table)
        .inner_join(environments::table)
        .select((FlagRow::as_select(), environments::name, features::name))
        .order((features::name, environments::name))
        .load(connection)?;
    let all = |rows: Vec<EnvironmentRow>| rows.into_iter().map(Environment::try_from).collect();
    let environments: Result<_, Invalid> = all(environment_rows);
    let features = with_variants(connection, feature_rows)?;
    let flags: Result<_, Invalid> = flag_rows
        .into_iter()
        .map(|(row, environment, feature)| row.into_flag(&environment, &feature))
        .collect();
    Ok((environments?, features, flags?))
}
