//! The description of the API: `/openapi.json`, and a page to browse it at `/docs/`.
//!
//! Handlers describe what is their own; what every call of a kind may answer is added by `additions`.

mod additions;

use std::sync::{Arc, OnceLock};

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, http::header};
use bytes::Bytes;
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::Config;

use self::additions::Additions;
use crate::error::{Code, Problem, ProblemBody};
use crate::resource::resource;
use crate::{admin, guid, health, metrics, modules, sdk};

/// What the page may load: its own files, and the styles that it makes itself.
const PAGE_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                           frame-ancestors 'none'";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Flagstaff",
        description = "Feature flags. Applications read theirs under /api/v1 with the key of an environment; \
                       people and jobs manage them under /api/admin with an account. /guid is a register of GUIDs, \
                       each a credential for its own record."
    ),
    paths(
        sdk::flagsmith::flags::list,
        sdk::flagsmith::identities::recall,
        sdk::flagsmith::identities::identify,
        sdk::flagsmith::documents::show,
        sdk::flagsmith::analytics::count,
        sdk::flagsmith::analytics::count_by_identity,
        sdk::retrievals::report,
        sdk::ofrep::evaluate::single,
        sdk::ofrep::evaluate::bulk,
        admin::environments::list,
        admin::environments::create,
        admin::environments::show,
        admin::environments::change,
        admin::environments::delete,
        admin::evaluation::evaluate,
        admin::preview::preview,
        admin::features::list,
        admin::features::create,
        admin::features::show,
        admin::features::change,
        admin::features::delete,
        admin::flags::list,
        admin::flags::show,
        admin::flags::change,
        admin::segments::list,
        admin::segments::create,
        admin::segments::show,
        admin::segments::change,
        admin::segments::delete,
        admin::segments::operators,
        admin::overrides::list,
        admin::overrides::create,
        admin::overrides::show,
        admin::overrides::change,
        admin::overrides::delete,
        admin::usage::list,
        admin::keys::list,
        admin::keys::create,
        admin::keys::show,
        admin::keys::change,
        admin::keys::rotate,
        admin::keys::delete,
        admin::users::list,
        admin::users::create,
        admin::users::me,
        admin::users::show,
        admin::users::change,
        admin::users::delete,
        admin::sessions::begin,
        admin::sessions::end,
        admin::tokens::list,
        admin::tokens::create,
        admin::tokens::delete,
        admin::changes::list,
        guid::routes::generate,
        guid::routes::create,
        guid::routes::show,
        guid::routes::change,
        guid::routes::delete,
        health::live,
        health::ready,
        metrics::page,
    ),
    components(schemas(ProblemBody)),
    security(("basic" = []), ("access_token" = []), ("session" = []))
)]
struct Description;

/// The description of the API.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    let mut api = Description::openapi();
    for describe in modules::DESCRIPTIONS {
        api.merge(describe());
    }
    Additions.modify(&mut api);
    api
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
