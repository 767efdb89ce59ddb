//! Who may do what: the keys by which applications open an environment, and the accounts of people and jobs.
//!
//! [`key_ring`] holds every valid key in memory for the read path; [`key_service`], [`guid_service`] and
//! [`account_service`] manage.
//! People and jobs enter with a password, a session ([`session_service`]) or a token ([`token_service`]), and are a
//! [`Principal`] from then on.

pub mod account;
pub mod account_ports;
pub mod account_service;
pub mod error;
pub mod guid;
pub mod guid_service;
pub mod key;
pub mod key_ring;
pub mod key_service;
pub mod password;
pub mod ports;
pub mod principal;
#[cfg(test)]
mod samples;
pub mod secret;
pub mod session;
pub mod session_service;
pub mod token;
pub mod token_service;
mod uses;

pub use account::{
    Account, AccountUpdate, ChangeAccount, CreateAccount, NewAccount, Role, Username,
};
pub use account_ports::{AccountRepository, SessionRepository, TokenRepository};
pub use account_service::{AccountService, FirstAdministrator};
pub use error::{AccessError, SignInError};
pub use guid::{ChangeGuid, CreateGuid, Expire, Granting, Guid, GuidRecord, NewGuid};
pub use guid_service::{Author, GuidService, IssuedGuid};
pub use key::{ChangeKey, CreateKey, EnvironmentKey, KeyDigest, KeyKind, KeyText, NewKey};
pub use key_ring::{Grant, KeyRing};
pub use key_service::{IssuedKey, KeyService};
pub use password::{GivenPassword, Password, PasswordHash};
pub use ports::{
    Forgotten, GuidMemory, GuidRepository, KeyChanges, KeyRepository, KeySource, KeyUpdate,
    PasswordHasher, RandomSource,
};
pub use principal::{Means, Principal, Proof};
pub use secret::{SessionText, TokenText};
pub use session::{EndedSessions, NewSession, Session, SessionLimits};
pub use session_service::SessionService;
pub use token::{NewToken, Token};
pub use token_service::{IssuedToken, TokenService};
