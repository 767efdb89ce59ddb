//! The names of environments and features, for the other contexts: they know them by their ids and ask here for the rest.

use std::collections::HashMap;

use diesel::prelude::*;
use flagstaff_domain::ids::{EnvironmentId, FeatureId};
use flagstaff_domain::text::fold;

use crate::db::DbConnection;
use crate::db::schema::{environments, features};

/// The environment that has this name now, with its name as it is written.
pub(crate) fn find(
    connection: &mut DbConnection,
    name: &str,
) -> QueryResult<Option<(EnvironmentId, String)>> {
    let row: Option<(i64, String)> = environments::table
        .filter(environments::name_folded.eq(fold(name)))
        .select((environments::id, environments::name))
        .first(connection)
        .optional()?;
    Ok(row.map(|(id, name)| (EnvironmentId(id), name)))
}

/// The name of an environment.
pub(crate) fn of(connection: &mut DbConnection, id: EnvironmentId) -> QueryResult<Option<String>> {
    environments::table
        .find(id.0)
        .select(environments::name)
        .first(connection)
        .optional()
}

/// The names of all environments.
pub(crate) fn all(connection: &mut DbConnection) -> QueryResult<HashMap<EnvironmentId, String>> {
    let rows: Vec<(i64, String)> = environments::table
        .select((environments::id, environments::name))
        .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|(id, name)| (EnvironmentId(id), name))
        .collect())
}

/// The feature that has this name now.
#[cfg_attr(
    not(feature = "coupons"),
    allow(dead_code, reason = "the core asks for features itself")
)]
pub(crate) fn find_feature(
    connection: &mut DbConnection,
    name: &str,
) -> QueryResult<Option<FeatureId>> {
    let id: Option<i64> = features::table
        .filter(features::name_folded.eq(fold(name)))
        .select(features::id)
        .first(connection)
        .optional()?;
    Ok(id.map(FeatureId))
}

/// The names of these features, as far as they are there.
pub(crate) fn features(
    connection: &mut DbConnection,
    ids: &[i64],
) -> QueryResult<HashMap<FeatureId, String>> {
    let rows: Vec<(i64, String)> = features::table
        .filter(features::id.eq_any(ids))
        .select((features::id, features::name))
        .load(connection)?;
    Ok(rows
        .into_iter()
        .map(|(id, name)| (FeatureId(id), name))
        .collect())
}
