//! `/api/admin/environments/{environment}/flags`: [`records`] of flags, the [`values`] that they carry, and how they
//! are split ([`splits`]).

mod records;
mod splits;
mod values;
