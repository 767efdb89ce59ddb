//! What the access context asks of storage, of a password hasher, and of the system's randomness. What it asks of the
//! storage of accounts, sessions and tokens is in `account_ports`.
//!
//! Every MUST is checked against each adapter by the contract tests of `flagstaff-infra`.

use std::sync::Arc;

use super::error::AccessError;
use super::guid::{ChangeGuid, Granting, GuidRecord, NewGuid};
use super::key::{ChangeKey, EnvironmentKey, KeyDigest, NewKey};
use super::key_ring::Grant;
use super::password::{Password, PasswordHash};
use crate::clock::Timestamp;
use crate::ids::{KeyId, Seq};
use crate::page::{Listing, Page};
use crate::storage::StorageError;
use crate::text::EnvironmentName;
use crate::write::{Precondition, Stamp, Written};

/// Keeps the keys of environments. Each write appends its change in the same unit of work, with digests, never texts.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait KeyRepository: Send + Sync {
    /// A page of an environment's keys in the order of their ids, expired ones included.
    /// MUST return [`AccessError::EnvironmentNotFound`] when there is no such environment.
    fn list_keys(
        &self,
        environment: &EnvironmentName,
        page: &Page<KeyId>,
    ) -> Result<Listing<EnvironmentKey>, AccessError>;

    /// MUST return [`AccessError::KeyNotFound`] when the environment has no such key.
    fn get_key(
        &self,
        environment: &EnvironmentName,
        key: KeyId,
    ) -> Result<EnvironmentKey, AccessError>;

    /// MUST return [`AccessError::KeyExists`] when any environment has a key of this digest.
    fn create_key(
        &self,
        environment: &EnvironmentName,
        key: &NewKey,
        stamp: &Stamp,
    ) -> Result<Written<EnvironmentKey>, AccessError>;

    /// Gives a key another name or expiry. MUST leave record and log untouched when it changes nothing, and MUST return
    /// [`AccessError::VersionMismatch`] when the stored version is not accepted.
    fn change_key(
        &self,
        environment: &EnvironmentName,
        key: KeyId,
        change: &ChangeKey,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<EnvironmentKey>, AccessError>;

    /// Adds a key of the same name and kind as `old`, with the text that [`KeyText::of`](super::KeyText::of) makes of `drawn`, and makes `old`
    /// expire at `old_expires_at`, unless it does so earlier. MUST do both in one unit of work.
    fn rotate_key(
        &self,
        environment: &EnvironmentName,
        old: KeyId,
        drawn: &[u8; 32],
        old_expires_at: Timestamp,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<EnvironmentKey>, AccessError>;

    /// MUST return [`AccessError::KeyNotFound`] when the environment has no such key.
    fn delete_key(
        &self,
        environment: &EnvironmentName,
        key: KeyId,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, AccessError>;
}

/// Keeps the GUID register. Each write appends its change in the same unit of work, with digests, never GUIDs.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait GuidRepository: Send + Sync {
    /// The record, expired or not, and the log's last change as of that read: MUST be of one transaction.
    fn find_guid(&self, digest: &KeyDigest) -> Result<(Option<GuidRecord>, Seq), StorageError>;

    /// A page of records in the order of their ids, expired ones included; of one user where one is given.
    #[allow(
        clippy::needless_lifetimes,
        reason = "mockall cannot elide a lifetime inside an Option"
    )]
    fn list_guids<'user>(
        &self,
        user: Option<&'user str>,
        page: &Page<KeyId>,
    ) -> Result<Listing<GuidRecord>, StorageError>;

    /// MUST return [`AccessError::GuidExists`] when there is a key of this digest, but put the record in the place of one that
    /// has expired. MUST return [`AccessError::GrantsUnknown`] when there is no such environment, and
    /// [`AccessError::GrantingRefused`] when an environment is named and that is refused.
    fn create_guid(
        &self,
        guid: &NewGuid,
        granting: Granting,
        stamp: &Stamp,
    ) -> Result<Written<GuidRecord>, AccessError>;

    /// MUST return [`AccessError::GuidNotFound`] when there is no record, or when it has expired and is given no new end.
    /// MUST leave record and log untouched when it changes nothing. Otherwise as [`GuidRepository::create_guid`], also where
    /// the record opens an environment already.
    fn change_guid(
        &self,
        digest: &KeyDigest,
        change: &ChangeGuid,
        granting: Granting,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<GuidRecord>, AccessError>;

    /// MUST return [`AccessError::GuidNotFound`] when there is no record, or when it has expired, and
    /// [`AccessError::GrantingRefused`] when it opens an environment and that is refused.
    fn delete_guid(
        &self,
        digest: &KeyDigest,
        granting: Granting,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, AccessError>;

    /// Deletes records that expired at that time or earlier, the oldest first, and returns how many. MUST delete at most
    /// `limit` in a unit of work, and append a change for each.
    fn purge_guids(
        &self,
        expired_by: Timestamp,
        limit: usize,
        stamp: &Stamp,
    ) -> Result<usize, AccessError>;
}

/// Records that must not be remembered any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten<'a> {
    /// Every record.
    All,
    /// Those of these digests.
    Only(&'a [KeyDigest]),
}

/// Remembers records of the register that were read lately, so many as there is room for. Never waits for storage.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait GuidMemory: Send + Sync {
    /// The record, where it is remembered; it may have expired.
    fn find(&self, digest: &KeyDigest) -> Option<Arc<GuidRecord>>;

    /// Remembers a record until it expires, at the longest, as it was read at `now` when `head` was the log's last change. MUST NOT
    /// remember it when it was told of later changes already: one of them may have been to this record.
    fn remember(&self, record: Arc<GuidRecord>, head: Seq, now: Timestamp);

    /// Forgets records that may have changed up to `head`. MUST have forgotten them when it returns.
    fn forget<'a>(&self, forgotten: Forgotten<'a>, head: Seq);
}

/// What changed about the keys that open environments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChanges {
    /// These are all keys there are.
    All(Vec<Grant>),
    /// These may have changed, each with what it opens now; `None` for one that opens nothing.
    Only(Vec<(KeyDigest, Option<Grant>)>),
}

/// Which keys have to be held anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUpdate {
    /// The log's last change when this was read; 0 in an empty log.
    pub head: Seq,
    /// What changed.
    pub keys: KeyChanges,
    /// Whether environments were renamed.
    pub renamed: bool,
}

/// Reads the keys that open environments.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait KeySource: Send + Sync {
    /// What changed after `since`, or all keys when `since` is `None` or no longer part of the log, as
    /// [`SnapshotSource`](crate::flags::SnapshotSource) says. MUST read head and keys in one transaction. MUST NOT
    /// read keys that did not change, unless so many did that reading all costs less.
    fn load(&self, since: Option<Seq>) -> Result<KeyUpdate, StorageError>;
}

/// Hashes passwords. Costs tens of milliseconds by design: never called where flags are served.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait PasswordHasher: Send + Sync {
    /// A hash with a fresh salt.
    fn hash(&self, password: &Password) -> Result<PasswordHash, StorageError>;

    /// Whether the password is the one that was hashed. With `None` for the hash it MUST take as long, and be false.
    #[allow(
        clippy::needless_lifetimes,
        reason = "mockall cannot elide a lifetime inside an Option"
    )]
    fn verify<'hash>(
        &self,
        password: &str,
        hash: Option<&'hash PasswordHash>,
    ) -> Result<bool, StorageError>;
}

/// The operating system's source of randomness, fit for keys.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait RandomSource: Send + Sync {
    /// 32 random bytes.
    fn bytes(&self) -> [u8; 32];
}
