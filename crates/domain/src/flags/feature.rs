//! A feature: something a product can do, switched by one flag in each environment.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::targeting::{Variant, Variants};
use super::value::FlagValue;
use crate::clock::Timestamp;
use crate::ids::{FeatureId, Seq};
use crate::text::{Description, EnvironmentName, FeatureName, Invalid, Tags};

/// Whether a feature has variants; written as Flagsmith's SDKs read it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum FeatureKind {
    /// One value for everybody, `STANDARD`.
    #[default]
    Standard,
    /// Several values, `MULTIVARIATE`.
    Multivariate,
}

impl FeatureKind {
    /// The kind as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "STANDARD",
            Self::Multivariate => "MULTIVARIATE",
        }
    }
}

impl TryFrom<String> for FeatureKind {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        match text.as_str() {
            "STANDARD" => Ok(Self::Standard),
            "MULTIVARIATE" => Ok(Self::Multivariate),
            _ => Err(Invalid::new("must be \"STANDARD\" or \"MULTIVARIATE\"")),
        }
    }
}

impl From<FeatureKind> for &'static str {
    fn from(kind: FeatureKind) -> Self {
        kind.as_str()
    }
}

impl fmt::Display for FeatureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    /// Its id, for ever.
    pub id: FeatureId,
    /// Its name, unique without regard to case; what application code asks for.
    pub name: FeatureName,
    /// What it does.
    pub description: Description,
    /// Whether it has variants.
    pub kind: FeatureKind,
    /// The value its flag has in an environment until somebody sets one.
    pub initial_value: FlagValue,
    /// Whether its flag is enabled in an environment until somebody decides.
    pub default_enabled: bool,
    /// Whether it is shown to server keys alone.
    pub server_key_only: bool,
    /// Words by which it is grouped.
    pub tags: Tags,
    /// The values that it may have beside a flag's own, in the order of their ids.
    pub variants: Vec<Variant>,
    /// Whether it is put away. It is served as before, so that nothing breaks.
    pub archived: bool,
    /// Whether it is done with, and may go once no code asks for it.
    pub stale: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// The last change to this record.
    pub version: Seq,
}

/// Which features a list shows; a mark that is not asked for does not matter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeatureFilter {
    /// Only those that are put away, or only the others.
    pub archived: Option<bool>,
    /// Only those that are done with, or only the others.
    pub stale: Option<bool>,
}

/// The kind of a feature that is said to be of this kind: variants make it multivariate.
fn kind_with(variants: &[Variant], kind: FeatureKind) -> FeatureKind {
    if variants.is_empty() {
        kind
    } else {
        FeatureKind::Multivariate
    }
}

/// Adds a feature, and its flag in every environment.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateFeature {
    /// Its name.
    pub name: FeatureName,
    /// What it does.
    pub description: Description,
    /// Whether it has variants.
    pub kind: FeatureKind,
    /// The value its flags begin with.
    pub initial_value: FlagValue,
    /// Whether its flags begin enabled.
    pub default_enabled: bool,
    /// Whether it is shown to server keys alone.
    pub server_key_only: bool,
    /// Words by which it is grouped.
    pub tags: Tags,
    /// The values that it may have beside a flag's own; with any it is multivariate.
    pub variants: Variants,
    /// Whether it begins put away.
    pub archived: bool,
    /// Whether it begins as done with.
    pub stale: bool,
    /// Environments in which its flag begins enabled whatever `default_enabled` says.
    pub enabled_in: Vec<EnvironmentName>,
}

impl CreateFeature {
    /// A feature that is off everywhere and has no value.
    #[must_use]
    pub fn named(name: FeatureName) -> Self {
        Self {
            name,
            description: Description::default(),
            kind: FeatureKind::default(),
            initial_value: FlagValue::default(),
            default_enabled: false,
            server_key_only: false,
            tags: Tags::default(),
            variants: Variants::default(),
            archived: false,
            stale: false,
            enabled_in: Vec::new(),
        }
    }

    /// The record that this creates.
    #[must_use]
    pub fn record(&self, id: FeatureId, at: Timestamp, version: Seq) -> Feature {
        Feature {
            id,
            name: self.name.clone(),
            description: self.description.clone(),
            kind: kind_with(&self.variants, self.kind),
            initial_value: self.initial_value.clone(),
            default_enabled: self.default_enabled,
            server_key_only: self.server_key_only,
            tags: self.tags.clone(),
            variants: self.variants.to_vec(),
            archived: self.archived,
            stale: self.stale,
            created_at: at,
            version,
        }
    }
}

/// Changes what is given, leaves the rest. Flags that exist keep their state: defaults concern environments to come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangeFeature {
    /// A new name.
    pub name: Option<FeatureName>,
    /// A new description.
    pub description: Option<Description>,
    /// A new kind.
    pub kind: Option<FeatureKind>,
    /// A new initial value.
    pub initial_value: Option<FlagValue>,
    /// A new default.
    pub default_enabled: Option<bool>,
    /// Shown to server keys alone, or to all.
    pub server_key_only: Option<bool>,
    /// New tags, in place of all old ones.
    pub tags: Option<Tags>,
    /// All its variants from now on. Those that it has keep their ids and their order, new ones are appended.
    pub variants: Option<Variants>,
    /// Put away, or taken out again.
    pub archived: Option<bool>,
    /// Done with, or not.
    pub stale: Option<bool>,
}

impl ChangeFeature {
    /// The record with this change made to it.
    #[must_use]
    pub fn apply(&self, current: &Feature) -> Feature {
        fn or<T: Clone>(new: Option<&T>, old: &T) -> T {
            new.unwrap_or(old).clone()
        }
        let variants = self.variants.as_ref().map_or_else(
            || current.variants.clone(),
            |wanted| wanted.succeed(&current.variants),
        );
        Feature {
            name: or(self.name.as_ref(), &current.name),
            description: or(self.description.as_ref(), &current.description),
            kind: kind_with(&variants, self.kind.unwrap_or(current.kind)),
            initial_value: or(self.initial_value.as_ref(), &current.initial_value),
            default_enabled: or(self.default_enabled.as_ref(), &current.default_enabled),
            server_key_only: or(self.server_key_only.as_ref(), &current.server_key_only),
            tags: or(self.tags.as_ref(), &current.tags),
            variants,
            archived: self.archived.unwrap_or(current.archived),
            stale: self.stale.unwrap_or(current.stale),
            ..current.clone()
        }
    }
}
