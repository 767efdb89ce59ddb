//! Reads the keys that open environments, for the key ring in memory.

use std::collections::BTreeMap;

use diesel::prelude::*;
use flagstaff_domain::access::{
    EnvironmentGrants, Grant, KeyDigest, KeyKind, KeySource, KeyUpdate,
};
use flagstaff_domain::changes::{ChangeKind, Context};
use flagstaff_domain::ids::{EnvironmentId, Seq};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::Invalid;

use crate::changes::unit;
use crate::db::schema::{changes, environment_keys};
use crate::db::{Db, DbConnection, WorkError};
use crate::flags::rows::instant;

/// The key ring's source in the database.
#[derive(Debug, Clone)]
pub struct DieselKeySource {
    db: Db,
}

impl DieselKeySource {
    /// The keys of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = environment_keys)]
struct GrantRow {
    environment_id: i64,
    kind: String,
    digest: String,
    expires_at: Option<i64>,
}

impl TryFrom<GrantRow> for Grant {
    type Error = Invalid;

    fn try_from(row: GrantRow) -> Result<Self, Invalid> {
        Ok(Self {
            digest: KeyDigest::try_from(row.digest)?,
            environment: EnvironmentId(row.environment_id),
            kind: KeyKind::try_from(row.kind)?,
            expires_at: row.expires_at.map(instant).transpose()?,
        })
    }
}

impl KeySource for DieselKeySource {
    fn load(&self, since: Option<Seq>) -> Result<KeyUpdate, StorageError> {
        self.db.follow(|connection| {
            let head = unit::head(connection)?;
            let mut rows = environment_keys::table
                .select(GrantRow::as_select())
                .into_boxed();
            let mut environments = BTreeMap::new();
            if let Some(since) = since {
                let changed = changed_since(connection, since, head)?;
                if changed.is_empty() {
                    return Ok(KeyUpdate {
                        head,
                        environments: Vec::new(),
                    });
                }
                environments.extend(changed.iter().map(|id| (*id, Vec::new())));
                rows = rows.filter(environment_keys::environment_id.eq_any(changed));
            }
            for row in rows.load(connection)? {
                let grants: &mut Vec<_> = environments.entry(row.environment_id).or_default();
                grants.push(Grant::try_from(row)?);
            }
            let environments = environments
                .into_iter()
                .map(|(id, grants)| EnvironmentGrants {
                    environment: EnvironmentId(id),
                    grants,
                });
            Ok::<_, WorkError<StorageError>>(KeyUpdate {
                head,
                environments: environments.collect(),
            })
        })
    }
}

/// The environments whose keys changed, or that were deleted with their keys.
fn changed_since(connection: &mut DbConnection, since: Seq, head: Seq) -> QueryResult<Vec<i64>> {
    if since == head {
        return Ok(Vec::new());
    }
    let ids: Vec<Option<i64>> = changes::table
        .filter(changes::seq.gt(since.0))
        .filter(
            changes::context
                .eq(Context::Access.as_str())
                .or(changes::kind.eq(ChangeKind::EnvironmentDeleted.as_str())),
        )
        .filter(changes::environment_id.is_not_null())
        .select(changes::environment_id)
        .distinct()
        .load(connection)?;
    Ok(ids.into_iter().flatten().collect())
}
