//! What identities are hashed with: an environment's hash key and a flag's seed. Neither ever changes, so that no edit, no
//! rotation of a key and no move to another database puts anybody into another bucket.
//!
//! [`Seeds`] is what a unit of work makes them of; services draw it, and storage knows no randomness of its own.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::targeting::{OverrideSeeds, SplitSeed};
use crate::access::RandomSource;
use crate::text::{Invalid, fold, text_type};

text_type!(
    /// What an environment's identities are hashed with: 1 to 150 visible ASCII characters, as Flagsmith's `api_key`.
    HashKey,
    check_hash_key
);
text_type!(
    /// What a flag's or an override's split is hashed with: a UUID in lower case, as Flagsmith's `featurestate_uuid`.
    Seed,
    check_seed
);

const HASH_KEY_MAX: usize = 150;

fn check_hash_key(text: &str) -> Result<(), Invalid> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || text.len() > HASH_KEY_MAX || !visible {
        return Err(Invalid::new("must be 1 to 150 visible ASCII characters"));
    }
    Ok(())
}

fn check_seed(text: &str) -> Result<(), Invalid> {
    let shaped = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        });
    if !shaped {
        return Err(Invalid::new(
            "must be a UUID in lower case, as \"0e67668e-fb53-41dc-b08d-a705b7035ad2\"",
        ));
    }
    Ok(())
}

impl HashKey {
    fn of(bytes: [u8; 16]) -> Self {
        Self(hexadecimal(&bytes))
    }
}

impl Seed {
    /// The UUID (version 4) of these random bytes.
    #[must_use]
    pub fn of(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = hexadecimal(&bytes);
        for at in [20, 16, 12, 8] {
            text.insert(at, '-');
        }
        Self(text)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to a String succeeds");
        text
    })
}

/// What a unit of work makes seeds and hash keys of: random bytes, and those that it brings along.
#[derive(Debug, Clone)]
pub struct Seeds {
    random: [u8; 32],
    brought: Arc<Brought>,
}

/// Seeds and hash keys from elsewhere, by the folded names of what they belong to.
#[derive(Debug, Default)]
struct Brought {
    hash_keys: HashMap<String, HashKey>,
    seeds: HashMap<(String, String), Seed>,
}

impl Seeds {
    /// New ones for one unit of work.
    #[must_use]
    pub fn draw(random: &dyn RandomSource) -> Self {
        Self {
            random: random.bytes(),
            brought: Arc::default(),
        }
    }

    /// The same ones every time: for what is taken back.
    #[must_use]
    pub fn passing() -> Self {
        Self {
            random: [0; 32],
            brought: Arc::default(),
        }
    }

    /// With those that are brought along: of environments, and of flags by environment and feature.
    #[must_use]
    pub fn bringing<'a>(
        self,
        hash_keys: impl Iterator<Item = (&'a str, HashKey)>,
        seeds: impl Iterator<Item = ((&'a str, &'a str), Seed)>,
    ) -> Self {
        let hash_keys = hash_keys.map(|(name, key)| (fold(name), key));
        let seeds =
            seeds.map(|((environment, feature), seed)| ((fold(environment), fold(feature)), seed));
        let brought = Brought {
            hash_keys: hash_keys.collect(),
            seeds: seeds.collect(),
        };
        Self {
            brought: Arc::new(brought),
            ..self
        }
    }

    /// The hash key of a new environment.
    #[must_use]
    pub fn hash_key(&self, environment: &str) -> HashKey {
        let environment = fold(environment);
        let brought = self.brought.hash_keys.get(&environment);
        brought
            .cloned()
            .unwrap_or_else(|| HashKey::of(self.made_for(&["environment", &environment])))
    }

    /// The seed of a new flag.
    #[must_use]
    pub fn flag(&self, environment: &str, feature: &str) -> Seed {
        let flag = (fold(environment), fold(feature));
        let brought = self.brought.seeds.get(&flag);
        brought
            .cloned()
            .unwrap_or_else(|| Seed::of(self.made_for(&["flag", &flag.0, &flag.1])))
    }

    /// The seed of a new segment.
    #[must_use]
    pub fn segment(&self, name: &str) -> SplitSeed {
        SplitSeed::of(self.made_for(&["segment", &fold(name)]))
    }

    /// The seeds of a new override.
    #[must_use]
    pub fn of_override(&self, environment: &str, feature: &str, target: &str) -> OverrideSeeds {
        let (environment, feature) = (fold(environment), fold(feature));
        let made = |what| self.made_for(&[what, &environment, &feature, target]);
        OverrideSeeds {
            split: Seed::of(made("override")),
            rollout: SplitSeed::of(made("rollout")),
        }
    }

    /// Bytes for one thing, which tell nothing of those for another.
    fn made_for(&self, place: &[&str]) -> [u8; 16] {
        let mut digest = Sha256::new_with_prefix(self.random);
        for part in place {
            digest.update(part);
            digest.update([0]); // which no name holds
        }
        let digest: [u8; 32] = digest.finalize().into();
        std::array::from_fn(|at| digest[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ports::MockRandomSource;

    fn seeds(byte: u8) -> Seeds {
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(move || [byte; 32]);
        Seeds::draw(&random)
    }

    #[test]
    fn a_seed_is_a_uuid_in_lower_case() {
        let seed = Seed::of([0xFF; 16]);
        assert_eq!(seed.as_str(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(Seed::parse(seed.as_str()), Ok(seed.clone()));
        for text in [
            "",
            "ffffffffffff4fffbfffffffffffffff",
            &seed.as_str().to_uppercase(),
            "gfffffff-ffff-4fff-bfff-ffffffffffff",
            "ffffffff-ffff-4fff-bfff-fffffffffffff",
        ] {
            assert!(Seed::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_hash_key_is_visible_ascii() {
        assert!(HashKey::parse("n9fbf9h3v4fFgH3U3ngWhb").is_ok());
        for text in ["", "a b", "ü", &"x".repeat(151)] {
            assert!(HashKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn each_flag_and_environment_gets_its_own_and_each_draw_others() {
        let (one, other) = (seeds(1), seeds(2));
        let of = |seeds: &Seeds| {
            [
                seeds.flag("a", "b").to_string(),
                seeds.flag("b", "a").to_string(),
                seeds.flag("a", "c").to_string(),
                seeds.hash_key("a").to_string(),
                seeds.hash_key("b").to_string(),
            ]
        };
        let mut all = [of(&one), of(&other)].concat();
        assert!(Seed::parse(all[0].as_str()).is_ok());
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 10);
        assert_eq!(of(&one), of(&one));
    }

    #[test]
    fn what_is_brought_along_is_found_in_whatever_case() {
        let (key, seed) = (HashKey::parse("their-own").unwrap(), Seed::of([7; 16]));
        let seeds = seeds(1).bringing(
            std::iter::once(("Production", key.clone())),
            std::iter::once((("Production", "Limit"), seed.clone())),
        );
        assert_eq!(seeds.hash_key("PRODUCTION"), key);
        assert_eq!(seeds.flag("production", "LIMIT"), seed);
        assert_ne!(seeds.flag("production", "other"), seed);
    }
}
