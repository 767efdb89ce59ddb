//! Variants of a feature, and how identities are shared out among them.

use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;

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

/// The variants of a feature as they are wanted: each key once, and not too many.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Variant>", into = "Vec<Variant>")]
pub struct Variants(Vec<Variant>);

impl TryFrom<Vec<Variant>> for Variants {
    type Error = Invalid;

    fn try_from(variants: Vec<Variant>) -> Result<Self, Invalid> {
        if variants.len() > VARIANTS_MAX {
            return Err(Invalid::new(format!(
                "must hold at most {VARIANTS_MAX} variants"
            )));
        }
        once(variants.iter().map(|one| &one.key))?;
        Ok(Self(variants))
    }
}

impl From<Variants> for Vec<Variant> {
    fn from(variants: Variants) -> Self {
        variants.0
    }
}

impl Deref for Variants {
    type Target = [Variant];

    fn deref(&self) -> &[Variant] {
        &self.0
    }
}

impl Variants {
    /// These in the place of those that a feature has: what stays keeps its id and its place, what is new comes after it.
    #[must_use]
    pub fn succeed(&self, current: &[Variant]) -> Vec<Variant> {
        let stay = current.iter().filter_map(|one| {
            let wanted = self.iter().find(|wanted| wanted.key == one.key)?;
            Some(Variant {
                id: one.id,
                ..wanted.clone()
            })
        });
        let is_new = |one: &&Variant| current.iter().all(|known| known.key != one.key);
        stay.chain(self.iter().filter(is_new).cloned()).collect()
    }

    /// These, and those of a feature that they leave out.
    #[must_use]
    pub fn beside(&self, current: &[Variant]) -> Self {
        let left_out = |one: &&Variant| self.iter().all(|wanted| wanted.key != one.key);
        let left_out = current.iter().filter(left_out).cloned();
        Self(self.iter().cloned().chain(left_out).collect())
    }
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

/// A split as it is wanted: each variant once, and not more than all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Share>", into = "Vec<Share>")]
pub struct Split(Vec<Share>);

impl TryFrom<Vec<Share>> for Split {
    type Error = Invalid;

    fn try_from(shares: Vec<Share>) -> Result<Self, Invalid> {
        check_split(&shares)?;
        Ok(Self(shares))
    }
}

impl From<Split> for Vec<Share> {
    fn from(split: Split) -> Self {
        split.0
    }
}

impl Split {
    /// The split among these variants of a feature: its shares in their order, without those that nobody gets.
    ///
    /// # Errors
    /// [`Invalid`], which names a variant that the feature does not have.
    pub fn among(&self, variants: &[Variant]) -> Result<Vec<Share>, Invalid> {
        let place = |share: &Share| variants.iter().position(|one| one.key == share.variant);
        if let Some(unknown) = self.0.iter().find(|share| place(share).is_none()) {
            let known: Vec<_> = variants
                .iter()
                .map(|one| format!("{:?}", one.key.as_str()))
                .collect();
            return Err(Invalid::new(format!(
                "must hold variants of the feature, and {:?} is none; it has {}",
                unknown.variant.as_str(),
                if known.is_empty() {
                    "none yet".to_owned()
                } else {
                    known.join(", ")
                }
            )));
        }
        let served = self.0.iter().filter(|share| share.weight.parts > 0);
        let mut shares: Vec<Share> = served.cloned().collect();
        shares.sort_by_key(place);
        Ok(shares)
    }
}

/// Refuses a key that stands in a list twice.
fn once<'a>(keys: impl Iterator<Item = &'a VariantKey>) -> Result<(), Invalid> {
    let mut seen = HashSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(Invalid::new(format!(
                "must not hold the variant {:?} twice",
                key.as_str()
            )));
        }
    }
    Ok(())
}

/// Checks a split: each variant once, and not more than all. Whoever is in no share gets the value itself, the control.
///
/// # Errors
/// [`Invalid`], which names what is too much.
pub fn check_split(shares: &[Share]) -> Result<(), Invalid> {
    once(shares.iter().map(|one| &one.variant))?;
    let sum: u64 = shares.iter().map(|one| u64::from(one.weight.parts)).sum();
    if sum > u64::from(Percentage::WHOLE.parts) {
        #[expect(clippy::cast_precision_loss, reason = "a message tells it")]
        let sum = sum as f64 / f64::from(PARTS);
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

    fn variants(keys: &[&str]) -> Vec<Variant> {
        let variants = keys.iter().zip(1..).map(|(key, id)| Variant {
            id: VariantId(id),
            key: VariantKey::parse(*key).unwrap(),
            value: FlagValue::Integer(id),
        });
        variants.collect()
    }

    #[test]
    fn variants_that_stay_keep_their_ids_and_new_ones_are_appended() {
        let wanted: Variants = serde_json::from_str(
            r#"[{"key":"d","value":4},{"key":"c","value":"new"},{"key":"a","value":1}]"#,
        )
        .unwrap();
        let after = wanted.succeed(&variants(&["a", "b", "c"]));
        let told: Vec<_> = after
            .iter()
            .map(|one| (one.id.0, one.key.as_str(), one.value.to_json()))
            .collect();
        assert_eq!(
            told,
            [
                (1, "a", "1".to_owned()),
                (3, "c", "\"new\"".to_owned()),
                (0, "d", "4".to_owned())
            ]
        );
        assert!(Variants::try_from(variants(&["a", "b", "a"])).is_err());
        let many: Vec<String> = (0..=VARIANTS_MAX).map(|at| at.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(Variants::try_from(variants(&many)).is_err());
        assert!(Variants::try_from(variants(&many[1..])).is_ok());
    }

    #[test]
    fn a_split_is_kept_in_the_order_of_the_variants_without_empty_shares() {
        let split: Split = serde_json::from_str(
            r#"[{"variant":"c","weight":10},{"variant":"b","weight":0},{"variant":"a","weight":20}]"#,
        )
        .unwrap();
        let kept = split.among(&variants(&["a", "b", "c"])).unwrap();
        assert_eq!(
            serde_json::to_string(&kept).unwrap(),
            r#"[{"variant":"a","weight":20},{"variant":"c","weight":10}]"#
        );
        assert_eq!(
            split.among(&variants(&["a", "b"])).unwrap_err().to_string(),
            r#"must hold variants of the feature, and "c" is none; it has "a", "b""#
        );
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
