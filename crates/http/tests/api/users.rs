//! `/api/admin/users`: the records, who may change what of them, and that an administrator is always left.

mod administrators;
mod passwords;
mod records;
mod sign_ins;

const USERS: &str = "/api/admin/users";
const ME: &str = "/api/admin/users/me";
/// Another password than the administrator's.
const OTHER: &str = "another horse another staple";
