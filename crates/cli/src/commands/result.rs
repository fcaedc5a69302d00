//! Waiting for a task and saving what it made: the second half of `generate`, and all of `wait` and `download`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ark_video::model::{ServiceTier, Task};
use ark_video::{
    DownloadOptions, Downloaded, FileFacts, Intent, Output as Part, Provenance, TaskHandle, WaitOptions,
};
use serde::Serialize;

use super::many;
use crate::api_failure;
use crate::args::{DownloadArgs, PatienceArgs, WaitArgs};
use crate::destination::Destination;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Form;
use crate::progress::Progress;
use crate::session::Session;
use crate::summary;

/// How long to wait online: nine of ten tasks are done in ten minutes, the longest seen took twenty.
const ONLINE: Duration = Duration::from_secs(30 * 60);
/// How long to wait offline: the service gives up after 48 hours by itself.
const OFFLINE: Duration = Duration::from_secs(49 * 60 * 60);
/// How long the question for a task's tier may take.
const FIRST_LOOK: Duration = Duration::from_secs(10);
/// How often to look at a task of the simulator in this process.
const SIMULATED: Duration = Duration::from_millis(250);

/// Waits as patiently as the flags and the tier say.
pub(crate) fn patience(args: &PatienceArgs, tier: Option<&ServiceTier>, simulated: bool) -> WaitOptions {
    let usual = if tier == Some(&ServiceTier::Flex) { OFFLINE } else { ONLINE };
    let options = WaitOptions::new().timeout(args.timeout.unwrap_or(usual));
    match args.poll_interval.or(simulated.then_some(SIMULATED)) {
        Some(pace) => options.every(pace),
        None => options,
    }
}

/// Waits; Ctrl-C stops the waiting and nothing else.
pub(crate) async fn wait_for(
    session: &mut Session,
    task: &TaskHandle,
    options: WaitOptions,
) -> Result<Task, Failure> {
    let again = session.again();
    let progress = Progress::waiting(&session.output, task.id());
    tokio::select! {
        waited = task.wait_with(options, |event| progress.waited(&event)) => waited.map_err(|error| api_failure::of(&error, &again)),
        () = session.interrupts.next() => Err(stopped(task.id(), &again)),
    }
}

/// Ctrl-C while a task goes on.
pub(crate) fn stopped(id: &str, again: &str) -> Failure {
    let message = format!(
        "interrupted: task {} was not cancelled; it goes on and is billed when it succeeds",
        crate::escape::one_line(id)
    );
    Failure::new(Exit::Interrupted, message).task_id(Some(id)).hint(api_failure::go_on(again, id))
}

/// What is on disk.
pub(crate) struct Saved {
    pub(crate) video: PathBuf,
    pub(crate) bytes: u64,
    /// As the sidecar has it; only of what was fetched by this run.
    pub(crate) file: Option<FileFacts>,
    pub(crate) last_frame: Option<PathBuf>,
    /// Why the last frame is missing although it was asked for.
    pub(crate) trouble: Option<Failure>,
}

/// What a sidecar says about where a video comes from.
#[derive(Default)]
pub(crate) struct Origin {
    pub(crate) provenance: Option<Provenance>,
    pub(crate) intent: Option<Intent>,
    /// The simulator made it.
    pub(crate) simulated: bool,
}

/// Saves the video, and the last frame where there is one.
pub(crate) async fn save(
    session: &mut Session,
    handle: &TaskHandle,
    task: &Task,
    to: &Destination,
    origin: Origin,
) -> Result<Saved, Failure> {
    let video = to.video(handle.id());
    let mut options = DownloadOptions::new()
        .existing(to.existing())
        .sidecar(to.sidecar)
        .output(part_of(task))
        .simulated(origin.simulated);
    (options.provenance, options.intent) = (origin.provenance, origin.intent);
    let file = match fetch(session, handle, &to.real(&video), &video, options).await {
        Ok(file) => file,
        Err(failure) => return Err(with_last_frame(session, handle, task, to, failure).await),
    };
    let mut saved =
        Saved { video, bytes: file.bytes, file: Some(facts(&file)), last_frame: None, trouble: None };
    if task.last_frame_url().is_some() {
        add_last_frame(session, handle, &mut saved, to).await;
    }
    Ok(saved)
}

fn facts(file: &Downloaded) -> FileFacts {
    let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let fetched_at = jiff::Timestamp::now().as_millisecond();
    FileFacts::new(name, file.bytes, file.sha256.as_str(), fetched_at).content_type(file.content_type.clone())
}

/// What a task's main result is.
pub(crate) fn part_of(task: &Task) -> Part {
    if task.video_url().is_none() && Part::File.link(task).is_some() { Part::File } else { Part::Video }
}

/// What the name of a task's video ends in.
pub(crate) fn ending(task: &Task) -> &'static str {
    if task.output_format.as_ref().is_some_and(|format| format.as_str() == "mov") { "mov" } else { "mp4" }
}

/// Saves the last frame too. A video without it is still a video.
pub(crate) async fn add_last_frame(
    session: &mut Session,
    handle: &TaskHandle,
    saved: &mut Saved,
    to: &Destination,
) {
    let kept = ["png", "jpeg"].map(|ending| crate::destination::beside(&saved.video, ending));
    if let Some(kept) = kept.into_iter().find(|path| to.resume && to.real(path).is_file()) {
        saved.last_frame = Some(kept);
        return;
    }
    let again = session.again();
    match save_last_frame(session, handle, &saved.video, to).await {
        Ok(path) => saved.last_frame = Some(path),
        Err(failure) => {
            saved.trouble =
                Some(failure.hint(format!("the link is in: {again} get {}", crate::escape::id(handle.id()))));
        }
    }
}

/// The video cannot be had. Its last frame may be there: then that is saved, and the failure says so.
pub(crate) async fn with_last_frame(
    session: &mut Session,
    handle: &TaskHandle,
    task: &Task,
    to: &Destination,
    failure: Failure,
) -> Failure {
    if failure.exit != Exit::Result || task.last_frame_url().is_none() {
        return failure;
    }
    let mut saved =
        Saved { video: to.video(handle.id()), bytes: 0, file: None, last_frame: None, trouble: None };
    add_last_frame(session, handle, &mut saved, to).await;
    match saved.last_frame {
        Some(path) => failure.hint(format!("the last frame is saved as {}", path.display())),
        None => failure,
    }
}

async fn fetch(
    session: &mut Session,
    handle: &TaskHandle,
    path: &Path,
    shown: &Path,
    options: DownloadOptions,
) -> Result<Downloaded, Failure> {
    let again = session.again();
    let progress = Progress::saving(&session.output, &shown.display().to_string());
    tokio::select! {
        file = handle.download_with(path, options, |bytes| progress.saved(bytes)) => {
            file.map_err(|error| api_failure::of(&error, &again))
        }
        () = session.interrupts.next() => {
            let message =
                format!("interrupted: the video of task {} is not saved; what was fetched of it is kept", handle.id());
            Err(Failure::new(Exit::Interrupted, message)
                .task_id(Some(handle.id()))
                .hint(format!("{again} download {} -o {}", crate::escape::id(handle.id()), crate::session::quoted(&shown.display().to_string()))))
        }
    }
}

/// Whether it is a PNG or a JPEG is known only when it is there: fetched under another name first.
async fn save_last_frame(
    session: &mut Session,
    handle: &TaskHandle,
    video: &Path,
    to: &Destination,
) -> Result<PathBuf, Failure> {
    let folder = to.real(video.parent().unwrap_or(Path::new("")));
    let unwritable = |error: std::io::Error| {
        let why = crate::media::reason(&error);
        Failure::new(Exit::Output, format!("the last frame cannot be written: {why}"))
            .task_id(Some(handle.id()))
    };
    let scratch = tempfile::Builder::new()
        .prefix(".ark-video-")
        .tempfile_in(&folder)
        .map_err(unwritable)?
        .into_temp_path();
    let options = DownloadOptions::new().overwrite(true).sidecar(false).output(Part::LastFrame);
    fetch(session, handle, &scratch, Path::new("last frame"), options).await?;
    let mut start = [0; 4];
    std::fs::File::open(&scratch)
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut start))
        .map_err(unwritable)?;
    let path = Destination::last_frame(video, &start);
    let real = to.real(&path);
    let moved = if to.overwrite { scratch.persist(&real) } else { scratch.persist_noclobber(&real) };
    moved.map_err(|error| unwritable(error.error))?;
    Ok(path)
}

/// A task and its files, for machines.
#[derive(Serialize)]
struct Told<'a> {
    id: &'a str,
    status: &'a str,
    file: &'a Path,
    bytes: u64,
    last_frame: Option<&'a Path>,
    task: &'a Task,
}

/// The last word about a task with its files.
pub(crate) fn tell(session: &Session, task: &Task, saved: &Saved) {
    let output = &session.output;
    match output.form {
        Form::Json => output.json(&Told {
            id: &task.id,
            status: task.status.as_str(),
            file: &saved.video,
            bytes: saved.bytes,
            last_frame: saved.last_frame.as_deref(),
            task,
        }),
        Form::Quiet => {
            for path in std::iter::once(&saved.video).chain(&saved.last_frame) {
                output.line(path.display());
            }
        }
        Form::Text => {
            output.line(crate::escape::one_line(&task.to_string()));
            output.line(format_args!(
                "saved     {} ({})",
                saved.video.display(),
                summary::bytes(saved.bytes)
            ));
            if let Some(path) = &saved.last_frame {
                output.line(format_args!("saved     {}", path.display()));
            }
        }
    }
}

/// `wait ID…`
pub(crate) async fn wait(session: &mut Session, args: &WaitArgs) -> Result<(), Failure> {
    let client = session.client().await?;
    let [id] = args.ids.as_slice() else { return many::wait(session, &client, args).await };
    let handle = client.task(id);
    let again = session.again();
    // The tier says how long to wait. If this brings nothing, the wait itself will report it, or get over it.
    let longest = args.patience.timeout.unwrap_or(FIRST_LOOK).min(FIRST_LOOK);
    let tier = tokio::select! {
        task = handle.get() => task.ok().and_then(|task| task.service_tier),
        () = tokio::time::sleep(longest) => None,
        () = session.interrupts.next() => return Err(stopped(id, &again)),
    };
    let task = wait_for(session, &handle, patience(&args.patience, tier.as_ref(), false)).await?;
    super::tasks::show(session, &task);
    Ok(())
}

/// `download ID…`
pub(crate) async fn download(session: &mut Session, args: &DownloadArgs) -> Result<(), Failure> {
    if args.ids.len() > 1 && args.save.output.is_some() {
        let message = "-o names one file, and there are several tasks";
        return Err(Failure::new(Exit::Usage, message).hint("say --output-dir DIR instead"));
    }
    let client = session.client().await?;
    let [id] = args.ids.as_slice() else { return many::download(session, &client, args).await };
    let to = Destination::new(&args.save, "mp4", &session.cwd);
    to.check(Some(id), false)?;
    let handle = client.task(id);
    let again = session.again();
    let task = tokio::select! {
        task = handle.get() => task.map_err(|error| api_failure::of(&error, &again))?,
        () = session.interrupts.next() => return Err(crate::session::interrupted()),
    };
    let to = Destination::new(&args.save, ending(&task), &session.cwd);
    to.check(Some(id), task.last_frame_url().is_some())?;
    let mut saved = save(session, &handle, &task, &to, Origin::default()).await?;
    tell(session, &task, &saved);
    saved.trouble.take().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_follows_the_tier_unless_told() {
        let none = PatienceArgs::default();
        assert_eq!(patience(&none, None, false).timeout, ONLINE);
        assert_eq!(patience(&none, Some(&ServiceTier::Flex), false).timeout, OFFLINE);
        assert_eq!(patience(&none, None, true).interval, SIMULATED);
        let told = PatienceArgs {
            timeout: Some(Duration::from_secs(5)),
            poll_interval: Some(Duration::from_secs(2)),
        };
        let options = patience(&told, Some(&ServiceTier::Flex), true);
        assert_eq!((options.timeout, options.first_look), (Duration::from_secs(5), Duration::from_secs(2)));
    }
}
