//! What an answer may be, whatever was asked.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::request::Request;

/// Refusals that come from the parser of requests, which says no more than the status.
const PARSERS: [u16; 7] = [400, 408, 413, 414, 431, 501, 505];

/// Words of the server's sources, its libraries and its machine, none of which a client is told.
const INSIDES: &[&str] = &[
    "src/",
    ".rs:",
    "::",
    "panicked",
    "backtrace",
    "struct ",
    "enum ",
    "u32",
    "i64",
    "usize",
    "serde",
    "actix",
    "diesel",
    "sqlite",
    "select ",
    "insert into",
    "flagstaff_",
    "/tmp/",
    "/home/",
    "target type",
];

type Fields = BTreeMap<String, IgnoredAny>;

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    /// Reads an answer off the beginning of these bytes: it and its length, or `None` where it goes on.
    pub(crate) fn parse(bytes: &[u8], head: bool) -> Result<Option<(Self, usize)>, String> {
        let no_http =
            |why: String| format!("what came is no HTTP ({why}): {}", bytes.escape_ascii());
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let begin = match response
            .parse(bytes)
            .map_err(|error| no_http(error.to_string()))?
        {
            httparse::Status::Complete(begin) => begin,
            httparse::Status::Partial => return Ok(None),
        };
        let status = response.code.unwrap_or_default();
        let headers = response.headers.iter();
        let headers = headers.map(|header| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_lowercase(), value)
        });
        let mut answer = Self {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        };
        let empty = head || matches!(status, 100..200 | 204 | 304);
        let length = match answer.header("content-length") {
            _ if empty => 0,
            Some(length) => length
                .parse()
                .map_err(|_| no_http("its length".to_owned()))?,
            None => return Err(no_http("it has no length".to_owned())),
        };
        let Some(body) = bytes.get(begin..begin + length) else {
            return Ok(None);
        };
        answer.body = body.to_vec();
        Ok(Some((answer, begin + length)))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(header, _)| header == name);
        header.map(|(_, value)| value.as_str())
    }

    /// Whether the connection ends with it.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// Checks the answer to a request.
    pub(crate) fn judge(&self, request: &Request) -> Result<(), String> {
        let fault = match self.status {
            200..400 => self.success(request),
            400..500 | 503 | 505 => self.refusal(request),
            _ => Some("the status is not meant".to_owned()),
        };
        fault.map_or(Ok(()), |fault| {
            let body = self.body.escape_ascii();
            Err(format!(
                "{fault}: {} {:?} {body}",
                self.status, self.headers
            ))
        })
    }

    fn success(&self, request: &Request) -> Option<String> {
        let Ok(records) = self.records(request) else {
            return Some("the body is not the JSON that it is called".to_owned());
        };
        if self.header("x-content-type-options") != Some("nosniff") {
            return Some("the type of the body may be guessed".to_owned());
        }
        if self.is_of_flags() && !request.has_key() {
            return Some("flags were shown without a key".to_owned());
        }
        let open = self.is_of_flags()
            || self.is_of_register(request, records.as_deref())
            || self.is_of_modules(records.as_deref());
        if !open && self.is_of_management(records.as_deref()) && !request.signs_in() {
            return Some("management answered somebody who did not sign in".to_owned());
        }
        None
    }

    /// The fields of what the body holds, where it is JSON that can be read. Values nest as deep as was asked for, so
    /// that they are not looked into.
    fn records(&self, request: &Request) -> serde_json::Result<Option<Vec<Fields>>> {
        let json = self.header("content-type") == Some("application/json");
        if !json || request.head || self.header("content-encoding").is_some() {
            return Ok(None);
        }
        let records = match self.body.first() {
            Some(b'[') => serde_json::from_slice(&self.body)?,
            _ => vec![serde_json::from_slice(&self.body)?],
        };
        Ok(Some(records))
    }

    /// Whether it is an evaluation: those alone may be read by pages of any origin, which ask with an empty answer before.
    fn is_of_flags(&self) -> bool {
        // Pages of other origins read what modules show, too, which no revision of an environment stands for.
        let there = |name| self.header(name).is_some();
        self.status != 204
            && there("access-control-expose-headers")
            && there("x-flagstaff-revision")
    }

    /// Whether it is a record of the GUID register that was read: the GUID is all that this takes.
    fn is_of_register(&self, request: &Request, records: Option<&[Fields]>) -> bool {
        let read = self.header("x-flagstaff-revision").is_none()
            && self.header("cache-control") == Some("no-store");
        let record = records.is_some_and(|records| {
            matches!(records, [one] if one.contains_key("guid") && !one.contains_key("id"))
        });
        read && (request.head || record)
    }

    /// Whether it is what modules show everybody: a day's rates, or coupons that were read.
    fn is_of_modules(&self, records: Option<&[Fields]>) -> bool {
        let cached = self.header("cache-control").unwrap_or_default();
        if cached.starts_with("public") {
            return true;
        }
        let read = self.header("x-flagstaff-revision").is_none() && self.header("vary").is_some();
        let coupons =
            records.is_none_or(|records| records.iter().all(|one| one.contains_key("_links")));
        read && cached == "no-cache" && coupons
    }

    /// Whether it can come from management alone, or from the metrics.
    fn is_of_management(&self, records: Option<&[Fields]>) -> bool {
        let metrics = self
            .header("content-type")
            .is_some_and(|kind| kind.contains("openmetrics"));
        let marked = ["x-flagstaff-revision", "etag"]
            .iter()
            .any(|header| self.header(header).is_some());
        // A list of nothing tells nothing, but only management has a reason to say so.
        let told = records.is_some_and(|records| {
            records.first().is_none_or(|record| {
                ["version", "seq", "expires_at"]
                    .iter()
                    .any(|field| record.contains_key(*field))
            })
        });
        metrics || marked || told
    }

    fn refusal(&self, request: &Request) -> Option<String> {
        if self.body.is_empty() && PARSERS.contains(&self.status) {
            return None;
        }
        if self.header("x-request-id").is_none() {
            return Some("the log has no line for it".to_owned());
        }
        let by_ofrep = self.header("content-type") == Some("application/json");
        if by_ofrep && !request.holds("ofrep") {
            return Some("the refusal is no problem".to_owned());
        }
        if !by_ofrep && self.header("content-type") != Some("application/problem+json") {
            return Some("the refusal is no problem".to_owned());
        }
        if request.head {
            return None;
        }
        let text = String::from_utf8_lossy(&self.body);
        let Ok(problem) = serde_json::from_str::<Value>(&text) else {
            return Some("the problem is no JSON".to_owned());
        };
        let says = |name: &str| problem[name].as_str().is_some_and(|text| !text.is_empty());
        let said = match by_ofrep {
            true => says("errorCode") && says("errorDetails"),
            false => says("code") && says("detail") && problem["status"] == self.status,
        };
        if !said {
            return Some("the problem does not say what it is".to_owned());
        }
        let text = text.to_lowercase();
        let mut told = INSIDES.iter().filter(|word| text.contains(**word));
        told.find(|word| !request.holds(word))
            .map(|word| format!("{word:?} is told of the insides"))
    }
}
