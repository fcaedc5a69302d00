//! A user's folder: a list that is edited, a journal beside it, outputs and their records. And a
//! simulator whose ledger says what was paid, whatever the journal believes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use ark_video::model::catalog::Catalog;
use ark_video::{
    Client, RateLimits, ReconcileOptions, WatchOptions,
    transport::{BoxFuture, Clock, UnixMillis},
};
use ark_video_batch::{
    EventKind, Job, JobFilter, Journal, JournalAt, JournalError, ListReport, OpenOptions, PlanOptions,
    RunError, RunSummary, Runner, RunnerOptions,
};
use ark_video_simulator::{Options, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const BATCH: &str = "night";
/// How much faster than real time passes.
const SPEED: f64 = 600.0;

/// Real time, faster; its date is moved by a test.
#[derive(Debug)]
pub(crate) struct ShiftedClock {
    start: Instant,
    began: UnixMillis,
    pub(crate) shift: AtomicI64,
}

impl Clock for ShiftedClock {
    fn now(&self) -> UnixMillis {
        self.began + self.monotonic().as_millis() as i64 + self.shift.load(Ordering::SeqCst)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed().mul_f64(SPEED)
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause.div_f64(SPEED)))
    }
}

/// How the list is run.
#[derive(Debug, Clone, Default)]
pub(crate) struct How {
    pub(crate) new_journal: bool,
    pub(crate) earlier_copy: bool,
    /// Nothing is sent in it.
    pub(crate) paused: bool,
    /// The process dies after so many events.
    pub(crate) kill: Option<usize>,
}

/// How that ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Done(RunSummary, Vec<EventKind>),
    Killed,
    Refused(RunError),
    Unopened(JournalError),
}

pub(crate) struct Scene {
    pub(crate) simulator: Simulator,
    pub(crate) home: TempDir,
    /// Where the list is.
    pub(crate) folder: PathBuf,
    pub(crate) clock: Arc<ShiftedClock>,
    /// Names and versions of the shots.
    pub(crate) shots: Vec<(String, u32)>,
}

impl Scene {
    pub(crate) async fn new(shots: usize) -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let began = since.as_millis() as i64;
        let clock = ShiftedClock { start: Instant::now(), began, shift: AtomicI64::new(0) };
        let options = Options::default().queued(Duration::from_secs(1)).running(Duration::from_secs(2));
        let simulator =
            Simulator::builder().options(options).speed(SPEED).begins_at(began).start().await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("here");
        fs::create_dir(&folder).unwrap();
        let shots = (0..shots).map(|at| (format!("s{at}"), 1)).collect();
        let scene = Self { simulator, home, folder, clock: Arc::new(clock), shots };
        scene.write_list();
        scene
    }

    pub(crate) fn list(&self) -> PathBuf {
        self.folder.join("l.json")
    }

    pub(crate) fn journal_path(&self) -> PathBuf {
        self.folder.join("l.json.journal")
    }

    /// The list as it is now. Whose task it is stands in a field that the service keeps.
    pub(crate) fn write_list(&self) {
        let shots: Vec<Value> = self
            .shots
            .iter()
            .map(|(name, version)| {
                let prompt = format!("{name}, version {version}: a paper boat crosses a puddle.");
                json!({ "name": name, "prompt": prompt, "safety_identifier": format!("{name}.{version}") })
            })
            .collect();
        let list = json!({
            "batch": BATCH, "output_dir": "out", "shots": shots,
            "defaults": {
                "model": "doubao-seedance-1-0-pro-fast-251015",
                "resolution": "480p", "ratio": "1:1", "frames": 29, "seed": 7,
            },
        });
        fs::write(self.list(), list.to_string()).unwrap();
    }

    pub(crate) async fn open(&self, path: &Path) -> Result<Journal, JournalError> {
        let options = OpenOptions { clock: self.clock.clone(), ..OpenOptions::default() };
        Journal::open(&JournalAt::File(path.to_owned()), options).await
    }

    fn options(&self, how: &How) -> RunnerOptions {
        let mut options = RunnerOptions::new();
        options.clock = self.clock.clone();
        options.concurrency = 4;
        options.creates_per_minute = 600_000.0;
        options.guard = Duration::from_secs(3600);
        options.lease = Duration::from_secs(2);
        options.quiet = Duration::from_secs(5);
        options.sweep = ReconcileOptions::new().pause(Duration::from_secs(10));
        options.watch = WatchOptions::new().initial_delay(Duration::from_secs(1));
        (options.new_journal, options.earlier_copy) = (how.new_journal, how.earlier_copy);
        options
    }

    fn client(&self) -> Client {
        Client::builder()
            .api_key(self.simulator.api_key())
            .base_url(self.simulator.base_url())
            .clock(self.clock.clone())
            .limits(RateLimits::unlimited())
            .build()
            .unwrap()
    }

    pub(crate) async fn run(&self, how: &How) -> Ended {
        let report = ListReport::read(&self.list(), Catalog::builtin()).unwrap();
        let list = report.into_list().map_err(|report| format!("{:?}", report.findings)).unwrap();
        let journal = match self.open(&self.journal_path()).await {
            Ok(journal) => journal,
            Err(error) => return Ended::Unopened(error),
        };
        let options = PlanOptions { list: Some(self.list()), ..PlanOptions::default() };
        if let Err(error) = journal.plan(&list.batch, &list, options).await {
            journal.close().await;
            return Ended::Unopened(error);
        }
        if how.paused {
            assert!(journal.pause(&list.batch, "not yet").await.unwrap());
        }
        let runner = Runner::new(self.client(), journal.clone(), self.options(how));
        let (mut events, handle, run) = runner.run(std::slice::from_ref(&list.batch));
        let mut seen = Vec::new();
        let listen = async {
            while let Some(event) = events.next().await {
                seen.push(event.kind);
                if how.kill.is_some_and(|most| seen.len() > most) {
                    return;
                }
            }
            std::future::pending::<()>().await;
        };
        let run = tokio::time::timeout(Duration::from_secs(150), run);
        let ended = tokio::select! {
            ended = run => Some(ended),
            () = listen => None,
        };
        drop(handle);
        match ended {
            Some(ended) => {
                let ended = ended.unwrap_or_else(|_| panic!("the run hangs: {seen:#?}"));
                if how.paused {
                    assert!(journal.resume(&list.batch).await.unwrap());
                }
                journal.close().await;
                while let Some(Some(event)) = futures_util::FutureExt::now_or_never(events.next()) {
                    seen.push(event.kind);
                }
                match ended {
                    Ok(summary) => Ended::Done(summary, seen),
                    Err(error) => Ended::Refused(error),
                }
            }
            None => {
                self.close_as_killed(&journal).await;
                Ended::Killed
            }
        }
    }

    /// Ends the connections, and leaves the files as a killed process does: what it wrote last is
    /// in the log beside the file.
    async fn close_as_killed(&self, journal: &Journal) {
        // What was aborted lets go of its connection; what blocks ends by itself.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let files = ["", "-wal"].map(|rest| PathBuf::from(format!("{}{rest}", journal.place())));
        let kept: Vec<_> = files.iter().map(|path| fs::read(path).ok()).collect();
        journal.close().await;
        for (path, bytes) in files.iter().zip(kept) {
            match bytes {
                Some(bytes) => fs::write(path, bytes).unwrap(),
                None => _ = fs::remove_file(path),
            }
        }
        let _ = fs::remove_file(format!("{}-shm", journal.place()));
    }

    /// Everything of the journal but its high-water mark.
    pub(crate) fn delete_journal(&self) {
        for rest in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{rest}", self.journal_path().display()));
        }
    }

    pub(crate) fn delete_mark(&self) {
        let _ = fs::remove_file(format!("{}.seen", self.journal_path().display()));
    }

    /// The rows of a journal; none where it cannot be opened.
    pub(crate) async fn jobs(&self, path: &Path) -> Vec<Job> {
        if !path.exists() || fs::metadata(path).is_ok_and(|found| found.len() == 0) {
            return Vec::new();
        }
        let Ok(journal) = self.open(path).await else { return Vec::new() };
        let jobs = journal.jobs(&JobFilter::default(), None, 10_000).await.unwrap_or_default();
        let clean = journal.audit().await.unwrap();
        assert_eq!(clean, [], "{}", path.display());
        journal.close().await;
        jobs
    }

    /// What the service accepted: whose each task is, by what the service itself kept.
    pub(crate) fn accepted(&self) -> BTreeMap<String, String> {
        let kept: Value = serde_json::from_str(&self.simulator.snapshot().unwrap()).unwrap();
        // A record stands behind the id of its model.
        let text = |task: &Value, name: &str| task[1][name].as_str().unwrap().to_owned();
        let tasks = kept["tasks"].as_array().unwrap();
        tasks.iter().map(|task| (text(task, "id"), text(task, "safety_identifier"))).collect()
    }

    /// How often each intent was accepted.
    pub(crate) fn bills(&self) -> BTreeMap<String, u32> {
        let mut bills = BTreeMap::new();
        for whose in self.accepted().into_values() {
            *bills.entry(whose).or_default() += 1;
        }
        bills
    }

    /// All files below a folder.
    pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }

    /// The records beside outputs below a folder: their path and what is in them.
    pub(crate) fn records(folder: &Path) -> Vec<(PathBuf, Value)> {
        let is_record = |path: &PathBuf| path.to_string_lossy().ends_with(".ark-video.json");
        let read = |path: PathBuf| {
            let value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap_or_default();
            (path, value)
        };
        Self::files(folder).into_iter().filter(is_record).map(read).collect()
    }

    /// The tasks that a row or a file names, anywhere.
    pub(crate) async fn named(&self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for (_, record) in Self::records(self.home.path()) {
            named.extend(record["task_id"].as_str().map(str::to_owned));
        }
        for path in Self::files(self.home.path()) {
            if path.extension().is_some_and(|extension| extension == "journal") {
                for job in self.jobs(&path).await {
                    named.extend(job.task_id);
                    named.extend(job.candidates);
                }
            }
        }
        named
    }

    /// Intents of which something is beside an output below a folder.
    pub(crate) fn recorded(folder: &Path) -> BTreeSet<String> {
        let whose = |(_, record): (PathBuf, Value)| {
            record["provenance"]["request"]["safety_identifier"].as_str().map(str::to_owned)
        };
        Self::records(folder).into_iter().filter_map(whose).collect()
    }
}
