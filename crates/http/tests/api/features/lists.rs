//! Lists of up to 1,000 records are whole; longer ones come in pages.

use actix_web::http::Method;

use crate::support::{Answer, Api};

/// Where the answer says that the list goes on.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("Link")?;
    let link = link.strip_prefix('<')?.strip_suffix(">; rel=\"next\"")?;
    Some(link.to_owned())
}

#[actix_web::test]
async fn a_list_is_whole_up_to_1_000_records_and_paged_beyond() {
    let (api, _) = Api::production().await;
    api.backend.many_features(1_000);
    let lists = [
        "/api/admin/features",
        "/api/admin/environments/production/flags",
    ];
    for list in lists {
        let whole = api.read(list).await;
        assert_eq!((whole.names().len(), next(&whole)), (1_000, None), "{list}");
    }
    api.feature("feature-1001").await;
    for list in lists {
        let first = api.read(list).await;
        assert_eq!(first.names().len(), 1_000);
        assert_eq!(
            (first.names()[0].as_str(), first.names()[999].as_str()),
            ("feature-0001", "feature-1000")
        );
        assert_eq!(
            next(&first),
            Some(format!("{list}?limit=1000&after=feature-1000"))
        );
        let second = api.read(&next(&first).unwrap()).await;
        assert_eq!(
            (second.names(), next(&second)),
            (vec!["feature-1001".to_owned()], None)
        );
    }
}

#[actix_web::test]
async fn pages_go_on_where_the_last_one_ended() {
    let api = Api::empty().await;
    api.backend.many_features(7);
    let mut seen = Vec::new();
    let mut path = Some("/api/admin/features?limit=3".to_owned());
    let mut pages = 0;
    while let Some(at) = path {
        let page = api.read(&at).await;
        assert_eq!(page.status, 200);
        seen.extend(page.names());
        path = next(&page);
        pages += 1;
        assert!(pages < 10, "the pages come to an end");
    }
    let all: Vec<String> = (1..=7).map(|at| format!("feature-{at:04}")).collect();
    assert_eq!((seen, pages), (all, 3));
}

#[actix_web::test]
async fn a_page_that_ends_with_the_list_has_no_next() {
    let api = Api::empty().await;
    api.backend.many_features(4);
    let half = api
        .read("/api/admin/features?limit=2&after=feature-0002")
        .await;
    assert_eq!((half.names().len(), next(&half)), (2, None));
    let past = api.read("/api/admin/features?after=feature-0004").await;
    assert_eq!((past.status, past.text()), (200, "[]"));
}

#[actix_web::test]
async fn a_limit_is_1_to_1_000() {
    let api = Api::empty().await;
    for list in ["features", "environments", "changes"] {
        for limit in ["1", "1000"] {
            assert_eq!(
                api.read(&format!("/api/admin/{list}?limit={limit}"))
                    .await
                    .status,
                200
            );
        }
        for limit in [
            "0",
            "1001",
            "1000000000",
            "-1",
            "99999999999999999999",
            "ten",
            "",
            "1.5",
        ] {
            let refused = api.read(&format!("/api/admin/{list}?limit={limit}")).await;
            refused.field("limit");
        }
    }
}

#[actix_web::test]
async fn parameters_that_are_not_known_are_refused_and_named() {
    let api = Api::empty().await;
    for (list, query) in [
        ("features", "page_size"),
        ("features", "Limit"),
        ("environments", "offset"),
        ("changes", "page"),
    ] {
        let refused = api
            .read(&format!("/api/admin/{list}?{query}=1000000000"))
            .await;
        let detail = refused.problem(400, "invalid_request");
        assert!(detail.contains(query), "{detail}");
    }
    let twice = api.read("/api/admin/features?limit=1&limit=2").await;
    assert!(twice.problem(400, "invalid_request").contains("limit"));
    api.read("/api/admin/features?after=a%2Fb")
        .await
        .field("after");
}

#[actix_web::test]
async fn head_tells_what_get_would() {
    let api = Api::empty().await;
    api.backend.many_features(3);
    for path in [
        "/api/admin/features?limit=2",
        "/api/admin/features/feature-0001",
        "/api/admin/changes",
    ] {
        let (get, head) = (
            api.read(path).await,
            api.manage(Method::HEAD, path).send().await,
        );
        assert_eq!(head.status, 200);
        for header in ["ETag", "Link", "Content-Type"] {
            assert_eq!(
                head.header(header),
                get.header(header),
                "{header} of {path}"
            );
        }
    }
}
