//! Runs the program in a temporary directory, away from the settings of whoever runs the tests.
#![allow(
    dead_code,
    reason = "shared by two test programs, each of which uses a part"
)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A directory in which the program runs, with its database in it.
pub(crate) struct Installation {
    directory: TempDir,
}

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Installation {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        let directory = TempDir::new().unwrap();
        Self { directory }
    }

    /// A directory with an empty database.
    pub(crate) fn migrated() -> Self {
        let installation = Self::empty();
        installation.run(&["migrate"]).succeeds();
        installation
    }

    /// A directory with a database that holds what the file describes.
    pub(crate) fn holding(state: &Value) -> Self {
        let installation = Self::migrated();
        installation.write("given.json", &state.to_string());
        installation.run(&["import", "given.json"]).succeeds();
        installation
    }

    /// A directory whose database has two environments and two features.
    pub(crate) fn shop() -> Self {
        Self::holding(&json!({
            "version": 1,
            "flags": {
                "environments": [{ "name": "staging" }, { "name": "production", "description": "Live" }],
                "features": [
                    { "name": "dark_mode", "description": "Dark colours", "tags": ["ui"] },
                    { "name": "limit", "initial_value": 5, "default_enabled": true },
                ],
            },
        }))
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program, to be run in here.
    pub(crate) fn program(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_flagstaff"))
    }

    /// A command, to be run in here.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("FLAGSTAFF") {
                command.env_remove(name);
            }
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[], "")
    }

    /// Runs the program with variables in its environment and a text on its standard input.
    pub(crate) fn run_with(
        &self,
        arguments: &[&str],
        variables: &[(&str, &str)],
        input: &str,
    ) -> Ran {
        let mut child = self
            .program()
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its input may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::from(child.wait_with_output().unwrap())
    }

    /// Runs with `--json` and returns what it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<_> = arguments.iter().copied().chain(["--json"]).collect();
        self.run(&arguments).json()
    }

    /// How long the change log is.
    pub(crate) fn head(&self) -> i64 {
        let changes = self.json(&["changes", "--limit", "1"]);
        changes[0]["seq"].as_i64().unwrap_or(0)
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    /// What it printed, given that it succeeded.
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// What it said, given that it failed with this code and one line.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self.stderr
    }

    /// The value that it printed, given that it succeeded.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let text = self.succeeds();
        assert!(text.ends_with('\n'), "{text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    pub(crate) fn stdout(&self) -> &str {
        &self.stdout
    }

    pub(crate) fn stderr(&self) -> &str {
        &self.stderr
    }
}

/// The names of an object's members, in their order.
pub(crate) fn members(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap_or_else(|| panic!("{value}"));
    object.keys().map(String::as_str).collect()
}

/// The values of one member of each object in an array.
pub(crate) fn column<'a>(list: &'a Value, member: &str) -> Vec<&'a Value> {
    let list = list.as_array().unwrap_or_else(|| panic!("{list}"));
    list.iter().map(|one| &one[member]).collect()
}
