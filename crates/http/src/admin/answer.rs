//! How records are answered: their version as `ETag`, the log's position after a write as `X-Flagstaff-Revision`.

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpResponse, HttpResponseBuilder};
use flagstaff_domain::ids::Seq;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::precondition::entity_tag;

/// What does not stand for itself in a segment of a path (RFC 3986, 2.3).
const RESERVED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

const REVISION: HeaderName = HeaderName::from_static("x-flagstaff-revision");

/// A record that was read.
pub(crate) fn record(version: Seq, record: &impl Serialize) -> HttpResponse {
    tagged(HttpResponse::Ok(), version).json(record)
}

/// A record that was changed.
pub(crate) fn changed(revision: Seq, version: Seq, record: &impl Serialize) -> HttpResponse {
    tagged(HttpResponse::Ok(), version)
        .insert_header((REVISION, revision.0))
        .json(record)
}

/// A record that was created, found from now on at the path under management that is made of these segments.
pub(crate) fn created(
    revision: Seq,
    version: Seq,
    path: &[&str],
    record: &impl Serialize,
) -> HttpResponse {
    created_at(revision, version, location(path), record)
}

/// A record that was created, found from now on at this path.
pub(crate) fn created_at(
    revision: Seq,
    version: Seq,
    location: String,
    record: &impl Serialize,
) -> HttpResponse {
    tagged(HttpResponse::Created(), version)
        .insert_header((REVISION, revision.0))
        .insert_header((header::LOCATION, location))
        .json(record)
}

/// A record that was deleted.
pub(crate) fn deleted(revision: Seq) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((REVISION, revision.0))
        .finish()
}

fn tagged(mut response: HttpResponseBuilder, version: Seq) -> HttpResponseBuilder {
    response
        .insert_header((header::ETAG, entity_tag(version)))
        .insert_header((header::CACHE_CONTROL, "no-cache"));
    response
}

/// A path under management, each segment percent-encoded.
pub(crate) fn location(path: &[&str]) -> String {
    let mut location = "/api/admin".to_owned();
    for segment in path {
        location.push('/');
        location.extend(utf8_percent_encode(segment, &RESERVED));
    }
    location
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_encodes_what_a_path_cannot_hold() {
        assert_eq!(
            location(&["features", "dark mode/ü?"]),
            "/api/admin/features/dark%20mode%2F%C3%BC%3F"
        );
    }
}
