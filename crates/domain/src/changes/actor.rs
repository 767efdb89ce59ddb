//! Who made a change.

use std::fmt;

use crate::access::Username;
use crate::text::TokenName;

/// Who made a change; written `user:jay`, `token:jay/deploy`, `command-line`, `import`, `job:purge`, `system`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who signed in.
    User(Username),
    /// An access token, in the name of its owner.
    Token(Username, TokenName),
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
            // No token's name has a slash, so that the last one always stands before it.
            Self::Token(owner, name) => write!(f, "token:{owner}/{name}"),
            Self::CommandLine => f.write_str("command-line"),
            Self::Import => f.write_str("import"),
            Self::Job(name) => write!(f, "job:{name}"),
            Self::System => f.write_str("system"),
        }
    }
}
