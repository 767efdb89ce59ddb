//! Who may call what: every operation of the running application, as its description lists them, refuses whoever has
//! not signed in, unless it is written down here as public, and every role what is beyond it.
//!
//! That the description is complete is shown in [`crate::openapi`].

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use actix_web::http::Method;
use serde_json::json;

use crate::openapi::{description, operations};
use crate::support::{Answer, Api, PASSWORD};

/// What anybody may call.
const PUBLIC: [&str; 5] = [
    "GET /api/v1/environments/retrievals/",
    "GET /guid/{guid}",
    "GET /health/live",
    "GET /health/ready",
    "POST /api/admin/sessions",
];

/// What anybody may call of the modules, in builds that have them and where no setting closes it.
const PUBLIC_OF_MODULES: [&str; 3] = ["GET /coupons", "GET /coupons/{id}", "GET /rates/{date}/"];

/// What anybody with an account may do with the modules.
const OWN_OF_MODULES: [&str; 1] = ["POST /coupons/{id}/redemptions"];

/// Changes that a viewer may make, since they are of one's own.
const OWN: [&str; 3] = [
    "POST /api/admin/tokens",
    "DELETE /api/admin/tokens/{id}",
    "DELETE /api/admin/sessions/current",
];

/// Questions that need a body, and change nothing.
const ASKED: [&str; 2] = [
    "POST /api/admin/environments/{environment}/evaluate",
    "POST /api/admin/environments/{environment}/preview",
];

/// What an editor may not do. Of `PATCH /api/admin/users/{id}` everybody may do one thing, which has tests of its own.
const ADMINISTRATORS: [&str; 8] = [
    "POST /api/admin/environments/{environment}/keys",
    "PATCH /api/admin/environments/{environment}/keys/{id}",
    "DELETE /api/admin/environments/{environment}/keys/{id}",
    "POST /api/admin/environments/{environment}/keys/{id}/rotate",
    "POST /api/admin/users",
    "GET /api/admin/users/{id}",
    "PATCH /api/admin/users/{id}",
    "DELETE /api/admin/users/{id}",
];

/// Every operation as it is written above, its method, and a path at which something is.
async fn all(api: &Api) -> Vec<(String, Method, String)> {
    let operations = operations(&description(api).await);
    let all = operations.into_iter().map(|(path, method, _)| {
        let concrete = path
            .replace("{environment}", "production")
            .replace("{feature}", "a")
            .replace("{segment}", "a")
            .replace("{guid}", "9094E4C980C74043A4B586B420E69DDF")
            .replace("{date}", "2026-11-19")
            .replace("{id}", "1");
        let name = format!("{method} {path}");
        (name, method.parse().unwrap(), concrete)
    });
    let all: Vec<_> = all.collect();
    assert!(all.len() > 30, "{all:?}");
    for name in PUBLIC
        .iter()
        .chain(&OWN)
        .chain(&ASKED)
        .chain(&ADMINISTRATORS)
    {
        assert!(all.iter().any(|(one, _, _)| one == name), "{name} is gone");
    }
    all
}

async fn api() -> Api {
    let (api, _) = Api::production().await;
    api.feature("a").await;
    for role in ["viewer", "editor"] {
        api.backend.account(role, role, false);
    }
    api
}

/// Calls everything as somebody, with an empty object where a change takes a body.
async fn call(api: &Api, who: &str, method: &Method, path: &str) -> Answer {
    let ask = api.ask(method.clone(), path).basic(who, PASSWORD);
    match *method {
        Method::POST | Method::PUT | Method::PATCH => ask.json(json!({})).send().await,
        _ => ask.send().await,
    }
}

#[actix_web::test]
async fn whoever_has_not_signed_in_is_refused_but_for_what_is_public() {
    let api = api().await;
    for (name, method, path) in all(&api).await {
        let answer = api.ask(method, &path).send().await;
        if PUBLIC.contains(&name.as_str()) || PUBLIC_OF_MODULES.contains(&name.as_str()) {
            assert_ne!(answer.status, 401, "{name}");
        } else {
            match path.starts_with("/ofrep") {
                true => assert_eq!(answer.status, 401, "{name}"),
                false => drop(answer.problem(401, "unauthenticated")),
            }
            assert!(answer.header("WWW-Authenticate").is_some(), "{name}");
        }
    }
    // Nor are they told what there is.
    for (method, path) in [
        (Method::HEAD, "/features"),
        (Method::PUT, "/features"),
        (Method::GET, "/nothing"),
        (Method::GET, "/sessions/current"),
        (Method::GET, "/users/99"),
    ] {
        let answer = api.ask(method, &format!("/api/admin{path}")).send().await;
        answer.problem(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn a_viewer_changes_nothing_but_what_is_ones_own() {
    let api = api().await;
    let before = api.read("/api/admin/changes").await;
    for (name, method, path) in all(&api).await {
        let managed = ["/api/admin", "/guid", "/coupons"];
        let managed = managed.iter().any(|root| path.starts_with(root));
        if !managed || PUBLIC.contains(&name.as_str()) {
            continue;
        }
        let answer = call(&api, "viewer", &method, &path).await;
        let own = OWN.contains(&name.as_str()) || OWN_OF_MODULES.contains(&name.as_str());
        let asked = method == Method::GET || ASKED.contains(&name.as_str());
        let read = asked && !ADMINISTRATORS.contains(&name.as_str());
        if own || read {
            assert!(!matches!(answer.status, 401 | 403), "{name}");
        } else {
            let detail = answer.problem(403, "forbidden");
            assert!(detail.contains("viewer is viewer"), "{name}: {detail}");
        }
    }
    assert_eq!(api.read("/api/admin/changes").await.body, before.body);
}

#[actix_web::test]
async fn an_editor_manages_neither_keys_nor_users() {
    let api = api().await;
    for (name, method, path) in all(&api).await {
        let admins = ADMINISTRATORS.contains(&name.as_str());
        if !path.starts_with("/api/admin") || method == Method::DELETE && !admins {
            continue;
        }
        let answer = call(&api, "editor", &method, &path).await;
        assert_eq!(answer.status == 403, admins, "{name}: {}", answer.text());
    }
}
