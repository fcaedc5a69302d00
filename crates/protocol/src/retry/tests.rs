//! The table of the module, and the promise that holds for every answer a server can give to a
//! create.

use bytes::Bytes;
use http::{Response, StatusCode};
use proptest::prelude::*;

use super::*;
use crate::{ApiError, Cause, SendError, SendErrorKind, outcome};

const NOON: UnixMillis = 1_795_342_530_000;

fn at(seconds: u64, jitter: f64) -> RetryContext {
    RetryContext { elapsed: Duration::from_secs(seconds), now: NOON, jitter }
}

fn create(status: u16, code: &str) -> CreateOutcome {
    outcome::of_create(Ok(ApiError::new(status, code, "m").encode()))
}

fn not_sent() -> CreateOutcome {
    outcome::of_create(Err(SendError::not_sent(SendErrorKind::Connect, "refused")))
}

fn pauses(
    failure: impl Fn(&mut Retries, &mut RetryBudget) -> RetryStep,
    options: RetryOptions,
) -> (Vec<u64>, GiveUp) {
    let (mut retries, mut budget) = (Retries::new(options), RetryBudget::default());
    let mut pauses = Vec::new();
    for _ in 0..1000 {
        match failure(&mut retries, &mut budget) {
            RetryStep::After(pause) => pauses.push(pause.as_secs()),
            RetryStep::GiveUp(why) => return (pauses, why),
        }
    }
    panic!("no end: {pauses:?}");
}

#[test]
fn a_create_that_was_not_sent_goes_out_five_times_with_doubling_pauses() {
    let outcome = not_sent();
    let (seen, why) = pauses(|r, b| r.after_create(&outcome, at(0, 1.0), b), RetryOptions::default());
    assert_eq!((seen, why), (vec![1, 2, 4, 8], GiveUp::Attempts(5)));
    let options = RetryOptions::new().attempts(9);
    let (seen, _) = pauses(|r, b| r.after_create(&outcome, at(0, 1.0), b), options);
    assert_eq!(seen, [1, 2, 4, 8, 16, 20, 20, 20]);
}

#[test]
fn throttling_is_waited_out_until_the_time_is_up() {
    let outcome = create(429, "RequestBurstTooFast");
    let mut retries = Retries::new(RetryOptions::default());
    let mut budget = RetryBudget::default();
    for seconds in [0, 1, 10, 100, 250, 279, 280] {
        let step = retries.after_create(&outcome, at(seconds, 1.0), &mut budget);
        assert!(matches!(step, RetryStep::After(_)), "{seconds}: {step:?}");
    }
    assert_eq!(retries.after_create(&outcome, at(281, 1.0), &mut budget), RetryStep::GiveUp(GiveUp::Elapsed));
    assert_eq!(retries.repeats(), 7);
}

/// Throttling was unbounded but for the time: with longer time, or a service that answers at once,
/// it never ended.
#[test]
fn every_class_that_is_sent_again_is_bounded_by_attempts_time_and_budget() {
    let options = || RetryOptions::default().elapsed(Duration::MAX);
    for (outcome, most) in [
        (not_sent(), 5),
        (create(400, "ContentSecurityDetectionError"), 5),
        (create(429, "RequestBurstTooFast"), 50),
    ] {
        let (seen, why) = pauses(|r, b| r.after_create(&outcome, at(0, 1.0), b), options());
        assert_eq!((seen.len() as u32 + 1, why), (most, GiveUp::Attempts(most)), "{outcome:?}");
        let (seen, why) =
            pauses(|r, _| r.after_create(&outcome, at(0, 1.0), &mut RetryBudget::new(0)), options());
        assert_eq!((seen.len(), why), (0, GiveUp::Budget), "{outcome:?}");
        let late = at(301, 1.0);
        let (seen, why) = pauses(|r, b| r.after_create(&outcome, late, b), RetryOptions::default());
        assert_eq!((seen.len(), why), (0, GiveUp::Elapsed), "{outcome:?}");
    }
    let sent = SendError::maybe_sent(SendErrorKind::Closed, "closed");
    for (error, most) in [
        (ApiError::new(400, "RequestBurstTooFast", "m"), 5),
        (ApiError::new(425, "", "m"), 5),
        (ApiError::new(429, "", "m"), 5),
        (ApiError::new(503, "", "m"), 5),
        (ApiError::new(429, "RequestBurstTooFast", "m"), 50),
    ] {
        let failure = Failure::answer(Endpoint::Get, &error);
        let (seen, why) = pauses(|r, b| r.after_read(failure, at(0, 1.0), b), options());
        assert_eq!((seen.len() as u32 + 1, why), (most, GiveUp::Attempts(most)), "{error:?}");
    }
    let (seen, _) =
        pauses(|r, b| r.after_read(Failure::send(Endpoint::List, &sent), at(0, 1.0), b), options());
    assert_eq!(seen.len(), 4);
}

#[test]
fn what_only_a_change_of_the_setup_helps_is_not_sent_again() {
    for kind in [SendErrorKind::Proxy, SendErrorKind::Tls] {
        let error = SendError::not_sent(kind, "m");
        let refused = RetryStep::GiveUp(GiveUp::Refused);
        let retries = || Retries::new(RetryOptions::default());
        let mut budget = RetryBudget::default();
        let outcome = outcome::of_create(Err(error.clone()));
        assert_eq!(retries().after_create(&outcome, at(0, 0.5), &mut budget), refused);
        let failure = Failure::send(Endpoint::List, &error);
        assert_eq!(retries().after_read(failure, at(0, 0.5), &mut budget), refused);
    }
}

#[test]
fn what_the_service_asks_for_is_waited_and_never_more_than_two_minutes() {
    for (after, expected) in [
        (Some(RetryAfter::Seconds(7)), 7_000),
        (Some(RetryAfter::At(NOON + 30_000)), 30_000),
        (Some(RetryAfter::At(NOON - 30_000)), 500),
        (Some(RetryAfter::Seconds(121)), 120_000),
        (None, 500),
    ] {
        let mut error = ApiError::new(429, "ServerOverloaded", "m");
        error.retry_after = after;
        let outcome = outcome::of_create(Ok(error.encode()));
        let step = Retries::new(RetryOptions::default()).after_create(
            &outcome,
            at(0, 0.5),
            &mut RetryBudget::default(),
        );
        assert_eq!(step, RetryStep::After(Duration::from_millis(expected)), "{after:?}");
    }
}

#[test]
fn each_answer_to_a_create_has_its_step() {
    for (outcome, expected) in [
        (create(429, "QuotaExceeded"), GiveUp::Account),
        (create(429, "FromTheFuture"), GiveUp::Unsafe),
        (create(429, "SetLimitExceeded"), GiveUp::Account),
        (create(403, "AccountOverdueError"), GiveUp::Account),
        (create(404, "ModelNotOpen"), GiveUp::Account),
        (create(400, "InvalidParameter"), GiveUp::Refused),
        (create(500, "InternalServiceError"), GiveUp::Unsafe),
        (create(409, "FromTheFuture"), GiveUp::Unsafe),
        (create(408, "FromTheFuture"), GiveUp::Unsafe),
        (outcome::of_create(Err(SendError::maybe_sent(SendErrorKind::Timeout, "t"))), GiveUp::Unsafe),
        (outcome::of_create(Err(SendError::not_sent(SendErrorKind::Invalid, "t"))), GiveUp::Refused),
        (outcome::of_create(Ok(Response::new(Bytes::from_static(b"{\"id\":\"cgt-1\"}")))), GiveUp::Done),
        (outcome::of_create(Ok(Response::new(Bytes::new()))), GiveUp::Done),
    ] {
        let step = Retries::new(RetryOptions::default()).after_create(
            &outcome,
            at(0, 0.0),
            &mut RetryBudget::default(),
        );
        assert_eq!(step, RetryStep::GiveUp(expected), "{outcome:?}");
    }
    let queued = ApiError::new(429, "QuotaExceeded", "The number of queued tasks has reached the limit.");
    let outcome = outcome::of_create(Ok(queued.encode()));
    let step = Retries::new(RetryOptions::never().throttled_attempts(2));
    let step = step.clone().after_create(&outcome, at(0, 0.0), &mut RetryBudget::default());
    assert_eq!(step, RetryStep::After(Duration::from_millis(250)));
}

fn read(cause: Cause<'_>) -> Result<(), GiveUp> {
    let failure = Failure { endpoint: Endpoint::Get, cause };
    step(Retries::new(RetryOptions::default()).after_read(failure, at(0, 0.0), &mut RetryBudget::default()))
}

fn delete(deletion: Deletion, cause: Cause<'_>) -> Result<(), GiveUp> {
    let failure = Failure { endpoint: Endpoint::Delete, cause };
    let mut retries = Retries::new(RetryOptions::default());
    step(retries.after_delete(deletion, failure, at(0, 0.0), &mut RetryBudget::default()))
}

fn step(step: RetryStep) -> Result<(), GiveUp> {
    match step {
        RetryStep::After(_) => Ok(()),
        RetryStep::GiveUp(why) => Err(why),
    }
}

#[test]
fn reads_are_repeated_when_the_failure_may_pass_and_deletes_only_when_it_is_safe() {
    use Deletion::{Finished, Queued};
    use GiveUp::{Account, Refused, Unsafe};
    for (status, code, reads, finished, queued) in [
        (500, "InternalServiceError", Ok(()), Ok(()), Err(Unsafe)),
        (502, "", Ok(()), Ok(()), Err(Unsafe)),
        (408, "", Ok(()), Ok(()), Err(Unsafe)),
        (429, "AccountRateLimitExceeded", Ok(()), Ok(()), Ok(())),
        (429, "QuotaExceeded", Err(Account), Err(Account), Err(Account)),
        (409, "InvalidAction.RunningTaskDeletion", Err(Refused), Err(Refused), Err(Refused)),
        (409, "", Err(Refused), Err(Refused), Err(Refused)),
        (404, "ResourceNotFound", Err(Refused), Err(Refused), Err(Refused)),
        (401, "AuthenticationError", Err(Account), Err(Account), Err(Account)),
        (403, "", Err(Account), Err(Account), Err(Account)),
        (200, "", Ok(()), Ok(()), Err(Unsafe)),
    ] {
        let error = ApiError::new(status, code, "m");
        let failure = Cause::Answer(&error);
        assert_eq!(
            (read(failure), delete(Finished, failure), delete(Queued, failure)),
            (reads, finished, queued),
            "{status} {code}"
        );
    }
    let maybe = SendError::maybe_sent(SendErrorKind::Closed, "closed");
    let not = SendError::not_sent(SendErrorKind::Dns, "no such host");
    assert_eq!(read(Cause::Send(&maybe)), Ok(()));
    assert_eq!(delete(Finished, Cause::Send(&maybe)), Ok(()));
    assert_eq!(delete(Queued, Cause::Send(&maybe)), Err(Unsafe));
    assert_eq!(delete(Queued, Cause::Send(&not)), Ok(()));
}

#[test]
fn the_budget_ends_repeats_and_successes_refill_it() {
    let outcome = not_sent();
    let mut budget = RetryBudget::default();
    let repeat = |budget: &mut RetryBudget| {
        Retries::new(RetryOptions::default()).after_create(&outcome, at(0, 0.0), budget)
    };
    for _ in 0..100 {
        assert!(matches!(repeat(&mut budget), RetryStep::After(_)));
    }
    assert_eq!(repeat(&mut budget), RetryStep::GiveUp(GiveUp::Budget));
    budget.succeeded(1);
    assert!(matches!(repeat(&mut budget), RetryStep::After(_)));
    (0..4).for_each(|_| budget.succeeded(0));
    assert_eq!((budget.tokens(), repeat(&mut budget)), (4, RetryStep::GiveUp(GiveUp::Budget)));
    (0..1000).for_each(|_| budget.succeeded(3));
    assert_eq!(budget.tokens(), RetryBudget::TOKENS);
}

#[test]
fn each_reason_reads_as_a_sentence_part() {
    let why = [GiveUp::Unsafe, GiveUp::Attempts(1), GiveUp::Attempts(5)].map(|why| why.to_string());
    assert_eq!(
        why,
        ["it may have had its effect already", "it failed, and retries are off", "it failed 5 times"]
    );
}

fn any_answer() -> impl Strategy<Value = Response<Bytes>> {
    let codes = [
        "",
        "429",
        "QuotaExceeded",
        "RequestBurstTooFast",
        "InternalServiceError",
        "AuthenticationError",
        "InvalidParameter.x",
        "FromTheFuture",
        "ContentSecurityDetectionError",
    ];
    let body = prop_oneof![
        (prop::sample::select(codes.to_vec()), "(queued |free )?quota")
            .prop_map(|(code, message)| format!(r#"{{"error":{{"code":"{code}","message":"{message}"}}}}"#)),
        prop::sample::select(codes.to_vec()).prop_map(|code| format!(
            r#"{{"ResponseMetadata":{{"Error":{{"Code":"{code}","Message":"m"}}}}}}"#
        )),
        Just(r#"{"id":"cgt-1"}"#.to_owned()),
        Just(r#"{"detail":"slow down"}"#.to_owned()),
        ".{0,40}",
    ];
    (100_u16..600, body, any::<bool>(), prop::option::of("[0-9]{1,4}")).prop_map(
        |(status, body, should_retry, after)| {
            let mut answer = Response::new(Bytes::from(body));
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            let headers = answer.headers_mut();
            headers.insert("x-should-retry", should_retry.to_string().parse().unwrap());
            headers.insert("location", "https://elsewhere.example/api".parse().unwrap());
            if let Some(after) = after {
                headers.insert("retry-after", after.parse().unwrap());
            }
            answer
        },
    )
}

proptest! {
    #[test]
    fn no_answer_makes_a_create_go_out_again_unless_nothing_was_created(answer in any_answer(), jitter in 0.0..=1.0) {
        let outcome = outcome::of_create(Ok(answer));
        let step = Retries::new(RetryOptions::new().elapsed(Duration::MAX))
            .after_create(&outcome, at(0, jitter), &mut RetryBudget::default());
        let safe = matches!(
            outcome,
            CreateOutcome::NotSent(_) | CreateOutcome::Refused { class: Refusal::Throttled | Refusal::Transient, .. }
        );
        prop_assert_eq!(matches!(step, RetryStep::After(_)), safe, "{:?}", outcome);
        if let RetryStep::After(pause) = step {
            prop_assert!(pause <= RETRY_AFTER_CAP);
        }
    }

    #[test]
    fn no_failure_makes_a_create_go_out_again_unless_it_provably_never_left(sent: bool, kind in 0..10_usize, status in prop::option::of(100_u16..600)) {
        use SendErrorKind as Kind;
        let kinds = [Kind::Invalid, Kind::Dns, Kind::Connect, Kind::Tls, Kind::Timeout, Kind::Closed, Kind::Body, Kind::TooLarge, Kind::Redirected, Kind::Other];
        let mut error = if sent { SendError::maybe_sent(kinds[kind], "m") } else { SendError::not_sent(kinds[kind], "m") };
        if let Some(status) = status {
            error = error.answered(status, None);
        }
        let outcome = outcome::of_create(Err(error));
        let step = Retries::new(RetryOptions::default()).after_create(&outcome, at(0, 0.5), &mut RetryBudget::default());
        if matches!(step, RetryStep::After(_)) {
            prop_assert!(!sent && status.is_none());
        }
    }
}
