//! Managing the keys of environments.

use std::fmt;
use std::sync::Arc;

use super::error::AccessError;
use super::key::{ChangeKey, CreateKey, EnvironmentKey, KeyKind, KeyText, NewKey};
use super::ports::{KeyRepository, RandomSource};
use crate::changes::Actor;
use crate::clock::Clock;
use crate::ids::{KeyId, Seq};
use crate::page::{Listing, Page};
use crate::text::EnvironmentName;
use crate::write::{Precondition, Stamp, Written};

/// Manages the keys of environments.
#[derive(Clone)]
pub struct KeyService {
    repository: Arc<dyn KeyRepository>,
    random: Arc<dyn RandomSource>,
    clock: Arc<dyn Clock>,
}

/// A key that was just made, with its text: of a server key this is the only time that it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedKey {
    /// The record.
    pub written: Written<EnvironmentKey>,
    /// What its owner has to keep.
    pub text: KeyText,
}

impl KeyService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn KeyRepository>,
        random: Arc<dyn RandomSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            repository,
            random,
            clock,
        }
    }

    fn stamp(&self, actor: &Actor) -> Stamp {
        Stamp {
            actor: actor.clone(),
            at: self.clock.now(),
        }
    }

    /// A page of an environment's keys in the order of their creation.
    ///
    /// # Errors
    /// [`AccessError::EnvironmentNotFound`], [`AccessError::Storage`].
    pub fn list(
        &self,
        environment: &EnvironmentName,
        page: &Page<KeyId>,
    ) -> Result<Listing<EnvironmentKey>, AccessError> {
        self.repository.list_keys(environment, page)
    }

    /// One key of an environment, expired or not.
    ///
    /// # Errors
    /// [`AccessError::EnvironmentNotFound`], [`AccessError::KeyNotFound`], [`AccessError::Storage`].
    pub fn get(
        &self,
        environment: &EnvironmentName,
        key: KeyId,
    ) -> Result<EnvironmentKey, AccessError> {
        self.repository.get_key(environment, key)
    }

    /// Makes a key for an environment.
    ///
    /// # Errors
    /// [`AccessError::EnvironmentNotFound`], [`AccessError::KeyExists`] for a text of one's own,
    /// [`AccessError::Storage`].
    pub fn create(
        &self,
        actor: &Actor,
        environment: &EnvironmentName,
        command: CreateKey,
    ) -> Result<IssuedKey, AccessError> {
        let text = command.text.unwrap_or_else(|| self.generate(command.kind));
        let key = NewKey::of(command.name, command.kind, &text, command.expires_at);
        let written = self
            .repository
            .create_key(environment, &key, &self.stamp(actor))?;
        Ok(IssuedKey { written, text })
    }

    /// Gives a key another name or expiry.
    ///
    /// # Errors
    /// [`AccessError::EnvironmentNotFound`], [`AccessError::KeyNotFound`], [`AccessError::VersionMismatch`],
    /// [`AccessError::Storage`].
    pub fn change(
        &self,
        actor: &Actor,
        environment: &EnvironmentName,
        key: KeyId,
        change: &ChangeKey,
        precondition: &Precondition,
    ) -> Result<Written<EnvironmentKey>, AccessError> {
        self.repository
            .change_key(environment, key, change, precondition, &self.stamp(actor))
    }

    /// Makes a key in place of another, which goes on for `grace_seconds`, so that applications can change over.
    ///
    /// # Errors
    /// [`AccessError::EnvironmentNotFound`], [`AccessError::KeyNotFound`], [`AccessError::VersionMismatch`],
    /// [`AccessError::Storage`].
    pub fn rotate(
        &self,
        actor: &Actor,
        environment: &EnvironmentName,
        old: KeyId,
        grace_seconds: u32,
        precondition: &Precondition,
    ) -> Result<IssuedKey, AccessError> {
        let stamp = self.stamp(actor);
        let drawn = self.random.bytes();
        let old_expires_at = stamp.at.plus_seconds(grace_seconds);
        let written = self.repository.rotate_key(
            environment,
            old,
            &drawn,
            old_expires_at,
            precondition,
            &stamp,
        )?;
        let text = KeyText::of(written.record.kind, &drawn);
        Ok(IssuedKey { written, text })
    }

    /// Revokes a key: it is refused from then on.
    ///
    /// # Errors
    /// [`AccessError::EnvironmentNotFound`], [`AccessError::KeyNotFound`], [`AccessError::VersionMismatch`],
    /// [`AccessError::Storage`].
    pub fn delete(
        &self,
        actor: &Actor,
        environment: &EnvironmentName,
        key: KeyId,
        precondition: &Precondition,
    ) -> Result<Seq, AccessError> {
        self.repository
            .delete_key(environment, key, precondition, &self.stamp(actor))
    }

    fn generate(&self, kind: KeyKind) -> KeyText {
        KeyText::generate(kind, self.random.as_ref())
    }
}

impl fmt::Debug for KeyService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::{always, eq, function};

    use super::*;
    use crate::access::key::KeyDigest;
    use crate::access::ports::{MockKeyRepository, MockRandomSource};
    use crate::clock::{MockClock, Timestamp};
    use crate::ids::EnvironmentId;
    use crate::text::KeyName;

    fn now() -> Timestamp {
        Timestamp::from_micros(1_000_000).unwrap()
    }

    fn service(repository: MockKeyRepository) -> KeyService {
        let mut clock = MockClock::new();
        clock.expect_now().returning(now);
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0x5A; 32]);
        KeyService::new(Arc::new(repository), Arc::new(random), Arc::new(clock))
    }

    fn production() -> EnvironmentName {
        EnvironmentName::parse("production").unwrap()
    }

    fn stored(key: &NewKey) -> Written<EnvironmentKey> {
        Written {
            record: EnvironmentKey {
                id: KeyId(1),
                environment_id: EnvironmentId(1),
                environment: production(),
                name: key.name.clone(),
                kind: key.kind,
                digest: key.digest,
                text: key.text.clone(),
                created_at: now(),
                expires_at: key.expires_at,
                is_guid: false,
                version: Seq(1),
            },
            revision: Seq(1),
        }
    }

    fn command(kind: KeyKind, text: Option<KeyText>) -> CreateKey {
        CreateKey {
            name: KeyName::parse("web").unwrap(),
            kind,
            expires_at: None,
            text,
        }
    }

    #[test]
    fn a_server_keys_text_is_issued_and_not_stored() {
        let mut repository = MockKeyRepository::new();
        repository
            .expect_create_key()
            .with(
                eq(production()),
                function(|key: &NewKey| key.text.is_none()),
                always(),
            )
            .once()
            .returning(|_, key, _| Ok(stored(key)));
        let issued = service(repository)
            .create(
                &Actor::CommandLine,
                &production(),
                command(KeyKind::Server, None),
            )
            .unwrap();
        assert_eq!(issued.text.reveal(), format!("ser.{}", "5a".repeat(32)));
        assert_eq!(issued.written.record.digest, issued.text.digest());
    }

    #[test]
    fn a_key_of_ones_own_is_kept() {
        let mut repository = MockKeyRepository::new();
        repository
            .expect_create_key()
            .returning(|_, key, _| Ok(stored(key)));
        let own = KeyText::parse("the-key-they-have").unwrap();
        let issued = service(repository)
            .create(
                &Actor::CommandLine,
                &production(),
                command(KeyKind::Client, Some(own.clone())),
            )
            .unwrap();
        assert_eq!(
            issued.written.record.digest,
            KeyDigest::of(b"the-key-they-have")
        );
        assert_eq!(issued.text, own);
    }

    #[test]
    fn a_rotated_key_goes_on_for_its_grace() {
        let mut repository = MockKeyRepository::new();
        repository
            .expect_rotate_key()
            .withf(|_, old, drawn, until, _, _| {
                *old == KeyId(1) && *drawn == [0x5A; 32] && *until == now().plus_seconds(3_600)
            })
            .once()
            .returning(|_, _, drawn, _, _, _| {
                let name = KeyName::parse("web").unwrap();
                let text = KeyText::of(KeyKind::Client, drawn);
                Ok(stored(&NewKey::of(name, KeyKind::Client, &text, None)))
            });
        let issued = service(repository)
            .rotate(
                &Actor::CommandLine,
                &production(),
                KeyId(1),
                3_600,
                &Precondition::Any,
            )
            .unwrap();
        assert_eq!(issued.text.reveal(), "5A".repeat(16));
    }
}
