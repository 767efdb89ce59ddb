//! Reads the keys that open environments, for the key ring in memory.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use flagstaff_domain::access::{
    EnvironmentGrants, Grant, KeyDigest, KeyKind, KeySource, KeyUpdate,
};
use flagstaff_domain::changes::{ChangeKind, Context};
use flagstaff_domain::ids::{EnvironmentId, Seq};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::Invalid;

use crate::changes::unit;
use crate::db::columns::instant;
use crate::db::schema::environment_keys;
use crate::db::{Db, DbConnection, WorkError};

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
        self.db.follow(move |connection| {
            let head = unit::head(connection)?;
            let mut rows = environment_keys::table
                .select(GrantRow::as_select())
                .into_boxed();
            let mut environments = BTreeMap::new();
            let changed = match since {
                None => None,
                Some(since) => changed_since(connection, since)?,
            };
            if let Some(changed) = changed {
                if changed.is_empty() {
                    return Ok(KeyUpdate {
                        head,
                        environments: Vec::new(),
                    });
                }
                let ids: Vec<i64> = changed.iter().map(|id| id.0).collect();
                rows = rows.filter(environment_keys::environment_id.eq_any(ids));
                environments.extend(changed.into_iter().map(|id| (id, Vec::new())));
            }
            for row in rows.load(connection)? {
                let grant = Grant::try_from(row)?;
                let grants: &mut Vec<_> = environments.entry(grant.environment).or_default();
                grants.push(grant);
            }
            let environments =
                environments
                    .into_iter()
                    .map(|(environment, grants)| EnvironmentGrants {
                        environment,
                        grants,
                    });
            Ok::<_, WorkError<StorageError>>(KeyUpdate {
                head,
                environments: environments.collect(),
            })
        })
    }
}

/// The environments whose keys changed, or that were deleted with their keys; `None` when all may have changed.
fn changed_since(
    connection: &mut DbConnection,
    since: Seq,
) -> QueryResult<Option<BTreeSet<EnvironmentId>>> {
    let mut environments = BTreeSet::new();
    for change in unit::since(connection, since)? {
        let Some(kind) = change.kind else {
            return Ok(None);
        };
        if kind.context() == Context::Access || kind == ChangeKind::EnvironmentDeleted {
            environments.extend(change.environment);
        }
    }
    Ok(Some(environments))
}
