//! The description of the API: `/openapi.json`, and a page to browse it at `/docs/`.
//!
//! Handlers describe what is their own; what every call of a kind may answer is added here, so that no 4xx is left out.

use std::sync::{Arc, OnceLock};

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, http::header};
use bytes::Bytes;
use utoipa::openapi::path::{
    HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::Config;

use crate::error::{Code, PROBLEM_JSON, Problem, ProblemBody};
use crate::resource::resource;
use crate::{admin, health, metrics, sdk};

/// What the page may load: its own files, and the styles that it makes itself.
const PAGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Flagstaff",
        description = "Feature flags. Applications read theirs under /api/v1 with the key of an environment; \
                       people and jobs manage them under /api/admin with an account."
    ),
    paths(
        sdk::flagsmith::flags::list,
        sdk::retrievals::report,
        admin::environments::list,
        admin::environments::create,
        admin::environments::show,
        admin::environments::change,
        admin::environments::delete,
        admin::features::list,
        admin::features::create,
        admin::features::show,
        admin::features::change,
        admin::features::delete,
        admin::flags::list,
        admin::flags::show,
        admin::flags::change,
        admin::keys::list,
        admin::keys::create,
        admin::keys::show,
        admin::keys::rotate,
        admin::keys::delete,
        admin::changes::list,
        health::live,
        health::ready,
        metrics::page,
    ),
    components(schemas(ProblemBody)),
    security(("basic" = [])),
    modifiers(&Common)
)]
struct Description;

/// The description of the API.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

struct Common;

impl Modify for Common {
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
                "environment_key",
                SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Environment-Key"))),
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
                        .or_insert_with(|| problem(what));
                }
            }
        }
    }
}

/// Whether the operation writes a record that is there.
fn conditional(path: &str, method: &HttpMethod) -> bool {
    let changes = matches!(method, HttpMethod::Patch | HttpMethod::Delete);
    path.starts_with("/api/admin") && (changes || path.ends_with("/rotate"))
}

fn if_match() -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name("If-Match")
        .parameter_in(ParameterIn::Header)
        .description(Some("Versions that the write accepts: the record's ETag"))
        .schema(Some(Object::with_type(Type::String)))
        .build();
    RefOr::T(parameter)
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
    ];
    if !path.starts_with("/health") {
        refusals.push(("400", "The request is not valid"));
    }
    if path.starts_with("/api/v1") {
        refusals.push(("503", "Flags are not loaded yet"));
    }
    if path == "/metrics" {
        refusals.push(("403", "An environment's key is no account"));
        refusals.push(("429", "Too many failed attempts to sign in"));
    }
    if path.starts_with("/api/admin") {
        refusals.push(("403", "The account's role does not allow it"));
        refusals.push(("429", "Too many failed attempts to sign in"));
        refusals.push(("500", "Flagstaff is at fault"));
        refusals.push(("503", "The database is not available"));
        if path.contains('{') {
            refusals.push(("404", "There is no such thing"));
        }
        if operation.request_body.is_some() {
            refusals.push(("413", "The body has more than 1 MiB"));
            refusals.push(("415", "The body is not JSON"));
        }
        if conditional(path, method) {
            refusals.push((
                "412",
                "The record has another version than If-Match accepts",
            ));
        }
    }
    refusals
}

fn problem(what: &str) -> RefOr<Response> {
    let body = Content::new(Some(Ref::from_schema_name("Problem")));
    let mut response = Response::new(what);
    response
        .content
        .insert(PROBLEM_JSON.to_owned(), RefOr::T(body));
    RefOr::T(response)
}

/// The description as JSON, made once for all workers.
fn rendered() -> Bytes {
    static RENDERED: OnceLock<Bytes> = OnceLock::new();
    let json = RENDERED.get_or_init(|| {
        let json = description().to_json();
        json.map(Bytes::from).unwrap_or_default()
    });
    json.clone()
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    let description = rendered();
    let page = Arc::new(Config::from("/openapi.json"));
    config
        .service(resource("/docs").get(|| async { redirect() }).build())
        .service(
            resource("/docs/{file:.*}")
                .get(move |file: web::Path<String>| {
                    let file = page_file(&file, Arc::clone(&page));
                    async move { file }
                })
                .build(),
        )
        .service(
            resource("/openapi.json")
                .get(move || {
                    let description = description.clone();
                    async move {
                        HttpResponse::Ok()
                            .content_type("application/json")
                            .body(description)
                    }
                })
                .build(),
        );
}

fn redirect() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "/docs/"))
        .finish()
}

/// A file of the page on which the description is browsed; the page itself where no name is given.
fn page_file(name: &str, page: Arc<Config<'static>>) -> Result<HttpResponse, Problem> {
    let file = utoipa_swagger_ui::serve(name, page)
        .map_err(|error| Problem::fault(error.to_string()))?
        .ok_or_else(|| Problem::new(Code::NotFound, "the page at /docs/ has no such file"))?;
    let mut response = HttpResponse::Ok();
    if file.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    Ok(response
        .insert_header((header::CONTENT_SECURITY_POLICY, PAGE_POLICY))
        .content_type(file.content_type)
        .body(file.bytes.into_owned()))
}
