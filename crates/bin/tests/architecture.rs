//! The invariants of docs/architecture.md that can be checked on the packages and their sources.
//!
//! A failure says what to do. When a rule is wrong, change the rule there and here, with a reason.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// The names of a package's dependencies, without those for tests.
fn dependencies(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let found = packages
        .iter()
        .find(|one| one["name"] == package)
        .unwrap_or_else(|| panic!("there is no package {package}"));
    let dependencies = found["dependencies"].as_array().unwrap().iter();
    dependencies
        .filter(|one| one["kind"] != "dev")
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Every Rust file below a folder, with its path from the root and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut folders = vec![root().join(folder)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                sources.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources.sort();
    assert!(!sources.is_empty(), "{folder} has no Rust files");
    sources
}

/// A source's lines outside comments and unit tests.
fn code(text: &str) -> String {
    let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
    let lines = text[..tests].lines();
    lines
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Fails with `advice` for each file of `folder` whose code has one of `words`, other than in `except`.
fn absent(folder: &str, words: &[&str], except: &[&str], advice: &str) {
    for (name, text) in sources(folder) {
        if except.contains(&name.as_str()) {
            continue;
        }
        let code = code(&text);
        for word in words {
            assert!(!code.contains(word), "{name} has `{word}`: {advice}");
        }
    }
}

#[test]
fn the_domain_does_no_io_and_depends_on_nothing_that_does() {
    let allowed: BTreeSet<String> = [
        "chrono",
        "log",
        "mockall",
        "parking_lot",
        "serde",
        "serde_json",
        "sha2",
        "thiserror",
    ]
    .map(str::to_owned)
    .into();
    let more: Vec<_> = dependencies("flagstaff-domain")
        .difference(&allowed)
        .cloned()
        .collect();
    assert!(
        more.is_empty(),
        "crates/domain depends on {more:?}. What does I/O belongs behind a port, in crates/infra; a crate that \
         computes alone may be added to this list."
    );
    absent(
        "crates/domain/src",
        &[
            "std::fs",
            "std::net",
            "std::process",
            "std::env",
            "std::io",
            "async ",
            ".await",
            "println!",
        ],
        &[],
        "the domain does no I/O and knows no async runtime; make it a port (docs/architecture.md, invariant 1)",
    );
}

#[test]
fn adapters_and_http_never_see_each_other() {
    let infra = dependencies("flagstaff-infra");
    let http = dependencies("flagstaff-http");
    let advice = "infra and http meet in crates/bin alone (docs/architecture.md, invariant 2): put a port into the \
                  domain, implement it in infra, and let http call it";
    assert!(!infra.contains("flagstaff-http"), "{advice}");
    assert!(!http.contains("flagstaff-infra"), "{advice}");
    absent("crates/http/src", &["flagstaff_infra"], &[], advice);
    absent(
        "crates/bin/src",
        &[
            "Diesel",
            "SystemClock",
            "Argon2Hasher",
            "MemoryRetrievalLog",
        ],
        &["crates/bin/src/wiring.rs"],
        "adapters are named in crates/bin/src/wiring.rs alone; ask there for a service",
    );
}

#[test]
fn only_http_knows_http_and_only_infra_knows_sql() {
    for (package, foreign) in [
        (
            "flagstaff-domain",
            ["actix-web", "diesel", "r2d2"].as_slice(),
        ),
        (
            "flagstaff-infra",
            ["actix-web", "actix-cors", "utoipa"].as_slice(),
        ),
        (
            "flagstaff-http",
            ["diesel", "diesel_migrations", "r2d2", "libsqlite3-sys"].as_slice(),
        ),
        (
            "flagstaff",
            [
                "diesel",
                "diesel_migrations",
                "r2d2",
                "libsqlite3-sys",
                "utoipa",
            ]
            .as_slice(),
        ),
    ] {
        let dependencies = dependencies(package);
        for name in foreign {
            assert!(
                !dependencies.contains(*name),
                "{package} depends on {name}: status codes belong to crates/http, SQL to crates/infra (invariant 3)"
            );
        }
    }
}

#[test]
fn the_clock_is_read_in_one_place() {
    for folder in [
        "crates/domain/src",
        "crates/infra/src",
        "crates/http/src",
        "crates/bin/src",
    ] {
        absent(
            folder,
            &["Utc::now", "Local::now", "SystemTime::now"],
            &["crates/infra/src/clock.rs"],
            "read the time through the port Clock, so that tests can fix it (invariant 4)",
        );
    }
}

#[test]
fn serving_flags_touches_no_database_and_no_blocking_thread() {
    absent(
        "crates/http/src/sdk",
        &[
            "blocking",
            "web::block",
            "services.flags",
            "services.keys",
            "services.changes",
            "services.storage",
        ],
        &[],
        "what applications call is answered from the published snapshots (invariant 5): add to the snapshot what is \
         missing, and render it in a SnapshotSubscriber",
    );
}

#[test]
fn whatever_writes_a_table_appends_to_the_change_log() {
    let writes = [
        "diesel::insert_into",
        "diesel::update",
        "diesel::delete",
        "diesel::replace_into",
    ];
    for (name, text) in sources("crates/infra/src") {
        let code = code(&text);
        let writes = writes.iter().any(|write| code.contains(write));
        assert!(
            !writes || code.contains("append(") || name == "crates/infra/src/changes/unit.rs",
            "{name} writes a table and appends no change: take a UnitOfWork and append what it did (invariant 6)"
        );
        assert!(
            !code.contains("replace_into"),
            "{name}: replace_into deletes and inserts, which fires cascades; write an update"
        );
    }
}

#[test]
fn contexts_stay_out_of_each_others_tables() {
    let tables: [(&str, &[&str]); 3] = [
        (
            "crates/infra/src/flags",
            &[
                "schema::accounts",
                "schema::environment_keys",
                "accounts::",
                "environment_keys::",
                "changes::table",
            ],
        ),
        (
            "crates/infra/src/access",
            &[
                "environments::table",
                "features::table",
                "flags::table",
                "changes::table",
            ],
        ),
        (
            "crates/infra/src/changes",
            &[
                "environments::table",
                "features::table",
                "flags::table",
                "accounts::table",
                "environment_keys::table",
            ],
        ),
    ];
    for (folder, foreign) in tables {
        absent(
            folder,
            foreign,
            &[],
            "a context asks another by a function of that context's module, never by its tables (invariant 7)",
        );
    }
}

#[test]
fn every_file_says_why_it_exists_and_stays_readable() {
    let folders = fs::read_dir(root().join("crates")).unwrap();
    for folder in folders {
        let folder = folder.unwrap().path();
        let folder = folder.strip_prefix(root()).unwrap().display().to_string();
        for (name, text) in sources(&folder) {
            assert!(
                text.starts_with("//!"),
                "{name} does not open with //!: two to six lines on why it exists and where to go next"
            );
            let file = Path::new(&name)
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            assert!(
                ![
                    "mod", "util", "utils", "helper", "helpers", "manager", "common", "misc"
                ]
                .contains(&file.as_str()),
                "{name}: name the file after what it holds"
            );
            let lines = text.lines().count();
            assert!(
                lines <= 500,
                "{name} has {lines} lines; look for the seam near 400"
            );
        }
    }
}

#[test]
fn every_package_takes_the_workspaces_lints() {
    for folder in fs::read_dir(root().join("crates")).unwrap() {
        let manifest = folder.unwrap().path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        assert!(
            text.contains("[lints]\nworkspace = true"),
            "{} lacks `[lints]` with `workspace = true`",
            manifest.display()
        );
    }
}

#[test]
fn every_migration_goes_up_and_down() {
    let mut stamps = BTreeSet::new();
    for entry in fs::read_dir(root().join("migrations/sqlite")).unwrap() {
        let folder = entry.unwrap();
        let name = folder.file_name().to_string_lossy().into_owned();
        let (stamp, rest) = name.split_once('_').unwrap_or((&name, ""));
        let shaped = stamp.len() == 17 && stamp.chars().all(|c| c.is_ascii_digit() || c == '-');
        assert!(
            shaped && !rest.is_empty(),
            "{name}: make migrations with `just migration NAME`"
        );
        assert!(
            stamps.insert(stamp.to_owned()),
            "{name}: another migration has this stamp"
        );
        for file in ["up.sql", "down.sql"] {
            assert!(folder.path().join(file).is_file(), "{name} has no {file}");
        }
    }
}

#[test]
fn every_decision_is_listed() {
    let folder = root().join("docs/adr");
    let list = fs::read_to_string(folder.join("README.md")).unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            name == "README.md" || list.contains(&format!("({name})")),
            "docs/adr/README.md does not list {name}"
        );
    }
}
