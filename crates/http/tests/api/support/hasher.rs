//! The real password hasher, which also counts how often it hashes and verifies.

use std::sync::atomic::{AtomicUsize, Ordering};

use flagstaff_domain::access::{Password, PasswordHash, PasswordHasher};
use flagstaff_domain::storage::StorageError;
use flagstaff_infra::password::Argon2Hasher;

pub(crate) struct CountingHasher {
    inner: Argon2Hasher,
    verified: AtomicUsize,
    hashed: AtomicUsize,
}

impl Default for CountingHasher {
    fn default() -> Self {
        Self {
            inner: Argon2Hasher::new(2),
            verified: AtomicUsize::new(0),
            hashed: AtomicUsize::new(0),
        }
    }
}

impl CountingHasher {
    /// How many passwords were verified since the start.
    pub(crate) fn verified(&self) -> usize {
        self.verified.load(Ordering::SeqCst)
    }

    /// How many new passwords were hashed since the start.
    pub(crate) fn hashed(&self) -> usize {
        self.hashed.load(Ordering::SeqCst)
    }
}

impl PasswordHasher for CountingHasher {
    fn hash(&self, password: &Password) -> Result<PasswordHash, StorageError> {
        self.hashed.fetch_add(1, Ordering::SeqCst);
        self.inner.hash(password)
    }

    fn verify(&self, password: &str, hash: Option<&PasswordHash>) -> Result<bool, StorageError> {
        self.verified.fetch_add(1, Ordering::SeqCst);
        self.inner.verify(password, hash)
    }
}
