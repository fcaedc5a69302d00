//! Creates whose answers are lost: which video is whose, and that none is paid for twice or in
//! vain.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use ark_video::model::catalog::Catalog;
use ark_video::{CorrelationOptions, provenance::Sidecar};
use ark_video_batch::{EventKind, Job, Planned, RunnerHandle, RunnerOptions, State, assign, task_of};
use ark_video_simulator::{Effect, FaultPlan, FaultPoint, FaultRule, Options};

use crate::runs::test_env::{MODEL, TestEnv, count, with};
use crate::support::status;

fn lost() -> FaultRule {
    FaultRule::new(Effect::AcceptThenDrop { reset: false }).at(FaultPoint::Create)
}

fn list_is_down() -> FaultRule {
    FaultRule::new(status(503, false)).at(FaultPoint::List)
}

/// The pause between two readings of the list: 20 s of real time.
const PAUSE: Duration = Duration::from_secs(20 * 60);

/// Reads the list again only after [`PAUSE`]: what is decided before is decided by the first
/// reading.
fn rarely_again(env: &TestEnv) -> RunnerOptions {
    let mut options = env.options();
    options.quiet = Duration::from_secs(60);
    options.sweep = options.sweep.clone().pause(PAUSE);
    options
}

fn unknown(event: &EventKind) -> bool {
    matches!(event, EventKind::Unknown { .. })
}

fn unmatched(env: &TestEnv) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(env.path("videos/unmatched")) else { return Vec::new() };
    let mut paths: Vec<_> = found.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "mp4"));
    paths.sort();
    paths
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_task_of_240_lost_answers_is_found_after_a_restart_and_none_is_made_twice() {
    const SHOTS: usize = 240;
    let plan = FaultPlan::new().rule(lost()).rule(list_is_down());
    let env = TestEnv::with(plan, Options::default()).await;
    let journal = env.planned(SHOTS).await;
    let mut options = rarely_again(&env);
    options.concurrency = 1000;
    // A runner that is killed in the middle, and two that end in order, the second without having
    // sent anything.
    for (stops_after, at_once) in [(SHOTS / 2, true), (SHOTS / 2 - 40, false)] {
        let mut seen = 0;
        env.run_until(&journal, options.clone(), |event, handle| {
            seen += usize::from(unknown(event));
            match (seen >= stops_after, at_once) {
                (true, true) => handle.stop_now(),
                (true, false) => handle.drain(),
                _ => {}
            }
        })
        .await;
    }
    // All marks are their own, over both runners.
    let jobs = env.jobs(&journal).await;
    let marks: Vec<_> = jobs
        .iter()
        .filter_map(|job| job.attempt.as_ref()?.search.as_ref()?["marks"]["expiry"].as_i64())
        .collect();
    assert!(marks.len() > SHOTS / 2, "{}", marks.len());
    assert_eq!(marks.iter().collect::<BTreeSet<_>>().len(), marks.len(), "a mark was given twice");

    env.simulator.set_faults(FaultPlan::new().rule(lost())).unwrap();
    options.sweep = options.sweep.clone().pause(Duration::from_secs(30));
    let ended = env.run(&journal, options).await;
    env.check(&journal).await;
    let ledger = env.simulator.ledger();
    let jobs = env.jobs(&journal).await;
    let settled: BTreeSet<&str> = jobs
        .iter()
        .filter(|job| job.state == State::Settled)
        .filter_map(|job| job.task_id.as_deref())
        .collect();
    assert_eq!(settled.len(), ledger.entries.len(), "a video for each bill: {:?}", ended.summary);
    assert!(ledger.entries.iter().all(|entry| settled.contains(&*entry.task_id)));
    // What is held was about to be sent when the first runner was killed, and never was.
    let held = jobs.iter().filter(|job| job.state == State::Held).count();
    assert_eq!(settled.len() + held, SHOTS, "{:?}", ended.summary);
    assert!(held <= 20, "{held}");
}

/// A shot with its own prompt, or a shared one.
fn shot(env: &TestEnv, place: usize, prompt: &str) -> Planned {
    let base = env.shot(place);
    let mut request = base.request.clone();
    request["content"][0]["text"] = prompt.into();
    let mut planned = with(place, &base.name, &base.output, request);
    planned.request_hash = format!("{MODEL} {prompt}");
    planned
}

/// Plans shots whose answers are all lost, without marks, and runs them.
async fn run_lost(prompts: &[&str], exclusive: bool) -> (TestEnv, ark_video_batch::Journal, Vec<EventKind>) {
    let plan = FaultPlan::new().rule(lost()).rule(list_is_down());
    let env = TestEnv::with(plan, Options::default()).await;
    let journal = env.journal().await;
    let shots: Vec<_> = prompts.iter().enumerate().map(|(place, prompt)| shot(&env, place, prompt)).collect();
    env.plan(&journal, &shots).await;
    let mut options = rarely_again(&env);
    options.marks = CorrelationOptions::none();
    options.sweep = options.sweep.clone().exclusive(exclusive);
    let mut seen = 0;
    let all_are_lost = |event: &EventKind, handle: &RunnerHandle| {
        seen += usize::from(unknown(event));
        if seen == prompts.len() {
            handle.drain();
        }
    };
    env.run_until(&journal, options.clone(), all_are_lost).await;
    env.simulator.set_faults(FaultPlan::new().rule(lost())).unwrap();
    let started = env.clock.monotonic();
    let ended = env.run(&journal, options).await;
    assert!(env.clock.monotonic() - started < PAUSE, "the first reading decides");
    env.check(&journal).await;
    (env, journal, ended.events)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_told_apart_is_fetched_at_once_and_named_by_its_rows() {
    // Requests, whether nobody else uses the account; shots that get a task by themselves, and
    // those that are held.
    for (prompts, exclusive, settled) in [
        (&["a boat"][..], false, 0),
        (&["a boat", "a bird"], false, 0),
        (&["a boat", "a bird"], true, 0),
        (&["a boat", "a boat"], false, 0),
        // As good as each other.
        (&["a boat", "a boat"], true, 2),
        (&["a boat", "a boat", "a boat"], true, 3),
        (&["a boat", "a boat", "a bird"], true, 0),
    ] {
        let (env, journal, events) = run_lost(prompts, exclusive).await;
        let jobs = env.jobs(&journal).await;
        let of = |state| jobs.iter().filter(|job| job.state == state).count();
        assert_eq!((of(State::Settled), of(State::Held)), (settled, prompts.len() - settled), "{prompts:?}");
        let ledger = env.simulator.ledger();
        assert_eq!(ledger.accepted, prompts.len(), "{prompts:?}: nothing is made twice");
        let tasks: BTreeSet<String> = ledger.entries.into_iter().map(|entry| entry.task_id).collect();
        let fetched = unmatched(&env);
        assert_eq!(fetched.len(), prompts.len() - settled, "{prompts:?}");
        for job in jobs.iter().filter(|job| job.state == State::Held) {
            assert_eq!(job.candidates.iter().cloned().collect::<BTreeSet<_>>(), tasks, "{prompts:?}");
            let reason = job.reason.as_deref().unwrap();
            assert!(reason.contains("unmatched") && reason.contains("may be its own"), "{reason}");
        }
        for path in &fetched {
            let sidecar = Sidecar::read(path).unwrap().unwrap();
            assert!(sidecar.holds(path).await && tasks.contains(sidecar.task_id.as_ref().unwrap()));
        }
        let events = count(&events, |event| matches!(event, EventKind::Unmatched { .. }));
        assert_eq!(events, fetched.len(), "{prompts:?}: each once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_assigns_what_was_fetched_without_any_network() {
    let (env, journal, _) = run_lost(&["a boat", "a bird"], false).await;
    let fetched = unmatched(&env);
    let [boat, bird] = &fetched[..] else { panic!("{fetched:?}") };
    let (boat, bird) = (task_of(boat).unwrap().unwrap(), task_of(bird).unwrap().unwrap());
    let held = |name: &'static str| env.job(&journal, name);
    let give = async |job: &Job, task: &str| assign(&journal, job, task, Catalog::builtin()).await;

    let error = give(&held("shot-0000").await, "cgt-of-another").await.unwrap_err().to_string();
    assert!(error.contains("not a candidate") && error.contains(&boat), "{error}");
    let output = env.path("videos/shot-0000.mp4");
    std::fs::write(&output, "mine").unwrap();
    let error = give(&held("shot-0000").await, &boat).await.unwrap_err().to_string();
    assert!(error.contains("is there already"), "{error}");
    assert_eq!(held("shot-0000").await.state, State::Held, "nothing was changed");
    std::fs::remove_file(&output).unwrap();

    let done = give(&held("shot-0000").await, &boat).await.unwrap();
    assert_eq!((done.job.state, done.file.unwrap().path), (State::Settled, output.clone()));
    let sidecar = Sidecar::read(&output).unwrap().unwrap();
    assert!(sidecar.holds(&output).await && sidecar.provenance.is_some());
    let other = held("shot-0001").await;
    assert_eq!((other.state, &other.candidates[..]), (State::Held, std::slice::from_ref(&bird)));
    let error = give(&other, &boat).await.unwrap_err().to_string();
    assert!(error.contains("not a candidate"), "{error}");
    give(&other, &bird).await.unwrap();
    assert!(!env.path("videos/unmatched").exists(), "nothing is left there");
    env.check(&journal).await;
    let again = env.run(&journal, env.options()).await;
    assert_eq!(again.summary.counts, [(State::Settled, 2)].into());
    assert_eq!(env.simulator.ledger().accepted, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_was_adopted_by_hand_takes_its_fetched_video() {
    let (env, journal, _) = run_lost(&["a boat", "a bird"], false).await;
    let downloads =
        |env: &TestEnv| -> u32 { env.simulator.ledger().entries.iter().map(|entry| entry.downloads).sum() };
    let before = downloads(&env);
    for name in ["shot-0000", "shot-0001"] {
        let job = env.job(&journal, name).await;
        let adopt = ark_video_batch::Resolve::Adopt(job.candidates[usize::from(name.ends_with('1'))].clone());
        let _ = journal.resolve(&job, &adopt).await.unwrap();
    }
    let ended = env.run(&journal, env.options()).await;
    env.all_settled(&journal, &ended).await;
    assert_eq!((downloads(&env), unmatched(&env).len()), (before, 0), "each video was fetched once");
}
