//! What monitors read: liveness, readiness, metrics.

use std::time::Duration;

use actix_web::http::Method;
use flagstaff_http::{HttpSettings, MetricsAccess};
use serde_json::json;

use crate::support::{Api, Backend, PASSWORD, settings};

const READY: &str = "/health/ready";

#[actix_web::test]
async fn the_process_is_live_whatever_the_database_does() {
    let backend = Backend::start(settings());
    backend.damage();
    let api = Api::over(backend).await;
    let answer = api.get("/health/live").await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"status": "live"}))
    );
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(
        api.ask(Method::HEAD, "/health/live").send().await.status,
        200
    );
}

#[actix_web::test]
async fn an_instance_is_ready_once_flags_are_loaded() {
    let api = Api::over(Backend::start(settings())).await;
    let starting = api.get(READY).await;
    assert_eq!(
        (starting.status, starting.header("Retry-After")),
        (503, Some("1"))
    );
    insta::assert_snapshot!(starting.text(), @r#"{"status":"starting","database":{"status":"unavailable","detail":"the database was not read yet"},"writes":{"status":"ok"},"migrations":{"status":"ok","pending":[]},"snapshot":null,"instance":{"name":"web-1","since":"2026-11-20T09:00:00.000001Z"}}"#);
    api.backend.serving.refresh().unwrap();
    let ready = api.get(READY).await;
    assert_eq!((ready.status, ready.header("Retry-After")), (200, None));
    insta::assert_snapshot!(ready.text(), @r#"{"status":"ready","database":{"status":"ok"},"writes":{"status":"ok"},"migrations":{"status":"ok","pending":[]},"snapshot":{"revision":1,"age_seconds":0.0},"instance":{"name":"web-1","since":"2026-11-20T09:00:00.000001Z"}}"#);
    assert_eq!(ready.header("Cache-Control"), Some("no-store"));
}

#[actix_web::test]
async fn without_its_database_an_instance_stays_ready_and_says_so() {
    let (api, key) = Api::production().await;
    api.backend.damage();
    api.backend.clock.advance(Duration::from_millis(2_500));
    let answer = api.get(READY).await;
    assert_eq!(answer.status, 200);
    insta::assert_snapshot!(answer.text(), @r#"{"status":"degraded","database":{"status":"unavailable","detail":"the database cannot be read; flags are served from memory"},"writes":{"status":"ok"},"migrations":{"status":"ok","pending":[]},"snapshot":{"revision":3,"age_seconds":2.5},"instance":{"name":"web-1","since":"2026-11-20T09:00:00.000001Z"}}"#);
    assert_eq!(api.flags(&key).await.status, 200);
}

#[actix_web::test]
async fn the_age_is_that_of_the_last_look_at_the_database() {
    let api = Api::empty().await;
    api.backend.clock.advance(Duration::from_secs(90));
    assert_eq!(api.get(READY).await.json()["snapshot"]["age_seconds"], 90.0);
    api.backend.serving.refresh().unwrap();
    assert_eq!(api.get(READY).await.json()["snapshot"]["age_seconds"], 0.0);
    api.feature("a").await;
    assert_eq!(api.get(READY).await.json()["snapshot"]["revision"], 2);
}

fn with(metrics: MetricsAccess) -> HttpSettings {
    HttpSettings {
        metrics,
        ..settings()
    }
}

#[actix_web::test]
async fn the_metrics_are_not_for_everybody() {
    let (api, key) = Api::production().await;
    api.backend.account("jay", "viewer", false);
    let anonymous = api.get("/metrics").await;
    anonymous.problem(401, "unauthenticated");
    assert!(anonymous.header("WWW-Authenticate").is_some());
    api.ask(Method::GET, "/metrics")
        .key(&key)
        .send()
        .await
        .problem(403, "forbidden");
    let wrong = api
        .ask(Method::GET, "/metrics")
        .basic("jay", "wrong password");
    wrong.send().await.problem(401, "unauthenticated");
    let bearer = api
        .ask(Method::GET, "/metrics")
        .header("Authorization", "Bearer ");
    bearer.send().await.problem(401, "unauthenticated");
    let viewer = api
        .ask(Method::GET, "/metrics")
        .basic("jay", PASSWORD)
        .send()
        .await;
    assert_eq!(viewer.status, 200);
}

#[actix_web::test]
async fn a_monitor_reads_the_metrics_with_its_token() {
    let token = Some("t0ken-of-the-monitor".to_owned());
    let api = Api::with(with(MetricsAccess {
        public: false,
        token,
    }))
    .await;
    let ask = |value: &str| {
        api.ask(Method::GET, "/metrics")
            .header("Authorization", value)
    };
    for right in ["Bearer t0ken-of-the-monitor", "bearer t0ken-of-the-monitor"] {
        assert_eq!(ask(right).send().await.status, 200, "{right}");
    }
    for wrong in [
        "Bearer t0ken-of-the-monito",
        "Bearer T0KEN-OF-THE-MONITOR",
        "Bearer",
        "t0ken-of-the-monitor",
        "Basic t0ken",
    ] {
        ask(wrong).send().await.problem(401, "unauthenticated");
    }
    let twice =
        ask("Bearer t0ken-of-the-monitor").header("Authorization", "Bearer t0ken-of-the-monitor");
    twice.send().await.problem(400, "invalid_request");
    api.get("/metrics").await.problem(401, "unauthenticated");
    assert_eq!(
        api.read("/metrics").await.status,
        200,
        "an account may as well"
    );
    let elsewhere = api
        .ask(Method::GET, "/api/admin/features")
        .header("Authorization", "Bearer t0ken-of-the-monitor");
    elsewhere.send().await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn metrics_may_be_opened_to_everybody() {
    let api = Api::with(with(MetricsAccess {
        public: true,
        token: None,
    }))
    .await;
    let answer = api.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    let kind = answer.header("Content-Type").unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    assert!(answer.text().ends_with("# EOF\n"));
}

#[actix_web::test]
async fn requests_are_counted_by_route_method_and_status() {
    let (api, key) = Api::production().await;
    let etag = api.flags(&key).await.etag();
    api.flags(&key).await;
    api.ask(Method::GET, "/api/v1/flags").key(&key).send().await;
    api.ask(Method::GET, "/api/v1/flags/")
        .key(&key)
        .header("If-None-Match", etag)
        .send()
        .await;
    api.flags("not-a-key").await;
    api.feature("dark_mode").await;
    api.read("/api/admin/features/dark_mode").await;
    api.read("/api/admin/features/other").await;
    api.get("/a/path/of/nobody").await;
    api.ask(Method::from_bytes(b"BREW").unwrap(), "/another")
        .send()
        .await;
    api.panic(&key).await;
    let metrics = api.read("/metrics").await;
    for line in [
        r#"flagstaff_http_requests_total{route="/api/v1/flags/",method="GET",status="200"} 3"#,
        r#"flagstaff_http_requests_total{route="/api/v1/flags/",method="GET",status="304"} 1"#,
        r#"flagstaff_http_requests_total{route="/api/v1/flags/",method="GET",status="401"} 1"#,
        r#"flagstaff_http_requests_total{route="/api/admin/features",method="POST",status="201"} 1"#,
        r#"flagstaff_http_requests_total{route="/api/admin/features/{feature}",method="GET",status="200"} 1"#,
        r#"flagstaff_http_requests_total{route="/api/admin/features/{feature}",method="GET",status="404"} 1"#,
        r#"flagstaff_http_requests_total{route="none",method="GET",status="404"} 1"#,
        r#"flagstaff_http_requests_total{route="none",method="other",status="404"} 1"#,
        r#"flagstaff_http_requests_total{route="/api/v1/flags/",method="GET",status="500"} 1"#,
        r#"flagstaff_http_request_duration_seconds_count{route="/api/v1/flags/"} 6"#,
        r#"flagstaff_retrievals_total{environment="production"} 4"#,
        r#"flagstaff_last_retrieval_timestamp_seconds{environment="production"} 1795168800.0"#,
        concat!(
            r#"flagstaff_instance_info{name="web-1",version=""#,
            env!("CARGO_PKG_VERSION"),
            r#""} 1"#
        ),
        "flagstaff_start_time_seconds 1795165200.000001",
        r#"flagstaff_snapshot_revision{environment="production"} 4"#,
        "flagstaff_change_seq 4",
        "flagstaff_snapshot_age_seconds 0.0",
        "flagstaff_storage_writes_waiting 0",
        "flagstaff_storage_readers_max 4",
        "flagstaff_storage_writable 1",
    ] {
        assert!(
            metrics.text().lines().any(|one| one == line),
            "{line} is not in\n{}",
            metrics.text()
        );
    }
    assert_eq!(
        metrics.text().contains("\nflagstaff_storage_log_bytes "),
        api.backend.is_a_file()
    );
    for secret in [key.as_str(), "dark_mode", "nobody", "BREW", "admin\""] {
        assert!(!metrics.text().contains(secret), "{secret}");
    }
}

#[actix_web::test]
async fn the_metrics_are_told_while_the_database_is_away() {
    let api = Api::with(with(MetricsAccess {
        public: true,
        token: None,
    }))
    .await;
    api.backend.damage();
    api.backend.clock.advance(Duration::from_secs(7));
    let metrics = api.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(
        metrics
            .text()
            .contains("flagstaff_snapshot_age_seconds 7.0")
    );
}
