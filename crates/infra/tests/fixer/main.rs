//! `FixerRateSource` against a stub of the API: what it asks, what it takes for an answer, and what it does about every
//! way in which there is none.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/stub.rs"]
mod stub;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flagstaff_domain::clock::{Clock, Timestamp};
use flagstaff_domain::modules::rates::{CallBudget, DayRates, RateDate, RateSource, SourceError};
use flagstaff_infra::modules::rates::{FixerRateSource, FixerSettings};

use stub::{Reply, Stub, body, good, refused};

const DATE: &str = "2024-02-29";
const KEY: &str = "a-secret-key/with?signs";
const RATES: &str = r#"{"USD":1.0837,"GBP":0.8561}"#;
/// What a test that waits this long has failed by.
const LONG: Duration = Duration::from_secs(30);

struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::try_from("2024-03-01T00:00:00Z".to_owned()).unwrap()
    }

    fn uptime(&self) -> Duration {
        Duration::ZERO
    }
}

/// What came of asking for a day, and the pauses in between.
struct Asked {
    result: Result<DayRates, SourceError>,
    pauses: Vec<Duration>,
}

fn ask_at(url: &str, retries: u32, timeout: Duration) -> Asked {
    let pauses = Arc::<Mutex<Vec<Duration>>>::default();
    let noted = Arc::clone(&pauses);
    let settings = FixerSettings {
        pause: Arc::new(move |pause| noted.lock().unwrap().push(pause)),
        ..FixerSettings::new(url, Some(KEY.to_owned()), timeout)
    };
    let source = FixerRateSource::new(settings, Arc::new(Standing));
    let date = RateDate::parse(DATE).unwrap();
    let result = source.fetch(date, &CallBudget::new(retries));
    if let Err(error) = &result {
        for text in [error.to_string(), format!("{error:?} {source:?}")] {
            assert!(
                !text.contains("a-secret-key") && !text.contains("access_key="),
                "{text}"
            );
        }
    }
    let pauses = pauses.lock().unwrap().clone();
    Asked { result, pauses }
}

fn ask(stub: &Stub) -> Asked {
    ask_at(&stub.url(), 10, Duration::from_secs(5))
}

fn failure(reply: Reply) -> (SourceError, usize) {
    let stub = Stub::start(move |_, _| reply.clone());
    let asked = ask_at(&stub.url(), 10, Duration::from_millis(500));
    (asked.result.unwrap_err(), stub.asked().len())
}

#[test]
fn a_day_is_asked_for_by_its_date_with_the_key_and_nothing_else() {
    let stub = Stub::of(RATES);
    let day = ask(&stub).result.unwrap();
    assert_eq!(day.rates.len(), 2);
    let encoded = "a-secret-key%2Fwith%3Fsigns";
    assert_eq!(stub.asked(), [format!("/api/{DATE}?access_key={encoded}")]);
    let slashed = format!("{}/", stub.url());
    assert!(ask_at(&slashed, 0, LONG).result.is_ok());
    assert_eq!(stub.asked()[0], stub.asked()[1]);
}

#[test]
fn without_a_key_nothing_is_asked() {
    let stub = Stub::of(RATES);
    let settings = FixerSettings::new(&stub.url(), None, LONG);
    let source = FixerRateSource::new(settings, Arc::new(Standing));
    let date = RateDate::parse(DATE).unwrap();
    let error = source.fetch(date, &CallBudget::new(3)).unwrap_err();
    assert_eq!(error, SourceError::NoKey);
    assert!(stub.asked().is_empty());
}

#[test]
fn what_may_pass_is_asked_again_after_growing_pauses() {
    let stub = Stub::start(|date, nth| match nth {
        1 => Reply::Whole(500, "", String::new()),
        2 => Reply::Whole(429, "", String::new()),
        3 => Reply::CutOff,
        _ => good(date, RATES),
    });
    let asked = ask(&stub);
    assert!(asked.result.is_ok(), "{:?}", asked.result);
    assert_eq!(stub.asked().len(), 4);
    assert_eq!(asked.pauses.len(), 3);
    // Each is at least its step, and at most its step and the jitter of that.
    for (pause, step) in asked.pauses.iter().zip([500, 1_000, 2_000]) {
        let step = Duration::from_millis(step);
        assert!((step..=step * 2).contains(pause), "{:?}", asked.pauses);
    }
}

#[test]
fn a_day_is_given_up_after_four_calls() {
    let (error, calls) = failure(Reply::Whole(503, "", String::new()));
    assert_eq!(calls, 4);
    assert_eq!(
        error,
        SourceError::Fault {
            status: 503,
            wait: None
        }
    );
}

#[test]
fn no_more_calls_are_made_than_the_budget_has() {
    let stub = Stub::start(|_, _| Reply::Whole(500, "", String::new()));
    for (retries, calls) in [(0, 1), (2, 3)] {
        let before = stub.asked().len();
        assert!(ask_at(&stub.url(), retries, LONG).result.is_err());
        assert_eq!(stub.asked().len() - before, calls);
    }
}

#[test]
fn a_source_that_says_when_is_asked_again_then() {
    for (header, least) in [
        ("Retry-After: 7\r\n", 7),
        ("Retry-After: Fri, 01 Mar 2024 00:00:09 GMT\r\n", 9),
        ("Retry-After: Thu, 29 Feb 2024 00:00:00 GMT\r\n", 0),
        ("Retry-After: soon\r\n", 0),
        ("Retry-After: -5\r\n", 0),
        ("Retry-After: +50\r\n", 0),
        ("Retry-After: 1.5\r\n", 0),
        ("Retry-After: \r\n", 0),
    ] {
        let stub = Stub::start(move |date, nth| match nth {
            1 => Reply::Whole(429, header, String::new()),
            _ => good(date, RATES),
        });
        let asked = ask(&stub);
        assert!(asked.result.is_ok(), "{header}");
        let pause = asked.pauses[0];
        let least = Duration::from_secs(least).max(Duration::from_millis(500));
        assert!(
            (least..=least + Duration::from_secs(1)).contains(&pause),
            "{header} {pause:?}"
        );
    }
}

#[test]
fn a_source_that_asks_for_more_patience_than_a_minute_is_left_alone() {
    let (error, calls) = failure(Reply::Whole(429, "Retry-After: 3600\r\n", String::new()));
    assert_eq!(calls, 1);
    assert!(error.to_string().contains("after 3600 seconds"), "{error}");
    for huge in [
        "Retry-After: 99999999999999999999999\r\n",
        "Retry-After: 18446744073709551615\r\n",
        "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n",
    ] {
        let (_, calls) = failure(Reply::Whole(429, huge, String::new()));
        assert_eq!(calls, 1, "{huge}");
    }
}

/// Asks for two days in one run, whose first call is answered with this header, and the pauses in between.
fn two_days(header: &'static str, retries: u32) -> (Vec<SourceError>, usize, Vec<Duration>) {
    let stub = Stub::start(move |date, nth| match nth {
        1 => Reply::Whole(429, header, String::new()),
        _ => good(date, RATES),
    });
    let pauses = Arc::<Mutex<Vec<Duration>>>::default();
    let noted = Arc::clone(&pauses);
    let settings = FixerSettings {
        pause: Arc::new(move |pause| noted.lock().unwrap().push(pause)),
        ..FixerSettings::new(&stub.url(), Some(KEY.to_owned()), LONG)
    };
    let source = FixerRateSource::new(settings, Arc::new(Standing));
    let calls = CallBudget::new(retries);
    let days = [DATE, "2024-02-28", "2024-02-27"].map(|date| RateDate::parse(date).unwrap());
    let results = days.map(|date| source.fetch(date, &calls));
    let errors = results.into_iter().filter_map(Result::err).collect();
    let pauses = pauses.lock().unwrap().clone();
    (errors, stub.asked().len(), pauses)
}

#[test]
fn a_source_that_says_when_is_left_alone_until_then_also_for_other_days() {
    let seconds = Duration::from_secs;
    let (errors, calls, pauses) = two_days("Retry-After: 30\r\n", 0);
    assert_eq!(errors, [SourceError::RateLimited(Some(seconds(30)))]);
    assert_eq!((calls, pauses), (3, vec![seconds(30)]));
    // Where a retry of the same day waited already, the next does not wait again.
    let (errors, calls, pauses) = two_days("Retry-After: 30\r\n", 1);
    assert_eq!((errors.len(), calls, pauses), (0, 4, vec![seconds(30)]));
    let (errors, calls, pauses) = two_days("Retry-After: 3600\r\n", 10);
    let first = SourceError::RateLimited(Some(seconds(3600)));
    let rest = SourceError::LeftAlone(seconds(3600));
    assert_eq!(errors, [first, rest.clone(), rest]);
    assert_eq!(
        (calls, pauses.len()),
        (1, 0),
        "the rest fail without a call"
    );
}

#[test]
fn what_a_retry_cannot_mend_is_asked_once() {
    for code in [101, 103, 104, 105, 106, 202, 301, 302, 999] {
        assert_eq!(failure(refused(code)), (SourceError::Refused(code), 1));
    }
    for (status, expected) in [
        (301, SourceError::Redirect),
        (302, SourceError::Redirect),
        (307, SourceError::Redirect),
        (401, SourceError::Status(401)),
        (404, SourceError::Status(404)),
        (204, SourceError::Status(204)),
    ] {
        let location = "Location: http://169.254.169.254/latest/meta-data/\r\n";
        assert_eq!(
            failure(Reply::Whole(status, location, String::new())),
            (expected, 1)
        );
    }
    for garbage in [
        "<html>busy</html>".to_owned(),
        body(DATE, r#"{"USD":-1.1}"#),
        body("2024-02-28", RATES),
        body(DATE, "{}"),
        body(
            DATE,
            &format!(r#"{{"USD":{}1.1}}"#, " ".repeat(1024 * 1024)),
        ),
    ] {
        let (error, calls) = failure(Reply::Whole(200, "", garbage));
        assert_eq!((error.cause(), calls), ("garbage", 1), "{error}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Stub::of(RATES);
    let location: &'static str = Box::leak(
        format!("Location: {}/{DATE}?access_key=x\r\n", elsewhere.url()).into_boxed_str(),
    );
    let (error, _) = failure(Reply::Whole(302, location, String::new()));
    assert_eq!(error, SourceError::Redirect);
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn a_body_without_end_is_cut_off_at_a_mebibyte() {
    let started = Instant::now();
    let stub = Stub::start(|_, _| Reply::Endless);
    let error = ask_at(&stub.url(), 0, LONG).result.unwrap_err();
    assert_eq!(
        error,
        SourceError::Garbage("it has more than 1 MiB".to_owned())
    );
    assert!(started.elapsed() < LONG);
}

#[test]
fn an_answer_that_comes_too_slowly_or_never_is_not_waited_for() {
    for reply in [
        Reply::Never,
        Reply::Slow(Duration::from_secs(1), body(DATE, RATES)),
    ] {
        let started = Instant::now();
        let stub = Stub::start(move |_, _| reply.clone());
        let asked = ask_at(&stub.url(), 1, Duration::from_millis(500));
        assert_eq!(asked.result.unwrap_err().cause(), "timeout");
        assert_eq!(stub.asked().len(), 2, "a timeout may pass");
        assert!(started.elapsed() < LONG);
    }
}

#[test]
fn who_is_not_there_cannot_be_reached() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for url in [
        format!("http://127.0.0.1:{port}"),
        "http://nowhere.invalid".to_owned(),
        format!("https://127.0.0.1:{port}"),
    ] {
        let asked = ask_at(&url, 1, LONG);
        assert_eq!(asked.result.unwrap_err().cause(), "connection", "{url}");
        assert_eq!(asked.pauses.len(), 1);
    }
}

#[test]
fn an_address_of_the_hosts_own_is_not_asked() {
    for url in [
        "http://169.254.169.254/latest",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0:1",
    ] {
        let asked = ask_at(url, 3, LONG);
        assert_eq!(
            asked.result.unwrap_err(),
            SourceError::ForbiddenAddress,
            "{url}"
        );
        assert!(asked.pauses.is_empty());
    }
}
