//! The keys of environments in the database.

use diesel::prelude::*;
use flagstaff_domain::access::{
    AccessError, ChangeKey, EnvironmentKey, KeyRepository, KeyText, NewKey,
};
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::Environment;
use flagstaff_domain::ids::{EnvironmentId, KeyId, Seq};
use flagstaff_domain::page::{Listing, Page};
use flagstaff_domain::text::{EnvironmentName, Invalid};
use flagstaff_domain::write::{Precondition, Stamp, Written};

use super::rows::{KeyRow, Stored};
use super::{Work, check, guids};
use crate::changes::unit::{self, UnitOfWork};
use crate::db::error::{invalid, one_more, refuse, unless_taken};
use crate::db::schema::environment_keys;
use crate::db::{Db, DbConnection, WorkError};
use crate::flags::names;

/// Keys in the database.
#[derive(Debug, Clone)]
pub struct DieselKeyRepository {
    db: Db,
}

impl DieselKeyRepository {
    /// The keys of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

/// The id and the name of an environment.
fn find_environment(
    connection: &mut DbConnection,
    name: &EnvironmentName,
) -> Work<(EnvironmentId, String)> {
    match names::find(connection, name.as_str())? {
        Some(found) => Ok(found),
        None => refuse(AccessError::EnvironmentNotFound(name.clone())),
    }
}

/// The row of a key, and its environment's name.
fn find_row(
    connection: &mut DbConnection,
    environment: &EnvironmentName,
    id: KeyId,
) -> Work<(KeyRow, String)> {
    let (environment_id, name) = find_environment(connection, environment)?;
    let row = environment_keys::table
        .find(id.0)
        .filter(environment_keys::environment_id.eq(environment_id.0))
        .select(KeyRow::as_select())
        .first(connection)
        .optional()?;
    match row {
        Some(row) => Ok((row, name)),
        None => refuse(AccessError::KeyNotFound(id)),
    }
}

fn get(
    connection: &mut DbConnection,
    environment: &EnvironmentName,
    id: KeyId,
) -> Work<EnvironmentKey> {
    let (row, name) = find_row(connection, environment, id)?;
    Ok(row.into_key(&name)?)
}

/// A key that is changed as one of its environment.
fn get_own(
    connection: &mut DbConnection,
    environment: &EnvironmentName,
    id: KeyId,
) -> Work<EnvironmentKey> {
    let key = get(connection, environment, id)?;
    match key.is_guid {
        true => refuse(AccessError::KeyIsGuid(id)),
        false => Ok(key),
    }
}

pub(crate) fn create(
    unit: &mut UnitOfWork<'_>,
    environment: &EnvironmentName,
    key: &NewKey,
) -> Work<Written<EnvironmentKey>> {
    let (environment_id, environment) = find_environment(unit.connection, environment)?;
    let seq = unit.next_seq()?;
    let inserted = diesel::insert_into(environment_keys::table)
        .values((
            environment_keys::environment_id.eq(environment_id.0),
            environment_keys::name.eq(key.name.as_str()),
            environment_keys::kind.eq(key.kind.as_str()),
            environment_keys::digest.eq(key.digest.to_string()),
            environment_keys::text.eq(key.text.as_ref().map(KeyText::reveal)),
            environment_keys::created_at.eq(unit.stamp.at.as_micros()),
            environment_keys::expires_at.eq(key.expires_at.map(Timestamp::as_micros)),
            environment_keys::version.eq(seq.0),
        ))
        .returning(environment_keys::id)
        .get_result(unit.connection);
    let id = unless_taken(inserted, || AccessError::KeyExists)?;
    let record = EnvironmentKey {
        id: KeyId(id),
        environment_id,
        environment: EnvironmentName::parse(environment)?,
        name: key.name.clone(),
        kind: key.kind,
        digest: key.digest,
        text: key.text.clone(),
        created_at: unit.stamp.at,
        expires_at: key.expires_at,
        is_guid: false,
        version: seq,
    };
    unit.append(seq, &NewChange::key(None, Some(&record))?)?;
    Ok(Written {
        record,
        revision: seq,
    })
}

/// Gives a key another name or expiry.
pub(crate) fn change(
    unit: &mut UnitOfWork<'_>,
    environment: &EnvironmentName,
    id: KeyId,
    change: &ChangeKey,
    precondition: &Precondition,
) -> Work<Written<EnvironmentKey>> {
    let before = get_own(unit.connection, environment, id)?;
    check(precondition, before.version)?;
    let mut after = change.apply(&before);
    if after != before {
        after.version = unit.next_seq()?;
        diesel::update(environment_keys::table.find(after.id.0))
            .set((
                environment_keys::name.eq(after.name.as_str()),
                environment_keys::expires_at.eq(after.expires_at.map(Timestamp::as_micros)),
                environment_keys::version.eq(after.version.0),
            ))
            .execute(unit.connection)?;
        unit.append(after.version, &NewChange::key(Some(&before), Some(&after))?)?;
    }
    Ok(Written {
        revision: after.version,
        record: after,
    })
}

pub(crate) fn delete(
    unit: &mut UnitOfWork<'_>,
    environment: &EnvironmentName,
    id: KeyId,
    precondition: &Precondition,
) -> Work<Seq> {
    let (row, name) = find_row(unit.connection, environment, id)?;
    check(precondition, Seq(row.version))?;
    Ok(revoke(unit, row, &name)?)
}

/// Deletes a key, and says in the log what it was.
fn revoke(unit: &mut UnitOfWork<'_>, row: KeyRow, environment: &str) -> QueryResult<Seq> {
    let key = match row.into_stored(environment).map_err(invalid)? {
        Stored::Guid(record) => return guids::revoke(unit, &record),
        Stored::Key(key) => key,
    };
    let seq = unit.next_seq()?;
    diesel::delete(environment_keys::table.find(key.id.0)).execute(unit.connection)?;
    unit.append(seq, &NewChange::key(Some(&key), None).map_err(invalid)?)?;
    Ok(seq)
}

/// Revokes every key of an environment that is about to be deleted, so that the log tells of each: GUIDs that open it are
/// keys of it, and go with it.
pub(crate) fn revoke_all(unit: &mut UnitOfWork<'_>, environment: &Environment) -> QueryResult<()> {
    let rows = environment_keys::table
        .filter(environment_keys::environment_id.eq(environment.id.0))
        .select(KeyRow::as_select())
        .order(environment_keys::id)
        .load(unit.connection)?;
    for row in rows {
        revoke(unit, row, environment.name.as_str())?;
    }
    Ok(())
}

fn rotate(
    unit: &mut UnitOfWork<'_>,
    environment: &EnvironmentName,
    old: KeyId,
    drawn: &[u8; 32],
    old_expires_at: Timestamp,
    precondition: &Precondition,
) -> Work<Written<EnvironmentKey>> {
    let old = get_own(unit.connection, environment, old)?;
    check(precondition, old.version)?;
    let until = old
        .expires_at
        .map_or(old_expires_at, |end| end.min(old_expires_at));
    let end = ChangeKey {
        name: None,
        expires_at: Some(Some(until)),
    };
    change(unit, environment, old.id, &end, &Precondition::Any)?;
    create(
        unit,
        environment,
        &NewKey::of(old.name, old.kind, &KeyText::of(old.kind, drawn), None),
    )
}

/// All keys of all environments in the order of their ids, without the GUID register's.
pub(crate) fn load_all(
    connection: &mut DbConnection,
) -> Result<Vec<EnvironmentKey>, WorkError<AccessError>> {
    let names = names::all(connection)?;
    let rows: Vec<KeyRow> = environment_keys::table
        .filter(environment_keys::environment_id.gt(0))
        .filter(environment_keys::user.is_null())
        .select(KeyRow::as_select())
        .order(environment_keys::id)
        .load(connection)?;
    let keys = rows.into_iter().map(|row| {
        let name = row
            .environment_id
            .and_then(|id| names.get(&EnvironmentId(id)));
        row.into_key(name.map_or("", String::as_str))
    });
    Ok(keys.collect::<Result<_, Invalid>>()?)
}

impl KeyRepository for DieselKeyRepository {
    fn list_keys(
        &self,
        environment: &EnvironmentName,
        page: &Page<KeyId>,
    ) -> Result<Listing<EnvironmentKey>, AccessError> {
        self.db.read(|connection| {
            let (id, name) = find_environment(connection, environment)?;
            let rows = environment_keys::table
                .filter(environment_keys::environment_id.eq(id.0))
                .filter(environment_keys::id.gt(page.after.map_or(0, |after| after.0)))
                .select(KeyRow::as_select())
                .order(environment_keys::id)
                .limit(one_more(page.limit))
                .load(connection)?;
            let keys = rows.into_iter().map(|row| row.into_key(&name));
            Ok(Listing::cut(
                keys.collect::<Result<_, Invalid>>()?,
                page.limit,
            ))
        })
    }

    fn get_key(
        &self,
        environment: &EnvironmentName,
        key: KeyId,
    ) -> Result<EnvironmentKey, AccessError> {
        self.db.read(|connection| get(connection, environment, key))
    }

    fn create_key(
        &self,
        environment: &EnvironmentName,
        key: &NewKey,
        stamp: &Stamp,
    ) -> Result<Written<EnvironmentKey>, AccessError> {
        let (environment, key) = (environment.clone(), key.clone());
        unit::write(&self.db, stamp, move |unit| {
            create(unit, &environment, &key)
        })
    }

    fn change_key(
        &self,
        environment: &EnvironmentName,
        key: KeyId,
        change: &ChangeKey,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<EnvironmentKey>, AccessError> {
        let (environment, wanted) = (environment.clone(), change.clone());
        let precondition = precondition.clone();
        unit::write(&self.db, stamp, move |unit| {
            self::change(unit, &environment, key, &wanted, &precondition)
        })
    }

    fn rotate_key(
        &self,
        environment: &EnvironmentName,
        old: KeyId,
        drawn: &[u8; 32],
        old_expires_at: Timestamp,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<EnvironmentKey>, AccessError> {
        let (environment, drawn) = (environment.clone(), *drawn);
        let precondition = precondition.clone();
        unit::write(&self.db, stamp, move |unit| {
            rotate(
                unit,
                &environment,
                old,
                &drawn,
                old_expires_at,
                &precondition,
            )
        })
    }

    fn delete_key(
        &self,
        environment: &EnvironmentName,
        key: KeyId,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, AccessError> {
        let (environment, precondition) = (environment.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            delete(unit, &environment, key, &precondition)
        })
    }
}
