//! Everything is copied between databases of two backends, in both directions, and back again.

use diesel::connection::SimpleConnection;
use flagstaff_infra::db::copy::CopyError;
use flagstaff_infra::db::integrity::integrity;

use crate::moving::{TABLES_ON_POSTGRES, fill, moved, next_ids, rows_of_database, rows_of_file};
use crate::scratch::{Scratch, texts};
use crate::server::Database;

fn filled_file() -> Scratch {
    let scratch = Scratch::migrated();
    fill(&scratch.open(), &mut scratch.raw());
    scratch
}

fn filled_database() -> Database {
    let database = Database::migrated();
    fill(&database.open(), &mut database.raw());
    database
}

fn in_file(scratch: &Scratch) -> Vec<String> {
    rows_of_file(&mut scratch.raw())
}

fn in_database(database: &Database) -> Vec<String> {
    rows_of_database(&mut database.raw())
}

#[test]
fn from_a_file_into_postgresql_and_back() {
    let (file, database, back) = (filled_file(), Database::empty(), Scratch::empty());
    let copied = moved(file.path(), database.url()).unwrap();
    let tables = texts(&mut database.raw(), TABLES_ON_POSTGRES);
    let names: Vec<_> = copied.iter().map(|one| one.table.clone()).collect();
    assert_eq!(names, tables, "PostgreSQL has the tables that SQLite has");
    assert!(copied.iter().all(|one| one.rows > 0), "{copied:?}");
    assert_eq!(in_database(&database), in_file(&file));
    assert_eq!(integrity(database.url()).unwrap(), [""; 0]);
    assert_eq!(moved(database.url(), back.path()).unwrap(), copied);
    assert_eq!(in_file(&back), in_file(&file));
    assert_eq!(integrity(back.path()).unwrap(), [""; 0]);
}

#[test]
fn from_postgresql_into_a_file_and_back() {
    let (database, file, back) = (filled_database(), Scratch::empty(), Database::empty());
    moved(database.url(), file.path()).unwrap();
    assert_eq!(in_file(&file), in_database(&database));
    moved(file.path(), back.url()).unwrap();
    assert_eq!(in_database(&back), in_database(&database));
}

#[test]
fn from_one_postgresql_into_another() {
    let (from, to) = (filled_database(), Database::migrated());
    moved(from.url(), to.url()).unwrap();
    assert_eq!(in_database(&to), in_database(&from));
    assert_eq!(next_ids(&to.open()), next_ids(&from.open()));
}

#[test]
fn no_id_is_given_twice_on_either_side() {
    let (file, database, back) = (filled_file(), Database::empty(), Scratch::empty());
    moved(file.path(), database.url()).unwrap();
    moved(database.url(), back.path()).unwrap();
    let next = next_ids(&file.open());
    assert_eq!(next_ids(&database.open()), next);
    assert_eq!(next_ids(&back.open()), next);
    let (empty, fresh) = (Scratch::migrated(), Database::empty());
    moved(empty.path(), fresh.url()).unwrap();
    assert_eq!(next_ids(&fresh.open()), [1, 1, 1]);
}

#[test]
fn postgresql_that_has_rows_is_left_as_it_is() {
    let (from, to) = (filled_file(), filled_database());
    let before = in_database(&to);
    let refused = moved(from.path(), to.url()).unwrap_err();
    assert!(matches!(refused, CopyError::NotEmpty(_)), "{refused:?}");
    assert_eq!(in_database(&to), before);
    let refused = moved(to.url(), to.url()).unwrap_err();
    assert!(matches!(refused, CopyError::Same), "{refused:?}");
}

#[test]
fn what_postgresql_changes_as_it_is_written_is_not_kept() {
    let (from, to) = (filled_file(), Database::migrated());
    to.raw()
        .batch_execute(
            "CREATE FUNCTION damage() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN NEW.description := 'other'; RETURN NEW; END $$;
             CREATE TRIGGER damage BEFORE INSERT ON features FOR EACH ROW EXECUTE FUNCTION damage()",
        )
        .unwrap();
    let empty = in_database(&to);
    let refused = moved(from.path(), to.url()).unwrap_err();
    assert!(
        matches!(&refused, CopyError::Differs(table) if table == "features"),
        "{refused:?}"
    );
    assert_eq!(in_database(&to), empty);
    to.raw()
        .batch_execute("DROP TRIGGER damage ON features")
        .unwrap();
    assert_eq!(next_ids(&to.open()), [1, 1, 1], "the counters, too");
}

#[test]
fn nobody_writes_to_postgresql_while_it_is_copied() {
    let (from, to) = (filled_database(), Scratch::migrated());
    let mut writer = from.raw();
    writer
        .batch_execute("BEGIN; SELECT seq FROM log_head WHERE id = 1 FOR UPDATE")
        .unwrap();
    let refused = moved(from.url(), to.path()).unwrap_err();
    assert!(matches!(refused, CopyError::From(_)), "{refused:?}");
    assert_eq!(in_file(&to), ["log_head|id=|1|seq=|0"]);
}
