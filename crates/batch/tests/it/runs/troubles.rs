//! A service that fails, and what may not follow from it.

use std::time::Duration;

use ark_video_batch::{EventKind, InputFile, OnUnknown, RunnerOptions, State};
use ark_video_simulator::{Effect, FaultPlan, FaultPoint, FaultRule, Options};

use crate::runs::test_env::{TestEnv, count};
use crate::support::status;

/// The faults of the money-safe issue, each rarely.
fn faults() -> FaultPlan {
    let at_create = |effect, every| FaultRule::new(effect).at(FaultPoint::Create).every(every);
    FaultPlan::new()
        .rule(at_create(status(500, true), 11))
        .rule(at_create(Effect::AcceptThenDrop { reset: true }, 13))
        .rule(at_create(Effect::DropBeforeAccept { reset: false }, 17))
        .rule(at_create(status(500, false), 19))
        .rule(at_create(status(429, false), 7))
        .rule(at_create(Effect::CutJson, 23))
        .rule(FaultRule::new(status(500, false)).at(FaultPoint::Get).every(9))
        .rule(FaultRule::new(status(502, false)).at(FaultPoint::List).every(5))
        .rule(FaultRule::new(status(503, false)).at(FaultPoint::File).every(9))
}

fn quick(env: &TestEnv) -> RunnerOptions {
    let mut options = env.options();
    options.quiet = Duration::from_secs(60);
    options.sweep = options.sweep.clone().pause(Duration::from_secs(30));
    options
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_faults_every_bill_has_its_job_and_what_is_in_doubt_is_held() {
    let env = TestEnv::with(faults(), Options::default()).await;
    let journal = env.planned(80).await;
    let ended = env.run(&journal, quick(&env)).await;
    let counts = ended.summary.counts;
    let of = |state| counts.get(&state).copied().unwrap_or_default();
    assert_eq!(of(State::Settled) + of(State::Held), 80, "{counts:?}");
    assert!(of(State::Held) > 0, "the plan has creates that end in nothing: {counts:?}");
    assert!(count(&ended.events, |event| matches!(event, EventKind::Submitted { found: true, .. })) > 0);
    assert!(count(&ended.events, |event| matches!(event, EventKind::Throttled { .. })) > 0);
    let ledger = env.simulator.ledger();
    assert_eq!(ledger.accepted as u64, of(State::Settled), "what is held was never made");
    env.check(&journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_resend_nothing_is_held_and_nothing_billed_twice() {
    let env = TestEnv::with(faults(), Options::default()).await;
    let journal = env.planned(80).await;
    let mut options = quick(&env);
    options.on_unknown = OnUnknown::Resend;
    let ended = env.run(&journal, options).await;
    env.all_settled(&journal, &ended).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_written_down_too_long_ago_is_not_sent() {
    let env = TestEnv::new().await;
    let journal = env.planned(3).await;
    let mut options = env.options();
    // No disk is that fast, so every send comes too late.
    options.guard = Duration::ZERO;
    let mut late = 0;
    let ended = env
        .run_until(&journal, options, |event, handle| {
            if let EventKind::NotSent { reason } = event {
                assert!(reason.contains("written") || reason.contains("writing"), "{reason}");
                late += 1;
                if late == 5 {
                    handle.drain();
                }
            }
        })
        .await;
    assert_eq!(ended.summary.counts, [(State::Intent, 3)].into());
    assert_eq!(env.simulator.ledger().accepted, 0);
    assert_eq!(journal.slots(crate::runs::test_env::MODEL).await.unwrap().running, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_changed_since_the_list_was_read_is_not_sent() {
    let env = TestEnv::new().await;
    let journal = env.journal().await;
    let picture = env.path("cat.png");
    std::fs::write(&picture, b"\x89PNG\r\n\x1a\nwhat it was").unwrap();
    let mut shot = env.shot(0);
    let content = shot.request.get_mut("content").unwrap().as_array_mut().unwrap();
    content
        .push(serde_json::json!({"type": "image_url", "image_url": {"url": picture}, "role": "first_frame"}));
    shot.inputs.push(InputFile { content: 1, path: picture.clone(), bytes: 19, sha256: "00".repeat(32) });
    env.plan(&journal, &[shot]).await;
    let ended = env.run(&journal, env.options()).await;
    assert_eq!(ended.summary.counts, [(State::Rejected, 1)].into());
    let reason = env.job(&journal, "shot-0000").await.reason.unwrap();
    assert!(reason.contains("cat.png") && reason.contains("nothing was sent"), "{reason}");
    assert_eq!(env.simulator.ledger().accepted, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_shot_is_one_shot_and_a_failed_one_costs_nothing() {
    let refuse = Effect::Refuse { code: "InputTextSensitiveContentDetected".to_owned(), message: None };
    let fail = Effect::Fail { code: "OutputVideoSensitiveContentDetected".to_owned(), message: None };
    let faults = FaultPlan::new()
        .rule(FaultRule::new(refuse).at(FaultPoint::Create).tag("Shot 3:"))
        .rule(FaultRule::new(fail).at(FaultPoint::Create).tag("Shot 5:"));
    let env = TestEnv::with(faults, Options::default()).await;
    let journal = env.planned(8).await;
    let ended = env.run(&journal, env.options()).await;
    let expected = [(State::Settled, 6), (State::Rejected, 1), (State::Failed, 1)];
    assert_eq!(ended.summary.counts, expected.into());
    for (name, word) in [("shot-0003", "InputText"), ("shot-0005", "OutputVideo")] {
        let reason = env.job(&journal, name).await.reason.unwrap();
        assert!(reason.contains(word), "{reason}");
    }
    env.check(&journal).await;
}
