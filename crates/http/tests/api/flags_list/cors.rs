//! The flag list as a browser asks for it from a page of another origin.

use actix_web::http::Method;

use crate::support::{Answer, Api, FLAGS, settings};
use flagstaff_http::{AllowedOrigins, HttpSettings};

const SHOP: &str = "https://shop.example";
const STRANGER: &str = "https://stranger.example";

fn listed() -> HttpSettings {
    HttpSettings {
        allowed_origins: AllowedOrigins::Only(vec![
            SHOP.to_owned(),
            "https://app.example:8443".to_owned(),
        ]),
        ..settings()
    }
}

async fn preflight(api: &Api, path: &str, origin: &str) -> Answer {
    api.ask(Method::OPTIONS, path)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "GET")
        .header(
            "Access-Control-Request-Headers",
            "x-environment-key, content-type",
        )
        .send()
        .await
}

async fn ask(api: &Api, key: &str, origin: &str) -> Answer {
    let request = api.ask(Method::GET, FLAGS).key(key);
    request.header("Origin", origin).send().await
}

/// The items of a header that is a list, in lower case and sorted.
fn items(answer: &Answer, header: &str) -> Vec<String> {
    let list = answer.header(header).unwrap_or_default().to_lowercase();
    let mut items: Vec<String> = list.split(',').map(|item| item.trim().to_owned()).collect();
    items.sort();
    items
}

#[actix_web::test]
async fn a_preflight_is_answered_without_a_key() {
    let api = Api::empty().await;
    for path in [FLAGS, "/api/v1/flags"] {
        let answer = preflight(&api, path, SHOP).await;
        assert!((200..300).contains(&answer.status), "{}", answer.status);
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
        assert_eq!(
            items(&answer, "Access-Control-Allow-Methods"),
            ["get", "head", "options"]
        );
        assert_eq!(
            items(&answer, "Access-Control-Allow-Headers"),
            ["content-type", "x-environment-key"]
        );
        assert!(answer.header("Access-Control-Max-Age").is_some());
        assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
    }
}

#[actix_web::test]
async fn a_preflight_for_a_write_is_refused() {
    let api = Api::empty().await;
    let request = api.ask(Method::OPTIONS, FLAGS).header("Origin", SHOP);
    let answer = request
        .header("Access-Control-Request-Method", "POST")
        .send()
        .await;
    let allowed = answer.header("Access-Control-Allow-Methods").unwrap();
    assert!(!allowed.contains("POST"), "{allowed}");
}

#[actix_web::test]
async fn any_origin_may_read_and_sees_the_headers_that_sdks_need() {
    let api = Api::empty().await;
    let key = api.environment("production").await;
    let answer = ask(&api, &key, STRANGER).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(
        items(&answer, "Access-Control-Expose-Headers"),
        [
            "etag",
            "retry-after",
            "x-flagsmith-document-updated-at",
            "x-flagstaff-revision",
            "x-request-id"
        ]
    );
    assert_eq!(
        answer.header("Vary"),
        Some("X-Environment-Key, Accept-Encoding"),
        "a shared cache keeps one answer for all origins"
    );
}

#[actix_web::test]
async fn a_refusal_can_be_read_by_the_page_as_well() {
    let api = Api::empty().await;
    let answer = ask(&api, "not-a-key", SHOP).await;
    answer.problem(401, "unauthenticated");
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
}

#[actix_web::test]
async fn listed_origins_are_answered_by_name_and_caches_are_told() {
    let api = Api::with(listed()).await;
    let key = api.environment("production").await;
    for origin in [SHOP, "https://app.example:8443"] {
        let answer = ask(&api, &key, origin).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(origin));
        assert_eq!(
            answer.header("Vary"),
            Some("X-Environment-Key, Accept-Encoding, Origin")
        );
        let answer = preflight(&api, FLAGS, origin).await;
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some(origin));
    }
}

#[actix_web::test]
async fn an_origin_that_is_not_listed_is_allowed_nothing() {
    let api = Api::with(listed()).await;
    let key = api.environment("production").await;
    for origin in [
        STRANGER,
        "http://shop.example",
        "https://shop.example.evil.example",
        "null",
    ] {
        let answer = ask(&api, &key, origin).await;
        assert_eq!(
            answer.header("Access-Control-Allow-Origin"),
            None,
            "{origin}"
        );
        assert_eq!(
            answer.header("Vary"),
            Some("X-Environment-Key, Accept-Encoding, Origin")
        );
        let answer = preflight(&api, FLAGS, origin).await;
        assert_eq!(
            answer.header("Access-Control-Allow-Origin"),
            None,
            "{origin}"
        );
    }
}

#[actix_web::test]
async fn servers_that_send_no_origin_are_answered_where_origins_are_listed() {
    let api = Api::with(listed()).await;
    let key = api.environment("production").await;
    let answer = api.flags(&key).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("Vary"),
        Some("X-Environment-Key, Accept-Encoding, Origin")
    );
    let again = api
        .ask(Method::GET, FLAGS)
        .key(&key)
        .header("If-None-Match", answer.etag());
    let again = again.send().await;
    assert_eq!(again.status, 304);
    assert_eq!(again.header("Vary"), answer.header("Vary"));
}

#[actix_web::test]
async fn management_is_closed_to_pages_of_other_origins() {
    let api = Api::empty().await;
    let path = "/api/admin/features";
    let answer = preflight(&api, path, SHOP).await;
    assert!(answer.status >= 400, "{}", answer.status);
    assert_eq!(answer.header("Access-Control-Allow-Origin"), None);
    let answer = api
        .manage(Method::GET, path)
        .header("Origin", SHOP)
        .send()
        .await;
    assert_eq!(answer.header("Access-Control-Allow-Origin"), None);
}
