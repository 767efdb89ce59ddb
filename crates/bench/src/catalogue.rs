//! The catalogues that are measured: state files of so many environments and features, imported by the command line.

use std::fs;
use std::io::{Error, Result};
use std::path::Path;

use flagstaff_bench::servers::{DATABASE_URL, command, program};
use serde_json::{Value, json};

/// The client key of the environment with this number.
pub(crate) fn key(environment: usize) -> String {
    format!("{:032X}", 0xBE0C_0000 + environment)
}

/// Creates a database with so many environments and features in `folder`.
pub(crate) fn create(folder: &Path, environments: usize, features: usize) -> Result<()> {
    fill(folder, None, environments, features)
}

/// Fills the database of this URL, or the file in `folder`.
pub(crate) fn fill(
    folder: &Path,
    database: Option<&str>,
    environments: usize,
    features: usize,
) -> Result<()> {
    let file = folder.join("catalogue.json");
    fs::write(&file, describe(environments, features).to_string())?;
    for arguments in [&["migrate"][..], &["import", "catalogue.json"]] {
        let output = command(&program("flagstaff")?)
            .args(arguments)
            .envs(database.map(|url| (DATABASE_URL, url)))
            .current_dir(folder)
            .output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::other(format!("{arguments:?}: {said}")));
        }
    }
    Ok(())
}

fn describe(environments: usize, features: usize) -> Value {
    let values = [
        json!(null),
        json!(true),
        json!("a string of some length"),
        json!(42),
        json!(0.5),
        json!({"limit": 10, "unit": "MB"}),
    ];
    let feature = |at: usize| {
        json!({
            "name": format!("feature_{at:04}"),
            "description": "What this feature does, in a sentence of usual length",
            "initial_value": values[at % values.len()],
            "default_enabled": at.is_multiple_of(2),
            "tags": ["bench"],
        })
    };
    let environment = |at: usize| json!({"name": format!("environment-{at:04}")});
    let key = |at: usize| json!({"environment": format!("environment-{at:04}"), "name": "bench", "kind": "client", "key": key(at)});
    json!({
        "version": 1,
        "flags": {
            "environments": (0..environments).map(environment).collect::<Vec<_>>(),
            "features": (0..features).map(feature).collect::<Vec<_>>(),
        },
        "access": {"keys": (0..environments).map(key).collect::<Vec<_>>()},
    })
}
