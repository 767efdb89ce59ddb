//! The variants of a feature and its marks: what they are answered as, and what is refused.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

const ALL: &str = "/api/admin/features";
const THEME: &str = "/api/admin/features/theme";
const FLAG: &str = "/api/admin/environments/production/flags/theme";

async fn change(api: &Api, path: &str, body: Value) -> Answer {
    api.manage(Method::PATCH, path).json(body).send().await
}

/// An environment, and a feature with two variants.
async fn themed() -> (Api, Answer) {
    let (api, _) = Api::production().await;
    let body = json!({"name": "theme", "initial_value": "plain", "variants": [
        {"key": "blue", "value": {"main": "navy"}}, {"key": "green", "value": 1.0},
    ]});
    let created = api.manage(Method::POST, ALL).json(body).send().await;
    assert_eq!(created.status, 201, "{}", created.text());
    (api, created)
}

#[actix_web::test]
async fn a_feature_with_variants_is_multivariate() {
    let (api, created) = themed().await;
    let record = created.json();
    assert_eq!(record["type"], "MULTIVARIATE");
    assert!(created.text().contains(
        r#""variants":[{"key":"blue","value":{"main":"navy"}},{"key":"green","value":1.0}]"#
    ));
    assert_eq!(api.read(THEME).await.body, created.body);
    let plain = api.manage(Method::POST, ALL);
    let plain = plain.json(json!({"name": "plain"})).send().await.json();
    assert_eq!(plain["type"], "STANDARD");
    let given = change(
        &api,
        "/api/admin/features/plain",
        json!({"variants": [{"key": "a", "value": null}]}),
    )
    .await;
    assert_eq!(given.json()["type"], "MULTIVARIATE");
}

#[actix_web::test]
async fn variants_stay_in_their_order_and_new_ones_are_appended() {
    let (api, _) = themed().await;
    let body = json!({"variants": [
        {"key": "red", "value": 3}, {"key": "green", "value": 2}, {"key": "blue", "value": 1},
    ]});
    let changed = change(&api, THEME, body.clone()).await;
    assert_eq!(changed.status, 200);
    assert_eq!(
        changed.json()["variants"],
        json!([
            {"key": "blue", "value": 1}, {"key": "green", "value": 2}, {"key": "red", "value": 3},
        ])
    );
    let again = change(&api, THEME, body).await;
    assert_eq!(again.etag(), changed.etag(), "nothing was left to change");
}

#[actix_web::test]
async fn a_variant_that_somebody_gets_is_not_taken_away() {
    let (api, _) = themed().await;
    let split = json!({"variants": [{"variant": "green", "weight": 12.5}]});
    assert_eq!(change(&api, FLAG, split).await.status, 200);
    let less = json!({"variants": [{"key": "blue", "value": 1}]});
    let refused = change(&api, THEME, less.clone()).await;
    let detail = refused.problem(409, "in_use");
    assert!(
        detail.contains("\"green\"") && detail.contains("\"production\""),
        "{detail}"
    );
    change(&api, FLAG, json!({"variants": []})).await;
    assert_eq!(change(&api, THEME, less).await.status, 200);
}

#[actix_web::test]
async fn what_cannot_be_variants_is_refused_by_its_place() {
    let (api, _) = themed().await;
    for (variants, place) in [
        (
            json!([{"key": "a", "value": 1}, {"key": "a", "value": 2}]),
            "variants",
        ),
        (json!([{"key": "a/b", "value": 1}]), "variants[0].key"),
        (
            json!([{"key": "a", "value": 1}, {"key": "", "value": 1}]),
            "variants[1].key",
        ),
        (
            json!([{"key": "a", "value": 1, "weight": 1}]),
            "variants[0].weight",
        ),
        (json!("blue"), "variants"),
    ] {
        for (method, path) in [(Method::PATCH, THEME), (Method::POST, ALL)] {
            let mut body = json!({"variants": variants});
            if method == Method::POST {
                body["name"] = json!("other");
            }
            let refused = api.manage(method, path).json(body).send().await;
            refused.field(place);
        }
    }
    let many: Vec<Value> = (0..101)
        .map(|at| json!({"key": at.to_string(), "value": at}))
        .collect();
    let refused = change(&api, THEME, json!({"variants": many})).await;
    assert!(refused.field("variants").contains("100"));
    let refused = change(&api, THEME, json!({"type": "STANDARD"})).await;
    assert!(refused.field("type").contains("MULTIVARIATE"));
}

#[actix_web::test]
async fn marks_are_set_and_lists_are_narrowed_by_them_also_over_pages() {
    let (api, key) = Api::production().await;
    for name in ["a", "b", "c", "d"] {
        api.feature(name).await;
    }
    for (name, marks) in [
        ("a", json!({"archived": true})),
        ("c", json!({"archived": true, "stale": true})),
        ("d", json!({"stale": true})),
    ] {
        let changed = change(&api, &format!("{ALL}/{name}"), marks.clone())
            .await
            .json();
        for (mark, set) in marks.as_object().unwrap() {
            assert_eq!(&changed[mark], set);
        }
    }
    for (query, expected) in [
        ("", vec!["a", "b", "c", "d"]),
        ("?archived=true", vec!["a", "c"]),
        ("?archived=false", vec!["b", "d"]),
        ("?stale=true&archived=false", vec!["d"]),
        ("?stale=false&limit=1000", vec!["a", "b"]),
    ] {
        assert_eq!(api.read(&format!("{ALL}{query}")).await.names(), expected);
    }
    let page = api.read(&format!("{ALL}?archived=true&limit=1")).await;
    assert_eq!(page.names(), ["a"]);
    let link = page.header("Link").unwrap();
    assert!(link.contains("limit=1&after=a&archived=true>"), "{link}");
    api.read(&format!("{ALL}?stale=maybe")).await.field("stale");
    // Nothing breaks where a feature is archived.
    assert_eq!(api.flags(&key).await.json().as_array().unwrap().len(), 4);
}
