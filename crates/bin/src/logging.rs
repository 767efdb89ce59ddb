//! The log: one event is always exactly one line, on standard error and, if `log.file` says so, in a file as well.
//!
//! Whatever a client sends may end up in a message or a value, so everything that could begin a new line or steer a
//! terminal is escaped. The settings are in `settings.rs`, section `log`.

use std::fmt::{Display, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use env_logger::{Builder, Target, WriteStyle};
use log::LevelFilter;
use log::kv::{Key, Value, VisitSource, VisitValue};
use log::{Record, SetLoggerError};
use serde_json::{Map, json};
use thiserror::Error;

use crate::escape::{OneLine, steers};
use crate::settings::{self, LogFormat};

/// Why nothing would be logged.
#[derive(Debug, Error)]
pub(crate) enum LoggingError {
    /// The file cannot be opened.
    #[error("log.file: cannot open {}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is a logger already.
    #[error(transparent)]
    AlreadySet(#[from] SetLoggerError),
}

/// Libraries whose events may hold an access key, as part of an address: whatever the filter says, they log nothing.
const SECRETIVE: [&str; 2] = ["ureq", "ureq_proto"];

/// Starts a server's logging, as configured. To be called once; events before it are lost.
///
/// # Errors
/// When the file cannot be opened for appending, or a logger is already set.
pub(crate) fn init(settings: &settings::Log) -> Result<(), LoggingError> {
    start(
        settings.level.as_str(),
        settings.format,
        settings.file.as_deref(),
    )
}

/// Starts a command's logging, which concerns a person at a terminal: warnings and errors, as text. What is configured
/// is the server's log.
///
/// # Errors
/// When a logger is already set.
pub(crate) fn init_for_command() -> Result<(), LoggingError> {
    start("warn", LogFormat::Text, None)
}

fn start(filter: &str, format: LogFormat, file: Option<&Path>) -> Result<(), LoggingError> {
    let file = file.map(open).transpose()?;
    Builder::new()
        // Says in four lines that it starts and stops; a filter that names it brings them back.
        .filter_module("actix_server", LevelFilter::Warn)
        // Calls what a client did wrong an error; `flagstaff_http::serve` says it once.
        .filter_module("actix_http::h1::dispatcher", LevelFilter::Off)
        .parse_filters(filter)
        // Tells whole paths, in which a key or a token may stand.
        .filter_module("actix_web::types", LevelFilter::Warn)
        .target(Target::Pipe(Box::new(Tee {
            first: io::stderr(),
            second: file,
        })))
        .write_style(WriteStyle::Never)
        .format(move |out, record| {
            if SECRETIVE.contains(&record.target().split("::").next().unwrap_or_default()) {
                return Ok(());
            }
            let time = out.timestamp_micros();
            match format {
                LogFormat::Text => write_text(out, &time, record),
                LogFormat::Json => write_json(out, &time, record),
            }
        })
        .try_init()?;
    Ok(())
}

/// Opens the log file for appending. Who can read it learns who uses the service: a new one is its owner's alone.
fn open(path: &Path) -> Result<File, LoggingError> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| {
        let path = path.to_owned();
        LoggingError::File { path, source }
    })
}

/// Writes everything to both. One that fails (a full disk, a closed terminal) does not keep the other from it.
struct Tee<A, B> {
    first: A,
    second: Option<B>,
}

impl<A: Write, B: Write> Write for Tee<A, B> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let first = self.first.write_all(bytes);
        let second = self
            .second
            .as_mut()
            .map_or(Ok(()), |out| out.write_all(bytes));
        first.and(second).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let first = self.first.flush();
        let second = self.second.as_mut().map_or(Ok(()), Write::flush);
        first.and(second)
    }
}

/// `2026-01-31T12:00:00.000000Z INFO  target message key=value key="other value"`
fn write_text(out: &mut impl Write, time: &impl Display, record: &Record<'_>) -> io::Result<()> {
    let mut line = format!("{time} {:<5} ", record.level());
    escape(&mut line, record.target())?;
    line.push(' ');
    escape(&mut line, record.args())?;
    record
        .key_values()
        .visit(&mut TextPairs(&mut line))
        .map_err(io::Error::other)?;
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// `{"time":…,"level":…,"target":…,"message":…}`, and a member for each key, numbers and truth values as such.
fn write_json(out: &mut impl Write, time: &impl Display, record: &Record<'_>) -> io::Result<()> {
    let mut message = String::new();
    write!(message, "{}", record.args()).map_err(io::Error::other)?;
    let mut event = Map::new();
    event.insert("time".to_owned(), json!(time.to_string()));
    event.insert("level".to_owned(), json!(record.level().as_str()));
    event.insert("target".to_owned(), json!(record.target()));
    event.insert("message".to_owned(), json!(message));
    record
        .key_values()
        .visit(&mut JsonPairs(&mut event))
        .map_err(io::Error::other)?;
    // Outside of its texts JSON has ASCII alone, and serde_json has already escaped what is below a space.
    let mut line = String::new();
    for c in serde_json::to_string(&event)?.chars() {
        match c {
            c if steers(c) => write!(line, "\\u{:04x}", u32::from(c)).map_err(io::Error::other)?,
            c => line.push(c),
        }
    }
    line.push('\n');
    out.write_all(line.as_bytes())
}

/// Appends what is displayed, on one line.
fn escape(line: &mut String, value: impl Display) -> io::Result<()> {
    write!(line, "{}", OneLine(value)).map_err(io::Error::other)
}

/// Appends ` key=value`; a value with spaces, quotes or an equals sign is quoted, so that it cannot pass for more pairs.
struct TextPairs<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for TextPairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        let mut text = String::new();
        write!(text, "{value}")?;
        self.0.push(' ');
        escape(self.0, key)?;
        self.0.push('=');
        let needs_quotes = |c: char| c.is_whitespace() || c == '"' || c == '=';
        if text.is_empty() || text.contains(needs_quotes) {
            let inner = text.replace('\\', "\\\\").replace('"', "\\\"");
            self.0.push('"');
            escape(self.0, inner)?;
            self.0.push('"');
        } else {
            escape(self.0, text)?;
        }
        Ok(())
    }
}

/// Adds a member for each pair. The event's own members cannot be overwritten: such a key gets an underscore behind it.
struct JsonPairs<'a>(&'a mut Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for JsonPairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        let mut member = JsonMember(serde_json::Value::Null);
        value.visit(&mut member)?;
        let key = match key.as_str() {
            own @ ("time" | "level" | "target" | "message") => format!("{own}_"),
            other => other.to_owned(),
        };
        self.0.insert(key, member.0);
        Ok(())
    }
}

struct JsonMember(serde_json::Value);

impl<'v> VisitValue<'v> for &mut JsonMember {
    fn visit_any(&mut self, value: Value<'_>) -> Result<(), log::kv::Error> {
        let mut text = String::new();
        write!(text, "{value}")?;
        self.0 = text.into();
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), log::kv::Error> {
        self.0 = serde_json::Value::Null;
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), log::kv::Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), log::kv::Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), log::kv::Error> {
        // JSON has no NaN and no infinity: they become null.
        self.0 = value.into();
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), log::kv::Error> {
        self.0 = value.into();
        Ok(())
    }

    fn visit_str(&mut self, value: &str) -> Result<(), log::kv::Error> {
        self.0 = value.into();
        Ok(())
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
mod tests {
    use std::fmt;

    use log::Level;
    use log::kv::ToValue;

    use super::*;

    const TIME: &str = "2026-01-31T12:00:00.000001Z";
    const NASTY: &str = "a\r\nERROR forged\x1b[31m\t\0\x7f\u{85}\u{9b}31m\u{2028}\u{202e}";

    /// A pair of a key and a value to log.
    type Pair<'a> = (&'a str, Value<'a>);

    /// What both formats make of an event.
    fn written(message: &str, pairs: &[Pair<'_>]) -> (String, String) {
        let (mut text, mut json) = (Vec::new(), Vec::new());
        let mut log = |args: fmt::Arguments<'_>| {
            let mut record = Record::builder();
            record.level(Level::Info).target("flagstaff").args(args);
            let record = record.key_values(&pairs).build();
            write_text(&mut text, &TIME, &record).unwrap();
            write_json(&mut json, &TIME, &record).unwrap();
        };
        log(format_args!("{message}"));
        (
            String::from_utf8(text).unwrap(),
            String::from_utf8(json).unwrap(),
        )
    }

    #[test]
    fn a_text_event_is_time_level_target_message_and_pairs() {
        let pairs = [
            ("status", 200.to_value()),
            ("route", "/flags/{name}".to_value()),
        ];
        assert_eq!(
            written("answered", &pairs).0,
            "2026-01-31T12:00:00.000001Z INFO  flagstaff answered status=200 route=/flags/{name}\n"
        );
    }

    #[test]
    fn a_json_event_is_one_object_with_a_member_for_each_pair() {
        let pairs = [
            ("status", 200.to_value()),
            ("ratio", 0.5.to_value()),
            ("slow", false.to_value()),
            ("route", "/flags".to_value()),
            ("big", u128::MAX.to_value()),
            ("none", None::<u8>.to_value()),
        ];
        assert_eq!(
            written("answered", &pairs).1,
            "{\"time\":\"2026-01-31T12:00:00.000001Z\",\"level\":\"INFO\",\"target\":\"flagstaff\",\
             \"message\":\"answered\",\"status\":200,\"ratio\":0.5,\"slow\":false,\"route\":\"/flags\",\
             \"big\":\"340282366920938463463374607431768211455\",\"none\":null}\n"
        );
    }

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let pairs = [("name", NASTY.to_value()), (NASTY, 1.to_value())];
        let (text, json) = written(NASTY, &pairs);
        for line in [&text, &json] {
            let line = line.strip_suffix('\n').unwrap();
            assert!(!line.contains(steers), "{line:?}");
        }
        assert!(
            text.contains(
                r"a\r\nERROR forged\u{1b}[31m\t\u{0}\u{7f}\u{85}\u{9b}31m\u{2028}\u{202e}"
            ),
            "{text}"
        );
    }

    #[test]
    fn escaping_loses_nothing_in_json() {
        let (_, json) = written(NASTY, &[("name", NASTY.to_value())]);
        let event: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(event["message"], NASTY);
        assert_eq!(event["name"], NASTY);
    }

    #[test]
    fn a_value_cannot_pass_for_more_pairs_in_text() {
        let pairs = [
            ("name", "x role=admin".to_value()),
            ("quoted", "say \"hi\" \\".to_value()),
            ("empty", "".to_value()),
            ("equals", "a=b".to_value()),
        ];
        let (text, _) = written("changed", &pairs);
        let end = r#"changed name="x role=admin" quoted="say \"hi\" \\" empty="" equals="a=b""#;
        assert!(text.trim_end().ends_with(end), "{text}");
    }

    #[test]
    fn a_pair_cannot_replace_a_member_of_the_event() {
        let (_, json) = written(
            "changed",
            &[("level", "ERROR".to_value()), ("time", "never".to_value())],
        );
        let event: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(event["level"], "INFO");
        assert_eq!(event["time"], TIME);
        assert_eq!(event["level_"], "ERROR");
    }

    #[test]
    fn a_failing_output_does_not_keep_the_other_one_from_the_event() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut tee = Tee {
            first: Broken,
            second: Some(Vec::new()),
        };
        assert!(tee.write_all(b"event\n").is_err());
        assert_eq!(tee.second.unwrap(), b"event\n");
    }

    #[test]
    fn the_log_file_is_appended_to_and_its_owners_alone() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("server.log");
        for line in [b"one\n", b"two\n"] {
            open(&path).unwrap().write_all(line).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_log_file_that_cannot_be_opened_is_named() {
        let message = open(Path::new("/nowhere/server.log"))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("log.file: cannot open /nowhere/server.log: "),
            "{message}"
        );
    }
}
