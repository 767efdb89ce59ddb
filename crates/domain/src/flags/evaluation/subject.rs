//! Whom flags are evaluated for, and when.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::clock::Timestamp;

/// The most characters of an identifier, and of a trait that is a text.
pub const TEXT_MAX: usize = 2_000;
/// The most characters of a trait's name.
pub const NAME_MAX: usize = 200;
/// The most traits of an identity.
pub const TRAITS_MAX: usize = 100;

/// Whether a text has at most `max` characters.
#[must_use]
pub fn fits(text: &str, max: usize) -> bool {
    // No character takes less than a byte.
    text.len() <= max || text.chars().nth(max).is_none()
}

/// The changing half of an evaluation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Subject<'a> {
    /// Whom it is for; without one there is no split, and no condition on a trait holds.
    pub identity: Option<&'a Identity>,
    /// The instant that `$.now` means.
    pub now: Timestamp,
}

/// A user, a machine, or whatever else gets flags of its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Identity {
    /// The targeting key.
    pub identifier: String,
    /// What is hashed to put it into buckets.
    pub key: String,
    /// What is known of it, by name.
    pub traits: BTreeMap<String, TraitValue>,
}

impl Identity {
    /// An identity in the environment with this key.
    #[must_use]
    pub fn new(
        environment_key: &str,
        identifier: impl Into<String>,
        traits: BTreeMap<String, TraitValue>,
    ) -> Self {
        let identifier = identifier.into();
        Self {
            key: format!("{environment_key}_{identifier}"),
            identifier,
            traits,
        }
    }
}

/// What a trait says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TraitValue {
    /// Nothing: as if it were not there.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number within 64 bits.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
}

impl TraitValue {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }
}

impl<'de> Deserialize<'de> for TraitValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Scalar)
    }
}

struct Scalar;

impl serde::de::Visitor<'_> for Scalar {
    type Value = TraitValue;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string, a number, a boolean or null")
    }

    fn visit_unit<E>(self) -> Result<TraitValue, E> {
        Ok(TraitValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<TraitValue, E> {
        Ok(TraitValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<TraitValue, E> {
        Ok(TraitValue::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<TraitValue, E> {
        #[expect(clippy::cast_precision_loss, reason = "beyond 64 bits it is a float")]
        Ok(i64::try_from(value).map_or(TraitValue::Float(value as f64), TraitValue::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<TraitValue, E> {
        Ok(TraitValue::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<TraitValue, E> {
        Ok(TraitValue::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<TraitValue, E> {
        Ok(TraitValue::Text(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_literal_decides_the_type_of_a_trait() {
        for (json, value) in [
            ("null", TraitValue::Null),
            ("true", TraitValue::Bool(true)),
            ("1", TraitValue::Integer(1)),
            ("1.0", TraitValue::Float(1.0)),
            (
                "18446744073709551615",
                TraitValue::Float(18_446_744_073_709_551_615.0),
            ),
            ("\"1\"", TraitValue::Text("1".into())),
        ] {
            assert_eq!(serde_json::from_str::<TraitValue>(json).unwrap(), value);
        }
        assert!(serde_json::from_str::<TraitValue>("[]").is_err());
    }

    #[test]
    fn an_identity_is_hashed_in_its_environment() {
        let identity = Identity::new("env", "user-1", BTreeMap::new());
        assert_eq!(identity.key, "env_user-1");
    }
}
