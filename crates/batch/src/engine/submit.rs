//! One attempt to create a job's task: wait for a turn, write it down, send it once, write down how
//! it ended. The only file that sends.
//!
//! Nothing is sent without a committed row of this attempt's token, and nothing later than the
//! guard allows. Once it is sent, this is not dropped before the answer is in the journal, except
//! where the process is to end at once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ark_video::{
    Error, UnresolvedCreate,
    create::{CorrelationsInUse, Prepared},
    error::{TargetError, TargetFault},
    media_store::{StorageError, StorageErrorKind},
    provenance::Sidecar,
    transport::UnixMillis,
};

use super::answer::{accepted, failed, not_sent, stuck};
use super::crash::CrashPoint;
use super::events::{EventKind, StopCause};
use super::locked;
use super::next_action::StepOutcome;
use super::permits::{pause, slot_of, wait_for_permit};
use super::records::{self, Found, find};
use super::recover::adopt;
use super::request::{Unprepared, prepare, upload};
use super::shared::{ModelLimits, Shared};
use super::stale_send::{ClockReading, may_send};
use crate::list::hex;
use crate::targets::target_of;
use crate::{Amount, Attempt, Job, JournalError, SlotRequest, State, Submitting};

/// The pause after something that was not sent for reasons of the network or of its files, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Takes a job one attempt further. `refusals` counts its creates that were refused because a part
/// of the service failed.
pub(crate) async fn submit(
    shared: &Shared,
    job: Job,
    before: Option<&Job>,
    refusals: &mut u32,
) -> Result<StepOutcome, JournalError> {
    let job = match not_recorded(shared, job).await? {
        Ok(job) => job,
        Err(outcome) => return Ok(outcome),
    };
    let slot = slot_of(&job);
    let model = shared.model(&slot);
    // Before its turn: others of the model need not wait for an upload.
    let uploads = tokio::select! {
        uploads = upload(&shared.options, &job) => uploads,
        () = shared.stop.closed() => return Ok(job.into()),
    };
    let uploads = match uploads {
        Ok(uploads) => uploads,
        Err(error) => return not_uploaded(shared, &model, &job, &error).await,
    };
    let turn = tokio::select! {
        turn = model.turn.lock() => turn,
        () = shared.stop.closed() => return Ok(job.into()),
    };
    let Some((turn, ceiling)) = wait_for_permit(shared, &model, &slot, turn).await? else {
        return Ok(job.into());
    };
    // The first to come had to wait: things may have changed for this job.
    let mut in_use = shared.marks_in_use(job.model()).await?;
    let mut prepared = prepare(&shared.client, &shared.options, &job, before, in_use.clone(), &uploads).await;
    if prepared.as_ref().is_ok_and(|(prepared, _)| prepared.lacks_mark()) {
        // Tasks that are known since give theirs free.
        shared.forget_marks(job.model());
        in_use = shared.marks_in_use(job.model()).await?;
        prepared = prepare(&shared.client, &shared.options, &job, before, in_use.clone(), &uploads).await;
    }
    let (prepared, search) = match prepared {
        Ok(prepared) => prepared,
        Err(Unprepared::Never(reason)) => {
            return Ok(shared.journal.park(&job, State::Rejected, &reason).await?.into());
        }
        Err(Unprepared::NotNow(reason)) => {
            drop(turn);
            stuck(shared, &model, &reason);
            shared.emit(Some(&job.key), EventKind::Warning { reason });
            pause(shared, LONGEST_PAUSE).await;
            return Ok(StepOutcome::Reread);
        }
    };
    if prepared.report().is_refused() && shared.options.check == ark_video::CheckPolicy::Refuse {
        let reason = Error::InvalidRequest(Box::new(prepared.report().clone())).message();
        return Ok(shared.journal.park(&job, State::Rejected, &reason).await?.into());
    }
    if let Some(reason) = lacks_mark(shared, &job, &prepared, &in_use).await? {
        drop(turn);
        stuck(shared, &model, &reason);
        shared.emit(Some(&job.key), EventKind::Warning { reason });
        pause(shared, LONGEST_PAUSE).await;
        return Ok(StepOutcome::Reread);
    }
    // Last of all before it is written down: what came into the video's way since the run began.
    if let Err(error) = savable(shared, &job).await {
        if error.fault == TargetFault::NoRoom {
            shared.close(StopCause::DiskFull, &error.message);
            return Ok(StepOutcome::Reread);
        }
        let reason =
            format!("{error}; nothing was sent; {}, then bring it back with `batch retry`", error.advice);
        return Ok(shared.journal.park(&job, State::Rejected, &reason).await?.into());
    }
    let started = ClockReading::of(&*shared.options.clock);
    let mut attempt = attempt_of(shared, &job, &search, started.wall);
    attempt.objects = uploads.iter().map(|(index, media)| (index, media.object.clone())).collect();
    let token = attempt.token.clone();
    let wish = SlotRequest { model: slot, ceiling };
    let written = shared.journal.submitting(&job, attempt, &wish).await;
    drop(turn);
    let job = match written {
        Ok(Submitting::Done(job)) => {
            shared.marks_taken(job.model(), prepared.marks(), started.wall);
            job
        }
        Ok(Submitting::Conflict(_)) => return Ok(StepOutcome::Reread),
        Ok(Submitting::MarkTaken) => {
            shared.forget_marks(job.model());
            return Ok(StepOutcome::Reread);
        }
        Ok(Submitting::NoSlot) => return Ok(StepOutcome::Reread),
        Ok(Submitting::Paused) => {
            shared.journal.release(&shared.runner, &job.key).await?;
            return Ok(StepOutcome::Reread);
        }
        Ok(Submitting::NoRoom { scope, unit, cap, reserved, settled }) => {
            let amount = |number| Amount::in_unit(&unit, number);
            let reason = format!(
                "the cap of {} on {scope} leaves no room for it: {} are spent and {} reserved; raise the cap and resume",
                amount(cap),
                amount(settled),
                amount(reserved)
            );
            return Ok(shared.journal.park(&job, State::OverBudget, &reason).await?.into());
        }
        Ok(Submitting::NoPrice { scope, unit }) => {
            let reason = format!(
                "there is a cap in {unit} on {scope}, and the cost of this shot in {unit} is unknown; set the cap in tokens, or remove it"
            );
            return Ok(shared.journal.park(&job, State::OverBudget, &reason).await?.into());
        }
        Err(error) => {
            // The commit may have been heard although its answer was not; nothing was sent, and now
            // it is too late to.
            let now = shared.journal.job(&job.key).await?;
            let ours = |job: &Job| {
                job.state == State::Submitting
                    && job.attempt.as_ref().is_some_and(|attempt| attempt.token == token)
            };
            if let Some(job) = now.filter(ours) {
                not_sent(shared, &job, &error.to_string()).await?;
            }
            return if error.is_transient() { Ok(StepOutcome::Reread) } else { Err(error) };
        }
    };
    let number = job.attempt.as_ref().map_or(0, |attempt| attempt.number);
    shared.emit(Some(&job.key), EventKind::Submitting { attempt: number });
    shared.options.crash.reached(CrashPoint::AfterSubmitting);
    if let Err(error) = write_down(shared, &job, search).await {
        let reason = format!("its record beside {} cannot be written: {error}", job.planned.output.display());
        if error.kind() == std::io::ErrorKind::StorageFull {
            shared.close(StopCause::DiskFull, &reason);
            return not_sent(shared, &job, &reason).await;
        }
        return Ok(shared.journal.refused(&job, &reason).await?.into());
    }
    let late = Arc::new(AtomicBool::new(false));
    let (clock, limit, is_late) = (shared.options.clock.clone(), shared.options.guard, late.clone());
    let guard = move || {
        let in_time = may_send(started, ClockReading::of(&*clock), limit);
        in_time.then_some(()).ok_or_else(|| {
            is_late.store(true, Ordering::Relaxed);
            format!(
                "more than {} ms passed between writing it down and sending it (a slow disk, or a machine that slept)",
                limit.as_millis()
            )
        })
    };
    // Another create was throttled since: the client would hold this one back, and it would go out
    // too late.
    let held_back = locked(&model.adaptive).not_before() > shared.options.clock.monotonic();
    if held_back {
        not_sent(shared, &job, "the service asked for a pause just before it was sent").await?;
        return Ok(StepOutcome::Reread);
    }
    let sent = prepared.clone().send_if(guard).await;
    let answered = shared.client.now();
    shared.options.crash.reached(CrashPoint::AfterAnswer);
    match sent {
        Ok(task) => accepted(shared, &model, &job, task.id(), answered).await,
        Err(error) => {
            if late.load(Ordering::Relaxed) && locked(&model.adaptive).too_late() {
                // Each attempt costs disk writes: a clock that jumps would make a run of nothing
                // else.
                shared.close(
                    StopCause::Stuck,
                    &format!("too many creates in a row were too late: {}", error.message()),
                );
            }
            failed(shared, &model, &job, &prepared, error, refusals).await
        }
    }
}

/// What becomes of a job whose files are not in the store. Nothing was sent.
async fn not_uploaded(
    shared: &Shared,
    model: &ModelLimits,
    job: &Job,
    error: &StorageError,
) -> Result<StepOutcome, JournalError> {
    let reason = format!("{error}; nothing was sent, nothing is billed. {}", error.advice());
    match error.kind {
        StorageErrorKind::File | StorageErrorKind::LinkTooLong => {
            return Ok(shared.journal.park(job, State::Rejected, &reason).await?.into());
        }
        _ if error.is_transient() => {
            stuck(shared, model, &reason);
            shared.emit(Some(&job.key), EventKind::Warning { reason });
            pause(shared, LONGEST_PAUSE).await;
        }
        // It would fail for the next job too.
        _ => {
            shared.close(StopCause::Storage, &reason);
        }
    }
    Ok(StepOutcome::Reread)
}

/// The job, if nothing beside its output says that it was sent before: else what became of its row.
async fn not_recorded(shared: &Shared, job: Job) -> Result<Result<Job, StepOutcome>, JournalError> {
    let (id, looked) = (shared.journal.id(), job.clone());
    let found = tokio::task::spawn_blocking(move || find(&looked, &id)).await;
    let why = match found {
        Ok(Found::Nothing) => return Ok(Ok(job)),
        Ok(Found::Record(record)) => {
            if let Some(now) = adopt(&shared.journal, &job, &record, &shared.options, &shared.sink).await? {
                return Ok(Err(now.into()));
            }
            "beside its output is the record of another shot's task".to_owned()
        }
        // What is replaced on purpose: everything, or what a rehearsal before this one left.
        Ok(Found::Other(path))
            if shared.options.overwrite || (shared.options.simulated && is_rehearsed(&path)) =>
        {
            return Ok(Ok(job));
        }
        Ok(Found::Other(path)) => {
            format!("{} has the record of another request beside it; name another output", path.display())
        }
        Ok(Found::Unreadable(why)) => format!("the record beside its output cannot be read ({why})"),
        Err(_) => "what is beside its output could not be read".to_owned(),
    };
    let reason = format!("{why}; nothing was sent");
    Ok(Err(shared.journal.park(&job, State::Rejected, &reason).await?.into()))
}

fn is_rehearsed(video: &Path) -> bool {
    Sidecar::read(video).ok().flatten().is_some_and(|sidecar| sidecar.simulated)
}

/// Writes down beside the output, and in the journal's high-water mark, that a job is about to be
/// sent.
async fn write_down(shared: &Shared, job: &Job, search: UnresolvedCreate) -> std::io::Result<()> {
    let (job, journal) = (job.clone(), shared.journal.clone());
    let simulated = shared.options.simulated;
    let write = move || {
        records::submitting(&job, &journal, search, simulated)?;
        journal.raise_high_water(&job);
        Ok(())
    };
    tokio::task::spawn_blocking(write).await.map_err(std::io::Error::other)?
}

/// Whether the job's video can be saved where it is to go.
async fn savable(shared: &Shared, job: &Job) -> Result<(), TargetError> {
    let target = target_of(&job.batch, &job.planned, shared.options.targets());
    // What could not be looked at is looked at again when the video is there.
    tokio::task::spawn_blocking(move || target.check()).await.unwrap_or(Ok(()))
}

/// Where all marks of a model are in use: takes the one that it got away from a create whose task
/// is known. Why that cannot be, if it cannot.
async fn lacks_mark(
    shared: &Shared,
    job: &Job,
    prepared: &Prepared,
    in_use: &CorrelationsInUse,
) -> Result<Option<String>, JournalError> {
    let model = job.model();
    if prepared.lacks_mark() {
        return Ok(Some(format!(
            "not sent: all {} marks of {model} belong to creates whose outcome is unknown, so that one more could not be distinguished from them; decide about those first (`batch status` lists them)",
            in_use.len()
        )));
    }
    let reused = prepared.marks().expiry.and_then(|expiry| Some((expiry, in_use.used_at(expiry)?)));
    if let Some((expiry, used_at)) = reused
        && !shared.journal.free_mark(model, expiry, used_at).await?
    {
        // It is taken below or it is not: the journal decides.
        shared.forget_marks(model);
    }
    Ok(None)
}

fn attempt_of(shared: &Shared, job: &Job, search: &UnresolvedCreate, at: UnixMillis) -> Attempt {
    let mut random = [0; 16];
    shared.options.random.fill(&mut random);
    Attempt {
        number: job.attempt.as_ref().map_or(0, |attempt| attempt.number) + 1,
        token: hex(&random),
        runner: shared.runner.clone(),
        at,
        search: serde_json::to_value(search).ok(),
        reserved: job.planned.estimate.clone().unwrap_or_default(),
        day: crate::money::utc_day(at),
        ..Attempt::default()
    }
}
