//! Accounts: the first administrator, and who signs in.

use std::fmt;
use std::sync::Arc;

use super::account::{NewAccount, Password, Principal, Role, Username};
use super::error::SignInError;
use super::ports::{AccountRepository, PasswordHasher, RandomSource};
use crate::changes::Actor;
use crate::clock::Clock;
use crate::storage::StorageError;
use crate::write::Stamp;

/// Signs people in, and makes the first account.
#[derive(Clone)]
pub struct AccountService {
    repository: Arc<dyn AccountRepository>,
    hasher: Arc<dyn PasswordHasher>,
    random: Arc<dyn RandomSource>,
    clock: Arc<dyn Clock>,
}

/// The administrator that the first start creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstAdministrator {
    /// By which to sign in.
    pub username: Username,
    /// The generated password, to be shown once; `None` when it was given.
    pub generated: Option<Password>,
}

impl AccountService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn AccountRepository>,
        hasher: Arc<dyn PasswordHasher>,
        random: Arc<dyn RandomSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            repository,
            hasher,
            random,
            clock,
        }
    }

    /// Creates an administrator where there is no account at all, with the password given or a random one.
    ///
    /// # Errors
    /// [`StorageError`] when the store or the hasher fails.
    pub fn ensure_first_administrator(
        &self,
        username: Username,
        given: Option<Password>,
    ) -> Result<Option<FirstAdministrator>, StorageError> {
        if !self.repository.is_empty()? {
            return Ok(None);
        }
        let (password, generated) = match given {
            Some(password) => (password, None),
            None => {
                let password = Password::generate(self.random.bytes());
                (password.clone(), Some(password))
            }
        };
        let account = NewAccount {
            username: username.clone(),
            role: Role::Admin,
            password_hash: self.hasher.hash(&password)?,
        };
        let stamp = Stamp {
            actor: Actor::System,
            at: self.clock.now(),
        };
        let created = self.repository.create_first_account(&account, &stamp)?;
        Ok(created.then_some(FirstAdministrator {
            username,
            generated,
        }))
    }

    /// Checks a name and a password. Takes as long for an unknown name as for a wrong password.
    ///
    /// # Errors
    /// [`SignInError::Refused`], [`SignInError::Storage`].
    pub fn sign_in(&self, username: &str, password: &str) -> Result<Principal, SignInError> {
        let account = match Username::parse(username) {
            Ok(username) => self.repository.find_account(&username)?,
            Err(_) => None,
        };
        let hash = account.as_ref().map(|account| &account.password_hash);
        let right = self.hasher.verify(password, hash)?;
        match account {
            Some(account) if right && !account.disabled => Ok(Principal {
                account: account.id,
                username: account.username,
                role: account.role,
            }),
            _ => Err(SignInError::Refused),
        }
    }
}

impl fmt::Debug for AccountService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::{eq, function};

    use super::*;
    use crate::access::account::{Account, PasswordHash};
    use crate::access::ports::{MockAccountRepository, MockPasswordHasher, MockRandomSource};
    use crate::clock::{MockClock, Timestamp};
    use crate::ids::{AccountId, Seq};

    fn hash(text: &str) -> PasswordHash {
        PasswordHash::new(format!("hash of {text}"))
    }

    fn service(repository: MockAccountRepository) -> AccountService {
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .returning(|| Timestamp::from_micros(0).unwrap());
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [1; 32]);
        let mut hasher = MockPasswordHasher::new();
        hasher
            .expect_hash()
            .returning(|password| Ok(hash(password.reveal())));
        hasher
            .expect_verify()
            .returning(|password, stored| Ok(stored == Some(&hash(password))));
        AccountService::new(
            Arc::new(repository),
            Arc::new(hasher),
            Arc::new(random),
            Arc::new(clock),
        )
    }

    fn with_account(disabled: bool) -> AccountService {
        let mut repository = MockAccountRepository::new();
        repository.expect_find_account().returning(move |username| {
            Ok((username.as_str() == "jay").then(|| Account {
                id: AccountId(3),
                username: username.clone(),
                role: Role::Editor,
                password_hash: hash("correct horse"),
                disabled,
                created_at: Timestamp::from_micros(0).unwrap(),
                version: Seq(1),
            }))
        });
        service(repository)
    }

    #[test]
    fn the_right_password_enters_with_the_accounts_role() {
        let principal = with_account(false).sign_in("jay", "correct horse").unwrap();
        assert_eq!(
            (principal.account, principal.role),
            (AccountId(3), Role::Editor)
        );
    }

    #[test]
    fn unknown_name_wrong_password_and_disabled_account_look_alike() {
        let refusals = [
            with_account(false).sign_in("jay", "wrong"),
            with_account(false).sign_in("nobody", "correct horse"),
            with_account(false).sign_in("no:name", "correct horse"),
            with_account(true).sign_in("jay", "correct horse"),
        ];
        for refusal in refusals {
            assert!(matches!(refusal, Err(SignInError::Refused)));
        }
    }

    #[test]
    fn the_first_administrator_gets_a_random_password_unless_one_is_given() {
        for given in [None, Some(Password::parse("twelve chars").unwrap())] {
            let mut repository = MockAccountRepository::new();
            repository.expect_is_empty().returning(|| Ok(true));
            repository
                .expect_create_first_account()
                .with(
                    function(|account: &NewAccount| account.role == Role::Admin),
                    function(|stamp: &Stamp| stamp.actor == Actor::System),
                )
                .returning(|_, _| Ok(true));
            let first = service(repository)
                .ensure_first_administrator(Username::parse("admin").unwrap(), given.clone())
                .unwrap()
                .unwrap();
            assert_eq!(first.generated.is_some(), given.is_none());
        }
    }

    #[test]
    fn where_there_is_an_account_or_another_process_was_first_none_is_made() {
        let mut repository = MockAccountRepository::new();
        repository.expect_is_empty().once().returning(|| Ok(false));
        repository.expect_is_empty().returning(|| Ok(true));
        repository
            .expect_create_first_account()
            .once()
            .with(
                function(|_: &NewAccount| true),
                eq(Stamp {
                    actor: Actor::System,
                    at: Timestamp::from_micros(0).unwrap(),
                }),
            )
            .returning(|_, _| Ok(false));
        let service = service(repository);
        let ensure = || service.ensure_first_administrator(Username::parse("admin").unwrap(), None);
        assert_eq!(ensure().unwrap(), None);
        assert_eq!(ensure().unwrap(), None);
    }
}
