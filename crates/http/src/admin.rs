//! Management: environments, features, flags, segments, overrides, keys, users with their sessions and tokens, and the log
//! of changes. Every call needs an account, but for the one that begins a session.
//!
//! [`dto`] holds the shapes of records, [`explanation`] those of evaluations, `schema` how their fields are described; each other module the routes of one
//! resource.

pub(crate) mod answer;
pub(crate) mod changes;
pub mod dto;
pub(crate) mod environments;
pub(crate) mod evaluation;
pub mod explanation;
pub(crate) mod features;
pub(crate) mod flags;
pub(crate) mod keys;
pub(crate) mod overrides;
pub(crate) mod preview;
pub(crate) mod schema;
pub(crate) mod segments;
pub(crate) mod sessions;
pub(crate) mod tokens;
pub mod usage;
pub(crate) mod users;

use actix_web::web::ServiceConfig;

use crate::resource::resource;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            resource("/environments")
                .get(environments::list)
                .post(environments::create)
                .build(),
        )
        .service(
            resource("/environments/{environment}")
                .get(environments::show)
                .patch(environments::change)
                .delete(environments::delete)
                .build(),
        )
        .service(
            resource("/environments/{environment}/keys")
                .get(keys::list)
                .post(keys::create)
                .build(),
        )
        .service(
            resource("/environments/{environment}/keys/{id}")
                .get(keys::show)
                .patch(keys::change)
                .delete(keys::delete)
                .build(),
        )
        .service(
            resource("/environments/{environment}/keys/{id}/rotate")
                .post(keys::rotate)
                .build(),
        )
        .service(
            resource("/environments/{environment}/flags")
                .get(flags::list)
                .build(),
        )
        .service(
            resource("/environments/{environment}/flags/{feature}")
                .get(flags::show)
                .patch(flags::change)
                .build(),
        )
        .service(
            resource("/environments/{environment}/evaluate")
                .post(evaluation::evaluate)
                .build(),
        )
        .service(
            resource("/environments/{environment}/preview")
                .post(preview::preview)
                .build(),
        )
        .service(
            resource("/environments/{environment}/usage")
                .get(usage::list)
                .build(),
        )
        .service(
            resource("/environments/{environment}/flags/{feature}/overrides")
                .get(overrides::list)
                .post(overrides::create)
                .build(),
        )
        .service(
            resource("/environments/{environment}/flags/{feature}/overrides/{id}")
                .get(overrides::show)
                .patch(overrides::change)
                .delete(overrides::delete)
                .build(),
        )
        .service(
            resource("/segments")
                .get(segments::list)
                .post(segments::create)
                .build(),
        )
        .service(
            resource("/segments/{segment}")
                .get(segments::show)
                .patch(segments::change)
                .delete(segments::delete)
                .build(),
        )
        .service(resource("/operators").get(segments::operators).build())
        .service(
            resource("/features")
                .get(features::list)
                .post(features::create)
                .build(),
        )
        .service(
            resource("/features/{feature}")
                .get(features::show)
                .patch(features::change)
                .delete(features::delete)
                .build(),
        )
        .service(
            resource("/users")
                .get(users::list)
                .post(users::create)
                .build(),
        )
        .service(resource("/users/me").get(users::me).build())
        .service(
            resource("/users/{id}")
                .get(users::show)
                .patch(users::change)
                .delete(users::delete)
                .build(),
        )
        .service(resource("/sessions/current").delete(sessions::end).build())
        .service(
            resource("/tokens")
                .get(tokens::list)
                .post(tokens::create)
                .build(),
        )
        .service(resource("/tokens/{id}").delete(tokens::delete).build())
        .service(resource("/changes").get(changes::list).build());
}
