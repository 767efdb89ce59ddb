//! Reads JSON bodies and query strings of our own API: unknown fields are refused, and a mistake is named by its place.

use std::time::Duration;

use actix_http::encoding::Decoder;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap};
use actix_web::rt::time::timeout;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use bytes::{Bytes, BytesMut};
use futures_util::future::LocalBoxFuture;
use futures_util::{Stream, StreamExt};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::app::Services;
use crate::error::{Code, Problem};
use crate::wording::plain;

/// The most bytes of a body, as sent and as decompressed.
pub(crate) const BODY_MAX: usize = 1024 * 1024;

/// The content codings that a body may have.
const CODINGS: [&[u8]; 4] = [b"gzip", b"br", b"deflate", b"identity"];

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = matches!(request.mime_type(), Ok(Some(mime))
            if mime.subtype() == "json" || mime.suffix().is_some_and(|suffix| suffix == "json"));
        let patience = Services::of(request).map(|services| services.settings.patience);
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            if !json {
                return Err(Problem::new(
                    Code::UnsupportedMediaType,
                    "the body must be JSON, with the header Content-Type: application/json",
                ));
            }
            let body = read(request.headers(), payload, patience?).await?;
            parse(&body).map(Self)
        })
    }
}

/// A body of these headers, to its end, decoded.
pub(crate) async fn read(
    headers: &HeaderMap,
    payload: Payload,
    patience: Duration,
) -> Result<Bytes, Problem> {
    let coded = match headers.get(header::CONTENT_ENCODING) {
        None => false,
        Some(coding)
            if CODINGS
                .iter()
                .any(|known| coding.as_bytes().eq_ignore_ascii_case(known)) =>
        {
            true
        }
        Some(_) => {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "the body's Content-Encoding must be gzip, br, deflate or identity",
            ));
        }
    };
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_MAX) {
        return Err(too_large());
    }
    let body = async {
        match coded {
            true => gather(Decoder::from_headers(payload, headers)).await,
            false => gather(payload).await,
        }
    };
    let body = timeout(patience, body).await;
    body.map_err(|_| late(patience))?
}

/// What a stream brings, to its end. What comes at once is not copied.
async fn gather(
    mut chunks: impl Stream<Item = Result<Bytes, PayloadError>> + Unpin,
) -> Result<Bytes, Problem> {
    let mut whole = Bytes::new();
    let mut gathered = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| unreadable(&error))?;
        if whole.len() + gathered.len() + chunk.len() > BODY_MAX {
            return Err(too_large());
        }
        if whole.is_empty() && gathered.is_empty() {
            whole = chunk;
        } else {
            gathered.extend_from_slice(&std::mem::take(&mut whole));
            gathered.extend_from_slice(&chunk);
        }
    }
    match gathered.is_empty() {
        true => Ok(whole),
        false => Ok(gathered.freeze()),
    }
}

fn too_large() -> Problem {
    Problem::new(Code::PayloadTooLarge, "the body may have at most 1 MiB")
}

fn late(patience: Duration) -> Problem {
    Problem::new(
        Code::RequestTimeout,
        format!(
            "the body did not arrive within {} seconds",
            patience.as_secs()
        ),
    )
}

fn unreadable(error: &PayloadError) -> Problem {
    if matches!(error, PayloadError::Overflow) {
        return too_large();
    }
    Problem::new(
        Code::InvalidRequest,
        "the body could not be read to its end",
    )
}

/// Reads JSON, naming the field of the first mistake.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    parse_borrowed(body)
}

/// The same, where what is read may borrow from the body.
pub(crate) fn parse_borrowed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    // An array would be read as the fields in their order.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::new(
            Code::InvalidRequest,
            "the body is not valid: it must be a JSON object",
        ));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let place = error.path().to_string();
        match (place.as_str(), missing(error.inner())) {
            (".", Some(field)) => Problem::field(field, "is missing"),
            ("." | "?", _) => Problem::new(
                Code::InvalidRequest,
                format!("the body is not valid: {}", error.inner()),
            ),
            (place, _) => Problem::field(place, reason(error.inner())),
        }
    })?;
    reader.end().map_err(|error| {
        Problem::new(
            Code::InvalidRequest,
            format!("the body is not valid: {error}"),
        )
    })?;
    Ok(value)
}

/// The field that a body lacks, where that is what is wrong with it.
fn missing(error: &serde_json::Error) -> Option<String> {
    let said = error.to_string();
    let field = said.strip_prefix("missing field `")?.split('`').next()?;
    Some(field.to_owned())
}

/// What is wrong with a field. Line and column are left out where the field tells the place better.
fn reason(error: &serde_json::Error) -> String {
    let reason = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match reason.strip_suffix(&place) {
        Some(reason) if error.is_data() => plain(reason),
        _ => reason,
    }
}

/// The parameters of a query string, all of which may be left out.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(parameters(request.query_string()).map(Self))
    }
}

/// Reads parameters, naming the first that is not valid by itself.
fn parameters<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = || query.split('&').map(|pair| (name(pair), pair));
    if let Some((name, _)) = pairs().find(|(_, pair)| !is_text(pair)) {
        return Err(Problem::field(name, "must be UTF-8 without NUL"));
    }
    let read = serde_urlencoded::from_str::<T>;
    read(query).map_err(|error| {
        let wrong = pairs().find_map(|(name, pair)| Some((name, read(pair).err()?)));
        match wrong {
            Some((name, error)) => {
                Problem::field(name, format!("is not valid: {}", plain(&error.to_string())))
            }
            None => Problem::new(
                Code::InvalidRequest,
                format!("the query is not valid: {error}"),
            ),
        }
    })
}

/// The name of a parameter, as it was sent.
fn name(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default()
}

/// Whether percent-encoded bytes are text, without NUL.
fn is_text(encoded: &str) -> bool {
    let text = percent_decode_str(encoded).decode_utf8();
    text.is_ok_and(|text| !text.contains('\0'))
}
