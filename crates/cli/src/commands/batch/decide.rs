//! What a person decides about a batch: pausing it, giving up or bringing back shots, approving drafts, settling doubt.

use ark_video_batch::{Job, Moved, Resolve, State};
use serde_json::json;

use super::journal::{self, Opened, each, must_exist, of_journal};
use crate::api_failure;
use crate::args::{BatchApproveArgs, BatchCancelArgs, BatchOf, BatchResolveArgs, BatchRetryArgs, RetryState};
use crate::exit::Exit;
use crate::failure::{Failure, printable};
use crate::output::Form;
use crate::session::Session;

pub(super) async fn pause(session: &Session, of: &BatchOf) -> Result<(), Failure> {
    let opened = journal::open(session, of).await?;
    let reason = "somebody asked for it with `batch pause`";
    let changed = opened.journal.pause(&opened.batch, reason).await.map_err(of_journal)?;
    let text = if changed { "is paused: nothing more of it is sent" } else { "was paused already" };
    told(session, &opened, text, json!({ "paused": true }));
    session.output.note("what runs at the service goes on, and a running `batch run` still fetches it");
    Ok(())
}

pub(super) async fn resume(session: &Session, of: &BatchOf) -> Result<(), Failure> {
    let opened = journal::open(session, of).await?;
    let changed = opened.journal.resume(&opened.batch).await.map_err(of_journal)?;
    let text = if changed { "goes on: start `batch run` if none is running" } else { "was not paused" };
    told(session, &opened, text, json!({ "paused": false }));
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
        let reason = "somebody gave it up with `batch cancel`; it was not sent";
        if let Moved::Done(job) = opened.journal.drop_job(&job, reason).await.map_err(of_journal)? {
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
        "{} given up unsent, {} taken out of the service's queue, {running} left alone because they are sent",
        dropped.len(),
        cancelled.len()
    );
    told(session, &opened, &text, json!({ "dropped": dropped, "cancelled": cancelled, "left": running }));
    Ok(())
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
        let why = "somebody asked for it again with `batch retry`";
        if let Moved::Done(job) = opened.journal.reopen(&job, why).await.map_err(of_journal)? {
            back.push(job.planned.name);
        }
        Ok::<_, Failure>(())
    })
    .await?;
    let text =
        format!("{} will be sent again, each a new bill if it succeeds; start `batch run`", back.len());
    told(session, &opened, &text, json!({ "retried": back }));
    Ok(())
}

pub(super) async fn approve(session: &Session, args: &BatchApproveArgs) -> Result<(), Failure> {
    let opened = journal::open(session, &args.of).await?;
    must_exist(&opened, &args.shots).await?;
    let mut reopened = Vec::new();
    for name in &args.shots {
        let approved = opened.journal.approve(&opened.batch, name).await.map_err(of_journal)?;
        reopened.extend(approved.reopened);
    }
    let text = format!("{} approved, {} shots may go on", args.shots.len(), reopened.len());
    told(session, &opened, &text, json!({ "approved": args.shots, "reopened": reopened }));
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
        return Err(Failure::new(
            Exit::Usage,
            format!("{} is not held: there is nothing to decide about it", args.shot),
        ));
    };
    let verdict = match &args.adopt {
        Some(id) => Resolve::Adopt(id.clone()),
        None if args.resend => Resolve::Resend,
        None => Resolve::NotCreated,
    };
    match opened.journal.resolve(&job, &verdict).await.map_err(of_journal)? {
        Moved::Done(job) => {
            let text = format!("{} is {} now; start `batch run`", job.planned.name, job.state);
            told(session, &opened, &text, json!({ "shot": job.planned.name, "state": job.state }));
            Ok(())
        }
        Moved::Stale(_) => Err(Failure::new(
            Exit::Usage,
            format!("{} moved on in the meantime; look again with `batch status`", args.shot),
        )),
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

fn told(session: &Session, opened: &Opened, text: &str, mut facts: serde_json::Value) {
    match session.output.form {
        Form::Json => {
            facts["batch"] = json!(opened.batch);
            session.output.json(&facts);
        }
        Form::Quiet => {}
        Form::Text => session.output.line(printable(&format!("{}: {text}", opened.batch))),
    }
}
