//! Which names an environment may have, and how it is found by them.

use actix_web::http::Method;
use serde_json::json;

use crate::support::Api;

const ALL: &str = "/api/admin/environments";

#[actix_web::test]
async fn a_renamed_environment_keeps_its_keys_and_flags() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    api.set("a", json!(5)).await;
    let path = "/api/admin/environments/production";
    let renamed = api
        .manage(Method::PATCH, path)
        .json(json!({"name": "live"}))
        .send()
        .await;
    assert_eq!(
        (renamed.status, &renamed.json()["name"]),
        (200, &json!("live"))
    );
    api.read(path).await.problem(404, "not_found");
    assert_eq!(api.read("/api/admin/environments/live").await.status, 200);
    assert_eq!(api.flags(&key).await.json()[0]["feature_state_value"], 5);
    let flag = api
        .read("/api/admin/environments/live/flags/a")
        .await
        .json();
    assert_eq!(
        (&flag["environment"], &flag["value"]),
        (&json!("live"), &json!(5))
    );
}

#[actix_web::test]
async fn names_that_differ_in_case_alone_are_the_same() {
    let api = Api::empty().await;
    for name in ["Größe", "staging"] {
        api.create(ALL, json!({"name": name})).await;
    }
    for name in ["Größe", "GRÖßE", "größe"] {
        let again = api
            .manage(Method::POST, ALL)
            .json(json!({"name": name}))
            .send()
            .await;
        again.problem(409, "already_exists");
        let path = "/api/admin/environments/staging";
        let onto = api
            .manage(Method::PATCH, path)
            .json(json!({"name": name}))
            .send()
            .await;
        onto.problem(409, "already_exists");
    }
    let path = "/api/admin/environments/staging";
    let own = api
        .manage(Method::PATCH, path)
        .json(json!({"name": "STAGING"}))
        .send()
        .await;
    assert_eq!((own.status, &own.json()["name"]), (200, &json!("STAGING")));
    assert_eq!(api.read(ALL).await.names(), ["Größe", "STAGING"]);
}

#[actix_web::test]
async fn what_is_no_name_is_refused_where_it_is_given_and_not_found_in_a_path() {
    let api = Api::empty().await;
    api.create(ALL, json!({"name": "production"})).await;
    let long = "ü".repeat(151);
    for (name, path) in [
        ("", ""),
        (" a", "%20a"),
        ("a ", "a%20"),
        ("a\u{a0}", "a%C2%A0"),
        ("a/b", "a%2Fb"),
        ("a\nb", "a%0Ab"),
        ("a\r\nb", "a%0D%0Ab"),
        ("a\u{0}", "a%00"),
        ("a\u{7f}", "a%7F"),
        ("a\u{85}", "a%C2%85b"),
        (".", "%2E"),
        ("..", "%2e%2e"),
        (&long, &"%C3%BC".repeat(151)),
    ] {
        let created = api
            .manage(Method::POST, ALL)
            .json(json!({"name": name}))
            .send()
            .await;
        created.field("name");
        let own = "/api/admin/environments/production";
        let renamed = api
            .manage(Method::PATCH, own)
            .json(json!({"name": name}))
            .send()
            .await;
        renamed.field("name");
        let path = format!("{ALL}/{path}");
        api.read(&path).await.problem(404, "not_found");
    }
    assert_eq!(api.read(ALL).await.names(), ["production"]);
}

#[actix_web::test]
async fn a_name_in_any_script_is_found_where_its_location_says() {
    let api = Api::empty().await;
    let long = "ü".repeat(150);
    for name in [
        "a b",
        "Größe",
        "日本",
        "🚩",
        "100%",
        "%2F",
        "%41",
        "a+b",
        "a?b#c;d",
        "a&b=c",
        "...",
        "a.b_c-d~",
        "x' OR 1=1--",
        "<script>",
        "\"quoted\"",
        "{braces}",
        "back\\slash",
        &long,
    ] {
        let created = api
            .manage(Method::POST, ALL)
            .json(json!({"name": name}))
            .send()
            .await;
        assert_eq!(created.status, 201, "{name}: {}", created.text());
        let location = created.header("Location").unwrap().to_owned();
        let shown = api.read(&location).await;
        assert_eq!(
            (shown.status, &shown.json()["name"]),
            (200, &json!(name)),
            "{location}"
        );
        let keys = api.read(&format!("{location}/keys")).await;
        assert_eq!((keys.status, keys.text()), (200, "[]"), "{location}");
        let next = api.read(&format!("{ALL}?limit=1")).await;
        assert_eq!(next.names().len(), 1);
        let deleted = api.manage(Method::DELETE, &location).send().await;
        assert_eq!(deleted.status, 204, "{location}");
    }
    assert_eq!(api.read(ALL).await.text(), "[]");
}

#[actix_web::test]
async fn the_next_page_is_where_the_link_says_whatever_the_name() {
    let api = Api::empty().await;
    let names = ["100%", "a b", "a&b", "a+b", "ü"];
    for name in names {
        api.create(ALL, json!({"name": name})).await;
    }
    let mut path = format!("{ALL}?limit=1");
    for name in names {
        let page = api.read(&path).await;
        assert_eq!(page.names(), [name], "{path}");
        if let Some(link) = page.header("Link") {
            path = link[1..link.find('>').unwrap()].to_owned();
        }
    }
    assert_eq!(
        api.read(&path).await.header("Link"),
        None,
        "the last page has no next"
    );
}

#[actix_web::test]
async fn an_environment_that_does_not_exist_is_not_found_and_named() {
    let api = Api::empty().await;
    let path = "/api/admin/environments/staging";
    for request in [
        api.manage(Method::GET, path),
        api.manage(Method::PATCH, path).json(json!({})),
        api.manage(Method::DELETE, path),
        api.manage(Method::DELETE, "/api/admin/environments/staging?force=true"),
        api.manage(Method::GET, "/api/admin/environments/staging/keys"),
        api.manage(Method::GET, "/api/admin/environments/staging/flags"),
        api.manage(Method::GET, "/api/admin/environments/staging/flags/a"),
    ] {
        let detail = request.send().await.problem(404, "not_found");
        assert_eq!(detail, "there is no environment \"staging\"");
    }
}
