//! Records that were read lately are answered from memory, and a change is seen by the next read.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use flagstaff_domain::access::ports::MockGuidRepository;
use flagstaff_domain::access::{
    Author, ChangeGuid, CreateGuid, Expire, Guid, GuidRepository, GuidService,
};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::text::GuidUser;
use flagstaff_domain::write::Precondition;
use futures_util::future::join_all;
use parking_lot::Mutex;
use serde_json::json;

use super::{GUID, OTHER, change, created, delete, read};
use crate::support::{Api, Backend, settings};

fn until(seconds: i64) -> ChangeGuid {
    ChangeGuid {
        expire: Expire::new(seconds).ok(),
        ..ChangeGuid::default()
    }
}

fn guid(text: &str) -> Guid {
    Guid::parse(text).unwrap()
}

#[actix_web::test]
async fn a_record_that_was_read_lately_needs_no_database() {
    let api = Api::empty().await;
    created(&api, GUID, None).await;
    created(&api, OTHER, None).await;
    let before = read(&api, GUID).await;
    api.backend.damage();
    let after = read(&api, GUID).await;
    assert_eq!((after.status, after.json()), (200, before.json()));
    assert!(read(&api, OTHER).await.status >= 500);
    // It is known to end even so.
    api.backend.clock.advance(Duration::from_secs(30 * 86_400));
    assert_ne!(read(&api, GUID).await.status, 200);
}

#[actix_web::test]
async fn the_next_read_sees_every_change() {
    let api = Api::empty().await;
    created(&api, GUID, None).await;
    for turn in 0..20 {
        let user = format!("user {turn}");
        change(&api, GUID, json!({ "user": user })).await;
        assert_eq!(read(&api, GUID).await.json()["user"], user);
        assert_eq!(read(&api, GUID).await.json()["user"], user);
    }
    delete(&api, GUID).await;
    read(&api, GUID).await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_change_made_elsewhere_is_seen_once_the_log_is_followed() {
    let api = Api::empty().await;
    created(&api, GUID, None).await;
    let before = read(&api, GUID).await;
    let elsewhere = api.backend.elsewhere();
    let author = Author::command_line();
    let digest = guid(GUID).digest();
    elsewhere
        .change(&author, &digest, &until(1_801_000_000), &Precondition::Any)
        .unwrap();
    assert_eq!(read(&api, GUID).await.json(), before.json(), "from memory");
    api.backend.serving.refresh().unwrap();
    assert_eq!(read(&api, GUID).await.json()["expire"], "1801000000");
    elsewhere
        .delete(&author, &digest, &Precondition::Any)
        .unwrap();
    api.backend.serving.refresh().unwrap();
    read(&api, GUID).await.problem(404, "not_found");
}

#[test]
fn readers_in_the_midst_of_changes_never_bring_an_old_record_back() {
    let backend = Backend::start(settings());
    backend.serving.refresh().unwrap();
    let guids: &GuidService = &backend.services.guids;
    let author = Author::command_line();
    let command = CreateGuid {
        user: GuidUser::parse("Jay Patel").unwrap(),
        expire: None,
        environment: None,
        description: None,
    };
    guids.create(&author, Some(guid(GUID)), command).unwrap();
    let digest = guid(GUID).digest();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    guids.get(&digest).unwrap();
                }
            });
        }
        let seen = (1_801_000_000..1_801_000_200).find(|seconds| {
            let any = Precondition::Any;
            guids
                .change(&author, &digest, &until(*seconds), &any)
                .unwrap();
            let record = guids.remembered(&digest);
            let record = record.unwrap_or_else(|| guids.get(&digest).unwrap());
            record.expire.to_string() != seconds.to_string()
        });
        done.store(true, Ordering::Relaxed);
        assert_eq!(seen, None, "a change was not seen by the read after it");
    });
}

/// A register whose reads take until the end of the test, or for ten seconds.
fn stuck(ended: Receiver<()>) -> Arc<dyn GuidRepository> {
    let ended = Mutex::new(ended);
    let mut repository = MockGuidRepository::new();
    repository.expect_find_guid().returning(move |_| {
        let _ = ended.lock().recv_timeout(Duration::from_secs(10));
        Ok((None, Seq(1)))
    });
    Arc::new(repository)
}

#[actix_web::test]
async fn a_flood_of_unknown_guids_leaves_the_others_their_turns() {
    let (end, ended) = channel();
    let backend = Backend::start_between(settings(), |flags| flags, |_| stuck(ended));
    backend.serving.refresh().unwrap();
    let api = Api::over(backend).await;
    let flood = join_all((0..40).map(|number| {
        let path = format!("/guid/{number:032X}");
        let api = &api;
        async move { api.get(&path).await.status }
    }));
    let others = async {
        let started = Instant::now();
        for _ in 0..10 {
            let answer = api.read("/api/admin/features").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        started.elapsed()
    };
    let (flood, others) = futures_util::future::join(flood, others).await;
    assert!(flood.iter().all(|status| *status == 503), "{flood:?}");
    assert!(others < Duration::from_secs(1), "{others:?}");
    drop(end);
}
