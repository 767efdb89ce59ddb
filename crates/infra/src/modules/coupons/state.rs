//! Coupons for state files: all of them, and one step of an import.

use diesel::prelude::*;
use flagstaff_domain::modules::coupons::state::{SECTION, entry, fields};
use flagstaff_domain::modules::coupons::{CouponError, CouponId};
use flagstaff_domain::state::StateError;
use flagstaff_domain::state::sections::{RecordChange, SectionStep, StoredSections};
use flagstaff_domain::text::Invalid;
use flagstaff_domain::write::Precondition;

use super::rows::{self, CouponRow};
use super::work;
use crate::changes::unit::UnitOfWork;
use crate::db::schema::coupons;
use crate::db::{DbConnection, WorkError};

fn unreadable(error: &serde_json::Error) -> Invalid {
    Invalid::new(format!("a coupon in a state file: {error}"))
}

pub(crate) fn load(
    connection: &mut DbConnection,
    all: &mut StoredSections,
) -> Result<(), WorkError<StateError>> {
    let found = coupons::table
        .order(coupons::id)
        .select(CouponRow::as_select())
        .load(connection)?;
    let mut stored = Vec::new();
    for coupon in rows::coupons(connection, found)? {
        let entry = entry(&coupon).map_err(|error| unreadable(&error))?;
        stored.push((coupon.id.0, entry));
    }
    all.insert(SECTION.name, stored);
    Ok(())
}

pub(crate) fn carry_out(
    unit: &mut UnitOfWork<'_>,
    step: &SectionStep,
) -> Result<(), WorkError<StateError>> {
    let read = |entry| fields(entry).map_err(|error| unreadable(&error));
    let done = match &step.change {
        RecordChange::Create(entry) => work::create(unit, &read(entry)?).map(drop),
        RecordChange::Change(id, entry) => {
            work::replace(unit, CouponId(*id), &read(entry)?).map(drop)
        }
        RecordChange::Delete(id) => work::delete(unit, CouponId(*id), &Precondition::Any).map(drop),
    };
    let told = |error| match error {
        CouponError::Storage(error) => error.into(),
        error => StateError::invalid(SECTION.name, error.to_string()),
    };
    done.map_err(|error| error.refused_as(told))
}
