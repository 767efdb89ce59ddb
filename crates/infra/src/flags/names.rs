//! The names of environments, for the other contexts: they know an environment by its id and ask here for the rest.

use std::collections::HashMap;

use diesel::prelude::*;
use flagstaff_domain::ids::EnvironmentId;
use flagstaff_domain::text::fold;

use crate::db::DbConnection;
use crate::db::schema::environments;

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
