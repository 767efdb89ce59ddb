//! The memory of traits: a cache of a bounded size over what is stored, and what is not stored yet.
//!
//! An evaluation reads and writes memory alone; a job calls the upkeep. What is not in memory is not known until the identity
//! was written once, and so merged with what is stored.

mod unwritten;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::traits::{bytes, changes_anything, merged};
use flagstaff_domain::flags::{TraitStore, Traits};
use flagstaff_domain::ids::EnvironmentId;
use flagstaff_domain::storage::StorageError;
use moka::Equivalent;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use parking_lot::Mutex;

use self::unwritten::Unwritten;
use super::identity_rows::{self, Changes, IdentityRow, Place};
use crate::db::{Db, WorkError};

/// How many of those that are remembered may be stored for each that fits into memory.
const STORED: usize = 10;
/// How often it is noted that an identity was seen, of which nothing else changes.
const NOTED: u32 = 60 * 60;
/// How long after a time what was stored at that time is looked for: commits take a while, and clocks differ.
const LAG: u32 = 5;
/// How many identities are read at once at the start.
const PAGE: usize = 5_000;
/// The bytes that an identity takes beside its texts, and so each of its traits.
const BARE: usize = 100;
/// The bytes of one identity as the size of the memory is counted; one that takes more counts for several.
const ROOM: usize = 1024;

/// Traits in the memory of this process and in the database.
pub struct MokaTraitStore {
    db: Db,
    memory: Cache<Key, Known>,
    /// Changes that are not stored. Held while what is in memory changes.
    unwritten: Mutex<Unwritten>,
    size: usize,
    followed: Mutex<Place>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    environment: EnvironmentId,
    identifier: Arc<str>,
}

/// A key that is only looked for.
struct Sought<'a>(EnvironmentId, &'a str);

impl Hash for Sought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl Equivalent<Key> for Sought<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0 == key.environment && *self.1 == *key.identifier
    }
}

#[derive(Debug, Clone)]
struct Known {
    traits: Arc<Traits>,
    /// When it was last noted that the identity was seen.
    noted_at: Timestamp,
    /// Whether it is all that is stored, too.
    whole: bool,
}

impl Known {
    /// Whether there is nothing to remember of these changes, nor of the visit.
    fn is_current(&self, changes: &Traits, at: Timestamp) -> bool {
        (self.whole || changes.is_empty())
            && at < self.noted_at.plus_seconds(NOTED)
            && !changes_anything(&self.traits, changes)
    }
}

/// How many identities of the usual size one counts for.
fn units(key: &Key, traits: &Traits) -> usize {
    let traits = BARE * traits.len() + bytes(traits.iter());
    (BARE + key.identifier.len() + traits).div_ceil(ROOM)
}

fn weight(key: &Key, known: &Known) -> u32 {
    u32::try_from(units(key, &known.traits)).unwrap_or(u32::MAX)
}

impl MokaTraitStore {
    /// A memory of that many identities over this database, empty until [`TraitStore::load`] fills it.
    #[must_use]
    pub fn new(db: Db, size: usize) -> Self {
        Self {
            db,
            memory: Cache::builder()
                .max_capacity(size as u64)
                .weigher(weight)
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            unwritten: Mutex::default(),
            size,
            followed: Mutex::default(),
        }
    }

    fn change(&self, key: Key, changes: &Traits, at: Timestamp) -> Arc<Traits> {
        let mut unwritten = self.unwritten.lock();
        let known = self.memory.get(&key);
        let before = known.as_ref().map(|known| known.traits.as_ref());
        let traits = Arc::new(merged(before.unwrap_or(&Traits::new()), changes));
        // Without room the next visit tells it once more.
        let kept = unwritten.add(&key, changes, self.size);
        let known = Known {
            traits: Arc::clone(&traits),
            noted_at: at,
            whole: kept && known.is_some_and(|known| known.whole),
        };
        self.memory.insert(key, known);
        traits
    }

    /// Takes over what is stored of an identity, and what was changed since.
    fn settle(&self, key: Key, stored: &Traits, seen_at: Timestamp) {
        let unwritten = self.unwritten.lock();
        let known = self.memory.get(&key);
        let traits = match unwritten.get(&key) {
            Some(changes) => merged(stored, changes),
            None => stored.clone(),
        };
        let same = |known: &Known| known.whole && *known.traits == traits;
        if known.as_ref().is_some_and(same) {
            return;
        }
        let noted_at = known.map_or(seen_at, |known| known.noted_at);
        let known = Known {
            traits: Arc::new(traits),
            noted_at,
            whole: true,
        };
        self.memory.insert(key, known);
    }
}

fn key(row: &IdentityRow) -> Key {
    Key {
        environment: EnvironmentId(row.environment_id),
        identifier: row.identifier.as_str().into(),
    }
}

impl TraitStore for MokaTraitStore {
    fn find(&self, environment: EnvironmentId, identifier: &str) -> Arc<Traits> {
        let known = self.memory.get(&Sought(environment, identifier));
        known.map(|known| known.traits).unwrap_or_default()
    }

    fn remember(
        &self,
        environment: EnvironmentId,
        identifier: &str,
        changes: &Traits,
        at: Timestamp,
    ) -> Arc<Traits> {
        match self.memory.get(&Sought(environment, identifier)) {
            None if changes.is_empty() => return Arc::default(),
            Some(known) if known.is_current(changes, at) => return known.traits,
            None | Some(_) => {}
        }
        let key = Key {
            environment,
            identifier: identifier.into(),
        };
        self.change(key, changes, at)
    }

    fn load(&self) -> Result<usize, StorageError> {
        let mut found: Vec<(Key, Known)> = Vec::new();
        let (mut before, mut newest, mut room) = (None, None, self.size);
        loop {
            let page = |connection: &mut _| -> Result<_, WorkError<StorageError>> {
                Ok(identity_rows::latest(connection, before, PAGE)?)
            };
            let rows = self.db.read(page)?;
            let last = rows.len() < PAGE;
            newest = newest.or(rows.first().map(|row| row.seen_at));
            before = rows.last().map(|row| (row.seen_at, row.id)).or(before);
            for row in rows {
                let known = Known {
                    traits: Arc::new(row.traits()),
                    noted_at: Timestamp::from_micros(row.seen_at).unwrap_or_default(),
                    whole: true,
                };
                let key = key(&row);
                let takes = usize::try_from(weight(&key, &known)).unwrap_or(usize::MAX);
                room = room.saturating_sub(takes);
                found.push((key, known));
            }
            if last || room == 0 {
                break;
            }
        }
        let loaded = found.len();
        // The oldest first, so that they are the first that have to go.
        for (key, known) in found.into_iter().rev() {
            self.settle(key, &known.traits, known.noted_at);
        }
        // Others may still commit what was seen shortly before the newest.
        if let Some(newest) = newest.and_then(Timestamp::from_micros) {
            *self.followed.lock() = (newest.minus_seconds(LAG).as_micros(), 0);
        }
        Ok(loaded)
    }

    fn write(&self, limit: usize, now: Timestamp) -> Result<usize, StorageError> {
        let batch = self.unwritten.lock().take(limit);
        if batch.is_empty() {
            return Ok(0);
        }
        let changes = batch.iter().map(|(key, changes)| Changes {
            environment: key.environment,
            identifier: key.identifier.to_string(),
            changes: changes.clone(),
        });
        let changes: Vec<Changes> = changes.collect();
        let written = self
            .db
            .write(move |connection| identity_rows::write(connection, &changes, now));
        match written {
            Ok(stored) => {
                let written = batch.len();
                for ((key, _), stored) in batch.into_iter().zip(stored) {
                    self.settle(key, &stored, now);
                }
                Ok(written)
            }
            Err(error) => {
                self.unwritten.lock().put_back(batch);
                Err(error)
            }
        }
    }

    fn follow(&self, limit: usize, now: Timestamp) -> Result<usize, StorageError> {
        let after = *self.followed.lock();
        let until = now.minus_seconds(LAG);
        let rows = self
            .db
            .read(|connection| -> Result<_, WorkError<StorageError>> {
                Ok(identity_rows::between(connection, after, until, limit)?)
            })?;
        for row in &rows {
            let seen_at = Timestamp::from_micros(row.seen_at).unwrap_or_default();
            self.settle(key(row), &row.traits(), seen_at);
        }
        if let Some(last) = rows.last() {
            *self.followed.lock() = (last.seen_at, last.id);
        }
        Ok(rows.len())
    }

    fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let most = self.size.saturating_mul(STORED);
        let removed = self
            .db
            .write(move |connection| -> Result<_, WorkError<StorageError>> {
                Ok(identity_rows::remove(connection, before, most, limit)?)
            })?;
        for (environment, identifier) in &removed {
            let environment = EnvironmentId(*environment);
            self.memory.invalidate(&Sought(environment, identifier));
        }
        Ok(removed.len())
    }
}

impl fmt::Debug for MokaTraitStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MokaTraitStore")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}
