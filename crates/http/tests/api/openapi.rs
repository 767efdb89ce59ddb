//! The description of the API: it tells of every route, method and refusal that there is, and is served with its page.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api, PASSWORD};

/// Routes that are no part of the described API: the description itself and its page.
const UNDESCRIBED: [&str; 4] = [
    "/openapi.json",
    "/docs",
    "/docs/{file:.*}",
    // Every path of it is refused.
    "/guid/{none:.*}",
];

const GUID: &str = "9094E4C980C74043A4B586B420E69DDF";
const FEATURES: &str = "/api/admin/features";

/// The files that register routes, and what stands in front of these.
const ROUTES: &[(&str, &str)] = &[
    ("admin.rs", "/api/admin"),
    ("app.rs", ""),
    ("sdk.rs", ""),
    ("sdk/ofrep/paths.rs", ""),
    ("guid.rs", ""),
    ("health.rs", ""),
    ("metrics.rs", ""),
    ("openapi.rs", ""),
    ("modules/coupons.rs", ""),
    ("modules/rates.rs", ""),
];

pub(crate) async fn description(api: &Api) -> Value {
    let answer = api.get("/openapi.json").await;
    assert_eq!(
        (answer.status, answer.header("Content-Type")),
        (200, Some("application/json"))
    );
    answer.json()
}

/// Every operation as (path, method, operation).
pub(crate) fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for method in [
            "get", "put", "post", "patch", "delete", "head", "options", "trace",
        ] {
            if let Some(operation) = item.get(method) {
                all.push((path.clone(), method.to_uppercase(), operation.clone()));
            }
        }
    }
    all
}

/// The paths that the sources register: the texts in `resource(…)` and in the constants that stand for them.
fn registered() -> BTreeSet<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = BTreeSet::new();
    let mut left_out = Vec::new();
    if cfg!(not(feature = "coupons")) {
        left_out.push("modules/coupons.rs");
    }
    if cfg!(not(feature = "rates")) {
        left_out.push("modules/rates.rs");
    }
    for (file, prefix) in ROUTES.iter().filter(|(file, _)| !left_out.contains(file)) {
        let source = std::fs::read_to_string(src.join(file)).unwrap();
        let single = source.split("resource(").skip(1);
        let single = single.filter_map(|rest| rest.split_once(')'));
        let lists = source.split(": [&str; 2] = [").skip(1);
        let lists = lists.filter_map(|rest| rest.split_once(']'));
        for (list, _) in single.chain(lists) {
            let texts = list.split('"').skip(1).step_by(2);
            paths.extend(
                texts
                    .filter(|text| text.starts_with('/'))
                    .map(|text| format!("{prefix}{text}")),
            );
        }
    }
    paths
}

#[test]
fn routes_are_registered_in_these_files_alone_and_as_resources() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&src).unwrap().display().to_string();
            let source = std::fs::read_to_string(&path).unwrap();
            let known = ROUTES.iter().any(|(file, _)| *file == name) || name == "resource.rs";
            assert!(
                known || !source.contains("resource("),
                "{name} is not looked at"
            );
            assert!(
                name == "resource.rs" || !source.contains(".route("),
                "{name}"
            );
        }
    }
}

#[actix_web::test]
async fn every_route_is_described() {
    let api = Api::empty().await;
    let description = description(&api).await;
    let described = description["paths"].as_object().unwrap();
    let registered = registered();
    assert!(
        registered.len() > 15,
        "the sources were read: {registered:?}"
    );
    for path in &registered {
        let same = [path.clone(), format!("{path}/")];
        let known = same.iter().any(|path| described.contains_key(path));
        assert!(
            known || UNDESCRIBED.contains(&path.as_str()),
            "{path} is not described"
        );
    }
    for path in described.keys() {
        assert!(
            registered.contains(path),
            "{path} is described but not registered"
        );
    }
}

#[actix_web::test]
async fn every_method_is_described_and_no_other() {
    let api = Api::empty().await;
    api.create("/api/admin/environments", json!({"name": "{environment}"}))
        .await;
    let description = description(&api).await;
    for path in description["paths"].as_object().unwrap().keys() {
        let methods = operations(&description)
            .into_iter()
            .filter(|(at, _, _)| at == path);
        let mut described: BTreeSet<String> = methods.map(|(_, method, _)| method).collect();
        if described.contains("GET") {
            described.insert("HEAD".to_owned());
        }
        let for_pages = [
            "/flags/",
            "/identities/",
            "/coupons",
            "/coupons/{id}",
            "/coupons/{id}/redemptions",
            "/rates/{date}/",
        ];
        if for_pages.iter().any(|end| path.ends_with(end)) || path.starts_with("/ofrep") {
            described.insert("OPTIONS".to_owned());
        }
        let concrete = path.replace("{id}", "1").replace("{guid}", GUID);
        let concrete = concrete.replace(['{', '}'], "");
        let unknown = Method::from_bytes(b"BREW").unwrap();
        let refused = api.manage(unknown, &concrete).send().await;
        match path.starts_with("/ofrep") {
            true => assert_eq!(
                (refused.status, &refused.json()["errorCode"]),
                (405, &json!("GENERAL"))
            ),
            false => {
                refused.problem(405, "method_not_allowed");
            }
        }
        let allowed = refused
            .header("Allow")
            .unwrap()
            .split(", ")
            .map(str::to_owned)
            .collect();
        assert_eq!(described, allowed, "{path}");
    }
}

#[actix_web::test]
async fn every_operation_documents_its_refusals() {
    let api = Api::empty().await;
    for (path, method, operation) in operations(&description(&api).await) {
        let responses = operation["responses"].as_object().unwrap();
        let documented = |status: &str| responses.contains_key(status);
        assert!(
            responses.keys().any(|status| status.starts_with('4')),
            "{method} {path}"
        );
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{method} {path}"
        );
        assert!(documented("401"), "{method} {path}: a key in the query");
        assert!(documented("431"), "{method} {path}: a long head");
        if path.starts_with("/guid") && method == "GET" {
            for status in ["400", "404", "405", "500", "503"] {
                assert!(documented(status), "{method} {path} lacks {status}");
            }
        } else if path.starts_with("/api/admin") || path.starts_with("/guid") {
            for status in ["400", "403", "405", "429", "500", "503"] {
                assert!(documented(status), "{method} {path} lacks {status}");
            }
            let named = path.contains('{') || path.ends_with("/sessions/current");
            assert_eq!(documented("404"), named, "{method} {path}");
            let body = operation.get("requestBody").is_some();
            for status in ["408", "413", "415"] {
                assert_eq!(documented(status), body, "{method} {path} {status}");
            }
            assert_eq!(
                documented("412"),
                (matches!(method.as_str(), "PATCH" | "DELETE") && !path.contains("/sessions"))
                    || path.ends_with("/rotate"),
                "{method} {path}"
            );
        }
        for (status, response) in responses
            .iter()
            .filter(|(status, _)| status.starts_with('4'))
        {
            let media_type = match path.starts_with("/ofrep") {
                true => "application/json",
                false => "application/problem+json",
            };
            let problem = &response["content"][media_type]["schema"];
            assert!(problem.is_object(), "{method} {path} {status} is a problem");
            assert!(!response["description"].as_str().unwrap().is_empty());
        }
    }
}

#[actix_web::test]
async fn every_operation_says_what_it_does_and_takes() {
    let api = Api::empty().await;
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&description(&api).await) {
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{method} {path}"
        );
        assert!(operation["tags"].is_array(), "{method} {path}");
        assert!(
            ids.insert(operation["operationId"].to_string()),
            "{method} {path} shares its id"
        );
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let in_path: BTreeSet<_> = parameters
            .iter()
            .filter(|one| one["in"] == "path")
            .map(|one| format!("{{{}}}", one["name"].as_str().unwrap()))
            .collect();
        let expected: BTreeSet<_> = path
            .split('/')
            .filter(|part| part.starts_with('{'))
            .map(str::to_owned)
            .collect();
        assert_eq!(in_path, expected, "{method} {path}");
    }
}

#[actix_web::test]
async fn the_words_that_are_described_are_accepted() {
    let (api, _) = Api::production().await;
    let schemas = description(&api).await["components"]["schemas"].clone();
    let words = |name: &str| {
        let words = schemas[name]["enum"].as_array().unwrap();
        words
            .iter()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for word in words("FeatureType") {
        let feature = json!({"name": word, "type": word});
        assert_eq!(api.create(FEATURES, feature).await["type"], word);
    }
    for word in words("KeyKind") {
        let key = json!({"name": "a key", "kind": word});
        let created = api.create("/api/admin/environments/production/keys", key);
        assert_eq!(created.await["kind"], word);
    }
    for word in words("Role") {
        let user = json!({"username": format!("a {word}"), "password": PASSWORD, "role": word});
        assert_eq!(api.create("/api/admin/users", user).await["role"], word);
    }
    for word in words("Context") {
        let path = format!("/api/admin/changes?context={word}");
        let answer = api.read(&path).await;
        assert_eq!(answer.status, 200, "{word}");
        for change in answer.json().as_array().unwrap() {
            assert_eq!(change["context"], word);
        }
    }
}

#[actix_web::test]
async fn every_reference_leads_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value.as_str() {
                        Some(target) if name == "$ref" => found.push(target.to_owned()),
                        _ => references(value, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let api = Api::empty().await;
    let description = description(&api).await;
    let mut found = Vec::new();
    references(&description, &mut found);
    assert!(found.len() > 20);
    for target in found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{target}");
    }
}

/// A file of the page, whole and with the policy for pages.
async fn file(api: &Api, path: &str, kind: &str) -> Answer {
    let answer = api.get(path).await;
    assert_eq!(answer.status, 200, "{path}");
    assert!(
        answer.header("Content-Type").unwrap().starts_with(kind),
        "{path}"
    );
    let policy = answer.header("Content-Security-Policy").unwrap();
    for part in ["default-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(
        !policy.contains("script-src"),
        "scripts come from here alone: {policy}"
    );
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    answer
}

#[actix_web::test]
async fn the_page_is_served_with_a_policy_and_its_files() {
    let api = Api::empty().await;
    let page = file(&api, "/docs/", "text/html").await;
    for (name, kind) in [
        ("swagger-ui.css", "text/css"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-initializer.js", "text/javascript"),
    ] {
        assert!(page.text().contains(name), "{name}");
        file(&api, &format!("/docs/{name}"), kind).await;
    }
    let start = file(&api, "/docs/swagger-initializer.js", "text/javascript").await;
    assert!(start.text().contains("/openapi.json"));
    assert_eq!(api.ask(Method::HEAD, "/docs/").send().await.status, 200);
}

#[actix_web::test]
async fn the_page_is_found_without_the_last_slash() {
    let api = Api::empty().await;
    for method in [Method::GET, Method::HEAD] {
        let answer = api.ask(method, "/docs").send().await;
        assert_eq!(
            (answer.status, answer.header("Location")),
            (308, Some("/docs/"))
        );
    }
}

#[actix_web::test]
async fn what_the_page_has_not_is_a_problem_like_any_other() {
    let api = Api::empty().await;
    for path in [
        "/docs/nothing.js",
        "/docs/..%2fopenapi.json",
        "/docs/%2e%2e/Cargo.toml",
        "/docs/%00",
    ] {
        api.get(path).await.problem(404, "not_found");
    }
    for path in ["/docs/", "/docs", "/docs/swagger-ui.css"] {
        let refused = api.ask(Method::POST, path).send().await;
        refused.problem(405, "method_not_allowed");
        assert_eq!(refused.header("Allow"), Some("GET, HEAD"));
    }
}
