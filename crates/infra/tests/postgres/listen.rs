//! Instances hear of each other's commits, also after the connection that listens was cut.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use flagstaff_domain::flags::FlagRepository;
use flagstaff_infra::db::{Db, Listener};
use flagstaff_infra::flags::DieselFlagRepository;

use crate::samples::*;
use crate::scratch::number;
use crate::server::Database;

/// Long enough for any machine; whoever hears nothing fails.
const LONG: Duration = Duration::from_secs(30);

fn listen(db: &Db) -> (Listener, Receiver<()>) {
    let (hear, heard) = channel();
    let listener = db
        .listen(move || {
            let _ = hear.send(());
        })
        .unwrap();
    heard.recv_timeout(LONG).unwrap(); // of having connected
    (listener, heard)
}

fn change(db: &Db, name: &str) {
    let flags = DieselFlagRepository::new(db.clone());
    flags
        .create_environment(&new_environment(name), &seeds(), &stamp())
        .unwrap();
}

#[test]
fn a_commit_is_heard_of_by_the_other_instance() {
    let database = Database::migrated();
    let (one, other) = (database.open(), database.open());
    let (_listener, heard) = listen(&other);
    for name in ["a", "b", "c"] {
        change(&one, name);
        heard.recv_timeout(LONG).unwrap();
    }
}

#[test]
fn whoever_was_cut_off_listens_again() {
    let database = Database::migrated();
    let (one, other) = (database.open(), database.open());
    let (_listener, heard) = listen(&other);
    let cut = "SELECT count(pg_terminate_backend(pid)) AS answer FROM pg_stat_activity
               WHERE application_name = 'flagstaff listen' AND datname = current_database()";
    assert_eq!(number(&mut database.raw(), cut), 1);
    heard.recv_timeout(LONG).unwrap(); // of having connected again
    change(&one, "a");
    heard.recv_timeout(LONG).unwrap();
}
