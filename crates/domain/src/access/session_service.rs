//! Sessions: begun with a password, entered with a cookie, ended by their owner or by themselves.

use std::fmt;
use std::sync::Arc;

use super::account::Account;
use super::account_ports::SessionRepository;
use super::error::SignInError;
use super::ports::RandomSource;
use super::principal::{Means, Principal};
use super::secret::SessionText;
use super::session::{NewSession, SessionLimits};
use super::uses::Uses;
use crate::clock::{Clock, Onward};
use crate::ids::SessionId;
use crate::storage::StorageError;

/// Begins, recognizes and ends sessions.
#[derive(Clone)]
pub struct SessionService {
    repository: Arc<dyn SessionRepository>,
    random: Arc<dyn RandomSource>,
    clock: Arc<dyn Clock>,
    limits: SessionLimits,
    /// A clock that is set back makes nothing valid again that has expired.
    onward: Arc<Onward>,
    uses: Arc<Uses>,
}

impl SessionService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn SessionRepository>,
        random: Arc<dyn RandomSource>,
        clock: Arc<dyn Clock>,
        limits: SessionLimits,
    ) -> Self {
        Self {
            repository,
            random,
            onward: Arc::new(Onward::new(Arc::clone(&clock))),
            clock,
            limits,
            uses: Arc::default(),
        }
    }

    /// Begins a session of an account whose password was just verified, always under a new text, and ends the one that
    /// the same browser had until now. Returns the account as it is then.
    ///
    /// # Errors
    /// [`SignInError::Refused`] when the account has changed since, [`SignInError::Storage`].
    pub fn begin(
        &self,
        verified: &Account,
        replaces: Option<&SessionText>,
    ) -> Result<(SessionText, Account), SignInError> {
        let text = SessionText::generate(self.random.as_ref());
        let account = self.repository.begin_session(&NewSession {
            account: verified.id,
            version: verified.version,
            digest: text.digest(),
            replaces: replaces.map(SessionText::digest),
            at: self.clock.now(),
        })?;
        Ok((text, account))
    }

    /// Who enters with this session; nobody once it has ended.
    ///
    /// # Errors
    /// [`StorageError`] when the store fails.
    pub fn enter(&self, text: &SessionText) -> Result<Option<Principal>, StorageError> {
        let Some(session) = self.repository.find_session(&text.digest())? else {
            return Ok(None);
        };
        let now = self.onward.now();
        if !self.limits.allow(&session, now) || session.account.disabled {
            return Ok(None);
        }
        if self.uses.due(session.id.0, self.clock.uptime()) {
            self.repository.note_session_use(session.id, now);
        }
        let means = Means::Session(session.id);
        Ok(Some(Principal::of(&session.account, means)))
    }

    /// Ends a session: its cookie is dead from then on.
    ///
    /// # Errors
    /// [`StorageError`] when the store fails.
    pub fn end(&self, session: SessionId) -> Result<(), StorageError> {
        self.repository.end_session(session)
    }

    /// Forgets up to `limit` sessions that have ended, and returns how many.
    ///
    /// # Errors
    /// [`StorageError`] when the store fails.
    pub fn purge(&self, limit: usize) -> Result<usize, StorageError> {
        let ended = self.limits.ended(self.clock.now());
        self.repository.purge_sessions(&ended, limit)
    }
}

impl fmt::Debug for SessionService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionService")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mockall::predicate::{always, eq};

    use super::*;
    use crate::access::account_ports::MockSessionRepository;
    use crate::access::ports::MockRandomSource;
    use crate::access::samples::{at, jay};
    use crate::access::session::Session;
    use crate::clock::MockClock;
    use crate::ids::{AccountId, Seq};

    fn text(byte: u8) -> SessionText {
        let mut random = MockRandomSource::new();
        random.expect_bytes().return_once(move || [byte; 32]);
        SessionText::generate(&random)
    }

    /// A service whose clock shows one of these seconds after the other.
    fn service<const N: usize>(
        repository: MockSessionRepository,
        clock: [i64; N],
    ) -> SessionService {
        let mut seconds = clock.into_iter();
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .returning(move || at(seconds.next().unwrap()));
        clock.expect_uptime().returning(|| Duration::ZERO);
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0x5A; 32]);
        let limits = SessionLimits {
            idle_seconds: 100,
            max_seconds: 1_000,
        };
        let (repository, random) = (Arc::new(repository), Arc::new(random));
        SessionService::new(repository, random, Arc::new(clock), limits)
    }

    fn holding(created: i64, used: i64, disabled: bool) -> MockSessionRepository {
        let mut repository = MockSessionRepository::new();
        repository.expect_find_session().returning(move |_| {
            Ok(Some(Session {
                id: SessionId(5),
                account: jay(disabled),
                created_at: at(created),
                last_used_at: at(used),
            }))
        });
        repository
    }

    #[test]
    fn a_session_begins_under_a_new_text_for_the_version_that_was_verified() {
        let mut repository = MockSessionRepository::new();
        let expected = NewSession {
            account: AccountId(3),
            version: Seq(7),
            digest: text(0x5A).digest(),
            replaces: Some(text(1).digest()),
            at: at(10),
        };
        repository
            .expect_begin_session()
            .with(eq(expected))
            .once()
            .returning(|_| Ok(jay(false)));
        let begun = service(repository, [10]).begin(&jay(false), Some(&text(1)));
        assert_eq!(begun.unwrap(), (text(0x5A), jay(false)));
    }

    #[test]
    fn a_session_ends_when_it_is_idle_too_long_and_at_the_latest_after_its_time() {
        for (created, used, now, enters) in [
            (0, 0, 99, true),
            (0, 0, 100, false),
            (0, 950, 999, true),
            (0, 999, 1_000, false),
        ] {
            let mut repository = holding(created, used, false);
            repository
                .expect_note_session_use()
                .with(eq(SessionId(5)), eq(at(now)))
                .times(usize::from(enters))
                .returning(|_, _| ());
            let entered = service(repository, [now]).enter(&text(1)).unwrap();
            assert_eq!(entered.is_some(), enters, "used {used}, now {now}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_ended_session_valid_again() {
        let service = service(holding(0, 0, false), [100, 50]);
        assert_eq!(service.enter(&text(1)).unwrap(), None);
        assert_eq!(service.enter(&text(1)).unwrap(), None);
    }

    #[test]
    fn nobody_enters_a_disabled_account() {
        let service = service(holding(0, 0, true), [1]);
        assert_eq!(service.enter(&text(1)).unwrap(), None);
    }

    #[test]
    fn many_requests_note_one_use() {
        let mut repository = holding(0, 0, false);
        repository
            .expect_note_session_use()
            .with(always(), always())
            .once()
            .returning(|_, _| ());
        let service = service(repository, [1, 2, 3]);
        for _ in 0..3 {
            assert!(service.enter(&text(1)).unwrap().is_some());
        }
    }

    #[test]
    fn what_has_ended_by_now_is_forgotten() {
        let mut repository = MockSessionRepository::new();
        repository
            .expect_purge_sessions()
            .withf(|ended, limit| {
                (ended.created_at, ended.last_used_at, *limit) == (at(4_000), at(4_900), 10)
            })
            .returning(|_, _| Ok(2));
        assert_eq!(service(repository, [5_000]).purge(10).unwrap(), 2);
    }
}
