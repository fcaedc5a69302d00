//! Runs that are ended: by a person, or by the service's word.

use std::time::Duration;

use ark_video_batch::{EventKind, JobFilter, Runner, State, StopCause};
use ark_video_simulator::{Effect, FaultPlan, FaultPoint, FaultRule, LinkForm, Options};

use crate::runs::test_env::{BATCH, TestEnv, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_run_begins_nothing_and_the_next_one_finishes_it() {
    let env = TestEnv::new().await;
    let journal = env.planned(40).await;
    let mut submitted = 0;
    let ended = env
        .run_until(&journal, env.options(), |event, handle| {
            submitted += usize::from(matches!(event, EventKind::Submitted { .. }));
            if submitted == 10 {
                handle.drain();
            }
        })
        .await;
    assert_eq!(ended.summary.stopped.as_ref().unwrap().cause, StopCause::Asked);
    assert!(ended.summary.left() >= 20, "{:?}", ended.summary);
    let counts = &ended.summary.counts;
    assert!(!counts.contains_key(&State::Submitting) && !counts.contains_key(&State::Unknown), "{counts:?}");
    assert_eq!(count(&ended.events, |event| matches!(event, EventKind::Draining)), 1);
    let ended = env.run(&journal, env.options()).await;
    assert_eq!(ended.summary.counts, [(State::Settled, 40)].into());
    env.check(&journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_sends_nothing_goes_on_with_what_was_sent() {
    let env = TestEnv::new().await;
    let journal = env.planned(3).await;
    let silent = || env.options().sends(false);
    let ended = env.run(&journal, silent()).await;
    assert_eq!(ended.summary.counts, [(State::Intent, 3)].into());
    assert_eq!(env.simulator.ledger().accepted, 0);
    let ended = env
        .run_until(&journal, env.options(), |event, handle| {
            if matches!(event, EventKind::Submitted { .. }) {
                handle.drain();
            }
        })
        .await;
    let unsent = ended.summary.counts.get(&State::Intent).copied().unwrap_or_default();
    let ended = env.run(&journal, silent()).await;
    assert_eq!(ended.summary.counts.get(&State::Settled), Some(&(3 - unsent)));
    assert_eq!(env.simulator.ledger().accepted as u64, 3 - unsent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drained_run_does_not_wait_for_a_link() {
    // A task that succeeded without a link is asked for it for two minutes: by then the row would
    // say so.
    let no_link = FaultRule::new(Effect::NoLink { form: LinkForm::default() }).at(FaultPoint::Get);
    let env = TestEnv::with(FaultPlan::new().rule(no_link), Options::default()).await;
    let journal = env.planned(1).await;
    let ended = env
        .run_until(&journal, env.options(), |event, handle| {
            if matches!(event, EventKind::Finished) {
                handle.drain();
            }
        })
        .await;
    assert_eq!(ended.summary.counts, [(State::Finished, 1)].into());
    let jobs = journal.jobs(&JobFilter::default(), None, 10).await.unwrap();
    assert_eq!(jobs[0].reason, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_ends_at_once_loses_nothing() {
    let env = TestEnv::new().await;
    let journal = env.planned(40).await;
    for stop_after in [3, 7, 11] {
        let mut sent = 0;
        env.run_until(&journal, env.options(), |event, handle| {
            sent += usize::from(matches!(event, EventKind::Submitting { .. }));
            if sent == stop_after {
                handle.stop_now();
            }
        })
        .await;
    }
    let mut options = env.options();
    options.quiet = Duration::from_secs(60);
    options.sweep = options.sweep.clone().pause(Duration::from_secs(30));
    let ended = env.run(&journal, options).await;
    assert_eq!(ended.summary.left(), 0);
    let counts = &ended.summary.counts;
    let held = counts.get(&State::Held).copied().unwrap_or_default();
    assert_eq!(counts.get(&State::Settled).copied().unwrap_or_default() + held, 40, "{counts:?}");
    assert!(held <= 6, "only what was being sent may be in doubt: {counts:?}");
    assert_eq!(env.simulator.ledger().accepted as u64, 40 - held);
    env.check(&journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_account_stops_all_creates_and_loses_no_film() {
    let refuse = Effect::Refuse { code: "AccountOverdueError".to_owned(), message: None };
    let rule = FaultRule::new(refuse).at(FaultPoint::Create);
    let env = TestEnv::new().await;
    let journal = env.planned(40).await;
    let mut submitted = 0;
    let ended = env
        .run_until(&journal, env.options(), |event, _| {
            submitted += usize::from(matches!(event, EventKind::Submitted { .. }));
            if submitted == 10 {
                env.simulator.add_fault(rule.clone()).unwrap();
                submitted += 1000;
            }
        })
        .await;
    let stopped = ended.summary.stopped.unwrap();
    assert_eq!(stopped.cause, StopCause::Account);
    assert_eq!(count(&ended.events, |event| matches!(event, EventKind::Stopped { .. })), 1);
    let counts = ended.summary.counts;
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [State::Intent, State::Settled], "{counts:?}");
    assert!(stopped.reason.contains("AccountOverdueError"), "{}", stopped.reason);
    env.simulator.set_faults(FaultPlan::new()).unwrap();
    let ended = env.run(&journal, env.options()).await;
    assert_eq!(ended.summary.counts, [(State::Settled, 40)].into());
    env.check(&journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_failures_stop_a_run() {
    let fail = Effect::Fail { code: "OutputVideoSensitiveContentDetected".to_owned(), message: None };
    let faults = FaultPlan::new().rule(FaultRule::new(fail));
    let env = TestEnv::with(faults, Options::default()).await;
    let journal = env.planned(60).await;
    let mut options = env.options();
    options.concurrency = 5;
    options.stop_after_failures = Some(0.5);
    let ended = env.run(&journal, options).await;
    assert_eq!(ended.summary.stopped.unwrap().cause, StopCause::Failures);
    let failed = ended.summary.counts[&State::Failed];
    assert!((10..=20).contains(&failed), "{failed}");
    assert_eq!(failed + ended.summary.counts[&State::Intent], 60);
    assert_eq!(env.simulator.ledger().billed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runners_share_a_journal_and_each_job_is_sent_once() {
    let env = TestEnv::new().await;
    let journal = env.planned(60).await;
    let second = env.journal().await;
    let runs = [journal.clone(), second].map(|journal| {
        let runner = Runner::new(env.client(), journal, env.options());
        let (events, _, run) = runner.run(&[BATCH.to_owned()]);
        drop(events);
        tokio::time::timeout(Duration::from_secs(120), run)
    });
    let [one, other] = runs;
    let (one, other) = tokio::join!(one, other);
    for summary in [one, other] {
        assert_eq!(summary.unwrap().unwrap().counts, [(State::Settled, 60)].into());
    }
    assert_eq!(env.simulator.ledger().accepted, 60);
    env.check(&journal).await;
}
