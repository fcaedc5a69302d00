//! What is sent: bytes, or a plan with files to be read while sending. Says what a file is; reads
//! none.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    path::PathBuf,
    sync::Arc,
};

use ark_video_protocol::body::BodyPlan;
use bytes::{Bytes, BytesMut};

use crate::{SourceError, body_stream::OpenBody, error::changed};

/// Something that a body takes bytes from, from its start each time it is opened.
pub trait BodySource: Send + Sync + fmt::Debug {
    /// How errors call it.
    fn name(&self) -> String;

    /// Its length in bytes. A source that turns out to be shorter or longer breaks the sending off.
    fn length(&self) -> u64;

    /// Opens it. An error here means that nothing was sent.
    ///
    /// # Errors
    /// It cannot be opened, or no longer has its length.
    fn open(&self) -> io::Result<Box<dyn Read + Send + Sync>>;
}

/// A file, with the length that it had when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileSource {
    path: PathBuf,
    length: u64,
}

impl FileSource {
    /// Reads the metadata of a file, not its content.
    ///
    /// # Errors
    /// There is no such file, it is not one, or it may not be looked at.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let found = std::fs::metadata(&path)?;
        if !found.is_file() {
            return Err(io::Error::other("it is not a file"));
        }
        Ok(Self { path, length: found.len() })
    }
}

impl BodySource for FileSource {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn length(&self) -> u64 {
        self.length
    }

    fn open(&self) -> io::Result<Box<dyn Read + Send + Sync>> {
        let file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        if length != self.length {
            return Err(changed(self.length));
        }
        Ok(Box::new(file))
    }
}

/// The body of a request. Its length is known; what it holds may still be on disk. Cheap to clone.
///
/// ```
/// use ark_video_protocol::{BaseUrl, get};
/// use ark_video_transport::RequestBody;
///
/// let base = BaseUrl::parse(BaseUrl::VOLCENGINE)?;
/// let request = get::Request::new("cgt-1").to_http(&base)?.map(RequestBody::from);
/// assert_eq!(request.uri().path(), "/api/v3/contents/generations/tasks/cgt-1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct RequestBody {
    plan: BodyPlan,
    sources: Vec<Arc<dyn BodySource>>,
    before_first_byte: BeforeFirstByte,
}

/// What is done when the connection stands and before the first byte of a body leaves.
#[derive(Clone, Default)]
pub(crate) struct BeforeFirstByte(Option<Arc<dyn Fn() -> io::Result<()> + Send + Sync>>);

impl BeforeFirstByte {
    pub(crate) fn call(&self) -> Result<(), SourceError> {
        let done = self.0.as_ref().map_or(Ok(()), |before| before());
        done.map_err(|error| SourceError { name: "the request".to_owned(), why: error.to_string() })
    }
}

impl fmt::Debug for BeforeFirstByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BeforeFirstByte").field(&self.0.is_some()).finish()
    }
}

impl RequestBody {
    /// A plan with the sources that its indices mean.
    #[must_use]
    pub fn new(plan: BodyPlan, sources: Vec<Arc<dyn BodySource>>) -> Self {
        Self { plan, sources, before_first_byte: BeforeFirstByte::default() }
    }

    /// Sets what is done right before the first byte leaves: last of all, when the connection
    /// stands. Until then nothing was sent, and an error from it means that nothing will be.
    #[must_use]
    pub fn before_first_byte(mut self, before: Arc<dyn Fn() -> io::Result<()> + Send + Sync>) -> Self {
        self.before_first_byte = BeforeFirstByte(Some(before));
        self
    }

    /// For a transport: to be called once, right before the first byte leaves.
    /// [`crate::HttpTransport`] does.
    ///
    /// # Errors
    /// Nothing may be sent.
    pub fn leave(&self) -> Result<(), SourceError> {
        self.before_first_byte.call()
    }

    /// Bytes on the wire.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.plan.length()
    }

    /// The whole body, if no source has to be read for it.
    #[must_use]
    pub fn bytes(&self) -> Option<Bytes> {
        self.plan.bytes()
    }

    /// Reads everything into memory. For tests and for HTTP stacks that cannot stream.
    ///
    /// # Errors
    /// A source cannot be read, or is not as long as announced.
    pub fn read(&self) -> Result<Bytes, SourceError> {
        let mut open = self.open()?;
        let mut all = BytesMut::with_capacity(usize::try_from(self.length()).unwrap_or(0));
        while let Some(piece) = open.next() {
            all.extend_from_slice(&piece?);
        }
        Ok(all.freeze())
    }

    /// Writes everything as it would be sent, piece by piece.
    ///
    /// # Errors
    /// A source cannot be read, or `to` cannot be written.
    pub fn write_to(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut open = self.open().map_err(io::Error::other)?;
        while let Some(piece) = open.next() {
            to.write_all(&piece.map_err(io::Error::other)?)?;
        }
        Ok(())
    }

    pub(crate) fn first_byte(&self) -> BeforeFirstByte {
        self.before_first_byte.clone()
    }

    /// Opens every source, so that what is missing is known before anything is sent.
    pub(crate) fn open(&self) -> Result<OpenBody, SourceError> {
        OpenBody::new(self.plan.segments(), &self.sources)
    }
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        Self::new(bytes.into(), Vec::new())
    }
}
