//! Sessions of people at the console: for how long they last.

use super::account::Account;
use super::key::KeyDigest;
use crate::clock::Timestamp;
use crate::ids::{AccountId, Seq, SessionId};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, which opens nothing.
    pub id: SessionId,
    /// Whose it is, as the account is now.
    pub account: Account,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
}

/// A session to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Whose it is.
    pub account: AccountId,
    /// The account's version when its password was verified.
    pub version: Seq,
    /// By which it is looked up.
    pub digest: KeyDigest,
    /// The session that the same browser had until now.
    pub replaces: Option<KeyDigest>,
    /// When it begins.
    pub at: Timestamp,
}

/// For how long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without being used, in seconds.
    pub idle_seconds: u32,
    /// At most, in seconds.
    pub max_seconds: u32,
}

impl SessionLimits {
    /// Whether the session still lasts.
    #[must_use]
    pub fn allow(&self, session: &Session, now: Timestamp) -> bool {
        let ended = self.ended(now);
        session.created_at > ended.created_at && session.last_used_at > ended.last_used_at
    }

    /// Which sessions have ended by now.
    #[must_use]
    pub fn ended(&self, now: Timestamp) -> EndedSessions {
        EndedSessions {
            created_at: now.minus_seconds(self.max_seconds),
            last_used_at: now.minus_seconds(self.idle_seconds),
        }
    }
}

/// Sessions that have ended: those for which one of these holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedSessions {
    /// They began then or before.
    pub created_at: Timestamp,
    /// They were last used then or before.
    pub last_used_at: Timestamp,
}
