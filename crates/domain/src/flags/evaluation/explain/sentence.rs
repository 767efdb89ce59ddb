//! An explanation in plain English.

use std::fmt;

use super::{Draw, Explanation, Outcome};
use crate::flags::evaluation::program::{Choice, Origin};

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin(f)?;
        match &self.draw {
            Some(draw) => write!(f, " {draw}"),
            None if self.answer.origin != Origin::Identity
                && !self.answer.state.variants.is_empty() =>
            {
                f.write_str(" Without an identity nobody is drawn among the variants: it is the control's value.")
            }
            None => Ok(()),
        }
    }
}

impl Explanation<'_> {
    fn origin(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.answer.origin {
            Origin::Identity => f.write_str(
                "This identity has an override of its own, which is stronger than those of segments.",
            ),
            Origin::Segment(segment) => {
                write!(f, "It is in the segment {:?}, ", segment.name)?;
                let beaten = self.candidates.iter();
                let beaten = beaten.filter(|one| {
                    one.outcome == Outcome::Beaten && one.origin != Origin::Environment
                });
                match beaten.count() {
                    0 => f.write_str("whose override is the only one that applies."),
                    1 => f.write_str(
                        "whose override comes before the one other that applies, too.",
                    ),
                    more => write!(
                        f,
                        "whose override comes before the {more} others that apply, too."
                    ),
                }
            }
            Origin::Environment => match self.candidates.len() - 1 {
                0 => f.write_str("There is no override that could apply: it is what the environment has."),
                1 => f.write_str(
                    "The one override does not apply: it is what the environment has.",
                ),
                more => write!(
                    f,
                    "None of the {more} overrides applies: it is what the environment has."
                ),
            },
        }
    }
}

impl fmt::Display for Draw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Its bucket is {:.4}, ", self.bucket)?;
        let Some(range) = self.ranges.iter().find(|range| range.chosen) else {
            return f.write_str("outside the ranges of all variants.");
        };
        match range.choice {
            Choice::Variant(variant) => {
                let name = variant.key.as_deref().unwrap_or("a variant without a name");
                write!(f, "in the range of {name}")
            }
            Choice::Control | Choice::None => f.write_str("in what is left for the control"),
        }?;
        write!(f, " ({} to {}).", range.from, range.to)
    }
}
