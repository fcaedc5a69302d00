//! What is sent again, at which seconds, and what never is: the promise of one bill for one intent.

use std::time::Duration;

use ark_video::{
    CorrelationOptions, Error, RateLimits, RetryOptions,
    error::{SendError, SendErrorKind},
    model::{CreateTaskRequest, TextToVideo},
};
use proptest::prelude::*;

use crate::test_env::{Answer, TestEnv, answer, task};

fn request() -> CreateTaskRequest {
    TextToVideo::new("seedance", "A boat.").build()
}

fn with_retry() -> RetryOptions {
    RetryOptions::default()
}

fn throttled(after: Option<&str>) -> Answer {
    let mut said =
        answer(429, r#"{"error":{"code":"ModelAccountRpmRateLimitExceeded","message":"slow down"}}"#)?;
    if let Some(after) = after {
        said.headers_mut().insert("retry-after", after.parse().unwrap());
    }
    Ok(said)
}

#[tokio::test]
async fn a_create_is_repeated_only_when_told_to() {
    let env = TestEnv::new(|_, _| throttled(None));
    env.client().create(request()).await.unwrap_err();
    assert_eq!(env.seconds(), [0]);
}

#[tokio::test]
async fn what_was_not_sent_or_came_too_fast_is_sent_again_in_time() {
    let env = TestEnv::new(|number, _| match number {
        0 => Err(SendError::not_sent(SendErrorKind::Connect, "no connection")),
        1 => throttled(Some("7")),
        2 => throttled(None),
        3 => throttled(Some("1000")),
        _ => answer(200, r#"{"id":"cgt-1"}"#),
    });
    let create = env.client().create(request()).retry(with_retry());
    let handle = create.correlate(CorrelationOptions::new().tag(true)).await.unwrap();
    // 0.5 s, the 7 s asked for, then half of 2 s; a wish beyond 120 s is capped.
    assert_eq!((handle.id(), env.seconds()), ("cgt-1", vec![0, 0, 7, 8, 128]));
    let bodies: Vec<_> = env.sent().iter().map(|sent| sent.request.body().clone()).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]), "each repeat carries the same marks");
}

#[tokio::test]
async fn repeats_end_after_five_failures_or_five_minutes() {
    let env = TestEnv::new(|_, _| Err(SendError::not_sent(SendErrorKind::Dns, "no such host")));
    assert!(matches!(env.client().create(request()).retry(with_retry()).await, Err(Error::NotSent(_))));
    assert_eq!(env.sent().len(), 5);
    let env = TestEnv::new(|_, _| throttled(Some("100")));
    assert!(matches!(env.client().create(request()).retry(with_retry()).await, Err(Error::Api(_))));
    assert_eq!(env.seconds(), [0, 100, 200, 300]);
}

#[tokio::test]
async fn questions_are_repeated_and_refusals_are_not() {
    let env = TestEnv::new(|number, _| if number < 2 { answer(503, "") } else { task("queued") });
    env.client().get("cgt-1").await.unwrap();
    assert_eq!(env.seconds(), [0, 0, 1]);
    let env = TestEnv::always(404, r#"{"error":{"code":"ResourceNotFound","message":"m"}}"#);
    env.client().get("cgt-1").await.unwrap_err();
    assert_eq!(env.sent().len(), 1);
    let env = TestEnv::always(503, "");
    let client = env.builder().retry(RetryOptions::never()).build().unwrap();
    client.models().await.unwrap_err();
    assert_eq!(env.sent().len(), 1);
}

#[tokio::test]
async fn a_cancel_looks_again_before_each_repeat() {
    let env = TestEnv::new(|number, _| match number {
        0 => task("queued"),
        1 => throttled(None),
        _ => task("running"),
    });
    let error = env.client().cancel("cgt-1").await.unwrap_err();
    assert!(matches!(error, Error::NotPossible(_)), "{error}");
    let verbs: Vec<String> = env.lines().iter().map(|line| line[..3].to_owned()).collect();
    assert_eq!(verbs, ["GET", "DEL", "GET"]);
}

#[tokio::test]
async fn a_delete_whose_answer_was_lost_is_done_when_the_record_is_gone() {
    for lost in [
        Err(SendError::maybe_sent(SendErrorKind::Closed, "closed")),
        answer(502, "<html>"),
        answer(408, r#"{"error":{"code":"RequestTimeout","message":"m"}}"#),
        answer(200, "{\"id\":"),
    ] {
        let env = TestEnv::new(move |number, _| match number {
            0 => task("succeeded"),
            1 => lost.clone(),
            _ => answer(404, r#"{"error":{"code":"ResourceNotFound","message":"m"}}"#),
        });
        env.client().forget("cgt-1").await.unwrap();
    }
    // A cancel whose response was lost is never retried: by now the task may have succeeded.
    let env = TestEnv::new(|number, _| match number {
        0 => task("queued"),
        _ => Err(SendError::maybe_sent(SendErrorKind::Closed, "closed")),
    });
    let error = env.client().cancel("cgt-1").await.unwrap_err();
    assert_eq!(env.sent().len(), 2);
    assert!(error.message().contains("get the task"), "{error}");
}

#[tokio::test]
async fn clones_share_the_rates() {
    let env = TestEnv::new(|_, _| task("queued"));
    let client = env.client();
    for _ in 0..60 {
        client.clone().get("cgt-1").await.unwrap();
    }
    let [first, second] = [0, 1].map(|at| env.seconds().iter().filter(|second| **second == at).count());
    assert!(first <= 36 && second <= 20, "{first} {second}");
    let env = TestEnv::new(|_, _| answer(200, r#"{"id":"cgt-1"}"#));
    let client = env.builder().limits(RateLimits::personal()).build().unwrap();
    for _ in 0..10 {
        client.create(request()).await.unwrap();
    }
    assert!(env.seconds()[9] >= 2, "3 creates a second: {:?}", env.seconds());
}

#[tokio::test]
async fn many_creates_of_a_free_client_are_not_paced() {
    let env = TestEnv::new(|_, _| answer(200, r#"{"id":"cgt-1"}"#));
    let client = env.client();
    for _ in 0..100 {
        client.create(request()).await.unwrap();
    }
    assert_eq!(env.seconds()[99], 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whatever_happens_a_create_that_may_have_arrived_is_the_last_one_sent(
        answers in proptest::collection::vec((0..9_usize, 100..600_u16), 1..12),
    ) {
        const BODIES: [&str; 9] = [
            r#"{"error":{"code":"ModelAccountRpmRateLimitExceeded","message":"m"}}"#,
            r#"{"error":{"code":"InternalServiceError","message":"m"}}"#,
            r#"{"error":{"code":"InvalidParameter","message":"m"}}"#,
            "", "<html>", r#"{"id":"cgt-1"}"#, "{}", "not sent", "maybe sent",
        ];
        let env = TestEnv::new(move |number, _| {
            let (body, status) = answers[number % answers.len()];
            match BODIES[body] {
                "not sent" => Err(SendError::not_sent(SendErrorKind::Connect, "m")),
                "maybe sent" => Err(SendError::maybe_sent(SendErrorKind::Timeout, "m")),
                body => answer(status, body),
            }
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let client = env.client();
        let retry = RetryOptions::default().elapsed(Duration::from_secs(30));
        let done = runtime.block_on(client.create(request()).retry(retry).into_future());
        let sent = env.sent();
        for (number, one) in sent.iter().enumerate().take(sent.len() - 1) {
            // Everything but the last was provably harmless.
            let harmless = match env.said(number, one) {
                Err(error) => error.is_not_sent(),
                // The vendor's own word, under its own status: under another, six bills for one
                // shot were seen.
                Ok(said) => {
                    said.status().as_u16() == 429
                        && said.body().windows(8).any(|part| part == b"RateLimi")
                }
            };
            prop_assert!(harmless, "send {} was repeated", number);
        }
        prop_assert!(done.is_ok() || !sent.is_empty());
    }
}

#[tokio::test]
async fn what_may_no_longer_be_sent_when_its_turn_comes_is_not_sent() {
    let env = TestEnv::new(|_, _| answer(200, r#"{"id":"cgt-1"}"#));
    let client = env.builder().limits(RateLimits::company().create_per_minute(1.0)).build().unwrap();
    client.create(request()).await.unwrap();
    let prepared = client.create(request()).prepare();
    let started = client.now();
    let clock = client.clone();
    let in_time = move || if clock.now() - started < 1000 { Ok(()) } else { Err("too late".to_owned()) };
    let error = prepared.send_if(in_time).await.unwrap_err();
    assert!(matches!(&error, Error::NotSent(_)) && error.message().contains("too late"), "{error}");
    assert_eq!(env.seconds().len(), 1);
}
