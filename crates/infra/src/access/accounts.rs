//! Accounts in the database.

use diesel::prelude::*;
use flagstaff_domain::access::{
    Account, AccountRepository, NewAccount, PasswordHash, Role, Username,
};
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::ids::{AccountId, Seq};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::{Invalid, fold};
use flagstaff_domain::write::Stamp;

use crate::changes::unit::UnitOfWork;
use crate::db::columns::instant;
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

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct AccountRow {
    id: i64,
    username: String,
    role: String,
    password_hash: String,
    disabled: bool,
    created_at: i64,
    version: i64,
}

impl TryFrom<AccountRow> for Account {
    type Error = Invalid;

    fn try_from(row: AccountRow) -> Result<Self, Invalid> {
        Ok(Self {
            id: AccountId(row.id),
            username: Username::parse(row.username)?,
            role: Role::try_from(row.role)?,
            password_hash: PasswordHash::new(row.password_hash),
            disabled: row.disabled,
            created_at: instant(row.created_at)?,
            version: Seq(row.version),
        })
    }
}

fn any_account(connection: &mut DbConnection) -> QueryResult<bool> {
    let count: i64 = accounts::table.count().get_result(connection)?;
    Ok(count > 0)
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

    fn is_empty(&self) -> Result<bool, StorageError> {
        self.db
            .read(|connection| Ok::<_, WorkError<StorageError>>(!any_account(connection)?))
    }

    fn create_first_account(
        &self,
        account: &NewAccount,
        stamp: &Stamp,
    ) -> Result<bool, StorageError> {
        let (account, stamp) = (account.clone(), stamp.clone());
        self.db.write(move |connection| {
            if any_account(connection)? {
                return Ok::<_, WorkError<StorageError>>(false);
            }
            create(&mut UnitOfWork::new(connection, &stamp), account)?;
            Ok(true)
        })
    }
}

fn create(unit: &mut UnitOfWork<'_>, account: NewAccount) -> Result<(), WorkError<StorageError>> {
    let seq = unit.next_seq()?;
    let id = diesel::insert_into(accounts::table)
        .values((
            accounts::username.eq(account.username.as_str()),
            accounts::username_folded.eq(fold(account.username.as_str())),
            accounts::role.eq(account.role.as_str()),
            accounts::password_hash.eq(account.password_hash.as_str()),
            accounts::disabled.eq(false),
            accounts::created_at.eq(unit.stamp.at.as_micros()),
            accounts::version.eq(seq.0),
        ))
        .returning(accounts::id)
        .get_result(unit.connection)?;
    let record = Account {
        id: AccountId(id),
        username: account.username,
        role: account.role,
        password_hash: account.password_hash,
        disabled: false,
        created_at: unit.stamp.at,
        version: seq,
    };
    unit.append(seq, &NewChange::account_created(&record)?)?;
    Ok(())
}
