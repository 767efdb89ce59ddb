//! Accounts: the first administrator, those who are added to it, and who signs in with a password.

use std::fmt;
use std::sync::Arc;

use super::account::{
    Account, AccountUpdate, ChangeAccount, CreateAccount, NewAccount, Role, Username,
};
use super::account_ports::AccountRepository;
use super::error::{AccessError, SignInError};
use super::password::{Password, PasswordHash};
use super::ports::{PasswordHasher, RandomSource};
use super::principal::{Means, Principal};
use crate::changes::Actor;
use crate::clock::Clock;
use crate::ids::{AccountId, Seq};
use crate::page::{Listing, Page};
use crate::storage::StorageError;
use crate::write::{Precondition, Stamp, Written};

/// Manages accounts, and signs people in.
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
        let stamp = self.stamp(&Actor::System);
        let created = self.repository.create_first_account(&account, &stamp)?;
        Ok(created.then_some(FirstAdministrator {
            username,
            generated,
        }))
    }

    fn stamp(&self, actor: &Actor) -> Stamp {
        Stamp {
            actor: actor.clone(),
            at: self.clock.now(),
        }
    }

    /// A page of accounts, oldest first.
    ///
    /// # Errors
    /// [`StorageError`] when the store fails.
    pub fn list(&self, page: &Page<AccountId>) -> Result<Listing<Account>, StorageError> {
        self.repository.list_accounts(page)
    }

    /// One account.
    ///
    /// # Errors
    /// [`AccessError::AccountNotFound`], [`AccessError::Storage`].
    pub fn get(&self, account: AccountId) -> Result<Account, AccessError> {
        let found = self.repository.find_account_by_id(account)?;
        found.ok_or_else(|| AccessError::AccountNotFound(format!("with the id {account}")))
    }

    /// The account of this name, in any case.
    ///
    /// # Errors
    /// [`AccessError::AccountNotFound`], [`AccessError::Storage`].
    pub fn get_by_name(&self, username: &Username) -> Result<Account, AccessError> {
        let found = self.repository.find_account(username)?;
        found.ok_or_else(|| AccessError::AccountNotFound(format!("{:?}", username.as_str())))
    }

    /// Adds an account. Takes as long as a password's hash does.
    ///
    /// # Errors
    /// [`AccessError::AccountExists`], [`AccessError::Storage`].
    pub fn create(
        &self,
        actor: &Actor,
        command: CreateAccount,
    ) -> Result<Written<Account>, AccessError> {
        let account = NewAccount {
            password_hash: self.hasher.hash(&command.password)?,
            username: command.username,
            role: command.role,
        };
        self.repository.create_account(&account, &self.stamp(actor))
    }

    /// Gives an account another role or password, disables or enables it. What it was entered by ends with a change of
    /// its password and when it is disabled.
    ///
    /// # Errors
    /// [`AccessError::AccountNotFound`], [`AccessError::LastAdministrator`], [`AccessError::VersionMismatch`],
    /// [`AccessError::Storage`].
    pub fn change(
        &self,
        actor: &Actor,
        account: AccountId,
        change: &ChangeAccount,
        precondition: &Precondition,
    ) -> Result<Written<Account>, AccessError> {
        let password = change.password.as_ref();
        let update = AccountUpdate {
            role: change.role,
            password_hash: password.map(|one| self.hasher.hash(one)).transpose()?,
            disabled: change.disabled,
        };
        self.repository
            .change_account(account, &update, precondition, &self.stamp(actor))
    }

    /// Deletes an account with all that it was entered by.
    ///
    /// # Errors
    /// [`AccessError::AccountNotFound`], [`AccessError::LastAdministrator`], [`AccessError::VersionMismatch`],
    /// [`AccessError::Storage`].
    pub fn delete(
        &self,
        actor: &Actor,
        account: AccountId,
        precondition: &Precondition,
    ) -> Result<Seq, AccessError> {
        self.repository
            .delete_account(account, precondition, &self.stamp(actor))
    }

    /// The account that a name and a password open. Takes as long for an unknown name as for a wrong password.
    ///
    /// # Errors
    /// [`SignInError::Refused`], [`SignInError::Storage`].
    pub fn verify(&self, username: &str, password: &str) -> Result<Account, SignInError> {
        let account = match Username::parse(username) {
            Ok(username) => self.repository.find_account(&username)?,
            Err(_) => None,
        };
        let hash = account.as_ref().map(|account| &account.password_hash);
        let right = self.hasher.verify(password, hash)?;
        let entered = account.filter(|account| right && !account.disabled);
        entered.ok_or(SignInError::Refused)
    }

    /// Who signs in with the password of this hash, verified before; nobody where the account has been deleted, disabled
    /// or given another password since.
    ///
    /// # Errors
    /// [`StorageError`] when the store fails.
    pub fn recheck(
        &self,
        account: AccountId,
        verified: &PasswordHash,
    ) -> Result<Option<Principal>, StorageError> {
        let found = self.repository.find_account_by_id(account)?;
        let entered = found.filter(|one| !one.disabled && one.password_hash == *verified);
        Ok(entered.map(|account| Principal::of(&account, Means::Password)))
    }

    /// Notes that somebody signed in to an account.
    ///
    /// # Errors
    /// [`StorageError`] when the store fails, which keeps nobody out.
    pub fn note_sign_in(&self, account: AccountId) -> Result<(), StorageError> {
        self.repository.note_sign_in(account, self.clock.now())
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
    use crate::access::account_ports::MockAccountRepository;
    use crate::access::ports::{MockPasswordHasher, MockRandomSource};
    use crate::access::samples::{hash, jay};
    use crate::clock::{MockClock, Timestamp};

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
        repository
            .expect_find_account()
            .returning(move |username| Ok((username.as_str() == "jay").then(|| jay(disabled))));
        service(repository)
    }

    #[test]
    fn the_right_password_enters_with_the_accounts_role() {
        let account = with_account(false).verify("jay", "correct horse").unwrap();
        assert_eq!((account.id, account.role), (AccountId(3), Role::Editor));
    }

    #[test]
    fn unknown_name_wrong_password_and_disabled_account_look_alike() {
        let refusals = [
            with_account(false).verify("jay", "wrong"),
            with_account(false).verify("nobody", "correct horse"),
            with_account(false).verify("no:name", "correct horse"),
            with_account(true).verify("jay", "correct horse"),
        ];
        for refusal in refusals {
            assert!(matches!(refusal, Err(SignInError::Refused)));
        }
    }

    #[test]
    fn a_verified_password_enters_no_more_once_the_account_was_disabled_or_got_another() {
        let entered = |stored: Option<Account>, verified: &str| {
            let mut repository = MockAccountRepository::new();
            repository
                .expect_find_account_by_id()
                .with(eq(AccountId(3)))
                .return_once(|_| Ok(stored));
            let entered = service(repository).recheck(AccountId(3), &hash(verified));
            entered.unwrap().is_some()
        };
        assert!(entered(Some(jay(false)), "correct horse"));
        assert!(!entered(Some(jay(false)), "the horse before"));
        assert!(!entered(Some(jay(true)), "correct horse"));
        assert!(!entered(None, "correct horse"));
    }

    #[test]
    fn a_new_password_is_stored_as_its_hash() {
        let mut repository = MockAccountRepository::new();
        repository
            .expect_change_account()
            .withf(|id, update, _, _| {
                *id == AccountId(3)
                    && update.password_hash == Some(hash("twelve chars"))
                    && (update.role, update.disabled) == (None, None)
            })
            .once()
            .returning(|_, _, _, _| {
                Ok(Written {
                    record: jay(false),
                    revision: Seq(2),
                })
            });
        let change = ChangeAccount {
            password: Some(Password::parse("twelve chars").unwrap()),
            ..ChangeAccount::default()
        };
        service(repository)
            .change(
                &Actor::CommandLine,
                AccountId(3),
                &change,
                &Precondition::Any,
            )
            .unwrap();
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
