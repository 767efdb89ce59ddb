//! Uses of features: counted in memory, and added to what is stored by the hour. Traces of use, of which the log tells
//! nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use diesel::prelude::*;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::usage::hour;
use flagstaff_domain::flags::{FeatureUse, HourOfUse, UsageLog, UsageQuery};
use flagstaff_domain::ids::{EnvironmentId, FeatureId};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::{EnvironmentName, FeatureName};
use parking_lot::{Mutex, RwLock};

use super::names;
use crate::db::columns::instant;
use crate::db::schema::{features, usage};
use crate::db::{Db, DbConnection, WorkError};

/// The most counts that wait for being stored; more are not counted. An hour of 1,000 features in 100 environments.
const WAITING: usize = 100_000;

/// Of how many features uses are removed at once: some 700 hours of each.
const FORGOTTEN: i64 = 20;

/// Uses in the memory of this process and in the database.
pub struct DieselUsageLog {
    db: Db,
    unwritten: Mutex<HashMap<Place, Count>>,
    /// Held while counts go from the one into the other, so that nobody sees them in both or in neither.
    moving: RwLock<()>,
}

/// What is counted: a feature in an environment in the hour that begins then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Place {
    environment: EnvironmentId,
    feature: FeatureId,
    hour: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    count: i64,
    last_used_at: Timestamp,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.last_used_at = self.last_used_at.max(other.last_used_at);
    }
}

impl DieselUsageLog {
    /// Uses in this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self {
            db,
            unwritten: Mutex::default(),
            moving: RwLock::default(),
        }
    }

    fn waiting(&self, wanted: impl Fn(&Place) -> bool) -> Vec<(Place, Count)> {
        let unwritten = self.unwritten.lock();
        let waiting = unwritten.iter().filter(|(place, _)| wanted(place));
        waiting.map(|(place, count)| (*place, *count)).collect()
    }
}

type Work<T> = Result<T, WorkError<StorageError>>;

fn write(connection: &mut DbConnection, batch: &[(Place, Count)]) -> Work<()> {
    let environments = names::all(connection)?;
    let ids: Vec<i64> = batch.iter().map(|(place, _)| place.feature.0).collect();
    let features = names::features(connection, &ids)?;
    for (place, count) in batch {
        if !environments.contains_key(&place.environment) || !features.contains_key(&place.feature)
        {
            continue;
        }
        let key = (place.environment.0, place.feature.0, place.hour.as_micros());
        let stored: Option<(i64, i64)> = usage::table
            .find(key)
            .select((usage::count, usage::last_used_at))
            .first(connection)
            .optional()?;
        let mut sum = *count;
        match stored {
            Some((count, last_used_at)) => {
                sum.add(Count {
                    count,
                    last_used_at: instant(last_used_at)?,
                });
                diesel::update(usage::table.find(key))
                    .set((
                        usage::count.eq(sum.count),
                        usage::last_used_at.eq(sum.last_used_at.as_micros()),
                    ))
                    .execute(connection)?;
            }
            None => {
                diesel::insert_into(usage::table)
                    .values((
                        usage::environment_id.eq(key.0),
                        usage::feature_id.eq(key.1),
                        usage::hour.eq(key.2),
                        usage::count.eq(sum.count),
                        usage::last_used_at.eq(sum.last_used_at.as_micros()),
                    ))
                    .execute(connection)?;
            }
        }
    }
    Ok(())
}

/// Removes the uses of some of an environment's features; returns how many there were.
pub(super) fn forget(
    connection: &mut DbConnection,
    environment: EnvironmentId,
) -> QueryResult<usize> {
    let of_environment = usage::environment_id.eq(environment.0);
    let features: Vec<i64> = usage::table
        .filter(of_environment)
        .select(usage::feature_id)
        .distinct()
        .limit(FORGOTTEN)
        .load(connection)?;
    let of_features = of_environment.and(usage::feature_id.eq_any(features));
    diesel::delete(usage::table.filter(of_features)).execute(connection)
}

/// The stored hours that a query asks for, with those that wait.
fn hours(
    connection: &mut DbConnection,
    query: &UsageQuery,
    waiting: &[(Place, Count)],
) -> Work<Vec<HourOfUse>> {
    let mut rows = usage::table
        .inner_join(features::table)
        .filter(usage::environment_id.eq(query.environment.0))
        .filter(usage::hour.ge(query.from.as_micros()))
        .filter(usage::hour.lt(query.to.as_micros()))
        .select((features::name, usage::hour, usage::count))
        .into_boxed();
    if let Some(feature) = query.feature {
        rows = rows.filter(usage::feature_id.eq(feature.0));
    }
    let rows: Vec<(String, i64, i64)> = rows.load(connection)?;
    let ids: BTreeSet<i64> = waiting.iter().map(|(place, _)| place.feature.0).collect();
    let ids = Vec::from_iter(ids);
    let names = names::features(connection, &ids)?;
    let waiting = waiting.iter().filter_map(|(place, count)| {
        let name = names.get(&place.feature)?.clone();
        Some((name, place.hour.as_micros(), count.count))
    });
    let mut sums: BTreeMap<(String, i64), i64> = BTreeMap::new();
    for (name, hour, count) in rows.into_iter().chain(waiting) {
        let sum = sums.entry((name, hour)).or_default();
        *sum = sum.saturating_add(count);
    }
    let hours = sums.into_iter().map(|((name, hour), count)| {
        Ok(HourOfUse {
            feature: FeatureName::parse(name)?,
            hour: instant(hour)?,
            count: u64::try_from(count).unwrap_or_default(),
        })
    });
    hours.collect()
}

/// The stored uses of a feature since then, with those that wait.
fn uses(
    connection: &mut DbConnection,
    feature: FeatureId,
    since: Timestamp,
    waiting: &[(Place, Count)],
) -> Work<Vec<FeatureUse>> {
    let Some(name) = names::features(connection, &[feature.0])?.remove(&feature) else {
        return Ok(Vec::new());
    };
    let name = FeatureName::parse(name)?;
    let rows: Vec<(i64, i64, i64)> = usage::table
        .filter(usage::feature_id.eq(feature.0))
        .filter(usage::last_used_at.ge(since.as_micros()))
        .select((usage::environment_id, usage::count, usage::last_used_at))
        .load(connection)?;
    let mut sums: HashMap<EnvironmentId, Count> = HashMap::new();
    let mut add = |environment, count: Count| {
        let sum = sums.entry(environment);
        sum.and_modify(|sum| sum.add(count)).or_insert(count);
    };
    for (environment, count, last_used_at) in rows {
        let last_used_at = instant(last_used_at)?;
        add(
            EnvironmentId(environment),
            Count {
                count,
                last_used_at,
            },
        );
    }
    for (place, count) in waiting {
        add(place.environment, *count);
    }
    let environments = names::all(connection)?;
    let mut uses = Vec::new();
    for (environment, count) in sums {
        if let Some(environment) = environments.get(&environment) {
            uses.push(FeatureUse {
                feature: name.clone(),
                environment: EnvironmentName::parse(environment.as_str())?,
                count: u64::try_from(count.count).unwrap_or_default(),
                last_used_at: count.last_used_at,
            });
        }
    }
    uses.sort_by(|a, b| {
        let latest = b.last_used_at.cmp(&a.last_used_at);
        latest.then_with(|| a.environment.cmp(&b.environment))
    });
    Ok(uses)
}

impl UsageLog for DieselUsageLog {
    fn count(&self, environment: EnvironmentId, feature: FeatureId, times: u64, at: Timestamp) {
        let place = Place {
            environment,
            feature,
            hour: hour(at),
        };
        let count = Count {
            count: i64::try_from(times).unwrap_or(i64::MAX),
            last_used_at: at,
        };
        let mut unwritten = self.unwritten.lock();
        if let Some(sum) = unwritten.get_mut(&place) {
            sum.add(count);
        } else if unwritten.len() < WAITING {
            unwritten.insert(place, count);
        }
    }

    fn list(&self, query: &UsageQuery) -> Result<Vec<HourOfUse>, StorageError> {
        let _still = self.moving.read();
        let waiting = self.waiting(|place| {
            place.environment == query.environment
                && query.feature.is_none_or(|feature| place.feature == feature)
                && (query.from..query.to).contains(&place.hour)
        });
        self.db
            .read(|connection| hours(connection, query, &waiting))
    }

    fn uses(&self, feature: FeatureId, since: Timestamp) -> Result<Vec<FeatureUse>, StorageError> {
        let _still = self.moving.read();
        let waiting = self.waiting(|place| place.feature == feature);
        let waiting: Vec<_> = waiting
            .into_iter()
            .filter(|(_, count)| count.last_used_at >= since)
            .collect();
        self.db
            .read(|connection| uses(connection, feature, since, &waiting))
    }

    fn write(&self, limit: usize) -> Result<usize, StorageError> {
        let _moving = self.moving.write();
        let mut batch = self.waiting(|_| true);
        // In one order on every instance.
        batch.sort_by_key(|(place, _)| *place);
        batch.truncate(limit);
        if batch.is_empty() {
            return Ok(0);
        }
        let stored = batch.clone();
        let written = self.db.write(move |connection| write(connection, &stored));
        // What may be stored is not stored once more: rather a count too low than one that is made up.
        if !matches!(written, Ok(()) | Err(StorageError::InDoubt(_))) {
            return written.map(|()| 0);
        }
        let mut unwritten = self.unwritten.lock();
        for (place, written) in &batch {
            if let Some(sum) = unwritten.get_mut(place) {
                sum.count -= written.count;
                if sum.count <= 0 {
                    unwritten.remove(place);
                }
            }
        }
        written.map(|()| batch.len())
    }

    fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.write(move |connection| -> Work<usize> {
            let hours: Vec<i64> = usage::table
                .filter(usage::hour.lt(before.as_micros()))
                .select(usage::hour)
                .order(usage::hour)
                .limit(limit)
                .load(connection)?;
            let Some(last) = hours.last() else {
                return Ok(0);
            };
            let gone = usage::table
                .filter(usage::hour.le(*last))
                .filter(usage::hour.lt(before.as_micros()));
            diesel::delete(gone).execute(connection)?;
            Ok(hours.len())
        })
    }
}

impl fmt::Debug for DieselUsageLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DieselUsageLog").finish_non_exhaustive()
    }
}
