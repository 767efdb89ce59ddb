//! Requests, put together call by call, and their answers, read to the end.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Read;
use std::net::{IpAddr, SocketAddr};

use actix_web::HttpResponse;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::Value;

use super::{Call, secrets};

/// A request that is being put together.
pub(crate) struct Ask<'a> {
    call: &'a Call,
    request: TestRequest,
    payload: Option<Payload>,
}

impl<'a> Ask<'a> {
    pub(super) fn new(call: &'a Call, method: Method, path: &str) -> Self {
        let request = TestRequest::default().method(method).uri(path);
        let ask = Self {
            call,
            request,
            payload: None,
        };
        ask.from("192.0.2.1")
    }

    /// From this address.
    pub(crate) fn from(mut self, address: &str) -> Self {
        let address: IpAddr = address.parse().unwrap();
        self.request = self.request.peer_addr(SocketAddr::new(address, 40_000));
        self
    }

    /// One more header.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = header::HeaderValue::from_bytes(value.as_ref()).unwrap();
        self.request = self.request.append_header((name, value));
        self
    }

    /// With an environment's key.
    pub(crate) fn key(self, key: &str) -> Self {
        secrets::note(key);
        self.header("X-Environment-Key", key)
    }

    /// Signed in with HTTP Basic.
    pub(crate) fn basic(self, username: &str, password: &str) -> Self {
        let credentials = STANDARD.encode(format!("{username}:{password}"));
        secrets::note(password);
        secrets::note(&credentials);
        self.header("Authorization", format!("Basic {credentials}"))
    }

    /// Signed in with an access token.
    pub(crate) fn bearer(self, token: &str) -> Self {
        secrets::note(token);
        self.header("Authorization", format!("Bearer {token}"))
    }

    /// With the cookie of a session.
    pub(crate) fn session(self, text: &str) -> Self {
        secrets::note(text);
        self.header("Cookie", format!("flagstaff={text}"))
    }

    /// With a body, and without saying what it is.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.request = self.request.set_payload(body);
        self
    }

    /// With this text as a JSON body, right or wrong.
    pub(crate) fn text(self, body: impl Into<Bytes>) -> Self {
        self.header("Content-Type", "application/json").body(body)
    }

    /// With a JSON body.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "tests write the value in place"
    )]
    pub(crate) fn json(self, body: Value) -> Self {
        secrets::note_in(&body);
        self.text(body.to_string())
    }

    /// With a body that begins and never ends.
    pub(crate) fn endless(mut self, beginning: &'static str) -> Self {
        let beginning = stream::iter([Ok(Bytes::from(beginning))]);
        let body = beginning.chain(stream::pending()).boxed_local();
        self.payload = Some(Payload::from(body));
        self
    }

    /// The answer.
    pub(crate) async fn send(self) -> Answer {
        let answer = (self.call)(self.request, self.payload).await;
        if let Ok(body) = serde_json::from_slice(&answer.body) {
            secrets::note_in(&body);
        }
        answer
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(super) async fn read(response: HttpResponse<impl MessageBody>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status().as_u16(),
            headers: head.headers().clone(),
            body: match body.try_into_bytes() {
                Ok(body) => body,
                Err(body) => to_bytes(body).await.ok().unwrap(),
            },
        }
    }

    /// A header that is there at most once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name);
        let value = values.next();
        assert!(values.next().is_none(), "{name} is there twice");
        value.map(|value| value.to_str().unwrap())
    }

    /// The entity tag, which has to be there.
    pub(crate) fn etag(&self) -> String {
        self.header("ETag").unwrap().to_owned()
    }

    /// The text of the session that the answer's cookie holds.
    pub(crate) fn session(&self) -> String {
        let cookie = self.header("Set-Cookie").unwrap();
        let (_, value) = cookie.split_once('=').unwrap();
        value.split(';').next().unwrap().to_owned()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The names in a list of flags, records or features.
    pub(crate) fn names(&self) -> Vec<String> {
        let list = self.json();
        let name = |one: &Value| {
            let name = [&one["feature"]["name"], &one["feature"], &one["name"]];
            name.iter()
                .find_map(|name| name.as_str())
                .map(str::to_owned)
        };
        list.as_array().unwrap().iter().filter_map(name).collect()
    }

    /// The body, decoded from the coding that the answer names.
    pub(crate) fn decoded(&self) -> Vec<u8> {
        let mut decoded = Vec::new();
        match self.header("Content-Encoding") {
            None => decoded.extend_from_slice(&self.body),
            Some("gzip") => {
                let mut reader = flate2::read::GzDecoder::new(&self.body[..]);
                reader.read_to_end(&mut decoded).unwrap();
            }
            Some("br") => brotli::BrotliDecompress(&mut &self.body[..], &mut decoded).unwrap(),
            Some(other) => panic!("{other} is no coding that was asked for"),
        }
        decoded
    }

    /// Checks that this is a problem of this status and code, in the one shape, and returns its detail.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(
            self.header("Content-Type"),
            Some("application/problem+json")
        );
        assert!(self.header("X-Request-Id").is_some_and(|id| id.len() == 16));
        assert_eq!(self.header("Cache-Control"), Some("no-store"));
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["type"], format!("urn:flagstaff:problem:{code}"));
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string());
        problem["detail"].as_str().unwrap().to_owned()
    }

    /// Checks that this is a problem with this field, and returns what is wrong with it.
    #[track_caller]
    pub(crate) fn field(&self, field: &str) -> String {
        self.problem(400, "invalid_request");
        let problem = self.json();
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
        problem["errors"][0]["message"].as_str().unwrap().to_owned()
    }
}

/// The names of an object's members, in their order.
pub(crate) fn members(record: &Value) -> Vec<&str> {
    let record = record.as_object().unwrap();
    record.keys().map(String::as_str).collect()
}
