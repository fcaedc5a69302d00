//! A run: takes the jobs of some batches to their ends, beside other runners of the same journal if there are any.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ark_video::Client;
use serde::Serialize;
use tokio::task::JoinSet;

use super::crash::CrashPoint;
use super::drive::{next_step, push};
use super::events::{EventKind, Events, StopCause, Teller};
use super::options::RunnerOptions;
use super::queue::{Entry, QueueError};
use super::recover::{Lost, Recovered, recover};
use super::shared::{Shared, locked};
use super::step::Step;
use super::stop::Stop;
use super::supervise::{Active, handler, supervise};
use super::{reconciling, waiting};
use crate::list::hex;
use crate::targets::{Obstacle, obstacles};
use crate::{Finding, Job, JobFilter, Journal, JournalError, Moved, Planned, RunnerRow, State};

/// Jobs that a message names.
const SHOWN: usize = 10;
/// Looks between two adoptions.
const ADOPT: u32 = 10;
/// How often to write down how far the journal is, in beats of a quarter of the lease.
const MARKED: u32 = 8;
/// Jobs that are read from the journal at once.
const PAGE: usize = 500;
/// How often to look whether a run without work is over, in real time.
const LOOK: Duration = Duration::from_millis(200);
/// How often to look for jobs that a person brought back, at most; seldom enough that it costs a fiftieth of the time.
const SURVEY: Duration = Duration::from_secs(30);

/// Takes jobs from intent to film.
///
/// ```no_run
/// # async fn run(client: ark_video::Client, journal: ark_video_batch::Journal) -> Result<(), Box<dyn std::error::Error>> {
/// use ark_video_batch::{Runner, RunnerOptions};
///
/// let (mut events, handle, run) = Runner::new(client, journal, RunnerOptions::new()).run(&["night".to_owned()]);
/// tokio::spawn(async move {
///     while let Some(event) = events.next().await {
///         // Show it.
///         # drop(event);
///     }
/// });
/// // `handle.drain()` when a person asks for the end.
/// let summary = run.await?;
/// assert_eq!(summary.left(), 0);
/// # drop(handle);
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "a runner does nothing until `run`"]
pub struct Runner {
    client: Client,
    journal: Journal,
    options: RunnerOptions,
}

/// Reaches a run from elsewhere.
#[derive(Debug, Clone)]
pub struct RunnerHandle {
    stop: Stop,
    teller: Teller,
    options: RunnerOptions,
}

/// Why a run could not begin, or had to end. What was sent is in the journal.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The journal cannot be used.
    Journal(JournalError),
    /// The journal does not fit together: nothing is sent before that is mended.
    Damaged(Vec<Finding>),
    /// The journal's file is an earlier copy of what was used in its place before: what was sent since is not in it, and would be
    /// sent again. See [`RunnerOptions::earlier_copy`].
    Earlier {
        /// The file.
        place: String,
        /// How many changes of rows it lacks.
        changes: i64,
    },
    /// The journal may not know what was sent, and shots would be paid for again. See [`RunnerOptions::new_journal`].
    Lost(Lost),
    /// Videos could not be saved where they are to go: nothing is sent before that is changed. A line for each of the jobs.
    Targets(Vec<String>),
    /// The queue's tables cannot be made or read.
    Queue(String),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunSummary {
    /// Where the jobs of its batches stand.
    pub counts: BTreeMap<State, u64>,
    /// Why no more creates were sent, if that was so.
    pub stopped: Option<Stopped>,
}

/// Why a run sent no more creates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stopped {
    /// The kind of reason.
    pub cause: StopCause,
    /// The reason, in a sentence.
    pub reason: String,
}

impl RunSummary {
    /// Jobs that are neither over nor parked: another run goes on with them.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.sum(State::is_open)
    }

    /// Jobs that wait for a person.
    #[must_use]
    pub fn parked(&self) -> u64 {
        self.sum(State::is_parked)
    }

    fn sum(&self, which: fn(State) -> bool) -> u64 {
        self.counts.iter().filter(|(state, _)| which(**state)).map(|(_, count)| count).sum()
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(f),
            Self::Lost(lost) => lost.fmt(f),
            Self::Queue(error) => write!(f, "{error}. Nothing was sent."),
            Self::Targets(lines) => {
                let shots = if lines.len() == 1 { "1 video" } else { "videos" };
                write!(f, "{shots} could not be saved, so nothing was sent:")?;
                for line in lines.iter().take(SHOWN) {
                    write!(f, "\n- {line}")?;
                }
                match lines.len().saturating_sub(SHOWN) {
                    0 => Ok(()),
                    more => write!(f, "\n- and {more} more"),
                }
            }
            Self::Earlier { place, changes } => write!(
                f,
                "The journal {place} is an earlier copy: it lacks {changes} changes of what was used there before. Shots that were sent since are intents in it and would be paid for again, so nothing was sent. Put the newer file back; or list the account's tasks, take out what is made already, and say that the copy is meant."
            ),
            Self::Damaged(findings) => {
                f.write_str("The journal does not fit together, so nothing was sent:")?;
                for finding in findings.iter().take(10) {
                    write!(f, "\n- {finding}")?;
                }
                if findings.len() > 10 {
                    write!(f, "\n- and {} more", findings.len() - 10)?;
                }
                f.write_str(
                    "\nPut the last copy of it back; what was sent since has to be looked for before anything is sent again.",
                )
            }
        }
    }
}

impl std::error::Error for RunError {}

impl From<JournalError> for RunError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl RunnerHandle {
    /// Asks for the end: nothing new is begun, creates that are under way get their answer written down, films that are being
    /// fetched are fetched. Tasks that run are left to the next run.
    pub fn drain(&self) {
        if !self.stop.drains() {
            self.teller.tell(self.options.clock.now(), None, EventKind::Draining);
        }
        self.stop.drain();
    }

    /// Ends at once, as `kill -9` would. Nothing is lost; what was being sent is looked for by the next run.
    pub fn stop_now(&self) {
        self.stop.now();
    }
}

impl Runner {
    /// A runner. The client's creates should not be paced ([`ark_video::ClientBuilder::limits`]): the runner does that, for all
    /// runners of the journal together.
    pub fn new(client: Client, journal: Journal, options: RunnerOptions) -> Self {
        Self { client, journal, options }
    }

    /// Runs these batches until no job of theirs is left that could go on. Nothing happens before the future is polled; it has to
    /// be polled to its end, and dropping it is like [`RunnerHandle::stop_now`].
    ///
    /// # Errors
    /// The future ends in [`RunError`] if the journal cannot be used.
    pub fn run(
        self,
        batches: &[String],
    ) -> (Events, RunnerHandle, impl Future<Output = Result<RunSummary, RunError>> + Send + use<>) {
        let (teller, events) = Teller::new();
        let stop = Stop::new();
        let handle =
            RunnerHandle { stop: stop.clone(), teller: teller.clone(), options: self.options.clone() };
        let batches: Vec<String> = batches.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let run = async move {
            let findings = self.journal.audit().await?;
            if !findings.is_empty() {
                return Err(RunError::Damaged(findings));
            }
            match recover(&self.journal, &batches, &self.options, &teller).await? {
                Recovered::Ready => {}
                Recovered::Earlier(changes) => {
                    return Err(RunError::Earlier { place: self.journal.place().to_owned(), changes });
                }
                Recovered::Lost(lost) => return Err(RunError::Lost(lost)),
            }
            let blocked = blocked(&self.journal, &batches, &self.options).await?;
            if !blocked.is_empty() {
                return Err(RunError::Targets(blocked));
            }
            Run::new(self, batches, teller, stop)?.go().await
        };
        (events, handle, run)
    }
}

/// Why videos of jobs that would be sent could not be saved, a line for each. Nothing where something was sent before: then
/// the run goes on with that, and what cannot be saved is held back by itself.
async fn blocked(
    journal: &Journal,
    batches: &[String],
    options: &RunnerOptions,
) -> Result<Vec<String>, JournalError> {
    let mut lines = Vec::new();
    for batch in batches {
        let counts = journal.counts(Some(batch)).await?;
        let is_sent = |state: &State| state.is_open() && *state != State::Intent;
        if counts.iter().any(|(state, count)| is_sent(state) && *count > 0) {
            return Ok(Vec::new());
        }
        let filter =
            JobFilter { batch: Some(batch.clone()), states: vec![State::Intent], ..JobFilter::default() };
        let mut jobs: Vec<Planned> = Vec::new();
        let mut last = None;
        loop {
            let page = journal.jobs(&filter, last.as_deref(), PAGE).await?;
            let Some(end) = page.last() else { break };
            last = Some(end.key.clone());
            jobs.extend(page.into_iter().map(|job| job.planned));
        }
        let (name, policy) = (batch.clone(), options.targets());
        let looked = tokio::task::spawn_blocking(move || {
            let found = obstacles(&name, &jobs, Path::new(""), policy);
            let line = |(index, obstacle): &(usize, Obstacle)| {
                let job = jobs.get(*index).map_or("", |job| job.name.as_str());
                format!("{job}: {}; {}", obstacle.message(), obstacle.advice())
            };
            found.iter().map(line).collect::<Vec<_>>()
        });
        lines.extend(looked.await.unwrap_or_default());
    }
    Ok(lines)
}

struct Run {
    shared: Arc<Shared>,
    active: Arc<Active>,
    batches: Vec<String>,
    /// Dropped with this, so that nothing of a run outlives it.
    helpers: JoinSet<()>,
    workers: BTreeSet<String>,
    /// Held jobs that were seen to, with the number of their change.
    held: BTreeSet<(String, i64)>,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.active.abort();
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn queue_failed(error: QueueError) -> RunError {
    RunError::Queue(error.to_string())
}

impl Run {
    fn new(runner: Runner, batches: Vec<String>, teller: Teller, stop: Stop) -> Result<Self, RunError> {
        let Runner { client, journal, options } = runner;
        let mut random = [0; 8];
        options.random.fill(&mut random);
        let name = hex(&random);
        let mut helpers = JoinSet::new();
        let (waiting, watcher) = waiting::start(&client, options.watch.clone(), teller.clone());
        helpers.spawn(watcher.run());
        let (reconciling, searcher) =
            reconciling::start(&client, &journal, &options.clock, options.sweep.clone(), teller.clone());
        helpers.spawn(searcher.run());
        let shared = Shared::new(client, journal, options, name, teller, stop, waiting, reconciling);
        let shared = Arc::new(shared.ok_or_else(|| RunError::Queue("the journal is closed".to_owned()))?);
        Ok(Self {
            shared,
            active: Arc::default(),
            batches,
            helpers,
            workers: BTreeSet::new(),
            held: BTreeSet::new(),
        })
    }

    async fn go(mut self) -> Result<RunSummary, RunError> {
        let shared = self.shared.clone();
        let run = async {
            let (journal, options) = (&shared.journal, &shared.options);
            let row = journal.runner_started(&shared.runner, &options.host, std::process::id()).await?;
            share_rates(&shared).await;
            let beating = beat(shared.clone(), row);
            let working = async {
                self.begin().await?;
                self.work().await
            };
            tokio::select! {
                ended = working => ended,
                () = beating => Ok(()),
            }
        };
        tokio::select! {
            ended = run => ended?,
            () = shared.stop.at_once() => {}
        }
        self.end().await
    }

    /// Fills the queue from the journal.
    async fn begin(&mut self) -> Result<(), RunError> {
        let shared = self.shared.clone();
        let (journal, options) = (&shared.journal, &shared.options);
        if let Some(copy) = &options.backup
            && let Err(error) = journal.backup(copy).await
        {
            shared.tell(None, EventKind::Trouble { reason: error.to_string() });
        }
        let alive = shared.patiently(|| journal.runners_alive(options.lease)).await?;
        let others = alive.iter().filter(|runner| runner.id != shared.runner).count();
        self.prepare_queue().await?;
        if others == 0 {
            // What is in there is from runners that are gone; the journal knows better.
            shared.queue.empty().await.map_err(queue_failed)?;
        }
        options.crash.reached(CrashPoint::BeforeQueue);
        let queued = self.fill().await?;
        self.hold().await?;
        options.crash.reached(CrashPoint::AfterQueue);
        shared.tell(None, EventKind::Started { runner: shared.runner.clone(), others, queued });
        Ok(())
    }

    async fn prepare_queue(&self) -> Result<(), RunError> {
        // Two runners that begin at once may both make the tables; one of them then finds them made.
        let mut tries = 0;
        loop {
            tries += 1;
            match self.shared.queue.prepare().await {
                Ok(()) => return Ok(()),
                Err(_) if tries < 5 => tokio::time::sleep(LOOK).await,
                Err(error) => return Err(queue_failed(error)),
            }
        }
    }

    /// Puts every job into the queue that can go on.
    async fn fill(&mut self) -> Result<u64, RunError> {
        let shared = self.shared.clone();
        let mut queued = 0;
        for batch in self.batches.clone() {
            let mut last = None;
            while let Some(page) = self.page(&batch, State::is_open, &mut last).await? {
                let mut entries = Vec::new();
                for job in &page {
                    self.follow(job);
                    let waits = match job.planned.after {
                        Some(_) => matches!(next_step(&shared, job).await?.0, Step::Later),
                        None => false,
                    };
                    if !waits {
                        entries.push(Entry::of(job));
                    }
                }
                queued += entries.len() as u64;
                self.push(entries).await;
            }
        }
        Ok(queued)
    }

    /// Sees to held jobs: their tasks may be listed now, and what may be theirs is fetched. They are not in the queue.
    async fn hold(&mut self) -> Result<(), RunError> {
        for batch in self.batches.clone() {
            let mut last = None;
            while let Some(page) = self.page(&batch, |state| state == State::Held, &mut last).await? {
                for job in page {
                    let is_new = !locked(&self.shared.looked_again).contains(&job.key);
                    let is_missing = {
                        let collecting = locked(&self.shared.collecting);
                        job.candidates.iter().any(|id| !collecting.contains(id))
                    };
                    // Once for each change of its row: another runner may have it.
                    if (is_new || is_missing)
                        && !self.active.has(&job.key)
                        && self.held.insert((job.key.clone(), job.seq))
                    {
                        drop(self.active.begin(&self.shared, job.key));
                    }
                }
            }
        }
        Ok(())
    }

    /// The next jobs of a batch in certain states, by their keys.
    async fn page(
        &self,
        batch: &str,
        which: fn(State) -> bool,
        last: &mut Option<String>,
    ) -> Result<Option<Vec<Job>>, RunError> {
        let filter = JobFilter {
            batch: Some(batch.to_owned()),
            states: State::ALL.into_iter().filter(|state| which(*state)).collect(),
            ..JobFilter::default()
        };
        let shared = &self.shared;
        let page = shared.patiently(|| shared.journal.jobs(&filter, last.as_deref(), PAGE)).await?;
        *last = page.last().map(|job| job.key.clone());
        Ok(if page.is_empty() { None } else { Some(page) })
    }

    fn follow(&self, job: &Job) {
        if let Some(after) = job.planned.after.as_ref().filter(|_| job.state == State::Intent) {
            let followed = (job.batch.clone(), after.job.clone());
            locked(&self.shared.followers).entry(followed).or_default().insert(job.key.clone());
        }
    }

    /// Puts entries into the queue, and sees to it that somebody takes them out.
    async fn push(&mut self, mut entries: Vec<Entry>) {
        entries.sort_by(|one, other| one.model.cmp(&other.model));
        push(&self.shared, &entries).await;
        for entry in entries {
            if self.workers.insert(entry.model.clone()) {
                let handler = handler(&self.shared, &self.active);
                self.helpers.spawn(supervise(self.shared.clone(), entry.model, handler));
            }
        }
    }

    /// Until nothing is left that could go on.
    async fn work(&mut self) -> Result<(), RunError> {
        let shared = self.shared.clone();
        let clock = shared.options.clock.clone();
        let active = self.active.clone();
        let mut next_survey = clock.monotonic().saturating_add(SURVEY);
        for look in 1_u32.. {
            tokio::select! {
                () = active.idle.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            let idle = active.is_empty();
            if shared.stop.drains() {
                if idle {
                    return Ok(());
                }
                continue;
            }
            if look % ADOPT == 0
                && let Err(error) = self.adopt().await
            {
                let RunError::Queue(reason) = error else { return Err(error) };
                shared.tell(None, EventKind::Trouble { reason });
            }
            let began = clock.monotonic();
            // A queue that cannot be asked is one that has something, until it can.
            let over = idle && shared.queue.is_empty().await.unwrap_or(false);
            if !over && began < next_survey {
                continue;
            }
            self.hold().await?;
            let under_way = match self.survey().await {
                Ok(under_way) => under_way,
                Err(RunError::Queue(reason)) => {
                    shared.tell(None, EventKind::Trouble { reason });
                    1
                }
                Err(error) => return Err(error),
            };
            if active.is_empty() && idle && under_way == 0 {
                return Ok(());
            }
            let took = clock.monotonic().saturating_sub(began);
            next_survey = clock.monotonic().saturating_add(SURVEY.max(took.saturating_mul(50)));
        }
        Ok(())
    }

    /// Goes on with jobs that were on their way when their runner died and that nobody takes out of the queue. They hold the slots
    /// that all handlers may be waiting for, so they must not wait for a handler.
    async fn adopt(&self) -> Result<(), RunError> {
        let shared = &self.shared;
        for batch in &self.batches {
            let mut last = None;
            let on_its_way = |state: State| state.is_open() && state != State::Intent;
            while let Some(page) = self.page(batch, on_its_way, &mut last).await? {
                let names: Vec<_> = page.iter().map(|job| Entry::of(job).name()).collect();
                let waiting = shared.queue.waiting(&names).await.map_err(queue_failed)?;
                for (job, name) in page.iter().zip(names) {
                    if !waiting.contains(&name) || self.active.has(&job.key) {
                        continue;
                    }
                    let (step, _) = next_step(shared, job).await?;
                    if !matches!(step, Step::Elsewhere | Step::Later | Step::Rest) {
                        // Who else wants to know its end asks for it.
                        drop(self.active.begin(shared, job.key.clone()));
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks at all open jobs, and brings those back that the queue has lost: what a person reopened, or a runner left. How many
    /// are under way, here or elsewhere.
    async fn survey(&mut self) -> Result<u64, RunError> {
        let shared = self.shared.clone();
        let mut under_way = 0;
        for batch in self.batches.clone() {
            let mut last = None;
            while let Some(page) = self.page(&batch, State::is_open, &mut last).await? {
                let names: Vec<_> = page.iter().map(|job| Entry::of(job).name()).collect();
                let held = shared.queue.holds(&names).await.map_err(queue_failed)?;
                let mut back = Vec::new();
                for (job, name) in page.iter().zip(names) {
                    self.follow(job);
                    if held.contains(&name) || self.active.has(&job.key) {
                        under_way += 1;
                        continue;
                    }
                    if locked(&shared.given_up).contains(&job.key) {
                        continue;
                    }
                    match next_step(&shared, job).await?.0 {
                        Step::Later | Step::Rest => {}
                        Step::Elsewhere => under_way += 1,
                        _ => {
                            under_way += 1;
                            if let Moved::Done(job) = shared.patiently(|| shared.journal.requeue(job)).await?
                            {
                                back.push(Entry::of(&job));
                            }
                        }
                    }
                }
                self.push(back).await;
            }
        }
        Ok(under_way)
    }

    async fn end(mut self) -> Result<RunSummary, RunError> {
        let shared = self.shared.clone();
        self.active.abort();
        self.helpers.shutdown().await;
        // The row is only a hint to others; they find out by themselves.
        let _ = shared.journal.runner_ended(&shared.runner).await;
        let _ = shared.journal.set_high_water().await;
        let mut counts = BTreeMap::new();
        for batch in &self.batches {
            for (state, count) in shared.journal.counts(Some(batch)).await? {
                *counts.entry(state).or_default() += count;
            }
        }
        let stopped = shared.stop.cause().map(|(cause, reason)| Stopped { cause, reason });
        Ok(RunSummary { counts, stopped })
    }
}

/// LIST, GET and DELETE have one rate for the account: each runner keeps to its part.
async fn share_rates(shared: &Shared) {
    if let Ok(alive) = shared.journal.runners_alive(shared.options.lease).await {
        shared.client.share_rates(u32::try_from(alive.len()).unwrap_or(u32::MAX));
    }
}

/// Says again and again that this runner is alive; never ends.
async fn beat(shared: Arc<Shared>, mut row: RunnerRow) {
    for beat in 0_u32.. {
        if beat % MARKED == 0 {
            // Only an earlier copy would be noticed later.
            let _ = shared.journal.set_high_water().await;
        }
        shared.options.clock.sleep(shared.options.lease / 4).await;
        row.stopping = !shared.stop.sends();
        // If it fails, others may think that it is dead; compare-and-set then decides.
        if let Ok(seen) = shared.journal.runner_seen(&row).await {
            row = seen;
        }
        share_rates(&shared).await;
    }
}
