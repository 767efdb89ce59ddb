//! The numbers by which records refer to one another, each a type of its own so that they cannot be mixed up.
//!
//! Ids are assigned by storage and never reused. A [`Seq`] is a position in the change log.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number!(
    /// Identifies an environment for ever, through every renaming.
    EnvironmentId
);
number!(
    /// Identifies a feature.
    FeatureId
);
number!(
    /// Identifies a flag: one feature in one environment.
    FlagId
);
number!(
    /// Identifies a variant of a feature.
    VariantId
);
number!(
    /// Identifies a segment.
    SegmentId
);
number!(
    /// Identifies an override: what a segment or an identity gets of a feature in an environment.
    OverrideId
);
number!(
    /// Identifies an environment's key.
    KeyId
);
number!(
    /// Identifies an account.
    AccountId
);
number!(
    /// Identifies a session.
    SessionId
);
number!(
    /// Identifies an access token.
    TokenId
);
number!(
    /// A position in the change log; the first change is 1. It is also a record's version (the change that last
    /// touched it) and an environment's revision (the last change that affects it).
    Seq
);
