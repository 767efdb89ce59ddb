//! The GUID register in the database: the rows of the table of keys that have a user.

use diesel::prelude::*;
use flagstaff_domain::access::{
    AccessError, ChangeGuid, Granting, GuidRecord, GuidRepository, KeyDigest, KeyKind, NewGuid,
};
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::ids::{EnvironmentId, KeyId, Seq};
use flagstaff_domain::page::{Listing, Page};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::{EnvironmentName, Invalid};
use flagstaff_domain::write::{Precondition, Stamp, Written};

use super::rows::KeyRow;
use super::{Work, check};
use crate::changes::unit::{self, UnitOfWork};
use crate::db::error::{invalid, one_more, refuse, unless_taken};
use crate::db::schema::environment_keys;
use crate::db::{Db, DbConnection, WorkError};
use crate::flags::names;

/// The GUID register in the database.
#[derive(Debug, Clone)]
pub struct DieselGuidRepository {
    db: Db,
}

impl DieselGuidRepository {
    /// The register of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

fn find_row(connection: &mut DbConnection, digest: &KeyDigest) -> QueryResult<Option<KeyRow>> {
    environment_keys::table
        .filter(environment_keys::digest.eq(digest.to_string()))
        .select(KeyRow::as_select())
        .first(connection)
        .optional()
}

fn record(connection: &mut DbConnection, row: KeyRow) -> QueryResult<GuidRecord> {
    let name = match row.environment_id {
        Some(id) => names::of(connection, EnvironmentId(id))?,
        None => None,
    };
    row.into_guid(name.as_deref()).map_err(invalid)
}

/// The record of this digest, expired or not.
fn find(connection: &mut DbConnection, digest: &KeyDigest) -> QueryResult<Option<GuidRecord>> {
    let row = find_row(connection, digest)?.filter(KeyRow::is_guid);
    row.map(|row| record(connection, row)).transpose()
}

/// The record of this digest, if it is to be changed by somebody who may.
fn get(
    connection: &mut DbConnection,
    digest: &KeyDigest,
    granting: Granting,
    precondition: &Precondition,
    is_there: impl FnOnce(&GuidRecord) -> bool,
) -> Work<GuidRecord> {
    let Some(record) = find(connection, digest)?.filter(is_there) else {
        return refuse(AccessError::GuidNotFound);
    };
    if record.environment.is_some() {
        allowed(granting)?;
    }
    check(precondition, record.version)?;
    Ok(record)
}

fn allowed(granting: Granting) -> Work<()> {
    match granting {
        Granting::Allowed => Ok(()),
        Granting::Refused => refuse(AccessError::GrantingRefused),
    }
}

/// The environment that a GUID is to open.
fn granted(
    connection: &mut DbConnection,
    name: &EnvironmentName,
) -> Work<(EnvironmentId, EnvironmentName)> {
    match names::find(connection, name.as_str())? {
        Some((id, name)) => Ok((id, EnvironmentName::parse(name)?)),
        None => refuse(AccessError::GrantsUnknown(name.clone())),
    }
}

fn create(
    unit: &mut UnitOfWork<'_>,
    new: &NewGuid,
    granting: Granting,
) -> Work<Written<GuidRecord>> {
    if new.environment.is_some() {
        allowed(granting)?;
    }
    if let Some(row) = find_row(unit.connection, &new.digest)? {
        let before = match row.is_guid() {
            true => record(unit.connection, row)?,
            false => return refuse(AccessError::GuidExists),
        };
        if !before.has_expired(unit.stamp.at) {
            return refuse(AccessError::GuidExists);
        }
        revoke(unit, &before)?;
    }
    let environment = match &new.environment {
        Some(name) => Some(granted(unit.connection, name)?),
        None => None,
    };
    let seq = unit.next_seq()?;
    let inserted = diesel::insert_into(environment_keys::table)
        .values((
            environment_keys::environment_id.eq(environment.as_ref().map(|(id, _)| id.0)),
            environment_keys::user.eq(new.user.as_str()),
            environment_keys::description.eq(new.description.as_ref().map(|text| text.as_str())),
            environment_keys::kind.eq(KeyKind::Client.as_str()),
            environment_keys::digest.eq(new.digest.to_string()),
            environment_keys::created_at.eq(unit.stamp.at.as_micros()),
            environment_keys::expires_at.eq(new.expire.at().as_micros()),
            environment_keys::version.eq(seq.0),
        ))
        .returning(environment_keys::id)
        .get_result(unit.connection);
    let id = unless_taken(inserted, || AccessError::GuidExists)?;
    let record = GuidRecord {
        id: KeyId(id),
        digest: new.digest,
        user: new.user.clone(),
        environment,
        description: new.description.clone(),
        created_at: unit.stamp.at,
        expire: new.expire,
        version: seq,
    };
    unit.append(seq, &NewChange::guid(None, Some(&record))?)?;
    Ok(Written {
        record,
        revision: seq,
    })
}

fn change(
    unit: &mut UnitOfWork<'_>,
    digest: &KeyDigest,
    change: &ChangeGuid,
    granting: Granting,
    precondition: &Precondition,
) -> Work<Written<GuidRecord>> {
    let now = unit.stamp.at;
    let is_there = |one: &GuidRecord| change.expire.is_some() || !one.has_expired(now);
    let before = get(unit.connection, digest, granting, precondition, is_there)?;
    if change.environment.is_some() {
        allowed(granting)?;
    }
    let mut after = before.clone();
    if let Some(user) = &change.user {
        after.user = user.clone();
    }
    if let Some(expire) = change.expire {
        after.expire = expire;
    }
    if let Some(description) = &change.description {
        after.description = description.clone();
    }
    after.environment = match &change.environment {
        Some(Some(name)) => Some(granted(unit.connection, name)?),
        Some(None) => None,
        None => after.environment,
    };
    if after != before {
        after.version = unit.next_seq()?;
        diesel::update(environment_keys::table.find(after.id.0))
            .set((
                environment_keys::environment_id.eq(after.environment.as_ref().map(|(id, _)| id.0)),
                environment_keys::user.eq(after.user.as_str()),
                environment_keys::description
                    .eq(after.description.as_ref().map(|text| text.as_str())),
                environment_keys::expires_at.eq(after.expire.at().as_micros()),
                environment_keys::version.eq(after.version.0),
            ))
            .execute(unit.connection)?;
        unit.append(
            after.version,
            &NewChange::guid(Some(&before), Some(&after))?,
        )?;
    }
    Ok(Written {
        revision: after.version,
        record: after,
    })
}

/// Deletes a record, whoever asks.
pub(super) fn revoke(unit: &mut UnitOfWork<'_>, record: &GuidRecord) -> QueryResult<Seq> {
    let seq = unit.next_seq()?;
    diesel::delete(environment_keys::table.find(record.id.0)).execute(unit.connection)?;
    unit.append(seq, &NewChange::guid(Some(record), None).map_err(invalid)?)?;
    Ok(seq)
}

/// Records that expired at that time or earlier, the oldest first.
fn expired(
    connection: &mut DbConnection,
    expired_by: Timestamp,
    limit: usize,
) -> QueryResult<Vec<KeyRow>> {
    environment_keys::table
        .filter(environment_keys::user.is_not_null())
        .filter(environment_keys::expires_at.le(expired_by.as_micros()))
        .order(environment_keys::expires_at)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(KeyRow::as_select())
        .load(connection)
}

fn purge(unit: &mut UnitOfWork<'_>, expired_by: Timestamp, limit: usize) -> Work<usize> {
    let rows = expired(unit.connection, expired_by, limit)?;
    let purged = rows.len();
    for row in rows {
        let record = record(unit.connection, row)?;
        revoke(unit, &record)?;
    }
    Ok(purged)
}

impl GuidRepository for DieselGuidRepository {
    fn find_guid(&self, digest: &KeyDigest) -> Result<(Option<GuidRecord>, Seq), StorageError> {
        self.db.read(|connection| {
            let head = unit::head(connection)?;
            Ok::<_, WorkError<StorageError>>((find(connection, digest)?, head))
        })
    }

    fn list_guids(
        &self,
        user: Option<&str>,
        page: &Page<KeyId>,
    ) -> Result<Listing<GuidRecord>, StorageError> {
        self.db.read(|connection| {
            let names = names::all(connection)?;
            let mut rows = environment_keys::table
                .filter(environment_keys::user.is_not_null())
                .filter(environment_keys::id.gt(page.after.map_or(0, |after| after.0)))
                .select(KeyRow::as_select())
                .order(environment_keys::id)
                .limit(one_more(page.limit))
                .into_boxed();
            if let Some(user) = user {
                rows = rows.filter(environment_keys::user.eq(user));
            }
            let records = rows.load(connection)?.into_iter().map(|row: KeyRow| {
                let name = row
                    .environment_id
                    .and_then(|id| names.get(&EnvironmentId(id)));
                row.into_guid(name.map(String::as_str))
            });
            let records = records.collect::<Result<_, Invalid>>()?;
            Ok::<_, WorkError<StorageError>>(Listing::cut(records, page.limit))
        })
    }

    fn create_guid(
        &self,
        guid: &NewGuid,
        granting: Granting,
        stamp: &Stamp,
    ) -> Result<Written<GuidRecord>, AccessError> {
        let guid = guid.clone();
        unit::write(&self.db, stamp, move |unit| create(unit, &guid, granting))
    }

    fn change_guid(
        &self,
        digest: &KeyDigest,
        change: &ChangeGuid,
        granting: Granting,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<GuidRecord>, AccessError> {
        let (digest, wanted) = (*digest, change.clone());
        let precondition = precondition.clone();
        unit::write(&self.db, stamp, move |unit| {
            self::change(unit, &digest, &wanted, granting, &precondition)
        })
    }

    fn delete_guid(
        &self,
        digest: &KeyDigest,
        granting: Granting,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, AccessError> {
        let (digest, precondition) = (*digest, precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            let now = unit.stamp.at;
            let is_there = |one: &GuidRecord| !one.has_expired(now);
            let record = get(unit.connection, &digest, granting, &precondition, is_there)?;
            Ok(revoke(unit, &record)?)
        })
    }

    fn purge_guids(
        &self,
        expired_by: Timestamp,
        limit: usize,
        stamp: &Stamp,
    ) -> Result<usize, AccessError> {
        // Mostly there is nothing to purge, and then nobody's change has to wait.
        let any = self.db.read(|connection| {
            let first = expired(connection, expired_by, limit.min(1))?;
            Ok::<_, WorkError<AccessError>>(!first.is_empty())
        })?;
        match any {
            true => unit::write(&self.db, stamp, move |unit| purge(unit, expired_by, limit)),
            false => Ok(0),
        }
    }
}
