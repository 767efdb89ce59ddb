//! Which of PostgreSQL's failures are outages that may pass. diesel keeps the message of a failure and not its SQLSTATE
//! (<https://www.postgresql.org/docs/current/errcodes-appendix.html>), so the messages tell, which are asked for in English.

use diesel::result::{DatabaseErrorKind, Error};

/// Classes 08, 53, 57 and 58, and what libpq says of a server that is not there.
const OUTAGES: [&str; 18] = [
    "due to statement timeout",
    "due to user request",
    "terminating connection",
    "terminating walreceiver",
    "the database system is",
    "too many clients",
    "too many connections",
    "connection slots are reserved",
    "not currently accepting connections",
    "No space left on device",
    "could not extend file",
    "could not write",
    "server closed the connection",
    "SSL connection has been closed",
    "SSL SYSCALL error",
    "no connection to the server",
    "could not receive data from server",
    "could not send data to server",
];

pub(in crate::db) fn is_outage(error: &Error) -> bool {
    match error {
        Error::DatabaseError(
            DatabaseErrorKind::UnableToSendCommand
            | DatabaseErrorKind::SerializationFailure
            | DatabaseErrorKind::ReadOnlyTransaction,
            _,
        ) => true,
        Error::DatabaseError(_, information) => OUTAGES
            .iter()
            .any(|one| information.message().contains(one)),
        _ => false,
    }
}
