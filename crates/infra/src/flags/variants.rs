//! The variants of features: read beside their features' rows, in the order of their ids. `feature_work.rs` writes them.

use std::collections::HashMap;

use diesel::prelude::*;
use flagstaff_domain::flags::targeting::{Share, Variant};
use flagstaff_domain::flags::{Feature, FlagValue};
use flagstaff_domain::ids::{FeatureId, VariantId};
use flagstaff_domain::page::PAGE_MAX;
use flagstaff_domain::text::{Invalid, VariantKey};

use super::rows::{FeatureRow, shares_from_column};
use super::work::Work;
use super::{overrides, prerequisites};
use crate::db::DbConnection;
use crate::db::error::invalid;
use crate::db::schema::{environments, flags, variants};

/// As many features as a page holds, and the one that tells of the next, are asked for by their ids; of more, everything is read.
const BY_ID: usize = PAGE_MAX + 1;

#[derive(Queryable, Selectable)]
#[diesel(table_name = variants)]
struct VariantRow {
    id: i64,
    feature_id: i64,
    key: String,
    value: String,
}

impl TryFrom<VariantRow> for Variant {
    type Error = Invalid;

    fn try_from(row: VariantRow) -> Result<Self, Invalid> {
        Ok(Self {
            id: VariantId(row.id),
            key: VariantKey::parse(row.key)?,
            value: FlagValue::parse(&row.value)?,
        })
    }
}

/// Features with their variants.
pub(crate) fn with_variants(
    connection: &mut DbConnection,
    features: Vec<FeatureRow>,
) -> QueryResult<Vec<Feature>> {
    let mut rows = variants::table
        .select(VariantRow::as_select())
        .order(variants::id)
        .into_boxed();
    if features.len() <= BY_ID {
        let ids: Vec<i64> = features.iter().map(|one| one.id).collect();
        rows = rows.filter(variants::feature_id.eq_any(ids));
    }
    let mut by_feature: HashMap<i64, Vec<Variant>> = HashMap::new();
    for row in rows.load(connection)? {
        let of_feature = by_feature.entry(row.feature_id).or_default();
        of_feature.push(row.try_into().map_err(invalid)?);
    }
    let with_theirs = features.into_iter().map(|row| {
        let variants = by_feature.remove(&row.id).unwrap_or_default();
        row.into_feature(variants).map_err(invalid)
    });
    with_theirs.collect()
}

/// Where identities get this variant, in words.
pub(crate) fn places(
    connection: &mut DbConnection,
    feature: FeatureId,
    key: &VariantKey,
) -> Work<Vec<String>> {
    let rows: Vec<(String, String)> = flags::table
        .inner_join(environments::table)
        .filter(flags::feature_id.eq(feature.0))
        .select((environments::name, flags::variants))
        .order(environments::name)
        .load(connection)?;
    let mut places = Vec::new();
    for (environment, column) in rows {
        let shares: Vec<Share> = shares_from_column(&column).map_err(invalid)?;
        if shares.iter().any(|share| share.variant == *key) {
            places.push(format!("the flag in {environment:?}"));
        }
    }
    places.extend(overrides::places(connection, feature, key)?);
    places.extend(prerequisites::places(connection, feature, Some(key))?);
    Ok(places)
}
