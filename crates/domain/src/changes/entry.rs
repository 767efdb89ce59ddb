//! One entry of the change log.

use serde::Serialize;

use super::kind::{ChangeKind, ModuleKind};
use super::records::{
    AccountRecord, EnvironmentRecord, FeatureRecord, FlagRecord, GuidRecord, KeyRecord,
    OverrideRecord, SegmentRecord, TokenRecord,
};
use crate::access::{self, Account, EnvironmentKey, Token};
use crate::clock::Timestamp;
use crate::flags::targeting::{Override, Segment};
use crate::flags::{Environment, Feature, Flag};
use crate::ids::{EnvironmentId, Seq};
use crate::json::JsonText;
use crate::text::{EnvironmentName, Invalid};

/// A change to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChange {
    /// What happened.
    pub kind: ChangeKind,
    /// The name of the record that it happened to.
    pub subject: String,
    /// The environment that it affects; `None` where it concerns all or none.
    pub environment: Option<(EnvironmentId, EnvironmentName)>,
    /// The record before; `None` at creation.
    pub before: Option<JsonText>,
    /// The record after; `None` at deletion.
    pub after: Option<JsonText>,
}

fn written<T: Serialize>(record: Option<T>) -> Result<Option<JsonText>, Invalid> {
    record.map(|record| JsonText::of(&record)).transpose()
}

/// The kind that follows from what there is before and after.
fn kind(kinds: [ChangeKind; 3], before: bool, after: bool) -> ChangeKind {
    let [created, changed, deleted] = kinds;
    match (before, after) {
        (false, _) => created,
        (true, true) => changed,
        (true, false) => deleted,
    }
}

impl NewChange {
    /// What happened to a module's record.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn of_module<T: Serialize>(
        kind: ModuleKind,
        subject: String,
        before: Option<T>,
        after: Option<T>,
    ) -> Result<Self, Invalid> {
        Ok(Self {
            kind: ChangeKind::Module(kind),
            subject,
            environment: None,
            before: written(before)?,
            after: written(after)?,
        })
    }

    /// An environment's creation, change or deletion; `flags` and `overrides` are those that go with it.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn environment(
        before: Option<&Environment>,
        after: Option<&Environment>,
        flags: Option<&[Flag]>,
        overrides: &[Override],
    ) -> Result<Self, Invalid> {
        let named = after.or(before);
        Ok(Self {
            kind: kind(
                [
                    ChangeKind::EnvironmentCreated,
                    ChangeKind::EnvironmentChanged,
                    ChangeKind::EnvironmentDeleted,
                ],
                before.is_some(),
                after.is_some(),
            ),
            subject: named.map(|one| one.name.to_string()).unwrap_or_default(),
            environment: named.map(|one| (one.id, one.name.clone())),
            before: written(before.map(|one| EnvironmentRecord::new(one, flags, overrides)))?,
            after: written(after.map(|one| EnvironmentRecord::new(one, flags, &[])))?,
        })
    }

    /// A feature's creation, change or deletion; `flags` and `overrides` are those that come or go with it.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn feature(
        before: Option<&Feature>,
        after: Option<&Feature>,
        flags: Option<&[Flag]>,
        overrides: &[Override],
    ) -> Result<Self, Invalid> {
        let named = after.or(before);
        Ok(Self {
            kind: kind(
                [
                    ChangeKind::FeatureCreated,
                    ChangeKind::FeatureChanged,
                    ChangeKind::FeatureDeleted,
                ],
                before.is_some(),
                after.is_some(),
            ),
            subject: named.map(|one| one.name.to_string()).unwrap_or_default(),
            environment: None,
            before: written(before.map(|one| FeatureRecord::new(one, flags, overrides)))?,
            after: written(after.map(|one| FeatureRecord::new(one, flags, &[])))?,
        })
    }

    /// A flag's change.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn flag(before: &Flag, after: &Flag) -> Result<Self, Invalid> {
        Ok(Self {
            kind: ChangeKind::FlagChanged,
            subject: after.feature.to_string(),
            environment: Some((after.environment_id, after.environment.clone())),
            before: written(Some(FlagRecord::from(before)))?,
            after: written(Some(FlagRecord::from(after)))?,
        })
    }

    /// A segment's creation, change or deletion.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn segment(before: Option<&Segment>, after: Option<&Segment>) -> Result<Self, Invalid> {
        let named = after.or(before);
        Ok(Self {
            kind: kind(
                [
                    ChangeKind::SegmentCreated,
                    ChangeKind::SegmentChanged,
                    ChangeKind::SegmentDeleted,
                ],
                before.is_some(),
                after.is_some(),
            ),
            subject: named.map(|one| one.name.to_string()).unwrap_or_default(),
            environment: None,
            before: written(before.map(SegmentRecord::from))?,
            after: written(after.map(SegmentRecord::from))?,
        })
    }

    /// An override's creation, change or deletion. Its subject is the feature.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn of_override(
        before: Option<&Override>,
        after: Option<&Override>,
    ) -> Result<Self, Invalid> {
        let named = after.or(before);
        Ok(Self {
            kind: kind(
                [
                    ChangeKind::OverrideCreated,
                    ChangeKind::OverrideChanged,
                    ChangeKind::OverrideDeleted,
                ],
                before.is_some(),
                after.is_some(),
            ),
            subject: named.map(|one| one.feature.to_string()).unwrap_or_default(),
            environment: named.map(|one| (one.environment_id, one.environment.clone())),
            before: written(before.map(OverrideRecord::from))?,
            after: written(after.map(OverrideRecord::from))?,
        })
    }

    /// A key's creation, change or deletion.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn key(
        before: Option<&EnvironmentKey>,
        after: Option<&EnvironmentKey>,
    ) -> Result<Self, Invalid> {
        let named = after.or(before);
        Ok(Self {
            kind: kind(
                [
                    ChangeKind::KeyCreated,
                    ChangeKind::KeyChanged,
                    ChangeKind::KeyDeleted,
                ],
                before.is_some(),
                after.is_some(),
            ),
            subject: named.map(|one| one.name.to_string()).unwrap_or_default(),
            environment: named.map(|one| (one.environment_id, one.environment.clone())),
            before: written(before.map(KeyRecord::from))?,
            after: written(after.map(KeyRecord::from))?,
        })
    }

    /// The creation, change or deletion of a record of the GUID register. Its subject is the digest.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn guid(
        before: Option<&access::GuidRecord>,
        after: Option<&access::GuidRecord>,
    ) -> Result<Self, Invalid> {
        let named = after.or(before);
        Ok(Self {
            kind: kind(
                [
                    ChangeKind::GuidCreated,
                    ChangeKind::GuidChanged,
                    ChangeKind::GuidDeleted,
                ],
                before.is_some(),
                after.is_some(),
            ),
            subject: named.map(|one| one.digest.to_string()).unwrap_or_default(),
            environment: named
                .and_then(|one| one.environment.clone())
                .or_else(|| before.and_then(|one| one.environment.clone())),
            before: written(before.map(GuidRecord::from))?,
            after: written(after.map(GuidRecord::from))?,
        })
    }

    /// An account's creation, change or deletion.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn account(before: Option<&Account>, after: Option<&Account>) -> Result<Self, Invalid> {
        let named = after.or(before);
        Ok(Self {
            kind: kind(
                [
                    ChangeKind::AccountCreated,
                    ChangeKind::AccountChanged,
                    ChangeKind::AccountDeleted,
                ],
                before.is_some(),
                after.is_some(),
            ),
            subject: named
                .map(|one| one.username.to_string())
                .unwrap_or_default(),
            environment: None,
            before: written(before.map(AccountRecord::from))?,
            after: written(after.map(AccountRecord::from))?,
        })
    }

    /// An access token's creation.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn token_created(token: &Token) -> Result<Self, Invalid> {
        Ok(Self {
            after: written(Some(TokenRecord::from(token)))?,
            ..Self::token(ChangeKind::TokenCreated, token)
        })
    }

    /// An access token's deletion.
    ///
    /// # Errors
    /// [`Invalid`] when a record cannot be written as JSON.
    pub fn token_deleted(token: &Token) -> Result<Self, Invalid> {
        Ok(Self {
            before: written(Some(TokenRecord::from(token)))?,
            ..Self::token(ChangeKind::TokenDeleted, token)
        })
    }

    fn token(kind: ChangeKind, token: &Token) -> Self {
        Self {
            kind,
            subject: format!("{}/{}", token.username, token.name),
            environment: None,
            before: None,
            after: None,
        }
    }
}

/// A change that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its position in the log.
    pub seq: Seq,
    /// The position of the first change of the same unit of work.
    pub group: Seq,
    /// When it was made.
    pub at: Timestamp,
    /// Who made it, as [`super::Actor`] is written.
    pub actor: String,
    /// The context that it belongs to, as it is written: perhaps one that this program does not know.
    pub context: String,
    /// What happened, as [`ChangeKind`] is written.
    pub kind: String,
    /// The name of the record that it happened to, as of then.
    pub subject: String,
    /// The environment that it affects, as named then.
    pub environment: Option<String>,
    /// The record before.
    pub before: Option<JsonText>,
    /// The record after.
    pub after: Option<JsonText>,
}
