//! Passwords, which nothing shows, and the hashes by which they are recognized.

use std::fmt;

use serde::de::{Error as _, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::text::Invalid;

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

impl<'de> Deserialize<'de> for Password {
    /// Takes a string. What is said of anything else does not repeat it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(secret_text(deserializer)?).map_err(D::Error::custom)
    }
}

/// A password as somebody gives it to sign in, right or wrong. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenPassword(String);

impl GivenPassword {
    /// The text, to be verified.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }
}

impl<'de> Deserialize<'de> for GivenPassword {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        secret_text(deserializer).map(Self)
    }
}

impl fmt::Debug for GivenPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GivenPassword(hidden)")
    }
}

/// A string that may be a secret. What is said of anything else does not repeat it, as the library would.
fn secret_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Text(String),
        Other(IgnoredAny),
    }
    match Given::deserialize(deserializer)? {
        Given::Text(text) => Ok(text),
        Given::Other(IgnoredAny) => Err(D::Error::custom("must be a string")),
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

#[cfg(test)]
mod tests {
    use super::*;

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
    #[test]
    fn what_is_no_password_is_not_repeated() {
        for text in ["123456789012", "\"elevenchars\"", "[\"123456789012\"]"] {
            let error = serde_json::from_str::<Password>(text).unwrap_err();
            assert!(!error.to_string().contains("123456"), "{error}");
            assert!(!error.to_string().contains("eleven"), "{error}");
        }
        assert!(serde_json::from_str::<Password>("\"twelve chars\"").is_ok());
    }
}
