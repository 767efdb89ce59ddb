//! Access tokens: what jobs sign in with, in the name of the account that made them.

use super::account::Username;
use super::key::KeyDigest;
use crate::clock::Timestamp;
use crate::ids::{AccountId, Seq, TokenId};
use crate::text::TokenName;

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, which opens nothing.
    pub id: TokenId,
    /// Whose it is.
    pub account: AccountId,
    /// That account's name.
    pub username: Username,
    /// Tells its owner which this is.
    pub name: TokenName,
    /// By which it is looked up.
    pub digest: KeyDigest,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute: a trace of use, which makes no version.
    pub last_used_at: Option<Timestamp>,
    /// The last change to this record.
    pub version: Seq,
}

/// A token to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Whose it is.
    pub account: AccountId,
    /// The account's version when whoever makes the token signed in.
    pub account_version: Seq,
    /// Tells its owner which this is.
    pub name: TokenName,
    /// By which it is looked up.
    pub digest: KeyDigest,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}
