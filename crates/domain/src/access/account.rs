//! Accounts: the people and jobs that manage Flagstaff, and what each may do.

use std::fmt;

use serde::{Deserialize, Serialize};

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

/// A password: 12 to 128 characters. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes a password.
    ///
    /// # Errors
    /// [`Invalid`] when it has fewer than 12 or more than 128 characters.
    pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        if (12..=128).contains(&text.chars().count()) {
            Ok(Self(text))
        } else {
            Err(Invalid::new("must have 12 to 128 characters"))
        }
    }

    /// A random password of 24 characters (120 bits): lower case and digits, without those that are easily confused.
    #[must_use]
    pub fn generate(random: [u8; 32]) -> Self {
        // 32 symbols, so that every one is equally likely.
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        Self(
            random[..24]
                .iter()
                .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
                .collect(),
        )
    }

    /// The text, to be hashed or shown once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// A password's hash in the PHC string format. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Takes a PHC string.
    #[must_use]
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The PHC string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(hidden)")
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
    /// Whether it is shut out.
    pub disabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
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

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub username: Username,
    /// What it may do.
    pub role: Role,
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

    #[test]
    fn a_password_has_12_to_128_characters() {
        assert!(Password::parse("elevenchars").is_err());
        assert!(Password::parse("ü".repeat(128)).is_ok());
        assert!(Password::parse("x".repeat(129)).is_err());
    }

    #[test]
    fn a_generated_password_is_a_password() {
        let password = Password::generate(std::array::from_fn(|at| (at * 11) as u8));
        assert!(Password::parse(password.reveal()).is_ok());
        assert_ne!(password, Password::generate([7; 32]));
    }
}
