//! What the service returns for a request: a response, or a file that the host has to render first.
//!
//! Rendering takes processor time, so the service only says what to render and what to do with the
//! bytes then.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::Write,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::random;
use crate::render::{self, RenderError, StillFormat, VideoSpec};

/// What the service says to a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply {
    /// The answer.
    Answer(Response<Bytes>),
    /// A file is asked for: render it, then [`RenderJob::answer`].
    Render(RenderJob),
    /// A fault of the connection is to be played. Only a host with a socket can do that.
    Faulty(FaultyReply),
}

/// A fault of the connection, and the response that it affects.
#[derive(Debug)]
#[non_exhaustive]
pub struct FaultyReply {
    /// What happens to the connection.
    pub fault: ConnectionFault,
    /// The answer that would go out; `None` where none ever will.
    pub reply: Option<Box<Reply>>,
}

/// What happens to a connection. Times are real time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionFault {
    /// It is closed without a byte.
    Close {
        /// Reset (RST) instead of an orderly end.
        reset: bool,
    },
    /// Nothing happens for so long; then it is closed.
    Silence {
        /// Milliseconds.
        millis: u64,
    },
    /// The answer comes late.
    Delay {
        /// Milliseconds.
        millis: u64,
    },
    /// The head and half of the body; then it is closed.
    Half,
    /// The announced length is wrong by so many bytes. The body goes out as it is; then it is
    /// closed.
    Length {
        /// Above 0: more is announced than comes.
        by: i64,
    },
    /// No length is announced: the body ends in a last chunk, or with the connection, as HTTP/1.0
    /// has it.
    NoLength {
        /// In chunks.
        chunked: bool,
        /// Bytes that are missing at the end.
        missing: usize,
    },
    /// The answer comes in pieces.
    Drip {
        /// Bytes in a piece.
        bytes: usize,
        /// Milliseconds between pieces.
        millis: u64,
        /// Whether the head comes in pieces too.
        head: bool,
    },
    /// These bytes instead of an answer; then it is closed.
    Raw(Bytes),
}

impl Reply {
    /// The answer, rendering on this thread where it takes a file. Fine in tests; a host renders
    /// elsewhere and keeps the bytes.
    ///
    /// # Errors
    /// The video cannot be rendered, or the connection would have broken off.
    pub fn finish(self) -> Result<Response<Bytes>, FinishError> {
        match self {
            Self::Answer(answer) => Ok(answer),
            Self::Render(job) => {
                let file = job.render()?;
                Ok(job.answer(file))
            }
            Self::Faulty(FaultyReply {
                fault: ConnectionFault::Delay { .. } | ConnectionFault::Drip { .. },
                reply: Some(reply),
            }) => reply.finish(),
            Self::Faulty(faulty) => Err(FinishError::Broken(faulty.fault)),
        }
    }

    /// Whether part of a file was asked for.
    pub(crate) fn is_range(&self) -> bool {
        matches!(self, Self::Render(job) if job.range.is_some())
    }

    pub(crate) fn faulty(fault: ConnectionFault, reply: Option<Self>) -> Self {
        Self::Faulty(FaultyReply { fault, reply: reply.map(Box::new) })
    }

    /// The headers of the answer, where there is one.
    pub(super) fn headers_mut(&mut self) -> Option<&mut HeaderMap> {
        match self {
            Self::Answer(answer) => Some(answer.headers_mut()),
            Self::Render(job) => Some(&mut job.headers),
            Self::Faulty(faulty) => faulty.reply.as_deref_mut()?.headers_mut(),
        }
    }
}

/// Why a reply cannot become an answer without a socket.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FinishError {
    /// The video cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A fault broke the connection.
    #[error("a fault of the plan breaks the connection here: {0:?}")]
    Broken(ConnectionFault),
}

/// Which of a task's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilePart {
    /// The video.
    Video,
    /// Its last frame as an image.
    LastFrame(StillFormat),
}

impl FilePart {
    fn media_type(self, spec: &VideoSpec) -> &'static str {
        match self {
            Self::Video => spec.container.media_type(),
            Self::LastFrame(format) => format.media_type(),
        }
    }
}

/// A part of a task's video that is on its way to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    pub(super) place: u32,
    pub(super) start: usize,
    pub(super) total: usize,
}

/// A file to render, and what was asked about it. Jobs with the same [`spec`](Self::spec) and
/// [`part`](Self::part) have the same bytes, so a host may keep them.
#[derive(Debug, Clone)]
pub struct RenderJob {
    spec: VideoSpec,
    part: FilePart,
    made: i64,
    range: Option<HeaderValue>,
    if_range: Option<HeaderValue>,
    pub(super) headers: HeaderMap,
    /// The ledger place of the task whose video it is; `None` for a last frame and for the control
    /// port.
    owner: Option<u32>,
    fault: Option<Box<FileFault>>,
}

/// What a fault makes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileFault {
    /// This is mixed into the tag, so that it seems to be another file.
    Changed(Box<str>),
    /// `Range` is not listened to.
    NoRanges,
    /// The media type; empty is none.
    MediaType(Box<str>),
    /// Encoded as gzip.
    Gzip,
    /// The whole file as a range that was not asked for.
    WholeRange,
    /// The bytes of a range are those from a little before it, or behind it.
    Shifted,
    /// No bytes.
    Empty,
}

/// By how many bytes a shifted range is off.
const SHIFT: usize = 1000;

impl RenderJob {
    pub(super) fn new(spec: VideoSpec, part: FilePart, made: i64, requested: &HeaderMap) -> Self {
        let (range, if_range) =
            (requested.get(header::RANGE).cloned(), requested.get(header::IF_RANGE).cloned());
        Self { spec, part, made, range, if_range, headers: HeaderMap::new(), owner: None, fault: None }
    }

    pub(super) fn owned_by(mut self, owner: Option<u32>) -> Self {
        self.owner = owner;
        self
    }

    /// Which part of a task's video an answer of this job holds, for
    /// [`Service::delivered`](super::Service::delivered). `total` is the length of the whole file.
    #[must_use]
    pub fn delivery(&self, answer: &Response<Bytes>, total: usize) -> Option<Delivery> {
        let start = match answer.status() {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT => {
                let range = answer.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
                range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()?
            }
            _ => return None,
        };
        Some(Delivery { place: self.owner?, start, total })
    }

    /// Plays a fault.
    pub(crate) fn apply_fault(&mut self, fault: FileFault) {
        if matches!(fault, FileFault::NoRanges | FileFault::Gzip | FileFault::Empty) {
            (self.range, self.if_range) = (None, None);
        }
        self.fault = Some(Box::new(fault));
    }

    /// The video that the file is, or is taken from.
    #[must_use]
    pub fn spec(&self) -> &VideoSpec {
        &self.spec
    }

    /// Whether it is the video or its last frame.
    #[must_use]
    pub fn part(&self) -> FilePart {
        self.part
    }

    /// Renders the whole file: some milliseconds of work, up to a tenth of a second for the
    /// largest.
    ///
    /// # Errors
    /// The video cannot be rendered.
    pub fn render(&self) -> Result<Bytes, RenderError> {
        match self.part {
            FilePart::Video => render::video(&self.spec),
            FilePart::LastFrame(format) => render::last_frame(&self.spec, format),
        }
        .map(Bytes::from)
    }

    /// The answer with the rendered file, or the part of it that was asked for (`Range`, with
    /// `If-Range`).
    #[must_use]
    pub fn answer(&self, file: Bytes) -> Response<Bytes> {
        let (etag, modified) = (self.etag(), random::time(self.made, HTTP_DATE));
        let (length, whole) = (file.len(), file.clone());
        let same = self.if_range.as_ref().is_none_or(|known| *known == etag || *known == modified.as_str());
        let range = self
            .range
            .as_ref()
            .filter(|_| same)
            .and_then(|range| range.to_str().ok())
            .map_or(Range::Whole, |text| range(text, length));
        let mut answer = Response::new(Bytes::new());
        *answer.headers_mut() = self.headers.clone();
        let mut set = |name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                answer.headers_mut().insert(name, value);
            }
        };
        set(header::ACCEPT_RANGES, "bytes");
        set(header::ETAG, &etag);
        set(header::LAST_MODIFIED, &modified);
        let (status, body) = match range {
            Range::Whole => {
                set(header::CONTENT_TYPE, self.part.media_type(&self.spec));
                (StatusCode::OK, file)
            }
            Range::Part { first, last } => {
                set(header::CONTENT_TYPE, self.part.media_type(&self.spec));
                set(header::CONTENT_RANGE, &format!("bytes {first}-{last}/{length}"));
                (StatusCode::PARTIAL_CONTENT, file.slice(first..=last))
            }
            Range::Outside => {
                set(header::CONTENT_RANGE, &format!("bytes */{length}"));
                (StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new())
            }
        };
        *answer.status_mut() = status;
        *answer.body_mut() = body;
        self.corrupt(&mut answer, &whole);
        answer
    }

    fn corrupt(&self, answer: &mut Response<Bytes>, file: &Bytes) {
        let length = answer.body().len();
        match self.fault.as_deref() {
            Some(FileFault::MediaType(media_type)) => {
                answer.headers_mut().remove(header::CONTENT_TYPE);
                if let Some(value) = HeaderValue::from_str(media_type).ok().filter(|value| !value.is_empty())
                {
                    answer.headers_mut().insert(header::CONTENT_TYPE, value);
                }
            }
            Some(FileFault::Gzip) => {
                *answer.body_mut() = gzip(answer.body());
                answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            Some(FileFault::WholeRange) if answer.status() == StatusCode::OK && length > 0 => {
                *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
                if let Ok(range) = HeaderValue::from_str(&format!("bytes 0-{}/{length}", length - 1)) {
                    answer.headers_mut().insert(header::CONTENT_RANGE, range);
                }
            }
            Some(FileFault::Shifted) if answer.status() == StatusCode::PARTIAL_CONTENT => {
                let first = file.len() - length;
                let start = first.saturating_sub(SHIFT);
                *answer.body_mut() = file.slice(start..start + length);
            }
            Some(FileFault::Empty) => *answer.body_mut() = Bytes::new(),
            _ => {}
        }
    }

    /// Same spec, same bytes, same tag.
    fn etag(&self) -> String {
        let mut hasher = DefaultHasher::new();
        let salt = match self.fault.as_deref() {
            Some(FileFault::Changed(salt)) => Some(salt),
            _ => None,
        };
        (self.spec, self.part, salt).hash(&mut hasher);
        format!("\"{:016x}\"", hasher.finish())
    }
}

/// The bytes as gzip, hardly compressed: it is a fault, not a saving.
fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Nothing can fail where memory is written to.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default().into()
}

pub(super) const HTTP_DATE: &str = "%a, %d %b %Y %H:%M:%S GMT";

#[derive(Debug, PartialEq)]
enum Range {
    Whole,
    Part { first: usize, last: usize },
    Outside,
}

/// Reads one range. What is no single byte range is ignored (RFC 9110, 14.2), and the whole file is
/// sent.
fn range(text: &str, length: usize) -> Range {
    let Some((from, to)) = text.trim().strip_prefix("bytes=").and_then(|range| range.trim().split_once('-'))
    else {
        return Range::Whole;
    };
    let number = |digits: &str| {
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| digits.parse().unwrap_or(usize::MAX))
    };
    let (first, last) = match (number(from), number(to)) {
        (Some(first), Some(last)) if first > last => return Range::Whole,
        (Some(first), Some(last)) => (first, last.min(length.saturating_sub(1))),
        (Some(first), None) if to.is_empty() => (first, length.saturating_sub(1)),
        (None, Some(0)) if from.is_empty() => return Range::Outside,
        (None, Some(tail)) if from.is_empty() => (length.saturating_sub(tail), length.saturating_sub(1)),
        _ => return Range::Whole,
    };
    if first >= length { Range::Outside } else { Range::Part { first, last } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_part_outside_or_ignored() {
        let part = |first, last| Range::Part { first, last };
        for (text, expected) in [
            ("bytes=0-0", part(0, 0)),
            ("bytes=10-19", part(10, 19)),
            ("bytes=90-", part(90, 99)),
            ("bytes=-5", part(95, 99)),
            ("bytes=-500", part(0, 99)),
            ("bytes=50-99999999999999999999999", part(50, 99)),
            ("bytes=100-", Range::Outside),
            ("bytes=100-200", Range::Outside),
            ("bytes=-0", Range::Outside),
            ("bytes=5-4", Range::Whole),
            ("bytes=0-1,4-5", Range::Whole),
            ("bytes=a-b", Range::Whole),
            ("bytes=-", Range::Whole),
            ("items=0-1", Range::Whole),
            ("", Range::Whole),
        ] {
            assert_eq!(range(text, 100), expected, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), Range::Outside);
    }
}
