//! Waits for a task and saves its video, for `generate`, `wait` and `download`. Knows no other
//! task.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ark_video::model::{ServiceTier, Task, estimate::Estimate};
use ark_video::{
    DownloadOptions, Output as Part, TaskHandle, WaitOptions,
    download::Downloaded,
    provenance::{FileFacts, Intent, Provenance},
};
use ark_video_batch::Cost;

use crate::api_failure;
use crate::args::TimingArgs;
use crate::destination::Destination;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{self, SavedTask};
use crate::output::Form;
use crate::progress::Progress;
use crate::session::Session;
use crate::summary;

/// Default timeout online: nine of ten tasks are done in ten minutes, the longest recorded took
/// twenty.
const ONLINE: Duration = Duration::from_secs(30 * 60);
/// Default timeout of the flex tier: the service itself gives up after 48 hours.
const OFFLINE: Duration = Duration::from_secs(49 * 60 * 60);
/// Poll interval for the simulator in this process.
const SIMULATED: Duration = Duration::from_millis(250);

/// The wait options for the flags and the tier.
pub(crate) fn wait_options(args: &TimingArgs, tier: Option<&ServiceTier>, simulated: bool) -> WaitOptions {
    let usual = if tier == Some(&ServiceTier::Flex) { OFFLINE } else { ONLINE };
    let options = WaitOptions::new().timeout(args.timeout.unwrap_or(usual));
    match args.poll_interval.or(simulated.then_some(SIMULATED)) {
        Some(pace) => options.every(pace),
        None => options,
    }
}

/// Waits; Ctrl-C stops waiting and nothing else.
pub(crate) async fn wait_for(
    session: &mut Session,
    task: &TaskHandle,
    options: WaitOptions,
) -> Result<Task, Failure> {
    let again = session.again();
    let progress = Progress::waiting(&session.output, task.id());
    tokio::select! {
        waited = task.wait().options(options).events(|event| progress.waited(&event)).into_future() => waited.map_err(|error| api_failure::of(&error, &again)),
        () = session.interrupts.next() => Err(stopped(task.id(), &again)),
    }
}

/// Ctrl-C while a task goes on.
pub(crate) fn stopped(id: &str, again: &str) -> Failure {
    let message = format!(
        "interrupted: task {} was not cancelled; it continues and is billed if it succeeds",
        crate::escape::one_line(id)
    );
    Failure::new(Exit::Interrupted, message).task_id(Some(id)).hint(api_failure::go_on(again, id))
}

/// The saved files.
pub(crate) struct Saved {
    pub(crate) video: PathBuf,
    pub(crate) bytes: u64,
    /// As in the sidecar; only for files fetched by this run.
    pub(crate) file: Option<FileFacts>,
    pub(crate) last_frame: Option<PathBuf>,
    /// Why the requested last frame is missing.
    pub(crate) trouble: Option<Failure>,
}

/// The origin of a video, as written to the sidecar.
#[derive(Default)]
pub(crate) struct Origin {
    pub(crate) provenance: Option<Provenance>,
    pub(crate) intent: Option<Intent>,
    /// Made by the simulator.
    pub(crate) simulated: bool,
}

/// Saves the video, and the last frame if there is one.
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

/// The main result of a task.
pub(crate) fn part_of(task: &Task) -> Part {
    if task.video_url().is_none() && Part::File.link(task).is_some() { Part::File } else { Part::Video }
}

/// The extension of a task's video.
pub(crate) fn ending(task: &Task) -> &'static str {
    if task.output_format.as_ref().is_some_and(|format| format.as_str() == "mov") { "mov" } else { "mp4" }
}

/// Saves the last frame too. Its failure does not fail the video.
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

/// The video is not available. Its last frame may be: then it is saved, and the failure says so.
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
        Some(path) => failure.hint(format!("the last frame was saved as {}", path.display())),
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
        file = handle.download(path).options(options).progress(|bytes| progress.saved(bytes)).into_future() => {
            file.map_err(|error| api_failure::of(&error, &again))
        }
        () = session.interrupts.next() => {
            let message =
                format!("interrupted: the video of task {} is billed and not saved; the partial file is kept", handle.id());
            Err(Failure::new(Exit::Interrupted, message)
                .task_id(Some(handle.id()))
                .hint(format!("{again} download {} -o {}", crate::escape::id(handle.id()), crate::escape::quoted(&shown.display().to_string()))))
        }
    }
}

/// The format (PNG or JPEG) is known only after the download: it is saved under a temporary name
/// first.
async fn save_last_frame(
    session: &mut Session,
    handle: &TaskHandle,
    video: &Path,
    to: &Destination,
) -> Result<PathBuf, Failure> {
    let folder = to.real(video.parent().unwrap_or(Path::new("")));
    let unwritable = |error: std::io::Error| {
        let why = crate::media::reason(&error);
        Failure::new(Exit::Output, format!("cannot write the last frame: {why}")).task_id(Some(handle.id()))
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

/// What is known of the money of a task.
#[derive(Clone, Copy, Default)]
pub(crate) struct Money<'a> {
    pub(crate) estimate: Option<&'a Estimate>,
    pub(crate) cost: Option<&'a Cost>,
}

/// Reports a finished task with its files.
pub(crate) fn report(session: &Session, task: &Task, saved: &Saved, money: Money<'_>) {
    let output = &session.output;
    match output.form {
        Form::Json => output.json(&SavedTask {
            id: &task.id,
            status: task.status.as_str(),
            file: &saved.video,
            bytes: saved.bytes,
            last_frame: saved.last_frame.as_deref(),
            estimate: money.estimate.map(Into::into),
            cost: money.cost.and_then(json::Money::of),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_follows_the_tier_by_default() {
        let none = TimingArgs::default();
        assert_eq!(wait_options(&none, None, false).timeout, ONLINE);
        assert_eq!(wait_options(&none, Some(&ServiceTier::Flex), false).timeout, OFFLINE);
        assert_eq!(wait_options(&none, None, true).interval, SIMULATED);
        let given =
            TimingArgs { timeout: Some(Duration::from_secs(5)), poll_interval: Some(Duration::from_secs(2)) };
        let options = wait_options(&given, Some(&ServiceTier::Flex), true);
        assert_eq!(
            (options.timeout, options.initial_delay),
            (Duration::from_secs(5), Duration::from_secs(2))
        );
    }
}
