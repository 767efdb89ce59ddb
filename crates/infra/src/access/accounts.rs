//! Accounts in the database.

use diesel::prelude::*;
use flagstaff_domain::access::{
    AccessError, Account, AccountRepository, AccountUpdate, NewAccount, Role, Username,
};
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::ids::{AccountId, Seq};
use flagstaff_domain::page::{Listing, Page};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::{Invalid, fold};
use flagstaff_domain::write::{Precondition, Stamp, Written};

use super::account_rows::{self, AccountRow};
use super::{Work, check, sessions, tokens};
use crate::changes::unit::{self, UnitOfWork};
use crate::db::error::{one_more, refuse, unless_taken};
use crate::db::schema::accounts;
use crate::db::{Db, DbConnection, WorkError};

/// Accounts in the database.
#[derive(Debug, Clone)]
pub struct DieselAccountRepository {
    db: Db,
}

impl DieselAccountRepository {
    /// The accounts of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

fn any_account(connection: &mut DbConnection) -> QueryResult<bool> {
    let count: i64 = accounts::table.count().get_result(connection)?;
    Ok(count > 0)
}

/// The account that is about to be written, in a version that is accepted.
fn get(connection: &mut DbConnection, id: AccountId, precondition: &Precondition) -> Work<Account> {
    let Some(account) = account_rows::find(connection, id)? else {
        return refuse(AccessError::AccountNotFound(format!("with the id {id}")));
    };
    check(precondition, account.version)?;
    Ok(account)
}

/// Refuses to take the last enabled administrator away.
fn keep_an_administrator(connection: &mut DbConnection, leaves: &Account) -> Work<()> {
    let others: i64 = accounts::table
        .filter(accounts::role.eq(Role::Admin.as_str()))
        .filter(accounts::disabled.eq(false))
        .filter(accounts::id.ne(leaves.id.0))
        .count()
        .get_result(connection)?;
    if others > 0 {
        return Ok(());
    }
    refuse(AccessError::LastAdministrator(leaves.username.clone()))
}

fn create(unit: &mut UnitOfWork<'_>, account: NewAccount) -> Work<Written<Account>> {
    let seq = unit.next_seq()?;
    let at = unit.stamp.at;
    let inserted = diesel::insert_into(accounts::table)
        .values((
            accounts::username.eq(account.username.as_str()),
            accounts::username_folded.eq(fold(account.username.as_str())),
            accounts::role.eq(account.role.as_str()),
            accounts::password_hash.eq(account.password_hash.as_str()),
            accounts::password_changed_at.eq(at.as_micros()),
            accounts::disabled.eq(false),
            accounts::created_at.eq(at.as_micros()),
            accounts::version.eq(seq.0),
        ))
        .returning(accounts::id)
        .get_result(unit.connection);
    let id = unless_taken(inserted, || {
        AccessError::AccountExists(account.username.clone())
    })?;
    let record = Account {
        id: AccountId(id),
        username: account.username,
        role: account.role,
        password_hash: account.password_hash,
        password_changed_at: at,
        disabled: false,
        created_at: at,
        last_login_at: None,
        version: seq,
    };
    unit.append(seq, &NewChange::account(None, Some(&record))?)?;
    Ok(Written {
        record,
        revision: seq,
    })
}

fn change(
    unit: &mut UnitOfWork<'_>,
    id: AccountId,
    update: &AccountUpdate,
    precondition: &Precondition,
) -> Work<Written<Account>> {
    let before = get(unit.connection, id, precondition)?;
    let mut after = update.apply(&before, unit.stamp.at);
    if after != before {
        if before.administers() && !after.administers() {
            keep_an_administrator(unit.connection, &before)?;
        }
        after.version = unit.next_seq()?;
        diesel::update(accounts::table.find(id.0))
            .set((
                accounts::role.eq(after.role.as_str()),
                accounts::password_hash.eq(after.password_hash.as_str()),
                accounts::password_changed_at.eq(after.password_changed_at.as_micros()),
                accounts::disabled.eq(after.disabled),
                accounts::version.eq(after.version.0),
            ))
            .execute(unit.connection)?;
        let change = NewChange::account(Some(&before), Some(&after))?;
        unit.append(after.version, &change)?;
        if after.shuts_out(&before) {
            end_all(unit, id)?;
        }
    }
    Ok(Written {
        revision: after.version,
        record: after,
    })
}

fn delete(unit: &mut UnitOfWork<'_>, id: AccountId, precondition: &Precondition) -> Work<Seq> {
    let before = get(unit.connection, id, precondition)?;
    if before.administers() {
        keep_an_administrator(unit.connection, &before)?;
    }
    end_all(unit, id)?;
    let seq = unit.next_seq()?;
    diesel::delete(accounts::table.find(id.0)).execute(unit.connection)?;
    unit.append(seq, &NewChange::account(Some(&before), None)?)?;
    Ok(seq)
}

/// Ends all that the account was entered by.
fn end_all(unit: &mut UnitOfWork<'_>, id: AccountId) -> Work<()> {
    sessions::end_all(unit.connection, id)?;
    tokens::delete_all(unit, id)
}

impl AccountRepository for DieselAccountRepository {
    fn find_account(&self, username: &Username) -> Result<Option<Account>, StorageError> {
        self.db.read(|connection| {
            let row = accounts::table
                .filter(accounts::username_folded.eq(fold(username.as_str())))
                .select(AccountRow::as_select())
                .first(connection)
                .optional()?;
            Ok::<_, WorkError<StorageError>>(row.map(Account::try_from).transpose()?)
        })
    }

    fn find_account_by_id(&self, account: AccountId) -> Result<Option<Account>, StorageError> {
        self.db
            .read(|connection| account_rows::find(connection, account))
    }

    fn list_accounts(&self, page: &Page<AccountId>) -> Result<Listing<Account>, StorageError> {
        self.db.read(|connection| {
            let rows = accounts::table
                .filter(accounts::id.gt(page.after.map_or(0, |after| after.0)))
                .select(AccountRow::as_select())
                .order(accounts::id)
                .limit(one_more(page.limit))
                .load(connection)?;
            let accounts = rows.into_iter().map(Account::try_from);
            let accounts = accounts.collect::<Result<_, Invalid>>()?;
            Ok::<_, WorkError<StorageError>>(Listing::cut(accounts, page.limit))
        })
    }

    fn is_empty(&self) -> Result<bool, StorageError> {
        self.db
            .read(|connection| Ok::<_, WorkError<StorageError>>(!any_account(connection)?))
    }

    fn create_first_account(
        &self,
        account: &NewAccount,
        stamp: &Stamp,
    ) -> Result<bool, StorageError> {
        let account = account.clone();
        let created = unit::write(&self.db, stamp, move |unit| {
            if any_account(unit.connection)? {
                return Ok(false);
            }
            create(unit, account).map(|_| true)
        });
        created.map_err(|error| match error {
            AccessError::Storage(error) => error,
            // Where there is no account there is none of this name.
            refused => StorageError::failed(refused),
        })
    }

    fn create_account(
        &self,
        account: &NewAccount,
        stamp: &Stamp,
    ) -> Result<Written<Account>, AccessError> {
        let account = account.clone();
        unit::write(&self.db, stamp, move |unit| create(unit, account))
    }

    fn change_account(
        &self,
        account: AccountId,
        update: &AccountUpdate,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Account>, AccessError> {
        let (update, precondition) = (update.clone(), precondition.clone());
        unit::write(&self.db, stamp, move |unit| {
            change(unit, account, &update, &precondition)
        })
    }

    fn delete_account(
        &self,
        account: AccountId,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, AccessError> {
        let precondition = precondition.clone();
        unit::write(&self.db, stamp, move |unit| {
            delete(unit, account, &precondition)
        })
    }

    fn note_sign_in(&self, account: AccountId, at: Timestamp) -> Result<(), StorageError> {
        self.db
            .write(move |connection| Ok(sessions::note_sign_in(connection, account, at)?))
    }
}
