//! Reads snapshots: for environments that changed since a position of the log, features and flags as of its head.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use diesel::prelude::*;
use flagstaff_domain::changes::{ChangeKind, Context};
use flagstaff_domain::flags::targeting::{Override, Segment};
use flagstaff_domain::flags::{
    Feature, HashKey, Snapshot, SnapshotFlag, SnapshotSource, SnapshotUpdate, Targeting,
};
use flagstaff_domain::ids::{EnvironmentId, Seq};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::{EnvironmentName, Invalid};

use super::overrides::Wanted;
use super::rows::{EnvironmentRow, FeatureRow, FlagRow};
use super::segments;
use super::variants::with_variants;
use crate::changes::bookmark::{Ahead, Bookmark};
use crate::changes::unit;
use crate::db::columns::instant;
use crate::db::error::invalid;
use crate::db::schema::{environments, features, flags};
use crate::db::{Db, DbConnection, WorkError};

/// Snapshots from the database.
#[derive(Debug, Clone)]
pub struct DieselSnapshotSource {
    db: Db,
    bookmark: Bookmark,
}

impl DieselSnapshotSource {
    /// The snapshots of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self {
            db,
            bookmark: Bookmark::default(),
        }
    }
}

/// Which environments changes affect.
enum Affected {
    All,
    Some(BTreeSet<EnvironmentId>),
}

impl SnapshotSource for DieselSnapshotSource {
    fn load(&self, since: Option<Seq>) -> Result<SnapshotUpdate, StorageError> {
        let bookmark = self.bookmark.clone();
        self.db
            .follow(move |connection| bookmark.resume(connection, since, read))
    }
}

fn read(
    connection: &mut DbConnection,
    ahead: &Ahead,
) -> Result<SnapshotUpdate, WorkError<StorageError>> {
    let nothing = SnapshotUpdate {
        head: ahead.head,
        whole: ahead.since.is_none(),
        ..SnapshotUpdate::default()
    };
    if ahead.since == Some(ahead.head) {
        return Ok(nothing);
    }
    let (affected, removed) = match ahead.since {
        None => (Affected::All, Vec::new()),
        Some(since) => changed_since(connection, since)?,
    };
    let snapshots = match affected {
        Affected::Some(ids) if ids.is_empty() => Vec::new(),
        affected => load(connection, affected)?.compile()?,
    };
    Ok(SnapshotUpdate {
        snapshots,
        removed,
        ..nothing
    })
}

/// Which environments the changes after a position affect, and which are no more.
fn changed_since(
    connection: &mut DbConnection,
    since: Seq,
) -> QueryResult<(Affected, Vec<EnvironmentId>)> {
    let mut changed = BTreeSet::new();
    let mut removed = BTreeSet::new();
    let mut all = false;
    for change in unit::since(connection, since)? {
        match (change.kind.map(ChangeKind::context), change.environment) {
            (Some(Context::Access | Context::Module(_)), _) => {}
            (None, _) | (Some(Context::Flags), None) => all = true,
            (Some(Context::Flags), Some(environment)) => {
                changed.insert(environment);
                if change.kind == Some(ChangeKind::EnvironmentDeleted) {
                    removed.insert(environment);
                }
            }
        }
    }
    let affected = if all {
        Affected::All
    } else {
        Affected::Some(&changed - &removed)
    };
    Ok((affected, removed.into_iter().collect()))
}

/// What is read of one environment, if there is one of this id.
pub(super) fn load_one(
    connection: &mut DbConnection,
    environment: EnvironmentId,
) -> QueryResult<Loaded> {
    load(connection, Affected::Some(BTreeSet::from([environment])))
}

/// What snapshots are made from; to compile them needs no connection any more.
pub(super) struct Loaded {
    environments: Vec<EnvironmentRow>,
    flags: HashMap<i64, Vec<SnapshotFlag>>,
    segments: Vec<Segment>,
    overrides: HashMap<i64, Vec<Override>>,
}

impl Loaded {
    /// The environments' snapshots.
    pub(super) fn compile(mut self) -> Result<Vec<Snapshot>, Invalid> {
        let snapshots = self.environments.into_iter().map(|row| {
            Ok(Snapshot::new(
                EnvironmentId(row.id),
                EnvironmentName::parse(row.name)?,
                HashKey::parse(row.hash_key)?,
                Seq(row.revision),
                instant(row.revised_at)?,
                self.flags.remove(&row.id).unwrap_or_default(),
                &Targeting {
                    segments: &self.segments,
                    overrides: self.overrides.remove(&row.id).unwrap_or_default(),
                },
            ))
        });
        snapshots.collect()
    }
}

fn load(connection: &mut DbConnection, affected: Affected) -> QueryResult<Loaded> {
    let mut environment_rows = environments::table
        .select(EnvironmentRow::as_select())
        .into_boxed();
    let mut flag_rows = flags::table.select(FlagRow::as_select()).into_boxed();
    let mut overrides = Wanted::default();
    let ids: Vec<i64>;
    if let Affected::Some(some) = affected {
        ids = some.into_iter().map(|id| id.0).collect();
        overrides.environments = Some(&ids);
        environment_rows = environment_rows.filter(environments::id.eq_any(ids.clone()));
        flag_rows = flag_rows.filter(flags::environment_id.eq_any(ids.clone()));
    }
    let feature_rows = features::table
        .select(FeatureRow::as_select())
        .load(connection)?;
    let features: HashMap<i64, Arc<Feature>> = with_variants(connection, feature_rows)?
        .into_iter()
        .map(|feature| (feature.id.0, Arc::new(feature)))
        .collect();
    let mut by_environment: HashMap<i64, Vec<SnapshotFlag>> = HashMap::new();
    for row in flag_rows.load::<FlagRow>(connection)? {
        let Some(feature) = features.get(&row.feature_id) else {
            continue; // impossible while foreign keys hold
        };
        by_environment
            .entry(row.environment_id)
            .or_default()
            .push(row.served(Arc::clone(feature)).map_err(invalid)?);
    }
    let segments = segments::load_all(connection)?;
    let mut overridden: HashMap<i64, Vec<Override>> = HashMap::new();
    for one in overrides.load(connection)? {
        let of_environment = overridden.entry(one.environment_id.0).or_default();
        of_environment.push(one);
    }
    Ok(Loaded {
        environments: environment_rows.load(connection)?,
        flags: by_environment,
        segments,
        overrides: overridden,
    })
}
