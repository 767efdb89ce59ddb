//! Who made a change.

use std::fmt;

use crate::access::Username;

/// Who made a change; written `user:jay`, `command-line`, `import`, `job:purge`, `system`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who signed in.
    User(Username),
    /// Whoever could run the program on the server's host.
    CommandLine,
    /// A state file.
    Import,
    /// What a server does by itself from time to time.
    Job(&'static str),
    /// Flagstaff itself, as at its first start.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::CommandLine => f.write_str("command-line"),
            Self::Import => f.write_str("import"),
            Self::Job(name) => write!(f, "job:{name}"),
            Self::System => f.write_str("system"),
        }
    }
}
