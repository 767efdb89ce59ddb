//! How a command ends: the exit codes that scripts rely on, and the one message on standard error.
//!
//! Every error of the domain is mapped to its code here, without a catch-all: a new one does not compile until somebody
//! has decided. Errors of the database adapter are mapped where they arise, in `wiring.rs`.

use std::io::{self, Write};
use std::process::ExitCode;

use flagstaff_domain::access::AccessError;
use flagstaff_domain::flags::FlagError;
use flagstaff_domain::state::StateError;
use flagstaff_domain::storage::StorageError;

use crate::escape::OneLine;
use crate::logging::LoggingError;
use crate::settings::SettingsError;

/// What the help says about exit codes.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong usage, invalid input, or invalid configuration
  3  not found
  4  conflict: exists already, in use, or changed in the meantime
  5  a check found something: pending migrations, an unsound database
  6  the database is not available: missing, not migrated, locked, full";

/// An exit code other than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command was understood and failed.
    Failed = 1,
    /// The command line, the input or the configuration is wrong.
    Wrong = 2,
    /// Something named is not there.
    NotFound = 3,
    /// Something is in the way: it exists already, is in use, or has changed in the meantime.
    Conflict = 4,
    /// A check found something.
    Found = 5,
    /// The database cannot be used at the moment; trying again later, or after `flagstaff migrate`, may help.
    Unavailable = 6,
}

/// Why a command ends without having done its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// With a code and a message.
    Said(Exit, String),
    /// Whoever read the output has gone away (`flagstaff changes | head`): nothing is wrong.
    ReaderGone,
}

impl Failure {
    /// A failure that says why.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self::Said(exit, message.into())
    }

    /// The command line or the input is wrong.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Self::new(Exit::Wrong, message)
    }

    /// Something could not be read or written.
    pub(crate) fn io(what: impl std::fmt::Display, error: &io::Error) -> Self {
        Self::new(Exit::Failed, format!("{what}: {error}"))
    }

    /// Says it on standard error and returns the process's exit code.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::ReaderGone => ExitCode::SUCCESS,
            Self::Said(exit, message) => {
                // Where standard error is closed, the code alone has to do.
                let _ = writeln!(io::stderr(), "error: {}", OneLine(message));
                ExitCode::from(*exit as u8)
            }
        }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        let exit = match &error {
            StorageError::Unavailable(_) => Exit::Unavailable,
            StorageError::InDoubt(_) | StorageError::Failed(_) => Exit::Failed,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<FlagError> for Failure {
    fn from(error: FlagError) -> Self {
        let exit = match error {
            FlagError::Storage(error) => return error.into(),
            // The domain's sentence follows the name of the field, which is an option here.
            FlagError::EnabledInUnknown(_) => {
                return Self::new(Exit::NotFound, format!("--enabled-in {error}"));
            }
            FlagError::Invalid { field, reason } => {
                return Self::wrong(format!("--{} {reason}", field.trim_end_matches('s')));
            }
            FlagError::EnvironmentNotFound(_)
            | FlagError::FeatureNotFound(_)
            | FlagError::SegmentNotFound(_)
            | FlagError::OverrideNotFound { .. } => Exit::NotFound,
            FlagError::Misplaced(_) => Exit::Wrong,
            FlagError::EnvironmentExists(_)
            | FlagError::FeatureExists(_)
            | FlagError::SegmentExists(_)
            | FlagError::OverrideExists { .. }
            | FlagError::Tangled(_)
            | FlagError::DrawnTwice { .. }
            | FlagError::InUse { .. }
            | FlagError::VersionMismatch(_)
            | FlagError::VariantInUse { .. }
            | FlagError::EnvironmentInUse { .. } => Exit::Conflict,
            FlagError::FeatureInUse(_) => {
                return Self::new(Exit::Conflict, format!("{error} with --force"));
            }
        };
        Self::new(exit, error.to_string())
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        let exit = match error {
            AccessError::Storage(error) => return error.into(),
            AccessError::GuidExists => {
                return Self::new(Exit::Conflict, format!("this GUID {error}"));
            }
            AccessError::GrantsUnknown(_) => {
                return Self::new(Exit::NotFound, format!("--environment {error}"));
            }
            AccessError::EnvironmentNotFound(_)
            | AccessError::KeyNotFound(_)
            | AccessError::GuidNotFound
            | AccessError::AccountNotFound(_)
            | AccessError::TokenNotFound(_) => Exit::NotFound,
            AccessError::KeyExists
            | AccessError::AccountExists(_)
            | AccessError::LastAdministrator(_)
            | AccessError::AccountChanged
            | AccessError::KeyIsGuid(_)
            | AccessError::GrantingRefused
            | AccessError::VersionMismatch(_) => Exit::Conflict,
            AccessError::TokenOutlives | AccessError::Role { .. } => Exit::Wrong,
        };
        Self::new(exit, error.to_string())
    }
}

impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Invalid { .. } => Self::wrong(error.to_string()),
            StateError::Flags(error) => error.into(),
            StateError::Access(error) => error.into(),
            StateError::Storage(error) => error.into(),
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::wrong(error.to_string())
    }
}

impl From<LoggingError> for Failure {
    fn from(error: LoggingError) -> Self {
        Self::wrong(error.to_string())
    }
}
