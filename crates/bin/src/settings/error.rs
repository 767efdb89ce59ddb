//! What is said when a configuration cannot be used: always one line that names the place and what would be right.
//! No variant holds a secret's value. The errors arise in `layers.rs` and, for single values, in `values.rs`.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the configuration was refused.
#[derive(Debug, Error)]
pub(crate) enum SettingsError {
    /// The configuration directory was named and is not there.
    #[error("the configuration directory {} is not there", .0.display())]
    NoDirectory(PathBuf),
    /// The profile's name could be a path.
    #[error("FLAGSTAFF_PROFILE: {0:?} is not a profile's name; expected letters, digits, - and _")]
    ProfileName(String),
    /// The profile was named, has no file, and is not compiled in.
    #[error(
        "FLAGSTAFF_PROFILE: the profile {name:?} has no file {}; development and production need none",
        .path.display()
    )]
    NoProfile {
        /// The profile.
        name: String,
        /// The file that would hold it.
        path: PathBuf,
    },
    /// A configuration file is there and cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A configuration file is not TOML.
    #[error("{origin}: {message}")]
    Syntax {
        /// The file.
        origin: Origin,
        /// Line, column and what is wrong; not the line itself, which may hold a secret.
        message: String,
    },
    /// A key that does not exist.
    #[error("{origin}: unknown key {}; {known}", .key.escape_debug())]
    UnknownKey {
        /// Where it stands.
        origin: Origin,
        /// Its full dotted path.
        key: String,
        /// Which keys there are.
        known: String,
    },
    /// A single value where a section belongs.
    #[error("{origin}: {section} is a section; expected a table [{section}]")]
    NotASection {
        /// Where it stands.
        origin: Origin,
        /// The section.
        section: String,
    },
    /// A value that its key cannot have.
    #[error("{origin}: {key}: {message}")]
    WrongValue {
        /// Where it stands.
        origin: Origin,
        /// The key's full dotted path.
        key: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// One key is set twice in the environment.
    #[error("{first} and {second} both set {key}; set one of them")]
    SetTwice {
        /// A variable.
        first: String,
        /// Another one.
        second: String,
        /// The key that both set.
        key: String,
    },
    /// A variable that would be ignored for want of underscores.
    #[error("{variable} has no effect; two underscores separate the parts: {meant}")]
    SingleUnderscores {
        /// The variable.
        variable: String,
        /// The variable that was meant.
        meant: String,
    },
    /// A variable holds other bytes than text.
    #[error("{0}: the value is not valid UTF-8")]
    NotText(String),
    /// The file that a `…__FILE` variable names cannot be read.
    #[error("{variable}: cannot read {}: {source}", .path.display())]
    UnreadableSecret {
        /// The variable.
        variable: String,
        /// The file that it names.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file that a `…__FILE` variable names holds nothing.
    #[error("{variable}: {} is empty", .path.display())]
    EmptySecret {
        /// The variable.
        variable: String,
        /// The file that it names.
        path: PathBuf,
    },
    /// The layers could not be merged, although each of them is right. A defect of the program.
    #[error("the configuration cannot be merged: {0}")]
    Merge(String),
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// In the defaults that are compiled in.
    BuiltIn,
    /// In a configuration file.
    File(PathBuf),
    /// In an environment variable of this name.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in defaults"),
            Self::File(path) => path.display().fmt(f),
            Self::Variable(name) => f.write_str(name),
        }
    }
}
