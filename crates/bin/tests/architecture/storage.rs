//! The rules about tables: who may name which, and that whatever writes one appends to the change log.

use crate::sources::{code, file, lacks, sources};

const INFRA: &str = "crates/infra/src";

/// The tables of each context, by its folder in infra. What is in none of them names no table.
const TABLES: [(&str, &[&str]); 5] = [
    (
        "flags",
        &[
            "environments",
            "features",
            "flags",
            "overrides",
            "segments",
            "identities",
            "usage",
            "variants",
        ],
    ),
    (
        "access",
        &["accounts", "environment_keys", "sessions", "tokens"],
    ),
    ("changes", &["changes", "log_head"]),
    ("modules/rates", &["rate_days", "rate_turns"]),
    ("modules/coupons", &["coupons", "coupon_redemptions"]),
];

/// What writes only traces of use, which are exempt from the log: sessions, and when somebody last signed in.
const TRACES: &str = "access/sessions.rs";

/// More of them: what is remembered of identities, and how often features are used.
const TRACES_OF_EVALUATION: [&str; 3] = [
    "flags/identity_rows.rs",
    "flags/traits.rs",
    "flags/usage.rs",
];

/// What a module writes as a trace of use: whose turn it is to ingest, how often coupons were redeemed.
const TRACES_OF_MODULES: [&str; 2] = ["modules/rates/turns.rs", "modules/coupons/redemptions.rs"];

/// The sources of infra outside `db`: path below `src`, and code.
fn adapters() -> Vec<(String, String)> {
    let sources = sources(INFRA).into_iter().map(|(name, text)| {
        let name = name.trim_start_matches(INFRA).trim_start_matches('/');
        (name.to_owned(), code(&text))
    });
    sources
        .filter(|(name, _)| name != "db.rs" && !name.starts_with("db/"))
        .collect()
}

/// What is taken out of diesel's schema: the names after each `schema::`, and `schema` where the module itself is named.
fn tables(code: &str) -> Vec<String> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tables = Vec::new();
    for (at, schema) in code.match_indices("schema") {
        let (before, after) = (&code[..at], &code[at + schema.len()..]);
        if before.ends_with(word) || after.starts_with(word) {
            continue;
        }
        let named = match after.strip_prefix("::") {
            None => "schema",
            Some(list) if list.starts_with('{') => list[1..].split(['{', '}']).next().unwrap_or(""),
            Some(name) => name.split(|c| !word(c)).next().unwrap_or(""),
        };
        let names = named.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty() || named.is_empty());
        tables.extend(names.map(|name| name.split([':', ' ']).next().unwrap_or("").to_owned()));
    }
    tables
}

#[test]
fn contexts_stay_out_of_each_others_tables() {
    for (name, code) in adapters() {
        let within = |folder: &str| {
            let rest = name.strip_prefix(folder);
            rest.is_some_and(|rest| rest.starts_with(['/', '.']))
        };
        let own = TABLES.iter().find(|(folder, _)| within(folder));
        let own = own.map_or([].as_slice(), |(_, tables)| tables);
        for table in tables(&code) {
            assert!(
                own.contains(&table.as_str()),
                "{INFRA}/{name} names {table:?} of the schema and may name {own:?}: a context asks another by a \
                 function of that context's module, never by its tables, and imports them by name (invariant 7)"
            );
        }
    }
}

#[test]
fn every_way_to_name_a_table_is_seen() {
    for (code, expected) in [
        ("use crate::db::schema::flags;", ["flags"].as_slice()),
        (
            "use crate::db::schema::{\n    accounts as who,\n    features::dsl,\n};",
            &["accounts", "features"],
        ),
        ("use crate::db::schema::*;", &[""]),
        ("use crate::db::{schema, Db};", &["schema"]),
        ("schema::changes::table.find(1)", &["changes"]),
        ("let schematic = newer_schema;", &[]),
    ] {
        assert_eq!(tables(code), expected, "{code}");
    }
}

#[test]
fn whatever_writes_a_table_appends_to_the_change_log() {
    for (name, code) in adapters() {
        assert!(
            !code.contains("replace_into"),
            "{INFRA}/{name}: replace_into deletes and inserts, which fires cascades; write an update"
        );
        assert!(
            appends(&code)
                || !writes(&code)
                || ["changes/unit.rs", TRACES].contains(&name.as_str())
                || TRACES_OF_EVALUATION.contains(&name.as_str())
                || TRACES_OF_MODULES.contains(&name.as_str()),
            "{INFRA}/{name} writes a table and appends no change: take a UnitOfWork and append what it did \
             (invariant 6)"
        );
        assert!(
            !writes_by_text(&code),
            "{INFRA}/{name} writes a table by a text of SQL, which no rule can follow: use diesel's functions \
             (invariant 6)"
        );
    }
}

#[test]
fn a_trace_of_use_is_all_that_is_written_without_a_change() {
    let code = file(&format!("{INFRA}/{TRACES}"));
    let dense: String = code.split_whitespace().collect();
    let written: Vec<_> = dense.split(".set(accounts::").skip(1).collect();
    assert!(!written.is_empty());
    for column in written {
        assert!(
            column.starts_with("last_login_at."),
            "{INFRA}/{TRACES} sets more of an account than when somebody signed in: that is a change, and belongs into a \
             unit of work (invariant 6)"
        );
    }
    for other in ["insert_into(accounts", "delete(accounts", "tokens"] {
        assert!(
            !dense.contains(other),
            "{INFRA}/{TRACES} writes {other} (invariant 6)"
        );
    }
}

fn writes(code: &str) -> bool {
    let writes = ["diesel::insert_into", "diesel::update", "diesel::delete"];
    writes.iter().any(|write| code.contains(write))
}

/// Whether a unit of work is what something is appended to.
fn appends(code: &str) -> bool {
    let dense: String = code.split_whitespace().collect();
    dense.contains("unit.append(") || dense.contains("append(unit")
}

fn writes_by_text(code: &str) -> bool {
    let runs = ["sql_query", "batch_execute"];
    let writes = [
        "INSERT",
        "UPDATE",
        "DELETE",
        "\"insert ",
        "\"update ",
        "\"delete ",
    ];
    runs.iter().any(|run| code.contains(run)) && writes.iter().any(|write| code.contains(write))
}

#[test]
fn a_text_is_no_unit_of_work_and_sql_is_seen_as_a_write() {
    assert!(appends("    append(\n        unit,\n        seq,\n    )?;"));
    assert!(appends("unit.append(seq, &change)?;"));
    assert!(!appends("names.append(&mut more);"));
    assert!(writes_by_text("diesel::sql_query(\"DELETE FROM flags\")"));
    assert!(!writes_by_text("connection.batch_execute(\"BEGIN\")"));
}

#[test]
fn a_retrieval_writes_no_database() {
    let name = "crates/infra/src/flags/retrievals.rs";
    lacks(
        name,
        &file(name),
        &["db.write", "UnitOfWork", "diesel", "crate::db"],
        "retrievals are remembered in memory alone, so that a read never writes (invariant 8)",
    );
}
