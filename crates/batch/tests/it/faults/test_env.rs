//! A simulator, a journal in a folder of its own, workers that die, runs in this process, and the
//! check of what came of it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ark_video::transport::{BoxFuture, Clock, UnixMillis};
use ark_video_batch::{
    CrashPoint, EventKind, Job, JobFilter, Journal, OpenOptions, PlanOptions, Planned, RunSummary, Runner,
    RunnerHandle, RunnerOptions, State,
};
use ark_video_simulator::{Effect, FaultPlan, FaultPoint, FaultRule, Simulator};
use tempfile::TempDir;

use crate::support::clock::{Agreed, FastClock, SPEED, fast};
use crate::support::history::{self, History};
use crate::support::shots::shot;
use crate::support::worker::{BATCH, CHILD, ORDERS, Orders};

pub(crate) struct TestEnv {
    pub(crate) simulator: Simulator,
    pub(crate) folder: TempDir,
    /// For workers in processes of their own.
    pub(crate) orders: Orders,
    clock: FastClock,
    ahead: Arc<AtomicI64>,
}

/// A wall clock that can be set; the monotonic one is not affected.
#[derive(Debug)]
struct Jumping {
    clock: FastClock,
    ahead: Arc<AtomicI64>,
}

impl Clock for Jumping {
    fn now(&self) -> UnixMillis {
        self.clock.now() + self.ahead.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.clock.sleep(pause)
    }
}

pub(crate) struct Ended {
    pub(crate) summary: RunSummary,
    pub(crate) events: Vec<EventKind>,
}

impl TestEnv {
    pub(crate) async fn new() -> Self {
        Self::with(FaultPlan::new()).await
    }

    /// With rules in the order in which they are asked.
    pub(crate) async fn under(rules: impl IntoIterator<Item = FaultRule>) -> Self {
        Self::with(rules.into_iter().fold(FaultPlan::new(), FaultPlan::rule)).await
    }

    async fn with(faults: FaultPlan) -> Self {
        let agreed = Agreed::now();
        let clock = agreed.clock();
        let simulator = Simulator::builder()
            .speed(SPEED)
            .begins_at(clock.now())
            .seed(1)
            .faults(faults)
            .start()
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let orders = Orders {
            base_url: simulator.base_url().to_owned(),
            key: simulator.api_key().to_owned(),
            journal: folder.path().join("journal/night.sqlite").to_str().unwrap().to_owned(),
            agreed,
            resend: false,
            dies_at: None,
            share: 1.0,
            ends_when: None,
            seed: 1,
        };
        Self { simulator, folder, orders, clock, ahead: Arc::default() }
    }

    pub(crate) fn resending(mut self) -> Self {
        self.orders.resend = true;
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(Jumping { clock: self.clock, ahead: self.ahead.clone() })
    }

    pub(crate) fn shots(&self, count: usize) -> Vec<Planned> {
        (0..count).map(|place| shot(place, self.folder.path())).collect()
    }

    pub(crate) async fn journal(&self) -> Journal {
        self.journal_with(self.clock()).await
    }

    pub(crate) async fn journal_with(&self, clock: Arc<dyn Clock>) -> Journal {
        let options = OpenOptions { clock, ..OpenOptions::default() };
        Journal::open(&self.orders.at(), options).await.unwrap()
    }

    pub(crate) async fn planned(&self, count: usize) -> Journal {
        let journal = self.journal().await;
        journal.plan(BATCH, &self.shots(count), PlanOptions::default()).await.unwrap();
        journal
    }

    /// So much time passes at once, for everybody.
    pub(crate) fn passes(&mut self, time: Duration) {
        self.orders.agreed.leap(time);
        self.passes_here(time);
    }

    /// The same for the service and this process only.
    pub(crate) fn passes_here(&self, time: Duration) {
        self.simulator.advance(time);
        self.wall_clock_jumps(i64::try_from(time.as_millis()).unwrap());
    }

    /// Sets the clock of this machine forward, by milliseconds.
    pub(crate) fn wall_clock_jumps(&self, by: UnixMillis) {
        self.ahead.fetch_add(by, Ordering::SeqCst);
    }

    /// A runner in a process of its own dies at this point the first time that it gets there; then
    /// others forget it.
    pub(crate) async fn dies_at(&mut self, point: CrashPoint) {
        self.has_just_died_at(point).await;
        self.passes(Duration::from_secs(600));
    }

    /// The same, not detected yet.
    pub(crate) async fn has_just_died_at(&self, point: CrashPoint) {
        let at = CrashPoint::ALL.iter().position(|other| *other == point);
        let orders = Orders { dies_at: at, ..self.orders.clone() };
        let program = Command::new(std::env::current_exe().unwrap());
        let ended = tokio::task::spawn_blocking(move || works(program, &orders)).await.unwrap();
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.signal(), Some(6), "it did not die at {point:?}: {text}");
    }

    pub(crate) fn options(&self) -> RunnerOptions {
        let mut options = self.orders.options();
        options.clock = self.clock();
        // So that a busy machine is not mistaken for a frozen one.
        options.guard = fast(Duration::from_secs(5));
        options
    }

    pub(crate) async fn run(&self, journal: &Journal) -> Ended {
        self.run_until(journal, self.options(), |_, _| {}).await
    }

    /// Runs, and passes each event to a function that may end the run.
    pub(crate) async fn run_until(
        &self,
        journal: &Journal,
        options: RunnerOptions,
        mut on_event: impl FnMut(&EventKind, &RunnerHandle),
    ) -> Ended {
        let client = self.orders.client(options.clock.clone());
        let (mut events, handle, run) =
            Runner::new(client, journal.clone(), options).run(&[BATCH.to_owned()]);
        let mut seen = Vec::new();
        let mut run = std::pin::pin!(tokio::time::timeout(Duration::from_secs(100), run));
        let summary = loop {
            tokio::select! {
                biased;
                Some(event) = events.next() => {
                    on_event(&event.kind, &handle);
                    seen.push(event.kind);
                }
                summary = &mut run => break summary.expect("the run hangs").unwrap(),
            }
        };
        while let Some(Some(event)) = futures_util::FutureExt::now_or_never(events.next()) {
            seen.push(event.kind);
        }
        Ended { summary, events: seen }
    }

    pub(crate) async fn jobs(&self, journal: &Journal) -> Vec<Job> {
        journal.jobs(&JobFilter::default(), None, 1_000).await.unwrap()
    }

    /// Nothing is lost, nothing is billed twice, every video is whole, the budgets are the ledger,
    /// and so many jobs are settled.
    #[track_caller]
    pub(crate) fn holds(&self, checked: (History, Vec<String>), settled: usize) -> History {
        let (history, complaints) = checked;
        assert!(complaints.is_empty(), "{history:?}\n{}", complaints.join("\n"));
        assert_eq!(history.settled, settled, "{history:?}");
        assert_eq!((history.twice, history.lost), (0, 0));
        assert!(history.jobs >= settled);
        history
    }

    pub(crate) async fn check(&self, journal: &Journal) -> (History, Vec<String>) {
        history::check(&self.simulator, journal, self.folder.path()).await
    }

    /// A run brings every job to its video, and sends nothing more than that needs.
    pub(crate) async fn settles(&self, journal: &Journal) -> Ended {
        let ended = self.run(journal).await;
        let jobs = self.jobs(journal).await;
        let others: Vec<_> = jobs.iter().filter(|job| job.state != State::Settled).collect();
        assert!(others.is_empty(), "{others:#?}");
        self.holds(self.check(journal).await, jobs.len());
        assert_eq!(self.simulator.ledger().accepted, jobs.len(), "creates");
        ended
    }

    /// How often each task's video was fetched.
    pub(crate) fn downloads(&self) -> Vec<(String, u32)> {
        self.simulator.ledger().entries.into_iter().map(|entry| (entry.task_id, entry.downloads)).collect()
    }

    /// Creates that reached the service, whatever it made of them; the first rule has to count
    /// them.
    pub(crate) fn creates_seen(&self) -> usize {
        usize::try_from(self.simulator.fault_counts()[0].matched).unwrap()
    }
}

/// Strikes nothing, and counts the creates.
pub(crate) fn counter() -> FaultRule {
    FaultRule::new(Effect::Delay { millis: 1 }).at(FaultPoint::Create).probability(0.0)
}

pub(crate) fn at_create(effect: Effect) -> FaultRule {
    FaultRule::new(effect).at(FaultPoint::Create)
}

pub(crate) fn count(events: &[EventKind], which: impl Fn(&EventKind) -> bool) -> usize {
    events.iter().filter(|event| which(event)).count()
}

pub(crate) fn is_submitting(event: &EventKind) -> bool {
    matches!(event, EventKind::Submitting { .. })
}

/// Runs this program once more as a worker, until it ends.
pub(crate) fn works(mut program: Command, orders: &Orders) -> Output {
    let mut child = program
        .args(CHILD)
        .env(ORDERS, serde_json::to_string(orders).unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The worker ends when this does.
    let _open = child.stdin.take();
    child.wait_with_output().unwrap()
}
