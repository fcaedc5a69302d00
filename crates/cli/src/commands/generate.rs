//! `generate`: checks everything first, sends the request once, and names the task id in every
//! later message.

use std::path::Path;
use std::time::Duration;

use ark_video::model::{CreateTaskRequest, OutputFormat, Task};
use ark_video::{
    Attachments, CheckPolicy, Client, CorrelationOptions, Create, RetryOptions, TaskHandle, UnresolvedCreate,
    create::Prepared,
    provenance::{InputFiles, Provenance, Sidecar, intent_hash},
};
use serde_json::json;

use super::result::{Origin, Saved};
use super::{dry_run, reconcile, result};
use crate::api_failure;
use crate::args::GenerateArgs;
use crate::checking::{Checked, estimate_of};
use crate::cost;
use crate::destination::Destination;
use crate::escape::one_line;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::names::Names;
use crate::output::Form;
use crate::records::Store;
use crate::request::{self, RequestContext, RequestInput};
use crate::session::{Session, quoted};
use crate::sidecar::{Memory, Remembered, RunState};

/// The hint that skips the checks.
const FORCE: &str = "to send it anyway: --force";

/// How long to wait for the response to a create after Ctrl-C: without it a bill may go unnoticed.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn run(session: &mut Session, args: &GenerateArgs) -> Result<(), Failure> {
    if session.flags.simulate && args.no_wait {
        return Err(Failure::new(
            Exit::Usage,
            "--no-wait has no effect with --simulate: the simulator ends with this command",
        )
        .hint("run `ark-video simulate` and set ARK_BASE_URL to it"));
    }
    let readers =
        request::wants_stdin(&args.request, args.input.as_deref()) + usize::from(session.key_from_stdin());
    let stdin = session.one_stdin(readers).await?;
    let settings = session.settings(&stdin)?;
    let catalog = session.catalog()?;
    let models = session.model_names(&catalog);
    let at = RequestContext {
        default_model: (&settings.model.value, &settings.model.by),
        models: &models,
        cwd: &session.cwd,
        stdin: &stdin,
    };
    let asked = Checked::request(request::build(&args.request, args.input.as_deref(), &at), &catalog)?;
    let checked = Checked::of_request(&asked, &catalog);
    let checked = if args.force { checked.demoted() } else { checked };
    let estimate = estimate_of(&asked, &catalog);
    let within = args.max_cost.as_ref().map_or(Ok(()), |most| cost::allows(most, &estimate));
    if args.dry_run {
        dry_run::show(session, &asked, &checked, &estimate)?;
        return checked.verdict(session.output.form != Form::Quiet, FORCE).and(within);
    }
    checked.warning_lines().for_each(|line| session.output.warn(line));
    checked.note_lines().for_each(|line| session.output.note(line));
    let fit = checked.verdict(false, FORCE).and(within);
    let RequestInput { request, names, files, facts, .. } = asked;
    let mut to = Destination::new(&args.save, ending(&request), &session.cwd);
    to.inputs = inputs(args, &files, &session.cwd);
    let saves = !args.no_wait && !args.no_download;
    if !to.resume {
        fit.clone()?;
    }
    if saves {
        to.check(None, request.return_last_frame == Some(true))?;
    }
    let (mut memory, stand) =
        remembered(session, &to, &request, &files, &settings.base_url.value, saves).await?;
    if let RunState::Done { sidecar, video } = &stand {
        return done(session, sidecar, video, &to);
    }
    let is_new = matches!(stand, RunState::New);
    if is_new && saves {
        to.check_new(request.return_last_frame == Some(true), memory.origin().1)?;
    }
    let mut connection = session.connect(&settings, catalog).await?;
    // Already checked above, with the user's flags as locations.
    let marks = if args.no_marks { CorrelationOptions::none() } else { CorrelationOptions::new() };
    let mut unsent = connection.client.create(&request).files(files).facts(facts);
    unsent = unsent.check(CheckPolicy::Off).correlate(marks.tag(args.tag));
    if let Some(time) = args.retry {
        unsent = unsent.retry(RetryOptions::new().elapsed(time));
    }
    let handle = match stand {
        RunState::Submitted(id) => connection.client.task(id),
        RunState::Unknown(unknown) => {
            let name = memory.searchable().unwrap_or_default();
            let id = reconcile::once(session, &connection.client, *unknown, &name).await?;
            memory.ended(session, Ok(&id));
            connection.client.task(id)
        }
        // A task of an earlier run is billed, whatever the checks report now.
        _ => {
            fit?;
            create(session, &connection.client, &request, unsent, &names, &mut memory)
                .await
                .map_err(|failure| resumable(failure, args, session))?
        }
    };
    if args.no_wait {
        match session.output.form {
            Form::Json => session.output.json(&json!({ "id": handle.id() })),
            Form::Quiet | Form::Text => session.output.id(handle.id()),
        }
        return Ok(());
    }
    if is_new {
        session.output.note(format_args!("task {} created", one_line(handle.id())));
    }
    if let Some(running) = &mut connection.simulator {
        while let Ok(note) = running.notes.try_recv() {
            session.output.note(format_args!("simulator: {note}"));
        }
    }
    let options =
        result::wait_options(&args.timing, request.service_tier.as_ref(), connection.simulator.is_some());
    let task = result::wait_for(session, &handle, options).await.map_err(|failure| {
        resumable(simulated(api_failure::explained(failure, None, &names), session), args, session)
    })?;
    for difference in ark_video::reconcile::RequestedSettings::from_request(&request).differences(&task) {
        session.output.warn(format_args!("{}: {}", task.id, one_line(&difference.to_string())));
    }
    if args.no_download {
        super::tasks::show(session, &task);
        return Ok(());
    }
    let (provenance, intent) = memory.origin();
    let origin = Origin { provenance, intent, simulated: session.flags.simulate };
    let mut saved = result::save(session, &handle, &task, &to, origin)
        .await
        .map_err(|failure| resumable(simulated(failure, session), args, session))?;
    if let Some(file) = saved.file.take() {
        memory.saved(session, &task, &to.real(&saved.video), file);
    }
    result::report(session, &task, &saved);
    saved.trouble.take().map_or(Ok(()), Err)
}

/// The records of this create, and the state of an earlier run.
async fn remembered(
    session: &mut Session,
    to: &Destination,
    request: &CreateTaskRequest,
    files: &Attachments,
    base_url: &str,
    saves: bool,
) -> Result<(Memory, RunState), Failure> {
    let unreadable = |error: std::io::Error| {
        let why = crate::media::reason(&error);
        Failure::new(Exit::Input, format!("cannot read a file of the request: {why}"))
            .hint("nothing was sent")
    };
    let hash = intent_hash(request, files).map_err(unreadable)?;
    let provenance = Provenance::of(request, files).map_err(unreadable)?;
    if session.flags.simulate {
        // The simulator ends with this command: its tasks cannot be resumed.
        return Ok((Memory::of_simulation(provenance, hash), RunState::New));
    }
    let store = Store::open(&session.env, &session.cwd);
    let of = Remembered { to, hash, provenance, base_url: base_url.to_owned(), store, saves };
    Memory::open(session, of).await
}

/// Local input files: none of them may be overwritten.
fn inputs(args: &GenerateArgs, files: &Attachments, cwd: &Path) -> InputFiles {
    let texts = [&args.request.prompt, &args.request.extra_body].into_iter().flatten();
    let texts = texts.filter_map(|text| text.strip_prefix('@')).filter(|name| *name != "-");
    let request = args.input.as_deref().filter(|input| request::is_json(input) && *input != "-");
    let named = texts.chain(request).map(|name| cwd.join(name));
    named.chain(files.names().map(|name| cwd.join(name))).collect()
}

/// An earlier run has finished it.
fn done(session: &Session, sidecar: &Sidecar, video: &Path, to: &Destination) -> Result<(), Failure> {
    let task = sidecar.task.clone().and_then(|task| serde_json::from_value::<Task>(task).ok());
    let (Some(task), Some(file)) = (task, &sidecar.file) else {
        return Err(Failure::new(Exit::Output, "the record of the video is incomplete"));
    };
    if !to.resume {
        // Reached only with --resume; otherwise the check before has reported the existing file.
        return Err(Failure::new(Exit::Output, format!("{} already exists", video.display())));
    }
    session.output.note(format_args!("{} is already complete; nothing was sent", video.display()));
    let frames = ["png", "jpeg"].map(|ending| crate::destination::beside(video, ending));
    let last_frame = frames.into_iter().find(|path| to.real(path).is_file());
    let saved = Saved { video: video.to_owned(), bytes: file.bytes, file: None, last_frame, trouble: None };
    result::report(session, &task, &saved);
    Ok(())
}

/// Sends once. After Ctrl-C it waits briefly for the response, which shows whether a task was
/// created.
async fn create(
    session: &mut Session,
    client: &Client,
    request: &CreateTaskRequest,
    unsent: Create,
    names: &Names,
    memory: &mut Memory,
) -> Result<TaskHandle, Failure> {
    let again = session.again();
    let prepared = marked(client, request, unsent, memory);
    let record = prepared.record();
    memory.prepared()?;
    let search = {
        let prepared = prepared.clone();
        move || prepared.record()
    };
    let mut creating = prepared.before_first_byte(memory.when_sent(search)).into_future();
    let early = tokio::select! {
        created = &mut creating => Some(created),
        () = session.interrupts.next() => None,
    };
    let interrupted = early.is_none();
    let created = match early {
        Some(created) => created,
        None => {
            session.output.warn(format_args!(
                "the request was sent and may be billed; waiting up to {} s for the response (Ctrl-C again exits at once)",
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

/// The request with correlation marks that no other create of this user has.
fn marked(client: &Client, request: &CreateTaskRequest, unsent: Create, memory: &Memory) -> Prepared {
    let Some(store) = memory.store() else { return unsent.prepare() };
    let base_url = client.base_url().to_string();
    loop {
        let in_use = store.marks_in_use(&base_url, &request.model, client.now());
        let prepared = unsent.clone().in_use(in_use).prepare();
        let free = |expiry| store.claim_mark(&base_url, &request.model, expiry);
        // Another command may have taken it meanwhile: then it is among those in use.
        if prepared.marks().expiry.is_none_or(free) {
            return prepared;
        }
    }
}

/// Interrupted before the response.
fn unknown(record: &UnresolvedCreate, again: &str) -> Failure {
    let message = "It is unknown whether the task was created: the command was interrupted before the response. It may exist \
                   and may be billed; do not send it again before searching for it.";
    Failure::new(Exit::OutcomeUnknown, message)
        .reconcile(Some(record))
        .hint(format!("search for the task: {again} reconcile --since 10m --model {}", quoted(&record.model)))
}

/// Hints are dropped for a simulator that ends with the command.
fn simulated(mut failure: Failure, session: &Session) -> Failure {
    if session.flags.simulate {
        failure.hints.clear();
    }
    failure
}

/// After an interrupt the same command continues; the prompt is not repeated here.
fn resumable(mut failure: Failure, args: &GenerateArgs, session: &Session) -> Failure {
    if failure.exit == Exit::Interrupted && !args.no_wait && !session.flags.simulate {
        let path = |path: &Path| quoted(&path.display().to_string());
        let to = match (&args.save.output, &args.save.output_dir) {
            (Some(file), _) => format!(" -o {}", path(file)),
            (None, Some(folder)) => format!(" --output-dir {}", path(folder)),
            (None, None) => String::new(),
        };
        let hint = format!("continue with the same command: {} generate …{to} --resume", session.again());
        failure.hints.insert(0, hint);
    }
    failure
}

fn ending(request: &CreateTaskRequest) -> &'static str {
    if request.output_format == Some(OutputFormat::Mov) { "mov" } else { "mp4" }
}
