//! Local files that go into a request. The request holds a placeholder for each; the file is read
//! while it is sent.

use std::{io, path::PathBuf, sync::Arc};

use ark_video_model::{AudioSource, ContentItem, CreateTaskRequest, ImageSource, VideoSource};
use ark_video_protocol::{
    BaseUrl,
    body::{MAX_BODY, Source, TOKEN_BYTES, Token, hosted, is_hosted, token_of},
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
    media_type: String,
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

    /// A video: at most 200 MB, `format` mp4 or mov (create page, 2026-10). The service takes
    /// videos by URL only: [`Attachments::upload`] it before the create.
    ///
    /// # Errors
    /// The file cannot be looked at.
    pub fn video(&mut self, path: impl Into<PathBuf>, format: &str) -> io::Result<VideoSource> {
        let source = FileSource::new(path)?;
        let inline = self.source(&format!("video/{}", format.to_ascii_lowercase()), Arc::new(source));
        Ok(hosted(&inline).unwrap_or(inline).into())
    }

    /// Anything else that has a length; gives the placeholder, which may stand more than once in a
    /// request.
    pub fn source(&mut self, media_type: &str, source: Arc<dyn BodySource>) -> String {
        let mut random = [0; TOKEN_BYTES];
        SystemRandom.fill(&mut random);
        let token = Token::new(random);
        self.files.push(Attached { token, media_type: media_type.to_owned(), source });
        token.placeholder(media_type)
    }

    /// The file behind a placeholder.
    #[must_use]
    pub fn of(&self, placeholder: &str) -> Option<&dyn BodySource> {
        self.attached(placeholder).map(|(_, source)| &**source)
    }

    /// Media type and source behind a placeholder.
    pub(crate) fn attached(&self, placeholder: &str) -> Option<(&str, &Arc<dyn BodySource>)> {
        let token = token_of(placeholder)?;
        let file = self.files.iter().find(|file| file.token == token)?;
        Some((&file.media_type, &file.source))
    }

    /// Decides which files of a request go to a store instead of into the body: videos, and the
    /// largest others while the body is larger than 64 MiB. Gives their number; with 0 the request
    /// can be sent as it is, else [`Attachments::upload`] comes first.
    pub fn host(&self, request: &mut CreateTaskRequest) -> usize {
        let mut inline: Vec<(u64, usize)> = Vec::new();
        for (index, item) in request.content.iter_mut().enumerate() {
            let is_video = matches!(item, ContentItem::Video(_));
            let Some(url) = url_mut(item) else { continue };
            match self.of(url).map(BodySource::length) {
                Some(_) if is_video => host(url),
                Some(length) if !is_hosted(url) => inline.push((length.div_ceil(3) * 4, index)),
                _ => {}
            }
        }
        inline.sort_unstable();
        let text: usize = request
            .content
            .iter()
            .map(|item| match item {
                ContentItem::Text(text) => text.text.len(),
                _ => 0,
            })
            .sum();
        // The rest of the JSON is small.
        let room = MAX_BODY.saturating_sub(text as u64 + (1 << 20));
        while inline.iter().map(|(bytes, _)| bytes).sum::<u64>() > room
            && let Some((_, index)) = inline.pop()
        {
            request.content.get_mut(index).and_then(url_mut).into_iter().for_each(host);
        }
        request.content.iter().filter_map(ContentItem::media).filter(|(_, url)| is_hosted(url)).count()
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

fn host(url: &mut String) {
    if let Some(placeholder) = hosted(url) {
        *url = placeholder;
    }
}

/// Where a medium has its address.
pub(crate) fn url_mut(item: &mut ContentItem) -> Option<&mut String> {
    match item {
        ContentItem::Image(image) => Some(&mut image.image_url.url),
        ContentItem::Video(video) => Some(&mut video.video_url.url),
        ContentItem::Audio(audio) => Some(&mut audio.audio_url.url),
        _ => None,
    }
}
