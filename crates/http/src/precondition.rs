//! `If-Match`: the versions of a record that a write accepts. A record's version is its `ETag`. And `If-None-Match`, for
//! what is answered again only when it is another.

use actix_web::dev::Payload;
use actix_web::http::header::{self, EntityTag, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::write::Precondition;

use crate::error::{Code, Problem};

/// What the request's `If-Match` accepts; everything where there is none.
#[derive(Debug)]
pub(crate) struct Accepts(pub(crate) Precondition);

impl FromRequest for Accepts {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(accepted(request).map(Self))
    }
}

fn accepted(request: &HttpRequest) -> Result<Precondition, Problem> {
    let headers = request.headers().get_all(header::IF_MATCH);
    let headers: Result<Vec<_>, _> = headers.map(HeaderValue::to_str).collect();
    let headers = headers.map_err(|_| unreadable())?;
    let list = headers.join(",");
    if headers.is_empty() || list.trim() == "*" {
        return Ok(Precondition::Any);
    }
    let tags = list.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let tags: Result<Vec<EntityTag>, _> = tags.map(str::parse).collect();
    let tags = tags.map_err(|_| unreadable())?;
    if tags.is_empty() {
        return Err(unreadable());
    }
    let strong = tags.iter().filter(|tag| !tag.weak);
    let versions = strong.filter_map(|tag| tag.tag().parse().ok());
    Ok(Precondition::OneOf(versions.map(Seq).collect()))
}

fn unreadable() -> Problem {
    Problem::new(
        Code::InvalidRequest,
        "If-Match must be * or a list of entity tags such as \"12\"",
    )
}

/// A record's version as its entity tag.
pub(crate) fn entity_tag(version: Seq) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether a list of entity tags holds this one, weakly compared (RFC 9110, 13.1.2).
pub(crate) fn matches(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    tags.as_bytes().split(|byte| *byte == b',').any(|tag| {
        let tag = tag.trim_ascii();
        let tag = tag.strip_prefix(b"W/").unwrap_or(tag);
        tag == b"*" || tag == etag.as_bytes()
    })
}
