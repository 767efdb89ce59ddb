//! Who may do what: the keys by which applications open an environment, and the accounts of people and jobs.
//!
//! [`key_ring`] holds every valid key in memory for the read path; [`key_service`], [`guid_service`] and
//! [`account_service`] manage.

pub mod account;
pub mod account_service;
pub mod error;
pub mod guid;
pub mod guid_service;
pub mod key;
pub mod key_ring;
pub mod key_service;
pub mod ports;

pub use account::{Account, NewAccount, Password, PasswordHash, Principal, Role, Username};
pub use account_service::{AccountService, FirstAdministrator};
pub use error::{AccessError, SignInError};
pub use guid::{ChangeGuid, CreateGuid, Expire, Granting, Guid, GuidRecord, NewGuid};
pub use guid_service::{Author, GuidService, IssuedGuid};
pub use key::{ChangeKey, CreateKey, EnvironmentKey, KeyDigest, KeyKind, KeyText, NewKey};
pub use key_ring::{Grant, KeyRing};
pub use key_service::{IssuedKey, KeyService};
pub use ports::{
    AccountRepository, Forgotten, GuidMemory, GuidRepository, KeyChanges, KeyRepository, KeySource,
    KeyUpdate, PasswordHasher, RandomSource,
};
