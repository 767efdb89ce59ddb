//! Numbers that shares of identities are made from: random when a record is made, and the same for ever.

use serde::{Deserialize, Serialize};

use crate::access::RandomSource;
use crate::text::Invalid;

/// What is hashed by the shares of a segment, or of a rollout. SDKs that evaluate locally see it as the segment's id.
///
/// At least 2^30, so that it is none of the ids that a database counts, and below 2^31, because SDKs take the ids of segments for
/// numbers of 32 bits. One that is brought from elsewhere may have up to 53 bits, which JavaScript keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct SplitSeed(i64);

const LEAST: i64 = 1 << 30;
const MOST: i64 = (1 << 53) - 1;

impl SplitSeed {
    /// A seed that nobody can foresee.
    #[must_use]
    pub fn generate(random: &dyn RandomSource) -> Self {
        let bytes = random.bytes();
        Self::of(std::array::from_fn(|at| bytes[at]))
    }

    /// The seed of these random bytes.
    #[must_use]
    pub fn of([a, b, c, d, e, f, g, h, ..]: [u8; 16]) -> Self {
        let bits = u64::from_be_bytes([a, b, c, d, e, f, g, h]) & (LEAST - 1).cast_unsigned();
        Self(LEAST + bits.cast_signed())
    }

    /// The number.
    #[must_use]
    pub fn as_i64(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for SplitSeed {
    type Error = Invalid;

    fn try_from(seed: i64) -> Result<Self, Invalid> {
        // Smaller ones come from other systems, whose segments keep their shares.
        if (0..=MOST).contains(&seed) {
            Ok(Self(seed))
        } else {
            Err(Invalid::new("must be a whole number from 0 to 2^53 - 1"))
        }
    }
}

impl From<SplitSeed> for i64 {
    fn from(seed: SplitSeed) -> Self {
        seed.0
    }
}

impl std::fmt::Display for SplitSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ports::MockRandomSource;

    #[test]
    fn a_seed_is_no_counted_id_and_fits_into_32_bits() {
        for (bytes, seed) in [
            ([0; 32], 1 << 30),
            ([0xff; 32], (1 << 31) - 1),
            ([1; 32], 0x4101_0101),
        ] {
            let mut random = MockRandomSource::new();
            random.expect_bytes().return_const(bytes);
            let made = SplitSeed::generate(&random);
            assert_eq!(made.as_i64(), seed);
            assert_eq!(SplitSeed::try_from(seed), Ok(made));
        }
        assert!(SplitSeed::try_from(-1).is_err());
        assert!(SplitSeed::try_from(1 << 53).is_err());
    }
}
