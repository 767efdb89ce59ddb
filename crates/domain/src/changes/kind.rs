//! What kinds of changes there are, and which part of Flagstaff each belongs to.

use serde::{Deserialize, Deserializer, Serialize};

use crate::modules;
use crate::text::Invalid;

/// The part of Flagstaff that a change belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "&'static str")]
pub enum Context {
    /// Features, environments, flags.
    Flags,
    /// Accounts and keys.
    Access,
    /// The optional module of this name.
    Module(&'static str),
}

impl Context {
    /// The context as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flags => "flags",
            Self::Access => "access",
            Self::Module(name) => name,
        }
    }

    /// Every context of this build.
    pub fn all() -> impl Iterator<Item = Self> {
        let modules = modules::CONTEXTS.iter().copied().map(Self::Module);
        [Self::Flags, Self::Access].into_iter().chain(modules)
    }
}

impl TryFrom<String> for Context {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let found = Self::all().find(|one| one.as_str() == text);
        found.ok_or_else(|| {
            let known: Vec<_> = Self::all().map(Self::as_str).collect();
            Invalid::new(format!("must be one of {}", known.join(", ")))
        })
    }
}

impl<'de> Deserialize<'de> for Context {
    // Derived, it would ask for texts that live for ever.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::try_from(text).map_err(serde::de::Error::custom)
    }
}

impl From<Context> for &'static str {
    fn from(context: Context) -> Self {
        context.as_str()
    }
}

/// A kind of change that an optional module makes: its context, and the kind as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModuleKind {
    /// The module's name.
    pub context: &'static str,
    /// `coupon.created`.
    pub kind: &'static str,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $text:literal in $context:ident),+ $(,)?) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ChangeKind {
            $($(#[$doc])* $kind,)+
            /// Something of an optional module.
            Module(ModuleKind),
        }

        impl ChangeKind {
            /// The kind as it is written, `feature.created`.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $text,)+ Self::Module(module) => module.kind }
            }

            /// The context that it belongs to.
            #[must_use]
            pub fn context(self) -> Context {
                match self {
                    $(Self::$kind => Context::$context,)+
                    Self::Module(module) => Context::Module(module.context),
                }
            }
        }

        impl TryFrom<&str> for ChangeKind {
            type Error = Invalid;

            fn try_from(text: &str) -> Result<Self, Invalid> {
                match text {
                    $($text => Ok(Self::$kind),)+
                    _ => modules::kind(text)
                        .map(Self::Module)
                        .ok_or_else(|| Invalid::new(format!("{text:?} is no kind of change"))),
                }
            }
        }
    };
}

kinds! {
    /// An environment was added, with a flag for every feature.
    EnvironmentCreated = "environment.created" in Flags,
    /// An environment was renamed or described.
    EnvironmentChanged = "environment.changed" in Flags,
    /// An environment was deleted with its flags and keys.
    EnvironmentDeleted = "environment.deleted" in Flags,
    /// A feature was added, with its flag in every environment.
    FeatureCreated = "feature.created" in Flags,
    /// A feature was changed.
    FeatureChanged = "feature.changed" in Flags,
    /// A feature was deleted with its flags.
    FeatureDeleted = "feature.deleted" in Flags,
    /// A flag was switched or given a value.
    FlagChanged = "flag.changed" in Flags,
    /// A segment was added.
    SegmentCreated = "segment.created" in Flags,
    /// A segment was renamed, described, or got other rules.
    SegmentChanged = "segment.changed" in Flags,
    /// A segment was deleted.
    SegmentDeleted = "segment.deleted" in Flags,
    /// A segment or an identity got an override of a flag.
    OverrideCreated = "override.created" in Flags,
    /// An override was changed, or moved to another priority.
    OverrideChanged = "override.changed" in Flags,
    /// An override was deleted.
    OverrideDeleted = "override.deleted" in Flags,
    /// An environment got a key.
    KeyCreated = "key.created" in Access,
    /// A key's name or expiry was changed.
    KeyChanged = "key.changed" in Access,
    /// A key was revoked.
    KeyDeleted = "key.deleted" in Access,
    /// A record of the GUID register was made.
    GuidCreated = "guid.created" in Access,
    /// A record of the GUID register was changed.
    GuidChanged = "guid.changed" in Access,
    /// A record of the GUID register was deleted or purged.
    GuidDeleted = "guid.deleted" in Access,
    /// An account was added.
    AccountCreated = "account.created" in Access,
    /// An account got another role or password, was disabled or enabled.
    AccountChanged = "account.changed" in Access,
    /// An account was deleted.
    AccountDeleted = "account.deleted" in Access,
    /// An account made an access token.
    TokenCreated = "token.created" in Access,
    /// An access token was deleted, by itself or with what its account was entered by.
    TokenDeleted = "token.deleted" in Access,
}
