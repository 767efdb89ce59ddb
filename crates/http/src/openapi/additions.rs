//! What operations of a kind have in common in the description: refusals, headers, names. No 4xx is left out.

use utoipa::Modify;
use utoipa::openapi::path::{
    HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Header, HeaderBuilder, Ref, RefOr, Response};

use crate::error::PROBLEM_JSON;
use crate::{modules, sdk};

/// Entity tags between commas (RFC 9110, 13.1.1); in a tag of Flagstaff's there is no comma.
const ENTITY_TAGS: &str =
    r#"^(W/)?"[\x21\x23-\x2b\x2d-\x7e]*"([ \t]*,[ \t]*(W/)?"[\x21\x23-\x2b\x2d-\x7e]*")*$"#;

/// What whoever sends a body may be answered.
const OF_BODIES: [(&str, &str); 3] = [
    ("408", "The body took too long to arrive"),
    ("413", "The body has more than 1 MiB"),
    ("415", "The body is not JSON"),
];

const MISMATCH: (&str, &str) = (
    "412",
    "The record has another version than If-Match accepts",
);

/// Adds what handlers leave out.
pub(super) struct Additions;

impl Modify for Additions {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        if let Some(components) = api.components.as_mut() {
            components.add_security_scheme(
                "basic",
                SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Basic).build()),
            );
            components.add_security_scheme(
                "metrics_token",
                SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
            );
            components.add_security_scheme(
                "access_token",
                SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
            );
            components.add_security_scheme(
                "session",
                SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                    "flagstaff",
                    "`__Host-flagstaff` where `sign_in.secure_cookie` is on",
                ))),
            );
            components.add_security_scheme(
                "environment_key",
                SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Environment-Key"))),
            );
            components.add_security_scheme(
                "ofrep_bearer",
                SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
            );
            components.add_security_scheme(
                "ofrep_api_key",
                SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))),
            );
        }
        for (path, item) in &mut api.paths.paths {
            for (method, operation) in operations(item) {
                name(operation);
                if conditional(path, &method) {
                    operation
                        .parameters
                        .get_or_insert_default()
                        .push(if_match());
                }
                for (status, what) in refusals(path, &method, operation) {
                    operation
                        .responses
                        .responses
                        .entry(status.to_owned())
                        .or_insert_with(|| match is_ofrep(path) {
                            true => failure(what),
                            false => problem(what),
                        });
                }
                for (status, response) in &mut operation.responses.responses {
                    if let RefOr::T(response) = response {
                        let headers = headers(path, &method, status).into_iter();
                        response.headers.extend(headers.map(header));
                    }
                }
            }
        }
    }
}

/// Whether the operation is one on records, of management or of the GUID register.
fn on_records(path: &str) -> bool {
    path.starts_with("/api/admin") || path.starts_with("/guid")
}

/// Whether it is one of OFREP's, whose errors have a shape of their own.
fn is_ofrep(path: &str) -> bool {
    path.starts_with("/ofrep")
}

/// Whether the operation needs an account, whatever the configuration says.
fn needs_account(path: &str, method: &HttpMethod) -> bool {
    on_records(path) && !(path.starts_with("/guid") && *method == HttpMethod::Get)
}

/// Whether the operation writes a record that is there.
fn conditional(path: &str, method: &HttpMethod) -> bool {
    let changes = matches!(method, HttpMethod::Patch | HttpMethod::Delete);
    let of_module = modules::has_record(path)
        && path.contains('{')
        && matches!(method, HttpMethod::Put | HttpMethod::Delete);
    of_module || on_records(path) && !is_session(path) && (changes || path.ends_with("/rotate"))
}

/// Whether it is about a session, which is no record: it has no version, and the log does not tell of it.
fn is_session(path: &str) -> bool {
    path.starts_with("/api/admin/sessions")
}

/// Whether the answer is worked out and nothing is changed: it has neither a version nor pages.
fn is_computed(path: &str) -> bool {
    let ends = ["/evaluate", "/preview", "/usage", "/operators"];
    on_records(path) && ends.iter().any(|end| path.ends_with(end))
}

fn if_match() -> RefOr<Parameter> {
    let string = || ObjectBuilder::new().schema_type(Type::String);
    let accepted = AnyOfBuilder::new()
        .item(string().enum_values(Some(["*"])))
        .item(string().pattern(Some(ENTITY_TAGS)));
    let parameter = ParameterBuilder::new()
        .name("If-Match")
        .parameter_in(ParameterIn::Header)
        .description(Some("Versions that the write accepts: the record's ETag"))
        .schema(Some(accepted));
    RefOr::T(parameter.build())
}

/// Operations are named after their handlers, which resources have in common; the resource's tag makes them unique.
fn name(operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next();
    if let (Some(tag), Some(handler)) = (tag, &operation.operation_id) {
        operation.operation_id = Some(format!("{tag}_{handler}"));
    }
}

fn operations(item: &mut PathItem) -> Vec<(HttpMethod, &mut Operation)> {
    [
        (HttpMethod::Get, item.get.as_mut()),
        (HttpMethod::Post, item.post.as_mut()),
        (HttpMethod::Put, item.put.as_mut()),
        (HttpMethod::Patch, item.patch.as_mut()),
        (HttpMethod::Delete, item.delete.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.map(|operation| (method, operation)))
    .collect()
}

/// What every operation of this kind may answer besides its own.
fn refusals(
    path: &str,
    method: &HttpMethod,
    operation: &Operation,
) -> Vec<(&'static str, &'static str)> {
    let mut refusals = vec![
        ("405", "The path knows other methods; Allow names them"),
        ("401", "A key or credentials are missing or wrong"),
        (
            "431",
            "The request's line and headers have more than 16 KiB",
        ),
    ];
    if !path.starts_with("/health") {
        refusals.push(("400", "The request is not valid"));
    }
    if path.starts_with("/api/v1") || is_ofrep(path) {
        refusals.push(("503", "Flags are not loaded yet"));
    }
    if [sdk::EVALUATION, sdk::IDENTITY].contains(&path) || is_ofrep(path) {
        refusals.push(("429", "The key asks for more a second than it may"));
    }
    if is_ofrep(path) {
        refusals.push(("500", "Flagstaff is at fault"));
        refusals.push(("415", "The body's Content-Encoding is not known"));
        refusals.extend(OF_BODIES);
    }
    if path.starts_with("/api/v") && operation.request_body.is_some() {
        refusals.extend(OF_BODIES);
    }
    if path == "/metrics" {
        refusals.push(("403", "An environment's key is no account"));
        refusals.push(("429", "Too many failed attempts to sign in"));
        refusals.push(("500", "Flagstaff is at fault"));
        refusals.push(("503", "The database is not available"));
    }
    if needs_account(path, method) {
        refusals.push(("403", "The account's role does not allow it"));
        refusals.push(("429", "Too many failed attempts to sign in"));
    }
    if modules::owns(path) {
        refusals.push(("500", "Flagstaff is at fault"));
        refusals.push(("503", "The database is not available"));
        if path.contains('{') {
            refusals.push(("404", "There is no such thing"));
        }
        refusals.push(("403", "The account's role does not allow it"));
        refusals.push(("429", "Too many failed attempts"));
        if operation.request_body.is_some() {
            refusals.extend(OF_BODIES);
        }
        if conditional(path, method) {
            refusals.push(MISMATCH);
        }
    }
    if on_records(path) {
        refusals.push(("500", "Flagstaff is at fault"));
        refusals.push(("503", "The database is not available"));
        if path.contains('{') {
            refusals.push(("404", "There is no such thing"));
        }
        if operation.request_body.is_some() {
            refusals.extend(OF_BODIES);
        }
        if conditional(path, method) {
            refusals.push(MISMATCH);
        }
    }
    refusals
}

fn problem(what: &str) -> RefOr<Response> {
    refusal(what, PROBLEM_JSON, "Problem")
}

/// A problem as OFREP writes it.
fn failure(what: &str) -> RefOr<Response> {
    refusal(what, "application/json", "OfrepError")
}

fn refusal(what: &str, media_type: &str, schema: &str) -> RefOr<Response> {
    let body = Content::new(Some(Ref::from_schema_name(schema)));
    let mut response = Response::new(what);
    response
        .content
        .insert(media_type.to_owned(), RefOr::T(body));
    RefOr::T(response)
}

/// The headers of an answer, and what they tell.
fn headers(path: &str, method: &HttpMethod, status: &str) -> Vec<(&'static str, &'static str)> {
    let mut headers = match status {
        "401" => vec![("WWW-Authenticate", "What would let the request in")],
        "405" => vec![("Allow", "The methods that the path knows")],
        "429" => vec![("Retry-After", "After how many seconds to try again")],
        "503" => vec![(
            "Retry-After",
            "After how many seconds to try again; not there where the change may have been made",
        )],
        _ => Vec::new(),
    };
    if status.starts_with(['4', '5']) {
        headers.push(("X-Request-Id", "Under which the server's log tells more"));
    }
    if is_session(path) && status.starts_with('2') {
        headers.push(("Set-Cookie", "The session's cookie, or its end"));
    }
    let records = on_records(path) || modules::has_record(path);
    if !records || is_session(path) || is_computed(path) {
        return headers;
    }
    let record = path.ends_with('}') || *method == HttpMethod::Post;
    match (status, record) {
        ("200" | "201", true) => headers.push(("ETag", "The record's version")),
        ("200", false) => headers.push(("Link", "Where the next page is, if there is one")),
        _ => {}
    }
    if status == "201" {
        headers.push(("Location", "The record's path"));
    }
    if status.starts_with('2') && *method != HttpMethod::Get {
        headers.push((
            "X-Flagstaff-Revision",
            "The log's position after the change",
        ));
    }
    headers
}

fn header((name, what): (&str, &str)) -> (String, RefOr<Header>) {
    let header = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
        .description(Some(what));
    (name.to_owned(), RefOr::T(header.build()))
}
