//! Hearing of other instances' commits before the next poll: `NOTIFY` with each commit, `LISTEN` on a connection of its
//! own. It is a hint and nothing more; a change that nobody heard of is found by the poll.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;

use super::{PostgresUrl, open};
use crate::db::connection::Purpose;
use crate::db::error::OpenError;
use crate::ending;

/// How often the connection is looked at, which asks the operating system and not the server: diesel offers no way to
/// wait for what arrives.
const LOOK: Duration = Duration::from_millis(20);
/// How long a connection is kept. One that has gone silent says nothing of it, and is replaced this way.
const KEPT: Duration = Duration::from_secs(120);
/// How long to wait before connecting again.
const AWAY: Duration = Duration::from_secs(1);

/// The thread that listens; it ends when this is dropped.
#[derive(Debug)]
pub(in crate::db) struct Listening {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// Calls `heard` whenever something was committed, and once after each connection: before it nobody listened.
    pub(in crate::db) fn start(
        url: PostgresUrl,
        heard: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("listen".to_owned())
            .spawn(move || {
                let mut connection = None;
                let mut connected = Instant::now();
                let mut rest = Duration::ZERO;
                while stopped.recv_timeout(rest) == Err(RecvTimeoutError::Timeout) {
                    let kept = connection.take().filter(|_| connected.elapsed() < KEPT);
                    connection = match kept {
                        Some(kept) => look(kept, &heard),
                        None => {
                            connected = Instant::now();
                            connect(&url, &heard)
                        }
                    };
                    rest = if connection.is_some() { LOOK } else { AWAY };
                }
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            ending::wait_for(thread, AWAY);
        }
    }
}

fn connect(url: &PostgresUrl, heard: &impl Fn()) -> Option<PgConnection> {
    let connected = || -> Result<PgConnection, OpenError> {
        let mut connection = open(url, AWAY, Purpose::Read)?;
        connection.batch_execute("SET application_name = 'flagstaff listen'; LISTEN flagstaff")?;
        Ok(connection)
    };
    match connected() {
        Ok(connection) => {
            heard();
            Some(connection)
        }
        Err(error) => {
            log::debug!(error:%; "cannot listen for changes; the poll finds them");
            None
        }
    }
}

/// The connection, unless it is lost.
fn look(mut connection: PgConnection, heard: &impl Fn()) -> Option<PgConnection> {
    let mut any = false;
    let mut lost = None;
    for notification in connection.notifications_iter() {
        match notification {
            Ok(_) => any = true,
            Err(error) => {
                lost = Some(error);
                break;
            }
        }
    }
    if any {
        heard();
    }
    match lost {
        None => Some(connection),
        Some(error) => {
            log::debug!(error:%; "no longer listening for changes; the poll finds them");
            None
        }
    }
}
