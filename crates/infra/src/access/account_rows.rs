//! Rows of accounts, and how a unit of work finds them.

use diesel::prelude::*;
use flagstaff_domain::access::{Account, PasswordHash, Role, Username};
use flagstaff_domain::ids::{AccountId, Seq};
use flagstaff_domain::text::Invalid;

use crate::db::columns::instant;
use crate::db::schema::accounts;
use crate::db::{DbConnection, WorkError};

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(super) struct AccountRow {
    id: i64,
    username: String,
    role: String,
    password_hash: String,
    disabled: bool,
    created_at: i64,
    version: i64,
    password_changed_at: i64,
    last_login_at: Option<i64>,
}

impl TryFrom<AccountRow> for Account {
    type Error = Invalid;

    fn try_from(row: AccountRow) -> Result<Self, Invalid> {
        Ok(Self {
            id: AccountId(row.id),
            username: Username::parse(row.username)?,
            role: Role::try_from(row.role)?,
            password_hash: PasswordHash::new(row.password_hash),
            password_changed_at: instant(row.password_changed_at)?,
            disabled: row.disabled,
            created_at: instant(row.created_at)?,
            last_login_at: row.last_login_at.map(instant).transpose()?,
            version: Seq(row.version),
        })
    }
}

/// The account with this id.
pub(super) fn find<E>(
    connection: &mut DbConnection,
    account: AccountId,
) -> Result<Option<Account>, WorkError<E>> {
    let row = accounts::table
        .find(account.0)
        .select(AccountRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(Account::try_from).transpose()?)
}

/// The account with this id, where it is enabled and still at this version.
pub(super) fn find_unchanged<E>(
    connection: &mut DbConnection,
    account: AccountId,
    version: Seq,
) -> Result<Option<Account>, WorkError<E>> {
    let found = find(connection, account)?;
    Ok(found.filter(|one| one.version == version && !one.disabled))
}
