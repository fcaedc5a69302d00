//! What a run of a list would do, compared with the journal as `plan` does, without writing or
//! sending anything.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Cost, Job, Planned, PlannedJobs, State};

use super::plan::{Act, CHUNK, current, decide};
use super::{JobFilter, Journal, JournalError};

/// What a run would do with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ForecastStep {
    /// A task is created, and billed if it succeeds.
    Create,
    /// Another task is created, after an attempt that made no video.
    Retry,
    /// Its task exists or may exist: it is awaited and fetched, not created again.
    Continue,
    /// Its video is saved.
    Reuse,
    /// Nothing is done until a user decides.
    Blocked,
}

/// What a run would do with one job.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ForecastJob {
    /// The job's name.
    pub name: String,
    /// What would be done.
    pub step: ForecastStep,
    /// Why, where it is not simply new.
    pub reason: Option<String>,
    /// The most that it may cost from here: only of a job that is created; `None` where unknown.
    pub estimate: Option<Cost>,
    /// The job that it follows, and whether that one's video has to be approved first.
    #[serde(skip)]
    after: Option<(String, bool)>,
    #[serde(skip)]
    approved: bool,
}

/// What a run of a list would do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Forecast {
    /// The jobs, in the order of the list.
    pub jobs: Vec<ForecastJob>,
}

impl Forecast {
    /// That of a list that was never planned.
    #[must_use]
    pub fn of_new(list: &(impl PlannedJobs + ?Sized)) -> Self {
        Self::settled(list.planned().map(|planned| forecast(&[], planned)).collect())
    }

    /// Jobs that follow a blocked one are blocked too.
    fn settled(mut jobs: Vec<ForecastJob>) -> Self {
        let followed = |job: &ForecastJob| job.after.is_some();
        if jobs.iter().any(followed) {
            let by_name: BTreeMap<String, usize> =
                jobs.iter().enumerate().map(|(at, job)| (job.name.clone(), at)).collect();
            loop {
                let mut changed = false;
                for at in 0..jobs.len() {
                    let job = &jobs[at];
                    let creates = matches!(job.step, ForecastStep::Create | ForecastStep::Retry);
                    let Some((name, approve)) = job.after.as_ref().filter(|_| creates) else { continue };
                    let Some(before) = by_name.get(name).and_then(|at| jobs.get(*at)) else { continue };
                    let reason = match before.step {
                        ForecastStep::Blocked => format!("it follows {name}, which is blocked"),
                        _ if *approve && !before.approved => {
                            format!("the video of {name} has to be approved first")
                        }
                        _ => continue,
                    };
                    let job = &mut jobs[at];
                    (job.step, job.reason, job.estimate) = (ForecastStep::Blocked, Some(reason), None);
                    changed = true;
                }
                if !changed {
                    break;
                }
            }
        }
        Self { jobs }
    }
}

impl Journal {
    /// What a run of this list would do now. Nothing is written.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read, or a row is damaged.
    pub async fn forecast(
        &self,
        batch: &str,
        list: &(impl PlannedJobs + ?Sized),
    ) -> Result<Forecast, JournalError> {
        let mut all = Vec::new();
        let mut jobs = list.planned();
        loop {
            let chunk: Vec<Planned> = jobs.by_ref().take(CHUNK).collect();
            if chunk.is_empty() {
                return Ok(Forecast::settled(all));
            }
            let names = chunk.iter().map(|planned| planned.name.clone()).collect();
            let filter = JobFilter { batch: Some(batch.to_owned()), names, ..JobFilter::default() };
            let mut known: BTreeMap<String, Vec<Job>> = BTreeMap::new();
            let mut pages = self.pages(filter);
            while let Some(page) = pages.next().await? {
                for job in page {
                    known.entry(job.planned.name.clone()).or_default().push(job);
                }
            }
            all.extend(chunk.into_iter().map(|planned| {
                let mut old = known.remove(&planned.name).unwrap_or_default();
                old.sort_by_key(|job| job.revision);
                forecast(&old, planned)
            }));
        }
    }
}

fn forecast(old: &[Job], planned: Planned) -> ForecastJob {
    let act = decide(old, &planned);
    let row = match act {
        Act::Restore(revision) => old.iter().find(|job| job.revision == revision),
        _ => current(old),
    };
    let (step, reason) = match (&act, row) {
        (Act::Add(_) | Act::Readd, _) | (_, None) => (ForecastStep::Create, None),
        (Act::Replace, _) => (ForecastStep::Create, Some("changed before it was sent".to_owned())),
        (Act::Supersede, _) => {
            let reason = "changed after it was sent: created again beside the earlier one";
            (ForecastStep::Create, Some(reason.to_owned()))
        }
        (_, Some(row)) => of_state(row),
    };
    let creates = matches!(step, ForecastStep::Create | ForecastStep::Retry);
    ForecastJob {
        name: planned.name,
        step,
        reason,
        estimate: planned.estimate.filter(|_| creates),
        after: planned.after.map(|after| (after.job, after.approve)),
        approved: row.is_some_and(|row| row.approved),
    }
}

fn of_state(row: &Job) -> (ForecastStep, Option<String>) {
    let why = |usual: &str| Some(row.reason.clone().unwrap_or_else(|| usual.to_owned()));
    let blocked = |next: &str| (ForecastStep::Blocked, Some(format!("{}: {next}", row.state)));
    match row.state {
        State::Intent if row.attempt.is_some() || !row.earlier.is_empty() => {
            (ForecastStep::Retry, why("sent again"))
        }
        State::Intent => (ForecastStep::Create, None),
        State::OverBudget => (ForecastStep::Create, why("over budget in the last run")),
        State::Submitting | State::Unknown => {
            (ForecastStep::Continue, Some("it may have been sent: its task is searched for".to_owned()))
        }
        State::Submitted | State::Finished | State::Downloaded => {
            (ForecastStep::Continue, row.task_id.as_ref().map(|id| format!("task {id}")))
        }
        State::Settled => (ForecastStep::Reuse, None),
        State::Held => blocked("decide with `batch assign` or `batch resolve`"),
        State::NeedsApproval => blocked("use `batch approve`"),
        State::Failed | State::Rejected => blocked("use `batch retry`"),
        State::Gone => blocked("billed, and its video is lost; `batch retry --only gone` is billed again"),
        State::Dropped => blocked("cancelled; `batch retry --only dropped` sends it"),
    }
}
