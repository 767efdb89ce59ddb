//! The GUID register: records that whoever knows the GUID may read, each with an expiry; some open an environment, too.
//!
//! A record is a row of the one table of keys; its GUID is the credential, of which the digest alone is kept.
//! [`super::guid_service`] manages them, [`expire`] is how their end is written.

pub mod expire;

pub use expire::Expire;

use super::key::{KeyDigest, KeyKind, KeyText};
use super::ports::RandomSource;
use crate::clock::Timestamp;
use crate::ids::{EnvironmentId, KeyId, Seq};
use crate::text::{Description, EnvironmentName, GuidUser, Invalid};

/// How long a record is valid where nothing else is said.
pub const DEFAULT_DAYS: u32 = 30;
/// How long an expired record can be given a new expiry, before it is purged.
pub const KEPT_DAYS: u32 = 30;

/// 32 upper-case hexadecimal characters. Knowing it is the credential: not shown by `Debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guid(KeyText);

impl Guid {
    /// Takes a text that is a GUID.
    ///
    /// # Errors
    /// [`Invalid`] when it is anything else; the text is no part of the message.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let upper = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
        if text.len() != 32 || !text.bytes().all(upper) {
            return Err(Invalid::new(
                "must be 32 hexadecimal characters, letters in upper case",
            ));
        }
        KeyText::parse(text).map(Self)
    }

    /// A new one, of 16 random bytes.
    #[must_use]
    pub fn generate(random: &dyn RandomSource) -> Self {
        Self(KeyText::generate(KeyKind::Client, random))
    }

    /// The text, to be shown to whoever knows it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// The digest by which it is looked up.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        self.0.digest()
    }
}

/// A record of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuidRecord {
    /// Its id among the keys.
    pub id: KeyId,
    /// The GUID's digest.
    pub digest: KeyDigest,
    /// Whom it was given to.
    pub user: GuidUser,
    /// The environment that the GUID opens, with its name.
    pub environment: Option<(EnvironmentId, EnvironmentName)>,
    /// What it is for.
    pub description: Option<Description>,
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it reads as unknown and opens nothing.
    pub expire: Expire,
    /// The last change to this record.
    pub version: Seq,
}

impl GuidRecord {
    /// Whether it has expired at `now`.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now >= self.expire.at()
    }
}

/// Asks for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateGuid {
    /// Whom it is given to.
    pub user: GuidUser,
    /// Its end; [`DEFAULT_DAYS`] after its creation where none is given.
    pub expire: Option<Expire>,
    /// The environment that it is to open.
    pub environment: Option<EnvironmentName>,
    /// What it is for.
    pub description: Option<Description>,
}

/// A record to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewGuid {
    /// The GUID's digest.
    pub digest: KeyDigest,
    /// Whom it is given to.
    pub user: GuidUser,
    /// Its end.
    pub expire: Expire,
    /// The environment that it is to open.
    pub environment: Option<EnvironmentName>,
    /// What it is for.
    pub description: Option<Description>,
}

/// Changes what is given, leaves the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeGuid {
    /// Another user.
    pub user: Option<GuidUser>,
    /// Another end.
    pub expire: Option<Expire>,
    /// Another environment; `Some(None)` for none.
    pub environment: Option<Option<EnvironmentName>>,
    /// Another description; `Some(None)` for none.
    pub description: Option<Option<Description>>,
}

/// Whether whoever makes a change may do so where a GUID opens an environment, or is to open one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granting {
    /// An administrator, or the command line.
    Allowed,
    /// Anybody else.
    Refused,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ports::MockRandomSource;

    #[test]
    fn a_guid_is_32_hexadecimal_characters_in_upper_case() {
        assert!(Guid::parse("9094E4C980C74043A4B586B420E69DDF").is_ok());
        for bad in [
            "",
            "9094E4C980C74043A4B586B420E69DD",
            "9094E4C980C74043A4B586B420E69DDF0",
            "9094e4c980c74043a4b586b420e69ddf",
            "9094E4C9-80C7-4043-A4B5-86B420E69DDF",
            "9094E4C980C74043A4B586B420E69DDG",
            "9094E4C980C74043A4B586B420E69D\u{1e9e}",
        ] {
            let error = Guid::parse(bad).unwrap_err().to_string();
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
    }

    #[test]
    fn a_generated_guid_is_one_and_is_not_shown_by_accident() {
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0xAB; 32]);
        let guid = Guid::generate(&random);
        assert_eq!(Guid::parse(guid.reveal()), Ok(guid.clone()));
        assert!(!format!("{guid:?}").contains(guid.reveal()));
    }
}
