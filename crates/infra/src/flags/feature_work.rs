//! The units of work on features: with each come and go its flags, and its variants.

use std::collections::HashSet;

use diesel::prelude::*;
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::flags::targeting::Variant;
use flagstaff_domain::flags::{
    ChangeFeature, CreateFeature, Feature, FeatureKind, FlagError, Seeds,
};
use flagstaff_domain::ids::{EnvironmentId, FeatureId, Seq, VariantId};
use flagstaff_domain::text::{FeatureName, Invalid, fold};
use flagstaff_domain::write::{Precondition, Written};

use super::overrides::Wanted;
use super::prerequisites;
use super::rows::tags_to_column;
use super::variants::places;
use super::work::{
    Work, append, check, flags_of, get_environment, get_feature, insert_flag, unchanged,
};
use crate::changes::unit::UnitOfWork;
use crate::db::error::{refuse, unless_taken};
use crate::db::schema::{environments, features, variants};
use crate::db::{DbConnection, WorkError};
use crate::modules;

pub(crate) fn create_feature(
    unit: &mut UnitOfWork<'_>,
    command: &CreateFeature,
    seeds: &Seeds,
) -> Work<Written<Feature>> {
    let seq = unit.next_seq()?;
    let at = unit.stamp.at;
    let mut record = command.record(FeatureId(0), at, seq);
    let inserted = diesel::insert_into(features::table)
        .values((
            features::name.eq(command.name.as_str()),
            features::name_folded.eq(fold(command.name.as_str())),
            features::description.eq(command.description.as_str()),
            features::kind.eq(record.kind.as_str()),
            features::initial_value.eq(command.initial_value.to_json()),
            features::default_enabled.eq(command.default_enabled),
            features::server_key_only.eq(command.server_key_only),
            features::tags.eq(tags_to_column(&command.tags)),
            features::created_at.eq(at.as_micros()),
            features::version.eq(seq.0),
            features::archived.eq(command.archived),
            features::stale.eq(command.stale),
        ))
        .returning(features::id)
        .get_result(unit.connection);
    let id = unless_taken(inserted, || FlagError::FeatureExists(command.name.clone()))?;
    record.id = FeatureId(id);
    write_variants(unit, record.id, &[], &mut record.variants)?;
    let enabled_in = enabled_in(unit.connection, command)?;
    let environments: Vec<(i64, String)> = environments::table
        .select((environments::id, environments::name))
        .order(environments::id)
        .load(unit.connection)?;
    let value = record.initial_value.to_json();
    for (environment, name) in environments {
        let enabled = record.default_enabled || enabled_in.contains(&environment);
        let seed = seeds.flag(&name, record.name.as_str());
        let flag = (EnvironmentId(environment), record.id);
        insert_flag(unit, seq, flag, (enabled, &value), &seed)?;
    }
    let flags = flags_of(unit.connection, &record)?;
    append(
        unit,
        seq,
        &NewChange::feature(None, Some(&record), Some(&flags), &[])?,
    )?;
    Ok(Written {
        record,
        revision: seq,
    })
}

/// Brings a feature's variants from what they were to what they become, and gives new ones their ids.
fn write_variants(
    unit: &mut UnitOfWork<'_>,
    feature: FeatureId,
    before: &[Variant],
    after: &mut [Variant],
) -> QueryResult<()> {
    for gone in before
        .iter()
        .filter(|one| after.iter().all(|kept| kept.id != one.id))
    {
        diesel::delete(variants::table.find(gone.id.0)).execute(unit.connection)?;
    }
    for one in after {
        let value = one.value.to_json();
        if let Some(known) = before.iter().find(|known| known.id == one.id) {
            if known.value != one.value {
                diesel::update(variants::table.find(one.id.0))
                    .set(variants::value.eq(value))
                    .execute(unit.connection)?;
            }
            continue;
        }
        let id = diesel::insert_into(variants::table)
            .values((
                variants::feature_id.eq(feature.0),
                variants::key.eq(one.key.as_str()),
                variants::value.eq(value),
            ))
            .returning(variants::id)
            .get_result(unit.connection)?;
        one.id = VariantId(id);
    }
    Ok(())
}

/// Refuses to take away a variant that identities still get.
fn check_variants(connection: &mut DbConnection, before: &Feature, after: &Feature) -> Work<()> {
    let stays = |one: &Variant| after.variants.iter().any(|kept| kept.id == one.id);
    for gone in before.variants.iter().filter(|one| !stays(one)) {
        let places = places(connection, before.id, &gone.key)?;
        if !places.is_empty() {
            return refuse(FlagError::VariantInUse {
                feature: before.name.clone(),
                variant: gone.key.clone(),
                places,
            });
        }
    }
    Ok(())
}

fn enabled_in(connection: &mut DbConnection, command: &CreateFeature) -> Work<HashSet<i64>> {
    let mut ids = HashSet::new();
    for name in &command.enabled_in {
        match get_environment(connection, name) {
            Ok(environment) => ids.insert(environment.id.0),
            Err(WorkError::Refused(FlagError::EnvironmentNotFound(name))) => {
                return refuse(FlagError::EnabledInUnknown(name));
            }
            Err(error) => return Err(error),
        };
    }
    Ok(ids)
}

pub(crate) fn change_feature(
    unit: &mut UnitOfWork<'_>,
    name: &FeatureName,
    change: &ChangeFeature,
    precondition: &Precondition,
) -> Work<Written<Feature>> {
    let before = get_feature(unit.connection, name)?;
    check(precondition, before.version)?;
    let mut after = change.apply(&before);
    if change.kind == Some(FeatureKind::Standard) && after.kind != FeatureKind::Standard {
        return refuse(FlagError::Invalid {
            field: "type",
            reason: Invalid::new("must be \"MULTIVARIATE\" as long as the feature has variants"),
        });
    }
    check_variants(unit.connection, &before, &after)?;
    if after == before {
        return Ok(unchanged(after.version, after));
    }
    let seq = unit.next_seq()?;
    after.version = seq;
    let updated = diesel::update(features::table.find(after.id.0))
        .set((
            features::name.eq(after.name.as_str()),
            features::name_folded.eq(fold(after.name.as_str())),
            features::description.eq(after.description.as_str()),
            features::kind.eq(after.kind.as_str()),
            features::initial_value.eq(after.initial_value.to_json()),
            features::default_enabled.eq(after.default_enabled),
            features::server_key_only.eq(after.server_key_only),
            features::tags.eq(tags_to_column(&after.tags)),
            features::version.eq(seq.0),
            features::archived.eq(after.archived),
            features::stale.eq(after.stale),
        ))
        .execute(unit.connection);
    unless_taken(updated, || FlagError::FeatureExists(after.name.clone()))?;
    write_variants(unit, after.id, &before.variants, &mut after.variants)?;
    append(
        unit,
        seq,
        &NewChange::feature(Some(&before), Some(&after), None, &[])?,
    )?;
    Ok(Written {
        record: after,
        revision: seq,
    })
}

pub(crate) fn delete_feature(
    unit: &mut UnitOfWork<'_>,
    name: &FeatureName,
    precondition: &Precondition,
) -> Work<Seq> {
    let before = get_feature(unit.connection, name)?;
    check(precondition, before.version)?;
    let mut users = prerequisites::places(unit.connection, before.id, None)?;
    users.extend(modules::users(unit.connection, before.id)?);
    if !users.is_empty() {
        return refuse(FlagError::InUse {
            what: format!("the feature {:?}", before.name.as_str()),
            users,
        });
    }
    let lost = flags_of(unit.connection, &before)?;
    let overrides = Wanted {
        feature: Some(before.id),
        ..Wanted::default()
    };
    let overrides = overrides.load(unit.connection)?;
    let seq = unit.next_seq()?;
    append(
        unit,
        seq,
        &NewChange::feature(Some(&before), None, Some(&lost), &overrides)?,
    )?;
    diesel::delete(features::table.find(before.id.0)).execute(unit.connection)?;
    Ok(seq)
}
