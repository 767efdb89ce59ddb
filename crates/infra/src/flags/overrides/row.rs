//! Rows of overrides, and the ways in which they are read.

use diesel::prelude::*;
use flagstaff_domain::flags::targeting::{
    Override, Percentage, Priority, SegmentTarget, SplitSeed, Target,
};
use flagstaff_domain::flags::{FlagValue, Seed, SplitHash};
use flagstaff_domain::ids::{EnvironmentId, FeatureId, OverrideId, SegmentId, Seq};
use flagstaff_domain::text::{EnvironmentName, FeatureName, Identifier, Invalid, SegmentName};

use crate::db::DbConnection;
use crate::db::columns::instant;
use crate::db::error::invalid;
use crate::db::schema::{environments, features, overrides, segments};
use crate::flags::rows::shares_from_column;

#[derive(Queryable, Selectable)]
#[diesel(table_name = overrides)]
pub(super) struct OverrideRow {
    id: i64,
    environment_id: i64,
    feature_id: i64,
    segment_id: Option<i64>,
    identifier: Option<String>,
    enabled: bool,
    value: String,
    variants: String,
    priority: Option<i64>,
    rollout: Option<String>,
    rollout_seed: Option<i64>,
    seed: String,
    hash: String,
    updated_at: i64,
    version: i64,
}

/// A row with the names of its environment, feature and segment.
type Named = (OverrideRow, String, String, Option<String>);

fn record((row, environment, feature, segment): Named) -> QueryResult<Override> {
    into_override(row, environment, feature, segment).map_err(invalid)
}

fn into_override(
    row: OverrideRow,
    environment: String,
    feature: String,
    segment: Option<String>,
) -> Result<Override, Invalid> {
    Ok(Override {
        target: target(&row, segment)?,
        id: OverrideId(row.id),
        feature_id: FeatureId(row.feature_id),
        feature: FeatureName::parse(feature)?,
        environment_id: EnvironmentId(row.environment_id),
        environment: EnvironmentName::parse(environment)?,
        enabled: row.enabled,
        value: FlagValue::parse(&row.value)?,
        variants: shares_from_column(&row.variants)?,
        seed: Seed::parse(row.seed)?,
        hash: SplitHash::try_from(row.hash)?,
        updated_at: instant(row.updated_at)?,
        version: Seq(row.version),
    })
}

fn target(row: &OverrideRow, segment: Option<String>) -> Result<Target, Invalid> {
    if let Some(identifier) = &row.identifier {
        return Identifier::parse(identifier.as_str()).map(Target::Identity);
    }
    let (Some(id), Some(name), Some(priority), Some(seed)) =
        (row.segment_id, segment, row.priority, row.rollout_seed)
    else {
        return Err(Invalid::new("a stored override has no whole target"));
    };
    let rollout = row.rollout.as_deref().map(|text| {
        let share: Result<Percentage, _> = serde_json::from_str(text);
        share.map_err(|error| Invalid::new(format!("stored rollout: {error}")))
    });
    Ok(Target::Segment(SegmentTarget {
        id: SegmentId(id),
        name: SegmentName::parse(name)?,
        priority: Priority::stored(priority),
        rollout: rollout.transpose()?,
        rollout_seed: SplitSeed::try_from(seed)?,
    }))
}

/// Which overrides are read; each filter that is given must hold.
#[derive(Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) environments: Option<&'a [i64]>,
    pub(crate) feature: Option<FeatureId>,
    pub(crate) segment: Option<SegmentId>,
    pub(crate) identifier: Option<&'a str>,
    /// Those for segments alone.
    pub(crate) of_segments: bool,
    pub(crate) id: Option<OverrideId>,
    /// Only what comes after the override of this id, which has this priority if any.
    pub(crate) after: Option<(OverrideId, Option<i64>)>,
    pub(crate) limit: Option<i64>,
}

impl Wanted<'_> {
    /// Those that are given: of each flag those for segments first, the strongest before the others, then the rest by age.
    pub(crate) fn load(&self, connection: &mut DbConnection) -> QueryResult<Vec<Override>> {
        let mut rows = overrides::table
            .inner_join(environments::table)
            .inner_join(features::table)
            .left_join(segments::table)
            .select((
                OverrideRow::as_select(),
                environments::name,
                features::name,
                segments::name.nullable(),
            ))
            .order((
                overrides::priority.is_null(),
                overrides::priority,
                overrides::id,
            ))
            .into_boxed();
        if let Some(ids) = self.environments {
            rows = rows.filter(overrides::environment_id.eq_any(ids.to_vec()));
        }
        if let Some(feature) = self.feature {
            rows = rows.filter(overrides::feature_id.eq(feature.0));
        }
        if let Some(segment) = self.segment {
            rows = rows.filter(overrides::segment_id.eq(segment.0));
        }
        if self.of_segments {
            rows = rows.filter(overrides::segment_id.is_not_null());
        }
        if let Some(identifier) = self.identifier {
            rows = rows.filter(overrides::identifier.eq(identifier));
        }
        if let Some(id) = self.id {
            rows = rows.filter(overrides::id.eq(id.0));
        }
        match self.after {
            None => {}
            Some((_, Some(priority))) => {
                let weaker = overrides::priority.gt(priority);
                rows = rows.filter(weaker.or(overrides::priority.is_null()));
            }
            Some((id, None)) => {
                rows = rows.filter(overrides::priority.is_null());
                rows = rows.filter(overrides::id.gt(id.0));
            }
        }
        if let Some(limit) = self.limit {
            rows = rows.limit(limit);
        }
        let rows: Vec<Named> = rows.load(connection)?;
        rows.into_iter().map(record).collect()
    }
}
