//! The optional modules, a cargo feature each: rates of currencies, and coupons.
//!
//! The core names none of them: it asks the lists here, which hold what this build has.

#[cfg(feature = "coupons")]
pub mod coupons;
#[cfg(feature = "rates")]
pub mod rates;

use crate::changes::ModuleKind;
use crate::state::sections::Section;

/// The names of the modules, as the change log has them.
pub(crate) const CONTEXTS: &[&str] = &[
    #[cfg(feature = "coupons")]
    coupons::CONTEXT,
    #[cfg(feature = "rates")]
    rates::CONTEXT,
];

/// What the modules write into the change log.
const KINDS: &[&[ModuleKind]] = &[
    #[cfg(feature = "coupons")]
    coupons::KINDS,
    #[cfg(feature = "rates")]
    rates::KINDS,
];

/// What the modules have in a state file.
pub(crate) const SECTIONS: &[Section] = &[
    #[cfg(feature = "coupons")]
    coupons::state::SECTION,
];

/// The module's kind of change that is written so.
pub(crate) fn kind(text: &str) -> Option<ModuleKind> {
    let mut kinds = KINDS.iter().copied().flatten();
    kinds.find(|one| one.kind == text).copied()
}
