//! Caps hold in whatever way a run goes, and a list that changes under it costs no second bill.

use ark_video_batch::{
    Amount, Cap, EventKind, JobFilter, Journal, JournalAt, OpenOptions, PlanOptions, Runner, Scope, State,
};
use ark_video_simulator::Effect;
use ark_video_test_support::times;

use crate::faults::test_env::{TestEnv, at_create};
use crate::support::status;
use crate::support::worker::BATCH;

/// What each of the videos costs.
const COST: u64 = 11_600;

/// Xorshift.
struct Draws(u64);

impl Draws {
    fn draw(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_is_exceeded_by_what_was_accepted_before_it_was_reached_and_no_more() {
    const AT_ONCE: u64 = 10;
    let runs = times(40, 100) as u64;
    let env = TestEnv::under([
        at_create(status(500, true)).probability(0.03),
        at_create(status(429, false)).probability(0.05),
        at_create(Effect::AcceptThenDrop { reset: false }).probability(0.03),
    ])
    .await;
    let env = &env;
    for first in (1..=runs).step_by(10) {
        let runs = (first..first + AT_ONCE).map(|run| capped(env, run));
        futures_util::future::join_all(runs).await;
    }
}

async fn capped(env: &TestEnv, run: u64) {
    let mut draws = Draws(run.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    draws.draw(1);
    let count = 2 + draws.draw(7);
    let cap = 1 + draws.draw(count * COST * 3 / 2);
    // Estimates are the most that a video costs, unless a price list is wrong.
    let estimate = COST * [1, 2, 3, 10][usize::try_from(draws.draw(4)).unwrap()] / 2;
    let mut list = env.shots(usize::try_from(count).unwrap());
    let folder = env.path(&format!("run-{run}"));
    for shot in &mut list {
        shot.output = folder.join(&shot.name).with_extension("mp4");
        shot.estimate.as_mut().unwrap().tokens = estimate;
    }
    let at = JournalAt::File(folder.join("night.sqlite"));
    let open = OpenOptions { clock: env.clock(), ..OpenOptions::default() };
    let journal = Journal::open(&at, open).await.unwrap();
    journal.plan(BATCH, &list, PlanOptions::default()).await.unwrap();
    let scope = [Scope::Batch(BATCH.to_owned()), Scope::Day(String::new())];
    let scope = scope[usize::try_from(draws.draw(2)).unwrap()].clone();
    journal.set_caps(&[Cap { scope, amount: Amount::Tokens(cap) }]).await.unwrap();
    let mut options = env.options();
    options.concurrency = 1 + u32::try_from(draws.draw(5)).unwrap();
    let client = env.orders.client(env.clock());
    let (_events, _handle, running) = Runner::new(client, journal.clone(), options).run(&[BATCH.to_owned()]);
    let summary = running.await.unwrap();
    let of = |state| summary.counts.get(&state).copied().unwrap_or_default();
    assert_eq!(of(State::Settled) + of(State::OverBudget) + of(State::Held), count, "run {run}: {summary:?}");
    assert_eq!(journal.audit().await.unwrap(), []);

    let jobs = journal.jobs(&JobFilter::default(), None, 100).await.unwrap();
    let settled: Vec<_> = jobs.iter().filter(|job| job.state == State::Settled).collect();
    let spent = |which: &dyn Fn(i64) -> bool| -> u64 {
        settled
            .iter()
            .filter(|job| which(job.changed_at))
            .map(|job| job.settled.as_ref().unwrap().tokens)
            .sum()
    };
    for job in &settled {
        // The writer's lock puts what was settled before an attempt began before the attempt.
        let started = job.attempt.as_ref().unwrap().at;
        let before = spent(&|at| at < started);
        assert!(
            before + estimate <= cap,
            "run {run}: {} was sent when {before} of {cap} were spent",
            job.key
        );
    }
    let total = spent(&|_| true);
    if estimate >= COST {
        assert!(total <= cap, "run {run}: {total} of {cap}");
    }
    if count * estimate.max(COST) <= cap {
        assert_eq!(of(State::OverBudget), 0, "run {run}: a cap that is large enough stops nothing");
    }
    journal.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_changes_under_a_running_batch_costs_no_second_bill() {
    const COUNT: usize = 20;
    let env = TestEnv::new().await;
    let journal = env.planned(COUNT).await;
    let shots = env.shots(COUNT);
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    // One that was settled by then, and the last, which was not sent; another is taken out.
    let editor = tokio::spawn({
        let journal = env.journal().await;
        async move {
            receiver.await.unwrap();
            let settled = JobFilter { states: vec![State::Settled], ..JobFilter::default() };
            let settled = journal.jobs(&settled, None, 1).await.unwrap().remove(0).planned.name;
            let mut changed = shots;
            for shot in &mut changed {
                if shot.name == settled || shot.name == "shot-000019" {
                    shot.request["content"][0]["text"] = "It rains.".into();
                    shot.request_hash.push_str(" in the rain");
                }
            }
            changed.retain(|shot| shot.name != "shot-000018");
            let options = PlanOptions { drop_missing: true, ..PlanOptions::default() };
            (settled, journal.plan(BATCH, &changed, options).await.unwrap())
        }
    });
    let mut sender = Some(sender);
    let mut options = env.options();
    // One after the other: the last are far from being sent.
    options.concurrency = 1;
    env.run_until(&journal, options, |event, _| {
        if matches!(event, EventKind::Settled { .. })
            && let Some(sender) = sender.take()
        {
            sender.send(()).unwrap();
        }
    })
    .await;
    let (settled, change) = editor.await.unwrap();
    assert_eq!(change.superseded, [settled]);
    assert_eq!(change.dropped, ["shot-000018"]);
    assert_eq!(change.changed, ["shot-000019"]);
    // What the running batch did not see, the next run finds.
    let ended = env.run(&journal).await;
    assert_eq!(ended.summary.counts, [(State::Settled, 20), (State::Dropped, 1)].into());
    // Two videos of the settled one, because they are two intents; one of each other, none of the
    // one that was taken out.
    assert_eq!(env.simulator.ledger().accepted, 20);
    let outputs: std::collections::BTreeSet<_> =
        env.jobs(&journal).await.into_iter().flat_map(|job| job.files).map(|file| file.path).collect();
    assert_eq!(outputs.len(), 20, "no video took another's place");
    assert_eq!(journal.audit().await.unwrap(), []);
}
