//! Access tokens: made by their account, entered with, deleted.

use std::fmt;
use std::sync::Arc;

use super::account_ports::TokenRepository;
use super::error::AccessError;
use super::ports::RandomSource;
use super::principal::{Means, Principal};
use super::secret::TokenText;
use super::token::{NewToken, Token};
use super::uses::Uses;
use crate::changes::Actor;
use crate::clock::{Clock, Onward, Timestamp};
use crate::ids::{AccountId, Seq, TokenId};
use crate::page::{Listing, Page};
use crate::storage::StorageError;
use crate::text::TokenName;
use crate::write::{Precondition, Stamp, Written};

/// Manages access tokens, and recognizes them.
#[derive(Clone)]
pub struct TokenService {
    repository: Arc<dyn TokenRepository>,
    random: Arc<dyn RandomSource>,
    clock: Arc<dyn Clock>,
    /// A clock that is set back makes nothing valid again that has expired.
    onward: Arc<Onward>,
    uses: Arc<Uses>,
}

/// A token that was just made, with its text: the only time that it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The record.
    pub written: Written<Token>,
    /// What its owner has to keep.
    pub text: TokenText,
}

impl TokenService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        repository: Arc<dyn TokenRepository>,
        random: Arc<dyn RandomSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            repository,
            random,
            onward: Arc::new(Onward::new(Arc::clone(&clock))),
            clock,
            uses: Arc::default(),
        }
    }

    fn stamp(&self, actor: &Actor) -> Stamp {
        Stamp {
            actor: actor.clone(),
            at: self.clock.now(),
        }
    }

    /// A page of an account's tokens in the order of their creation.
    ///
    /// # Errors
    /// [`StorageError`] when the store fails.
    pub fn list(
        &self,
        account: AccountId,
        page: &Page<TokenId>,
    ) -> Result<Listing<Token>, StorageError> {
        self.repository.list_tokens(account, page)
    }

    /// Makes a token of somebody's own.
    ///
    /// # Errors
    /// [`AccessError::TokenOutlives`] for whoever entered with a token that expires earlier, [`AccessError::AccountChanged`]
    /// when the account has changed since, [`AccessError::Storage`].
    pub fn create_own(
        &self,
        owner: &Principal,
        name: TokenName,
        expires_at: Option<Timestamp>,
    ) -> Result<IssuedToken, AccessError> {
        if let Means::Token {
            expires_at: Some(end),
            ..
        } = owner.means
            && expires_at.is_none_or(|at| at > end)
        {
            return Err(AccessError::TokenOutlives);
        }
        self.create(
            &owner.actor(),
            (owner.account, owner.version),
            name,
            expires_at,
        )
    }

    /// Makes a token for an account that is at this version.
    ///
    /// # Errors
    /// [`AccessError::AccountChanged`] when it is not, or is disabled, [`AccessError::Storage`].
    pub fn create(
        &self,
        actor: &Actor,
        (account, account_version): (AccountId, Seq),
        name: TokenName,
        expires_at: Option<Timestamp>,
    ) -> Result<IssuedToken, AccessError> {
        let text = TokenText::generate(self.random.as_ref());
        let token = NewToken {
            account,
            account_version,
            name,
            digest: text.digest(),
            expires_at,
        };
        let written = self.repository.create_token(&token, &self.stamp(actor))?;
        Ok(IssuedToken { written, text })
    }

    /// Deletes a token of an account: it is refused from then on.
    ///
    /// # Errors
    /// [`AccessError::TokenNotFound`], [`AccessError::VersionMismatch`], [`AccessError::Storage`].
    pub fn delete(
        &self,
        actor: &Actor,
        account: AccountId,
        token: TokenId,
        precondition: &Precondition,
    ) -> Result<Seq, AccessError> {
        self.repository
            .delete_token(account, token, precondition, &self.stamp(actor))
    }

    /// Who enters with this token; nobody once it has expired.
    ///
    /// # Errors
    /// [`StorageError`] when the store fails.
    pub fn enter(&self, text: &TokenText) -> Result<Option<Principal>, StorageError> {
        let Some((token, account)) = self.repository.find_token(&text.digest())? else {
            return Ok(None);
        };
        let now = self.onward.now();
        if account.disabled || token.expires_at.is_some_and(|end| now >= end) {
            return Ok(None);
        }
        if self.uses.due(token.id.0, self.clock.uptime()) {
            self.repository.note_token_use(token.id, now);
        }
        let means = Means::Token {
            name: token.name,
            expires_at: token.expires_at,
        };
        Ok(Some(Principal::of(&account, means)))
    }
}

impl fmt::Debug for TokenService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::access::account_ports::MockTokenRepository;
    use crate::access::ports::MockRandomSource;
    use crate::access::samples::{at, jay};
    use crate::clock::MockClock;

    fn deploy() -> TokenName {
        TokenName::parse("deploy").unwrap()
    }

    fn random() -> MockRandomSource {
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0x5A; 32]);
        random
    }

    fn stored(token: &NewToken) -> Written<Token> {
        Written {
            record: Token {
                id: TokenId(5),
                account: token.account,
                username: jay(false).username,
                name: token.name.clone(),
                digest: token.digest,
                created_at: at(0),
                expires_at: token.expires_at,
                last_used_at: None,
                version: Seq(8),
            },
            revision: Seq(8),
        }
    }

    /// A service whose clock shows one of these seconds after the other.
    fn service<const N: usize>(repository: MockTokenRepository, clock: [i64; N]) -> TokenService {
        let mut seconds = clock.into_iter();
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .returning(move || at(seconds.next().unwrap()));
        clock.expect_uptime().returning(|| Duration::ZERO);
        TokenService::new(Arc::new(repository), Arc::new(random()), Arc::new(clock))
    }

    fn holding(expires_at: Option<Timestamp>, disabled: bool) -> MockTokenRepository {
        let mut repository = MockTokenRepository::new();
        repository.expect_find_token().returning(move |digest| {
            let token = NewToken {
                account: AccountId(3),
                account_version: Seq(7),
                name: deploy(),
                digest: *digest,
                expires_at,
            };
            Ok(Some((stored(&token).record, jay(disabled))))
        });
        repository.expect_note_token_use().returning(|_, _| ());
        repository
    }

    fn enter(service: &TokenService) -> Option<Principal> {
        service.enter(&TokenText::generate(&random())).unwrap()
    }

    #[test]
    fn a_tokens_text_is_issued_and_its_digest_stored() {
        let mut repository = MockTokenRepository::new();
        repository
            .expect_create_token()
            .withf(|token, stamp| {
                token.account_version == Seq(7) && stamp.actor.to_string() == "user:jay"
            })
            .once()
            .returning(|token, _| Ok(stored(token)));
        let owner = Principal::of(&jay(false), Means::Password);
        let issued = service(repository, [1]).create_own(&owner, deploy(), None);
        let issued = issued.unwrap();
        assert_eq!(issued.text.reveal(), format!("fst_{}", "5a".repeat(32)));
        assert_eq!(issued.written.record.digest, issued.text.digest());
    }

    #[test]
    fn a_token_makes_none_that_outlives_it() {
        let owner = |expires_at| {
            let name = deploy();
            Principal::of(&jay(false), Means::Token { name, expires_at })
        };
        let made = |parent, expires_at| {
            let mut repository = MockTokenRepository::new();
            let create = repository.expect_create_token();
            create.returning(|token, _| Ok(stored(token)));
            service(repository, [1]).create_own(&owner(parent), deploy(), expires_at)
        };
        for expires_at in [None, Some(at(101))] {
            let refused = made(Some(at(100)), expires_at);
            assert!(matches!(refused, Err(AccessError::TokenOutlives)));
        }
        assert!(made(Some(at(100)), Some(at(100))).is_ok());
        assert!(made(None, None).is_ok());
    }

    #[test]
    fn a_token_is_refused_from_its_expiry_on_also_when_the_clock_is_set_back() {
        let service = service(holding(Some(at(100)), false), [99, 100, 50]);
        let entered = [(); 3].map(|()| enter(&service).is_some());
        assert_eq!(entered, [true, false, false]);
    }

    #[test]
    fn nobody_enters_a_disabled_account() {
        assert_eq!(enter(&service(holding(None, true), [1])), None);
        let entered = enter(&service(holding(None, false), [1])).unwrap();
        assert_eq!(entered.actor().to_string(), "token:jay/deploy");
    }
}
