//! Identities in the database: traces of use, of which the log tells nothing.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use flagstaff_domain::access::KeyDigest;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::Traits;
use flagstaff_domain::flags::traits::merged;
use flagstaff_domain::ids::EnvironmentId;
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::Invalid;

use super::names;
use crate::db::schema::identities;
use crate::db::{DbConnection, WorkError};

/// An identity as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = identities)]
pub(super) struct IdentityRow {
    pub(super) id: i64,
    pub(super) environment_id: i64,
    pub(super) identifier: String,
    traits: String,
    pub(super) seen_at: i64,
}

impl IdentityRow {
    /// What is remembered; nothing where it cannot be read, which is no reason to serve nobody.
    pub(super) fn traits(&self) -> Traits {
        read(&self.traits, self.id)
    }
}

fn read(traits: &str, id: i64) -> Traits {
    serde_json::from_str(traits).unwrap_or_else(|error| {
        log::warn!(id, error:%; "the traits of an identity cannot be read");
        Traits::new()
    })
}

fn digest(identifier: &str) -> String {
    KeyDigest::of(identifier.as_bytes()).to_string()
}

/// Changes to what is remembered of an identity, `Null` for what is forgotten.
#[derive(Debug, Clone)]
pub(super) struct Changes {
    pub(super) environment: EnvironmentId,
    pub(super) identifier: String,
    pub(super) changes: Traits,
}

/// Writes changes; returns for each what is remembered then. Of an environment that is no more nothing is.
pub(super) fn write(
    connection: &mut DbConnection,
    batch: &[Changes],
    now: Timestamp,
) -> Result<Vec<Traits>, WorkError<StorageError>> {
    let digests: Vec<String> = batch.iter().map(|one| digest(&one.identifier)).collect();
    let places: HashSet<i64> = batch.iter().map(|one| one.environment.0).collect();
    let stored: Vec<(i64, i64, String, String)> = identities::table
        .filter(identities::environment_id.eq_any(places))
        .filter(identities::digest.eq_any(&digests))
        .select((
            identities::id,
            identities::environment_id,
            identities::digest,
            identities::traits,
        ))
        .load(connection)?;
    let stored: HashMap<(i64, String), (i64, String)> = stored
        .into_iter()
        .map(|(id, environment, digest, traits)| ((environment, digest), (id, traits)))
        .collect();
    let environments: HashSet<_> = names::all(connection)?.into_keys().collect();
    let mut written = Vec::with_capacity(batch.len());
    for (one, digest) in batch.iter().zip(digests) {
        if !environments.contains(&one.environment) {
            written.push(Traits::new());
            continue;
        }
        let key = (one.environment.0, digest);
        let row = stored.get(&key);
        let known = row.map(|(id, traits)| read(traits, *id));
        let traits = merged(&known.unwrap_or_default(), &one.changes);
        let text = serde_json::to_string(&traits)
            .map_err(|error| Invalid::new(format!("cannot be written as JSON: {error}")))?;
        let seen = now.as_micros();
        match row {
            Some((id, _)) => {
                let row = diesel::update(identities::table.find(id));
                row.set((identities::traits.eq(text), identities::seen_at.eq(seen)))
                    .execute(connection)?
            }
            None => diesel::insert_into(identities::table)
                .values((
                    identities::environment_id.eq(key.0),
                    identities::digest.eq(key.1),
                    identities::identifier.eq(&one.identifier),
                    identities::traits.eq(text),
                    identities::seen_at.eq(seen),
                ))
                .execute(connection)?,
        };
        written.push(traits);
    }
    Ok(written)
}

/// Where somebody who reads identities by the time of their last visit has come: the time and the row.
pub(super) type Place = (i64, i64);

/// Identities before a place, those seen last first.
pub(super) fn latest(
    connection: &mut DbConnection,
    before: Option<Place>,
    limit: usize,
) -> QueryResult<Vec<IdentityRow>> {
    let mut rows = identities::table
        .select(IdentityRow::as_select())
        .order((identities::seen_at.desc(), identities::id.desc()))
        .limit(bounded(limit))
        .into_boxed();
    if let Some((at, id)) = before {
        let same = identities::seen_at.eq(at).and(identities::id.lt(id));
        rows = rows.filter(identities::seen_at.lt(at).or(same));
    }
    rows.load(connection)
}

/// Identities after a place until then, in the order in which they were seen.
pub(super) fn between(
    connection: &mut DbConnection,
    (at, id): Place,
    until: Timestamp,
    limit: usize,
) -> QueryResult<Vec<IdentityRow>> {
    let same = identities::seen_at.eq(at).and(identities::id.gt(id));
    identities::table
        .filter(identities::seen_at.le(until.as_micros()))
        .filter(identities::seen_at.gt(at).or(same))
        .select(IdentityRow::as_select())
        .order((identities::seen_at, identities::id))
        .limit(bounded(limit))
        .load(connection)
}

/// Removes the identities that were seen first: before then, or more than `most`; returns which.
pub(super) fn remove(
    connection: &mut DbConnection,
    before: Timestamp,
    most: usize,
    limit: usize,
) -> QueryResult<Vec<(i64, String)>> {
    let mut rows: Vec<(i64, i64, String)> = identities::table
        .filter(identities::seen_at.lt(before.as_micros()))
        .select((
            identities::id,
            identities::environment_id,
            identities::identifier,
        ))
        .order((identities::seen_at, identities::id))
        .limit(bounded(limit))
        .load(connection)?;
    if rows.is_empty() {
        let count: i64 = identities::table.count().get_result(connection)?;
        let surplus = count.saturating_sub(bounded(most)).clamp(0, bounded(limit));
        rows = identities::table
            .select((
                identities::id,
                identities::environment_id,
                identities::identifier,
            ))
            .order((identities::seen_at, identities::id))
            .limit(surplus)
            .load(connection)?;
    }
    let ids: Vec<i64> = rows.iter().map(|(id, ..)| *id).collect();
    diesel::delete(identities::table.filter(identities::id.eq_any(ids))).execute(connection)?;
    let removed = rows
        .into_iter()
        .map(|(_, environment, identifier)| (environment, identifier));
    Ok(removed.collect())
}

/// Removes some of an environment's identities; returns how many.
pub(super) fn forget(
    connection: &mut DbConnection,
    environment: EnvironmentId,
    limit: usize,
) -> QueryResult<usize> {
    let ids: Vec<i64> = identities::table
        .filter(identities::environment_id.eq(environment.0))
        .select(identities::id)
        .limit(bounded(limit))
        .load(connection)?;
    diesel::delete(identities::table.filter(identities::id.eq_any(ids))).execute(connection)
}

fn bounded(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
