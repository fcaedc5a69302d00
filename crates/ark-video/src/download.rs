//! From a succeeded task to a file on disk.

use std::{
    fmt,
    future::IntoFuture,
    path::{Path, PathBuf},
    time::Duration,
};

use ark_video_media::{ProbeError, check_complete};
use ark_video_model::{Task, TaskStatus, check::MediaKind};
use ark_video_protocol::{
    UnixMillis,
    download::{Attempts, DownloadRefusal, DownloadRetry, ErrorKind, expires_at},
    path::shown,
};
pub use ark_video_transport::SaveProgress;
use ark_video_transport::{
    BoxFuture, Fetched, SaveError, SaveOptions, check_target, create_own_folder, fetch,
};

use crate::{
    Error, TaskHandle,
    error::{Action, DownloadCause, DownloadError, NotPossible, TaskEnded, chain},
    provenance::{FileFacts, Intent, Progress, Provenance, Sidecar},
    spans,
};
pub use ark_video_protocol::download::{AddressPolicy, InsecureHttp, UrlPolicy, deadline, file_stem};
pub use ark_video_transport::check_room;

/// Which result of a task.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Output {
    /// The video.
    #[default]
    Video,
    /// The last frame; only if the request asked for it.
    LastFrame,
    /// The file of a 3D model task.
    File,
}

impl Output {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::LastFrame => "last frame (the request must ask for it: return_last_frame)",
            Self::File => "file",
        }
    }

    /// What it has to be before it gets its name, and the word for that.
    fn kind(self) -> Option<(MediaKind, &'static str)> {
        match self {
            Self::Video => Some((MediaKind::Video, "video")),
            Self::LastFrame => Some((MediaKind::Image, "image")),
            Self::File => None,
        }
    }

    /// The extension of its file name: that of the link, if it is a usual one.
    fn extension(self, task: &Task) -> &'static str {
        let path = self.link(task).unwrap_or_default().split(['?', '#']).next().unwrap_or_default();
        let known: &[&str] = match self {
            Self::Video => &["mp4", "mov"],
            Self::LastFrame => &["png", "jpeg", "jpg"],
            Self::File => &["zip", "glb"],
        };
        let extension = path.rsplit('.').next().unwrap_or_default();
        known.iter().find(|known| extension.eq_ignore_ascii_case(known)).unwrap_or(&known[0])
    }

    /// The link to it, if the task has one.
    #[must_use]
    pub fn link(self, task: &Task) -> Option<&str> {
        let content = task.content.as_ref()?;
        let link = match self {
            Self::Video => &content.video_url,
            Self::LastFrame => &content.last_frame_url,
            Self::File => &content.file_url,
        };
        link.as_deref().filter(|link| !link.is_empty())
    }
}

/// What to do with a file that is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum IfExists {
    /// Leave it alone, and say so.
    #[default]
    Fail,
    /// Replace it, once the new one is whole.
    Replace,
    /// Take it for the result if its sidecar says that it is, and its hash agrees; otherwise leave
    /// it alone and say so. Makes a download one that can be repeated at will.
    Keep,
}

/// How to download.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DownloadOptions {
    /// What to do with a file that is there already. Default: leave it alone.
    pub existing: IfExists,
    /// Which result. Default the video.
    pub output: Output,
    /// Largest file to take, in bytes. Default 4 GiB.
    pub max_bytes: u64,
    /// Write `NAME.ark-video.json` beside the file. Default yes.
    pub sidecar: bool,
    /// The origin of the video, for the sidecar.
    pub provenance: Option<Provenance>,
    /// The intent of the video, for the sidecar.
    pub intent: Option<Intent>,
    /// The simulator made it, and its sidecar says so. Default no.
    pub simulated: bool,
}

impl Default for DownloadOptions {
    fn default() -> Self {
        Self {
            existing: IfExists::default(),
            output: Output::default(),
            max_bytes: 4 << 30,
            sidecar: true,
            provenance: None,
            intent: None,
            simulated: false,
        }
    }
}

impl DownloadOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether an existing file is replaced.
    #[must_use]
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.existing = if overwrite { IfExists::Replace } else { IfExists::Fail };
        self
    }

    /// Sets what to do with an existing file.
    #[must_use]
    pub fn existing(mut self, existing: IfExists) -> Self {
        self.existing = existing;
        self
    }

    /// Sets which result to fetch.
    #[must_use]
    pub fn output(mut self, output: Output) -> Self {
        self.output = output;
        self
    }

    /// Sets the largest file to take, in bytes.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets whether to write a sidecar.
    #[must_use]
    pub fn sidecar(mut self, sidecar: bool) -> Self {
        self.sidecar = sidecar;
        self
    }

    /// Sets the origin of the video for the sidecar.
    #[must_use]
    pub fn provenance(mut self, provenance: Provenance) -> Self {
        self.provenance = Some(provenance);
        self
    }

    /// Sets the intent of the video for the sidecar.
    #[must_use]
    pub fn intent(mut self, intent: Intent) -> Self {
        self.intent = Some(intent);
        self
    }

    /// Sets whether the sidecar says that the simulator made it.
    #[must_use]
    pub fn simulated(mut self, simulated: bool) -> Self {
        self.simulated = simulated;
        self
    }
}

/// A result that is on disk, whole.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Downloaded {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its media type, as the storage named it.
    pub content_type: Option<String>,
    /// Until when the link works, if it says so.
    pub link_expires_at: Option<UnixMillis>,
    /// Bytes that were there already from an earlier try; all of them, if the file was.
    pub resumed_at: u64,
    /// The task as it was when its link was taken.
    pub task: Task,
}

type OnProgress<'a> = Box<dyn FnMut(SaveProgress) + Send + 'a>;

/// A download of a task's result: await it for the file.
///
/// The file has its name only when it is complete. The key does not go to the storage host.
/// Interruptions are resumed, expired links refreshed. If this fails, is dropped or is killed, what
/// was downloaded stays as `NAME.part`, and a later download resumes it, at no cost.
#[must_use = "nothing is downloaded until awaited"]
pub struct Download<'a> {
    pub(crate) handle: TaskHandle,
    pub(crate) task: Option<Task>,
    pub(crate) path: PathBuf,
    into_folder: bool,
    pub(crate) options: DownloadOptions,
    on_progress: Option<OnProgress<'a>>,
}

impl fmt::Debug for Download<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("task", &self.handle.id())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl TaskHandle {
    /// Downloads the result, when awaited, to this path. Gets the task first, so that the link is
    /// as fresh as can be.
    ///
    /// # Errors
    /// [`Error::Download`] (the name is taken, the disk or the storage refused it, the file is
    /// incomplete); [`Error::NotPossible`] if the task has not finished; [`Error::TaskEnded`] if it
    /// has no result; otherwise as [`Client::get`](crate::Client::get).
    pub fn download(&self, path: impl AsRef<Path>) -> Download<'static> {
        Download {
            handle: self.clone(),
            task: None,
            path: path.as_ref().to_owned(),
            into_folder: false,
            options: DownloadOptions::default(),
            on_progress: None,
        }
    }

    /// As [`TaskHandle::download`], to a file in this folder that is named for the task's id. The
    /// folder is made if it is not there.
    ///
    /// # Errors
    /// As [`TaskHandle::download`].
    pub fn download_into(&self, folder: impl AsRef<Path>) -> Download<'static> {
        Download { into_folder: true, ..self.download(folder) }
    }
}

impl<'a> Download<'a> {
    /// Replaces a file that is there already, once the new one is complete.
    pub fn overwrite(mut self) -> Self {
        self.options.existing = IfExists::Replace;
        self
    }

    /// All settings at once.
    pub fn options(mut self, options: DownloadOptions) -> Self {
        self.options = options;
        self
    }

    /// Uses the task as it was just polled: saves a request.
    pub fn from_task(mut self, task: Task) -> Self {
        self.task = Some(task);
        self
    }

    /// Calls `on_progress` as bytes arrive.
    pub fn progress<'b>(self, on_progress: impl FnMut(SaveProgress) + Send + 'b) -> Download<'b> {
        let Self { handle, task, path, into_folder, options, .. } = self;
        Download { handle, task, path, into_folder, options, on_progress: Some(Box::new(on_progress)) }
    }

    async fn run(mut self) -> Result<Downloaded, Error> {
        if self.into_folder {
            let task = match self.task.take() {
                Some(task) => task,
                None => self.handle.get().await?,
            };
            create_own_folder(&self.path).map_err(|source| {
                let (action, path) = ("created", self.path.clone());
                let cause = SaveError::File { action, path, source }.into();
                let task_id = self.handle.id().to_owned();
                Error::Download(Box::new(DownloadError { task_id, link_expires_at: None, cause }))
            })?;
            let name = format!("{}.{}", file_stem(self.handle.id()), self.options.output.extension(&task));
            self.path.push(name);
            self.task = Some(task);
        }
        let mut on_progress = self.on_progress.unwrap_or_else(|| Box::new(|_| {}));
        download(&self.handle, self.task, &self.path, &self.options, &mut *on_progress).await
    }
}

impl<'a> IntoFuture for Download<'a> {
    type Output = Result<Downloaded, Error>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let id = self.handle.id().to_owned();
            spans::download(&id, self.run(), |file| (file.bytes, file.resumed_at)).await
        })
    }
}

/// Saves a result of `task`, or of the task as it is now.
async fn download(
    handle: &TaskHandle,
    task: Option<Task>,
    path: &Path,
    options: &DownloadOptions,
    on_progress: &mut (dyn FnMut(SaveProgress) + Send),
) -> Result<Downloaded, Error> {
    let failed = |link_expires_at, cause| {
        Error::Download(Box::new(DownloadError { task_id: handle.id().to_owned(), link_expires_at, cause }))
    };
    let keep = options.existing == IfExists::Keep && path.is_file();
    if !keep {
        check_target(path, options.existing == IfExists::Replace)
            .map_err(|error| failed(None, error.into()))?;
    }
    let mut task = match task {
        Some(task) => task,
        None => handle.get().await?,
    };
    // Nobody's video but this task's gets its name and its sidecar.
    if task.id != handle.id() {
        return Err(failed(None, DownloadCause::OtherTask(shown(&task.id))));
    }
    match &task.status {
        TaskStatus::Succeeded => {}
        status if status.is_terminal() => return Err(Error::TaskEnded(TaskEnded { task: Box::new(task) })),
        _ => return Err(Error::NotPossible(NotPossible { action: Action::Download, task: Box::new(task) })),
    }
    if keep {
        return match kept(handle.id(), path).await {
            Some(file) => Ok(Downloaded {
                path: path.to_owned(),
                bytes: file.bytes,
                sha256: file.sha256,
                content_type: file.content_type,
                link_expires_at: options.output.link(&task).and_then(expires_at),
                resumed_at: file.bytes,
                task,
            }),
            None => Err(failed(None, SaveError::Exists { path: path.to_owned() }.into())),
        };
    }
    let mut link = match options.output.link(&task) {
        Some(link) => link.to_owned(),
        None => {
            let (fresh, request_id) = ask_for_link(handle, options.output).await;
            task = fresh.unwrap_or(task);
            let no_link = DownloadCause::NoLink { output: options.output, request_id };
            options.output.link(&task).ok_or_else(|| failed(None, no_link))?.to_owned()
        }
    };
    let mut how = SaveOptions::default();
    how.overwrite = options.existing == IfExists::Replace;
    how.max_bytes = options.max_bytes;
    how.rules = handle.client().link_rules();
    let (mut tries, mut furthest) = (Attempts::new(), 0);
    let fetched = loop {
        let (mut first, mut moved) = (None, false);
        let mut watched = |progress: SaveProgress| {
            let first = *first.get_or_insert(progress.bytes);
            // What was fetched before and lost again is no progress.
            moved |= progress.bytes > first.max(furthest);
            furthest = furthest.max(progress.bytes);
            on_progress(progress);
        };
        let fetched = fetch(handle.client().transport(), &link, path, &how, &mut watched).await;
        let error = match fetched.and_then(|fetched| verified(fetched, options.output)) {
            Ok(fetched) => break fetched,
            Err(error) => error,
        };
        let again = match &error {
            SaveError::Refused(refusal) => {
                tries.failed(ErrorKind::Refused(refusal), moved, handle.client().jitter())
            }
            SaveError::Send(cause) => tries.failed(ErrorKind::Send(cause), moved, handle.client().jitter()),
            _ => DownloadRetry::Stop,
        };
        let expires = expires_at(&link);
        match again {
            DownloadRetry::After(pause) => handle.client().clock().sleep(pause).await,
            DownloadRetry::Refresh(pause) => {
                handle.client().clock().sleep(pause).await;
                // If nobody answers, the first trouble is the one to speak of.
                let Ok(fresh) = handle.get().await else { return Err(failed(expires, error.into())) };
                let Some(next) = options.output.link(&fresh).map(str::to_owned) else {
                    return Err(failed(expires, error.into()));
                };
                let changed = next != link;
                (link, task) = (next, fresh);
                if !tries.refreshed(changed) {
                    return Err(failed(expires, error.into()));
                }
            }
            _ => return Err(failed(expires, error.into())),
        }
    };
    if options.sidecar {
        // Before the file itself: the file never exists without its sidecar.
        let written = write_sidecar(&fetched, &task, path, options, handle.client().clock().now());
        written.map_err(|source| {
            let path = Sidecar::path_of(path);
            failed(expires_at(&link), SaveError::File { action: "written", path, source }.into())
        })?;
    }
    let saved = fetched.place().map_err(|error| failed(expires_at(&link), error.into()))?;
    Ok(Downloaded {
        path: saved.path,
        bytes: saved.bytes,
        sha256: saved.sha256,
        content_type: saved.content_type,
        link_expires_at: expires_at(&link),
        resumed_at: saved.resumed_at,
        task,
    })
}

/// How long to poll for the link of a task that has succeeded without one: some services add it
/// later.
const LINK_DEADLINE: Duration = Duration::from_secs(120);
/// The first pause between two requests for it, and the longest.
const LINK_PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(16));

/// Asks for the task until it has the link, for two minutes. Gives the task as it is then, and the
/// id of the last request. A last frame that is missing was not asked for.
async fn ask_for_link(handle: &TaskHandle, output: Output) -> (Option<Task>, Option<String>) {
    let (clock, mut pause) = (handle.client().clock(), LINK_PAUSES.0);
    let (start, mut last) = (clock.monotonic(), None);
    if output == Output::LastFrame {
        return (None, None);
    }
    loop {
        let left = LINK_DEADLINE.saturating_sub(clock.monotonic().saturating_sub(start));
        if left.is_zero() {
            break;
        }
        clock.sleep(pause.min(left)).await;
        pause = pause.saturating_mul(2).min(LINK_PAUSES.1);
        match handle.client().get_with_request_id(handle.id()).await {
            Ok((task, request_id)) if output.link(&task).is_some() => return (Some(task), request_id),
            Ok((_, request_id)) => last = request_id.or(last),
            Err(error) if error.is_retryable() => {}
            Err(_) => break,
        }
    }
    (None, last)
}

/// Holds what was fetched against what it should be. What is something else, or not known to be
/// complete, does not get the name.
fn verified(fetched: Fetched, output: Output) -> Result<Fetched, SaveError> {
    let incomplete = |why: &str| DownloadRefusal::Incomplete { why: why.to_owned() };
    let refusal = match output.kind() {
        None if fetched.is_end_known() => return Ok(fetched),
        None => incomplete("nothing shows where it ends"),
        Some((kind, what)) => match check_complete(&mut fetched.file()) {
            Ok(found) if found.kind == kind && (found.end_is_proven || fetched.is_end_known()) => {
                return Ok(fetched);
            }
            Ok(found) if found.kind == kind => incomplete("nothing in it shows where it ends"),
            // Cut off before it reached us, where nobody said how long it is.
            Err(error @ ProbeError::Damaged { .. }) if !fetched.is_length_known() => {
                incomplete(&chain(&error))
            }
            other => {
                let why = other.map_or_else(|error| chain(&error), |_| "it is something else".to_owned());
                let why = match fetched.coding() {
                    Some(coding) => format!("{why}; it came with the encoding {coding:?}"),
                    None => why,
                };
                DownloadRefusal::UnexpectedContent { what, why }
            }
        },
    };
    Err(fetched.reject(refusal))
}

fn write_sidecar(
    fetched: &Fetched,
    task: &Task,
    path: &Path,
    options: &DownloadOptions,
    now: UnixMillis,
) -> std::io::Result<()> {
    // What an earlier writer knew of the request is kept.
    let before =
        Sidecar::read(path).ok().flatten().filter(|before| before.task_id.as_ref() == Some(&task.id));
    let (known, intent, row) =
        before.map(|before| (before.provenance, before.intent, before.row)).unwrap_or_default();
    let file = FileFacts {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        bytes: fetched.bytes(),
        sha256: fetched.sha256(),
        content_type: fetched.content_type().map(str::to_owned),
        fetched_at: now,
        simulated: is_simulated(fetched),
    };
    Sidecar::new(Progress::Downloaded)
        .provenance(options.provenance.clone().or(known))
        .intent(options.intent.clone().or(intent))
        .simulated(options.simulated)
        .row(row)
        .downloaded(task, file)
        .write(path)
}

/// What the simulator writes into all that it makes: in front of the pictures, whatever the format.
const SIMULATED: &[u8] = b"simulated by ark-video";
/// How far into a file that stands: behind the tables of the longest video.
const FRONT: u64 = 256 << 10;

/// Whether a file says of itself that the simulator made it.
fn is_simulated(fetched: &Fetched) -> bool {
    let start = fetched.start(FRONT).unwrap_or_default();
    start.windows(SIMULATED.len()).any(|piece| piece == SIMULATED)
}

/// The facts of a file that its sidecar proves to be this task's.
async fn kept(id: &str, path: &Path) -> Option<FileFacts> {
    let sidecar =
        Sidecar::read(path).ok().flatten().filter(|sidecar| sidecar.task_id.as_deref() == Some(id))?;
    if sidecar.holds(path).await { sidecar.file } else { None }
}
