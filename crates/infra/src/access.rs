//! Keys, the GUID register, accounts and what these are entered by, in the database; what is remembered of the register.

mod account_rows;
pub mod accounts;
pub mod grants;
pub mod guid_memory;
pub mod guids;
pub mod keys;
mod rows;
pub mod sessions;
pub mod tokens;

pub use accounts::DieselAccountRepository;
pub use grants::DieselKeySource;
pub use guid_memory::MokaGuidMemory;
pub use guids::DieselGuidRepository;
pub use keys::DieselKeyRepository;
pub use sessions::DieselSessionRepository;
pub use tokens::DieselTokenRepository;

use flagstaff_domain::access::AccessError;
use flagstaff_domain::ids::Seq;
use flagstaff_domain::write::Precondition;

use crate::db::WorkError;

type Work<T> = Result<T, WorkError<AccessError>>;

/// Refuses a unit of work on a version that the writer does not accept.
fn check(precondition: &Precondition, version: Seq) -> Work<()> {
    precondition
        .check(version)
        .map_err(|mismatch| WorkError::Refused(mismatch.into()))
}
