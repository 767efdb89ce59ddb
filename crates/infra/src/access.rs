//! Keys and accounts in the database.

pub mod accounts;
pub mod grants;
pub mod keys;

pub use accounts::DieselAccountRepository;
pub use grants::DieselKeySource;
pub use keys::DieselKeyRepository;
