//! Passwords are hashed with argon2id (m = 19,456 KiB, t = 2, p = 1; OWASP's recommendation), stored as PHC strings.
//!
//! At most one hash per core runs at a time: a storm of sign-ins waits here, not in front of the flags.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use flagstaff_domain::access::{Password, PasswordHash, PasswordHasher};
use flagstaff_domain::storage::StorageError;
use parking_lot::{Condvar, Mutex};

/// Hashes passwords with argon2id.
pub struct Argon2Hasher {
    argon2: Argon2<'static>,
    /// The hash of no password, verified where there is no account so that it takes as long.
    stand_in: PasswordHash,
    free: Mutex<usize>,
    freed: Condvar,
}

impl Argon2Hasher {
    /// A hasher that runs at most `at_once` hashes at a time.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self {
            argon2: Argon2::default(),
            stand_in: PasswordHash::new(
                "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                    .to_owned(),
            ),
            free: Mutex::new(at_once.max(1)),
            freed: Condvar::new(),
        }
    }

    fn in_turn<T>(&self, work: impl FnOnce() -> T) -> T {
        {
            let mut free = self.free.lock();
            self.freed.wait_while(&mut free, |free| *free == 0);
            *free -= 1;
        }
        let _turn = Turn(self);
        work()
    }
}

/// A place among those that hash; given back also when hashing panics.
struct Turn<'a>(&'a Argon2Hasher);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock() += 1;
        self.0.freed.notify_one();
    }
}

impl PasswordHasher for Argon2Hasher {
    fn hash(&self, password: &Password) -> Result<PasswordHash, StorageError> {
        let hash = self.in_turn(|| self.argon2.hash_password(password.reveal().as_bytes()));
        hash.map(|phc| PasswordHash::new(phc.to_string()))
            .map_err(|error| StorageError::failed(error.to_string()))
    }

    fn verify(&self, password: &str, hash: Option<&PasswordHash>) -> Result<bool, StorageError> {
        let phc = Phc::new(hash.unwrap_or(&self.stand_in).as_str())
            .map_err(|error| StorageError::failed(format!("a stored password hash: {error}")))?;
        let right = self.in_turn(|| self.argon2.verify_password(password.as_bytes(), &phc));
        Ok(right.is_ok() && hash.is_some())
    }
}

impl fmt::Debug for Argon2Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2Hasher").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_is_verified() {
        let hasher = Argon2Hasher::new(1);
        let hash = hasher
            .hash(&Password::parse("correct horse battery").unwrap())
            .unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hasher.verify("correct horse battery", Some(&hash)).unwrap());
        assert!(!hasher.verify("correct horse", Some(&hash)).unwrap());
        assert!(!hasher.verify("", None).unwrap());
    }

    #[test]
    fn the_stand_in_costs_what_a_real_hash_costs() {
        let hasher = Argon2Hasher::new(1);
        let real = hasher
            .hash(&Password::parse("correct horse battery").unwrap())
            .unwrap();
        let parameters = |hash: &PasswordHash| {
            let parts: Vec<_> = hash.as_str().split('$').map(str::to_owned).collect();
            (parts[1..4].to_vec(), parts[4].len(), parts[5].len())
        };
        assert_eq!(parameters(&hasher.stand_in), parameters(&real));
    }
}
