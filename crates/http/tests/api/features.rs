//! `/api/admin/features`: [`records`] of features, their [`names`], and [`lists`] that are longer than a page.

mod lists;
mod names;
mod records;
