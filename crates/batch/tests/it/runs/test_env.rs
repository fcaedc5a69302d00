//! A simulator, a journal in a folder of its own, and jobs by the dozen.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ark_video::{
    Client, RateLimits, RetryOptions, WatchOptions,
    transport::{BoxFuture, Clock, UnixMillis},
};
use ark_video_batch::{
    After, Cost, EventKind, Job, JobFilter, Journal, JournalAt, Link, OpenOptions, PlanOptions, Planned,
    RunSummary, Runner, RunnerHandle, RunnerOptions, State,
};
use ark_video_simulator::{FaultPlan, Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const MODEL: &str = "doubao-seedance-2-0-260128";
pub(crate) const BATCH: &str = "night";
/// How much faster than real time passes.
pub(crate) const SPEED: f64 = 60.0;

/// Real time, faster.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FastClock {
    start: Instant,
    began: UnixMillis,
}

impl FastClock {
    pub(crate) fn new() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Self { start: Instant::now(), began: since.as_millis() as i64 }
    }
}

impl Clock for FastClock {
    fn now(&self) -> UnixMillis {
        self.began + self.monotonic().as_millis() as i64
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed().mul_f64(SPEED)
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause.div_f64(SPEED)))
    }
}

pub(crate) struct TestEnv {
    pub(crate) simulator: Simulator,
    pub(crate) folder: TempDir,
    pub(crate) clock: Arc<dyn Clock>,
    at: JournalAt,
}

pub(crate) struct Ended {
    pub(crate) summary: RunSummary,
    pub(crate) events: Vec<EventKind>,
}

impl TestEnv {
    pub(crate) async fn new() -> Self {
        Self::with(FaultPlan::new(), Options::default()).await
    }

    pub(crate) async fn with(faults: FaultPlan, options: Options) -> Self {
        let clock = FastClock::new();
        let simulator = Simulator::builder()
            .options(options)
            .speed(SPEED)
            .begins_at(clock.now())
            .faults(faults)
            .start()
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let at = JournalAt::File(folder.path().join("journal/night.sqlite"));
        Self { simulator, folder, clock: Arc::new(clock), at }
    }

    pub(crate) fn on(mut self, at: JournalAt) -> Self {
        self.at = at;
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn journal(&self) -> Journal {
        let options = OpenOptions { clock: self.clock.clone(), ..OpenOptions::default() };
        Journal::open(&self.at, options).await.unwrap()
    }

    pub(crate) fn client(&self) -> Client {
        Client::builder()
            .api_key(self.simulator.api_key())
            .base_url(self.simulator.base_url())
            .clock(self.clock.clone())
            .limits(RateLimits::unlimited())
            .retry(RetryOptions::default())
            .build()
            .unwrap()
    }

    /// Options that go with a clock this fast on a machine this busy.
    pub(crate) fn options(&self) -> RunnerOptions {
        let mut options = RunnerOptions::new();
        options.clock = self.clock.clone();
        options.concurrency = 20;
        options.creates_per_minute = 60_000.0;
        options.guard = Duration::from_secs(120);
        options.lease = Duration::from_secs(15 * 60);
        options.watch = WatchOptions::new().initial_delay(Duration::from_secs(1));
        options
    }

    pub(crate) fn shot(&self, place: usize) -> Planned {
        planned(place, &format!("shot-{place:04}"), &self.path(&format!("videos/shot-{place:04}.mp4")))
    }

    pub(crate) async fn plan(&self, journal: &Journal, jobs: &[Planned]) {
        journal.plan(BATCH, jobs, PlanOptions::default()).await.unwrap();
    }

    pub(crate) async fn planned(&self, count: usize) -> Journal {
        let journal = self.journal().await;
        let jobs: Vec<_> = (0..count).map(|place| self.shot(place)).collect();
        self.plan(&journal, &jobs).await;
        journal
    }

    pub(crate) async fn run(&self, journal: &Journal, options: RunnerOptions) -> Ended {
        self.run_until(journal, options, |_, _| {}).await
    }

    /// Runs, and passes each event to a function that may end the run.
    pub(crate) async fn run_until(
        &self,
        journal: &Journal,
        options: RunnerOptions,
        mut on_event: impl FnMut(&EventKind, &RunnerHandle),
    ) -> Ended {
        let runner = Runner::new(self.client(), journal.clone(), options);
        let (mut events, handle, run) = runner.run(&[BATCH.to_owned()]);
        let mut seen = Vec::new();
        let listen = async {
            while let Some(event) = events.next().await {
                on_event(&event.kind, &handle);
                seen.push(event.kind);
            }
            std::future::pending::<()>().await;
        };
        let run = tokio::time::timeout(Duration::from_secs(120), run);
        let summary = tokio::select! {
            summary = run => summary.expect("the run hangs").unwrap(),
            () = listen => unreachable!(),
        };
        while let Some(Some(event)) = futures_util::FutureExt::now_or_never(events.next()) {
            seen.push(event.kind);
        }
        Ended { summary, events: seen }
    }

    /// Every job ended with its video; what did not says why.
    pub(crate) async fn all_settled(&self, journal: &Journal, ended: &Ended) {
        let jobs = self.jobs(journal).await;
        let others: Vec<_> = jobs.iter().filter(|job| job.state != State::Settled).collect();
        assert!(others.is_empty(), "{others:#?}");
        assert_eq!(ended.summary.counts, [(State::Settled, jobs.len() as u64)].into());
        self.check(journal).await;
    }

    pub(crate) async fn jobs(&self, journal: &Journal) -> Vec<Job> {
        let filter = JobFilter { batch: Some(BATCH.to_owned()), ..JobFilter::default() };
        journal.jobs(&filter, None, 100_000).await.unwrap()
    }

    pub(crate) async fn job(&self, journal: &Journal, name: &str) -> Job {
        self.jobs(journal).await.into_iter().find(|job| job.planned.name == name).unwrap()
    }

    /// What has to hold whatever happened: every bill has one job, every done job one bill and its
    /// video, and the journal's budgets are the service's ledger.
    pub(crate) async fn check(&self, journal: &Journal) {
        assert_eq!(journal.audit().await.unwrap(), []);
        let jobs = self.jobs(journal).await;
        let ledger = self.simulator.ledger();
        let extra = journal.bills().await.unwrap();
        let owned: BTreeSet<_> = jobs.iter().filter_map(|job| job.task_id.as_deref()).collect();
        for entry in &ledger.entries {
            let known =
                owned.contains(&*entry.task_id) || extra.iter().any(|bill| bill.task_id == entry.task_id);
            let may_be = jobs.iter().any(|job| {
                matches!(job.state, State::Unknown | State::Submitting)
                    || job.state == State::Held && job.candidates.contains(&entry.task_id)
            });
            assert!(known || may_be, "unknown task {}", entry.task_id);
        }
        let done: Vec<_> = jobs.iter().filter(|job| job.state == State::Settled).collect();
        let mut tokens = 0;
        for job in &done {
            let video = job.files.first().unwrap();
            assert_eq!(std::fs::metadata(&video.path).unwrap().len(), video.bytes, "{}", job.key);
            tokens += job.settled.as_ref().unwrap().tokens;
        }
        if done.len() == jobs.len() {
            assert_eq!(ledger.billed, jobs.len());
            assert_eq!(tokens, u64::try_from(ledger.tokens).unwrap());
        }
        let parts = strays(&self.path("videos"));
        if jobs.iter().all(|job| !job.state.is_open()) {
            assert_eq!(parts, Vec::<PathBuf>::new());
        }
    }
}

fn strays(folder: &Path) -> Vec<PathBuf> {
    let Ok(found) = std::fs::read_dir(folder) else { return Vec::new() };
    found
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "part"))
        .collect()
}

pub(crate) fn planned(place: usize, name: &str, output: &Path) -> Planned {
    let request = json!({
        "model": MODEL,
        "content": [{"type": "text", "text": format!("Shot {place}: a paper boat crosses a puddle.")}],
        "resolution": "480p", "ratio": "16:9", "duration": 4, "generate_audio": false,
        // One video for all of them, so that it is rendered once.
        "seed": 7,
    });
    with(place, name, output, request)
}

pub(crate) fn with(place: usize, name: &str, output: &Path, request: Value) -> Planned {
    Planned {
        name: name.to_owned(),
        place: place as i64,
        request_hash: format!("{name}:{request}"),
        request,
        inputs: Vec::new(),
        after: None,
        output: output.to_owned(),
        tags: Vec::new(),
        priority: 0,
        estimate: Some(Cost { tokens: 100_000, micros: 4_600_000, currency: "CNY".to_owned() }),
    }
}

pub(crate) fn after(mut job: Planned, name: &str, link: Link, approve: bool) -> Planned {
    job.after = Some(After { job: name.to_owned(), link, approve });
    job
}

pub(crate) fn count(events: &[EventKind], which: impl Fn(&EventKind) -> bool) -> usize {
    events.iter().filter(|event| which(event)).count()
}
