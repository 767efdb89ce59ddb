//! The protocol's paths, and the feature that a path names.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// All flags, and one.
const EVALUATIONS: [&str; 2] = ["/ofrep/v1/evaluate/flags", "/ofrep/v1/evaluate/flags/{key}"];
/// Evaluates all flags.
pub(crate) const BULK: &str = EVALUATIONS[0];
/// The same, as some write it.
pub(crate) const BULK_SLASHED: &str = "/ofrep/v1/evaluate/flags/";
/// Evaluates one flag.
pub(crate) const SINGLE: &str = EVALUATIONS[1];

/// What a path asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// All flags.
    Bulk,
    /// The flag with this key, as the path writes it.
    Single(&'a str),
}

impl<'a> Target<'a> {
    /// What is asked for at this path, if it is one of an evaluation.
    pub(crate) fn of(path: &'a str) -> Option<Self> {
        match path.strip_prefix(BULK)? {
            "" | "/" => Some(Self::Bulk),
            rest => rest.strip_prefix('/').map(Self::Single),
        }
    }

    /// The label in metrics and logs.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Bulk => BULK,
            Self::Single(_) => SINGLE,
        }
    }

    /// The key as people write it, where the path names one.
    pub(crate) fn key(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Bulk => None,
            Self::Single(key) => Some(percent_decode_str(key).decode_utf8_lossy()),
        }
    }
}

/// Whether the path belongs to the protocol: what is there is answered in its shapes, errors too.
pub(crate) fn owns(path: &str) -> bool {
    let rest = path.strip_prefix("/ofrep");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_flag_or_all() {
        for (path, target) in [
            (BULK, Some(Target::Bulk)),
            (BULK_SLASHED, Some(Target::Bulk)),
            ("/ofrep/v1/evaluate/flags/a", Some(Target::Single("a"))),
            (
                "/ofrep/v1/evaluate/flags/a%2Fb",
                Some(Target::Single("a%2Fb")),
            ),
            ("/ofrep/v1/evaluate/flagship", None),
            ("/ofrep/v1/evaluate", None),
        ] {
            assert_eq!(Target::of(path), target, "{path}");
        }
        assert_eq!(Target::Single("a%20b").key().as_deref(), Some("a b"));
    }

    #[test]
    fn the_protocol_owns_what_is_below_its_root() {
        assert!(owns("/ofrep") && owns("/ofrep/v1/anything"));
        assert!(!owns("/ofreport") && !owns("/api/v1/flags/"));
    }
}
