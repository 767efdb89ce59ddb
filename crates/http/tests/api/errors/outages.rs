//! The database away for writing: what is refused, what goes on, what readiness says, and that it ends without a restart.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use flagstaff_domain::flags::FlagError;
use flagstaff_domain::flags::ports::MockFlagRepository;
use flagstaff_domain::storage::StorageError;
use serde_json::{Value, json};

use crate::support::{Answer, Api, Backend, settings};

/// How long a server may take to notice that its database works again.
const SOON: Duration = Duration::from_secs(20);

async fn create(api: &Api, name: &str, description: &str) -> Answer {
    let body = json!({"name": name, "description": description});
    let request = api.manage(Method::POST, "/api/admin/features").json(body);
    request.send().await
}

async fn readiness(api: &Api) -> Value {
    let answer = api.get("/health/ready").await;
    assert_eq!(answer.status, 200, "flags can be served");
    answer.json()
}

#[actix_web::test]
async fn an_error_of_the_port_is_told_by_what_is_known_of_the_change() {
    for (error, status, code, retry) in [
        (
            StorageError::unavailable("disk I/O error"),
            503,
            "unavailable",
            Some("1"),
        ),
        (
            StorageError::in_doubt("disk I/O error"),
            503,
            "unavailable",
            None,
        ),
        (
            StorageError::failed("disk I/O error"),
            500,
            "internal",
            None,
        ),
    ] {
        let backend = Backend::start_with(settings(), |_| {
            let mut repository = MockFlagRepository::new();
            repository
                .expect_create_feature()
                .returning(move |_, _, _| Err(FlagError::Storage(error.clone())));
            Arc::new(repository)
        });
        backend.serving.refresh().unwrap();
        let api = Api::over(backend).await;
        let answer = create(&api, "a", "").await;
        let detail = answer.problem(status, code);
        assert_eq!(answer.header("Retry-After"), retry, "{detail}");
        assert!(!answer.text().contains("I/O"), "{}", answer.text());
        assert_eq!(readiness(&api).await["status"], "ready");
    }
}

/// Waits until readiness says this of writes.
async fn says_of_writes(api: &Api, status: &str) -> Value {
    let started = Instant::now();
    loop {
        let report = readiness(api).await;
        if report["writes"]["status"] == status {
            return report;
        }
        assert!(started.elapsed() < SOON, "{report}");
        api.backend.serving.refresh().unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn metric(api: &Api, name: &str) -> String {
    let metrics = api.read("/metrics").await;
    let line = metrics.text().lines().find(|line| line.starts_with(name));
    line.unwrap_or_default().to_owned()
}

#[actix_web::test]
async fn a_lock_is_noticed_without_a_write_and_ends_without_one() {
    let (api, key) = Api::production().await;
    create(&api, "a", "").await;
    assert_eq!(readiness(&api).await["writes"], json!({"status": "ok"}));
    assert_eq!(
        metric(&api, "flagstaff_storage_writable").await,
        "flagstaff_storage_writable 1"
    );
    let lock = api.backend.lock();
    let report = says_of_writes(&api, "unavailable").await;
    assert_eq!(report["status"], "degraded");
    assert_eq!(
        report["writes"]["detail"],
        "another process holds the database's lock"
    );
    assert_eq!(
        metric(&api, "flagstaff_storage_writable").await,
        "flagstaff_storage_writable 0"
    );
    create(&api, "b", "").await.problem(503, "unavailable");
    assert_eq!(api.flags(&key).await.names(), ["a"]);
    drop(lock);
    assert_eq!(says_of_writes(&api, "ok").await["status"], "ready");
    assert_eq!(create(&api, "b", "").await.status, 201);
}

#[actix_web::test]
async fn a_database_that_may_not_grow_refuses_what_it_has_no_room_for() {
    let (api, key) = Api::production().await;
    // Only SQLite can be made to by a statement.
    if !api.backend.is_a_file() {
        return;
    }
    create(&api, "a", "").await;
    api.backend.on_writer("PRAGMA max_page_count = 1");
    let long = "x".repeat(2_000);
    let mut stored = vec!["a".to_owned()];
    let refused = loop {
        let name = format!("b{:04}", stored.len());
        let answer = create(&api, &name, &long).await;
        if answer.status != 201 {
            answer.problem(503, "unavailable");
            assert_eq!(answer.header("Retry-After"), Some("1"));
            break name;
        }
        stored.push(name);
        assert!(stored.len() < 1_000, "the database has no end");
    };
    assert_eq!(api.flags(&key).await.names(), stored);
    let features = api.read("/api/admin/features?limit=1000").await;
    assert_eq!(
        features.names(),
        stored,
        "nothing is left of what was refused"
    );
    says_of_writes(&api, "ok").await;
    assert_eq!(create(&api, &refused, &long).await.status, 201);
}

#[actix_web::test]
async fn a_database_that_is_read_only_refuses_every_change() {
    let (api, key) = Api::production().await;
    if !api.backend.is_a_file() {
        return;
    }
    create(&api, "a", "").await;
    api.backend.make_read_only(true);
    let answer = create(&api, "b", "").await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("Retry-After"), Some("1"));
    assert_eq!(api.flags(&key).await.names(), ["a"]);
    let report = says_of_writes(&api, "unavailable").await;
    assert_eq!(report["writes"]["detail"], "the database is read-only");
    api.backend.make_read_only(false);
    assert_eq!(create(&api, "b", "").await.status, 201);
    let report = readiness(&api).await;
    assert_eq!(report["status"], "ready", "a stored change ends an outage");
}
