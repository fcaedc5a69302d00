//! What all parts of a run share: the client, the journal, the limits of each model, the counts of
//! ends.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use ark_video::{
    Client,
    create::{Correlation, CorrelationsInUse},
    transport::UnixMillis,
};
use tokio::sync::Notify;

use super::adaptive_limit::AdaptiveLimit;
use super::events::{EventKind, EventSink, StopCause};
use super::locked;
use super::options::RunnerOptions;
use super::reconciler::ReconcilerHandle;
use super::semaphore::DeadlineSemaphore;
use super::stop::Stop;
use super::task_watch::TaskWatchHandle;
use crate::{Job, Journal, JournalError, JournalErrorKind, State};

/// Ends from which on the share of failures is judged.
const ENDS: u64 = 10;

/// What all parts of a run share.
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) journal: Journal,
    pub(crate) options: RunnerOptions,
    pub(crate) runner: String,
    pub(crate) sink: EventSink,
    pub(crate) stop: Stop,
    /// There may be something to claim, or nothing is under way any more.
    pub(crate) wake: Arc<Notify>,
    pub(crate) task_watch: TaskWatchHandle,
    pub(crate) reconciler: ReconcilerHandle,
    pub(crate) downloads: DeadlineSemaphore,
    /// The marks of each model's creates, as the journal had them last and this runner took them
    /// since.
    marks: Mutex<HashMap<String, Arc<CorrelationsInUse>>>,
    /// Held jobs whose tasks were looked for in this run.
    pub(crate) searched_again: Mutex<HashSet<String>>,
    /// Tasks whose videos are fetched in this run before it is known whose they are.
    pub(crate) collecting: Mutex<HashSet<String>>,
    models: Mutex<HashMap<String, Arc<ModelLimits>>>,
    ends: Mutex<Ends>,
}

/// The limits of one model in this runner.
pub(crate) struct ModelLimits {
    /// Its holder is the next to submit: first come, first served, and only one at a time polls the
    /// journal.
    pub(crate) turn: tokio::sync::Mutex<PrefetchedPermits>,
    pub(crate) adaptive: Mutex<AdaptiveLimit>,
    /// A slot has become free.
    pub(crate) freed: Notify,
}

/// Permits of the shared rate that were taken and not used yet.
#[derive(Debug, Default)]
pub(crate) struct PrefetchedPermits(pub(crate) u32);

#[derive(Debug, Default)]
struct Ends {
    all: u64,
    bad: u64,
}

impl Shared {
    #[allow(clippy::too_many_arguments, reason = "once, at the start of a run")]
    pub(crate) fn new(
        client: Client,
        journal: Journal,
        options: RunnerOptions,
        runner: String,
        sink: EventSink,
        stop: Stop,
        wake: Arc<Notify>,
        task_watch: TaskWatchHandle,
        reconciler: ReconcilerHandle,
    ) -> Self {
        Self {
            wake,
            downloads: DeadlineSemaphore::new(options.downloads),
            client,
            journal,
            options,
            runner,
            sink,
            stop,
            task_watch,
            reconciler,
            marks: Mutex::default(),
            searched_again: Mutex::default(),
            collecting: Mutex::default(),
            models: Mutex::default(),
            ends: Mutex::default(),
        }
    }

    pub(crate) fn emit(&self, key: Option<&str>, kind: EventKind) {
        self.sink.emit(self.options.clock.now(), key, kind);
    }

    pub(crate) fn model(&self, model: &str) -> Arc<ModelLimits> {
        let mut models = locked(&self.models);
        let new = || {
            let adaptive =
                AdaptiveLimit::new(self.options.most_at_once(model), self.options.creates_per_minute);
            Arc::new(ModelLimits {
                turn: tokio::sync::Mutex::default(),
                adaptive: Mutex::new(adaptive),
                freed: Notify::new(),
            })
        };
        models.entry(model.to_owned()).or_insert_with(new).clone()
    }

    /// The marks that creates of this model have.
    pub(crate) async fn marks_in_use(&self, model: &str) -> Result<Arc<CorrelationsInUse>, JournalError> {
        if let Some(known) = locked(&self.marks).get(model) {
            return Ok(known.clone());
        }
        let found = Arc::new(self.journal.marks_in_use(model).await?);
        locked(&self.marks).insert(model.to_owned(), found.clone());
        Ok(found)
    }

    /// Another runner took marks, or all are in use: the journal knows better.
    pub(crate) fn forget_marks(&self, model: &str) {
        locked(&self.marks).remove(model);
    }

    /// A create of this runner has these marks from now on.
    pub(crate) fn marks_taken(&self, model: &str, marks: &Correlation, at: UnixMillis) {
        if let Some(known) = locked(&self.marks).get_mut(model) {
            // Known again as one whose task is known when the journal is read the next time.
            Arc::make_mut(known).add(marks, at, false);
        }
    }

    /// Nothing was sent with these marks.
    pub(crate) fn marks_returned(&self, model: &str, marks: &Correlation) {
        if let Some(known) = locked(&self.marks).get_mut(model) {
            Arc::make_mut(known).remove(marks);
        }
    }

    /// A random number from 0 to 1.
    pub(crate) fn jitter(&self) -> f64 {
        let mut bytes = [0; 4];
        self.options.random.fill(&mut bytes);
        f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0)
    }

    /// No more creates in this run.
    pub(crate) fn close(&self, cause: StopCause, reason: &str) {
        if self.stop.close(cause, reason) {
            self.emit(None, EventKind::Stopped { cause, reason: reason.to_owned() });
        }
    }

    /// A trouble with the journal that a retry does not solve: nothing more is sent.
    pub(crate) fn journal_failed(&self, key: &str, error: &JournalError) {
        self.emit(Some(key), EventKind::Warning { reason: error.to_string() });
        // A move that is refused concerns one job; everything else may concern all of them.
        if error.kind() != JournalErrorKind::Refused {
            self.close(StopCause::Journal, &error.to_string());
        }
    }

    /// A job is over, or waits for a person.
    pub(crate) fn ended(&self, job: &Job) {
        if !matches!(job.state, State::Settled | State::Dropped) {
            let reason = job.reason.clone().unwrap_or_default();
            self.emit(Some(&job.key), EventKind::Ended { state: job.state, reason });
        }
        let bad = match job.state {
            State::Settled => false,
            State::Failed | State::Rejected | State::Gone => true,
            _ => return,
        };
        let (all, bad) = {
            let mut ends = locked(&self.ends);
            ends.all += 1;
            ends.bad += u64::from(bad);
            (ends.all, ends.bad)
        };
        if let Some(most) = self.options.stop_after_failures
            && all >= ENDS
            && bad as f64 > most * all as f64
        {
            let reason = format!(
                "{bad} of the {all} jobs that ended in this run have failed, more than the {:.0} % that were allowed; see their reasons first",
                most * 100.0
            );
            self.close(StopCause::Failures, &reason);
        }
    }

    /// The newest job of this name.
    pub(crate) async fn job_named(&self, batch: &str, name: &str) -> Result<Option<Job>, JournalError> {
        let filter = crate::JobFilter {
            batch: Some(batch.to_owned()),
            names: vec![name.to_owned()],
            ..crate::JobFilter::default()
        };
        let found = self.journal.jobs(&filter, None, 100).await?;
        Ok(found.into_iter().filter(|job| !job.superseded).max_by_key(|job| job.revision))
    }
}
