//! A run: takes the jobs of some batches to their ends, beside other runners of the same journal if
//! there are any.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ark_video::Client;
use tokio::sync::Notify;

use super::events::{EventKind, EventSink, Events, StopCause};
use super::options::RunnerOptions;
use super::outcome::{RunError, RunSummary};
use super::recover::{Recovered, recover};
use super::run::Run;
use super::stop::Stop;
use crate::targets::TargetCheck;
use crate::{Job, JobFilter, Journal, JournalError, State};

/// Takes jobs from intent to video.
///
/// ```no_run
/// # async fn run(client: ark_video::Client, journal: ark_video_batch::Journal) -> Result<(), Box<dyn std::error::Error>> {
/// use ark_video_batch::{Runner, RunnerOptions};
///
/// let (mut events, _handle, run) = Runner::new(client, journal, RunnerOptions::new()).run(&["night".to_owned()]);
/// tokio::spawn(async move {
///     while let Some(event) = events.next().await {
///         // Show it.
///         # drop(event);
///     }
/// });
/// // `_handle.drain()` when a person asks for the end.
/// let summary = run.await?;
/// assert_eq!(summary.left(), 0);
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
    wake: Arc<Notify>,
    sink: EventSink,
    options: RunnerOptions,
}

impl RunnerHandle {
    /// Looks for new jobs now, instead of within a second.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Asks for the end: nothing new is started, creates that are under way get their answer
    /// written down, videos that are being downloaded are downloaded. Tasks that run are left to
    /// the next run.
    pub fn drain(&self) {
        if !self.stop.drains() {
            self.sink.emit(self.options.clock.now(), None, EventKind::Draining);
        }
        self.stop.drain();
    }

    /// Ends at once, as `kill -9` would. Nothing is lost; what was being sent is looked for by the
    /// next run.
    pub fn stop_now(&self) {
        self.stop.now();
    }
}

impl Runner {
    /// A runner. The client's creates should not be paced ([`ark_video::ClientBuilder::limits`]):
    /// the runner does that, for all runners of the journal together.
    pub fn new(client: Client, journal: Journal, options: RunnerOptions) -> Self {
        Self { client, journal, options }
    }

    /// Runs these batches until no job of theirs is left that could go on. Nothing happens before
    /// the future is polled; it has to be polled to its end, and dropping it is like
    /// [`RunnerHandle::stop_now`].
    ///
    /// # Errors
    /// The future ends in [`RunError`] if the journal cannot be used.
    pub fn run(
        self,
        batches: &[String],
    ) -> (Events, RunnerHandle, impl Future<Output = Result<RunSummary, RunError>> + Send + use<>) {
        let (sink, end, events) = EventSink::new();
        let stop = Stop::new();
        if !self.options.sends {
            stop.close(StopCause::Asked, "this run sends nothing");
        }
        let wake = Arc::new(Notify::new());
        let handle = RunnerHandle {
            stop: stop.clone(),
            wake: wake.clone(),
            sink: sink.clone(),
            options: self.options.clone(),
        };
        let batches: Vec<String> = batches.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let run = async move {
            let _end = end;
            let findings = self.journal.audit().await?;
            if !findings.is_empty() {
                return Err(RunError::Damaged(findings));
            }
            let inputs = match recover(&self.journal, &batches, &self.options, &sink).await? {
                Recovered::Ready(inputs) => inputs,
                Recovered::Earlier(changes) => {
                    return Err(RunError::Earlier { place: self.journal.place().to_owned(), changes });
                }
                Recovered::Lost(lost) => return Err(RunError::Lost(lost)),
            };
            let blocked = blocked(&self.journal, &batches, &inputs, &self.options).await?;
            if !blocked.is_empty() {
                return Err(RunError::Targets(blocked));
            }
            let Self { client, journal, options } = self;
            Run::new(client, journal, options, batches, sink, stop, wake).go().await
        };
        (events, handle, run)
    }
}

/// Why videos of jobs that would be sent could not be saved, a line for each. Nothing where
/// something was sent before: then the run goes on with that, and what cannot be saved is held back
/// by itself.
async fn blocked(
    journal: &Journal,
    batches: &[String],
    inputs: &BTreeSet<PathBuf>,
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
        let mut targets = TargetCheck::new(Path::new(""), options.targets(), inputs.iter().cloned());
        let mut pages = journal.pages(filter);
        while let Some(page) = pages.next().await? {
            let batch = batch.clone();
            let checked = tokio::task::spawn_blocking(move || {
                let line = |job: Job| {
                    let obstacle = targets.obstacle(&batch, &job.planned)?;
                    Some(format!("{}: {}; {}", job.planned.name, obstacle.message(), obstacle.advice()))
                };
                let lines: Vec<_> = page.into_iter().filter_map(line).collect();
                (targets, lines)
            });
            // A panic in there is one here.
            let Ok((same, found)) = checked.await else { return Ok(lines) };
            targets = same;
            lines.extend(found);
        }
    }
    Ok(lines)
}
