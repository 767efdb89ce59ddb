//! Notices a server that took a statement and never answers, as where a stuck disk or a network in between holds on to a
//! connection: nothing else would ever end the wait for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::{Connection, Instrumentation, InstrumentationEvent};
use parking_lot::Mutex;

use super::DbConnection;

/// How long a server may take to let a connection in, which libpq bounds by itself for each address (`connect_timeout`).
const LETTING_IN: Duration = Duration::from_secs(4);

/// The statements that are under way on some connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Statements {
    begun: Arc<Mutex<BTreeMap<u64, Instant>>>,
    connections: Arc<AtomicU64>,
}

impl Statements {
    /// Watches what is asked of a connection from now on.
    pub(super) fn watch(&self, connection: &mut DbConnection) {
        connection.set_instrumentation(Watch {
            connection: self.connections.fetch_add(1, Ordering::Relaxed),
            begun: Arc::clone(&self.begun),
        });
    }

    /// Watches the opening of a connection for as long as what is returned is kept: the server has let it in within the
    /// first seconds, or never will.
    pub(super) fn opening(&self) -> Opening {
        let connection = self.connections.fetch_add(1, Ordering::Relaxed);
        let begun = Arc::clone(&self.begun);
        begun.lock().insert(connection, Instant::now() + LETTING_IN);
        Opening(Watch { connection, begun })
    }

    /// Whether one of them has waited for its answer longer than that.
    pub(super) fn wait_longer_than(&self, limit: Duration) -> bool {
        let begun = self.begun.lock();
        begun.values().any(|begun| begun.elapsed() > limit)
    }
}

/// A connection that is being opened.
pub(super) struct Opening(#[expect(dead_code, reason = "its end is what counts")] Watch);

struct Watch {
    connection: u64,
    begun: Arc<Mutex<BTreeMap<u64, Instant>>>,
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.begun.lock().insert(self.connection, Instant::now());
            }
            InstrumentationEvent::FinishQuery { .. } => {
                self.begun.lock().remove(&self.connection);
            }
            _ => {}
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.begun.lock().remove(&self.connection);
    }
}

#[cfg(test)]
mod tests {
    use diesel::SqliteConnection;
    use diesel::connection::SimpleConnection;

    use super::*;

    fn watched(statements: &Statements) -> DbConnection {
        let mut connection = DbConnection::Sqlite(SqliteConnection::establish(":memory:").unwrap());
        statements.watch(&mut connection);
        connection
    }

    #[test]
    fn a_statement_that_was_answered_waits_no_longer() {
        let statements = Statements::default();
        let mut connection = watched(&statements);
        connection.batch_execute("SELECT 1").unwrap();
        connection.batch_execute("no SQL").unwrap_err();
        assert!(!statements.wait_longer_than(Duration::ZERO));
    }

    #[test]
    fn the_longest_wait_counts_until_its_connection_is_gone() {
        let statements = Statements::default();
        let begun = Arc::clone(&statements.begun);
        begun.lock().insert(7, Instant::now());
        drop(watched(&statements));
        std::thread::sleep(Duration::from_millis(1));
        assert!(statements.wait_longer_than(Duration::ZERO));
        assert!(!statements.wait_longer_than(Duration::from_secs(600)));
        drop(Watch {
            connection: 7,
            begun,
        });
        assert!(!statements.wait_longer_than(Duration::ZERO));
    }
}
