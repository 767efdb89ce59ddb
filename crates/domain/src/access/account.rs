//! Accounts: the people and jobs that manage Flagstaff, and what each may do.
//!
//! `password` has how they prove who they are, `principal` somebody who has.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::password::{Password, PasswordHash};
use crate::clock::Timestamp;
use crate::ids::{AccountId, Seq};
use crate::text::{Invalid, NAME_MAX, check_label};

/// What an account may do; each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Role {
    /// Reads everything but secrets.
    Viewer,
    /// Changes features, environments and flags.
    Editor,
    /// Manages accounts and keys.
    Admin,
}

impl Role {
    /// The role as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Admin => "admin",
        }
    }
}

impl TryFrom<String> for Role {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        match text.as_str() {
            "viewer" => Ok(Self::Viewer),
            "editor" => Ok(Self::Editor),
            "admin" => Ok(Self::Admin),
            _ => Err(Invalid::new("must be \"viewer\", \"editor\" or \"admin\"")),
        }
    }
}

impl From<Role> for &'static str {
    fn from(role: Role) -> Self {
        role.as_str()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name by which somebody signs in: 1 to 150 characters on one line, without `:`, which ends it in HTTP Basic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

impl Username {
    /// Takes a name.
    ///
    /// # Errors
    /// [`Invalid`] that says what would be right.
    pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        check_label(&text, NAME_MAX)?;
        if text.contains(':') {
            return Err(Invalid::new("must not contain \":\""));
        }
        Ok(Self(text))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Username {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl From<Username> for String {
    fn from(name: Username) -> Self {
        name.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// By which one signs in; unique without regard to case.
    pub username: Username,
    /// What it may do.
    pub role: Role,
    /// By which its password is recognized.
    pub password_hash: PasswordHash,
    /// When it got this password.
    pub password_changed_at: Timestamp,
    /// Whether it is shut out.
    pub disabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When somebody last signed in to it: a trace of use, which makes no version.
    pub last_login_at: Option<Timestamp>,
    /// The last change to this record.
    pub version: Seq,
}

/// An account to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// By which one signs in.
    pub username: Username,
    /// What it may do.
    pub role: Role,
    /// By which its password is recognized.
    pub password_hash: PasswordHash,
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateAccount {
    /// By which one signs in.
    pub username: Username,
    /// With which.
    pub password: Password,
    /// What it may do.
    pub role: Role,
}

/// What of an account is to become another; `None` is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeAccount {
    /// What it may do.
    pub role: Option<Role>,
    /// With which one signs in.
    pub password: Option<Password>,
    /// Whether it is shut out.
    pub disabled: Option<bool>,
}

/// [`ChangeAccount`] as it is stored: with the hash of the password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountUpdate {
    /// What it may do.
    pub role: Option<Role>,
    /// By which its password is recognized.
    pub password_hash: Option<PasswordHash>,
    /// Whether it is shut out.
    pub disabled: Option<bool>,
}

impl AccountUpdate {
    /// The account as it is after the update, with the version that it had.
    #[must_use]
    pub fn apply(&self, account: &Account, at: Timestamp) -> Account {
        let mut after = account.clone();
        if let Some(role) = self.role {
            after.role = role;
        }
        if let Some(hash) = &self.password_hash {
            after.password_hash = hash.clone();
            after.password_changed_at = at;
        }
        if let Some(disabled) = self.disabled {
            after.disabled = disabled;
        }
        after
    }
}

impl Account {
    /// Whether it may manage accounts and keys at this moment.
    #[must_use]
    pub fn administers(&self) -> bool {
        self.role == Role::Admin && !self.disabled
    }

    /// Whether sessions and tokens that were given out before this change of it must end.
    #[must_use]
    pub fn shuts_out(&self, before: &Self) -> bool {
        (self.disabled && !before.disabled) || self.password_hash != before.password_hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_include_those_before_them() {
        assert!(Role::Viewer < Role::Editor && Role::Editor < Role::Admin);
    }

    #[test]
    fn a_username_has_no_colon() {
        assert!(Username::parse("jay:patel").is_err());
        assert!(Username::parse("jay patel").is_ok());
    }
}
