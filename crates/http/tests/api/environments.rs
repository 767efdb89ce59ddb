//! `/api/admin/environments`: [`records`] of environments, their [`names`], [`deletion`] of those that are still used.

mod deletion;
mod names;
mod records;
