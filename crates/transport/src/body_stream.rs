//! From a plan to the bytes on the wire: reads sources in pieces and encodes them. Never holds more
//! than two pieces.
//!
//! The pieces are as large as pays: measured against 48 KiB they save a quarter of the time, and
//! stay under 2 MB.

use std::{
    collections::VecDeque,
    fmt,
    io::{self, Read},
    sync::Arc,
};

use ark_video_protocol::body::Segment;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use base64::engine::{Simd, general_purpose::PAD};
use base64::{EncodeSliceError, Engine};
use bytes::{Bytes, BytesMut};

use crate::{BodySource, SourceError, error::changed};

/// Read at a time, before encoding: a multiple of three.
const PIECE: usize = 384 << 10;
/// Bytes that are there already are handed over in pieces of this size; the connection buffers a
/// few of them.
const READY_PIECE: usize = 64 << 10;

/// A body whose sources are open.
pub(crate) struct OpenBody {
    parts: VecDeque<Part>,
    raw: Vec<u8>,
    encoded: BytesMut,
    left: u64,
}

enum Part {
    Ready(Bytes),
    Source { reader: Box<dyn Read + Send + Sync>, name: String, length: u64, left: u64 },
}

impl fmt::Debug for OpenBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenBody").field("left", &self.left).finish_non_exhaustive()
    }
}

impl OpenBody {
    pub(crate) fn new(segments: &[Segment], sources: &[Arc<dyn BodySource>]) -> Result<Self, SourceError> {
        let mut parts = VecDeque::with_capacity(segments.len());
        for segment in segments {
            parts.push_back(match segment {
                Segment::Json(bytes) => Part::Ready(bytes.clone()),
                Segment::Base64(planned) => {
                    let missing = || SourceError {
                        name: format!("source {}", planned.index),
                        why: "it was not handed over".to_owned(),
                    };
                    let source = sources.get(planned.index).ok_or_else(missing)?;
                    let name = source.name();
                    let reader = match source.open() {
                        Ok(reader) if source.length() == planned.length => reader,
                        Ok(_) => return Err(failed(&name, &changed(planned.length))),
                        Err(error) => return Err(failed(&name, &error)),
                    };
                    Part::Source { reader, name, length: planned.length, left: planned.length }
                }
                other => {
                    return Err(SourceError {
                        name: format!("{other:?}"),
                        why: "it is not known".to_owned(),
                    });
                }
            });
        }
        parts.retain(|part| !matches!(part, Part::Ready(bytes) if bytes.is_empty()));
        let left = segments.iter().map(Segment::length).sum();
        Ok(Self { parts, raw: Vec::new(), encoded: BytesMut::new(), left })
    }

    /// Bytes that are still to come.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The next piece; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Result<Bytes, SourceError>> {
        loop {
            let piece = match self.parts.front_mut()? {
                Part::Ready(bytes) => bytes.split_to(bytes.len().min(READY_PIECE)),
                Part::Source { reader, name, length, left } => {
                    match read(reader, left, &mut self.raw)
                        .and_then(|()| encode(&self.raw, &mut self.encoded))
                    {
                        Ok(piece) => piece,
                        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                            return Some(Err(failed(name, &changed(*length))));
                        }
                        Err(error) => return Some(Err(failed(name, &error))),
                    }
                }
            };
            let done = match self.parts.front()? {
                Part::Ready(bytes) => bytes.is_empty(),
                Part::Source { left, .. } => *left == 0,
            };
            if done {
                self.parts.pop_front();
            }
            if self.parts.is_empty() {
                (self.raw, self.encoded) = (Vec::new(), BytesMut::new());
            }
            if !piece.is_empty() {
                self.left = self.left.saturating_sub(piece.len() as u64);
                return Some(Ok(piece));
            }
        }
    }
}

/// Fills `raw` with the next bytes. With the last ones it makes sure that no more follow: a source
/// that grew would be cut.
fn read(reader: &mut dyn Read, left: &mut u64, raw: &mut Vec<u8>) -> io::Result<()> {
    let wanted = usize::try_from(*left).unwrap_or(PIECE).min(PIECE);
    raw.resize(wanted, 0);
    reader.read_exact(raw)?;
    *left -= wanted as u64;
    if *left > 0 {
        return Ok(());
    }
    match reader.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(error) => Err(error),
    }
}

fn encode(raw: &[u8], encoded: &mut BytesMut) -> io::Result<Bytes> {
    let length = raw.len().div_ceil(3) * 4;
    // Takes the memory of the piece before, if the connection has let go of it.
    encoded.reserve(length);
    encoded.resize(length, 0);
    engine(raw, encoded).map_err(io::Error::other)?;
    Ok(encoded.split().freeze())
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn engine(raw: &[u8], encoded: &mut [u8]) -> Result<usize, EncodeSliceError> {
    use std::sync::OnceLock;
    static SIMD: OnceLock<Simd> = OnceLock::new();
    SIMD.get_or_init(|| Simd::standard(PAD)).encode_slice(raw, encoded)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn engine(raw: &[u8], encoded: &mut [u8]) -> Result<usize, EncodeSliceError> {
    base64::prelude::BASE64_STANDARD.encode_slice(raw, encoded)
}

fn failed(name: &str, error: &io::Error) -> SourceError {
    let why = match error.kind() {
        io::ErrorKind::NotFound => "there is no such file any more".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    SourceError { name: name.to_owned(), why }
}
