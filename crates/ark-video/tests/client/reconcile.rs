//! Looking for lost tasks: what is asked, when, and what is said of it. Nothing is ever created.

use ark_video::{
    CorrelationOptions, Error, ReconcileOptions, UnresolvedCreate, Verdict,
    error::{OutcomeUnknown, SendError, SendErrorKind},
    model::TextToVideo,
    reconcile::Evidence,
};

use crate::test_env::{Answer, START, TestEnv, answer};

/// A create whose answer is lost, with what was sent, and its record as it is after a crash.
async fn lost(tag: bool) -> (serde_json::Value, UnresolvedCreate) {
    let env = TestEnv::new(|_, _| Err(SendError::maybe_sent(SendErrorKind::Closed, "closed")));
    let request = TextToVideo::new("seedance", "A boat.").ratio("16:9").build();
    let correlation = if tag { CorrelationOptions::new().tag(true) } else { CorrelationOptions::none() };
    let error = env.client().create(&request).correlate(correlation).await.unwrap_err();
    let Error::OutcomeUnknown(unknown) = &error else { panic!("{error:?}") };
    let stored = serde_json::to_string(unknown).unwrap();
    let unknown: OutcomeUnknown = serde_json::from_str(&stored).unwrap();
    // A record is enough: the error itself need not survive.
    assert_eq!(Some(&serde_json::from_str::<UnresolvedCreate>(&stored).unwrap()), error.to_reconcile());
    (serde_json::from_slice(env.sent()[0].request.body()).unwrap(), unknown.into())
}

fn listed(tasks: &[serde_json::Value]) -> Answer {
    answer(200, serde_json::json!({ "total": tasks.len(), "items": tasks }).to_string())
}

fn task(id: &str, sent: &serde_json::Value) -> serde_json::Value {
    serde_json::json!({"id": id, "model": "seedance", "status": "running", "created_at": START / 1000 + 1,
        "safety_identifier": sent["safety_identifier"], "execution_expires_after": sent["execution_expires_after"],
        "ratio": "16:9"})
}

#[tokio::test]
async fn a_tagged_task_is_found_at_once() {
    let (sent, unknown) = lost(true).await;
    let page = listed(&[task("cgt-7", &sent)]);
    let env = TestEnv::new(move |_, _| page.clone());
    let Verdict::Found { task, evidence } = env.client().reconcile([unknown]).await.unwrap().remove(0) else {
        panic!()
    };
    assert_eq!((task.id.as_str(), evidence, env.seconds()), ("cgt-7", Evidence::Tag, vec![0]));
    assert_eq!(env.lines(), ["GET /v3/contents/generations/tasks?page_num=1&page_size=500"]);
}

#[tokio::test]
async fn not_found_takes_its_time_and_says_how_long_it_looked() {
    let (_, unknown) = lost(true).await;
    let env = TestEnv::new(|_, _| listed(&[]));
    let Verdict::NotFound { searches, over, doubt, .. } =
        env.client().reconcile([unknown]).await.unwrap().remove(0)
    else {
        panic!()
    };
    assert_eq!((searches, over.as_secs(), doubt), (2, 300, None));
    // At once, when the window has closed (clocks and late arrivals: 6 minutes), and 5 minutes
    // later.
    assert_eq!(env.seconds(), [0, 360, 660]);
    assert!(env.lines().iter().all(|line| line.starts_with("GET ")), "nothing is created");
}

#[tokio::test]
async fn what_only_looks_alike_is_left_to_a_person() {
    let (_, unknown) = lost(false).await;
    let env = TestEnv::new(|_, _| listed(&[task("cgt-1", &serde_json::json!({}))]));
    let options = ReconcileOptions::new().searches(0);
    let verdicts = env.client().reconcile([unknown.clone()]).options(options.clone()).await.unwrap();
    let [Verdict::Ambiguous { candidates, .. }] = verdicts.as_slice() else { panic!("{verdicts:?}") };
    assert_eq!(candidates[0].id, "cgt-1");
    let reconcile = env.client().reconcile([unknown]).options(options).exclude(["cgt-1"]);
    let verdicts = reconcile.await.unwrap();
    assert!(matches!(verdicts.as_slice(), [Verdict::NotFound { .. }]), "{verdicts:?}");
}

#[tokio::test]
async fn one_reading_serves_them_all_and_hiccups_are_borne() {
    let (sent, unknown) = lost(true).await;
    let (other_sent, mut other) = lost(true).await;
    // The scripted randomness gives the same tag twice; real randomness does not.
    assert_eq!(sent, other_sent);
    other.marks.tag = Some("another.av-0123456789abcdef01234567".to_owned());
    let page = listed(&[task("cgt-7", &sent)]);
    let env = TestEnv::new(move |number, _| if number == 0 { answer(502, "<html>") } else { page.clone() });
    let options = ReconcileOptions::new().searches(1);
    let mut waits = 0;
    let verdicts =
        env.client().reconcile([unknown, other]).options(options).events(|_| waits += 1).await.unwrap();
    assert!(
        matches!(verdicts.as_slice(), [Verdict::Found { .. }, Verdict::NotFound { searches: 1, .. }]),
        "{verdicts:?}"
    );
    assert_eq!((waits, env.sent().len()), (1, 3));
}

#[tokio::test]
async fn a_service_that_does_not_tell_is_an_error_and_not_a_verdict() {
    let (_, unknown) = lost(true).await;
    let env = TestEnv::always(401, r#"{"error":{"code":"AuthenticationError","message":"no"}}"#);
    assert!(matches!(env.client().reconcile([unknown.clone()]).await, Err(Error::Api(_))));
    let env = TestEnv::always(503, "");
    assert!(matches!(env.client().reconcile([unknown]).await, Err(Error::Read(_))));
    assert_eq!(env.sent().len(), 5);
}
