//! Backups of a database in use, and what the integrity check makes of damaged files.
//!
//! A backup is whole and of one moment, or there is none.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/samples.rs"]
mod samples;
#[path = "support/scratch.rs"]
mod scratch;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use diesel::connection::SimpleConnection;
use flagstaff_domain::flags::FlagRepository;
use flagstaff_domain::page::Page;
use flagstaff_infra::db::backup::backup;
use flagstaff_infra::db::integrity::integrity;
use flagstaff_infra::db::{Db, DbOptions, OpenError};
use flagstaff_infra::flags::DieselFlagRepository;

use samples::*;
use scratch::{Scratch, number, raw};

/// A database with some pages of rows.
fn filled() -> Scratch {
    let scratch = Scratch::migrated();
    let flags = DieselFlagRepository::new(scratch.open());
    flags
        .create_environment(&new_environment("production"), &seeds(), &stamp())
        .unwrap();
    for at in 0..50 {
        let command = flagstaff_domain::flags::CreateFeature {
            description: description(&"x".repeat(1_000)),
            ..new_feature(&format!("feature-{at}"))
        };
        flags.create_feature(&command, &seeds(), &stamp()).unwrap();
    }
    scratch
}

fn copy_of(scratch: &Scratch) -> PathBuf {
    let copy = scratch.folder().join("copy.db");
    backup(&scratch.path(), &copy).unwrap();
    copy
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_taken_during_writes_is_of_one_moment() {
    let scratch = Scratch::migrated();
    let flags = DieselFlagRepository::new(scratch.open());
    let enough = AtomicBool::new(false);
    let copies: Vec<PathBuf> = (0..5)
        .map(|at| scratch.folder().join(format!("copy-{at}.db")))
        .collect();
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut at = 0;
            while !enough.load(Ordering::SeqCst) {
                flags
                    .create_environment(
                        &new_environment(&format!("environment-{at}")),
                        &seeds(),
                        &stamp(),
                    )
                    .unwrap();
                at += 1;
            }
        });
        let backups: Result<Vec<()>, OpenError> = copies
            .iter()
            .map(|copy| backup(&scratch.path(), copy))
            .collect();
        enough.store(true, Ordering::SeqCst);
        backups.unwrap();
    });
    for copy in copies {
        assert_eq!(integrity(&copy).unwrap(), [""; 0]);
        let mut connection = raw(&copy);
        let mut numbers = |query: &str| number(&mut connection, query);
        let head = numbers("SELECT seq AS answer FROM log_head");
        assert_eq!(
            numbers("SELECT coalesce(max(seq), 0) AS answer FROM changes"),
            head
        );
        assert_eq!(numbers("SELECT count(*) AS answer FROM changes"), head);
        assert_eq!(numbers("SELECT count(*) AS answer FROM environments"), head);
        drop(connection);
        // It is a database that one can go on with.
        let db = Db::open(&DbOptions::command(copy)).unwrap();
        let restored = DieselFlagRepository::new(db);
        let next = restored
            .create_environment(&new_environment("next"), &seeds(), &stamp())
            .unwrap();
        assert_eq!(next.revision.0, head + 1);
    }
}

#[test]
#[cfg(unix)]
fn a_backup_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = filled();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&copy_of(&scratch)), 0o600);
    assert_eq!(mode(&scratch.path()), 0o600);
}

#[test]
fn a_backup_never_overwrites_a_file() {
    let scratch = filled();
    let target = scratch.folder().join("precious");
    fs::write(&target, "a file of somebody's").unwrap();
    let before = files(scratch.folder());
    let refused = backup(&scratch.path(), &target).unwrap_err();
    assert!(refused.to_string().contains("exists already"), "{refused}");
    assert!(backup(&scratch.path(), &scratch.path()).is_err());
    assert_eq!(fs::read_to_string(&target).unwrap(), "a file of somebody's");
    assert_eq!(files(scratch.folder()), before);
}

#[test]
fn a_backup_of_nothing_is_an_error_and_leaves_nothing() {
    let scratch = Scratch::empty();
    let error = backup(&scratch.path(), &scratch.folder().join("copy.db")).unwrap_err();
    assert!(matches!(error, OpenError::File(_)), "{error:?}");
    assert_eq!(files(scratch.folder()), [""; 0]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_backup_may_have_a_name_that_is_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let scratch = filled();
    let target = scratch
        .folder()
        .join(std::ffi::OsStr::from_bytes(b"copy\xff.db"));
    backup(&scratch.path(), &target).unwrap();
    let readable = scratch.folder().join("readable.db");
    fs::rename(target, &readable).unwrap();
    assert_eq!(integrity(&readable).unwrap(), [""; 0]);
}

#[test]
fn characters_with_a_meaning_in_uris_and_sql_are_fine_in_paths() {
    let scratch = Scratch::empty();
    for name in [
        "a?mode=memory",
        "50%25.db",
        "#1.db",
        "it's.db",
        "file:x.db",
        "Größe 世界.db",
    ] {
        let path = scratch.folder().join(name).join(name);
        flagstaff_infra::db::migrate::migrate(&path).unwrap();
        let db = Db::open(&DbOptions::command(path.clone())).unwrap();
        let flags = DieselFlagRepository::new(db);
        flags
            .create_environment(&new_environment("production"), &seeds(), &stamp())
            .unwrap();
        let copy = path.with_file_name(format!("{name} copy"));
        backup(&path, &copy).unwrap();
        let flags = DieselFlagRepository::new(Db::open(&DbOptions::command(copy)).unwrap());
        assert_eq!(
            flags.list_environments(&Page::first()).unwrap().items.len(),
            1,
            "{name}"
        );
    }
}

#[test]
fn a_sound_database_has_no_findings() {
    assert_eq!(integrity(filled().path()).unwrap(), [""; 0]);
}

#[test]
fn a_damaged_file_is_never_called_sound() {
    let scratch = filled();
    let sound = fs::read(copy_of(&scratch)).unwrap();
    let half = sound.len() / 2;
    for (at, length) in [
        (half, half),
        (half - half % 4096, 4096),
        (half, 8 * 4096),
        (4096, 4096),
        (0, 64),
    ] {
        let path = scratch.folder().join(format!("damaged-{at}-{length}.db"));
        fs::write(&path, &sound).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let end = (at + length).min(sound.len());
        file.write_all_at(&vec![0xA5; end - at], at as u64).unwrap();
        drop(file);
        let findings = integrity(&path);
        assert!(
            !matches!(&findings, Ok(none) if none.is_empty()),
            "{length} bytes at {at}"
        );
    }
    let path = scratch.folder().join("cut.db");
    fs::write(&path, &sound[..half]).unwrap();
    assert!(!matches!(integrity(&path), Ok(none) if none.is_empty()));
}

#[test]
fn a_row_that_refers_to_nothing_is_a_finding() {
    let scratch = filled();
    let mut connection = scratch.raw();
    connection
        .batch_execute("PRAGMA foreign_keys = OFF; DELETE FROM environments")
        .unwrap();
    let mut findings = integrity(scratch.path()).unwrap();
    findings.retain(|one| one.contains("refers to"));
    assert_eq!(findings.len(), 50);
    assert_eq!(
        findings[0],
        "a row of flags refers to no row of environments"
    );
}

#[test]
fn what_is_no_database_is_an_error() {
    let scratch = Scratch::empty();
    assert!(matches!(integrity(scratch.path()), Err(OpenError::File(_))));
    fs::write(scratch.path(), "a letter, not a database\n".repeat(100)).unwrap();
    assert!(!matches!(integrity(scratch.path()), Ok(none) if none.is_empty()));
    assert!(matches!(
        backup(&scratch.path(), &scratch.folder().join("copy.db")),
        Err(OpenError::Damaged(path, _)) if path == scratch.path()
    ));
    assert_eq!(files(scratch.folder()), ["flagstaff.db"]);
}

#[test]
fn what_the_records_lack_of_each_other_is_found() {
    for (damage, finding) in [
        ("UPDATE log_head SET seq = 1", "counter differs"),
        ("DELETE FROM log_head", "counter differs"),
        ("DELETE FROM flags", "features lack flags"),
        ("DROP TABLE environment_keys", "the schema lacks"),
        ("DROP INDEX flags_by_feature", "the schema lacks"),
        ("CREATE TABLE other (id INTEGER)", "not of this program"),
    ] {
        let scratch = filled();
        assert_eq!(integrity(scratch.path()).unwrap(), [""; 0]);
        scratch.raw().batch_execute(damage).unwrap();
        let findings = integrity(scratch.path()).unwrap();
        assert!(
            findings.iter().any(|one| one.contains(finding)),
            "{damage}: {findings:?}"
        );
    }
}
