//! The operating system's randomness, from which keys and passwords are made.

use flagstaff_domain::access::RandomSource;

/// The operating system's source.
#[derive(Debug, Clone, Copy)]
pub struct SystemRandom;

impl RandomSource for SystemRandom {
    #[allow(
        clippy::expect_used,
        reason = "a system without randomness cannot make keys; going on with weak ones would be worse than failing"
    )]
    fn bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the operating system provides randomness");
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(SystemRandom.bytes(), SystemRandom.bytes());
    }
}
