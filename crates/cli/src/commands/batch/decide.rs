//! A user's decisions about a batch: pause, resume, cancel, retry, approve, assign and resolve.

use ark_video_batch::{AssignError, CasOutcome, Job, Reasons, Resolve, State};
use serde::Serialize;

use super::journal::{self, Opened, each, must_exist, of_journal};
use crate::api_failure;
use crate::args::{
    BatchApproveArgs, BatchAssignArgs, BatchCancelArgs, BatchOf, BatchResolveArgs, BatchRetryArgs, RetryState,
};
use crate::escape::one_line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{Approved, Cancelled, Decided, Paused, Retried};
use crate::output::Form;
use crate::session::Session;

pub(super) async fn pause(session: &Session, of: &BatchOf) -> Result<(), Failure> {
    let opened = journal::open(session, of).await?;
    let reason = "paused with `batch pause`";
    let changed = opened.journal.pause(&opened.batch, reason).await.map_err(of_journal)?;
    let text = if changed { "is paused: nothing more is sent" } else { "was already paused" };
    report(session, &opened, text, &Paused { batch: &opened.batch, paused: true });
    session.output.note("tasks in progress continue, and a running `batch run` still fetches them");
    Ok(())
}

pub(super) async fn resume(session: &Session, of: &BatchOf) -> Result<(), Failure> {
    let opened = journal::open(session, of).await?;
    let changed = opened.journal.resume(&opened.batch).await.map_err(of_journal)?;
    let text = if changed { "is resumed: start `batch run` if none is running" } else { "was not paused" };
    report(session, &opened, text, &Paused { batch: &opened.batch, paused: false });
    Ok(())
}

pub(super) async fn cancel(session: &mut Session, args: &BatchCancelArgs) -> Result<(), Failure> {
    let client = if args.queued { Some(session.client().await?) } else { None };
    let opened = journal::open(session, &args.which.of).await?;
    must_exist(&opened, &args.which.shots).await?;
    let unsent = [State::Intent, State::NeedsApproval, State::OverBudget, State::Rejected];
    let (mut dropped, mut cancelled, mut running) = (Vec::new(), Vec::new(), 0_u64);
    let shots = &args.which.shots;
    each(&opened, &unsent, shots, async |job| {
        let reason = "cancelled with `batch cancel`; it was not sent";
        if let CasOutcome::Done(job) = opened.journal.drop_job(&job, reason).await.map_err(of_journal)? {
            dropped.push(job.planned.name);
        }
        Ok::<_, Failure>(())
    })
    .await?;
    each(&opened, &[State::Submitted], shots, async |job| {
        let (Some(client), Some(id)) = (&client, &job.task_id) else {
            running += 1;
            return Ok(());
        };
        match client.cancel(id).await {
            Ok(()) => cancelled.push(job.planned.name),
            Err(ark_video::Error::NotPossible(_)) => running += 1,
            Err(error) => return Err(api_failure::of(&error, &session.again())),
        }
        Ok::<_, Failure>(())
    })
    .await?;
    let text = format!(
        "{} cancelled before sending, {} cancelled in the service's queue, {running} not cancelled because already sent",
        dropped.len(),
        cancelled.len()
    );
    let done = Cancelled { batch: &opened.batch, dropped: &dropped, cancelled: &cancelled, left: running };
    report(session, &opened, &text, &done);
    let mut left = Vec::new();
    each(&opened, &[], shots, async |job| {
        let given_up = dropped.contains(&job.planned.name) || cancelled.contains(&job.planned.name);
        if !given_up && !job.superseded && job.state != State::Dropped && !shots.is_empty() {
            let state = job.state.as_str().replace('_', " ");
            let name = job.planned.name;
            left.push(format!("{name} is {state}: only shots that were not sent can be cancelled"));
        }
        Ok::<_, Failure>(())
    })
    .await?;
    refused(&left)
}

/// Shots that were requested by name and could not be changed: an error, for scripts.
fn refused(left: &[String]) -> Result<(), Failure> {
    if left.is_empty() { Ok(()) } else { Err(Failure::new(Exit::Usage, left.join("\n"))) }
}

pub(super) async fn retry(session: &Session, args: &BatchRetryArgs) -> Result<(), Failure> {
    let opened = journal::open(session, &args.which.of).await?;
    must_exist(&opened, &args.which.shots).await?;
    let states: Vec<State> = if args.only.is_empty() {
        vec![State::Failed, State::Rejected]
    } else {
        args.only.iter().map(|state| state_of(*state)).collect()
    };
    let mut back = Vec::new();
    each(&opened, &states, &args.which.shots, async |job| {
        if job.superseded {
            return Ok(());
        }
        let why = "retried with `batch retry`";
        if let CasOutcome::Done(job) = opened.journal.reopen(&job, why).await.map_err(of_journal)? {
            back.push(job.planned.name);
        }
        Ok::<_, Failure>(())
    })
    .await?;
    let mut left = Vec::new();
    let reasons = Reasons::read(&opened.journal, &opened.batch).await.map_err(of_journal)?;
    each(&opened, &[], &args.which.shots, async |job| {
        if !job.superseded && !back.contains(&job.planned.name) && !args.which.shots.is_empty() {
            left.push(instead(&job, &reasons));
        }
        Ok::<_, Failure>(())
    })
    .await?;
    let text = match back.len() {
        0 => "no shot is retried".to_owned(),
        1 => "1 shot will be sent again and billed again if it succeeds; start `batch run`".to_owned(),
        many => {
            format!("{many} shots will be sent again, each billed again if it succeeds; start `batch run`")
        }
    };
    report(session, &opened, &text, &Retried { batch: &opened.batch, retried: &back });
    refused(&left)
}

/// What to do instead of a retry.
fn instead(job: &Job, reasons: &Reasons) -> String {
    let why = reasons.of(job).map(|why| format!(": {why}")).unwrap_or_default();
    let next = match job.state {
        State::Intent => "start `batch run`",
        State::Submitting | State::Unknown | State::Submitted | State::Downloaded => {
            "start `batch run`, which continues it"
        }
        State::Finished => "free its output path and start `batch run`; a retry would be billed again",
        State::Held => "decide with `batch assign` or `batch resolve`",
        State::NeedsApproval => "use `batch approve`",
        State::OverBudget => "start `batch run` with a higher --cap",
        State::Settled => "its video is saved; change the shot to make another one",
        _ => "add its state with --only",
    };
    let state = job.state.as_str().replace('_', " ");
    one_line(&format!("{} is {state} and not retried{why}; {next}", job.planned.name))
}

pub(super) async fn approve(session: &Session, args: &BatchApproveArgs) -> Result<(), Failure> {
    let opened = journal::open(session, &args.of).await?;
    must_exist(&opened, &args.shots).await?;
    for name in &args.shots {
        let mut is_needed = false;
        each(&opened, &[], &[], async |job| {
            let follows = job.planned.after.as_ref().is_some_and(|after| after.approve && after.job == *name);
            is_needed |= follows && !job.superseded && job.state != State::Dropped;
            Ok::<_, Failure>(())
        })
        .await?;
        if !is_needed {
            return Err(Failure::new(
                Exit::Usage,
                format!("{name} needs no approval: no shot of batch {} waits for it", opened.batch),
            )
            .hint("`batch status` shows why each shot is not finished"));
        }
    }
    let mut reopened = Vec::new();
    for name in &args.shots {
        let approved = opened.journal.approve(&opened.batch, name).await.map_err(of_journal)?;
        reopened.extend(approved.reopened);
    }
    let go_on = match reopened.len() {
        1 => "1 shot is released".to_owned(),
        many => format!("{many} shots are released"),
    };
    let text = format!("{} approved, {go_on}", args.shots.len());
    let done = Approved { batch: &opened.batch, approved: &args.shots, reopened: &reopened };
    report(session, &opened, &text, &done);
    Ok(())
}

pub(super) async fn resolve(session: &Session, args: &BatchResolveArgs) -> Result<(), Failure> {
    let opened = journal::open(session, &args.of).await?;
    must_exist(&opened, std::slice::from_ref(&args.shot)).await?;
    let mut held: Option<Job> = None;
    each(&opened, &[State::Held, State::Unknown], std::slice::from_ref(&args.shot), async |job| {
        held = Some(job);
        Ok::<_, Failure>(())
    })
    .await?;
    let Some(job) = held else {
        return Err(Failure::new(Exit::Usage, format!("{} is not held: no decision is needed", args.shot)));
    };
    let verdict = match &args.adopt {
        Some(id) => Resolve::Adopt(id.clone()),
        None if args.resend => Resolve::Resend,
        None => Resolve::NotCreated,
    };
    match opened.journal.resolve(&job, &verdict).await.map_err(of_journal)? {
        CasOutcome::Done(job) => {
            let text = format!("{} is {} now; start `batch run`", job.planned.name, job.state);
            let (shot, state) = (job.planned.name.as_str(), job.state);
            let decided = Decided { batch: &opened.batch, shot, state, task_id: None, path: None };
            report(session, &opened, &text, &decided);
            Ok(())
        }
        CasOutcome::Conflict(_) => Err(Failure::new(
            Exit::Usage,
            format!("{} has changed in the meantime; see `batch status`", args.shot),
        )),
    }
}

pub(super) async fn assign(session: &Session, args: &BatchAssignArgs) -> Result<(), Failure> {
    let of = BatchOf { list: Some(args.list.clone()), journal: args.journal.clone() };
    let opened = journal::open(session, &of).await?;
    must_exist(&opened, std::slice::from_ref(&args.shot)).await?;
    let mut held: Option<Job> = None;
    each(&opened, &[State::Held], std::slice::from_ref(&args.shot), async |job| {
        held = Some(job);
        Ok::<_, Failure>(())
    })
    .await?;
    let Some(job) = held else {
        let message = format!("{} is not held: it has no task to assign", args.shot);
        return Err(Failure::new(Exit::Usage, message).hint("see `batch status`"));
    };
    let task_id = task_of(session, &args.task)?;
    let catalog = session.catalog()?;
    match ark_video_batch::assign(&opened.journal, &job, &task_id, &catalog).await {
        Ok(done) => {
            let name = &done.job.planned.name;
            let text = match &done.file {
                Some(file) => format!("{name} has task {task_id}; its video is {}", file.path.display()),
                None => format!("{name} has task {task_id}; start `batch run` to fetch its video"),
            };
            let decided = Decided {
                batch: &opened.batch,
                shot: name,
                state: done.job.state,
                task_id: Some(&task_id),
                path: done.file.as_ref().map(|file| file.path.as_path()),
            };
            report(session, &opened, &text, &decided);
            Ok(())
        }
        Err(AssignError::Journal(error)) => Err(of_journal(error)),
        Err(AssignError::Destination(reason)) => Err(Failure::new(Exit::Output, reason)),
        Err(error) => Err(Failure::new(Exit::Usage, format!("{}: {error}", args.shot))
            .hint("`ark-video batch resolve --adopt ID` assigns any task to a shot")),
    }
}

/// The task id: as given, or from the sidecar of its video.
fn task_of(session: &Session, task: &str) -> Result<String, Failure> {
    let path = session.cwd.join(task.strip_suffix(ark_video::provenance::SIDECAR_ENDING).unwrap_or(task));
    if !path.is_file() {
        return crate::args::task_id(task).map_err(|why| {
            Failure::new(Exit::Usage, format!("{task} is neither a video nor a task id: {why}"))
        });
    }
    let unreadable = |why: &str| {
        Failure::new(Exit::Input, format!("the sidecar of {task} {why}, so its task is unknown"))
            .hint("give the task id instead of the file")
    };
    match ark_video_batch::task_of(&path) {
        Ok(Some(id)) => Ok(id),
        Ok(None) => Err(unreadable("is missing or has no task id")),
        Err(error) => Err(unreadable(&format!("cannot be read ({})", crate::media::reason(&error)))),
    }
}

fn state_of(state: RetryState) -> State {
    match state {
        RetryState::Failed => State::Failed,
        RetryState::Rejected => State::Rejected,
        RetryState::Gone => State::Gone,
        RetryState::Dropped => State::Dropped,
    }
}

fn report(session: &Session, opened: &Opened, text: &str, facts: &impl Serialize) {
    match session.output.form {
        Form::Json => session.output.json(facts),
        Form::Quiet => {}
        Form::Text => session.output.line(one_line(&format!("{}: {text}", opened.batch))),
    }
}
