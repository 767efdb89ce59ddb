//! `/api/admin/environments/{environment}/flags`: [`records`] of flags, and the [`values`] that they carry.

mod records;
mod values;
