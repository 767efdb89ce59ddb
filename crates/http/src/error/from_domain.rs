//! Which problem each error of the domain is.

use flagstaff_domain::access::{AccessError, SignInError};
use flagstaff_domain::flags::FlagError;
use flagstaff_domain::serving::NotReady;
use flagstaff_domain::storage::StorageError;

use super::{Code, Problem};

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Unavailable(cause) => {
                Self::unavailable("the database is not available; nothing was changed").caused(cause)
            }
            StorageError::InDoubt(cause) => Self::new(
                Code::Unavailable,
                "it is not known whether the change was made, or when it will be served; read before you repeat it",
            )
            .caused(cause),
            StorageError::Failed(cause) => Self::internal(cause),
        }
    }
}

impl From<FlagError> for Problem {
    fn from(error: FlagError) -> Self {
        let detail = error.to_string();
        match error {
            FlagError::EnvironmentNotFound(_)
            | FlagError::FeatureNotFound(_)
            | FlagError::SegmentNotFound(_)
            | FlagError::OverrideNotFound { .. } => Self::new(Code::NotFound, detail),
            FlagError::EnabledInUnknown(_) => Self::field("enabled_in", detail),
            FlagError::Invalid { field, reason } => Self::field(field, reason.to_string()),
            FlagError::Misplaced(mistake) => Self::field(mistake.place, mistake.message),
            FlagError::Tangled(_) | FlagError::DrawnTwice { .. } => {
                Self::new(Code::Conflict, detail)
            }
            FlagError::VariantInUse { .. } | FlagError::InUse { .. } => {
                Self::new(Code::InUse, detail)
            }
            FlagError::EnvironmentExists(_)
            | FlagError::FeatureExists(_)
            | FlagError::SegmentExists(_)
            | FlagError::OverrideExists { .. } => Self::new(Code::AlreadyExists, detail),
            FlagError::VersionMismatch(_) => Self::new(Code::VersionMismatch, detail),
            FlagError::EnvironmentInUse { .. } | FlagError::FeatureInUse(_) => {
                Self::new(Code::InUse, format!("{detail} with ?force=true"))
            }
            FlagError::Storage(error) => error.into(),
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let detail = error.to_string();
        match error {
            AccessError::EnvironmentNotFound(_)
            | AccessError::KeyNotFound(_)
            | AccessError::AccountNotFound(_)
            | AccessError::TokenNotFound(_)
            | AccessError::GuidNotFound => Self::new(Code::NotFound, detail),
            // As the register's contract has it, and not 409.
            AccessError::GuidExists => Self::field("guid", detail),
            AccessError::GrantsUnknown(_) => Self::field("environment", detail),
            AccessError::GrantingRefused | AccessError::Role { .. } => {
                Self::new(Code::Forbidden, detail)
            }
            AccessError::KeyIsGuid(_) | AccessError::LastAdministrator(_) => {
                Self::new(Code::Conflict, detail)
            }
            AccessError::KeyExists | AccessError::AccountExists(_) => {
                Self::new(Code::AlreadyExists, detail)
            }
            AccessError::AccountChanged => Self::credentials(detail),
            AccessError::TokenOutlives => Self::field("expires_at", detail),
            AccessError::VersionMismatch(_) => Self::new(Code::VersionMismatch, detail),
            AccessError::Storage(error) => error.into(),
        }
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        let detail = error.to_string();
        match error {
            SignInError::Refused => Self::credentials(detail),
            SignInError::TooMany(wait) => {
                Self::new(Code::RateLimited, detail).retry_after(wait.as_secs().max(1))
            }
            SignInError::Storage(error) => error.into(),
        }
    }
}

impl From<NotReady> for Problem {
    fn from(error: NotReady) -> Self {
        Self::unavailable(error.to_string())
    }
}
