//! `flagstaff check` on PostgreSQL: sound where nothing happened, and told what is wrong.

use diesel::connection::SimpleConnection;
use flagstaff_domain::changes::{ChangeLog, ChangeQuery, Direction};
use flagstaff_domain::flags::FlagRepository;
use flagstaff_domain::ids::Seq;
use flagstaff_infra::changes::DieselChangeLog;
use flagstaff_infra::db::OpenError;
use flagstaff_infra::db::integrity::integrity;
use flagstaff_infra::flags::DieselFlagRepository;

use crate::samples::*;
use crate::server::Database;

fn filled() -> Database {
    let database = Database::migrated();
    let flags = DieselFlagRepository::new(database.open());
    flags
        .create_environment(&new_environment("production"), &seeds(), &stamp())
        .unwrap();
    flags
        .create_feature(&new_feature("limit"), &seeds(), &stamp())
        .unwrap();
    database
}

#[test]
fn a_database_that_lacks_something_is_told_what() {
    assert_eq!(integrity(filled().url()).unwrap(), [""; 0]);
    for (damage, finding) in [
        ("UPDATE log_head SET seq = 9", "counter differs"),
        ("DELETE FROM flags", "lack flags"),
        (
            "UPDATE environments SET revision = 9",
            "the change log does not reach",
        ),
        (
            "ALTER TABLE changes DISABLE TRIGGER changes_are_not_deleted; DELETE FROM changes WHERE seq = 1",
            "lacks changes",
        ),
        (
            "DROP TRIGGER changes_are_not_updated ON changes",
            "changes_are_not_updated",
        ),
    ] {
        let database = filled();
        database.raw().batch_execute(damage).unwrap();
        let findings = integrity(database.url()).unwrap();
        assert!(
            findings.iter().any(|one| one.contains(finding)),
            "{findings:?}"
        );
    }
    let empty = integrity(Database::empty().url());
    assert!(matches!(empty, Err(OpenError::Outdated(_))), "{empty:?}");
}

#[test]
fn a_text_that_no_text_can_be_matches_nothing() {
    let database = filled();
    let log = DieselChangeLog::new(database.open());
    let nothing = "a\0b".to_owned();
    let all = ChangeQuery {
        direction: Direction::OldestFirst(Seq(0)),
        limit: 10,
        context: None,
        subject: None,
        actor: None,
        environment: None,
    };
    for query in [
        ChangeQuery {
            subject: Some(nothing.clone()),
            ..all.clone()
        },
        ChangeQuery {
            actor: Some(nothing.clone()),
            ..all.clone()
        },
        ChangeQuery {
            environment: Some(nothing),
            ..all.clone()
        },
    ] {
        assert!(log.list(&query).unwrap().items.is_empty());
    }
    assert_eq!(log.list(&all).unwrap().items.len(), 2);
}
