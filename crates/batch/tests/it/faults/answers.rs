//! F12, F13, F15 to F17, F19 to F21: answers that are wrong, late, missing, huge or strange.

use ark_video_batch::{EventKind, State, StopCause};
use ark_video_simulator::{Effect, Envelope, FaultPoint, FaultRule};

use crate::faults::test_env::{TestEnv, at_create, count, counter, is_submitting};
use crate::support::{shaped, status};

/// Each of these strikes one create, whose task exists nevertheless: it is found, never made again.
async fn found_again(effects: Vec<Effect>) {
    let jobs = effects.len() + 4;
    let struck = effects.len();
    let rules = effects.into_iter().map(|effect| at_create(effect).hits(1));
    let env = TestEnv::under([counter()].into_iter().chain(rules)).await.resending();
    let journal = env.planned(jobs).await;
    let ended = env.settles(&journal).await;
    let found = count(&ended.events, |event| matches!(event, EventKind::Submitted { found: true, .. }));
    assert_eq!(found, struck, "{:?}", ended.events);
    assert_eq!(count(&ended.events, is_submitting), jobs, "nothing was tried again");
    assert_eq!(env.creates_seen(), jobs, "one send for each attempt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f12_500_502_504_on_create() {
    found_again(vec![
        status(500, true),
        status(502, true),
        status(504, true),
        Effect::Html502 { accepted: true },
    ])
    .await;
    // Where nothing was made, it is held: not found is no proof.
    let rules = [500, 502, 504].map(|code| at_create(status(code, false)).hits(1));
    let env = TestEnv::under([counter()].into_iter().chain(rules)).await;
    let journal = env.planned(8).await;
    let ended = env.run(&journal).await;
    assert_eq!(ended.summary.counts, [(State::Settled, 5), (State::Held, 3)].into());
    env.holds(env.check(&journal).await, 5);
    assert_eq!(env.creates_seen(), 8, "one send for each attempt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f13_429_with_and_without_retry_after() {
    for (after, shortest, longest) in [
        (Some("7"), 7.0, 7.0),
        // A hundred seconds after the start of every test's clock.
        (Some("Sun, 22 Nov 2026 02:17:10 GMT"), 20.0, 100.0),
        // Nobody waits for longer than two minutes at a time.
        (Some("121"), 120.0, 120.0),
        (Some("soon"), 0.25, 1.0),
        (None, 0.25, 1.0),
    ] {
        let mut effect = status(429, false);
        if let Effect::Status { retry_after, .. } = &mut effect {
            *retry_after = after.map(str::to_owned);
        }
        let env = TestEnv::under([at_create(effect).hits(1)]).await;
        let journal = env.planned(4).await;
        let mut options = env.options();
        // One at a time, so that one is refused.
        options.concurrency = 1;
        let ended = env.run_until(&journal, options, |_, _| {}).await;
        let pauses: Vec<f64> = ended
            .events
            .iter()
            .filter_map(|event| match event {
                EventKind::Throttled { pause, .. } => Some(pause.as_secs_f64()),
                _ => None,
            })
            .collect();
        let [pause] = pauses[..] else { panic!("{after:?}: {pauses:?}") };
        assert!((shortest..=longest).contains(&pause), "{after:?}: {pause} s");
        env.holds(env.check(&journal).await, 4);
    }
}

/// Throttling responses that prove nothing: the task exists, and six creates of one shot were seen.
/// Once each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f14_words_for_slower_that_are_not_the_vendors() {
    let said = |status, code: &str, envelope| Effect::Status {
        status,
        code: Some(code.to_owned()),
        message: None,
        envelope,
        accepted: true,
        retry_after: Some("1".to_owned()),
    };
    const PACE: &str = "RateLimitExceeded.EndpointRPMExceeded";
    found_again(vec![
        said(429, "upstream_error", Envelope::Flat),
        said(429, "bad_response_status_code", Envelope::Nested),
        said(429, "InvalidParameter", Envelope::Nested),
        said(429, PACE, Envelope::Flat),
        said(429, PACE, Envelope::Management),
        said(429, "", Envelope::Empty),
        said(429, "", Envelope::Html),
        said(429, "", Envelope::Detail),
        said(400, "ServerOverloaded", Envelope::Nested),
        said(200, PACE, Envelope::Nested),
        said(200, PACE, Envelope::Management),
    ])
    .await;
}

/// The service's own failure is sent again, and not for ever: nine creates of one shot were seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f14_a_part_of_the_service_that_fails_first_is_tried_five_times() {
    let fails = |hits| {
        let effect = Effect::Refuse { code: "ContentSecurityDetectionError".to_owned(), message: None };
        let rule = at_create(effect);
        if hits == 0 { rule } else { rule.hits(hits) }
    };
    for (hits, sends, state) in [(0, 5, State::Rejected), (2, 3, State::Settled)] {
        let env = TestEnv::under([counter(), fails(hits)]).await;
        let journal = env.planned(1).await;
        let ended = env.run(&journal).await;
        assert_eq!(ended.summary.counts, [(state, 1)].into());
        assert_eq!(env.creates_seen(), sends);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f14_a_service_that_only_says_slower_ends_the_run_and_loses_nothing() {
    for effect in [status(429, false)] {
        let env = TestEnv::under([at_create(effect)]).await;
        let journal = env.planned(2).await;
        let mut options = env.options();
        options.stuck_for = std::time::Duration::from_secs(120);
        let ended = env.run_until(&journal, options, |_, _| {}).await;
        let stopped = ended.summary.stopped.unwrap();
        assert_eq!((stopped.cause, ended.summary.counts), (StopCause::Stuck, [(State::Intent, 2)].into()));
        assert!(stopped.reason.contains("no create has got through for"), "{}", stopped.reason);
        env.simulator.set_faults(ark_video_simulator::FaultPlan::new()).unwrap();
        env.settles(&journal).await;
    }
}

/// A create was accepted, and the polls of its task are rejected: for a while, or until the key is
/// fixed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f14_refused_questions_after_a_create_lose_no_film() {
    for (code, page) in [
        ("AuthenticationError", None),
        ("AccessDenied", None),
        ("ResourceNotFound", None),
        ("", Some(401)),
        ("", Some(404)),
        ("", Some(302)),
    ] {
        let effect = match page {
            None => Effect::Refuse { code: code.to_owned(), message: None },
            Some(status) => shaped(status, Envelope::Html, false),
        };
        let env =
            TestEnv::under([counter(), FaultRule::new(effect.clone()).at(FaultPoint::Get).hits(2)]).await;
        let journal = env.planned(2).await;
        env.settles(&journal).await;
        // For good: the run ends, the rows keep their ids, and the next run fetches what is paid
        // for.
        let lists = FaultRule::new(effect.clone()).at(FaultPoint::List);
        let env = TestEnv::under([counter(), FaultRule::new(effect).at(FaultPoint::Get), lists]).await;
        let journal = env.planned(2).await;
        // That one is believed after a minute: such rows are gone, with their ids.
        if code == "ResourceNotFound" {
            continue;
        }
        let ended = env.run(&journal).await;
        assert_eq!(ended.summary.counts, [(State::Submitted, 2)].into(), "{code} {page:?}");
        let text = |event: &EventKind| matches!(event, EventKind::Warning { reason } if reason.contains("billed if it succeeds"));
        assert_eq!(count(&ended.events, text), 2, "{:?}", ended.events);
        env.simulator.set_faults(ark_video_simulator::FaultPlan::new()).unwrap();
        env.settles(&journal).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f15_reset_close_silence_garbage_after_send() {
    found_again(vec![
        Effect::AcceptThenDrop { reset: false },
        Effect::AcceptThenDrop { reset: true },
        Effect::HangAfterAccept { seconds: 3 },
        Effect::Garbage,
        Effect::HalfHead,
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f16_slowloris() {
    let drip = |head| Effect::SlowDrip { bytes: 1, millis: 3_600_000, head };
    found_again(vec![drip(true), drip(false)]).await;
    let env = TestEnv::under([FaultRule::new(drip(false)).at(FaultPoint::File).hits(2)]).await;
    let journal = env.planned(5).await;
    env.settles(&journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f17_2xx_with_cut_json_empty_id_html() {
    found_again(vec![
        Effect::CutJson,
        Effect::EmptyId,
        Effect::NoId,
        Effect::EmptyAnswer,
        shaped(200, Envelope::Html, true),
    ])
    .await;
    // Accepted, id unknown, and not to be found: held even where everything else is sent again.
    let env =
        TestEnv::under([counter(), at_create(shaped(200, Envelope::Html, false)).hits(1)]).await.resending();
    let journal = env.planned(4).await;
    let ended = env.run(&journal).await;
    assert_eq!(ended.summary.counts, [(State::Settled, 3), (State::Held, 1)].into());
    assert_eq!(env.creates_seen(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f19_html_page_or_captive_portal() {
    // Pages in place of answers: unknown, so held; never failed.
    for code in [403, 511] {
        let env = TestEnv::under([at_create(shaped(code, Envelope::Html, false)).hits(1)]).await;
        let journal = env.planned(3).await;
        let ended = env.run(&journal).await;
        assert_eq!(ended.summary.counts, [(State::Settled, 2), (State::Held, 1)].into(), "{code}");
    }
    // A portal that leads elsewhere: the run stops, and the key goes nowhere.
    let elsewhere = TestEnv::under([counter()]).await;
    let to = format!("{}/contents/generations/tasks", elsewhere.orders.base_url);
    for code in [301, 302, 307, 308] {
        let redirect = Effect::Redirect { status: code, to: to.clone() };
        let env = TestEnv::under([at_create(redirect)]).await;
        let journal = env.planned(30).await;
        let ended = env.run(&journal).await;
        let stopped = ended.summary.stopped.as_ref().unwrap();
        assert_eq!(stopped.cause, StopCause::Misrouted, "{code}");
        assert_eq!(ended.summary.counts, [(State::Intent, 30)].into(), "{code}");
        assert_eq!(env.simulator.ledger().accepted, 0);
    }
    assert_eq!(elsewhere.creates_seen(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f20_huge_answers() {
    let huge = || Effect::HugeAnswer { bytes: 30_000_000 };
    found_again(vec![huge()]).await;
    let env = TestEnv::under([
        FaultRule::new(huge()).at(FaultPoint::Get).hits(2),
        FaultRule::new(huge()).at(FaultPoint::List).hits(2),
    ])
    .await;
    let journal = env.planned(12).await;
    env.settles(&journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f21_unknown_status_and_strange_values() {
    let strange = [
        Effect::UnknownStatus { status: "paused".to_owned() },
        Effect::StringTimes,
        Effect::FloatNumbers,
        Effect::ExtraFields,
    ];
    for effect in strange {
        let rule = |place, hits| FaultRule::new(effect.clone()).at(place).hits(hits);
        let env = TestEnv::under([rule(FaultPoint::Get, 6), rule(FaultPoint::List, 3)]).await;
        let journal = env.planned(8).await;
        env.settles(&journal).await;
    }
    let env = TestEnv::under([FaultRule::new(Effect::NullItems).at(FaultPoint::List).hits(2)]).await;
    let journal = env.planned(8).await;
    env.settles(&journal).await;
}
