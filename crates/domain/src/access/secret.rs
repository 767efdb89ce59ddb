//! The texts by which sessions and tokens are known: a prefix that tells what was found where it should not be, and 32
//! random bytes. Only their digests are stored.

use std::fmt::{self, Write};

use super::key::KeyDigest;
use super::ports::RandomSource;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident = $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// A new one.
            #[must_use]
            pub fn generate(random: &dyn RandomSource) -> Self {
                Self(written($prefix, random.bytes()))
            }

            /// Takes a text that may be one; `None` for what never is.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let digits = text.strip_prefix($prefix)?;
                let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                let shaped = digits.len() == 64 && digits.bytes().all(hexadecimal);
                shaped.then(|| Self(text.to_owned()))
            }

            /// The text, to be shown to its owner once.
            #[must_use]
            pub fn reveal(&self) -> &str {
                &self.0
            }

            /// The digest by which it is looked up.
            #[must_use]
            pub fn digest(&self) -> KeyDigest {
                KeyDigest::of(self.0.as_bytes())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(hidden)"))
            }
        }
    };
}

secret!(
    /// What the cookie of a session holds: `fss_` and 64 lower-case hexadecimal characters. Not shown by `Debug`.
    SessionText = "fss_"
);
secret!(
    /// An access token's text: `fst_` and 64 lower-case hexadecimal characters. Not shown by `Debug`.
    TokenText = "fst_"
);

fn written(prefix: &str, bytes: [u8; 32]) -> String {
    bytes.iter().fold(prefix.to_owned(), |mut text, byte| {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to a String succeeds");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ports::MockRandomSource;

    #[test]
    fn what_is_generated_is_recognized_and_nothing_else() {
        let mut random = MockRandomSource::new();
        random.expect_bytes().returning(|| [0x5A; 32]);
        let token = TokenText::generate(&random);
        assert_eq!(token.reveal(), format!("fst_{}", "5a".repeat(32)));
        assert_eq!(TokenText::parse(token.reveal()), Some(token.clone()));
        assert_eq!(SessionText::parse(token.reveal()), None);
        for other in [
            "",
            "fst_",
            &token.reveal()[1..],
            &format!("{}0", token.reveal()),
        ] {
            assert_eq!(TokenText::parse(other), None, "{other}");
        }
        assert_eq!(TokenText::parse(&token.reveal().to_uppercase()), None);
        assert!(!format!("{token:?}").contains("5a5a"));
    }
}
