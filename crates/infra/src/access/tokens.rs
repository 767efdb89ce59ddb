//! Access tokens in the database.

use diesel::prelude::*;
use flagstaff_domain::access::{
    AccessError, Account, KeyDigest, NewToken, Token, TokenRepository, Username,
};
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::ids::{AccountId, Seq, TokenId};
use flagstaff_domain::page::{Listing, Page};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::{Invalid, TokenName};
use flagstaff_domain::write::{Precondition, Stamp, Written};

use super::account_rows::{self, AccountRow};
use super::{Work, check};
use crate::changes::unit::UnitOfWork;
use crate::db::columns::instant;
use crate::db::error::{one_more, refuse};
use crate::db::schema::{accounts, tokens};
use crate::db::{Db, WorkError};

/// Access tokens in the database.
#[derive(Debug, Clone)]
pub struct DieselTokenRepository {
    db: Db,
}

impl DieselTokenRepository {
    /// The tokens of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = tokens)]
struct TokenRow {
    id: i64,
    account_id: i64,
    name: String,
    digest: String,
    created_at: i64,
    expires_at: Option<i64>,
    last_used_at: Option<i64>,
    version: i64,
}

impl TokenRow {
    fn into_token(self, username: Username) -> Result<Token, Invalid> {
        Ok(Token {
            id: TokenId(self.id),
            account: AccountId(self.account_id),
            username,
            name: TokenName::parse(self.name)?,
            digest: KeyDigest::try_from(self.digest)?,
            created_at: instant(self.created_at)?,
            expires_at: self.expires_at.map(instant).transpose()?,
            last_used_at: self.last_used_at.map(instant).transpose()?,
            version: Seq(self.version),
        })
    }
}

/// A token from its row and its account's name.
fn token((row, username): (TokenRow, String)) -> Result<Token, Invalid> {
    row.into_token(Username::parse(username)?)
}

fn create(unit: &mut UnitOfWork<'_>, token: NewToken) -> Work<Written<Token>> {
    let owner = account_rows::find_unchanged(unit.connection, token.account, token.account_version);
    let Some(owner) = owner? else {
        return refuse(AccessError::AccountChanged);
    };
    let seq = unit.next_seq()?;
    let id = diesel::insert_into(tokens::table)
        .values((
            tokens::account_id.eq(owner.id.0),
            tokens::name.eq(token.name.as_str()),
            tokens::digest.eq(token.digest.to_string()),
            tokens::created_at.eq(unit.stamp.at.as_micros()),
            tokens::expires_at.eq(token.expires_at.map(Timestamp::as_micros)),
            tokens::version.eq(seq.0),
        ))
        .returning(tokens::id)
        .get_result(unit.connection)?;
    let record = Token {
        id: TokenId(id),
        account: owner.id,
        username: owner.username,
        name: token.name,
        digest: token.digest,
        created_at: unit.stamp.at,
        expires_at: token.expires_at,
        last_used_at: None,
        version: seq,
    };
    unit.append(seq, &NewChange::token_created(&record)?)?;
    Ok(Written {
        record,
        revision: seq,
    })
}

fn delete(unit: &mut UnitOfWork<'_>, token: &Token) -> Work<Seq> {
    let seq = unit.next_seq()?;
    diesel::delete(tokens::table.find(token.id.0)).execute(unit.connection)?;
    unit.append(seq, &NewChange::token_deleted(token)?)?;
    Ok(seq)
}

fn find(unit: &mut UnitOfWork<'_>, account: AccountId, token: TokenId) -> Work<Option<Token>> {
    let row = tokens::table
        .inner_join(accounts::table)
        .filter(tokens::id.eq(token.0))
        .filter(tokens::account_id.eq(account.0))
        .select((TokenRow::as_select(), accounts::username))
        .first::<(TokenRow, String)>(unit.connection)
        .optional()?;
    Ok(row.map(self::token).transpose()?)
}

/// Deletes all tokens of an account, so that the log tells of each.
pub(super) fn delete_all(unit: &mut UnitOfWork<'_>, account: AccountId) -> Work<()> {
    let rows = tokens::table
        .inner_join(accounts::table)
        .filter(tokens::account_id.eq(account.0))
        .select((TokenRow::as_select(), accounts::username))
        .order(tokens::id)
        .load::<(TokenRow, String)>(unit.connection)?;
    for row in rows {
        delete(unit, &self::token(row)?)?;
    }
    Ok(())
}

impl TokenRepository for DieselTokenRepository {
    fn list_tokens(
        &self,
        account: AccountId,
        page: &Page<TokenId>,
    ) -> Result<Listing<Token>, StorageError> {
        self.db.read(|connection| {
            let rows = tokens::table
                .inner_join(accounts::table)
                .filter(tokens::account_id.eq(account.0))
                .filter(tokens::id.gt(page.after.map_or(0, |after| after.0)))
                .select((TokenRow::as_select(), accounts::username))
                .order(tokens::id)
                .limit(one_more(page.limit))
                .load::<(TokenRow, String)>(connection)?;
            let tokens = rows.into_iter().map(self::token);
            let tokens = tokens.collect::<Result<_, Invalid>>()?;
            Ok::<_, WorkError<StorageError>>(Listing::cut(tokens, page.limit))
        })
    }

    fn find_token(&self, digest: &KeyDigest) -> Result<Option<(Token, Account)>, StorageError> {
        self.db.read(|connection| {
            let found = tokens::table
                .inner_join(accounts::table)
                .filter(tokens::digest.eq(digest.to_string()))
                .select((TokenRow::as_select(), AccountRow::as_select()))
                .first::<(TokenRow, AccountRow)>(connection)
                .optional()?;
            let Some((row, account)) = found else {
                return Ok::<_, WorkError<StorageError>>(None);
            };
            let account = Account::try_from(account)?;
            Ok(Some((row.into_token(account.username.clone())?, account)))
        })
    }

    fn create_token(&self, token: &NewToken, stamp: &Stamp) -> Result<Written<Token>, AccessError> {
        let (token, stamp) = (token.clone(), stamp.clone());
        self.db
            .write(move |connection| create(&mut UnitOfWork::new(connection, &stamp), token))
    }

    fn delete_token(
        &self,
        account: AccountId,
        token: TokenId,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, AccessError> {
        let (precondition, stamp) = (precondition.clone(), stamp.clone());
        self.db.write(move |connection| {
            let unit = &mut UnitOfWork::new(connection, &stamp);
            let Some(found) = find(unit, account, token)? else {
                return refuse(AccessError::TokenNotFound(token));
            };
            check(&precondition, found.version)?;
            delete(unit, &found)
        })
    }

    fn note_token_use(&self, token: TokenId, at: Timestamp) {
        let earlier = tokens::last_used_at
            .is_null()
            .or(tokens::last_used_at.lt(at.as_micros()));
        self.db.write_later(move |connection| {
            diesel::update(tokens::table.find(token.0))
                .filter(earlier)
                .set(tokens::last_used_at.eq(at.as_micros()))
                .execute(connection)?;
            Ok(())
        });
    }
}
