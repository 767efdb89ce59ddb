//! Conditions on features: kept by the features' ids, shown by their names, and never round in a circle.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use flagstaff_domain::flags::FlagError;
use flagstaff_domain::flags::targeting::prerequisites::{
    Dependencies, LENGTH_MAX, Tangle, each, named,
};
use flagstaff_domain::flags::targeting::{Misplaced, Rule, Segment};
use flagstaff_domain::ids::{FeatureId, SegmentId};
use flagstaff_domain::text::{CONTROL, FeatureName, VariantKey};

use super::work::{self, Work};
use super::{names, segments};
use crate::db::error::refuse;
use crate::db::schema::overrides;
use crate::db::{DbConnection, WorkError};

/// Rules with the features' ids for their names; in `rules` the names become as the features write them.
pub(super) fn with_ids(connection: &mut DbConnection, rules: &mut [Rule]) -> Work<Vec<Rule>> {
    let mut ids = HashMap::new();
    each(rules, &mut |condition, place| {
        let misplaced = |field: &str, message: String| {
            let place = format!("{}.{field}", place());
            WorkError::Refused(FlagError::Misplaced(Misplaced::new(place, message)))
        };
        let unknown = || {
            let message = format!("must name a feature, and {:?} is none", condition.property);
            misplaced("property", message)
        };
        let name = FeatureName::parse(condition.property.clone()).map_err(|_| unknown())?;
        let feature = match work::get_feature(connection, &name) {
            Err(WorkError::Refused(FlagError::FeatureNotFound(_))) => return Err(unknown()),
            found => found?,
        };
        let variant = condition.value.text();
        let is_known = |key: &str| feature.variants.iter().any(|one| one.key.as_str() == key);
        if !variant.is_empty() && variant != CONTROL && !is_known(&variant) {
            let message = format!(
                "must be empty, or a variant of {:?}, and {variant:?} is none",
                feature.name.as_str()
            );
            return Err(misplaced("value", message));
        }
        condition.property = feature.name.to_string();
        ids.insert(condition.property.clone(), feature.id);
        Ok(())
    })?;
    let mut stored = rules.to_vec();
    rename(&mut stored, |name| ids.get(name).map(ToString::to_string));
    Ok(stored)
}

/// Gives features their names for their ids.
pub(super) fn with_names(
    connection: &mut DbConnection,
    segments: &mut [Segment],
) -> QueryResult<()> {
    let ids: BTreeSet<i64> = segments.iter().flat_map(|one| ids(&one.rules)).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let names = names::features(connection, &Vec::from_iter(ids))?;
    for segment in segments {
        rename(&mut segment.rules, |id| {
            let id = id.parse().map(FeatureId).ok()?;
            names.get(&id).cloned()
        });
    }
    Ok(())
}

fn rename(rules: &mut [Rule], name: impl Fn(&str) -> Option<String>) {
    let renamed: Result<(), std::convert::Infallible> = each(rules, &mut |condition, _| {
        if let Some(name) = name(&condition.property) {
            condition.property = name;
        }
        Ok(())
    });
    match renamed {
        Ok(()) => {}
    }
}

/// The features that stored rules ask for.
fn ids(rules: &[Rule]) -> Vec<i64> {
    let named = named(rules).into_iter();
    named.filter_map(|id| id.parse().ok()).collect()
}

/// The names of the segments that ask for a feature; with a variant, for that one.
pub(super) fn places(
    connection: &mut DbConnection,
    feature: FeatureId,
    variant: Option<&VariantKey>,
) -> Work<Vec<String>> {
    let mut places = Vec::new();
    for mut segment in segments::asking(connection)? {
        let mut asks = false;
        let visited: Result<(), std::convert::Infallible> =
            each(&mut segment.rules, &mut |condition, _| {
                asks |= condition.property == feature.to_string()
                    && variant.is_none_or(|key| condition.value.text() == key.as_str());
                Ok(())
            });
        match visited {
            Ok(()) if asks => places.push(format!("the segment {:?}", segment.name.as_str())),
            Ok(()) => {}
        }
    }
    Ok(places)
}

/// Refuses a unit of work after which features depend on one another in a circle, or in too long a row.
pub(super) fn check(connection: &mut DbConnection) -> Work<()> {
    let asking = segments::asking(connection)?;
    if asking.is_empty() {
        return Ok(());
    }
    let pairs: Vec<(i64, Option<i64>)> = overrides::table
        .filter(overrides::segment_id.is_not_null())
        .select((overrides::feature_id, overrides::segment_id))
        .distinct()
        .load(connection)?;
    let mut dependencies = Dependencies::default();
    for (feature, segment) in pairs {
        let segments = dependencies
            .overridden_by
            .entry(FeatureId(feature))
            .or_default();
        segments.extend(segment.map(SegmentId));
    }
    for segment in &asking {
        let features = ids(&segment.rules).into_iter().map(FeatureId).collect();
        dependencies.asks_for.insert(segment.id, features);
    }
    let Err(tangle) = dependencies.check() else {
        return Ok(());
    };
    let way = told(connection, &tangle, &asking)?;
    refuse(FlagError::Tangled(match tangle.is_circle() {
        true => format!("features would depend on one another in a circle: {way}"),
        false => format!(
            "features would depend on one another in a row of more than {LENGTH_MAX}, environments taken together: \
             {way}, and so on"
        ),
    }))
}

/// A tangle in words.
fn told(connection: &mut DbConnection, tangle: &Tangle, segments: &[Segment]) -> Work<String> {
    let Tangle { way, leads_to } = tangle;
    let ids = way.iter().map(|(feature, _)| feature).chain([leads_to]);
    let ids: Vec<i64> = ids.map(|feature| feature.0).collect();
    let features = names::features(connection, &ids)?;
    let steps = way.iter().map(|(feature, segment)| {
        let feature = features.get(feature).map_or("?", String::as_str);
        let segment = segments.iter().find(|one| one.id == *segment);
        let segment = segment.map_or("?", |one| one.name.as_str());
        format!("{feature:?} has an override for the segment {segment:?}, which asks for ")
    });
    let steps: String = steps.collect();
    let last = features.get(leads_to).map_or("?", String::as_str);
    Ok(format!("{steps}{last:?}"))
}
