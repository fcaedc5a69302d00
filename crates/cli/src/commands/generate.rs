//! `generate`: checks everything first, sends each request once, and names the task id in every
//! later message.

use std::path::{Path, PathBuf};

use ark_video::model::{CreateTaskRequest, OutputFormat, Task, catalog::Catalog, estimate::Estimate};
use ark_video::{
    Attachments, CheckPolicy, CorrelationOptions, RetryOptions, TaskHandle,
    media_store::Uploads,
    provenance::{InputFiles, Provenance, Sidecar, intent_hash},
};
use ark_video_batch::cost_of;

use super::create::create;
use super::result::{Money, Origin, Saved};
use super::upload::upload;
use super::variants::{self, Failures, Variant};
use super::{dry_run, reconcile, result};
use crate::api_failure;
use crate::args::GenerateArgs;
use crate::checking::{Checked, estimate_of};
use crate::cost;
use crate::cost_limit::{self, Most};
use crate::destination::Destination;
use crate::escape::one_line;
use crate::escape::quoted;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Created;
use crate::output::Form;
use crate::records::Store;
use crate::request::{self, RequestContext, RequestInput};
use crate::session::{Connection, Session};
use crate::sidecar::{Memory, Remembered, RunState};
use crate::storage;

/// The hint that skips the checks.
const FORCE: &str = "to send it anyway: --force";

/// One video: its request, its records, and how far an earlier run came.
struct Video {
    variant: Variant,
    request: CreateTaskRequest,
    to: Destination,
    memory: Memory,
    state: RunState,
    is_new: bool,
}

pub(crate) async fn run(session: &mut Session, args: &GenerateArgs) -> Result<(), Failure> {
    saved(session, args).await.map(drop)
}

/// As [`run`]; gives the paths of the videos that are saved, as the user would write them.
pub(crate) async fn saved(session: &mut Session, args: &GenerateArgs) -> Result<Vec<PathBuf>, Failure> {
    if session.flags.simulate && args.no_wait {
        return Err(Failure::new(
            Exit::Usage,
            "--no-wait has no effect with --simulate: the simulator ends with this command",
        )
        .hint("run `ark-video simulate` and set ARK_BASE_URL to it"));
    }
    let variants = variants::of(args)?;
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
        hosts: settings.storage.is_some(),
        stdin: &stdin,
    };
    let mut parsed = Checked::request(request::build(&args.request, args.input.as_deref(), &at), &catalog)?;
    if let [Variant::Seed(seed), ..] = variants[..] {
        parsed.request.seed = Some(seed.into());
        parsed.names.flag("seed", "--seeds");
    }
    let checked = Checked::of_request(&parsed, &catalog);
    let checked = if args.force { checked.demoted() } else { checked };
    if !args.force && !args.seeds.is_empty() {
        variants::has_seeds(&parsed.request.model, &catalog)?;
    }
    let estimate = estimate_of(&parsed, &catalog);
    let limit = |estimate: &Estimate| {
        args.max_cost.as_ref().map_or(Ok(()), |most| cost_limit::allows(most, estimate))
    };
    if args.dry_run {
        let total = cost_limit::times(&estimate, variants.len() as u64);
        dry_run::show(session, &parsed, &checked, &total, variants.len())?;
        return checked
            .verdict(session.output.form != Form::Quiet, FORCE)
            .and(limit(&total))
            .map(|()| Vec::new());
    }
    checked.warning_lines().for_each(|line| session.output.warn(line));
    checked.note_lines().for_each(|line| session.output.note(line));
    let fit = checked.verdict(false, FORCE);
    if args.save.resume.is_none() {
        fit.clone()?;
        limit(&cost_limit::times(&estimate, variants.len() as u64))?;
    }
    let RequestInput { request, names, files, facts, .. } = parsed;
    let saves = !args.no_wait && !args.no_download;
    let inputs = inputs(args, &files, &session.cwd);
    let mut videos = Vec::with_capacity(variants.len());
    for variant in variants {
        let request = variant.request(&request);
        let mut to = Destination::new(&variant.save(&args.save), ending(&request), &session.cwd);
        to.inputs = inputs.clone();
        videos.push(started(session, variant, request, to, &files, &settings.base_url.value, saves).await?);
    }
    let count = videos.len();
    let mut failures = Failures::default();
    let mut paths = Vec::new();
    for video in &videos {
        if let RunState::Done { sidecar, video: file } = &video.state {
            done(session, sidecar, file, video)?;
            paths.push(file.clone());
        }
    }
    videos.retain(|video| !matches!(video.state, RunState::Done { .. }));
    if videos.is_empty() {
        return Ok(paths);
    }
    let new = videos.iter().filter(|video| video.is_new).count() as u64;
    let total = cost_limit::times(&estimate, new);
    if new > 0 {
        // A task of an earlier run is billed, whatever the checks report now.
        fit?;
        limit(&total)?;
    }
    let hosts = new > 0 && files.bytes_to_upload(&request) > 0;
    let store = if hosts { Some(storage::open(&session.store_context(&settings))?) } else { None };
    let mut connection = session.connect(&settings, catalog.clone()).await?;
    if new > 0 {
        announce(session, &total, new, &cost::estimated(&total, &catalog));
        session.confirm_cost(&args.confirm, &settings, &Most::from(&total)).await?;
    }
    let uploads = match &store {
        Some(store) => upload(session, store, &request, &files).await?,
        None => Uploads::default(),
    };
    // Already checked above, with the user's flags as locations.
    let marks = if args.no_marks { CorrelationOptions::none() } else { CorrelationOptions::new() };
    let mut tasks = Vec::with_capacity(videos.len());
    let mut videos = videos.into_iter();
    while let Some(mut video) = videos.next() {
        let client = &connection.client;
        let created = match std::mem::replace(&mut video.state, RunState::New) {
            RunState::Submitted(id) => Ok(client.task(id)),
            RunState::Unknown(unknown) => {
                let name = video.memory.searchable().unwrap_or_default();
                reconcile::once(session, client, *unknown, &name).await.map(|id| {
                    video.memory.ended(session, Ok(&id));
                    client.task(id)
                })
            }
            _ => {
                video.memory.uploaded(&uploads);
                let mut unsent = client.create(&video.request).files(files.clone()).facts(facts.clone());
                unsent = unsent.check(CheckPolicy::Off).correlate(marks.clone().tag(args.tag));
                if let Some(store) = &store {
                    unsent = unsent.uploads(uploads.clone(), store.clone());
                }
                if let Some(time) = args.retry {
                    unsent = unsent.retry(RetryOptions::new().elapsed(time));
                }
                create(session, client, &video.request, unsent, &names, &mut video.memory).await
            }
        };
        match created {
            Ok(handle) => {
                created_note(session, args, &video, &handle, &estimate);
                tasks.push((video, handle));
            }
            Err(failure) => {
                // What rejects one rejects the others; after Ctrl-C nothing more is sent.
                let stops = video.is_new;
                let interrupted = failure.exit == Exit::Interrupted;
                failures.add(session, video.variant, again(resumable(failure, args, session), count));
                if interrupted || stops {
                    failures.unsent(session, videos.len());
                }
                if interrupted {
                    return failures.verdict(count).map(|()| paths);
                }
                if stops {
                    break;
                }
            }
        }
    }
    if args.no_wait {
        return failures.verdict(count).map(|()| paths);
    }
    if let Some(running) = &mut connection.simulator {
        while let Ok(note) = running.notes.try_recv() {
            session.output.note(format_args!("simulator: {note}"));
        }
    }
    for (mut video, handle) in tasks {
        let finished = finish(session, args, &connection, &mut video, &handle, &estimate);
        match finished.await {
            Ok(path) => paths.extend(path),
            Err(failure) => {
                let failure = api_failure::explained(failure, None, &names);
                let interrupted = failure.exit == Exit::Interrupted;
                let failure = resumable(simulated(failure, session), args, session);
                failures.add(session, video.variant, again(failure, count));
                if interrupted {
                    break;
                }
            }
        }
    }
    failures.verdict(count).map(|()| paths)
}

/// Of several videos, only the same command continues all.
fn again(failure: Failure, count: usize) -> Failure {
    match count {
        1 => failure,
        _ => failure.hint("the same command with --resume continues all of them; nothing is created twice"),
    }
}

fn announce(session: &Session, total: &Estimate, count: u64, text: &str) {
    let count = if count == 1 { String::new() } else { format!("{count} videos, ") };
    let simulated = match (session.flags.simulate, &total.price) {
        (true, Some(_)) => "; simulated, so nothing is billed",
        _ => "",
    };
    session.output.note(format_args!("estimate: {count}{text}{simulated}"));
}

/// The records of a video and the state of an earlier run, with every check of its output.
async fn started(
    session: &mut Session,
    variant: Variant,
    request: CreateTaskRequest,
    to: Destination,
    files: &Attachments,
    base_url: &str,
    saves: bool,
) -> Result<Video, Failure> {
    let last_frame = request.return_last_frame == Some(true);
    if saves {
        to.check(None, last_frame)?;
    }
    let (memory, state) = remembered(session, variant, &to, &request, files, base_url, saves).await?;
    let is_new = matches!(state, RunState::New);
    if is_new && saves {
        to.check_new(last_frame, memory.origin().1)?;
    }
    Ok(Video { variant, request, to, memory, state, is_new })
}

fn created_note(
    session: &Session,
    args: &GenerateArgs,
    video: &Video,
    handle: &TaskHandle,
    estimate: &Estimate,
) {
    if args.no_wait {
        match session.output.form {
            Form::Json => session
                .output
                .json(&Created { id: handle.id(), estimate: video.is_new.then(|| estimate.into()) }),
            Form::Quiet | Form::Text => session.output.id(handle.id()),
        }
    } else if video.is_new {
        let label = video.variant.label();
        session.output.note(format_args!("{label}task {} created", one_line(handle.id())));
    }
}

/// Waits for a task and saves its video; gives its path.
async fn finish(
    session: &mut Session,
    args: &GenerateArgs,
    connection: &Connection,
    video: &mut Video,
    handle: &TaskHandle,
    estimate: &Estimate,
) -> Result<Option<PathBuf>, Failure> {
    let tier = video.request.service_tier.as_ref();
    let options = result::wait_options(&args.timing, tier, connection.simulator.is_some());
    let task = result::wait_for(session, handle, options).await?;
    for difference in ark_video::reconcile::RequestedSettings::from_request(&video.request).differences(&task)
    {
        session.output.warn(format_args!("{}: {}", task.id, one_line(&difference.to_string())));
    }
    let most = estimate.tokens.map(|tokens| tokens.max);
    let billed = cost_of(&video.request, &task, most, connection.client.catalog());
    session.output.note(format_args!("{}cost: {}", video.variant.label(), cost::billed(billed.as_ref())));
    if args.no_download {
        super::tasks::show(session, &task);
        return Ok(None);
    }
    let (provenance, intent) = video.memory.origin();
    let origin = Origin { provenance, intent, simulated: session.flags.simulate };
    let mut saved = result::save(session, handle, &task, &video.to, origin).await?;
    if let Some(file) = saved.file.take() {
        video.memory.saved(session, &task, &video.to.real(&saved.video), file);
    }
    result::report(session, &task, &saved, Money { estimate: Some(estimate), cost: billed.as_ref() });
    saved.trouble.take().map_or(Ok(Some(saved.video)), Err)
}

/// The records of this create, and the state of an earlier run.
async fn remembered(
    session: &mut Session,
    variant: Variant,
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
    let hash = variant.intent(intent_hash(request, files).map_err(unreadable)?);
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
fn done(session: &Session, sidecar: &Sidecar, file: &Path, video: &Video) -> Result<(), Failure> {
    let to = &video.to;
    let task = sidecar.task.clone().and_then(|task| serde_json::from_value::<Task>(task).ok());
    let (Some(task), Some(facts)) = (task, &sidecar.file) else {
        return Err(Failure::new(Exit::Output, "the record of the video is incomplete"));
    };
    if !to.resume {
        // Reached only with --resume; otherwise the check before has reported the existing file.
        return Err(Failure::new(Exit::Output, format!("{} already exists", file.display())));
    }
    session.output.note(format_args!("{} is already complete; nothing was sent", file.display()));
    let frames = ["png", "jpeg"].map(|ending| crate::destination::beside(file, ending));
    let last_frame = frames.into_iter().find(|path| to.real(path).is_file());
    let saved = Saved { video: file.to_owned(), bytes: facts.bytes, file: None, last_frame, trouble: None };
    let cost = cost_of(&video.request, &task, None, Catalog::builtin());
    result::report(session, &task, &saved, Money { estimate: None, cost: cost.as_ref() });
    Ok(())
}

/// The simulator ends with the command, and its tasks with it: nothing continues and nothing is
/// billed.
fn simulated(mut failure: Failure, session: &Session) -> Failure {
    if session.flags.simulate {
        failure.hints.clear();
        let reason = match failure.exit {
            Exit::Interrupted => "interrupted",
            Exit::StillRunning => "the simulated task is not finished",
            _ => return failure,
        };
        failure.message =
            format!("{reason}; the simulator and its task ended with this command, nothing is billed");
        return failure.hint("run the command again");
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
        let command = args.command.unwrap_or("generate");
        let hint = format!("continue with the same command: {} {command} …{to} --resume", session.again());
        failure.hints.insert(0, hint);
    }
    failure
}

fn ending(request: &CreateTaskRequest) -> &'static str {
    if request.output_format == Some(OutputFormat::Mov) { "mov" } else { "mp4" }
}
