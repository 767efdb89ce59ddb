//! `/api/admin/changes`: the log of every change, read in either direction and filtered.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

const LOG: &str = "/api/admin/changes";

async fn log(api: &Api, query: &str) -> Answer {
    let answer = api.read(&format!("{LOG}{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

fn seqs(answer: &Answer) -> Vec<i64> {
    let list = answer.json();
    list.as_array()
        .unwrap()
        .iter()
        .map(|change| change["seq"].as_i64().unwrap())
        .collect()
}

/// What happened, as `seq kind subject`.
fn told(answer: &Answer) -> Vec<String> {
    let list = answer.json();
    let one = |change: &Value| {
        format!(
            "{} {} {}",
            change["seq"],
            change["kind"].as_str().unwrap(),
            change["subject"].as_str().unwrap()
        )
    };
    list.as_array().unwrap().iter().map(one).collect()
}

/// Seven changes: the administrator's account, production with a key, a feature and its flag, another environment
/// and feature.
async fn api() -> Api {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    api.set("dark_mode", json!(1.0)).await;
    api.create("/api/admin/environments", json!({"name": "staging"}))
        .await;
    api.feature("other").await;
    api
}

#[actix_web::test]
async fn the_log_tells_of_everything_newest_first() {
    let api = api().await;
    assert_eq!(
        told(&log(&api, "").await),
        [
            "7 feature.created other",
            "6 environment.created staging",
            "5 flag.changed dark_mode",
            "4 feature.created dark_mode",
            "3 key.created a key",
            "2 environment.created production",
            "1 account.created admin",
        ]
    );
}

#[actix_web::test]
async fn a_change_is_what_the_contract_lists() {
    let api = api().await;
    let change = log(&api, "?before=6&limit=1").await;
    let seed = change.json()[0]["after"]["seed"]
        .as_str()
        .unwrap()
        .to_owned();
    insta::assert_snapshot!(change.text().replace(&seed, "[seed]"), @r#"[{"seq":5,"group":5,"at":"2026-11-20T10:00:00.000000Z","actor":"user:admin","context":"flags","kind":"flag.changed","subject":"dark_mode","environment":"production","before":{"id":1,"feature":"dark_mode","environment":"production","enabled":false,"value":null,"updated_at":"2026-11-20T10:00:00.000000Z","version":4,"variants":[],"killed":false,"seed":"[seed]","hash":"md5"},"after":{"id":1,"feature":"dark_mode","environment":"production","enabled":false,"value":1.0,"updated_at":"2026-11-20T10:00:00.000000Z","version":5,"variants":[],"killed":false,"seed":"[seed]","hash":"md5"}}]"#);
    let created = &log(&api, "?after=3&limit=1").await.json()[0];
    assert_eq!(
        (&created["before"], &created["environment"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(created["after"]["name"], "dark_mode");
}

#[actix_web::test]
async fn before_goes_on_towards_the_oldest() {
    let api = api().await;
    assert_eq!(seqs(&log(&api, "?before=5").await), [4, 3, 2, 1]);
    let page = log(&api, "?before=5&limit=2").await;
    assert_eq!(seqs(&page), [4, 3]);
    assert_eq!(
        page.header("Link"),
        Some("</api/admin/changes?limit=2&before=3>; rel=\"next\"")
    );
    assert_eq!(seqs(&log(&api, "?before=1").await), [0_i64; 0]);
    let last = log(&api, "?limit=7").await;
    assert_eq!((seqs(&last).len(), last.header("Link")), (7, None));
}

#[actix_web::test]
async fn after_gives_the_oldest_first_from_there() {
    let api = api().await;
    assert_eq!(seqs(&log(&api, "?after=0").await), [1, 2, 3, 4, 5, 6, 7]);
    let page = log(&api, "?after=4&limit=2").await;
    assert_eq!(seqs(&page), [5, 6]);
    assert_eq!(
        page.header("Link"),
        Some("</api/admin/changes?limit=2&after=6>; rel=\"next\"")
    );
    assert_eq!(seqs(&log(&api, "?after=7").await), [0_i64; 0]);
}

#[actix_web::test]
async fn both_directions_at_once_are_refused() {
    let api = api().await;
    api.read("/api/admin/changes?before=5&after=2")
        .await
        .field("after");
    for wrong in [
        "before=x",
        "after=",
        "after=1.5",
        "before=9223372036854775808",
    ] {
        let field = wrong.split('=').next().unwrap();
        api.read(&format!("{LOG}?{wrong}")).await.field(field);
    }
}

#[actix_web::test]
async fn a_page_has_100_changes_unless_told_and_at_most_1_000() {
    let api = Api::empty().await;
    api.backend.many_features(1_001);
    let page = log(&api, "").await;
    assert_eq!(seqs(&page).len(), 100);
    assert_eq!(
        page.header("Link"),
        Some("</api/admin/changes?before=903>; rel=\"next\"")
    );
    assert_eq!(seqs(&log(&api, "?limit=1000").await).len(), 1_000);
    api.read("/api/admin/changes?limit=1001")
        .await
        .field("limit");
    api.read("/api/admin/changes?limit=0").await.field("limit");
}

#[actix_web::test]
async fn the_link_keeps_the_filters() {
    let api = api().await;
    let page = log(&api, "?context=flags&actor=user:admin&limit=2").await;
    assert_eq!(seqs(&page), [7, 6]);
    let link = page.header("Link").unwrap();
    let next = &link[1..link.find('>').unwrap()];
    let page = api.read(next).await;
    assert_eq!(seqs(&page), [5, 4]);
}

#[actix_web::test]
async fn each_filter_must_hold() {
    let api = api().await;
    for (query, expected) in [
        ("?context=access", vec![3, 1]),
        ("?context=flags&after=0", vec![2, 4, 5, 6, 7]),
        ("?subject=dark_mode", vec![5, 4]),
        ("?subject=dark", vec![]),
        ("?actor=user:admin", vec![7, 6, 5, 4, 3, 2]),
        ("?actor=system", vec![1]),
        ("?actor=admin", vec![]),
        ("?environment=production", vec![5, 3, 2]),
        ("?environment=staging", vec![6]),
        ("?environment=nowhere", vec![]),
        (
            "?environment=production&context=flags&subject=dark_mode",
            vec![5],
        ),
        ("?environment=staging&subject=dark_mode", vec![]),
    ] {
        assert_eq!(seqs(&log(&api, query).await), expected, "{query}");
    }
    let wrong = api.read("/api/admin/changes?context=money").await;
    assert!(wrong.field("context").contains("flags"));
}

#[actix_web::test]
async fn an_environments_changes_are_found_by_the_name_it_has_now() {
    let api = api().await;
    let path = "/api/admin/environments/production";
    let renamed = api
        .manage(Method::PATCH, path)
        .json(json!({"name": "live"}))
        .send()
        .await;
    assert_eq!(renamed.status, 200);
    assert_eq!(seqs(&log(&api, "?environment=live").await), [8, 5, 3, 2]);
}

#[actix_web::test]
async fn what_was_done_together_is_one_group() {
    let api = api().await;
    let deleted = api
        .manage(Method::DELETE, "/api/admin/environments/production")
        .send()
        .await;
    assert_eq!(
        (deleted.status, deleted.header("X-Flagstaff-Revision")),
        (204, Some("9"))
    );
    let changes = log(&api, "?after=7").await;
    assert_eq!(
        told(&changes),
        ["8 key.deleted a key", "9 environment.deleted production"]
    );
    for change in changes.json().as_array().unwrap() {
        assert_eq!(
            change["group"], 8,
            "the first change of the same unit of work"
        );
        assert_eq!(change["after"], Value::Null);
        assert_eq!(change["environment"], "production");
    }
    let flags = &changes.json()[1]["before"]["flags"];
    assert_eq!(
        (&flags[0]["feature"], &flags[0]["value"]),
        (&json!("dark_mode"), &json!(1.0))
    );
}

#[actix_web::test]
async fn a_rotation_is_one_group() {
    let api = api().await;
    let rotation = api.manage(
        Method::POST,
        "/api/admin/environments/production/keys/1/rotate",
    );
    assert_eq!(
        rotation
            .json(json!({"grace_seconds": 60}))
            .send()
            .await
            .status,
        201
    );
    let changes = log(&api, "?after=7").await;
    assert_eq!(
        told(&changes),
        ["8 key.changed a key", "9 key.created a key"]
    );
    assert_eq!(
        (&changes.json()[0]["group"], &changes.json()[1]["group"]),
        (&json!(8), &json!(8))
    );
}

#[actix_web::test]
async fn the_log_shows_neither_keys_nor_passwords() {
    let (api, key) = Api::production().await;
    let server = api.key("production", "server").await;
    let text = log(&api, "").await;
    for secret in [key.as_str(), &server[4..], "$argon2", "password"] {
        assert!(!text.text().contains(secret), "{secret}");
    }
    assert!(
        text.text().contains("sha256:"),
        "a key is told by its digest"
    );
}

#[actix_web::test]
async fn a_refused_write_leaves_no_trace() {
    let api = api().await;
    let stale = api
        .manage(Method::PATCH, "/api/admin/features/other")
        .header("If-Match", "\"1\"");
    stale
        .json(json!({"description": "lost"}))
        .send()
        .await
        .problem(412, "version_mismatch");
    let taken = api.manage(Method::POST, "/api/admin/features");
    taken
        .json(json!({"name": "OTHER"}))
        .send()
        .await
        .problem(409, "already_exists");
    assert_eq!(seqs(&log(&api, "?after=7").await), [0_i64; 0]);
    let next = api.feature("next").await;
    assert_eq!(next["version"], 8, "no number of the log is left out");
}

#[actix_web::test]
async fn the_log_cannot_be_written() {
    let api = api().await;
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let refused = api.manage(method, LOG).json(json!({})).send().await;
        refused.problem(405, "method_not_allowed");
        assert_eq!(refused.header("Allow"), Some("GET, HEAD"));
    }
}
