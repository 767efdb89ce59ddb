//! A database with records of every kind and a history, and everything in a database as text, to compare two of them.

#![allow(dead_code, reason = "each test crate uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use diesel::query_builder::SqlQuery;
use diesel::query_dsl::methods::LoadQuery;
use flagstaff_domain::access::{
    AccountRepository, KeyKind, KeyRepository, SessionRepository, TokenRepository,
};
use flagstaff_domain::flags::targeting::{Percentage, TargetingRepository};
use flagstaff_domain::flags::{
    ChangeFeature, ChangeFlag, CreateFeature, FlagRepository, FlagValue,
};
use flagstaff_domain::state::Progress;
use flagstaff_domain::write::Precondition;
use flagstaff_infra::access::{
    DieselAccountRepository, DieselKeyRepository, DieselSessionRepository, DieselTokenRepository,
};
use flagstaff_infra::db::Db;
use flagstaff_infra::db::Location;
use flagstaff_infra::db::copy::{Copied, CopyError, copy};
use flagstaff_infra::flags::{DieselFlagRepository, DieselTargetingRepository};

use crate::samples::*;
use crate::scratch::{TextRow, texts};

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
    UPDATE features SET description = '' WHERE name = 'integer';
    INSERT INTO environment_keys (environment_id, \"user\", description, kind, digest, created_at, expires_at, version)
        VALUES (NULL, 'Jay Patel', NULL, 'client', 'a-digest', 0, -1, 1);
    INSERT INTO coupons (couponcode, title, store, expire_at, published_at, amount, currency, version)
        VALUES ('60 31261', '20 % Off', '{\"lat\":47.66001}', 9223372036854775807, 0, '12.50', 'USD', 1);
    INSERT INTO coupon_redemptions (coupon_id, date, count) SELECT id, '2024-02-29', 3 FROM coupons;
    INSERT INTO rate_days (date, base, rates, ingested_at, version)
        VALUES ('2024-02-29', 'EUR', '{\"USD\":1.0837}', 1, 1);
    INSERT INTO identities (environment_id, digest, identifier, traits, seen_at)
        SELECT id, 'a-digest', 'user-1', '{\"plan\":\"pro\"}', 5 FROM environments WHERE name = 'staging';
    INSERT INTO usage (environment_id, feature_id, hour, count, last_used_at)
        SELECT environment_id, feature_id, 3600000000, 9223372036854775807, 3600000001 FROM flags;
    INSERT INTO rate_turns (id, holder, carried_out) VALUES (1, 'web-1', 2)";

/// What each feature has, and one flag of them.
const VARIANTS: &str = r#"[{"key": "blau", "value": 1.0}, {"key": "b", "value": {"b": [1.0]}}]"#;
const SPLIT: &str = r#"[{"variant": "b", "weight": 12.5}]"#;

/// Writes records of every kind, renames and deletes some. The newest of each kind is gone again.
pub(crate) fn fill(db: &Db, raw: &mut impl SimpleConnection) {
    let flags = DieselFlagRepository::new(db.clone());
    let keys = DieselKeyRepository::new(db.clone());
    let any = &Precondition::Any;
    for name in ["staging", "production", "gone"] {
        flags
            .create_environment(&new_environment(name), &seeds(), &stamp())
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
            variants: serde_json::from_str(VARIANTS).unwrap(),
            ..new_feature(name)
        };
        flags.create_feature(&command, &seeds(), &stamp()).unwrap();
    }
    let change = ChangeFeature {
        name: Some(feature_name("renamed")),
        ..ChangeFeature::default()
    };
    flags
        .change_feature(&feature_name("boolean"), &change, any, &later())
        .unwrap();
    let production = environment_name("production");
    let split = ChangeFlag {
        variants: Some(serde_json::from_str(SPLIT).unwrap()),
        killed: Some(true),
        ..ChangeFlag::default()
    };
    for change in [set_enabled(true), set_value(FlagValue::Integer(7)), split] {
        flags
            .change_flag(&production, &feature_name("text"), &change, any, &later())
            .unwrap();
    }
    let targeting = DieselTargetingRepository::new(db.clone());
    for (name, rules) in [
        ("staff", having("text", "FLAG", "")),
        ("gone", "[]".to_owned()),
    ] {
        let made = targeting.create_segment(&new_segment(name, &rules), &stamp());
        made.unwrap();
    }
    let gone = targeting.delete_segment(&segment_name("gone"), any, &later());
    gone.unwrap();
    let mut share = new_override(to_segment("staff"));
    share.new.rollout = Percentage::new(12.5).ok();
    for (target, command) in [
        ("integer", share),
        ("text", new_override(to_identity("ünïcödé \u{1f3c1}"))),
        ("gone", new_override(to_identity("gone"))),
    ] {
        targeting
            .create_override(&production, &feature_name(target), &command, &stamp())
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
    let accounts = DieselAccountRepository::new(db.clone());
    let jay = accounts.create_account(&new_account("jay"), &stamp());
    let jay = jay.unwrap().record;
    let session = new_session(&jay, "a session");
    let sessions = DieselSessionRepository::new(db.clone());
    sessions.begin_session(&session).unwrap();
    let tokens = DieselTokenRepository::new(db.clone());
    for text in ["a token", "gone"] {
        let made = tokens.create_token(&new_token(&jay, text), &stamp());
        let token = made.unwrap().record;
        if text == "gone" {
            tokens
                .delete_token(jay.id, token.id, any, &later())
                .unwrap();
        }
    }
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
    let environment = flags.create_environment(&new_environment("next"), &seeds(), &later());
    let feature = flags.create_feature(&new_feature("next"), &seeds(), &later());
    let key = new_key("next", KeyKind::Client, "the-next-key");
    let key =
        DieselKeyRepository::new(db.clone()).create_key(&environment_name("next"), &key, &later());
    [
        environment.unwrap().record.id.0,
        feature.unwrap().record.id.0,
        key.unwrap().record.id.0,
    ]
}

/// Every table with records in a file, and in a database on PostgreSQL.
pub(crate) const TABLES: &str =
    "SELECT name AS answer FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
    AND name NOT IN ('__diesel_schema_migrations', 'compatible_migrations') ORDER BY name";
#[cfg(feature = "postgres")]
pub(crate) const TABLES_ON_POSTGRES: &str = "SELECT table_name::text AS answer FROM information_schema.tables
    WHERE table_schema = 'public' AND table_name NOT IN ('__diesel_schema_migrations', 'compatible_migrations')
    ORDER BY table_name COLLATE \"C\"";

/// Every row of every table in a file, with all of its columns by their names.
pub(crate) fn rows_of_file(connection: &mut SqliteConnection) -> Vec<String> {
    let columns =
        "SELECT format('''%s='', coalesce(CAST(\"%s\" AS TEXT), ''∅'')', name, name) AS answer
        FROM pragma_table_info('TABLE') ORDER BY name";
    let tables = texts(connection, TABLES);
    all_rows(connection, &tables, columns)
}

/// The same in a database on PostgreSQL, which has a type of its own for false and true.
#[cfg(feature = "postgres")]
pub(crate) fn rows_of_database(connection: &mut diesel::PgConnection) -> Vec<String> {
    let columns = "SELECT format('''%s='', coalesce(CAST(\"%s\"%s AS TEXT), ''∅'')', column_name, column_name,
            CASE data_type WHEN 'boolean' THEN '::integer' ELSE '' END) AS answer
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'TABLE'
        ORDER BY column_name COLLATE \"C\"";
    let tables = texts(connection, TABLES_ON_POSTGRES);
    all_rows(connection, &tables, columns)
}

fn all_rows<C>(connection: &mut C, tables: &[String], columns: &str) -> Vec<String>
where
    SqlQuery: for<'q> LoadQuery<'q, C, TextRow>,
{
    let mut rows = Vec::new();
    for table in tables {
        let columns = texts(connection, &columns.replace("TABLE", table)).join(", ");
        let query = format!("SELECT concat_ws('|', '{table}', {columns}) AS answer FROM {table}");
        rows.extend(texts(connection, &query));
    }
    rows.sort();
    rows
}
