//! How the rules look at packages and sources: by their dependencies, and by the words of their code.
//!
//! Words, not syntax: a rule that can be got round on purpose still catches what happens by accident.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// The names of a package's dependencies, without those for tests.
pub(crate) fn dependencies(package: &str) -> BTreeSet<String> {
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
pub(crate) fn sources(folder: &str) -> Vec<(String, String)> {
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

/// A source's lines outside comments and the module of unit tests, which is the last of its file.
pub(crate) fn code(text: &str) -> String {
    let tests = text
        .match_indices("#[cfg(test)]")
        .find(|(at, attribute)| is_module(&text[at + attribute.len()..]));
    let end = tests.map_or(text.len(), |(at, _)| at);
    let lines = text[..end].lines();
    lines
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Whether a module comes next, after other attributes. A `use` for tests alone leaves its file to be checked.
fn is_module(text: &str) -> bool {
    let mut rest = text.trim_start();
    while let Some(attribute) = rest.strip_prefix("#[") {
        let Some((_, after)) = attribute.split_once(']') else {
            return false;
        };
        rest = after.trim_start();
    }
    rest.starts_with("mod ")
}

/// The code of one file.
pub(crate) fn file(name: &str) -> String {
    let text = fs::read_to_string(root().join(name));
    code(&text.unwrap_or_else(|error| panic!("{name} is checked and is not there: {error}")))
}

/// The body of the method whose signature begins like this.
pub(crate) fn body(code: &str, signature: &str) -> String {
    let start = code.find(&format!("    {signature}("));
    let start =
        start.unwrap_or_else(|| panic!("there is no `{signature}`: name here what took its place"));
    let end = code[start..]
        .find("\n    }\n")
        .unwrap_or(code.len() - start);
    code[start..start + end].to_owned()
}

/// Fails with `advice` when the code of the file of this name has one of `words`.
pub(crate) fn lacks(name: &str, code: &str, words: &[&str], advice: &str) {
    for word in words {
        assert!(!code.contains(word), "{name} has `{word}`: {advice}");
    }
}

/// Fails with `advice` for each file of `folder` whose code has one of `words`, other than in `except`.
pub(crate) fn absent(folder: &str, words: &[&str], except: &[&str], advice: &str) {
    for (name, text) in sources(folder) {
        if !except.contains(&name.as_str()) {
            lacks(&name, &code(&text), words, advice);
        }
    }
}

#[test]
fn the_tests_of_a_file_are_not_its_code_and_a_use_for_them_does_not_hide_it() {
    let text = "\
//! Why.
#[cfg(test)]
use one::Mock;
use two::Real;
// a comment
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = \"a test\"
)]
mod tests {
    use three::Other;
}
";
    assert_eq!(code(text), "#[cfg(test)]\nuse one::Mock;\nuse two::Real;");
}
