//! `If-Match`: the versions of a record that a write accepts. A record's version is its `ETag`.

use actix_web::dev::Payload;
use actix_web::http::header::{self, Header, HeaderValue, IfMatch};
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
    if !request.headers().contains_key(header::IF_MATCH) {
        return Ok(Precondition::Any);
    }
    let parsed = IfMatch::parse(request).map_err(|_| {
        Problem::new(
            Code::InvalidRequest,
            "If-Match must be * or a list of entity tags such as \"12\"",
        )
    })?;
    Ok(match parsed {
        IfMatch::Any => Precondition::Any,
        IfMatch::Items(tags) => Precondition::OneOf(
            tags.iter()
                .filter(|tag| !tag.weak)
                .filter_map(|tag| tag.tag().parse().ok())
                .map(Seq)
                .collect(),
        ),
    })
}

/// A record's version as its entity tag.
pub(crate) fn entity_tag(version: Seq) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}
