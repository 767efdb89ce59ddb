//! What can be wrong with a request about keys and accounts, or with signing in.

use std::time::Duration;

use super::account::{Role, Username};
use crate::ids::{KeyId, TokenId};
use crate::storage::StorageError;
use crate::text::EnvironmentName;
use crate::write::VersionMismatch;

/// Why a request about keys or accounts was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessError {
    /// No environment has this name.
    #[error("there is no environment {:?}", .0.as_str())]
    EnvironmentNotFound(EnvironmentName),
    /// The environment has no key with this id.
    #[error("this environment has no key with the id {0}")]
    KeyNotFound(KeyId),
    /// The text is a key already, here or in another environment.
    #[error("this text is a key already; every key must be unique")]
    KeyExists,
    /// The key is a record of the GUID register, which alone changes it.
    #[error(
        "the key {0} is a record of the GUID register: it can be revoked here, and changed there alone"
    )]
    KeyIsGuid(KeyId),
    /// No record has this GUID, or it has expired.
    #[error("there is no such GUID, or it has expired")]
    GuidNotFound,
    /// The GUID is that of a record that has not expired, or of a key.
    #[error("exists already")]
    GuidExists,
    /// A GUID was to open an environment that is not there.
    #[error("must name an environment; there is no {:?}", .0.as_str())]
    GrantsUnknown(EnvironmentName),
    /// Only an administrator may say which environment a GUID opens, or change one that opens any.
    #[error("only an administrator may make, change or delete a GUID that opens an environment")]
    GrantingRefused,
    /// No account is meant by this: `with the id 7`, or a name.
    #[error("there is no user {0}")]
    AccountNotFound(String),
    /// Another account has this name.
    #[error("there is a user {:?} already; names differ in more than case", .0.as_str())]
    AccountExists(Username),
    /// Without this account nobody could manage accounts any more.
    #[error(
        "{:?} is the last enabled administrator, and can be neither deleted, disabled nor demoted; make another first",
        .0.as_str()
    )]
    LastAdministrator(Username),
    /// The account has changed since whoever makes the token signed in.
    #[error("the account was changed in the meantime; sign in again")]
    AccountChanged,
    /// The account has no token with this id.
    #[error("this account has no token with the id {0}")]
    TokenNotFound(TokenId),
    /// A token that expires would make one that outlives it.
    #[error("a token that is made with a token must expire when that does or before")]
    TokenOutlives,
    /// The account's role does not allow it.
    #[error("this needs the role {needed}; {username} is {role}")]
    Role {
        /// The role that does.
        needed: Role,
        /// Who was refused.
        username: Username,
        /// What that account may do.
        role: Role,
    },
    /// The stored version is none that the writer accepts.
    #[error(transparent)]
    VersionMismatch(#[from] VersionMismatch),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Why somebody may not enter.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SignInError {
    /// Unknown name, wrong password or disabled account: which of them is not told.
    #[error("the username or the password is wrong")]
    Refused,
    /// Too many failures; try again after that time.
    #[error("too many failed attempts; try again later")]
    TooMany(Duration),
    /// The store or the hasher failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
