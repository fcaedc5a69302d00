//! F01 to F07: processes that die or freeze in the middle of a job.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ark_video::transport::{BoxFuture, Clock, UnixMillis};
use ark_video_batch::{CrashPoint, EventKind, PlanOptions, State};

use crate::faults::test_env::{TestEnv, count, is_submitting};
use crate::support::shots::MODEL;
use crate::support::worker::BATCH;

const JOBS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f01_kill_between_intent_and_queue_entry() {
    let mut env = TestEnv::new().await;
    let journal = env.planned(JOBS).await;
    env.dies_at(CrashPoint::BeforeClaim).await;
    env.dies_at(CrashPoint::AfterClaim).await;
    assert_eq!(env.simulator.ledger().accepted, 0);
    let ended = env.settles(&journal).await;
    assert_eq!(count(&ended.events, is_submitting), JOBS, "each was queued once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f02_kill_after_submitting_before_send() {
    for resend in [false, true] {
        let mut env = TestEnv::new().await;
        env.orders.resend = resend;
        let journal = env.planned(JOBS).await;
        env.dies_at(CrashPoint::AfterSubmitting).await;
        if resend {
            env.settles(&journal).await;
            continue;
        }
        let ended = env.run(&journal).await;
        let held = ended.summary.counts[&State::Held];
        assert!(held >= 1 && ended.summary.left() == 0, "{:?}", ended.summary);
        let settled = JOBS - usize::try_from(held).unwrap();
        env.holds(env.check(&journal).await, settled);
        assert_eq!(env.simulator.ledger().accepted, settled, "what is held was never made");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f03_kill_after_accept_before_submitted() {
    let mut env = TestEnv::new().await;
    let journal = env.planned(JOBS).await;
    env.dies_at(CrashPoint::AfterAnswer).await;
    let accepted = env.simulator.ledger().accepted;
    assert!(accepted >= 1);
    let ended = env.run(&journal).await;
    let found = count(&ended.events, |event| matches!(event, EventKind::Submitted { found: true, .. }));
    assert!(found >= 1, "{:?}", ended.events);
    // Others of that runner may have been about to be sent when it died: those are held.
    let held = ended.summary.counts.get(&State::Held).copied().unwrap_or_default();
    env.holds(env.check(&journal).await, JOBS - usize::try_from(held).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f04_kill_while_waiting() {
    let mut env = TestEnv::new().await.resending();
    let journal = env.planned(JOBS).await;
    env.dies_at(CrashPoint::WhileWaiting).await;
    let known: Vec<_> = env.jobs(&journal).await.into_iter().filter_map(|job| job.task_id).collect();
    assert!(!known.is_empty());
    env.settles(&journal).await;
    let now: Vec<_> = env.jobs(&journal).await.into_iter().filter_map(|job| job.task_id).collect();
    assert!(known.iter().all(|id| now.contains(id)), "the same tasks were waited for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f05_kill_between_finished_and_downloaded() {
    let mut env = TestEnv::new().await.resending();
    let journal = env.planned(JOBS).await;
    for point in [CrashPoint::AfterFinished, CrashPoint::AfterPart, CrashPoint::AfterRename] {
        env.dies_at(point).await;
    }
    env.settles(&journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f06_kill_before_the_queues_acknowledgement() {
    let mut env = TestEnv::new().await.resending();
    let journal = env.planned(JOBS).await;
    env.dies_at(CrashPoint::AfterSettled).await;
    let left = env.jobs(&journal).await;
    let settled: Vec<_> = left.iter().filter(|job| job.state == State::Settled).collect();
    assert!(!settled.is_empty());
    env.settles(&journal).await;
    let jobs = env.jobs(&journal).await;
    assert!(settled.iter().all(|before| jobs.contains(before)), "what was done was not touched");
    // A video is fetched once by each runner that gets to it: only those of finished tasks may have
    // been on their way at the death.
    for (id, times) in env.downloads() {
        let now = jobs.iter().find(|job| job.task_id.as_deref() == Some(&id)).unwrap();
        let on_its_way = left.iter().any(|job| job.key == now.key && job.state == State::Finished);
        assert!((1..=if on_its_way { 2 } else { 1 }).contains(&times), "{times} times: {now:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_of_a_dead_runner_come_back_though_all_handlers_wait_for_them() {
    const JOBS: usize = 20;
    let env = TestEnv::new().await.resending();
    let journal = env.planned(JOBS).await;
    env.has_just_died_at(CrashPoint::WhileWaiting).await;
    assert!(journal.slots(MODEL).await.unwrap().running >= 1);
    // This runner takes intents while the queue still keeps what is on its way for the dead one;
    // none of them gets a slot.
    let mut options = env.options();
    options.concurrency = 1;
    options.downloads = 1;
    let ended = env.run_until(&journal, options, |_, _| {}).await;
    assert_eq!(ended.summary.counts, [(State::Settled, JOBS as u64)].into());
    env.holds(env.check(&journal).await, JOBS);
}

/// What freezes have left behind, for all clocks that show it.
#[derive(Debug, Default)]
struct Freezes {
    polls: AtomicI64,
    wall: AtomicI64,
    monotonic: AtomicI64,
}

/// A machine's clock. Every third reading by the journal's copy freezes the machine: some of these
/// are in the middle of the commit before a send.
#[derive(Debug)]
struct Freezing {
    clock: Arc<dyn Clock>,
    freezes: Arc<Freezes>,
    is_the_journals: bool,
    stands_still: bool,
}

impl Clock for Freezing {
    fn now(&self) -> UnixMillis {
        const LONG: i64 = 120_000;
        const MOST: i64 = 60;
        if self.is_the_journals {
            let reading = self.freezes.polls.fetch_add(1, Ordering::SeqCst);
            if reading % 3 == 2 && reading < 3 * MOST {
                self.freezes.wall.fetch_add(LONG, Ordering::SeqCst);
                if !self.stands_still {
                    self.freezes.monotonic.fetch_add(LONG, Ordering::SeqCst);
                }
            }
        }
        self.clock.now() + self.freezes.wall.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        let frozen = self.freezes.monotonic.load(Ordering::SeqCst);
        self.clock.monotonic() + Duration::from_millis(frozen.unsigned_abs())
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.clock.sleep(pause)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f07_runner_frozen_past_its_lease() {
    const JOBS: usize = 30;
    // A paused machine's clock goes on; a suspended one's monotonic clock stands still meanwhile.
    for stands_still in [false, true] {
        let env = TestEnv::new().await.resending();
        let freezes = Arc::new(Freezes::default());
        let clock = |is_the_journals| -> Arc<dyn Clock> {
            let (clock, freezes) = (env.clock(), freezes.clone());
            Arc::new(Freezing { clock, freezes, is_the_journals, stands_still })
        };
        let journal = env.journal_with(clock(true)).await;
        journal.plan(BATCH, &env.shots(JOBS), PlanOptions::default()).await.unwrap();
        let mut options = env.options();
        options.clock = clock(false);
        let ended = env.run_until(&journal, options, |_, _| {}).await;
        assert_eq!(ended.summary.left(), 0);
        env.holds(env.check(&journal).await, JOBS);
        assert_eq!(env.simulator.ledger().accepted, JOBS);
        let is_late = |event: &EventKind| matches!(event, EventKind::NotSent { reason } if reason.contains("passed between writing it down"));
        assert!(count(&ended.events, is_late) >= 1, "the guard was never needed");
    }
}
