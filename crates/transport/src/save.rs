//! Fetching a file to disk: into `NAME.part`, checked, flushed, and only then under its name.
//!
//! What is acceptable is decided in `ark_video_protocol::download`; here bytes are moved. A download that fails or is
//! dropped leaves nothing behind; an existing file is replaced only when asked.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use ark_video_protocol::{
    SendError,
    download::{self, DownloadRefusal, Expected, Head, PlainHttp},
};
use http::{HeaderValue, Request, Uri, header};
use tempfile::TempPath;

use crate::{AnswerBody, Transport};

const USER_AGENT: &str = concat!("ark-video/", env!("CARGO_PKG_VERSION"));

/// How to save.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveOptions {
    /// Replace an existing file. Default no.
    pub overwrite: bool,
    /// Largest file to take, in bytes. Default 4 GiB.
    pub max_bytes: u64,
    /// Where plain `http` is allowed. Default nowhere.
    pub plain_http: PlainHttp,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self { overwrite: false, max_bytes: 4 << 30, plain_http: PlainHttp::Never }
    }
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveProgress {
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes in all, if the storage told.
    pub total: Option<u64>,
}

/// A file that is whole and in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its media type, as the storage named it.
    pub content_type: Option<String>,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveError {
    /// There is something under that name, and replacing was not asked for.
    #[error("{} exists already and is not replaced", path.display())]
    Exists {
        /// The name.
        path: PathBuf,
    },
    /// The name belongs to a folder, or names none.
    #[error("{} is a folder, not a file name", path.display())]
    Folder {
        /// The name.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("{} cannot be {action}: {source}", path.display())]
    File {
        /// What was tried: `created`, `written` and so on.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The storage sent something that must not be taken for the file.
    #[error(transparent)]
    Refused(#[from] DownloadRefusal),
    /// The bytes did not come, or not all of them.
    #[error("the download failed: {0}")]
    Send(#[from] SendError),
}

/// Checks that a file can be put at `path`, before anything is fetched for it.
///
/// # Errors
/// It exists and may not be replaced, is a folder, or its folder does not exist.
pub fn check_target(path: &Path, overwrite: bool) -> Result<(), SaveError> {
    let shows_folder = path
        .as_os_str()
        .as_encoded_bytes()
        .last()
        .is_some_and(|last| std::path::is_separator(char::from(*last)));
    if path.file_name().is_none() || shows_folder {
        return Err(SaveError::Folder { path: path.to_owned() });
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() || path.is_dir() => {
            return Err(SaveError::Folder { path: path.to_owned() });
        }
        Ok(_) if !overwrite => return Err(SaveError::Exists { path: path.to_owned() }),
        _ => {}
    }
    let folder = folder_of(path);
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(file_error("created", path)(io::Error::from(io::ErrorKind::NotADirectory))),
        Err(error) => Err(file_error("created", path)(error)),
    }
}

/// Fetches `link` to `path` and tells `on_progress` how far it is, beginning with zero bytes.
///
/// # Errors
/// See [`SaveError`]. Nothing is left behind, with one exception: if the whole file is there and only the last renaming
/// fails, it stays as `NAME.part`, and the error names that.
pub async fn save(
    transport: &dyn Transport,
    link: &str,
    path: &Path,
    options: &SaveOptions,
    on_progress: &mut (dyn FnMut(SaveProgress) + Send),
) -> Result<Saved, SaveError> {
    check_target(path, options.overwrite)?;
    let (expected, mut body) = open(transport, link, options).await?;
    let part = part_of(path);
    let file = File::create(&part).map_err(file_error("created", &part))?;
    let guard = TempPath::try_from_path(&part).map_err(file_error("created", &part))?;
    let file = Sink { file, path: &part };
    let (file, bytes) = copy(&mut *body, file, &expected, options.max_bytes, on_progress).await?;
    let flushed = tokio::task::spawn_blocking(move || file.sync_all()).await;
    flushed.map_err(io::Error::other).and_then(|flushed| flushed).map_err(file_error("written", &part))?;
    put_in_place(guard, path, options.overwrite)?;
    Ok(Saved { path: path.to_owned(), bytes, content_type: expected.content_type })
}

/// Follows redirects up to the file itself. Every hop is judged like the first.
async fn open(
    transport: &dyn Transport,
    link: &str,
    options: &SaveOptions,
) -> Result<(Expected, Box<dyn AnswerBody>), SaveError> {
    let mut from = download::check_link(link, options.plain_http)?;
    for _ in 0..=download::MAX_REDIRECTS {
        let (head, body) = transport.open(request(&from)).await?.into_parts();
        match download::judge(head.status, &head.headers, &from, options.max_bytes)? {
            Head::Redirect(to) => from = download::check_link(&to, options.plain_http)?,
            Head::File(expected) => return Ok((expected, body)),
            _ => return Err(DownloadRefusal::Status { status: head.status.as_u16() }.into()),
        }
    }
    Err(DownloadRefusal::TooManyRedirects.into())
}

fn request(link: &Uri) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = link.clone();
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    request
}

struct Sink<'a> {
    file: File,
    path: &'a Path,
}

/// Writes pieces as they come: on the machines measured, direct writes beat every hand-over to another thread.
async fn copy(
    body: &mut dyn AnswerBody,
    mut to: Sink<'_>,
    expected: &Expected,
    max_bytes: u64,
    on_progress: &mut (dyn FnMut(SaveProgress) + Send),
) -> Result<(File, u64), SaveError> {
    let total = expected.length;
    let mut bytes = 0;
    on_progress(SaveProgress { bytes, total });
    while let Some(piece) = body.chunk().await? {
        let after = bytes + piece.len() as u64;
        if after > total.unwrap_or(max_bytes) {
            return Err(match total {
                Some(length) => DownloadRefusal::WrongLength { length, got: after }.into(),
                None => DownloadRefusal::TooLarge { length: after, max_bytes }.into(),
            });
        }
        to.file.write_all(&piece).map_err(file_error("written", to.path))?;
        bytes = after;
        on_progress(SaveProgress { bytes, total });
    }
    download::whole(expected, bytes)?;
    Ok((to.file, bytes))
}

fn put_in_place(part: TempPath, path: &Path, overwrite: bool) -> Result<(), SaveError> {
    let moved = if overwrite { part.persist(path) } else { part.persist_noclobber(path) };
    if let Err(failed) = moved {
        // The film is whole and paid for: it stays, under its other name.
        let kept = failed.path.keep().unwrap_or_else(|failed| failed.path.to_path_buf());
        return Err(file_error("moved to its final name (it is whole)", &kept)(failed.error));
    }
    // Makes the new name last through a power cut. Not every system can do this to a folder.
    let _ = File::open(folder_of(path)).and_then(|folder| folder.sync_all());
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn part_of(path: &Path) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SaveError {
    let path = path.to_owned();
    move |source| SaveError::File { action, path, source }
}
