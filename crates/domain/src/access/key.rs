//! The keys of an environment: what an application sends to read its flags.
//!
//! A client key may be seen by anybody who uses the application and is stored as text; of a server key only the
//! SHA-256 digest is kept.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ports::RandomSource;
use crate::clock::Timestamp;
use crate::ids::{EnvironmentId, KeyId, Seq};
use crate::text::{EnvironmentName, Invalid, KeyName};

/// Who holds a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum KeyKind {
    /// An application in its users' hands: evaluates flags.
    Client,
    /// An application on a server: also sees features that are marked for servers alone.
    Server,
}

impl KeyKind {
    /// The kind as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl TryFrom<String> for KeyKind {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        match text.as_str() {
            "client" => Ok(Self::Client),
            "server" => Ok(Self::Server),
            _ => Err(Invalid::new("must be \"client\" or \"server\"")),
        }
    }
}

impl From<KeyKind> for &'static str {
    fn from(kind: KeyKind) -> Self {
        kind.as_str()
    }
}

/// A key's text: 8 to 128 visible ASCII characters. It is a credential, and so not shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyText(String);

impl KeyText {
    /// Takes a text that may be a key.
    ///
    /// # Errors
    /// [`Invalid`] when it is too short, too long, or has other characters than visible ASCII.
    pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        if !(8..=128).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid::new("must be 8 to 128 visible ASCII characters"));
        }
        Ok(Self(text))
    }

    /// A new key, of bytes that were drawn for it alone: 32 upper-case hexadecimal characters for a client, `ser.` and
    /// 64 lower-case ones for a server.
    #[must_use]
    pub fn of(kind: KeyKind, drawn: &[u8; 32]) -> Self {
        use fmt::Write;
        let mut text = String::with_capacity(68);
        let written = match kind {
            KeyKind::Client => drawn[..16]
                .iter()
                .try_for_each(|byte| write!(text, "{byte:02X}")),
            KeyKind::Server => {
                text.push_str("ser.");
                drawn.iter().try_for_each(|byte| write!(text, "{byte:02x}"))
            }
        };
        debug_assert!(written.is_ok(), "writing to a String succeeds");
        Self(text)
    }

    /// A new key.
    #[must_use]
    pub fn generate(kind: KeyKind, random: &dyn RandomSource) -> Self {
        Self::of(kind, &random.bytes())
    }

    /// The text, to be shown to its owner.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The digest by which it is looked up.
    #[must_use]
    pub fn digest(&self) -> KeyDigest {
        KeyDigest::of(self.0.as_bytes())
    }
}

impl TryFrom<String> for KeyText {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(hidden)")
    }
}

/// The SHA-256 of a key's text; written `sha256:` and 64 lower-case hexadecimal characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// The digest of what a client sent.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        Self(Sha256::digest(text).into())
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<KeyDigest> for String {
    fn from(digest: KeyDigest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for KeyDigest {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("must be \"sha256:\" and 64 lower-case hexadecimal characters");
        let hex = text.strip_prefix("sha256:").ok_or_else(wrong)?;
        let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if hex.len() != 64 || !hex.bytes().all(lower) {
            return Err(wrong());
        }
        let mut digest = [0; 32];
        for (at, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(digest))
    }
}

/// A key of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentKey {
    /// Its id.
    pub id: KeyId,
    /// The environment that it opens.
    pub environment_id: EnvironmentId,
    /// That environment's name.
    pub environment: EnvironmentName,
    /// Tells a person which key this is.
    pub name: KeyName,
    /// Who holds it.
    pub kind: KeyKind,
    /// By which it is looked up.
    pub digest: KeyDigest,
    /// Its text; a server key's is not kept.
    pub text: Option<KeyText>,
    /// When it was created.
    pub created_at: Timestamp,
    /// From when on it is refused; never where there is none.
    pub expires_at: Option<Timestamp>,
    /// Whether it is a record of the GUID register, named after its user.
    pub is_guid: bool,
    /// The last change to this record.
    pub version: Seq,
}

/// Asks for a new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateKey {
    /// Tells a person which key this is.
    pub name: KeyName,
    /// Who will hold it.
    pub kind: KeyKind,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// A text of one's own, so that applications keep the key that they have; otherwise one is generated.
    pub text: Option<KeyText>,
}

/// Changes what is given, leaves the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeKey {
    /// A new name.
    pub name: Option<KeyName>,
    /// A new expiry; `Some(None)` for none.
    pub expires_at: Option<Option<Timestamp>>,
}

impl ChangeKey {
    /// The record with this change made to it.
    #[must_use]
    pub fn apply(&self, current: &EnvironmentKey) -> EnvironmentKey {
        EnvironmentKey {
            name: self.name.clone().unwrap_or_else(|| current.name.clone()),
            expires_at: self.expires_at.unwrap_or(current.expires_at),
            ..current.clone()
        }
    }
}

/// A key to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Tells a person which key this is.
    pub name: KeyName,
    /// Who will hold it.
    pub kind: KeyKind,
    /// By which it is looked up.
    pub digest: KeyDigest,
    /// What is kept of its text.
    pub text: Option<KeyText>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

impl NewKey {
    /// The record for a key of this text, which is kept for client keys alone.
    #[must_use]
    pub fn of(name: KeyName, kind: KeyKind, text: &KeyText, expires_at: Option<Timestamp>) -> Self {
        Self {
            name,
            kind,
            digest: text.digest(),
            text: (kind == KeyKind::Client).then(|| text.clone()),
            expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ports::MockRandomSource;

    fn random() -> MockRandomSource {
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0xAB; 32]);
        random
    }

    #[test]
    fn a_client_key_is_16_random_bytes_in_upper_case() {
        let key = KeyText::generate(KeyKind::Client, &random());
        assert_eq!(key.reveal(), "AB".repeat(16));
    }

    #[test]
    fn a_server_key_is_ser_and_32_random_bytes() {
        let key = KeyText::generate(KeyKind::Server, &random());
        assert_eq!(key.reveal(), format!("ser.{}", "ab".repeat(32)));
    }

    #[test]
    fn a_key_is_8_to_128_visible_ascii_characters() {
        for bad in [
            "1234567",
            &"x".repeat(129),
            "has a space",
            "nul\0nul\0",
            "schlüssel",
        ] {
            assert!(KeyText::parse(bad).is_err(), "{bad:?}");
        }
        assert!(KeyText::parse("x".repeat(128)).is_ok());
    }

    #[test]
    fn a_digest_is_read_back_as_written() {
        let digest = KeyDigest::of(b"abc");
        assert_eq!(
            digest.to_string(),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(KeyDigest::try_from(digest.to_string()), Ok(digest));
        for bad in [
            "",
            "sha256:",
            "sha256:BA",
            &digest.to_string()[..70],
            "sha256:ü",
        ] {
            assert!(KeyDigest::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_does_not_show_a_key() {
        let shown = format!("{:?}", KeyText::parse("SECRET-SECRET").unwrap());
        assert!(!shown.contains("SECRET"));
    }
}
