//! What all parts of a run share: the client, the journal, the pace of each model, the counts of ends. And the patience with a
//! journal that cannot be written for a while: until it can, nothing is sent and no answer is forgotten.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ark_video::{Client, Marks, MarksInUse, UnixMillis};
use tokio::sync::Notify;

use super::events::{EventKind, StopCause, Teller};
use super::options::RunnerOptions;
use super::pace::Pace;
use super::reconciling::Reconciling;
use super::stop::Stop;
use super::turnstile::Turnstile;
use super::waiting::Waiting;
use crate::{Job, Journal, JournalError, JournalErrorKind, Moved, State};

/// The first pause before a journal is tried again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));
/// Ends from which on the share of failures is judged.
const ENDS: u64 = 10;

/// What all parts of a run share.
pub(crate) struct Shared {
    pub(crate) client: Client,
    pub(crate) journal: Journal,
    pub(crate) options: RunnerOptions,
    pub(crate) runner: String,
    pub(crate) teller: Teller,
    pub(crate) stop: Stop,
    /// There may be something to claim, or nothing is under way any more.
    pub(crate) wake: Notify,
    pub(crate) waiting: Waiting,
    pub(crate) reconciling: Reconciling,
    pub(crate) downloads: Turnstile,
    /// The marks of each model's creates, as the journal had them last and this runner took them since.
    marks: Mutex<HashMap<String, Arc<MarksInUse>>>,
    /// Held jobs whose tasks were looked for in this run.
    pub(crate) looked_again: Mutex<HashSet<String>>,
    /// Tasks whose videos are fetched in this run before it is known whose they are.
    pub(crate) collecting: Mutex<HashSet<String>>,
    models: Mutex<HashMap<String, Arc<ModelPace>>>,
    ends: Mutex<Ends>,
    journal_is_down: AtomicBool,
}

/// The pace of one model in this runner.
pub(crate) struct ModelPace {
    /// Whoever holds it is the next to submit: first come, first served, and nobody crowds the journal.
    pub(crate) turn: tokio::sync::Mutex<Spare>,
    pub(crate) pace: Mutex<Pace>,
    /// A slot has become free.
    pub(crate) freed: Notify,
}

/// Permits of the shared rate that were taken and not used yet.
#[derive(Debug, Default)]
pub(crate) struct Spare(pub(crate) u32);

#[derive(Debug, Default)]
struct Ends {
    all: u64,
    bad: u64,
}

pub(crate) fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    #[allow(clippy::too_many_arguments, reason = "once, at the start of a run")]
    pub(crate) fn new(
        client: Client,
        journal: Journal,
        options: RunnerOptions,
        runner: String,
        teller: Teller,
        stop: Stop,
        waiting: Waiting,
        reconciling: Reconciling,
    ) -> Self {
        Self {
            wake: Notify::new(),
            downloads: Turnstile::new(options.downloads),
            client,
            journal,
            options,
            runner,
            teller,
            stop,
            waiting,
            reconciling,
            marks: Mutex::default(),
            looked_again: Mutex::default(),
            collecting: Mutex::default(),
            models: Mutex::default(),
            ends: Mutex::default(),
            journal_is_down: AtomicBool::new(false),
        }
    }

    pub(crate) fn tell(&self, key: Option<&str>, kind: EventKind) {
        self.teller.tell(self.options.clock.now(), key, kind);
    }

    pub(crate) fn model(&self, model: &str) -> Arc<ModelPace> {
        let mut models = locked(&self.models);
        let new = || {
            let pace = Pace::new(self.options.most_at_once(model), self.options.creates_per_minute);
            Arc::new(ModelPace {
                turn: tokio::sync::Mutex::default(),
                pace: Mutex::new(pace),
                freed: Notify::new(),
            })
        };
        models.entry(model.to_owned()).or_insert_with(new).clone()
    }

    /// The marks that creates of this model have.
    pub(crate) async fn marks_in_use(&self, model: &str) -> Result<Arc<MarksInUse>, JournalError> {
        if let Some(known) = locked(&self.marks).get(model) {
            return Ok(known.clone());
        }
        let found = Arc::new(self.patiently(|| self.journal.marks_in_use(model)).await?);
        locked(&self.marks).insert(model.to_owned(), found.clone());
        Ok(found)
    }

    /// Another runner took marks, or all are in use: the journal knows better.
    pub(crate) fn forget_marks(&self, model: &str) {
        locked(&self.marks).remove(model);
    }

    /// A create of this runner has these marks from now on.
    pub(crate) fn marks_taken(&self, model: &str, marks: &Marks, at: UnixMillis) {
        if let Some(known) = locked(&self.marks).get_mut(model) {
            // Known again as one whose task is known when the journal is read the next time.
            Arc::make_mut(known).add(marks, at, false);
        }
    }

    /// Nothing was sent with these marks.
    pub(crate) fn marks_returned(&self, model: &str, marks: &Marks) {
        if let Some(known) = locked(&self.marks).get_mut(model) {
            Arc::make_mut(known).remove(marks);
        }
    }

    /// Does something with the journal, again and again while it cannot be reached or written. What comes back is an answer, or
    /// a trouble that no patience mends.
    pub(crate) async fn patiently<T, F>(&self, mut call: impl FnMut() -> F) -> Result<T, JournalError>
    where
        F: Future<Output = Result<T, JournalError>>,
    {
        let mut pause = PAUSES.0;
        loop {
            match call().await {
                Err(error) if error.is_transient() => {
                    if !self.journal_is_down.swap(true, Ordering::Relaxed) {
                        let reason = format!("{error} It is tried again; nothing is sent meanwhile.");
                        self.tell(None, EventKind::Trouble { reason });
                    }
                    self.options.clock.sleep(pause).await;
                    pause = pause.saturating_mul(2).min(PAUSES.1);
                }
                done => {
                    self.journal_is_down.store(false, Ordering::Relaxed);
                    return done;
                }
            }
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
            self.tell(None, EventKind::Stopped { cause, reason: reason.to_owned() });
        }
    }

    /// A trouble with the journal that no patience mends: nothing more is sent.
    pub(crate) fn journal_failed(&self, key: &str, error: &JournalError) {
        self.tell(Some(key), EventKind::Trouble { reason: error.to_string() });
        // A move that is refused concerns one job; everything else may concern all of them.
        if error.kind() != JournalErrorKind::Refused {
            self.close(StopCause::Journal, &error.to_string());
        }
    }

    /// A job is over, or waits for a person.
    pub(crate) fn ended(&self, job: &Job) {
        if !matches!(job.state, State::Settled | State::Dropped) {
            let reason = job.reason.clone().unwrap_or_default();
            self.tell(Some(&job.key), EventKind::Ended { state: job.state, reason });
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
        let found = self.patiently(|| self.journal.jobs(&filter, None, 100)).await?;
        Ok(found.into_iter().filter(|job| !job.superseded).max_by_key(|job| job.revision))
    }
}

/// The job as it is now; `None` where others moved it, so that it has to be read again.
pub(crate) fn moved(moved: Moved) -> Option<Job> {
    match moved {
        Moved::Done(job) => Some(job),
        Moved::Stale(_) => None,
    }
}
