//! Migrations, backups and checks, and what commands say where there is no usable database.

use std::fs;

use serde_json::{Value, json};

use crate::program::{Installation, column, members};

#[test]
fn migrate_check_tells_before_and_after() {
    let here = Installation::empty();
    let said = here.run(&["migrate", "--check"]).fails(5);
    assert!(said.contains("run `flagstaff migrate`"), "{said}");
    let pending = here.run(&["migrate", "--check", "--json"]);
    let pending: Value = serde_json::from_str(pending.stdout()).unwrap();
    assert!(!here.path("data").exists(), "a check creates nothing");

    assert_eq!(
        here.json(&["migrate"])["applied"],
        pending["pending"],
        "what was pending is applied"
    );
    assert_eq!(here.json(&["migrate", "--check"]), json!({ "pending": [] }));
    assert_eq!(here.json(&["migrate"]), json!({ "applied": [] }));
}

#[test]
fn a_command_creates_no_database() {
    let here = Installation::empty();
    here.write("state.json", r#"{"version": 1}"#);
    for arguments in [
        &["feature", "list"][..],
        &["environment", "create", "x"],
        &["flag", "list", "x"],
        &["key", "list", "x"],
        &["import", "state.json"],
        &["export"],
        &["changes"],
        &["backup", "copy.db"],
    ] {
        let said = here.run(arguments).fails(6);
        assert!(said.contains("run `flagstaff migrate`"), "{said}");
    }
    assert!(!here.path("data").exists());
}

#[test]
fn an_empty_file_is_what_is_left_of_a_database() {
    let here = Installation::empty();
    fs::create_dir(here.path("data")).unwrap();
    here.write("data/flagstaff.db", "");
    for arguments in [["serve"], ["migrate"]] {
        let said = here.run(&arguments).fails(1);
        assert!(said.contains("flagstaff backup"), "{said}");
    }
    here.run(&["check"]).fails(5);
    assert_eq!(here.read("data/flagstaff.db"), "");
}

#[test]
fn a_sound_installation_passes_every_check() {
    let here = Installation::migrated();
    let report = here.json(&["check"]);
    assert_eq!(report["ok"], true);
    assert_eq!(
        column(&report["checks"], "name"),
        [
            "configuration",
            "schema",
            "integrity",
            "records",
            "change log"
        ]
    );
}

#[test]
fn a_check_without_a_database_fails() {
    let here = Installation::empty();
    let said = here.run(&["check"]).fails(5);
    assert_eq!(said, "error: 1 check failed\n");
    assert!(!here.path("data").exists());
}

#[test]
fn damage_is_found_and_nothing_is_made_anew() {
    let here = Installation::migrated();
    let path = here.path("data/flagstaff.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[..16].copy_from_slice(b"no database here");
    fs::write(&path, &bytes).unwrap();
    for arguments in [&["feature", "list"][..], &["migrate"], &["serve"]] {
        here.run(arguments).fails(1);
    }
    let ran = here.run(&["check"]);
    assert!(ran.stdout().contains("WRONG"), "{ran:?}");
    ran.fails(5);
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_server_starts_on_no_damaged_page_and_names_the_backup() {
    let here = Installation::shop();
    let path = here.path("data/flagstaff.db");
    let sound = fs::read(&path).unwrap();
    for page in 0..sound.len() / 4096 {
        let mut bytes = sound.clone();
        bytes[page * 4096..][..4096].fill(0xff);
        fs::write(&path, &bytes).unwrap();
        let ran = here
            .program()
            .arg("serve")
            // Whoever gets as far as listening fails for another reason.
            .env("FLAGSTAFF__SERVER__BIND", "192.0.2.1:1")
            .output()
            .unwrap();
        let told = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(1), "page {page}: {told}");
        assert!(
            told.contains("damaged") && told.contains("flagstaff backup"),
            "page {page}: {told}"
        );
        assert_eq!(fs::read(&path).unwrap(), bytes, "page {page}");
    }
}

/// Whatever is run on this file refuses it, names how to restore a backup, and leaves it as it is.
fn refused(here: &Installation, what: &str) {
    let files =
        || ["data/flagstaff.db", "data/flagstaff.db-wal"].map(|one| fs::read(here.path(one)).ok());
    let before = files();
    for arguments in [&["serve"][..], &["migrate"], &["feature", "list"]] {
        let ran = here.run_with(arguments, &[("FLAGSTAFF__SERVER__BIND", "192.0.2.1:1")], "");
        let said = ran.fails(1);
        let last = said.lines().last().unwrap();
        assert!(
            last.contains("damaged") && last.contains("cp BACKUP"),
            "{what}: {said}"
        );
        assert!(files() == before, "{what}: {arguments:?} changed the file");
    }
    here.run(&["check"]).fails(5);
}

#[test]
fn what_sqlite_would_begin_anew_is_refused_and_left_as_it_is() {
    let here = Installation::shop();
    let path = here.path("data/flagstaff.db");
    let sound = fs::read(&path).unwrap();
    let half = sound.len() / 2;
    for length in [0, 1, 99, 100, 4096, half, half + 7] {
        fs::write(&path, &sound[..length]).unwrap();
        refused(&here, &format!("cut off at {length}"));
    }
    fs::write(&path, &sound).unwrap();
    here.write("data/flagstaff.db-wal", &"no log of changes ".repeat(500));
    refused(&here, "a log that is none");
    fs::remove_file(here.path("data/flagstaff.db-wal")).unwrap();
    here.run(&["check"]).succeeds();
}

#[test]
fn the_command_that_a_damaged_file_is_refused_with_restores_a_backup() {
    let here = Installation::shop();
    here.run(&["backup", "copy.db"]).succeeds();
    here.write("data/flagstaff.db", "damaged");
    here.write("data/flagstaff.db-wal", "damaged, too");
    let said = here.run(&["feature", "list"]).fails(1);
    let (_, command) = said.split_once("run: ").unwrap();
    let pasted = command.replace("BACKUP", "copy.db");
    let ran = here.command("sh").args(["-c", &pasted]).status();
    assert!(ran.unwrap().success(), "{pasted}");
    here.run(&["check"]).succeeds();
    assert_eq!(here.json(&["feature", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(here.read("data/damaged/flagstaff.db"), "damaged");
    assert_eq!(here.read("data/damaged/flagstaff.db-wal"), "damaged, too");
}

#[test]
fn a_file_that_could_not_be_created_leaves_none_behind() {
    let here = Installation::empty();
    here.write("data", "a file where the folder should be");
    here.run(&["migrate"]).fails(6);
    fs::remove_file(here.path("data")).unwrap();
    here.run(&["migrate"]).succeeds();
    let left: Vec<_> = fs::read_dir(here.path("data"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["flagstaff.db"]);
}

#[test]
fn a_schema_of_a_newer_program_is_refused() {
    let here = Installation::empty();
    let applied = here.json(&["migrate"])["applied"].to_string();
    let version: String = applied
        .chars()
        .filter(char::is_ascii_digit)
        .take(14)
        .collect();
    let path = here.path("data/flagstaff.db");
    // What a later program would have written: the same, under the name of a migration that this one does not know.
    let mut bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() - version.len() {
        if bytes[at..].starts_with(version.as_bytes()) {
            bytes[at..at + 4].copy_from_slice(b"2999");
        }
    }
    fs::write(&path, bytes).unwrap();
    for arguments in [&["feature", "list"][..], &["migrate"], &["serve"]] {
        let said = here.run(arguments).fails(6);
        assert!(said.contains("by a newer Flagstaff"), "{said}");
    }
    here.run(&["migrate", "--check"]).fails(6);
    here.run(&["check"]).fails(5);
}

#[test]
fn a_backup_is_a_database_of_its_own() {
    let here = Installation::migrated();
    here.run(&["environment", "create", "production"])
        .succeeds();
    let report = here.json(&["backup", "copy.db"]);
    let length = fs::metadata(here.path("copy.db")).unwrap().len();
    assert_eq!(report, json!({ "file": "copy.db", "bytes": length }));
    here.run(&["environment", "delete", "production", "--force"])
        .succeeds();

    let copy = [("FLAGSTAFF__DATABASE__URL", "sqlite://copy.db")];
    here.run_with(&["environment", "show", "production"], &copy, "")
        .succeeds();
    here.run_with(&["check"], &copy, "").succeeds();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(here.path("copy.db"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_backup_overwrites_nothing() {
    let here = Installation::migrated();
    here.write("copy.db", "precious");
    here.run(&["backup", "copy.db"]).fails(4);
    assert_eq!(here.read("copy.db"), "precious");
}

#[test]
fn a_database_is_copied_into_a_new_one() {
    let here = Installation::shop();
    let old = "sqlite://data/flagstaff.db";
    let said = here
        .run(&["migrate-database", old, "sqlite://new/flagstaff.db"])
        .succeeds();
    assert!(said.contains("environments"), "{said}");
    let at_new = [("FLAGSTAFF__DATABASE__URL", "sqlite://new/flagstaff.db")];
    for arguments in [&["export"][..], &["changes", "--json"]] {
        let new = here.run_with(arguments, &at_new, "").succeeds();
        assert_eq!(new, here.run(arguments).succeeds());
    }
    let checked = here.run_with(&["check", "--json"], &at_new, "").json();
    assert_eq!(checked["ok"], true);
    here.write("old", &format!("{old}\n"));
    let copied = here.json(&["migrate-database", "@old", "sqlite://another.db"]);
    assert_eq!(members(&copied), ["from", "to", "tables"]);
    assert_eq!(copied["tables"]["features"], 2);
    assert_eq!(copied["tables"]["flags"], 4);
    assert_eq!(copied["tables"]["changes"], here.head());
}

#[test]
fn what_cannot_be_copied_is_said_and_leaves_the_other_database_as_it_was() {
    let here = Installation::shop();
    let old = "sqlite://data/flagstaff.db";
    let copy = |from, to, code| here.run(&["migrate-database", from, to]).fails(code);
    let said = copy(old, "sqlite://data/../data/flagstaff.db", 2);
    assert!(said.contains("the same database"), "{said}");
    let said = copy("sqlite://none.db", "sqlite://new.db", 6);
    assert!(said.contains("none.db"), "{said}");
    let said = copy(old, "@missing", 2);
    assert!(said.contains("TO: cannot read missing"), "{said}");
    for wrong in [
        "mysql://ada:hush@db/flags",
        "postgres://ada:hush@db:x/flags",
    ] {
        let ran = here.run(&["migrate-database", old, wrong]);
        assert!(!ran.stderr().contains("hush"), "{ran:?}");
        assert!(
            ran.stderr().contains("warning: the password in TO"),
            "{ran:?}"
        );
        assert!(ran.stderr().contains("error: TO: "), "{ran:?}");
    }
    assert!(!here.path("new.db").exists());
    here.write("junk.db", "a letter, not a database");
    copy(old, "sqlite://junk.db", 1);
    assert_eq!(here.read("junk.db"), "a letter, not a database");
    here.run(&["migrate-database", old, "sqlite://new.db"])
        .succeeds();
    let said = copy(old, "sqlite://new.db", 4);
    assert!(said.contains("new.db is not empty"), "{said}");
}
