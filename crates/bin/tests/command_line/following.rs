//! `flagstaff changes --follow`: what comes, as it comes, and nothing missed.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;

use crate::program::Installation;

/// A command that goes on until the test ends.
struct Following {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Following {
    fn start(here: &Installation, more: &[&str]) -> Self {
        let mut child = here
            .program()
            .args(["changes", "--follow"])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "it ended");
        line
    }

    fn change(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_change_since_a_position_is_printed_in_order() {
    let here = Installation::shop();
    let head = here.head();
    let after = (head - 3).to_string();
    let mut following = Following::start(&here, &["--after", &after, "--json"]);
    for seq in head - 2..=head {
        assert_eq!(following.change()["seq"], seq);
    }
    for name in ["a", "b", "c"] {
        here.run(&["feature", "create", name]).succeeds();
        assert_eq!(following.change()["subject"], name);
    }
}

#[test]
fn people_read_a_line_for_each_that_the_filters_let_through() {
    let here = Installation::shop();
    let from = here.head().to_string();
    let mut following = Following::start(&here, &["--after", &from, "--subject", "wanted"]);
    for name in ["other", "wanted"] {
        here.run(&["feature", "create", name]).succeeds();
    }
    let line = following.line();
    assert!(
        line.contains("feature.created") && line.contains("wanted"),
        "{line}"
    );
}
