//! A database with records of every kind and a history, and everything in a database as text, to compare two of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::connection::SimpleConnection;
use flagstaff_domain::access::{AccountRepository, KeyKind, KeyRepository};
use flagstaff_domain::flags::{ChangeFeature, CreateFeature, FlagRepository, FlagValue};
use flagstaff_domain::state::Progress;
use flagstaff_domain::write::Precondition;
use flagstaff_infra::access::{DieselAccountRepository, DieselKeyRepository};
use flagstaff_infra::db::Db;
use flagstaff_infra::db::Location;
use flagstaff_infra::db::copy::{Copied, CopyError, copy};
use flagstaff_infra::flags::DieselFlagRepository;

use crate::samples::*;

/// Watches no progress.
pub(crate) struct Unwatched;

impl Progress for Unwatched {
    fn advanced(&self, _: usize, _: usize) {}
}

pub(crate) fn moved(
    from: impl Into<Location>,
    to: impl Into<Location>,
) -> Result<Vec<Copied>, CopyError> {
    copy(&from.into(), &to.into(), &Unwatched)
}

/// Statements on either backend that no port makes: another account, and texts and numbers at their limits.
const EXTREMES: &str = "
    INSERT INTO accounts (username, username_folded, role, password_hash, disabled, created_at, version)
        VALUES ('Zoë', 'zoë', 'viewer', '$argon2id$another', TRUE, -1, 9223372036854775807);
    UPDATE features SET description = '\"quoted\" \\ back'' \t tab \u{1} \u{7f} \u{2028} \u{1f3c1} NULL', created_at = -9223372036854775807
        WHERE name = 'null';
    UPDATE features SET description = '' WHERE name = 'integer'";

/// Writes records of every kind, renames and deletes some. The newest of each kind is gone again.
pub(crate) fn fill(db: &Db, raw: &mut impl SimpleConnection) {
    let flags = DieselFlagRepository::new(db.clone());
    let keys = DieselKeyRepository::new(db.clone());
    let any = &Precondition::Any;
    for name in ["staging", "production", "gone"] {
        flags
            .create_environment(&new_environment(name), &stamp())
            .unwrap();
    }
    for (name, value) in [
        ("null", "null"),
        ("boolean", "true"),
        ("text", r#""two\nlines, ünïcödé \ud83c\udfc1""#),
        ("integer", "-9223372036854775808"),
        ("float", "1.0e-7"),
        ("object", r#"{"b": [1, 1.0, null], "a": "x"}"#),
        ("gone", "[]"),
    ] {
        let command = CreateFeature {
            initial_value: FlagValue::parse(value).unwrap(),
            tags: tags(&["ui", "büro"]),
            ..new_feature(name)
        };
        flags.create_feature(&command, &stamp()).unwrap();
    }
    let change = ChangeFeature {
        name: Some(feature_name("renamed")),
        ..ChangeFeature::default()
    };
    flags
        .change_feature(&feature_name("boolean"), &change, any, &later())
        .unwrap();
    let production = environment_name("production");
    for change in [set_enabled(true), set_value(FlagValue::Integer(7))] {
        flags
            .change_flag(&production, &feature_name("text"), &change, any, &later())
            .unwrap();
    }
    let mut last = None;
    for (name, kind, text) in [
        ("web", KeyKind::Client, "0123456789ABCDEF0123456789ABCDEF"),
        ("jobs", KeyKind::Server, "ser.a-server-key"),
        ("old", KeyKind::Client, "FEDCBA9876543210FEDCBA9876543210"),
    ] {
        let key = flagstaff_domain::access::NewKey {
            expires_at: (name == "old").then(|| stamp().at),
            ..new_key(name, kind, text)
        };
        last = Some(keys.create_key(&production, &key, &stamp()).unwrap());
    }
    let key = new_key("gone", KeyKind::Client, "another-key");
    let key = keys.create_key(&production, &key, &stamp()).unwrap();
    assert_ne!(last.map(|one| one.record.id), Some(key.record.id));
    keys.delete_key(&production, key.record.id, any, &later())
        .unwrap();
    DieselAccountRepository::new(db.clone())
        .create_first_account(&new_account("jay"), &stamp())
        .unwrap();
    raw.batch_execute(EXTREMES).unwrap();
    flags
        .delete_feature(&feature_name("gone"), any, &later())
        .unwrap();
    flags
        .delete_environment(&environment_name("gone"), any, &later())
        .unwrap();
}

/// What the next environment, feature and key are numbered.
pub(crate) fn next_ids(db: &Db) -> [i64; 3] {
    let flags = DieselFlagRepository::new(db.clone());
    let environment = flags.create_environment(&new_environment("next"), &later());
    let feature = flags.create_feature(&new_feature("next"), &later());
    let key = new_key("next", KeyKind::Client, "the-next-key");
    let key =
        DieselKeyRepository::new(db.clone()).create_key(&environment_name("next"), &key, &later());
    [
        environment.unwrap().record.id.0,
        feature.unwrap().record.id.0,
        key.unwrap().record.id.0,
    ]
}

/// Every row of every table, with all of its columns, in a spelling that both backends have.
pub(crate) const ROWS: &str = "
    SELECT 'log_head ' || concat_ws('|', id, seq) AS answer FROM log_head
    UNION ALL SELECT 'changes ' || concat_ws('|', seq, group_seq, at, actor, context, kind, subject,
        coalesce(environment_id, -1), coalesce(environment, '∅'), coalesce(before, '∅'), coalesce(after, '∅')) FROM changes
    UNION ALL SELECT 'environments ' || concat_ws('|', id, name, name_folded, description, created_at, revision, revised_at, version)
        FROM environments
    UNION ALL SELECT 'features ' || concat_ws('|', id, name, name_folded, description, kind, initial_value,
        CASE WHEN default_enabled THEN 1 ELSE 0 END, CASE WHEN server_key_only THEN 1 ELSE 0 END, tags, created_at, version)
        FROM features
    UNION ALL SELECT 'flags ' || concat_ws('|', id, environment_id, feature_id, CASE WHEN enabled THEN 1 ELSE 0 END, value,
        updated_at, version) FROM flags
    UNION ALL SELECT 'environment_keys ' || concat_ws('|', id, environment_id, name, kind, digest, coalesce(text, '∅'), created_at,
        coalesce(expires_at, -1), version) FROM environment_keys
    UNION ALL SELECT 'accounts ' || concat_ws('|', id, username, username_folded, role, password_hash,
        CASE WHEN disabled THEN 1 ELSE 0 END, created_at, version) FROM accounts";
