//! What applications call: one folder for each client protocol, each a thin adapter over the published snapshots.
//!
//! Everything here is answered from memory: no database, no blocking thread.

pub(crate) mod cors;
pub mod flagsmith;
pub(crate) mod key;
pub(crate) mod limit;
pub mod ofrep;
pub mod retrievals;
pub mod views;

use actix_web::http::header::HeaderName;
use actix_web::web::ServiceConfig;

use crate::resource::resource;
use ofrep::paths::{BULK, BULK_SLASHED, SINGLE};

/// The header that tells the last change which affects the environment.
pub(crate) const REVISION: HeaderName = HeaderName::from_static("x-flagstaff-revision");

/// The paths of the flag list, with and without the last slash.
const FLAGS: [&str; 2] = ["/api/v1/flags/", "/api/v1/flags"];
/// The flag list's label in metrics and logs.
pub(crate) const EVALUATION: &str = FLAGS[0];
/// The paths of identities.
const IDENTITIES: [&str; 2] = ["/api/v1/identities/", "/api/v1/identities"];
/// The paths of the environment document, which is for servers: no page of another origin reads it.
const DOCUMENT: [&str; 2] = [
    "/api/v1/environment-document/",
    "/api/v1/environment-document",
];
/// The label of identities in metrics and logs.
pub(crate) const IDENTITY: &str = IDENTITIES[0];
/// The paths of reports of use, by feature and by feature and identity.
const ANALYTICS: [&str; 2] = ["/api/v1/analytics/flags/", "/api/v1/analytics/flags"];
const ANALYTICS_2: [&str; 2] = ["/api/v2/analytics/flags/", "/api/v2/analytics/flags"];
const RETRIEVALS: [&str; 2] = [
    "/api/v1/environments/retrievals/",
    "/api/v1/environments/retrievals",
];

/// Evaluations are counted by metrics of their own.
pub(crate) const COUNTED: [(&str, &str, u16); 7] = [
    (EVALUATION, "GET", 200),
    (EVALUATION, "GET", 304),
    (IDENTITY, "GET", 200),
    (IDENTITY, "POST", 200),
    (SINGLE, "POST", 200),
    (BULK, "POST", 200),
    (BULK, "POST", 304),
];

/// Whether the path is that of the flag list.
pub(crate) fn is_list(path: &str) -> bool {
    FLAGS.contains(&path)
}

/// Whether the route is one of evaluations, whose answers pages of other origins may read.
pub(crate) fn is_evaluation(route: &str) -> bool {
    FLAGS.contains(&route)
        || [BULK, BULK_SLASHED, SINGLE].contains(&route)
        || IDENTITIES.contains(&route)
        || ANALYTICS.contains(&route)
        || ANALYTICS_2.contains(&route)
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    // Each path by itself: several in one resource would be matched by a regular expression, on every request.
    for path in FLAGS {
        config.service(
            resource(path)
                .get(flagsmith::flags::list)
                .options(cors::preflight)
                .build(),
        );
    }
    for path in [BULK, BULK_SLASHED, SINGLE] {
        config.service(
            resource(path)
                .ahead("POST")
                .options(cors::preflight_of_posts)
                .build(),
        );
    }
    for path in IDENTITIES {
        config.service(
            resource(path)
                .get(flagsmith::identities::recall)
                .post(flagsmith::identities::identify)
                .options(cors::preflight_of_both)
                .build(),
        );
    }
    for path in ANALYTICS {
        config.service(
            resource(path)
                .post(flagsmith::analytics::count)
                .options(cors::preflight_of_posts)
                .build(),
        );
    }
    for path in ANALYTICS_2 {
        config.service(
            resource(path)
                .post(flagsmith::analytics::count_by_identity)
                .options(cors::preflight_of_posts)
                .build(),
        );
    }
    for path in DOCUMENT {
        config.service(resource(path).get(flagsmith::documents::show).build());
    }
    for path in RETRIEVALS {
        config.service(resource(path).get(retrievals::report).build());
    }
}
