//! The server's own faults: a locked or broken database, a handler that panics.

use std::sync::atomic::Ordering;

use actix_web::http::Method;
use serde_json::json;

use crate::support::Api;

#[actix_web::test]
async fn a_write_to_a_locked_database_is_refused_for_now() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let before = api.read("/api/admin/changes").await;
    let lock = api.backend.lock();
    for (method, path, body) in [
        (Method::POST, "/api/admin/features", json!({"name": "b"})),
        (
            Method::PATCH,
            "/api/admin/features/a",
            json!({"description": "x"}),
        ),
        (Method::DELETE, "/api/admin/features/a", json!({})),
        (
            Method::POST,
            "/api/admin/environments",
            json!({"name": "b"}),
        ),
        (
            Method::PATCH,
            "/api/admin/environments/production/flags/a",
            json!({"enabled": true}),
        ),
        (
            Method::POST,
            "/api/admin/environments/production/keys",
            json!({"name": "b", "kind": "client"}),
        ),
        (
            Method::POST,
            "/api/admin/environments/production/keys/1/rotate",
            json!({"grace_seconds": 0}),
        ),
        (
            Method::DELETE,
            "/api/admin/environments/production/keys/1",
            json!({}),
        ),
    ] {
        let answer = api.manage(method, path).json(body).send().await;
        let detail = answer.problem(503, "unavailable");
        assert_eq!(answer.header("Retry-After"), Some("1"), "{path}");
        for internal in ["locked", "sqlite", "SQL", "diesel"] {
            assert!(!detail.contains(internal), "{detail}");
        }
    }
    assert_eq!(
        api.read("/api/admin/changes").await.body,
        before.body,
        "reads go on, and nothing was changed"
    );
    let served = api.flags(&key).await;
    assert_eq!(
        (served.status, &served.json()[0]["enabled"]),
        (200, &json!(false))
    );
    drop(lock);
    api.feature("b").await;
    assert_eq!(api.flags(&key).await.names(), ["a", "b"]);
}

#[actix_web::test]
async fn many_writes_wait_for_a_lock_together() {
    let (api, _) = Api::production().await;
    let lock = api.backend.lock();
    let writes = (0..30).map(|at| {
        let body = json!({"name": format!("feature{at}")});
        api.manage(Method::POST, "/api/admin/features")
            .json(body)
            .send()
    });
    for answer in futures_util::future::join_all(writes).await {
        answer.problem(503, "unavailable");
    }
    drop(lock);
    api.feature("after").await;
    assert_eq!(api.read("/api/admin/features").await.names(), ["after"]);
}

#[actix_web::test]
async fn a_change_that_is_stored_and_not_served_yet_is_in_doubt() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    api.backend.stale.store(true, Ordering::SeqCst);
    let path = "/api/admin/environments/production/flags/a";
    let change = api
        .manage(Method::PATCH, path)
        .json(json!({"enabled": true}));
    let answer = change.send().await;
    let detail = answer.problem(503, "unavailable");
    assert!(detail.contains("read before you repeat it"), "{detail}");
    assert_eq!(
        answer.header("Retry-After"),
        None,
        "to repeat it blindly is wrong"
    );
    assert_eq!(api.read(path).await.json()["enabled"], true);
    assert_eq!(api.flags(&key).await.json()[0]["enabled"], false);
    api.backend.serving.refresh().unwrap();
    assert_eq!(api.flags(&key).await.json()[0]["enabled"], true);
}

#[actix_web::test]
async fn a_failing_database_is_an_error_that_tells_nothing_of_itself() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    assert_eq!(api.read("/api/admin/features").await.names(), ["a"]);
    api.backend.damage();
    for (method, path) in [
        (Method::GET, "/api/admin/features"),
        (Method::GET, "/api/admin/features/a"),
        (Method::GET, "/api/admin/environments/production/flags/a"),
        (Method::GET, "/api/admin/environments/production/keys"),
        (Method::GET, "/api/admin/changes"),
        (Method::DELETE, "/api/admin/features/a"),
    ] {
        let answer = api.manage(method, path).send().await;
        let detail = answer.problem(500, "internal");
        assert!(detail.contains("X-Request-Id"), "{detail}");
        for internal in ["malformed", "schema", "not SQL", "SELECT", "diesel"] {
            assert!(
                !answer.text().contains(internal),
                "{path}: {}",
                answer.text()
            );
        }
    }
    assert_eq!(api.flags(&key).await.names(), ["a"]);
}

#[actix_web::test]
async fn a_handler_that_panics_is_one_500() {
    let (api, key) = Api::production().await;
    let answer = api.panic(&key).await;
    answer.problem(500, "internal");
    assert!(!answer.text().contains("a secret of the handler"));
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    let again = api.panic(&key).await;
    assert_ne!(again.header("X-Request-Id"), answer.header("X-Request-Id"));
    assert_eq!(api.flags(&key).await.status, 200);
}
