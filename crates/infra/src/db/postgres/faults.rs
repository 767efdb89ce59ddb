//! Which of PostgreSQL's failures are outages that may pass. diesel keeps the message of a failure and not its SQLSTATE
//! (<https://www.postgresql.org/docs/current/errcodes-appendix.html>), so the messages tell, which are asked for in English.

use diesel::result::{DatabaseErrorKind, Error};
use flagstaff_domain::storage::Outage;

use crate::db::error::meaning;

/// Classes 08, 53, 55, 57 and 58, and what libpq says of a server that is not there.
const OUTAGES: [(&str, Outage); 21] = [
    ("due to lock timeout", Outage::Locked),
    ("due to statement timeout", Outage::Gone),
    ("due to user request", Outage::Gone),
    ("terminating connection", Outage::Gone),
    ("terminating walreceiver", Outage::Gone),
    ("the database system is", Outage::Gone),
    // A copy that was not promoted yet.
    ("during recovery", Outage::ReadOnly),
    ("too many clients", Outage::Gone),
    ("too many connections", Outage::Gone),
    ("connection slots are reserved", Outage::Gone),
    ("not currently accepting connections", Outage::Gone),
    ("No space left on device", Outage::Full),
    ("could not extend file", Outage::Full),
    ("could not fsync file", Outage::Disk),
    ("could not write", Outage::Disk),
    ("server closed the connection", Outage::Gone),
    ("SSL connection has been closed", Outage::Gone),
    ("SSL SYSCALL error", Outage::Gone),
    ("no connection to the server", Outage::Gone),
    ("could not receive data from server", Outage::Gone),
    ("could not send data to server", Outage::Gone),
];

/// The outage that an error tells of.
pub(in crate::db) fn outage_of(error: &Error) -> Option<Outage> {
    match error {
        Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => Some(Outage::ReadOnly),
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Some(Outage::Locked),
        Error::DatabaseError(DatabaseErrorKind::UnableToSendCommand, _) => Some(Outage::Gone),
        Error::DatabaseError(_, information) => meaning(&OUTAGES, information.message()),
        _ => None,
    }
}
