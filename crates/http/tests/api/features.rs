//! `/api/admin/features`: [`records`] of features, their [`names`] and [`variants`], and [`lists`] that are longer than a
//! page.

mod lists;
mod names;
mod records;
mod variants;
