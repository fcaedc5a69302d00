//! Fetching a file to disk: into `NAME.part`, measured, hashed, flushed, and only then under its
//! name.
//!
//! What is acceptable is decided in `ark_video_protocol::download`; here bytes are moved, once per
//! call. A download that fails, is dropped or is killed is taken up by the next call; an existing
//! file is replaced only when asked.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ark_video_protocol::{
    SendError,
    download::{self, DownloadRefusal, Expected, Head, Kept, UrlPolicy},
};
use http::{HeaderValue, Request, Uri, header};

use crate::{
    AnswerBody, SaveError, Transport,
    disk_space::check_room,
    files::{folder_of, is_own_file, open_regular},
    part_file::{PartFile, hash, part_path},
    receive::{Receiver, receive},
};

const USER_AGENT: &str = concat!("ark-video/", env!("CARGO_PKG_VERSION"));

/// How to save.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct SaveOptions {
    /// Replace an existing file. Default no.
    pub overwrite: bool,
    /// Largest file to take, in bytes. Default 4 GiB.
    pub max_bytes: u64,
    /// Which links may be fetched. Default `https` from machines that anybody can reach.
    pub rules: UrlPolicy,
}

impl Default for SaveOptions {
    fn default() -> Self {
        Self { overwrite: false, max_bytes: 4 << 30, rules: UrlPolicy::default() }
    }
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct SaveProgress {
    /// Bytes on disk.
    pub bytes: u64,
    /// Total bytes, if the storage sent a length.
    pub total: Option<u64>,
}

/// A file that is whole and in its place.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Saved {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its media type, as the storage named it.
    pub content_type: Option<String>,
    /// Bytes that an earlier call had fetched.
    pub resumed_at: u64,
}

/// Checks that a file can be put at `path`, before anything is fetched for it.
///
/// # Errors
/// It exists and may not be replaced, is a folder, its folder does not exist, or there is no room
/// on its disk.
pub fn check_target(path: &Path, overwrite: bool) -> Result<(), SaveError> {
    let shows_folder = path
        .as_os_str()
        .as_encoded_bytes()
        .last()
        .is_some_and(|last| std::path::is_separator(char::from(*last)));
    if path.file_name().is_none() || shows_folder {
        return Err(SaveError::Folder { path: path.to_owned() });
    }
    if let Err(error) = is_own_file(&part_path(path))
        && error.kind() == io::ErrorKind::InvalidInput
    {
        return Err(SaveError::Foreign { path: part_path(path), why: error.to_string() });
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
        Ok(found) if found.is_dir() => check_room(path),
        Ok(_) => Err(SaveError::file("created", path)(io::Error::from(io::ErrorKind::NotADirectory))),
        Err(error) => Err(SaveError::file("created", path)(error)),
    }
}

/// Downloads `link` into the part file of `path`, resumes an earlier attempt, and reports progress
/// to `on_progress`, beginning with what is there already.
///
/// What is fetched has the announced length and the storage's checksum, where there were any, and
/// is not a page. Whether it is what was asked for is the caller's to judge, from
/// [`Fetched::file`]; so is whether it is complete, where neither a length was announced nor an end
/// marked.
///
/// Dropping the future keeps what was fetched.
///
/// # Errors
/// See [`SaveError`]. What can be resumed stays as `NAME.part` with its state in `NAME.part.json`.
pub async fn fetch(
    transport: &dyn Transport,
    link: &str,
    path: &Path,
    options: &SaveOptions,
    on_progress: &mut (dyn FnMut(SaveProgress) + Send),
) -> Result<Fetched, SaveError> {
    check_target(path, options.overwrite)?;
    let target = path.to_owned();
    let part = tokio::task::spawn_blocking(move || PartFile::open(&target)).await;
    let mut part = part.map_err(|gone| SaveError::file("opened", path)(io::Error::other(gone)))??;
    let resumed_at = part.bytes();
    let (mut expected, mut broke_off) = (Expected::default(), None);
    // Killed between its last byte and its name: nothing is left to ask for.
    if part.is_whole_of(link) {
        on_progress(SaveProgress { bytes: resumed_at, total: Some(resumed_at) });
        expected.length = Some(resumed_at);
    } else {
        match transfer(transport, link, &mut part, options, on_progress).await {
            Err(SaveError::Refused(refusal @ DownloadRefusal::Incomplete { .. })) => {
                part.reject();
                return Err(refusal.into());
            }
            transferred => (expected, broke_off) = transferred?,
        }
    }
    if download::looks_like_page(&part.first_bytes()?) {
        part.discard()?;
        let content_type = "a page or a message".to_owned();
        return Err(DownloadRefusal::NotMedia { content_type }.into());
    }
    part.flush().await?;
    if let Err(refusal) = part.verify_checksum() {
        part.reject();
        return Err(refusal.into());
    }
    Ok(Fetched { part, resumed_at, overwrite: options.overwrite, path: path.to_owned(), expected, broke_off })
}

/// As [`fetch`], and gives the file its name, whatever it is.
///
/// # Errors
/// See [`SaveError`]. [`DownloadRefusal::Incomplete`] if nothing shows where the file ends.
pub async fn save(
    transport: &dyn Transport,
    link: &str,
    path: &Path,
    options: &SaveOptions,
    on_progress: &mut (dyn FnMut(SaveProgress) + Send),
) -> Result<Saved, SaveError> {
    let fetched = fetch(transport, link, path, options, on_progress).await?;
    if fetched.is_end_known() {
        return fetched.place();
    }
    let why = "nothing shows where it ends".to_owned();
    Err(fetched.reject(DownloadRefusal::Incomplete { why }))
}

/// A file that is on disk, as long as announced, and not yet under its name.
#[derive(Debug)]
pub struct Fetched {
    part: PartFile,
    resumed_at: u64,
    overwrite: bool,
    path: PathBuf,
    expected: Expected,
    /// How the connection ended where no length was announced.
    broke_off: Option<SendError>,
}

impl Fetched {
    /// Its length in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.part.bytes()
    }

    /// Its SHA-256, in hexadecimal; taken while it was written.
    #[must_use]
    pub fn sha256(&self) -> String {
        self.part.sha256()
    }

    /// Its first bytes, at most `most`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn start(&self, most: u64) -> io::Result<Vec<u8>> {
        self.part.start(most)
    }

    /// Its media type, as the storage named it.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.part.content_type()
    }

    /// The encoding that it came with and that could not be undone.
    #[must_use]
    pub fn coding(&self) -> Option<&str> {
        self.expected.coding.as_deref()
    }

    /// Whether its length was announced, and is the one that it has.
    #[must_use]
    pub fn is_length_known(&self) -> bool {
        self.expected.length.is_some()
    }

    /// Whether its length was announced, or the body marked its end.
    #[must_use]
    pub fn is_end_known(&self) -> bool {
        self.broke_off.is_none() && (self.is_length_known() || self.expected.marks_end)
    }

    /// What it holds; reads begin wherever they are sought.
    #[must_use]
    pub fn file(&self) -> &fs::File {
        self.part.file()
    }

    /// Does not take it for what was asked for: what came stays as `NAME.part`, and the next call
    /// begins from the start. Gives the reason back, or the break of the connection, where that is
    /// the reason behind it.
    pub fn reject(self, refusal: DownloadRefusal) -> SaveError {
        self.part.reject();
        match (refusal, self.broke_off) {
            (DownloadRefusal::Incomplete { .. }, Some(error)) => SaveError::Send(error),
            (refusal, _) => SaveError::Refused(refusal),
        }
    }

    /// Gives it its name, in one step.
    ///
    /// # Errors
    /// [`SaveError::File`]: the name was taken meanwhile, or the system refused. The file stays as
    /// `NAME.part`, whole.
    pub fn place(self) -> Result<Saved, SaveError> {
        let saved = Saved {
            path: self.path.clone(),
            bytes: self.bytes(),
            sha256: self.sha256(),
            content_type: self.content_type().map(str::to_owned),
            resumed_at: self.resumed_at,
        };
        self.part.place(&self.path, self.overwrite)?;
        Ok(saved)
    }
}

/// Length and SHA-256 (in hexadecimal) of a file. Reads it all, on a thread of its own.
///
/// # Errors
/// It cannot be read, or is not a regular file.
pub async fn hash_file(path: &Path) -> io::Result<(u64, String)> {
    let path = path.to_owned();
    let hashed = tokio::task::spawn_blocking(move || hash(open_regular(&path)?)).await;
    hashed.map_err(io::Error::other)?
}

/// What was promised of the file, and how the connection broke off where no length was.
type Transferred = (Expected, Option<SendError>);

async fn transfer(
    transport: &dyn Transport,
    link: &str,
    part: &mut PartFile,
    options: &SaveOptions,
    on_progress: &mut (dyn FnMut(SaveProgress) + Send),
) -> Result<Transferred, SaveError> {
    let kept = part.take_up(link)?;
    let (head, mut body) = match open(transport, link, options, kept.as_ref()).await {
        Err(SaveError::Refused(DownloadRefusal::Changed)) => {
            part.discard()?;
            return Err(DownloadRefusal::Changed.into());
        }
        opened => opened?,
    };
    let (mut expected, overlap) = match (head, kept) {
        (Head::Rest(expected), Some(kept)) => {
            let overlap = part.bytes_from(kept.from())?;
            part.go_on(&expected)?;
            (expected, overlap)
        }
        (Head::File(expected), _) => {
            part.begin(link, &expected)?;
            (expected, Vec::new())
        }
        _ => return Err(DownloadRefusal::TooManyRedirects.into()),
    };
    let receiver = Receiver::new(part, &expected, overlap, options.max_bytes);
    let ended = receive(&mut *body, receiver, &mut expected, on_progress).await;
    match ended {
        // Whether it is complete all the same is for its structure to say.
        Err(SaveError::Send(error)) if expected.length.is_none() && part.bytes() > 0 => {
            return Ok((expected, Some(error)));
        }
        ended => ended?,
    }
    download::whole(&expected, part.bytes())?;
    Ok((expected, None))
}

/// Follows redirects up to the file itself. Every hop is judged like the first.
async fn open(
    transport: &dyn Transport,
    link: &str,
    options: &SaveOptions,
    kept: Option<&Kept>,
) -> Result<(Head, Box<dyn AnswerBody>), SaveError> {
    let mut from = download::check_link(link, options.rules)?;
    for _ in 0..=download::MAX_REDIRECTS {
        let (head, body) = transport.open(request(&from, kept), options.rules.reach).await?.into_parts();
        match download::judge(head.status, &head.headers, &from, options.max_bytes, kept)? {
            Head::Redirect(to) => from = download::check_link(&to, options.rules)?,
            head => return Ok((head, body)),
        }
    }
    Err(DownloadRefusal::TooManyRedirects.into())
}

fn request(link: &Uri, kept: Option<&Kept>) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = link.clone();
    let headers = request.headers_mut();
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    if let Some(kept) = kept
        && let Ok(range) = HeaderValue::try_from(kept.range())
    {
        headers.insert(header::RANGE, range);
        if let Some(etag) = kept.etag.as_deref().and_then(|etag| HeaderValue::from_str(etag).ok()) {
            headers.insert(header::IF_RANGE, etag);
        }
    }
    request
}
