//! The keys of environments in the database.

use diesel::prelude::*;
use flagstaff_domain::access::{
    AccessError, ChangeKey, EnvironmentKey, KeyDigest, KeyKind, KeyRepository, KeyText, NewKey,
};
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::Environment;
use flagstaff_domain::ids::{EnvironmentId, KeyId, Seq};
use flagstaff_domain::page::{Listing, Page};
use flagstaff_domain::text::{EnvironmentName, Invalid, KeyName};
use flagstaff_domain::write::{Precondition, Stamp, Written};

use crate::changes::unit::UnitOfWork;
use crate::db::columns::instant;
use crate::db::error::{invalid, one_more, refuse, unless_taken};
use crate::db::schema::environment_keys;
use crate::db::{Db, DbConnection, WorkError};
use crate::flags::names;

type Work<T> = Result<T, WorkError<AccessError>>;

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

    fn write<T: Send + 'static>(
        &self,
        stamp: &Stamp,
        work: impl FnOnce(&mut UnitOfWork<'_>) -> Work<T> + Send + 'static,
    ) -> Result<T, AccessError> {
        let stamp = stamp.clone();
        self.db
            .write(move |connection| work(&mut UnitOfWork::new(connection, &stamp)))
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = environment_keys)]
struct KeyRow {
    id: i64,
    environment_id: i64,
    name: String,
    kind: String,
    digest: String,
    text: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    version: i64,
}

impl KeyRow {
    fn into_key(self, environment: &str) -> Result<EnvironmentKey, Invalid> {
        Ok(EnvironmentKey {
            id: KeyId(self.id),
            environment_id: EnvironmentId(self.environment_id),
            environment: EnvironmentName::parse(environment)?,
            name: KeyName::parse(self.name)?,
            kind: KeyKind::try_from(self.kind)?,
            digest: KeyDigest::try_from(self.digest)?,
            text: self.text.map(KeyText::parse).transpose()?,
            created_at: instant(self.created_at)?,
            expires_at: self.expires_at.map(instant).transpose()?,
            version: Seq(self.version),
        })
    }
}

fn check(precondition: &Precondition, version: Seq) -> Work<()> {
    precondition
        .check(version)
        .map_err(|mismatch| WorkError::Refused(mismatch.into()))
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

fn get(
    connection: &mut DbConnection,
    environment: &EnvironmentName,
    id: KeyId,
) -> Work<EnvironmentKey> {
    let (environment_id, name) = find_environment(connection, environment)?;
    let row = environment_keys::table
        .find(id.0)
        .filter(environment_keys::environment_id.eq(environment_id.0))
        .select(KeyRow::as_select())
        .first(connection)
        .optional()?;
    match row {
        Some(row) => Ok(row.into_key(&name)?),
        None => refuse(AccessError::KeyNotFound(id)),
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
    let before = get(unit.connection, environment, id)?;
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
    let before = get(unit.connection, environment, id)?;
    check(precondition, before.version)?;
    Ok(revoke(unit, &before)?)
}

fn revoke(unit: &mut UnitOfWork<'_>, key: &EnvironmentKey) -> QueryResult<Seq> {
    let seq = unit.next_seq()?;
    diesel::delete(environment_keys::table.find(key.id.0)).execute(unit.connection)?;
    unit.append(seq, &NewChange::key(Some(key), None).map_err(invalid)?)?;
    Ok(seq)
}

/// Revokes every key of an environment that is about to be deleted, so that the log tells of each.
pub(crate) fn revoke_all(unit: &mut UnitOfWork<'_>, environment: &Environment) -> QueryResult<()> {
    let rows = environment_keys::table
        .filter(environment_keys::environment_id.eq(environment.id.0))
        .select(KeyRow::as_select())
        .order(environment_keys::id)
        .load(unit.connection)?;
    for row in rows {
        let key = row.into_key(environment.name.as_str()).map_err(invalid)?;
        revoke(unit, &key)?;
    }
    Ok(())
}

fn rotate(
    unit: &mut UnitOfWork<'_>,
    environment: &EnvironmentName,
    old: KeyId,
    text: &KeyText,
    old_expires_at: Timestamp,
    precondition: &Precondition,
) -> Work<Written<EnvironmentKey>> {
    let old = get(unit.connection, environment, old)?;
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
        &NewKey::of(old.name, old.kind, text, None),
    )
}

/// All keys of all environments in the order of their ids.
pub(crate) fn load_all(
    connection: &mut DbConnection,
) -> Result<Vec<EnvironmentKey>, WorkError<AccessError>> {
    let names = names::all(connection)?;
    let rows = environment_keys::table
        .select(KeyRow::as_select())
        .order(environment_keys::id)
        .load(connection)?;
    let keys = rows.into_iter().map(|row| {
        let name = names.get(&EnvironmentId(row.environment_id));
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
        self.write(stamp, move |unit| create(unit, &environment, &key))
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
        self.write(stamp, move |unit| {
            self::change(unit, &environment, key, &wanted, &precondition)
        })
    }

    fn rotate_key(
        &self,
        environment: &EnvironmentName,
        old: KeyId,
        text: &KeyText,
        old_expires_at: Timestamp,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<EnvironmentKey>, AccessError> {
        let (environment, text) = (environment.clone(), text.clone());
        let precondition = precondition.clone();
        self.write(stamp, move |unit| {
            rotate(
                unit,
                &environment,
                old,
                &text,
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
        self.write(stamp, move |unit| {
            delete(unit, &environment, key, &precondition)
        })
    }
}
