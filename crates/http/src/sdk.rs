//! What applications call: one folder for each client protocol, each a thin adapter over the published snapshots.
//!
//! Everything here is answered from memory: no database, no blocking thread.

pub(crate) mod cors;
pub mod flagsmith;
pub(crate) mod key;
pub mod retrievals;

use actix_web::web::ServiceConfig;

use crate::resource::resource;

/// The paths of the flag list, with and without the last slash.
const FLAGS: [&str; 2] = ["/api/v1/flags/", "/api/v1/flags"];
/// The flag list's label in metrics and logs.
pub(crate) const EVALUATION: &str = FLAGS[0];
const RETRIEVALS: [&str; 2] = [
    "/api/v1/environments/retrievals/",
    "/api/v1/environments/retrievals",
];

/// Whether the path is that of an evaluation: counted by its own metric, and not logged when it succeeds.
pub(crate) fn is_evaluation(path: &str) -> bool {
    FLAGS.contains(&path)
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
    for path in RETRIEVALS {
        config.service(resource(path).get(retrievals::report).build());
    }
}
