//! Sessions in the database, and when somebody last signed in: traces of use, of which the log tells nothing.

use diesel::prelude::*;
use flagstaff_domain::access::{
    Account, EndedSessions, KeyDigest, NewSession, Session, SessionRepository, SignInError,
};
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::ids::{AccountId, SessionId};
use flagstaff_domain::storage::StorageError;

use super::account_rows::{self, AccountRow};
use crate::db::columns::instant;
use crate::db::error::refuse;
use crate::db::schema::{accounts, sessions};
use crate::db::{Db, DbConnection, WorkError};

/// Sessions in the database.
#[derive(Debug, Clone)]
pub struct DieselSessionRepository {
    db: Db,
}

impl DieselSessionRepository {
    /// The sessions of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    id: i64,
    created_at: i64,
    last_used_at: i64,
}

fn begin(
    connection: &mut DbConnection,
    session: &NewSession,
) -> Result<Account, WorkError<SignInError>> {
    let (id, at) = (session.account, session.at);
    if account_rows::find_unchanged(connection, id, session.version)?.is_none() {
        return refuse(SignInError::Refused);
    }
    if let Some(replaced) = &session.replaces {
        let replaced = sessions::table.filter(sessions::digest.eq(replaced.to_string()));
        diesel::delete(replaced).execute(connection)?;
    }
    diesel::insert_into(sessions::table)
        .values((
            sessions::account_id.eq(id.0),
            sessions::digest.eq(session.digest.to_string()),
            sessions::created_at.eq(at.as_micros()),
            sessions::last_used_at.eq(at.as_micros()),
        ))
        .execute(connection)?;
    note_sign_in(connection, id, at)?;
    match account_rows::find(connection, id)? {
        Some(account) => Ok(account),
        None => refuse(SignInError::Refused),
    }
}

/// Notes that somebody signed in; a time that is there already is never taken back.
pub(super) fn note_sign_in(
    connection: &mut DbConnection,
    account: AccountId,
    at: Timestamp,
) -> QueryResult<()> {
    let earlier = accounts::last_login_at
        .is_null()
        .or(accounts::last_login_at.lt(at.as_micros()));
    diesel::update(accounts::table.find(account.0))
        .filter(earlier)
        .set(accounts::last_login_at.eq(at.as_micros()))
        .execute(connection)
        .map(|_| ())
}

/// Ends all sessions of an account.
pub(super) fn end_all(connection: &mut DbConnection, account: AccountId) -> QueryResult<()> {
    diesel::delete(sessions::table.filter(sessions::account_id.eq(account.0)))
        .execute(connection)
        .map(|_| ())
}

impl SessionRepository for DieselSessionRepository {
    fn begin_session(&self, session: &NewSession) -> Result<Account, SignInError> {
        let session = session.clone();
        self.db.write(move |connection| begin(connection, &session))
    }

    fn find_session(&self, digest: &KeyDigest) -> Result<Option<Session>, StorageError> {
        self.db.read(|connection| {
            let found = sessions::table
                .inner_join(accounts::table)
                .filter(sessions::digest.eq(digest.to_string()))
                .select((SessionRow::as_select(), AccountRow::as_select()))
                .first::<(SessionRow, AccountRow)>(connection)
                .optional()?;
            let Some((row, account)) = found else {
                return Ok::<_, WorkError<StorageError>>(None);
            };
            Ok(Some(Session {
                id: SessionId(row.id),
                account: account.try_into()?,
                created_at: instant(row.created_at)?,
                last_used_at: instant(row.last_used_at)?,
            }))
        })
    }

    fn note_session_use(&self, session: SessionId, at: Timestamp) {
        self.db.write_later(move |connection| {
            diesel::update(sessions::table.find(session.0))
                .filter(sessions::last_used_at.lt(at.as_micros()))
                .set(sessions::last_used_at.eq(at.as_micros()))
                .execute(connection)?;
            Ok(())
        });
    }

    fn end_session(&self, session: SessionId) -> Result<(), StorageError> {
        self.db.write(move |connection| {
            diesel::delete(sessions::table.find(session.0)).execute(connection)?;
            Ok(())
        })
    }

    fn purge_sessions(&self, ended: &EndedSessions, limit: usize) -> Result<usize, StorageError> {
        let ended = *ended;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.write(move |connection| {
            let ids: Vec<i64> = sessions::table
                .filter(
                    sessions::created_at
                        .le(ended.created_at.as_micros())
                        .or(sessions::last_used_at.le(ended.last_used_at.as_micros())),
                )
                .select(sessions::id)
                .limit(limit)
                .load(connection)?;
            let purged = sessions::table.filter(sessions::id.eq_any(ids));
            Ok(diesel::delete(purged).execute(connection)?)
        })
    }
}
