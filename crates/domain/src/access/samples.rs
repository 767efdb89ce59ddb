//! An account and instants for the tests of this context.

use super::{Account, PasswordHash, Role, Username};
use crate::clock::Timestamp;
use crate::ids::{AccountId, Seq};

/// That many seconds after 1970.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000).unwrap()
}

/// An editor, whose password's hash says what it is of.
pub(super) fn jay(disabled: bool) -> Account {
    Account {
        id: AccountId(3),
        username: Username::parse("jay").unwrap(),
        role: Role::Editor,
        password_hash: hash("correct horse"),
        password_changed_at: at(0),
        disabled,
        created_at: at(0),
        last_login_at: None,
        version: Seq(7),
    }
}

/// What stands for the hash of a password.
pub(super) fn hash(text: &str) -> PasswordHash {
    PasswordHash::new(format!("hash of {text}"))
}
