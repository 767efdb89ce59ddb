//! Nobody waits for a database that does not answer: what has not begun is withdrawn and never runs, what has begun is
//! in doubt.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use flagstaff_domain::storage::{Outage, StorageError, StorageMonitor};
use flagstaff_infra::db::{Db, DbConnection, WorkError};

use crate::server::Database;

type Done = Result<(), StorageError>;

/// A unit of work that tells when it begins and then waits, as for a server that does not answer.
fn endless(
    begun: Sender<()>,
    end: Receiver<()>,
) -> impl FnOnce(&mut DbConnection) -> Result<(), WorkError<StorageError>> {
    move |_| {
        begun.send(()).unwrap();
        let _ = end.recv();
        Ok(())
    }
}

/// A database whose writer waits for an answer until the sender is dropped, and the caller of that write.
fn silent(db: &Db) -> (Sender<()>, thread::JoinHandle<Done>) {
    let (begin, begun) = channel();
    let (end, ended) = channel();
    let writing = db.clone();
    let caller = thread::spawn(move || writing.write(endless(begin, ended)));
    begun.recv().unwrap();
    (end, caller)
}

#[test]
fn what_waits_is_withdrawn_and_what_has_begun_is_in_doubt() {
    let database = Database::migrated();
    let db = database.open();
    let (end, first) = silent(&db);
    let ran = Arc::new(AtomicBool::new(false));
    let running = Arc::clone(&ran);
    let second: Done = db.write(move |_| {
        running.store(true, Ordering::SeqCst);
        Ok::<_, WorkError<StorageError>>(())
    });
    assert!(
        matches!(second, Err(StorageError::Unavailable(_))),
        "{second:?}"
    );
    let first = first.join().unwrap();
    assert!(matches!(first, Err(StorageError::InDoubt(_))), "{first:?}");
    assert_eq!(db.outage(), Some(Outage::Gone));

    drop(end);
    while db.outage().is_some() {
        thread::yield_now();
    }
    db.write(|_| Ok::<_, WorkError<StorageError>>(())).unwrap();
    assert!(!ran.load(Ordering::SeqCst));
}
