//! Whether a result can be saved under a name: everything that can be known of it before something
//! is paid for. The one check of the command and of batches. Inspects files, leaves none behind,
//! sends nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ark_video_transport::{Staged, check_room, is_own_file};

use crate::provenance::{Intent, Progress, SIDECAR_ENDING, Sidecar};

/// Longest file name, in bytes, on the usual file systems; said in messages, the system itself is
/// asked.
const LONGEST: usize = 255;

/// Where a result is to go.
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "nothing is response at before `check`"]
pub struct Target {
    path: PathBuf,
    base: PathBuf,
    overwrite: bool,
    sidecar: bool,
    last_frame: bool,
    makes_folder: bool,
    adopts: bool,
    rehearsal: bool,
    inputs: Arc<InputFiles>,
    own: Option<Intent>,
    task: Option<String>,
    passes_own_video: bool,
}

/// Why a result cannot be saved under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TargetFault {
    /// It is not the name of a file.
    NotAName,
    /// A folder has the name.
    Folder,
    /// Something is there, and replacing was not asked for.
    Exists,
    /// A link that leads nowhere has the name.
    DanglingLink,
    /// A pipe or a device has the name.
    NotAFile,
    /// The folder does not exist.
    FolderMissing,
    /// What should be the folder is something else.
    FolderIsNone,
    /// Nothing can be written into the folder.
    FolderReadOnly,
    /// The disk is full.
    NoRoom,
    /// With what lies beside it, the name is too long.
    NameTooLong,
    /// What has the name of the partial file is not ours.
    ForeignPart,
    /// What has the name of the sidecar is not one.
    ForeignSidecar,
    /// An earlier run with this name did not end: it may have been billed.
    Unfinished,
    /// The last frame's name is taken.
    LastFrameExists,
    /// It is a file that goes into the request.
    IsAnInput,
}

/// Why a result cannot be saved under a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct TargetError {
    /// The kind of reason.
    pub fault: TargetFault,
    /// What is in the way.
    pub message: String,
    /// What to do about it; empty where nothing comes to mind.
    pub advice: String,
}

/// Files that must not be written over: those that go into requests. Known by what they are, not by
/// how they are called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InputFiles(BTreeMap<FileIdentity, PathBuf>);

/// The identity of a file on disk.
#[cfg(unix)]
type FileIdentity = (u64, u64);
#[cfg(not(unix))]
type FileIdentity = PathBuf;

#[cfg(unix)]
fn identity(path: &Path) -> Option<FileIdentity> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<FileIdentity> {
    path.canonicalize().ok()
}

impl InputFiles {
    /// The file that has this name too, by whatever links, as it was called when it was handed
    /// over.
    fn same_as(&self, path: &Path) -> Option<&Path> {
        self.0.get(&identity(path)?).map(PathBuf::as_path)
    }
}

impl<P: Into<PathBuf>> FromIterator<P> for InputFiles {
    fn from_iter<I: IntoIterator<Item = P>>(paths: I) -> Self {
        let known = |path: P| {
            let path = path.into();
            Some((identity(&path)?, path))
        };
        Self(paths.into_iter().filter_map(known).collect())
    }
}

/// Folders into which writing was tried already: of a list of thousands, each is tried once.
#[derive(Debug, Clone, Default)]
pub struct TargetFolders(BTreeSet<PathBuf>);

impl Target {
    /// A new file with a sidecar, in a folder that exists.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), sidecar: true, ..Self::default() }
    }

    /// Messages name paths as they are seen from this folder.
    pub fn shown_from(mut self, base: impl Into<PathBuf>) -> Self {
        self.base = base.into();
        self
    }

    /// What is there is replaced.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Whether a sidecar is written beside it.
    pub fn sidecar(mut self, sidecar: bool) -> Self {
        self.sidecar = sidecar;
        self
    }

    /// Whether the last frame is saved beside it.
    pub fn last_frame(mut self, last_frame: bool) -> Self {
        self.last_frame = last_frame;
        self
    }

    /// Whether the folder is made where it does not exist.
    pub fn makes_folder(mut self, makes: bool) -> Self {
        self.makes_folder = makes;
        self
    }

    /// Whether an existing file may be the result of an earlier run, which the caller decides.
    pub fn adopts(mut self, adopts: bool) -> Self {
        self.adopts = adopts;
        self
    }

    /// Whether what the simulator made before is replaced; nothing else is.
    pub fn rehearsal(mut self, rehearsal: bool) -> Self {
        self.rehearsal = rehearsal;
        self
    }

    /// Files that must not be written over: those that go into requests.
    pub fn inputs(mut self, inputs: impl Into<Arc<InputFiles>>) -> Self {
        self.inputs = inputs.into();
        self
    }

    /// An unfinished run whose sidecar names this intent, or this shot, is our own.
    pub fn intent(mut self, intent: Intent) -> Self {
        self.own = Some(intent);
        self
    }

    /// An unfinished run whose sidecar names this task is our own.
    pub fn task(mut self, id: impl Into<String>) -> Self {
        self.task = Some(id.into());
        self
    }

    /// Whether a video whose sidecar names our own intent, or shot, is no obstacle: nothing will be
    /// made in its place.
    pub fn passes_own_video(mut self, passes: bool) -> Self {
        self.passes_own_video = passes;
        self
    }

    /// Whether a result can be saved here.
    ///
    /// # Errors
    /// [`TargetError`], the first reason against it.
    pub fn check(&self) -> Result<(), TargetError> {
        self.check_among(&mut TargetFolders::default())
    }

    /// As [`Target::check`], for one of many.
    ///
    /// # Errors
    /// As [`Target::check`].
    pub fn check_among(&self, folders: &mut TargetFolders) -> Result<(), TargetError> {
        self.check_name()?;
        let folder = self.check_folder(folders)?;
        self.check_length(&folder)?;
        self.check_inputs()?;
        self.check_video()?;
        self.check_beside()
    }

    /// Whether files can be written into its folder, whatever their names will be.
    ///
    /// # Errors
    /// [`TargetError`] about the folder.
    pub fn check_only_folder(&self) -> Result<(), TargetError> {
        self.check_folder(&mut TargetFolders::default()).map(drop)
    }

    fn shown<'p>(&self, path: &'p Path) -> std::path::Display<'p> {
        let shown = path.strip_prefix(&self.base).ok().filter(|rest| !rest.as_os_str().is_empty());
        shown.unwrap_or(path).display()
    }

    fn check_name(&self) -> Result<(), TargetError> {
        let shown = self.shown(&self.path);
        let looks_like_folder = self.path.to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
        if self.path.is_dir() || looks_like_folder {
            let file = self.path.join("video.mp4");
            let advice = format!("name a file, such as {}", self.shown(&file));
            return Err(fault(TargetFault::Folder, format!("{shown} is a folder, not a file"), advice));
        }
        let Some(name) = self.path.file_name() else {
            let message = format!("{shown} is not the name of a file");
            return Err(fault(TargetFault::NotAName, message, "videos are written to files only"));
        };
        if name == "-" {
            return Err(fault(
                TargetFault::NotAName,
                "- is not the name of a file",
                "videos are written to files only",
            ));
        }
        Ok(())
    }

    /// The folder, or the nearest one above it that exists.
    fn check_folder(&self, folders: &mut TargetFolders) -> Result<PathBuf, TargetError> {
        let wanted = self.path.parent().unwrap_or(Path::new(""));
        let here = |folder: &Path| {
            if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() }
        };
        let is_base = !self.base.as_os_str().is_empty() && wanted == self.base;
        let shown = if wanted.as_os_str().is_empty() || is_base {
            ".".to_owned()
        } else {
            self.shown(wanted).to_string()
        };
        let mut folder = wanted;
        loop {
            let real = here(folder);
            // Asked once: another shot may make the folder in between.
            let found = std::fs::metadata(&real);
            if found.as_ref().is_ok_and(std::fs::Metadata::is_dir) {
                break;
            }
            let what = match found {
                Ok(_) => Some("is not a folder"),
                Err(_) if real.is_symlink() => Some("is a link that leads nowhere"),
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => None,
                // A name that is too long is one of the names below.
                Err(error) if error.kind() == io::ErrorKind::InvalidFilename => None,
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => {
                    let message = format!("the folder {shown} cannot be response at: {}", reason(&error));
                    return Err(fault(TargetFault::FolderReadOnly, message, "choose another"));
                }
            };
            if let Some(what) = what {
                let message = format!("the folder {} {what}", self.shown(folder));
                return Err(fault(
                    TargetFault::FolderIsNone,
                    message,
                    "move it away, or choose another folder",
                ));
            }
            if !self.makes_folder {
                // What is no folder above it is the better reason.
                let above = folder.ancestors().skip(1).find(|above| above.symlink_metadata().is_ok());
                if let Some(file) = above.filter(|above| !above.as_os_str().is_empty() && !above.is_dir()) {
                    let message = format!("the folder {} is not a folder", self.shown(file));
                    return Err(fault(
                        TargetFault::FolderIsNone,
                        message,
                        "move it away, or choose another folder",
                    ));
                }
                let message = format!("the folder {shown} does not exist");
                return Err(fault(TargetFault::FolderMissing, message, "make it, or choose another"));
            }
            match folder.parent() {
                Some(above) => folder = above,
                None => break,
            }
        }
        let folder = here(folder);
        if folders.0.contains(&folder) {
            return Ok(folder);
        }
        let probe = folder.join("video");
        // Only writing proves that one can write: permissions, quotas and read-only disks all have
        // their own say.
        if let Err(error) = Staged::beside(&probe) {
            let message = format!("nothing can be written into the folder {shown}: {}", reason(&error));
            return Err(fault(TargetFault::FolderReadOnly, message, "choose another folder"));
        }
        if check_room(&probe).is_err() {
            let message = format!("the disk of the folder {shown} is full: less than 64 MiB are free");
            return Err(fault(TargetFault::NoRoom, message, "make room, or choose another folder"));
        }
        folders.0.insert(folder.clone());
        Ok(folder)
    }

    /// Asks the system about the longest names that will lie beside the file, and about folders
    /// that are to be made.
    fn check_length(&self, folder: &Path) -> Result<(), TargetError> {
        let mut names: Vec<OsString> = Vec::new();
        let own = self.path.file_name().unwrap_or_default().to_owned();
        names.push(with(&own, if self.sidecar { SIDECAR_ENDING } else { ".part.json" }));
        if self.last_frame {
            let frame = beside(Path::new(&own), "jpeg").into_os_string();
            names.push(with(&frame, if self.sidecar { SIDECAR_ENDING } else { "" }));
        }
        let made = self.path.parent().and_then(|parent| parent.strip_prefix(folder).ok());
        names.extend(made.into_iter().flat_map(Path::components).map(|part| part.as_os_str().to_owned()));
        // The whole path counts too.
        let whole = with(self.path.as_os_str(), SIDECAR_ENDING);
        let too_long = |path: &Path| {
            path.symlink_metadata().is_err_and(|error| error.kind() == io::ErrorKind::InvalidFilename)
        };
        let long = names.iter().find(|name| too_long(&folder.join(name)) || name.len() > LONGEST);
        if long.is_none() && !too_long(Path::new(&whole)) {
            return Ok(());
        }
        let longest = long.unwrap_or(&whole);
        let message = format!(
            "the name {} is too long: with what lies beside the file it has {} bytes, and at most {LONGEST} are possible for a name",
            self.shown(&self.path),
            longest.len(),
        );
        let most = LONGEST.saturating_sub(longest.len().saturating_sub(own.len()));
        Err(fault(TargetFault::NameTooLong, message, format!("choose a name of at most {most} bytes")))
    }

    fn check_inputs(&self) -> Result<(), TargetError> {
        for path in self.names() {
            let Some(input) = self.inputs.same_as(&path) else { continue };
            let shown = self.shown(&path);
            let message = if path == *input {
                format!("{shown} goes into a request, and would be replaced by what comes of it")
            } else {
                format!("{shown} is the same file as {}, which goes into a request", self.shown(input))
            };
            return Err(fault(TargetFault::IsAnInput, message, "choose another name"));
        }
        Ok(())
    }

    /// Everything that is written or replaced on the way.
    fn names(&self) -> Vec<PathBuf> {
        let mut names = vec![self.path.clone(), PathBuf::from(with(self.path.as_os_str(), ".part"))];
        names.push(PathBuf::from(with(self.path.as_os_str(), ".part.json")));
        names.extend(self.sidecar.then(|| Sidecar::path_of(&self.path)));
        names.extend(self.frames());
        names
    }

    fn frames(&self) -> impl Iterator<Item = PathBuf> {
        let wanted: &[&str] = if self.last_frame { &["png", "jpeg"] } else { &[] };
        wanted.iter().map(|ending| beside(&self.path, ending))
    }

    fn check_video(&self) -> Result<(), TargetError> {
        let shown = self.shown(&self.path);
        let Ok(found) = self.path.symlink_metadata() else { return Ok(()) };
        if found.is_symlink() && !self.path.exists() {
            if self.overwrite {
                return Ok(());
            }
            let message = format!("{shown} is a link that leads nowhere");
            return Err(fault(TargetFault::DanglingLink, message, "remove it, or choose another name"));
        }
        if !self.path.is_file() {
            let message = format!("{shown} is a pipe or a device, not a file");
            return Err(fault(TargetFault::NotAFile, message, "choose another name"));
        }
        if self.overwrite || self.adopts || self.is_own(&self.path) {
            return Ok(());
        }
        let simulated = self.read_sidecar().is_some_and(|sidecar| sidecar.simulated);
        if simulated && self.rehearsal {
            return Ok(());
        }
        let what = if simulated { ", from a rehearsal" } else { "" };
        let advice = "choose another name, or say --overwrite";
        Err(fault(TargetFault::Exists, format!("{shown} already exists{what}"), advice))
    }

    fn check_beside(&self) -> Result<(), TargetError> {
        let part = PathBuf::from(with(self.path.as_os_str(), ".part"));
        let state = PathBuf::from(with(part.as_os_str(), ".json"));
        let foreign = |path: &Path, why: &str| {
            let message = format!("{} is in the way of the download: {why}", self.shown(path));
            fault(TargetFault::ForeignPart, message, "move it away, or choose another name")
        };
        for path in [&part, &state] {
            if let Err(error) = is_own_file(path)
                && error.kind() == io::ErrorKind::InvalidInput
            {
                return Err(foreign(path, &error.to_string()));
            }
        }
        if part.symlink_metadata().is_ok_and(|found| found.len() > 0) && state.symlink_metadata().is_err() {
            return Err(foreign(&part, "it is not a download of ours"));
        }
        if self.sidecar {
            self.check_sidecar()?;
        }
        for frame in self.frames() {
            let Ok(found) = frame.symlink_metadata() else { continue };
            let replaced = self.overwrite || self.adopts || self.is_own(&frame) || self.is_own(&self.path);
            let shown = self.shown(&frame);
            if found.is_dir() {
                let message = format!("{shown}, where the last frame goes, is a folder");
                return Err(fault(
                    TargetFault::LastFrameExists,
                    message,
                    "move it away, or choose another name",
                ));
            }
            let rehearsed = || Sidecar::read(&frame).ok().flatten().is_some_and(|sidecar| sidecar.simulated);
            if !replaced
                && !(self.rehearsal
                    && (rehearsed() || self.read_sidecar().is_some_and(|sidecar| sidecar.simulated)))
            {
                let advice = "choose another name, or say --overwrite";
                return Err(fault(TargetFault::LastFrameExists, format!("{shown} already exists"), advice));
            }
        }
        Ok(())
    }

    fn check_sidecar(&self) -> Result<(), TargetError> {
        let path = Sidecar::path_of(&self.path);
        let Ok(found) = path.symlink_metadata() else { return Ok(()) };
        let shown = self.shown(&path);
        if !found.is_file() {
            let what = if path.is_dir() { "a folder" } else { "not a regular file" };
            let message = format!("{shown}, where the sidecar goes, is {what}");
            return Err(fault(TargetFault::ForeignSidecar, message, "move it away, or choose another name"));
        }
        if self.overwrite || self.adopts {
            return Ok(());
        }
        let Some(sidecar) = self.read_sidecar() else {
            let message = format!("{shown} already exists, and cannot be read as a sidecar");
            return Err(fault(TargetFault::ForeignSidecar, message, "move it away, or choose another name"));
        };
        let is_over =
            matches!(sidecar.progress, Progress::Downloaded | Progress::Prepared) || sidecar.simulated;
        let same_task = self.task.is_some() && sidecar.task_id == self.task;
        if is_over || same_task || self.own.as_ref().is_some_and(|own| is_of(&sidecar, own)) {
            return Ok(());
        }
        let message =
            format!("{} was started by an earlier run that did not end ({shown})", self.shown(&self.path));
        Err(fault(TargetFault::Unfinished, message, "end that run first, or choose another name"))
    }

    fn read_sidecar(&self) -> Option<Sidecar> {
        Sidecar::read(&self.path).ok().flatten()
    }

    /// Whether the sidecar of a file names our intent or our shot.
    fn is_own(&self, path: &Path) -> bool {
        let Some(own) = self.own.as_ref().filter(|_| self.passes_own_video) else { return false };
        Sidecar::read(path).ok().flatten().is_some_and(|sidecar| !sidecar.simulated && is_of(&sidecar, own))
    }
}

fn is_of(sidecar: &Sidecar, own: &Intent) -> bool {
    let shot = sidecar.intent.as_ref().and_then(|intent| intent.shot.as_ref());
    sidecar.intent_hash().as_deref() == Some(&*own.hash) || (shot.is_some() && shot == own.shot.as_ref())
}

fn fault(fault: TargetFault, message: impl Into<String>, advice: impl Into<String>) -> TargetError {
    TargetError { fault, message: message.into(), advice: advice.into() }
}

fn with(path: &std::ffi::OsStr, ending: &str) -> OsString {
    let mut name = path.to_owned();
    name.push(ending);
    name
}

/// `tea.mp4` to `tea.last.png`: where the last frame lies.
fn beside(video: &Path, ending: &str) -> PathBuf {
    let mut name = video.file_stem().unwrap_or_default().to_os_string();
    name.push(format!(".last.{ending}"));
    video.with_file_name(name)
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
