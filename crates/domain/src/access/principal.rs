//! Somebody who has signed in: which account, by what means, and what follows from that.

use super::account::{Account, ChangeAccount, Role, Username};
use super::error::AccessError;
use crate::changes::Actor;
use crate::clock::Timestamp;
use crate::ids::{AccountId, Seq, SessionId};
use crate::text::TokenName;

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The account.
    pub account: AccountId,
    /// Its name.
    pub username: Username,
    /// What it may do.
    pub role: Role,
    /// The account's version as of then.
    pub version: Seq,
    /// How.
    pub means: Means,
}

/// How somebody signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// With name and password.
    Password,
    /// With the cookie of a session.
    Session(SessionId),
    /// With an access token.
    Token {
        /// The token's name.
        name: TokenName,
        /// From when on it is refused.
        expires_at: Option<Timestamp>,
    },
}

/// What has to be shown beside the credentials before an account is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nothing.
    Nothing,
    /// The password that is to be replaced: whoever finds a session open must not be able to keep the account.
    CurrentPassword,
}

impl Principal {
    /// Somebody who signed in to this account.
    #[must_use]
    pub fn of(account: &Account, means: Means) -> Self {
        Self {
            account: account.id,
            username: account.username.clone(),
            role: account.role,
            version: account.version,
            means,
        }
    }

    /// Who makes a change, for the log.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match &self.means {
            Means::Password | Means::Session(_) => Actor::User(self.username.clone()),
            Means::Token { name, .. } => Actor::Token(self.username.clone(), name.clone()),
        }
    }

    /// Whether this account may be changed like that, and what has to be shown first.
    ///
    /// # Errors
    /// [`AccessError::Role`] for other accounts than one's own, and for more than one's own password, unless the role is
    /// administrator.
    pub fn may_change(
        &self,
        account: AccountId,
        change: &ChangeAccount,
    ) -> Result<Proof, AccessError> {
        let own_password = account == self.account && change.password.is_some();
        let more = change.role.is_some() || change.disabled.is_some();
        if self.role < Role::Admin && (!own_password || more) {
            return Err(self.lacks(Role::Admin));
        }
        Ok(match own_password {
            true => Proof::CurrentPassword,
            false => Proof::Nothing,
        })
    }

    /// That this needs another role.
    #[must_use]
    pub fn lacks(&self, needed: Role) -> AccessError {
        AccessError::Role {
            needed,
            username: self.username.clone(),
            role: self.role,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Password;

    fn principal(role: Role, means: Means) -> Principal {
        Principal {
            account: AccountId(3),
            username: Username::parse("jay").unwrap(),
            role,
            version: Seq(1),
            means,
        }
    }

    #[test]
    fn the_log_tells_a_token_from_its_owner() {
        let session = principal(Role::Viewer, Means::Session(SessionId(1)));
        assert_eq!(session.actor().to_string(), "user:jay");
        let token = principal(
            Role::Viewer,
            Means::Token {
                name: TokenName::parse("deploy").unwrap(),
                expires_at: None,
            },
        );
        assert_eq!(token.actor().to_string(), "token:jay/deploy");
    }

    #[test]
    fn only_an_administrator_changes_more_than_the_own_password() {
        let password = ChangeAccount {
            password: Some(Password::parse("twelve chars").unwrap()),
            ..ChangeAccount::default()
        };
        let role = ChangeAccount {
            role: Some(Role::Admin),
            ..ChangeAccount::default()
        };
        let both = ChangeAccount {
            role: Some(Role::Admin),
            ..password.clone()
        };
        let (own, other) = (AccountId(3), AccountId(4));
        for role_held in [Role::Viewer, Role::Editor] {
            let jay = principal(role_held, Means::Password);
            assert_eq!(
                jay.may_change(own, &password).unwrap(),
                Proof::CurrentPassword
            );
            for (account, change) in [
                (own, &role),
                (own, &both),
                (own, &ChangeAccount::default()),
                (other, &password),
                (other, &role),
            ] {
                let refused = jay.may_change(account, change).unwrap_err();
                assert!(matches!(refused, AccessError::Role { .. }));
            }
        }
        let admin = principal(Role::Admin, Means::Password);
        assert_eq!(
            admin.may_change(own, &both).unwrap(),
            Proof::CurrentPassword
        );
        assert_eq!(admin.may_change(own, &role).unwrap(), Proof::Nothing);
        assert_eq!(admin.may_change(other, &both).unwrap(), Proof::Nothing);
    }
}
