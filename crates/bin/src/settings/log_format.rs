//! `log.level` and `log.format`: which events are logged, and how an event is written.
//! `settings.rs` has the section they belong to, `logging.rs` acts on them.

use log::LevelFilter;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::values::shown;

/// Which events are logged: a level, or a filter in the notation of env_logger that is known to be right.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Value", into = "String")]
pub(crate) struct LogFilter(String);

impl LogFilter {
    /// The filter in the notation of env_logger.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Value> for LogFilter {
    type Error = String;

    /// Stricter than env_logger, which ignores half of the mistakes and takes a misspelt level for a target.
    fn try_from(value: Value) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{} is not a log level; expected error, warn, info, debug, trace or off, \
                 or a filter such as info,flagstaff_http=debug",
                shown(&value)
            )
        };
        let text = value.as_str().ok_or_else(wrong)?;
        let (directives, search) = text.split_once('/').unwrap_or((text, ""));
        let is_level = |text: &str| text.trim().parse::<LevelFilter>().is_ok();
        let is_right = |directive: &str| match directive.split_once('=') {
            None => is_level(directive),
            Some((target, level)) => {
                let target = target.trim();
                !target.is_empty() && !target.contains(char::is_whitespace) && is_level(level)
            }
        };
        if search.contains('/') || !directives.split(',').all(is_right) {
            return Err(wrong());
        }
        // env_logger itself trims a directive as a whole and its level, but not its target.
        let trimmed: String = directives.split_whitespace().collect();
        Ok(Self(trimmed + &text[directives.len()..]))
    }
}

impl From<LogFilter> for String {
    fn from(filter: LogFilter) -> Self {
        filter.0
    }
}

/// How an event is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Value", rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl TryFrom<Value> for LogFormat {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value.as_str() {
            Some("text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            _ => Err(format!(
                "{} is not a log format; expected text or json",
                shown(&value)
            )),
        }
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_log_filter_is_a_level_or_levels_by_target() {
        for (text, expected) in [
            ("info", "info"),
            ("OFF", "OFF"),
            ("info,flagstaff_http=debug", "info,flagstaff_http=debug"),
            (
                "warn, flagstaff_http::sdk = trace",
                "warn,flagstaff_http::sdk=trace",
            ),
            ("info/some text", "info/some text"),
        ] {
            assert_eq!(LogFilter::try_from(json!(text)).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn a_misspelt_level_is_refused_and_not_taken_for_a_target() {
        for wrong in [
            "inof",
            "",
            "info,",
            "info,http=loud",
            "=info",
            "a=b=info",
            "a b=info",
            "info/a/b",
            "3",
        ] {
            let message = LogFilter::try_from(json!(wrong)).unwrap_err();
            assert!(
                message.contains("is not a log level; expected error, warn,"),
                "{message}"
            );
        }
        assert!(LogFilter::try_from(json!(3)).is_err());
    }
}
