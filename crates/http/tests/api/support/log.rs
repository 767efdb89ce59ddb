//! What a test's own thread logs: handlers run there, so that tests beside each other do not mix.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::fmt::Write;
use std::sync::Once;

use log::kv::{self, Key, Value, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static ALL: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Capture;

impl Log for Capture {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("flagstaff")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut line = Line(format!("{} {}", record.level(), record.args()));
            record.key_values().visit(&mut line).unwrap();
            ALL.with_borrow_mut(|lines| lines.push(line.0.clone()));
            LINES.with_borrow_mut(|lines| lines.push(line.0));
        }
    }

    fn flush(&self) {}
}

struct Line(String);

impl<'kvs> VisitSource<'kvs> for Line {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), kv::Error> {
        write!(self.0, " {key}={value}").map_err(kv::Error::from)
    }
}

/// The lines that this thread has logged since the last call, as `LEVEL message key=value …`.
pub(crate) fn logged() -> Vec<String> {
    capture();
    LINES.take()
}

/// Captures what is logged from now on.
pub(super) fn capture() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        log::set_logger(&Capture).unwrap();
        log::set_max_level(LevelFilter::Trace);
    });
}

/// Every line that this thread has logged since this was last asked.
pub(super) fn take_all() -> Vec<String> {
    ALL.take()
}
