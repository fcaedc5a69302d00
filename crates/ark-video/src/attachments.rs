//! Local files that go into a request. The request holds a placeholder for each; the file is read
//! while it is sent.

use std::{io, path::PathBuf, sync::Arc};

use ark_video_model::{AudioSource, CreateTaskRequest, ImageSource};
use ark_video_protocol::{
    BaseUrl,
    body::{Source, TOKEN_BYTES, Token},
    create,
};
use ark_video_transport::{BodySource, FileSource, Random, RequestBody, SystemRandom};
use http::Request;

use crate::Error;

/// Files that requests refer to. Cheap to clone.
///
/// ```no_run
/// # async fn run(client: ark_video::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use ark_video::{Attachments, model::ImageToVideo};
///
/// let mut files = Attachments::new();
/// let first = files.image("cat.png", "png")?; // measured, not read
/// let request = ImageToVideo::new("doubao-seedance-2-0-260128", first).build();
/// let task = client.create(&request).files(files).await?;
/// # Ok(()) }
/// ```
///
/// The body is the same as with [`ImageSource::data`], byte by byte, but never more than a few
/// pieces of it are in memory. A file that changes between the two is noticed: before the sending
/// nothing is sent, during it the request breaks off.
#[derive(Debug, Clone, Default)]
pub struct Attachments {
    files: Vec<Attached>,
}

#[derive(Debug, Clone)]
struct Attached {
    token: Token,
    source: Arc<dyn BodySource>,
}

impl Attachments {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An image: below 30 MB, `format` one of jpeg, png, webp, bmp, tiff, gif, and on 1.5 and 2.x
    /// heic and heif (create page, 2026-10).
    ///
    /// # Errors
    /// The file cannot be looked at.
    pub fn image(&mut self, path: impl Into<PathBuf>, format: &str) -> io::Result<ImageSource> {
        let source = FileSource::new(path)?;
        Ok(self.source(&format!("image/{}", format.to_ascii_lowercase()), Arc::new(source)).into())
    }

    /// A sound: at most 15 MB, `format` wav or mp3 (create page, 2026-10).
    ///
    /// # Errors
    /// The file cannot be looked at.
    pub fn audio(&mut self, path: impl Into<PathBuf>, format: &str) -> io::Result<AudioSource> {
        let source = FileSource::new(path)?;
        Ok(self.source(&format!("audio/{}", format.to_ascii_lowercase()), Arc::new(source)).into())
    }

    /// Anything else that has a length; gives the placeholder, which may stand more than once in a
    /// request.
    pub fn source(&mut self, media_type: &str, source: Arc<dyn BodySource>) -> String {
        let mut random = [0; TOKEN_BYTES];
        SystemRandom.fill(&mut random);
        let token = Token::new(random);
        self.files.push(Attached { token, source });
        token.placeholder(media_type)
    }

    /// The file behind a placeholder.
    #[must_use]
    pub fn of(&self, placeholder: &str) -> Option<&dyn BodySource> {
        let token = ark_video_protocol::body::token_of(placeholder)?;
        self.files.iter().find(|file| file.token == token).map(|file| &*file.source)
    }

    /// How the files are called: their paths, where they are files on disk.
    pub fn names(&self) -> impl Iterator<Item = String> {
        self.files.iter().map(|file| file.source.name())
    }

    /// The body that would be sent, with its exact length; the files stay closed.
    ///
    /// # Errors
    /// [`Error::Request`]: more than 64 MiB, or a placeholder of a file that is not here.
    pub fn body(&self, request: &CreateTaskRequest) -> Result<RequestBody, Error> {
        // The address has no part in the body.
        let base = BaseUrl::parse(BaseUrl::VOLCENGINE).map_err(crate::error::ConfigError::BaseUrl)?;
        Ok(self.to_http(request, &base)?.into_body())
    }

    pub(crate) fn to_http(
        &self,
        request: &CreateTaskRequest,
        base: &BaseUrl,
    ) -> Result<Request<RequestBody>, Error> {
        let find = |token: &Token| {
            let index = self.files.iter().position(|file| file.token == *token)?;
            Some(Source::new(index, self.files.get(index)?.source.length()))
        };
        let sources = || self.files.iter().map(|file| file.source.clone()).collect();
        Ok(create::to_plan(request, base, find)?.map(|plan| RequestBody::new(plan, sources())))
    }
}
