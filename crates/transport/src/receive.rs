//! Bytes from an answer into a part: compared where they overlap with what is there, decoded where
//! they came encoded, and bounded. Judges nothing but lengths.

use std::io::{self, Write};

use ark_video_protocol::download::{self, DownloadRefusal, Expected};
use bytes::BytesMut;
use flate2::write::MultiGzDecoder;

use crate::{AnswerBody, SaveError, SaveProgress, part_file::PartFile};

/// What a gzip file begins with.
const GZIP: &[u8] = b"\x1f\x8b";

/// Takes the bytes of one answer.
pub(crate) struct Receiver<'a> {
    part: &'a mut PartFile,
    total: Option<u64>,
    /// The most bytes that the part may have.
    limit: u64,
    max_bytes: u64,
    /// Bytes that are there already and come first.
    overlap: Vec<u8>,
    /// Bytes that came, before decoding.
    received: u64,
    /// Why writing ended, for a decoder that can only pass on an I/O error.
    failure: Option<SaveError>,
}

impl<'a> Receiver<'a> {
    pub(crate) fn new(part: &'a mut PartFile, expected: &Expected, overlap: Vec<u8>, max_bytes: u64) -> Self {
        let limit = expected.length.unwrap_or(max_bytes);
        Self { part, total: expected.length, limit, max_bytes, overlap, received: 0, failure: None }
    }

    fn progress(&self) -> SaveProgress {
        SaveProgress { bytes: self.part.bytes(), total: self.total }
    }

    fn take(&mut self, mut piece: &[u8]) -> Result<(), SaveError> {
        if !self.overlap.is_empty() {
            let again = piece.len().min(self.overlap.len());
            if piece[..again] != self.overlap[..again] {
                self.part.discard()?;
                return Err(DownloadRefusal::Changed.into());
            }
            self.overlap.drain(..again);
            piece = &piece[again..];
        }
        let after = self.part.bytes() + piece.len() as u64;
        if self.part.bytes() == 0 && download::looks_like_page(piece) {
            let content_type = "a page or a message".to_owned();
            return Err(DownloadRefusal::NotMedia { content_type }.into());
        }
        if after > self.limit {
            self.part.discard()?;
            return Err(match self.total {
                Some(length) => DownloadRefusal::WrongLength { length, got: after }.into(),
                None => DownloadRefusal::TooLarge { length: after, max_bytes: self.limit }.into(),
            });
        }
        if piece.is_empty() { Ok(()) } else { self.part.write(piece) }
    }
}

impl Write for Receiver<'_> {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.take(piece).map(|()| piece.len()).map_err(|failure| {
            self.failure = Some(failure);
            io::Error::other("not taken")
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes pieces as they come: on the machines measured, direct writes beat every hand-over to
/// another thread. A body that was encoded as gzip is decoded, and `expected` says so.
pub(crate) async fn receive(
    body: &mut dyn AnswerBody,
    mut receiver: Receiver<'_>,
    expected: &mut Expected,
    on_progress: &mut (dyn FnMut(SaveProgress) + Send),
) -> Result<(), SaveError> {
    on_progress(receiver.progress());
    if expected.coding.is_some() {
        let mut start = BytesMut::new();
        while start.len() < GZIP.len()
            && let Some(piece) = body.chunk().await?
        {
            start.extend_from_slice(&piece);
        }
        // The bytes decide, not the label.
        if start.starts_with(GZIP) {
            expected.coding = None;
            return decode(body, &start, receiver, on_progress).await;
        }
        receiver.take(&start)?;
    }
    while let Some(piece) = body.chunk().await? {
        receiver.take(&piece)?;
        on_progress(receiver.progress());
    }
    Ok(())
}

async fn decode(
    body: &mut dyn AnswerBody,
    start: &[u8],
    receiver: Receiver<'_>,
    on_progress: &mut (dyn FnMut(SaveProgress) + Send),
) -> Result<(), SaveError> {
    let mut decoder = MultiGzDecoder::new(receiver);
    let refused = |receiver: &mut Receiver<'_>, error: &io::Error| match receiver.failure.take() {
        Some(failure) => failure,
        None => DownloadRefusal::Incomplete {
            why: format!("it came as gzip, which is damaged or cut short: {error}"),
        }
        .into(),
    };
    let mut piece = start.to_vec().into();
    loop {
        let receiver = decoder.get_mut();
        receiver.received += bytes::Bytes::len(&piece) as u64;
        receiver.limit = download::decoded_limit(receiver.received, receiver.max_bytes);
        decoder.write_all(&piece).map_err(|error| refused(decoder.get_mut(), &error))?;
        on_progress(decoder.get_ref().progress());
        match body.chunk().await? {
            Some(next) => piece = next,
            None => break,
        }
    }
    decoder.try_finish().map_err(|error| refused(decoder.get_mut(), &error))
}
