//! Everything is copied from one file into another: whole, or nothing at all. `tests/postgres/copy.rs` has the same for
//! databases of two backends.

#[path = "support/moving.rs"]
mod moving;
#[path = "support/samples.rs"]
mod samples;
#[path = "support/scratch.rs"]
mod scratch;

use diesel::connection::SimpleConnection;
use flagstaff_infra::db::OpenError;
use flagstaff_infra::db::copy::CopyError;
use flagstaff_infra::db::integrity::integrity;

use moving::{TABLES, fill, moved, next_ids, rows_of_file};
use scratch::{Scratch, number, texts};

fn filled() -> Scratch {
    let scratch = Scratch::migrated();
    fill(&scratch.open(), &mut scratch.raw());
    scratch
}

fn rows(scratch: &Scratch) -> Vec<String> {
    rows_of_file(&mut scratch.raw())
}

#[test]
fn every_table_is_copied_with_every_row() {
    let (from, to) = (filled(), Scratch::empty());
    let copied = moved(from.path(), to.path()).unwrap();
    let tables = texts(&mut from.raw(), TABLES);
    let names: Vec<_> = copied.iter().map(|one| one.table.clone()).collect();
    assert_eq!(names, tables);
    for one in &copied {
        let query = format!("SELECT count(*) AS answer FROM {}", one.table);
        assert!(one.rows > 0, "{one:?}: the test has no row of this table");
        assert_eq!(number(&mut from.raw(), &query), one.rows as i64, "{one:?}");
    }
    assert_eq!(rows(&to), rows(&from));
    assert_eq!(integrity(to.path()).unwrap(), [""; 0]);
}

#[test]
fn no_id_is_given_twice_also_not_that_of_what_is_gone() {
    let (from, to) = (filled(), Scratch::migrated());
    moved(from.path(), to.path()).unwrap();
    assert_eq!(next_ids(&to.open()), next_ids(&from.open()));
    let empty = Scratch::migrated();
    let copy = Scratch::empty();
    moved(empty.path(), copy.path()).unwrap();
    assert_eq!(next_ids(&copy.open()), [1, 1, 1]);
}

#[test]
fn more_rows_than_are_written_together_are_all_there_in_their_order() {
    let (from, to) = (filled(), Scratch::empty());
    from.raw()
        .batch_execute(
            "WITH RECURSIVE more(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more WHERE n < 5003)
             INSERT INTO changes SELECT seq + n, seq + n, n, 'jay', 'flags', 'flag.changed', 'x', NULL, NULL, NULL, hex(zeroblob(n))
                 FROM more, log_head;
             UPDATE log_head SET seq = seq + 5003",
        )
        .unwrap();
    moved(from.path(), to.path()).unwrap();
    assert_eq!(rows(&to), rows(&from));
    assert_eq!(integrity(to.path()).unwrap(), [""; 0]);
}

#[test]
fn a_database_that_has_rows_is_left_as_it_is() {
    let (from, to) = (filled(), filled());
    to.raw()
        .batch_execute("UPDATE environments SET description = 'mine'")
        .unwrap();
    let before = rows(&to);
    let refused = moved(from.path(), to.path()).unwrap_err();
    assert!(matches!(refused, CopyError::NotEmpty(_)), "{refused:?}");
    assert_eq!(rows(&to), before);
    let account = Scratch::migrated();
    account
        .raw()
        .batch_execute("INSERT INTO accounts VALUES (1, 'a', 'a', 'admin', '', 0, 0, 0, 0, NULL)")
        .unwrap();
    let refused = moved(from.path(), account.path()).unwrap_err();
    assert!(
        matches!(&refused, CopyError::NotEmpty(table) if table == "accounts"),
        "{refused:?}"
    );
}

#[test]
fn a_database_is_not_copied_into_itself() {
    let from = filled();
    let before = rows(&from);
    let same = from
        .folder()
        .join("..")
        .join(from.folder().file_name().unwrap());
    let same = same.join("flagstaff.db");
    assert!(matches!(moved(from.path(), same), Err(CopyError::Same)));
    assert_eq!(rows(&from), before);
}

#[test]
fn what_is_read_back_otherwise_than_it_was_written_is_not_kept() {
    for (table, damage) in [
        (
            "features",
            "CREATE TRIGGER damage AFTER INSERT ON features BEGIN
                 UPDATE features SET description = 'other' WHERE id = new.id; END",
        ),
        (
            "accounts",
            "CREATE TRIGGER damage AFTER INSERT ON accounts BEGIN
                 DELETE FROM accounts WHERE id = new.id AND role = 'viewer'; END",
        ),
    ] {
        let (from, to) = (filled(), Scratch::migrated());
        to.raw().batch_execute(damage).unwrap();
        let empty = rows(&to);
        let refused = moved(from.path(), to.path()).unwrap_err();
        assert!(
            matches!(&refused, CopyError::Differs(other) if other == table),
            "{refused:?}"
        );
        assert_eq!(rows(&to), empty);
    }
}

#[test]
fn nothing_is_written_meanwhile() {
    let (from, to) = (filled(), Scratch::migrated());
    let mut writer = from.raw();
    writer.batch_execute("BEGIN IMMEDIATE").unwrap();
    let refused = moved(from.path(), to.path()).unwrap_err();
    assert!(
        matches!(&refused, CopyError::From(OpenError::Database(_))),
        "{refused:?}"
    );
    writer.batch_execute("ROLLBACK").unwrap();
    moved(from.path(), to.path()).unwrap();
}

#[test]
fn a_schema_that_is_not_current_is_refused_on_either_side() {
    let (from, to) = (filled(), Scratch::migrated());
    // Also one that this program could work beside: it may have tables that nobody would copy.
    let newer = "INSERT INTO __diesel_schema_migrations VALUES ('99990101000000', '2026-11-20');
         INSERT INTO compatible_migrations VALUES ('99990101000000')";
    to.raw().batch_execute(newer).unwrap();
    let refused = moved(from.path(), to.path()).unwrap_err();
    assert!(
        matches!(&refused, CopyError::To(OpenError::Newer(_))),
        "{refused:?}"
    );
    let refused = moved(to.path(), from.folder().join("new.db")).unwrap_err();
    assert!(
        matches!(&refused, CopyError::From(OpenError::Newer(_))),
        "{refused:?}"
    );
    let missing = from.folder().join("missing.db");
    let refused = moved(missing, from.folder().join("new.db")).unwrap_err();
    assert!(
        matches!(&refused, CopyError::From(OpenError::File(_))),
        "{refused:?}"
    );
    assert!(!from.folder().join("new.db").exists(), "nothing is created");
    to.raw()
        .batch_execute("DELETE FROM __diesel_schema_migrations WHERE version = '99990101000000'; ALTER TABLE features ADD COLUMN more INTEGER")
        .unwrap();
    let refused = moved(from.path(), to.path()).unwrap_err();
    assert!(
        matches!(&refused, CopyError::Schema(table) if table == "features"),
        "{refused:?}"
    );
}
