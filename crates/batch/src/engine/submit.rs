//! One attempt to create a job's task: wait for a turn, write it down, send it once, write down how it ended. The only file
//! that sends.
//!
//! Nothing is sent without a committed row of this attempt's token, and nothing later than the guard allows. Once it is sent,
//! this is not dropped before the answer is in the journal, except where the process is to end at once.

use std::path::Path;
use std::time::Duration;

use ark_video::{
    Backoff, Error, MarksInUse, Prepared, Refusal, SendErrorKind, Sidecar, TargetError, TargetFault,
    UnixMillis, Unknown,
};

use super::crash::CrashPoint;
use super::events::{EventKind, StopCause};
use super::guard::{Moment, may_send};
use super::pace::TooMuch;
use super::records::{self, Found, find};
use super::recover::adopt;
use super::request::{Unprepared, prepare, search_of};
use super::shared::{ModelPace, Shared, Spare, locked};
use crate::list::hex;
use crate::targets::target_of;
use crate::{Amount, Attempt, Job, JournalError, Late, Moved, Permit, SlotWish, State, Submitting};

/// How long to wait for a slot that another runner may free.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The pause after something that was not sent for reasons of the network or of its files, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// How often a create is sent of which a part of the service says that it failed before anything was created.
const TRIES: u32 = 5;
/// The rate from which on several permits are taken at once, to spare the journal writes.
const MANY: f64 = 4.0;

/// Takes a job one attempt further. What it is then, `None` if it has to be read again. `refusals` counts its creates that were
/// refused because a part of the service failed.
pub(crate) async fn submit(
    shared: &Shared,
    job: Job,
    before: Option<&Job>,
    refusals: &mut u32,
) -> Result<Option<Job>, JournalError> {
    let job = match not_recorded(shared, job).await? {
        Ok(job) => job,
        Err(now) => return Ok(now),
    };
    let slot = slot_of(&job);
    let model = shared.model(&slot);
    let turn = tokio::select! {
        turn = model.turn.lock() => turn,
        () = shared.stop.closed() => return Ok(Some(job)),
    };
    let Some((turn, ceiling)) = wait_for_turn(shared, &model, &slot, turn).await? else {
        return Ok(Some(job));
    };
    // The first to come had to wait: things may have changed for this job.
    let mut in_use = shared.marks_in_use(job.model()).await?;
    let mut prepared = prepare(&shared.client, &shared.options, &job, before, in_use.clone()).await;
    if prepared.as_ref().is_ok_and(|(prepared, _)| prepared.lacks_mark()) {
        // Tasks that are known since give theirs free.
        shared.forget_marks(job.model());
        in_use = shared.marks_in_use(job.model()).await?;
        prepared = prepare(&shared.client, &shared.options, &job, before, in_use.clone()).await;
    }
    let (prepared, search) = match prepared {
        Ok(prepared) => prepared,
        Err(Unprepared::Never(reason)) => {
            return Ok(moved(
                shared.patiently(|| shared.journal.park(&job, State::Rejected, &reason)).await?,
            ));
        }
        Err(Unprepared::NotNow(reason)) => {
            drop(turn);
            shared.tell(Some(&job.key), EventKind::Trouble { reason });
            pause(shared, LONGEST_PAUSE).await;
            return Ok(None);
        }
    };
    if prepared.report().is_refused() && shared.options.check == ark_video::CheckPolicy::Refuse {
        let reason = Error::Rejected(Box::new(prepared.report().clone())).to_string();
        return Ok(moved(shared.patiently(|| shared.journal.park(&job, State::Rejected, &reason)).await?));
    }
    if let Some(reason) = lacks_mark(shared, &job, &prepared, &in_use).await? {
        drop(turn);
        shared.tell(Some(&job.key), EventKind::Trouble { reason });
        pause(shared, LONGEST_PAUSE).await;
        return Ok(None);
    }
    // Last of all before it is written down: what came into the video's way since the run began.
    if let Err(error) = savable(shared, &job).await {
        if error.fault == TargetFault::NoRoom {
            shared.close(StopCause::DiskFull, &error.message);
            return Ok(None);
        }
        let reason =
            format!("{error}; nothing was sent; {}, then bring it back with `batch retry`", error.advice);
        return Ok(moved(shared.patiently(|| shared.journal.park(&job, State::Rejected, &reason)).await?));
    }
    let begun = Moment::of(&*shared.options.clock);
    let attempt = attempt_of(shared, &job, &search, begun.wall);
    let token = attempt.token.clone();
    let wish = SlotWish { model: slot, ceiling };
    let written = shared.journal.submitting(&job, attempt, &wish).await;
    drop(turn);
    let job = match written {
        Ok(Submitting::Done(job)) => {
            shared.marks_taken(job.model(), prepared.marks(), begun.wall);
            job
        }
        Ok(Submitting::Stale(_)) => return Ok(None),
        Ok(Submitting::MarkTaken) => {
            shared.forget_marks(job.model());
            return Ok(None);
        }
        Ok(Submitting::NoSlot) => return Ok(None),
        Ok(Submitting::Paused) => {
            shared.patiently(|| shared.journal.release(&shared.runner, &job.key)).await?;
            return Ok(None);
        }
        Ok(Submitting::NoRoom { scope, unit, cap, reserved, settled }) => {
            let amount = |number| Amount::in_unit(&unit, number);
            let reason = format!(
                "the cap of {} on {scope} leaves no room for it: {} are spent and {} set aside; raise the cap and resume",
                amount(cap),
                amount(settled),
                amount(reserved)
            );
            return Ok(moved(
                shared.patiently(|| shared.journal.park(&job, State::OverBudget, &reason)).await?,
            ));
        }
        Ok(Submitting::NoPrice { scope, unit }) => {
            let reason = format!(
                "there is a cap in {unit} on {scope}, and nobody can tell what this shot will cost in {unit}; lay the cap in tokens, or lift it"
            );
            return Ok(moved(
                shared.patiently(|| shared.journal.park(&job, State::OverBudget, &reason)).await?,
            ));
        }
        Err(error) => {
            // The commit may have been heard although its answer was not; nothing was sent, and now it is too late to.
            let now = shared.patiently(|| shared.journal.job(&job.key)).await?;
            let ours = |job: &Job| {
                job.state == State::Submitting
                    && job.attempt.as_ref().is_some_and(|attempt| attempt.token == token)
            };
            if let Some(job) = now.filter(ours) {
                not_sent(shared, &job, &error.to_string()).await?;
            }
            return if error.is_transient() { Ok(None) } else { Err(error) };
        }
    };
    let number = job.attempt.as_ref().map_or(0, |attempt| attempt.number);
    shared.tell(Some(&job.key), EventKind::Submitting { attempt: number });
    shared.options.crash.reached(CrashPoint::AfterSubmitting);
    if let Err(error) = write_down(shared, &job, search).await {
        let reason = format!("its record beside {} cannot be written: {error}", job.planned.output.display());
        if error.kind() == std::io::ErrorKind::StorageFull {
            shared.close(StopCause::DiskFull, &reason);
            return not_sent(shared, &job, &reason).await;
        }
        return Ok(moved(shared.patiently(|| shared.journal.refused(&job, &reason)).await?));
    }
    let guard = || {
        let in_time = may_send(begun, Moment::of(&*shared.options.clock), shared.options.guard);
        in_time.then_some(()).ok_or_else(|| {
            format!(
                "more than {} ms passed between writing it down and sending it (a slow disk, or a machine that slept)",
                shared.options.guard.as_millis()
            )
        })
    };
    // Another create was told to wait since: the client would hold this one back, and it would go out too late.
    let held_back = locked(&model.pace).not_before() > shared.options.clock.monotonic();
    if held_back {
        not_sent(shared, &job, "the service asked for a pause just before it was sent").await?;
        return Ok(None);
    }
    let sent = shared.client.create_prepared_if(&prepared, guard).await;
    let answered = shared.client.now();
    shared.options.crash.reached(CrashPoint::AfterAnswer);
    match sent {
        Ok(task) => accepted(shared, &model, &job, task.id(), answered).await,
        Err(error) => failed(shared, &model, &job, &prepared, error, refusals).await,
    }
}

/// The job, if nothing beside its output says that it was sent before: else what became of its row.
async fn not_recorded(shared: &Shared, job: Job) -> Result<Result<Job, Option<Job>>, JournalError> {
    let (id, looked) = (shared.journal.id(), job.clone());
    let found = tokio::task::spawn_blocking(move || find(&looked, &id)).await;
    let why = match found {
        Ok(Found::Nothing) => return Ok(Ok(job)),
        Ok(Found::Record(record)) => {
            if let Some(now) = adopt(&shared.journal, &job, &record, &shared.options, &shared.teller).await? {
                return Ok(Err(Some(now)));
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
    Ok(Err(moved(shared.patiently(|| shared.journal.park(&job, State::Rejected, &reason)).await?)))
}

fn is_rehearsed(video: &Path) -> bool {
    Sidecar::read(video).ok().flatten().is_some_and(|sidecar| sidecar.simulated)
}

/// Writes down beside the output, and in the journal's high-water mark, that a job is about to be sent.
async fn write_down(shared: &Shared, job: &Job, search: Unknown) -> std::io::Result<()> {
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

/// Where all marks of a model are in use: takes the one that it got away from a create whose task is known. Why that cannot be,
/// if it cannot.
async fn lacks_mark(
    shared: &Shared,
    job: &Job,
    prepared: &Prepared,
    in_use: &MarksInUse,
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
        && !shared.patiently(|| shared.journal.free_mark(model, expiry, used_at)).await?
    {
        // It is taken below or it is not: the journal decides.
        shared.forget_marks(model);
    }
    Ok(None)
}

/// Waits until this model may have one more task and one more create. `None`: nothing more is sent in this run.
async fn wait_for_turn<'m>(
    shared: &Shared,
    model: &'m ModelPace,
    slot: &str,
    mut turn: tokio::sync::MutexGuard<'m, Spare>,
) -> Result<Option<(tokio::sync::MutexGuard<'m, Spare>, u32)>, JournalError> {
    let clock = &shared.options.clock;
    loop {
        if !shared.stop.sends() {
            return Ok(None);
        }
        let now = clock.monotonic();
        let (not_before, ceiling, per_second) = {
            let pace = locked(&model.pace);
            (pace.not_before(), pace.ceiling(), pace.per_second(now))
        };
        if not_before > now {
            pause(shared, not_before - now).await;
            continue;
        }
        let freed = model.freed.notified();
        let slots = shared.patiently(|| shared.journal.slots(slot)).await?;
        if slots.running >= slots.ceiling.unwrap_or(u32::MAX).min(ceiling) {
            tokio::select! {
                () = freed => {}
                () = clock.sleep(LOOK_AGAIN) => {}
                () = shared.stop.closed() => {}
            }
            continue;
        }
        if turn.0 > 0 {
            turn.0 -= 1;
            return Ok(Some((turn, ceiling)));
        }
        // So many that they are used up within a fraction of a second, and no more than may run.
        let many = if per_second > MANY { (per_second / MANY).min(32.0) as u32 } else { 1 };
        let bucket = format!("create:{slot}");
        match shared.patiently(|| shared.journal.take_permit(&bucket, per_second, many)).await? {
            Permit::Ready(taken) => {
                turn.0 = taken.saturating_sub(1);
                return Ok(Some((turn, ceiling)));
            }
            Permit::At(at) => {
                let wait = u64::try_from(at.saturating_sub(clock.now())).unwrap_or(0).max(1);
                pause(shared, Duration::from_millis(wait)).await;
            }
        }
    }
}

/// Sleeps, unless nothing more is sent.
async fn pause(shared: &Shared, time: Duration) {
    tokio::select! {
        () = shared.options.clock.sleep(time) => {}
        () = shared.stop.closed() => {}
    }
}

fn attempt_of(shared: &Shared, job: &Job, search: &Unknown, at: UnixMillis) -> Attempt {
    let mut random = [0; 16];
    shared.options.random.fill(&mut random);
    Attempt {
        number: job.attempt.as_ref().map_or(0, |attempt| attempt.number) + 1,
        token: hex(&random),
        runner: shared.runner.clone(),
        at,
        search: serde_json::to_value(search).ok(),
        reserved: job.planned.estimate.clone().unwrap_or_default(),
        day: super::words::day(at),
        ..Attempt::default()
    }
}

/// The account's limits are counted per model, and apart for 4k.
pub(crate) fn slot_of(job: &Job) -> String {
    match job.planned.request.get("resolution").and_then(serde_json::Value::as_str) {
        Some("4k") => format!("{}@4k", job.model()),
        _ => job.model().to_owned(),
    }
}

/// The job as it is now; `None` where others moved it, so that it has to be read again.
fn moved(moved: Moved) -> Option<Job> {
    match moved {
        Moved::Done(job) => Some(job),
        Moved::Stale(_) => None,
    }
}

async fn accepted(
    shared: &Shared,
    model: &ModelPace,
    job: &Job,
    id: &str,
    at: UnixMillis,
) -> Result<Option<Job>, JournalError> {
    locked(&model.pace).accepted();
    let written = shared.patiently(|| shared.journal.submitted(job, id, Some(at))).await?;
    let now = match written {
        Moved::Done(job) => Some(job),
        // The answer of an earlier try at this very commit was lost.
        Moved::Stale(Some(job)) if job.task_id.as_deref() == Some(id) => Some(job),
        Moved::Stale(_) => {
            late(shared, job, id).await?;
            None
        }
    };
    if now.as_ref().is_some_and(|job| job.task_id.as_deref() == Some(id)) {
        let task_id = id.to_owned();
        shared.tell(Some(&job.key), EventKind::Submitted { task_id, found: false });
        shared.options.crash.reached(CrashPoint::AfterSubmitted);
    }
    Ok(now)
}

/// The row had moved on when the answer came: the id is never lost.
async fn late(shared: &Shared, job: &Job, id: &str) -> Result<(), JournalError> {
    let attempt = job.attempt.clone().unwrap_or_default();
    let kept =
        shared.patiently(|| shared.journal.late_answer(&job.key, attempt.number, &attempt.token, id)).await?;
    match kept {
        Late::Adopted(job) => {
            let task_id = id.to_owned();
            shared.tell(Some(&job.key), EventKind::Submitted { task_id, found: false });
        }
        Late::Already => {}
        Late::Extra => shared.tell(Some(&job.key), EventKind::Extra { task_id: id.to_owned() }),
    }
    Ok(())
}

async fn not_sent(shared: &Shared, job: &Job, reason: &str) -> Result<Option<Job>, JournalError> {
    let now = moved(shared.patiently(|| shared.journal.not_sent(job, reason)).await?);
    returned(shared, job);
    forget(job).await;
    shared.tell(Some(&job.key), EventKind::NotSent { reason: reason.to_owned() });
    Ok(now)
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

async fn failed(
    shared: &Shared,
    model: &ModelPace,
    job: &Job,
    prepared: &Prepared,
    error: Error,
    refusals: &mut u32,
) -> Result<Option<Job>, JournalError> {
    let reason = error.to_string();
    let refused = async || {
        let now = shared.patiently(|| shared.journal.refused(job, &reason)).await;
        forget(job).await;
        now
    };
    match error {
        // Not in the library's words: they advise a person to search for the task, which this run does.
        Error::OutcomeUnknown(lost) => {
            let reason = format!("it is unknown whether a task was created: {}", lost.reason);
            unknown(shared, job, &lost.search, &reason).await
        }
        Error::AcceptedWithoutId(lost) => {
            let reason =
                format!("the service accepted it ({}) without a readable id: {}", lost.status, lost.reason);
            unknown(shared, job, &lost.search, &reason).await
        }
        Error::NotSent(cause) if cause.cause.kind == SendErrorKind::Invalid => Ok(moved(refused().await?)),
        Error::NotSent(_) => {
            let now = not_sent(shared, job, &reason).await?;
            stuck(shared, model, &reason);
            let number = job.attempt.as_ref().map_or(1, |attempt| attempt.number);
            pause(shared, Backoff::default().pause(number, shared.jitter())).await;
            Ok(now)
        }
        Error::Refused(no) => match no.class {
            Refusal::Throttled => {
                let after = no.error.retry_after.map(|after| after.wait(shared.options.clock.now()));
                let now = shared.options.clock.monotonic();
                let what = TooMuch::of(no.error.code.as_str());
                let luck = shared.jitter();
                let (wait, ceiling) = {
                    let mut pace = locked(&model.pace);
                    pace.refused(now, what, after, luck);
                    (pace.not_before().saturating_sub(now), pace.ceiling())
                };
                let at = not_sent(shared, job, &reason).await?;
                stuck(shared, model, &reason);
                let model = job.model().to_owned();
                shared.tell(None, EventKind::Throttled { model, pause: wait, ceiling });
                Ok(at)
            }
            Refusal::Transient => {
                *refusals += 1;
                if *refusals >= TRIES {
                    return Ok(moved(refused().await?));
                }
                let now = not_sent(shared, job, &reason).await?;
                pause(shared, Backoff::default().pause(*refusals, shared.jitter())).await;
                Ok(now)
            }
            Refusal::Account | Refusal::Misrouted => {
                let cause = match no.class {
                    Refusal::Misrouted => StopCause::Misrouted,
                    _ => StopCause::Account,
                };
                shared.close(cause, &reason);
                not_sent(shared, job, &reason).await
            }
            _ => Ok(moved(refused().await?)),
        },
        // What our own code refused was not sent.
        Error::Request(_) | Error::Rejected(_) | Error::Config(_) => Ok(moved(refused().await?)),
        // A case that was added later is not known to be harmless.
        _ => {
            let search = shared.client.record(prepared);
            unknown(shared, job, &search, &reason).await
        }
    }
}

/// Ends the sending when no create of a model has got through for too long; what it is then, a person has to see.
fn stuck(shared: &Shared, model: &ModelPace, reason: &str) {
    let stuck = locked(&model.pace).stuck(shared.options.clock.monotonic());
    if stuck >= shared.options.stuck_for {
        let minutes = stuck.as_secs() / 60;
        shared.close(StopCause::Stuck, &format!("no create has got through for {minutes} minutes: {reason}"));
    }
}

async fn unknown(
    shared: &Shared,
    job: &Job,
    search: &Unknown,
    reason: &str,
) -> Result<Option<Job>, JournalError> {
    let search = serde_json::to_value(search).unwrap_or_default();
    let now = moved(shared.patiently(|| shared.journal.unknown(job, Some(search.clone()), reason)).await?);
    shared.tell(Some(&job.key), EventKind::Unknown { reason: reason.to_owned() });
    Ok(now)
}
