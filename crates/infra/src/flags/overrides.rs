//! Overrides in the database: the units of work on them. Their rows are in [`row`].

mod row;

use diesel::prelude::*;
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::flags::targeting::priority::{behind, make_room};
use flagstaff_domain::flags::targeting::{
    ChangeOverride, CreateOverride, NewOverride, Override, OverrideSeeds, Priority, SegmentTarget,
    Target, TargetName,
};
use flagstaff_domain::flags::{Flag, FlagError};
use flagstaff_domain::ids::{FeatureId, OverrideId, SegmentId, Seq};
use flagstaff_domain::page::{Listing, Page};
use flagstaff_domain::text::{EnvironmentName, FeatureName, Invalid, VariantKey};
use flagstaff_domain::write::{Precondition, Written};

use super::rows::shares_to_column;
use super::segments;
use super::work::{self, Work, append, check, unchanged};
use crate::changes::unit::UnitOfWork;
use crate::db::error::{one_more, refuse};
use crate::db::schema::overrides;
use crate::db::{DbConnection, WorkError};

pub(crate) use row::Wanted;

/// What happens to overrides that stand where another is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Neighbours {
    /// They move back as far as need be.
    MoveBack,
    /// They stay: whoever asks moves them, too.
    Stay,
}

/// A page of a flag's overrides: those for segments, the strongest first, then those for identities, the oldest first.
pub(super) fn list(
    connection: &mut DbConnection,
    environment: &EnvironmentName,
    feature: &FeatureName,
    page: &Page<OverrideId>,
) -> Work<Listing<Override>> {
    let flag = work::get_flag(connection, environment, feature)?;
    let after = match page.after {
        Some(id) => Some((id, place(connection, &flag, id)?)),
        None => None,
    };
    let found = Wanted {
        after,
        limit: Some(one_more(page.limit)),
        ..of(&flag, &[flag.environment_id.0])
    }
    .load(connection)?;
    Ok(Listing::cut(found, page.limit))
}

/// The priority of the override after which a page begins.
fn place(connection: &mut DbConnection, flag: &Flag, id: OverrideId) -> Work<Option<i64>> {
    let found = overrides::table
        .find(id.0)
        .filter(overrides::environment_id.eq(flag.environment_id.0))
        .filter(overrides::feature_id.eq(flag.feature_id.0))
        .select(overrides::priority)
        .first(connection)
        .optional()?;
    match found {
        Some(priority) => Ok(priority),
        None => refuse(FlagError::Invalid {
            field: "after",
            reason: Invalid::new(format!(
                "must be the id of one of these overrides; {id} is none any more, so begin at the first page"
            )),
        }),
    }
}

/// The overrides of a flag; `environment` is its environment.
fn of<'a>(flag: &Flag, environment: &'a [i64]) -> Wanted<'a> {
    Wanted {
        environments: Some(environment),
        feature: Some(flag.feature_id),
        ..Wanted::default()
    }
}

pub(crate) fn get(
    connection: &mut DbConnection,
    environment: &EnvironmentName,
    feature: &FeatureName,
    id: OverrideId,
) -> Work<Override> {
    let flag = work::get_flag(connection, environment, feature)?;
    let mut found = Wanted {
        id: Some(id),
        ..of(&flag, &[flag.environment_id.0])
    }
    .load(connection)?;
    match found.pop() {
        Some(found) => Ok(found),
        None => refuse(FlagError::OverrideNotFound {
            id,
            feature: flag.feature,
            environment: flag.environment,
        }),
    }
}

pub(crate) fn find(
    connection: &mut DbConnection,
    environment: &EnvironmentName,
    feature: &FeatureName,
    target: &TargetName,
) -> Work<Option<Override>> {
    let flag = work::get_flag(connection, environment, feature)?;
    find_of(connection, &flag, target)
}

fn find_of(
    connection: &mut DbConnection,
    flag: &Flag,
    target: &TargetName,
) -> Work<Option<Override>> {
    let environment = [flag.environment_id.0];
    let mut wanted = of(flag, &environment);
    match target {
        TargetName::Segment(name) => match segments::get(connection, name) {
            Ok(segment) => wanted.segment = Some(segment.id),
            Err(WorkError::Refused(FlagError::SegmentNotFound(_))) => return Ok(None),
            Err(error) => return Err(error),
        },
        TargetName::Identity(identifier) => wanted.identifier = Some(identifier.as_str()),
    }
    Ok(wanted.load(connection)?.pop())
}

pub(crate) fn create(
    unit: &mut UnitOfWork<'_>,
    environment: &EnvironmentName,
    feature: &FeatureName,
    command: &CreateOverride,
    neighbours: Neighbours,
) -> Work<Written<Override>> {
    let flag = work::get_flag(unit.connection, environment, feature)?;
    let known = work::get_feature(unit.connection, feature)?.variants;
    let CreateOverride { new, seeds } = command;
    if find_of(unit.connection, &flag, &new.target)?.is_some() {
        return refuse(FlagError::OverrideExists {
            target: new.target.clone(),
            feature: flag.feature,
            environment: flag.environment,
        });
    }
    let target = target(unit.connection, &flag, new, seeds)?;
    let mut record = new
        .record(&flag, &known, target, seeds)
        .map_err(WorkError::Refused)?;
    if neighbours == Neighbours::MoveBack {
        move_back(unit, &flag, &record)?;
    }
    let seq = unit.next_seq()?;
    (record.version, record.updated_at) = (seq, unit.stamp.at);
    let segment = record.target.segment();
    let identifier = match &record.target {
        Target::Segment(_) => None,
        Target::Identity(identifier) => Some(identifier.as_str()),
    };
    let id = diesel::insert_into(overrides::table)
        .values((
            (
                overrides::environment_id.eq(record.environment_id.0),
                overrides::feature_id.eq(record.feature_id.0),
                overrides::segment_id.eq(segment.map(|one| one.id.0)),
                overrides::identifier.eq(identifier),
                overrides::priority.eq(segment.map(|one| i64::from(u32::from(one.priority)))),
                overrides::rollout.eq(rollout(segment)),
                overrides::rollout_seed.eq(segment.map(|one| one.rollout_seed.as_i64())),
            ),
            overrides::enabled.eq(record.enabled),
            overrides::value.eq(record.value.to_json()),
            overrides::variants.eq(shares_to_column(&record.variants)),
            overrides::seed.eq(record.seed.as_str()),
            overrides::hash.eq(record.hash.as_str()),
            overrides::updated_at.eq(record.updated_at.as_micros()),
            overrides::version.eq(seq.0),
        ))
        .returning(overrides::id)
        .get_result(unit.connection)?;
    record.id = OverrideId(id);
    append(unit, seq, &NewChange::of_override(None, Some(&record))?)?;
    Ok(Written {
        record,
        revision: seq,
    })
}

fn rollout(segment: Option<&SegmentTarget>) -> Option<String> {
    let rollout = segment.and_then(|one| one.rollout);
    rollout.map(|share| share.to_string())
}

/// Who gets a new override.
fn target(
    connection: &mut DbConnection,
    flag: &Flag,
    new: &NewOverride,
    seeds: &OverrideSeeds,
) -> Work<Target> {
    let name = match &new.target {
        TargetName::Segment(name) => name,
        TargetName::Identity(identifier) => return Ok(Target::Identity(identifier.clone())),
    };
    let segment = match segments::get(connection, name) {
        Err(WorkError::Refused(FlagError::SegmentNotFound(_))) => {
            return refuse(FlagError::Invalid {
                field: "segment",
                reason: Invalid::new(format!(
                    "must name a segment, and {:?} is none",
                    name.as_str()
                )),
            });
        }
        found => found?,
    };
    let priority = match new.priority {
        Some(priority) => priority,
        None => match last(connection, flag)? {
            Some(last) => behind(last).map_err(WorkError::Refused)?,
            None => Priority::default(),
        },
    };
    Ok(Target::Segment(SegmentTarget {
        id: segment.id,
        name: segment.name,
        priority,
        rollout: new.rollout,
        rollout_seed: seeds.rollout,
    }))
}

/// The weakest priority among a flag's overrides.
fn last(connection: &mut DbConnection, flag: &Flag) -> QueryResult<Option<Priority>> {
    let last: Option<i64> = overrides::table
        .filter(overrides::environment_id.eq(flag.environment_id.0))
        .filter(overrides::feature_id.eq(flag.feature_id.0))
        .select(diesel::dsl::max(overrides::priority))
        .first(connection)?;
    Ok(last.map(Priority::stored))
}

/// Moves back what stands where a record is to be put.
fn move_back(unit: &mut UnitOfWork<'_>, flag: &Flag, record: &Override) -> Work<()> {
    let Some(wanted) = record.target.segment() else {
        return Ok(());
    };
    let others = Wanted {
        of_segments: true,
        ..of(flag, &[flag.environment_id.0])
    }
    .load(unit.connection)?;
    let taken = others.iter().enumerate().filter_map(|(at, other)| {
        let segment = other.target.segment()?;
        (segment.id != wanted.id).then_some((at, segment.priority))
    });
    let moved = make_room(taken.collect(), wanted.priority).map_err(WorkError::Refused)?;
    for (at, priority) in moved {
        let before = &others[at];
        let mut after = before.clone();
        if let Target::Segment(segment) = &mut after.target {
            segment.priority = priority;
        }
        write(unit, before, after)?;
    }
    Ok(())
}

fn write(
    unit: &mut UnitOfWork<'_>,
    before: &Override,
    mut after: Override,
) -> Work<Written<Override>> {
    let seq = unit.next_seq()?;
    (after.version, after.updated_at) = (seq, unit.stamp.at);
    let segment = after.target.segment();
    diesel::update(overrides::table.find(after.id.0))
        .set((
            overrides::enabled.eq(after.enabled),
            overrides::value.eq(after.value.to_json()),
            overrides::variants.eq(shares_to_column(&after.variants)),
            overrides::priority.eq(segment.map(|one| i64::from(u32::from(one.priority)))),
            overrides::rollout.eq(rollout(segment)),
            overrides::updated_at.eq(after.updated_at.as_micros()),
            overrides::version.eq(seq.0),
        ))
        .execute(unit.connection)?;
    append(
        unit,
        seq,
        &NewChange::of_override(Some(before), Some(&after))?,
    )?;
    Ok(Written {
        record: after,
        revision: seq,
    })
}

pub(crate) fn change(
    unit: &mut UnitOfWork<'_>,
    before: &Override,
    change: &ChangeOverride,
    neighbours: Neighbours,
) -> Work<Written<Override>> {
    let flag = work::get_flag(unit.connection, &before.environment, &before.feature)?;
    let known = work::get_feature(unit.connection, &before.feature)?.variants;
    let after = change.apply(before, &known).map_err(WorkError::Refused)?;
    if after == *before {
        return Ok(unchanged(after.version, after));
    }
    let place = |one: &Override| one.target.segment().map(|segment| segment.priority);
    if neighbours == Neighbours::MoveBack && place(&after) != place(before) {
        move_back(unit, &flag, &after)?;
    }
    write(unit, before, after)
}

pub(crate) fn delete(unit: &mut UnitOfWork<'_>, before: &Override) -> Work<Seq> {
    let seq = unit.next_seq()?;
    append(unit, seq, &NewChange::of_override(Some(before), None)?)?;
    diesel::delete(overrides::table.find(before.id.0)).execute(unit.connection)?;
    Ok(seq)
}

/// The override of this id, where it is at a version that is accepted.
pub(super) fn get_accepted(
    unit: &mut UnitOfWork<'_>,
    environment: &EnvironmentName,
    feature: &FeatureName,
    id: OverrideId,
    precondition: &Precondition,
) -> Work<Override> {
    let before = get(unit.connection, environment, feature, id)?;
    check(precondition, before.version)?;
    Ok(before)
}

/// The flags that have overrides for a segment, in words.
pub(super) fn users(connection: &mut DbConnection, segment: SegmentId) -> Work<Vec<String>> {
    users_where(connection, segment, |_| true)
}

/// The flags that have a rollout for a segment, in words.
pub(super) fn rollouts(connection: &mut DbConnection, segment: SegmentId) -> Work<Vec<String>> {
    users_where(connection, segment, |one| {
        rollout(one.target.segment()).is_some()
    })
}

fn users_where(
    connection: &mut DbConnection,
    segment: SegmentId,
    wanted: impl Fn(&Override) -> bool,
) -> Work<Vec<String>> {
    let of_segment = Wanted {
        segment: Some(segment),
        ..Wanted::default()
    };
    let found = of_segment.load(connection)?;
    let found = found.iter().filter(|one| wanted(one));
    Ok(found.map(in_words).collect())
}

fn in_words(one: &Override) -> String {
    format!(
        "{:?} in {:?}",
        one.feature.as_str(),
        one.environment.as_str()
    )
}

/// Where a feature's overrides give a variant a share, in words.
pub(super) fn places(
    connection: &mut DbConnection,
    feature: FeatureId,
    key: &VariantKey,
) -> QueryResult<Vec<String>> {
    let of_feature = Wanted {
        feature: Some(feature),
        ..Wanted::default()
    };
    let found = of_feature.load(connection)?;
    let gives = |one: &&Override| one.variants.iter().any(|share| share.variant == *key);
    let told = found.iter().filter(gives).map(|one| {
        let environment = one.environment.as_str();
        format!("the override for {} in {environment:?}", one.target.name())
    });
    Ok(told.collect())
}
