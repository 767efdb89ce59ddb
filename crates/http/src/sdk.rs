//! What applications call: one folder for each client protocol, each a thin adapter over the published snapshots.
//!
//! Everything here is answered from memory: no database, no blocking thread.

pub mod flagsmith;
mod key;
pub mod retrievals;

use actix_cors::Cors;
use actix_web::http::header;
use actix_web::web::ServiceConfig;

use crate::resource::resource;
use crate::settings::AllowedOrigins;

/// The paths of the flag list, with and without the last slash.
const FLAGS: [&str; 2] = ["/api/v1/flags/", "/api/v1/flags"];
const RETRIEVALS: [&str; 2] = [
    "/api/v1/environments/retrievals/",
    "/api/v1/environments/retrievals",
];

/// Whether the path is that of an evaluation: counted by its own metric, and not logged when it succeeds.
pub(crate) fn is_evaluation(path: &str) -> bool {
    FLAGS.contains(&path)
}

pub(crate) fn configure(origins: &AllowedOrigins, config: &mut ServiceConfig) {
    config
        .service(
            resource(&FLAGS)
                .get(flagsmith::flags::list)
                .build()
                .wrap(cors(origins)),
        )
        .service(resource(&RETRIEVALS).get(retrievals::report).build());
}

/// Lets pages of the allowed origins evaluate flags: browsers ask first, and hide what is not exposed.
fn cors(origins: &AllowedOrigins) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "OPTIONS"])
        .allow_any_header()
        .expose_headers([
            "ETag",
            "X-Flagstaff-Revision",
            "X-Flagsmith-Document-Updated-At",
            "X-Request-Id",
        ])
        .max_age(86_400);
    match origins {
        AllowedOrigins::Any => cors
            .allow_any_origin()
            .send_wildcard()
            .disable_vary_header(),
        AllowedOrigins::Only(origins) => origins
            .iter()
            .fold(cors.disable_vary_header(), |cors, origin| {
                cors.allowed_origin(origin)
            })
            .block_on_origin_mismatch(false),
    }
}

/// What an answer of an evaluation depends on, for caches on the way.
fn vary(origins: &AllowedOrigins) -> (header::HeaderName, &'static str) {
    let on = match origins {
        AllowedOrigins::Any => "X-Environment-Key, Accept-Encoding",
        AllowedOrigins::Only(_) => "X-Environment-Key, Accept-Encoding, Origin",
    };
    (header::VARY, on)
}
