//! What the access context asks of the storage of accounts, of their sessions and of their tokens.
//!
//! Every MUST is checked against each adapter by the contract tests of `flagstaff-infra`.

use super::account::{Account, AccountUpdate, NewAccount, Username};
use super::error::{AccessError, SignInError};
use super::key::KeyDigest;
use super::session::{EndedSessions, NewSession, Session};
use super::token::{NewToken, Token};
use crate::clock::Timestamp;
use crate::ids::{AccountId, Seq, SessionId, TokenId};
use crate::page::{Listing, Page};
use crate::storage::StorageError;
use crate::write::{Precondition, Stamp, Written};

/// Keeps accounts. Each write but [`AccountRepository::note_sign_in`] appends its change in the same unit of work, never
/// with a password's hash.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait AccountRepository: Send + Sync {
    /// MUST compare names without regard to case.
    fn find_account(&self, username: &Username) -> Result<Option<Account>, StorageError>;

    /// The account with this id.
    fn find_account_by_id(&self, account: AccountId) -> Result<Option<Account>, StorageError>;

    /// A page of accounts in the order of their ids, which is that of their creation.
    fn list_accounts(&self, page: &Page<AccountId>) -> Result<Listing<Account>, StorageError>;

    /// Whether there is any account.
    fn is_empty(&self) -> Result<bool, StorageError>;

    /// Stores the account if there is none at all, and returns whether it did.
    /// MUST be exclusive: of several processes that try together exactly one succeeds.
    fn create_first_account(
        &self,
        account: &NewAccount,
        stamp: &Stamp,
    ) -> Result<bool, StorageError>;

    /// MUST return [`AccessError::AccountExists`] when an account has this name in any case.
    fn create_account(
        &self,
        account: &NewAccount,
        stamp: &Stamp,
    ) -> Result<Written<Account>, AccessError>;

    /// MUST return [`AccessError::AccountNotFound`], and [`AccessError::VersionMismatch`] when the stored version is not
    /// accepted. MUST leave record and log untouched when it changes nothing. MUST return
    /// [`AccessError::LastAdministrator`] when no enabled administrator would be left, also of several who try together.
    /// MUST end the account's sessions and tokens in the same unit of work, and log the end of each token, when it is
    /// disabled or gets another password.
    fn change_account(
        &self,
        account: AccountId,
        update: &AccountUpdate,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Account>, AccessError>;

    /// MUST refuse as [`AccountRepository::change_account`] does, and MUST end the account's sessions and tokens as well.
    fn delete_account(
        &self,
        account: AccountId,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, AccessError>;

    /// Notes that somebody signed in. MUST leave log and version untouched, and never take the time back.
    fn note_sign_in(&self, account: AccountId, at: Timestamp) -> Result<(), StorageError>;
}

/// Keeps sessions: traces of use, of which the log tells nothing.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait SessionRepository: Send + Sync {
    /// Begins a session, ends the one that it replaces, notes the sign-in, and returns the account with it.
    /// MUST return [`SignInError::Refused`] when the account is gone, disabled, or has another version than the one whose
    /// password was verified.
    fn begin_session(&self, session: &NewSession) -> Result<Account, SignInError>;

    /// The session of this digest with its account as it is now, ended or not.
    fn find_session(&self, digest: &KeyDigest) -> Result<Option<Session>, StorageError>;

    /// Notes that a session was used. MUST return without waiting for the store; the note may be lost.
    fn note_session_use(&self, session: SessionId, at: Timestamp);

    /// Ends a session; nothing where there is none.
    fn end_session(&self, session: SessionId) -> Result<(), StorageError>;

    /// Forgets up to `limit` sessions that have ended, and returns how many.
    fn purge_sessions(&self, ended: &EndedSessions, limit: usize) -> Result<usize, StorageError>;
}

/// Keeps access tokens. Creation and deletion append their change in the same unit of work, with digests, never texts.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait TokenRepository: Send + Sync {
    /// A page of an account's tokens in the order of their ids, expired ones included.
    fn list_tokens(
        &self,
        account: AccountId,
        page: &Page<TokenId>,
    ) -> Result<Listing<Token>, StorageError>;

    /// The token of this digest, expired or not, with its account as it is now.
    fn find_token(&self, digest: &KeyDigest) -> Result<Option<(Token, Account)>, StorageError>;

    /// MUST return [`AccessError::AccountChanged`] when the account is gone, disabled, or has another version than
    /// `account_version`.
    fn create_token(&self, token: &NewToken, stamp: &Stamp) -> Result<Written<Token>, AccessError>;

    /// MUST return [`AccessError::TokenNotFound`] when this account has no such token, and
    /// [`AccessError::VersionMismatch`] when the stored version is not accepted.
    fn delete_token(
        &self,
        account: AccountId,
        token: TokenId,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, AccessError>;

    /// Notes that a token was used. MUST return without waiting for the store; the note may be lost.
    fn note_token_use(&self, token: TokenId, at: Timestamp);
}
