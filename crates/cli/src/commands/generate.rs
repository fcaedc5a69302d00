//! `generate`: everything that can be known is checked first, the request is sent once, and from then on the task's id
//! is in every message.

use std::time::Duration;

use ark_video::model::{ContentItem, CreateTaskRequest, OutputFormat};
use ark_video::{Client, TaskHandle};
use serde_json::json;

use super::result;
use crate::api_failure;
use crate::args::GenerateArgs;
use crate::destination::Destination;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Form;
use crate::request;
use crate::session::Session;

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
    let readers = request::wants_stdin(args) + usize::from(session.key_from_stdin());
    if readers > 1 {
        return Err(Failure::new(
            Exit::Usage,
            "standard input can be read only once, but several flags ask for it",
        ));
    }
    let stdin = if readers == 1 { session.read_stdin().await? } else { Vec::new() };
    let settings = session.settings(&stdin)?;
    let request = request::build(args, &settings.model.value, &session.cwd, &stdin)?;
    let body = request::body(&request)?;
    if args.dry_run {
        show_body(session, &request, &body);
        return Ok(());
    }
    let to = Destination::new(&args.save, ending(&request), &session.cwd);
    if !args.no_wait && !args.no_download {
        to.check(None, request.return_last_frame == Some(true))?;
    }
    let mut connection = session.connect(&settings).await?;
    let handle = create(session, &connection.client, &request).await?;
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
    let task =
        result::wait_for(session, &handle, options).await.map_err(|failure| simulated(failure, session))?;
    if args.no_download {
        super::tasks::show(session, &task);
        return Ok(());
    }
    let mut saved =
        result::save(session, &handle, &task, &to).await.map_err(|failure| simulated(failure, session))?;
    result::tell(session, &task, &saved);
    saved.trouble.take().map_or(Ok(()), Err)
}

/// Sends once. Ctrl-C waits for the answer a little: only the answer tells whether there is something to pay for.
async fn create(
    session: &mut Session,
    client: &Client,
    request: &CreateTaskRequest,
) -> Result<TaskHandle, Failure> {
    let again = session.again();
    let creating = client.create(request);
    tokio::pin!(creating);
    let early = tokio::select! {
        created = &mut creating => Some(created),
        () = session.interrupts.next() => None,
    };
    if let Some(created) = early {
        return created.map_err(|error| api_failure::of(&error, &again));
    }
    session.output.warn(format_args!(
        "the request is on its way and may be billed; waiting up to {} s for its answer (Ctrl-C again leaves at once)",
        LAST_PATIENCE.as_secs()
    ));
    let created = tokio::select! {
        created = &mut creating => created.map_err(|error| api_failure::of(&error, &again))?,
        () = session.interrupts.next() => return Err(unknown(request, &again)),
        () = tokio::time::sleep(LAST_PATIENCE) => return Err(unknown(request, &again)),
    };
    Err(result::stopped(created.id(), &again))
}

/// Gone before the answer came.
fn unknown(request: &CreateTaskRequest, again: &str) -> Failure {
    let message = "Nobody knows whether the task was created: the command was stopped before the answer came. It may exist \
                   and may be billed, so do not just send it again.";
    Failure::new(Exit::OutcomeUnknown, message).hint(format!(
        "look for it: {again} list --model {} --limit 100",
        crate::session::quoted(&request.model)
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

/// Machines get the bytes that would be sent; people get them readable, with the media cut short.
fn show_body(session: &Session, request: &CreateTaskRequest, body: &str) {
    if session.output.form != Form::Text {
        session.output.line(body);
        return;
    }
    let mut shown = request.clone();
    for item in &mut shown.content {
        match item {
            ContentItem::Image(image) => shorten(&mut image.image_url.url),
            ContentItem::Audio(audio) => shorten(&mut audio.audio_url.url),
            ContentItem::Video(video) => shorten(&mut video.video_url.url),
            _ => {}
        }
    }
    let text = serde_json::to_string_pretty(&shown).unwrap_or_else(|_| body.to_owned());
    session.output.line(text);
    session.output.note(format_args!("{} bytes, not sent", body.len()));
}

fn shorten(url: &mut String) {
    if let Some((head, data)) = url.split_once(";base64,")
        && data.len() > 64
    {
        *url = format!("{head};base64,… ({} characters)", data.len());
    }
}
