//! Variants of a feature, and how identities are shared out among them.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::flags::value::{FlagValue, present};
use crate::ids::VariantId;
use crate::text::{Invalid, VariantKey};

/// The most variants of a feature.
pub const VARIANTS_MAX: usize = 100;

/// One of the values that a feature may have. New ones are appended, so that the ranges of the others stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its id, which orders the variants.
    #[serde(skip)]
    pub id: VariantId,
    /// What it is called, for ever.
    pub key: VariantKey,
    /// What those who get it get.
    #[serde(deserialize_with = "required")]
    pub value: FlagValue,
}

fn required<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<FlagValue, D::Error> {
    present(deserializer).map(Option::unwrap_or_default)
}

/// A percentage from 0 to 100 with at most four decimals, written as a number: 30, 12.5.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percentage {
    /// Hundred times a hundred parts of one percent.
    parts: u32,
}

const PARTS: u32 = 10_000;

impl Percentage {
    /// All.
    pub const WHOLE: Self = Self { parts: 100 * PARTS };

    /// Takes a number.
    ///
    /// # Errors
    /// [`Invalid`] when it is below 0, above 100, or has more than four decimals.
    pub fn new(percent: f64) -> Result<Self, Invalid> {
        let parts = (percent * f64::from(PARTS)).round();
        let range = 0.0..=f64::from(Self::WHOLE.parts);
        if !range.contains(&parts) || (parts / f64::from(PARTS) - percent).abs() > 1e-9 {
            return Err(Invalid::new(
                "must be a percentage, a number from 0 to 100 with at most four decimals",
            ));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is within the range"
        )]
        Ok(Self {
            parts: parts as u32,
        })
    }

    /// The number.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.parts) / f64::from(PARTS)
    }

    /// The number as JSON has it: an integer where it is one.
    #[must_use]
    pub fn to_number(self) -> Number {
        if self.parts.is_multiple_of(PARTS) {
            Number::from(self.parts / PARTS)
        } else {
            Number::from_f64(self.as_f64()).unwrap_or_else(|| Number::from(0))
        }
    }
}

impl fmt::Display for Percentage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_number().fmt(f)
    }
}

impl Serialize for Percentage {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_number().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Percentage {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// The share of identities that get a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// The variant's key.
    pub variant: VariantKey,
    /// How many of a hundred get it.
    pub weight: Percentage,
}

/// Checks a split: each variant once, and not more than all. Whoever is in no share gets the value itself, the control.
///
/// # Errors
/// [`Invalid`], which names what is too much.
pub fn check_split(shares: &[Share]) -> Result<(), Invalid> {
    let twice = (1..shares.len()).find(|&at| {
        let before = &shares[..at];
        before.iter().any(|one| one.variant == shares[at].variant)
    });
    if let Some(at) = twice {
        return Err(Invalid::new(format!(
            "must not hold the variant {:?} twice",
            shares[at].variant.as_str()
        )));
    }
    let sum: u32 = shares.iter().map(|one| one.weight.parts).sum();
    if sum > Percentage::WHOLE.parts {
        let sum = f64::from(sum) / f64::from(PARTS);
        return Err(Invalid::new(format!(
            "must have weights of at most 100 together; these are {sum}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_written_as_it_was_read() {
        for text in ["0", "30", "12.5", "0.0001", "99.9999", "100"] {
            let percentage: Percentage = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&percentage).unwrap(), text);
            assert_eq!(percentage.to_string(), text);
        }
        for text in ["-1", "100.0001", "0.00001", "\"5\"", "null", "1e9"] {
            assert!(serde_json::from_str::<Percentage>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_split_has_each_variant_once_and_at_most_all() {
        let split = |shares: &[(&str, f64)]| {
            let shares = shares.iter().map(|(variant, weight)| Share {
                variant: VariantKey::parse(*variant).unwrap(),
                weight: Percentage::new(*weight).unwrap(),
            });
            check_split(&shares.collect::<Vec<_>>())
        };
        assert!(split(&[]).is_ok());
        assert!(split(&[("a", 33.3333), ("b", 33.3333), ("c", 33.3334)]).is_ok());
        assert!(split(&[("a", 50.0), ("b", 50.0001)]).is_err());
        assert!(split(&[("a", 1.0), ("a", 1.0)]).is_err());
    }
}
