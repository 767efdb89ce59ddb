//! The optional modules' adapters, a cargo feature each.

#[cfg(feature = "coupons")]
pub mod coupons;
#[cfg(feature = "rates")]
pub mod rates;

use diesel::QueryResult;
use flagstaff_domain::ids::FeatureId;
use flagstaff_domain::state::StateError;
use flagstaff_domain::state::sections::{SectionStep, StoredSections};

use crate::changes::unit::UnitOfWork;
use crate::db::{DbConnection, WorkError};

/// How a module reads and changes its records for a state file.
struct Stored {
    section: &'static str,
    load: fn(&mut DbConnection, &mut StoredSections) -> Result<(), WorkError<StateError>>,
    carry_out: fn(&mut UnitOfWork<'_>, &SectionStep) -> Result<(), WorkError<StateError>>,
}

/// The sections of the modules in this build.
const STORED: &[Stored] = &[
    #[cfg(feature = "coupons")]
    Stored {
        section: flagstaff_domain::modules::coupons::state::SECTION.name,
        load: coupons::state::load,
        carry_out: coupons::state::carry_out,
    },
];

/// What in a module names a feature, in words.
type Users = fn(&mut DbConnection, FeatureId) -> QueryResult<Vec<String>>;

/// Who of the modules in this build names features.
const USERS: &[Users] = &[
    #[cfg(feature = "coupons")]
    coupons::work::users,
];

/// What in the modules names a feature, which is not deleted while it does.
pub(crate) fn users(connection: &mut DbConnection, feature: FeatureId) -> QueryResult<Vec<String>> {
    let mut all = Vec::new();
    for users in USERS {
        all.extend(users(connection, feature)?);
    }
    Ok(all)
}

/// What the modules have stored and a state file describes.
pub(crate) fn load(connection: &mut DbConnection) -> Result<StoredSections, WorkError<StateError>> {
    let mut all = StoredSections::new();
    for stored in STORED {
        (stored.load)(connection, &mut all)?;
    }
    Ok(all)
}

/// Changes a record of a module.
pub(crate) fn carry_out(
    unit: &mut UnitOfWork<'_>,
    step: &SectionStep,
) -> Result<(), WorkError<StateError>> {
    let mut stored = STORED.iter();
    match stored.find(|one| one.section == step.section) {
        Some(stored) => (stored.carry_out)(unit, step),
        None => Ok(()),
    }
}
