//! `generate`: everything that can be known is checked first, the request is sent once, and from then on the task's id
//! is in every message.

use std::path::Path;
use std::time::Duration;

use ark_video::model::{CreateTaskRequest, OutputFormat, Task};
use ark_video::{
    Attachments, CheckPolicy, Client, CreateOptions, Provenance, RetryOptions, Sidecar, TaskHandle, Unknown,
};
use serde_json::json;

use super::result::Saved;
use super::{dry_run, result};
use crate::api_failure;
use crate::args::GenerateArgs;
use crate::checking::{Checked, estimate_of};
use crate::cost;
use crate::destination::Destination;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::names::Names;
use crate::output::Form;
use crate::request::{self, Asked, Surroundings};
use crate::session::Session;
use crate::sidecar::{self, Memory, Stand};

/// The way past our checks.
const FORCE: &str = "if you know better, send it all the same with --force";

/// How long to wait for the answer to a create after Ctrl-C: leaving without it may leave a bill behind.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(session: &mut Session, args: &GenerateArgs) -> Result<(), Failure> {
    if session.flags.simulate && args.no_wait {
        return Err(Failure::new(
            Exit::Usage,
            "--no-wait leaves nothing behind with --simulate: the simulator ends with this command",
        )
        .hint("run `ark-video simulate` and point ARK_BASE_URL at it"));
    }
    let readers =
        request::wants_stdin(&args.request, args.input.as_deref()) + usize::from(session.key_from_stdin());
    let stdin = session.one_stdin(readers).await?;
    let settings = session.settings(&stdin)?;
    let catalog = session.catalog()?;
    let at = Surroundings {
        default_model: (&settings.model.value, &settings.model.by),
        cwd: &session.cwd,
        stdin: &stdin,
    };
    let asked = request::build(&args.request, args.input.as_deref(), &at)?;
    let checked = Checked::of_request(&asked, &catalog);
    let checked = if args.force { checked.demoted() } else { checked };
    let estimate = estimate_of(&asked, &catalog);
    let within = args.max_cost.as_ref().map_or(Ok(()), |most| cost::allows(most, &estimate));
    if args.dry_run {
        dry_run::show(session, &asked, &checked, &estimate)?;
        return checked.verdict(true, FORCE).and(within);
    }
    checked.warning_lines().for_each(|line| session.output.warn(line));
    checked.note_lines().for_each(|line| session.output.note(line));
    let fit = checked.verdict(false, FORCE).and(within);
    let Asked { request, names, files, facts, .. } = asked;
    let mut to = Destination::new(&args.save, ending(&request), &session.cwd);
    // A simulator's tasks end with it: there is nothing to go on with.
    to.sidecar &= !session.flags.simulate;
    if !to.resume {
        fit.clone()?;
    }
    if !args.no_wait && !args.no_download {
        to.check(None, request.return_last_frame == Some(true))?;
    }
    let mut memory = remembered(&to, &request, &files)?;
    let stand = memory.stand(&to).await?;
    if let Stand::Done(sidecar) = &stand {
        return done(session, sidecar, &to);
    }
    let mut connection = session.connect(&settings, catalog).await?;
    // Checked above, with every word of the user's own.
    let mut options = CreateOptions::new().attachments(files).facts(facts).check(CheckPolicy::Off);
    options.marks.tag = args.tag;
    if let Some(time) = args.retry {
        options = options.retry(RetryOptions::new().elapsed(time));
    }
    let handle = match stand {
        Stand::Submitted(id) => connection.client.task(id),
        Stand::Unknown(unknown) => {
            let shown = to.named().unwrap_or(Path::new(""));
            let id = sidecar::look_once(session, &connection.client, *unknown, shown).await?;
            memory.ended(session, Ok(&id));
            connection.client.task(id)
        }
        // What was sent by an earlier run is paid for, whatever the checks think of it now.
        _ => {
            fit?;
            create(session, &connection.client, &request, &options, &names, &mut memory).await?
        }
    };
    if args.no_wait {
        match session.output.form {
            Form::Json => session.output.json(&json!({ "id": handle.id() })),
            Form::Quiet | Form::Text => session.output.line(handle.id()),
        }
        return Ok(());
    }
    session.output.note(format_args!("task {} created", handle.id()));
    if let Some(running) = &mut connection.simulator {
        while let Ok(note) = running.notes.try_recv() {
            session.output.note(format_args!("simulator: {note}"));
        }
    }
    let options =
        result::patience(&args.patience, request.service_tier.as_ref(), connection.simulator.is_some());
    let task = result::wait_for(session, &handle, options)
        .await
        .map_err(|failure| simulated(api_failure::explained(failure, None, &names), session))?;
    for difference in ark_video::Asked::of(&request).differences(&task) {
        session.output.warn(format_args!(
            "{}: {}",
            task.id,
            crate::failure::printable(&difference.to_string())
        ));
    }
    if args.no_download {
        super::tasks::show(session, &task);
        return Ok(());
    }
    let mut saved =
        result::save(session, &handle, &task, &to).await.map_err(|failure| simulated(failure, session))?;
    result::tell(session, &task, &saved);
    saved.trouble.take().map_or(Ok(()), Err)
}

/// What is remembered beside the video.
fn remembered(to: &Destination, request: &CreateTaskRequest, files: &Attachments) -> Result<Memory, Failure> {
    if !to.sidecar || to.named().is_none() {
        return Ok(Memory::new(to, None));
    }
    let provenance = Provenance::of(request, files).map_err(|error| {
        let why = crate::media::reason(&error);
        Failure::new(Exit::Input, format!("a file of the request cannot be read: {why}"))
            .hint("nothing was sent")
    })?;
    Ok(Memory::new(to, Some(provenance)))
}

/// An earlier run did all of it.
fn done(session: &Session, sidecar: &Sidecar, to: &Destination) -> Result<(), Failure> {
    let task = sidecar.task.clone().and_then(|task| serde_json::from_value::<Task>(task).ok());
    let (Some(task), Some(file)) = (task, &sidecar.file) else {
        return Err(Failure::new(Exit::Output, "the file beside the video does not tell what is in it"));
    };
    if !to.resume {
        // Found with --resume only; otherwise the name is taken, and the check before has said so.
        return Err(Failure::new(Exit::Output, format!("{} exists already", file.name)));
    }
    session.output.note(format_args!("{} is here already, whole: nothing was sent", file.name));
    let video = to.video(&task.id);
    let frames = ["png", "jpeg"].map(|ending| crate::destination::beside(&video, ending));
    let last_frame = frames.into_iter().find(|path| to.real(path).is_file());
    result::tell(session, &task, &Saved { video, bytes: file.bytes, last_frame, trouble: None });
    Ok(())
}

/// Sends once. Ctrl-C waits for the answer a little: only the answer tells whether there is something to pay for.
async fn create(
    session: &mut Session,
    client: &Client,
    request: &CreateTaskRequest,
    options: &CreateOptions,
    names: &Names,
    memory: &mut Memory,
) -> Result<TaskHandle, Failure> {
    let again = session.again();
    let prepared = client.prepare(request, options);
    let record = client.record(&prepared);
    memory.submitting(record.clone())?;
    let creating = client.create_prepared(&prepared);
    tokio::pin!(creating);
    let early = tokio::select! {
        created = &mut creating => Some(created),
        () = session.interrupts.next() => None,
    };
    let interrupted = early.is_none();
    let created = match early {
        Some(created) => created,
        None => {
            session.output.warn(format_args!(
                "the request is on its way and may be billed; waiting up to {} s for its answer (Ctrl-C again leaves at once)",
                LAST_PATIENCE.as_secs()
            ));
            tokio::select! {
                created = &mut creating => created,
                () = session.interrupts.next() => return Err(memory.hint(unknown(&record, &again), &again)),
                () = tokio::time::sleep(LAST_PATIENCE) => return Err(memory.hint(unknown(&record, &again), &again)),
            }
        }
    };
    memory.ended(session, created.as_ref().map(TaskHandle::id));
    let handle = created.map_err(|error| memory.hint(api_failure::named(&error, &again, names), &again))?;
    if interrupted { Err(result::stopped(handle.id(), &again)) } else { Ok(handle) }
}

/// Gone before the answer came.
fn unknown(record: &Unknown, again: &str) -> Failure {
    let message = "Nobody knows whether the task was created: the command was stopped before the answer came. It may exist \
                   and may be billed, so do not just send it again.";
    Failure::new(Exit::OutcomeUnknown, message).reconcile(Some(record)).hint(format!(
        "look for it: {again} reconcile --since 10m --model {}",
        crate::session::quoted(&record.model)
    ))
}

/// What to do next does not exist for a simulator that ends with the command.
fn simulated(mut failure: Failure, session: &Session) -> Failure {
    if session.flags.simulate {
        failure.hints.clear();
    }
    failure
}

fn ending(request: &CreateTaskRequest) -> &'static str {
    if request.output_format == Some(OutputFormat::Mov) { "mov" } else { "mp4" }
}
