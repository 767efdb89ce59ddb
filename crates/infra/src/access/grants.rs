//! Reads the keys that open environments, for the key ring in memory.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use flagstaff_domain::access::{Grant, KeyChanges, KeyDigest, KeyKind, KeySource, KeyUpdate};
use flagstaff_domain::changes::ChangeKind;
use flagstaff_domain::ids::{EnvironmentId, Seq};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::Invalid;
use serde::Deserialize;

use crate::changes::bookmark::{Ahead, Bookmark};
use crate::changes::unit;
use crate::db::columns::instant;
use crate::db::schema::environment_keys;
use crate::db::{Db, DbConnection, WorkError};

/// The changes after which a key has to be looked at again. An environment's deletion is told of key by key.
const KEY_CHANGES: [ChangeKind; 6] = [
    ChangeKind::KeyCreated,
    ChangeKind::KeyChanged,
    ChangeKind::KeyDeleted,
    ChangeKind::GuidCreated,
    ChangeKind::GuidChanged,
    ChangeKind::GuidDeleted,
];
/// So many changed keys cost more one by one than all keys together.
const MANY: usize = 10_000;
/// How many keys are looked up at once: a statement takes a bounded number of values.
const AT_ONCE: usize = 500;

/// The key ring's source in the database.
#[derive(Debug, Clone)]
pub struct DieselKeySource {
    db: Db,
    bookmark: Bookmark,
}

impl DieselKeySource {
    /// The keys of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self {
            db,
            bookmark: Bookmark::default(),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = environment_keys)]
struct GrantRow {
    environment_id: Option<i64>,
    kind: String,
    digest: String,
    expires_at: Option<i64>,
}

impl TryFrom<GrantRow> for Grant {
    type Error = Invalid;

    fn try_from(row: GrantRow) -> Result<Self, Invalid> {
        Ok(Self {
            digest: KeyDigest::try_from(row.digest)?,
            environment: row
                .environment_id
                .map(EnvironmentId)
                .ok_or_else(|| Invalid::new("a key without an environment opens none"))?,
            kind: KeyKind::try_from(row.kind)?,
            expires_at: row.expires_at.map(instant).transpose()?,
        })
    }
}

impl KeySource for DieselKeySource {
    fn load(&self, since: Option<Seq>) -> Result<KeyUpdate, StorageError> {
        let bookmark = self.bookmark.clone();
        self.db
            .follow(move |connection| bookmark.resume(connection, since, read))
    }
}

fn read(
    connection: &mut DbConnection,
    ahead: &Ahead,
) -> Result<KeyUpdate, WorkError<StorageError>> {
    let changed = match ahead.since {
        Some(since) => Changed::since(connection, since)?,
        None => None,
    };
    let (keys, renamed) = match changed {
        Some(changed) => (
            KeyChanges::Only(grants_of(connection, &changed.digests)?),
            changed.renamed,
        ),
        None => (KeyChanges::All(all_grants(connection)?), true),
    };
    Ok(KeyUpdate {
        head: ahead.head,
        keys,
        renamed,
    })
}

/// What the log tells of.
struct Changed {
    /// The keys that changed.
    digests: BTreeSet<String>,
    /// Whether environments did, too.
    renamed: bool,
}

impl Changed {
    /// `None` when anything may have changed.
    fn since(connection: &mut DbConnection, since: Seq) -> QueryResult<Option<Self>> {
        let mut keys = 0;
        let mut renamed = false;
        for change in unit::since(connection, since)? {
            let Some(kind) = change.kind else {
                return Ok(None);
            };
            keys += usize::from(KEY_CHANGES.contains(&kind));
            renamed |= kind == ChangeKind::EnvironmentChanged;
        }
        let records = match keys {
            0 => Vec::new(),
            MANY.. => return Ok(None),
            _ => unit::records_since(connection, since, &KEY_CHANGES)?,
        };
        // A record that only a newer program can read may be of any key.
        let digests: Option<_> = records.iter().map(|record| digest(record)).collect();
        Ok(digests.map(|digests| Self { digests, renamed }))
    }
}

/// The digest in a key's record in the log.
fn digest(record: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Digested {
        digest: KeyDigest,
    }
    let record: Digested = serde_json::from_str(record).ok()?;
    Some(record.digest.to_string())
}

/// What each of these keys opens now.
fn grants_of(
    connection: &mut DbConnection,
    digests: &BTreeSet<String>,
) -> Result<Vec<(KeyDigest, Option<Grant>)>, WorkError<StorageError>> {
    let digests: Vec<&String> = digests.iter().collect();
    let mut found = HashMap::with_capacity(digests.len());
    for some in digests.chunks(AT_ONCE) {
        let rows: Vec<GrantRow> = environment_keys::table
            .filter(environment_keys::digest.eq_any(some.iter().copied()))
            .filter(environment_keys::environment_id.is_not_null())
            .select(GrantRow::as_select())
            .load(connection)?;
        for row in rows {
            let grant = Grant::try_from(row)?;
            found.insert(grant.digest, grant);
        }
    }
    let changes = digests.into_iter().map(|digest| {
        let digest = KeyDigest::try_from(digest.clone())?;
        Ok((digest, found.remove(&digest)))
    });
    Ok(changes.collect::<Result<_, Invalid>>()?)
}

/// The keys that open an environment. Records of the GUID register that open none are not even read: every id is greater
/// than 0, which the index of environments answers.
fn all_grants(connection: &mut DbConnection) -> Result<Vec<Grant>, WorkError<StorageError>> {
    let rows: Vec<GrantRow> = environment_keys::table
        .filter(environment_keys::environment_id.gt(0))
        .select(GrantRow::as_select())
        .load(connection)?;
    let grants = rows.into_iter().map(Grant::try_from);
    Ok(grants.collect::<Result<_, Invalid>>()?)
}
