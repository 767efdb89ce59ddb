//! The invariants of docs/architecture.md that can be checked on the packages and their sources.
//!
//! A failure says what to do. When a rule is wrong, change the rule there and here, with a reason. `architecture/`
//! has the rules about tables and the change log, and how sources are read.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "architecture/sources.rs"]
mod sources;
#[path = "architecture/storage.rs"]
mod storage;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sources::{absent, body, dependencies, file, lacks, root, sources};

#[test]
fn the_domain_does_no_io_and_depends_on_nothing_that_does() {
    let allowed: BTreeSet<String> = [
        "chrono",
        "foldhash",
        "ipnet",
        "iso_currency",
        "log",
        "md-5",
        "mockall",
        "parking_lot",
        "regex",
        "rust_decimal",
        "semver",
        "serde",
        "serde_json",
        "serde_json_path",
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
        &["flagstaff_infra"],
        &[
            "crates/bin/src/wiring.rs",
            "crates/bin/src/wiring/coupons.rs",
            "crates/bin/src/wiring/database.rs",
            "crates/bin/src/wiring/rates.rs",
        ],
        "adapters are named in crates/bin/src/wiring.rs and beneath it alone; ask there for a service",
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
    let advice = "what applications call is answered from the published snapshots (invariant 5): add to the snapshot \
                  what is missing, and render it in a SnapshotSubscriber";
    let waiting = [
        "blocking",
        "web::block",
        "services.flags",
        "services.keys",
        "services.changes",
        "services.storage",
    ];
    for folder in ["sdk", "edge", "connection"] {
        absent(&format!("crates/http/src/{folder}"), &waiting, &[], advice);
    }
    // What is around them on the same path.
    for name in ["sdk", "edge", "connection"].map(|name| format!("crates/http/src/{name}.rs")) {
        lacks(&name, &file(&name), &waiting, advice);
    }
    let storage = [
        "Repository",
        "ChangeLog",
        "StorageMonitor",
        "FlagService",
        "KeyService",
    ];
    for (name, functions) in [
        (
            "crates/domain/src/serving.rs",
            [
                "pub fn open",
                "pub fn record_retrieval",
                "pub fn retrieval_report",
            ]
            .as_slice(),
        ),
        ("crates/domain/src/access/key_ring.rs", &["pub fn find"]),
    ] {
        let code = file(name);
        lacks(name, &code, &storage, advice);
        // The sources of keys and snapshots are read by a refresh, which no request asks for.
        for function in functions {
            lacks(
                name,
                &body(&code, function),
                &["refresh", ".load(", "source"],
                advice,
            );
        }
    }
    absent(
        "crates/http/src",
        &[".refresh()"],
        &[],
        "a refresh reads the database: commits and the poll ask for it, requests do not (invariant 5)",
    );
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
