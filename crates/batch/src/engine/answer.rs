//! What the service answered to a create, or how it failed to: written down, whatever it was.
//! Decides whether a job may be sent again; sends nothing.

use ark_video::{
    Error, UnresolvedCreate,
    create::Prepared,
    error::{Refusal, SendErrorKind},
    transport::{Backoff, UnixMillis},
};

use super::adaptive_limit::Exceeded;
use super::crash::CrashPoint;
use super::events::{EventKind, StopCause};
use super::locked;
use super::next_action::StepOutcome;
use super::permits::pause;
use super::records;
use super::request::search_of;
use super::shared::{ModelLimits, Shared};
use crate::{CasOutcome, Job, JournalError, journal::LateResponse};

/// How often a create is sent of which a part of the service says that it failed before anything
/// was created.
const ATTEMPTS: u32 = 5;

pub(crate) async fn accepted(
    shared: &Shared,
    model: &ModelLimits,
    job: &Job,
    id: &str,
    at: UnixMillis,
) -> Result<StepOutcome, JournalError> {
    locked(&model.adaptive).accepted();
    let outcome = match shared.journal.submitted(job, id, Some(at)).await? {
        // The answer to an earlier attempt at this very commit was lost.
        CasOutcome::Conflict(Some(job)) if job.task_id.as_deref() == Some(id) => job.into(),
        CasOutcome::Conflict(_) => {
            late(shared, job, id).await?;
            StepOutcome::Reread
        }
        done @ CasOutcome::Done(_) => done.into(),
    };
    if outcome.row().is_some_and(|job| job.task_id.as_deref() == Some(id)) {
        let task_id = id.to_owned();
        shared.emit(Some(&job.key), EventKind::Submitted { task_id, found: false });
        shared.options.crash.reached(CrashPoint::AfterSubmitted);
    }
    Ok(outcome)
}

/// The row had moved on when the answer came: the id is never lost.
async fn late(shared: &Shared, job: &Job, id: &str) -> Result<(), JournalError> {
    let attempt = job.attempt.clone().unwrap_or_default();
    let kept = shared.journal.late_response(&job.key, attempt.number, &attempt.token, id).await?;
    match kept {
        LateResponse::Adopted(job) => {
            let task_id = id.to_owned();
            shared.emit(Some(&job.key), EventKind::Submitted { task_id, found: false });
        }
        LateResponse::Already => {}
        LateResponse::Extra => shared.emit(Some(&job.key), EventKind::Extra { task_id: id.to_owned() }),
    }
    Ok(())
}

pub(crate) async fn not_sent(shared: &Shared, job: &Job, reason: &str) -> Result<StepOutcome, JournalError> {
    let outcome = shared.journal.not_sent(job, reason).await?.into();
    returned(shared, job);
    forget(job).await;
    shared.emit(Some(&job.key), EventKind::NotSent { reason: reason.to_owned() });
    Ok(outcome)
}

/// The journal has given the job's marks back.
fn returned(shared: &Shared, job: &Job) {
    if let Some(search) = search_of(job) {
        shared.marks_returned(job.model(), &search.marks);
    }
}

/// Nothing was created: the record of this create is taken away.
pub(crate) async fn forget(job: &Job) {
    let job = job.clone();
    let _ = tokio::task::spawn_blocking(move || records::forget(&job)).await;
}

pub(crate) async fn failed(
    shared: &Shared,
    model: &ModelLimits,
    job: &Job,
    prepared: &Prepared,
    error: Error,
    refusals: &mut u32,
) -> Result<StepOutcome, JournalError> {
    let reason = error.message();
    let refused = async || {
        let refused = shared.journal.refused(job, &reason).await;
        forget(job).await;
        refused.map(StepOutcome::from)
    };
    match error {
        // Not the library's message: it advises a person to search for the task, which this run
        // does.
        Error::OutcomeUnknown(lost) => {
            let reason = format!("it is unknown whether a task was created: {}", lost.reason);
            unknown(shared, job, &lost.search, &reason).await
        }
        Error::AcceptedWithoutId(lost) => {
            let reason =
                format!("the service accepted it ({}) without a readable id: {}", lost.status, lost.reason);
            unknown(shared, job, &lost.search, &reason).await
        }
        Error::NotSent(cause) if cause.cause.kind == SendErrorKind::Invalid => refused().await,
        Error::NotSent(_) => {
            let outcome = not_sent(shared, job, &reason).await?;
            stuck(shared, model, &reason);
            let number = job.attempt.as_ref().map_or(1, |attempt| attempt.number);
            pause(shared, Backoff::default().pause(number, shared.jitter())).await;
            Ok(outcome)
        }
        Error::Api(no) => match no.class {
            Refusal::Throttled => {
                let after = no.error.retry_after.map(|after| after.wait(shared.options.clock.now()));
                let now = shared.options.clock.monotonic();
                let what = Exceeded::of(no.error.code.as_str());
                let jitter = shared.jitter();
                let (wait, ceiling) = {
                    let mut adaptive = locked(&model.adaptive);
                    adaptive.refused(now, what, after, jitter);
                    (adaptive.not_before().saturating_sub(now), adaptive.ceiling())
                };
                let outcome = not_sent(shared, job, &reason).await?;
                stuck(shared, model, &reason);
                let model = job.model().to_owned();
                shared.emit(None, EventKind::Throttled { model, pause: wait, ceiling });
                Ok(outcome)
            }
            Refusal::Transient => {
                *refusals += 1;
                if *refusals >= ATTEMPTS {
                    return refused().await;
                }
                let outcome = not_sent(shared, job, &reason).await?;
                pause(shared, Backoff::default().pause(*refusals, shared.jitter())).await;
                Ok(outcome)
            }
            Refusal::Account | Refusal::Misrouted => {
                let cause = match no.class {
                    Refusal::Misrouted => StopCause::Misrouted,
                    _ if no.error.status == 401 => StopCause::Key,
                    _ => StopCause::Account,
                };
                shared.close(cause, &reason);
                not_sent(shared, job, &reason).await
            }
            _ => refused().await,
        },
        // What our own code refused was not sent.
        Error::Request(_) | Error::InvalidRequest(_) | Error::Config(_) => refused().await,
        // A case that was added later is not known to be harmless.
        _ => {
            let search = prepared.record();
            unknown(shared, job, &search, &reason).await
        }
    }
}

/// Ends the sending when no create of a model has got through for too long; what it is then, a
/// person has to see.
pub(crate) fn stuck(shared: &Shared, model: &ModelLimits, reason: &str) {
    let stuck = locked(&model.adaptive).stuck(shared.options.clock.monotonic());
    if stuck >= shared.options.stuck_for {
        let minutes = stuck.as_secs() / 60;
        shared.close(StopCause::Stuck, &format!("no create has got through for {minutes} minutes: {reason}"));
    }
}

async fn unknown(
    shared: &Shared,
    job: &Job,
    search: &UnresolvedCreate,
    reason: &str,
) -> Result<StepOutcome, JournalError> {
    let search = serde_json::to_value(search).unwrap_or_default();
    let outcome = shared.journal.unknown(job, Some(search), reason).await?.into();
    shared.emit(Some(&job.key), EventKind::Unknown { reason: reason.to_owned() });
    Ok(outcome)
}
