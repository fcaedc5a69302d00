//! One file into the store: hashed first, then sent in one piece, or in parts of which few are in
//! memory at once. What is sent is hashed again: a file that changes meanwhile is never kept.

use std::{
    io::{self, Read},
    sync::Arc,
};

use ark_video_transport::{BodySource, StorageError, StorageErrorKind, UploadProgress};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use object_store::{
    Attribute, Attributes, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, multipart::PartId,
    path::Path as Key,
};
use sha2::{Digest, Sha256};

use crate::{
    backend::Backend,
    error::{answer_of, failed},
    resume::{Records, Unfinished},
};

/// Bytes of a part, and of a file that is sent in one piece at most. R2 wants parts of one size,
/// all want 5 MiB at least; two of them and what the allocator keeps stay below 24 MB.
pub(crate) const PART: usize = 6 << 20;
/// Parts in memory at once.
const AT_ONCE: usize = 2;

/// A file that is to be in the store.
pub(crate) struct Upload<'a> {
    pub(crate) backend: &'a Arc<dyn Backend>,
    pub(crate) records: &'a Records,
    /// Such as `s3://bucket`.
    pub(crate) root: &'a str,
    pub(crate) key: Key,
    pub(crate) source: Arc<dyn BodySource>,
    pub(crate) sha256: &'a str,
    pub(crate) content_type: &'static str,
    pub(crate) progress: UploadProgress<'a>,
}

/// How an upload in parts ended.
enum Ended {
    Complete {
        sent: u64,
    },
    /// The store no longer has the upload that was to be resumed.
    Forgotten,
}

impl Upload<'_> {
    /// Sends the file; gives the bytes that went out.
    pub(crate) async fn run(&self) -> Result<u64, StorageError> {
        let length = self.source.length();
        if length <= PART as u64 {
            return self.in_one_piece().await;
        }
        let object = format!("{}/{}", self.root, self.key);
        if let Some(record) = self.records.read(self.sha256, &object).filter(|found| found.part_bytes == PART)
            && let Ended::Complete { sent } = self.in_parts(record, true).await?
        {
            return Ok(sent);
        }
        self.records.remove(self.sha256);
        let options = PutMultipartOptions { attributes: self.attributes(), ..PutMultipartOptions::default() };
        let id = self.backend.create_multipart_opts(&self.key, options).await;
        let upload_id = id.map_err(|error| failed(&error, self.root))?;
        let record = Unfinished { object, upload_id, part_bytes: PART, parts: Default::default() };
        self.keep(&record)?;
        match self.in_parts(record, false).await? {
            Ended::Complete { sent } => Ok(sent),
            Ended::Forgotten => {
                let message = format!("the storage {} ended the upload before it was complete", self.root);
                Err(StorageError::new(StorageErrorKind::Failed, message))
            }
        }
    }

    fn attributes(&self) -> Attributes {
        Attributes::from_iter([(Attribute::ContentType, self.content_type)])
    }

    fn keep(&self, record: &Unfinished) -> Result<(), StorageError> {
        self.records.write(self.sha256, record).map_err(|error| {
            let message = "the record of the upload cannot be written";
            StorageError::new(StorageErrorKind::File, message).because(error)
        })
    }

    async fn in_one_piece(&self) -> Result<u64, StorageError> {
        let mut pieces = Pieces::open(self.source.clone()).await?;
        let bytes = pieces.next().await?;
        pieces.verify(self.sha256)?;
        let sent = bytes.len() as u64;
        let options = PutOptions { attributes: self.attributes(), ..PutOptions::default() };
        let put = self.backend.put_opts(&self.key, PutPayload::from(bytes), options).await;
        put.map_err(|error| failed(&error, self.root))?;
        (self.progress)(sent);
        Ok(sent)
    }

    async fn in_parts(&self, mut record: Unfinished, resumed: bool) -> Result<Ended, StorageError> {
        match self.parts(&mut record, resumed).await {
            Ok(ended) => Ok(ended),
            Err(error) => {
                // A later call resumes it, unless nothing remembers it or it can never be right.
                if !self.records.keeps() || error.kind == StorageErrorKind::File {
                    let _ = self.backend.abort_multipart(&self.key, &record.upload_id).await;
                    self.records.remove(self.sha256);
                }
                Err(error)
            }
        }
    }

    async fn parts(&self, record: &mut Unfinished, resumed: bool) -> Result<Ended, StorageError> {
        let is_forgotten = |error: &object_store::Error| is_forgotten(error, resumed);
        let count = usize::try_from(self.source.length()).unwrap_or(usize::MAX).div_ceil(PART);
        if resumed && (0..count).any(|index| !record.parts.contains_key(&index)) {
            // A store that refuses a large part may close the connection before its answer can be
            // read; that to a byte is always read. It is after the last part: what is not named
            // when the upload is completed does not belong to it.
            let byte = PutPayload::from_static(b"0");
            match self.backend.put_part(&self.key, &record.upload_id, count, byte).await {
                Ok(_) => {}
                Err(error) if is_forgotten(&error) => return Ok(Ended::Forgotten),
                Err(error) => return Err(failed(&error, self.root)),
            }
        }
        let mut pieces = Pieces::open(self.source.clone()).await?;
        let mut sending: FuturesUnordered<BoxFuture<'_, PartSent>> = FuturesUnordered::new();
        let (mut sent, mut kept) = (0, 0);
        for index in 0..=count {
            while sending.len() >= AT_ONCE || (index == count && !sending.is_empty()) {
                let Some((index, piece, part)) = sending.next().await else { break };
                let part = match part {
                    Ok(part) => part,
                    Err(error) if is_forgotten(&error) => return Ok(Ended::Forgotten),
                    Err(error) => return Err(failed(&error, self.root)),
                };
                record.parts.insert(index, part.content_id);
                self.keep(record)?;
                let bytes = piece.len() as u64;
                (sent, kept) = (sent + bytes, kept + bytes);
                (self.progress)(kept);
                pieces.reuse(piece);
            }
            if index == count {
                break;
            }
            let piece = pieces.next().await?;
            if record.parts.contains_key(&index) {
                kept += piece.len() as u64;
                (self.progress)(kept);
                pieces.reuse(piece);
                continue;
            }
            let (backend, key, id) = (self.backend.clone(), self.key.clone(), record.upload_id.clone());
            sending.push(Box::pin(async move {
                let part = backend.put_part(&key, &id, index, PutPayload::from(piece.clone())).await;
                (index, piece, part)
            }));
        }
        pieces.verify(self.sha256)?;
        let parts = record.parts.values().map(|id| PartId { content_id: id.clone() }).collect();
        match self.backend.complete_multipart(&self.key, &record.upload_id, parts).await {
            Ok(_) => {}
            // Another process may have completed it.
            Err(error) if is_forgotten(&error) && self.backend.head(&self.key).await.is_ok() => {}
            Err(error) if is_forgotten(&error) => return Ok(Ended::Forgotten),
            Err(error) => return Err(failed(&error, self.root)),
        }
        self.records.remove(self.sha256);
        Ok(Ended::Complete { sent })
    }
}

/// The index of a part, its bytes, and what the store said.
type PartSent = (usize, Bytes, object_store::Result<PartId>);

/// Whether the store has no such upload, or not all parts of it. Servers differ in how they refuse
/// one that they do not know; a new upload shows what else may be wrong.
fn is_forgotten(error: &object_store::Error, resumed: bool) -> bool {
    let Some(answer) = answer_of(error) else { return false };
    let code = answer.code.as_deref();
    matches!(code, Some("NoSuchUpload" | "InvalidPart" | "InvalidBlockList"))
        || (resumed && (400..500).contains(&answer.status))
}

/// A file in pieces of [`PART`] bytes, hashed while it is read.
struct Pieces {
    source: Arc<dyn BodySource>,
    reader: Option<(Box<dyn Read + Send + Sync>, Sha256)>,
    /// Memory of pieces that were sent: given back to the allocator, it would stay with threads.
    spare: Vec<BytesMut>,
}

impl Pieces {
    async fn open(source: Arc<dyn BodySource>) -> Result<Self, StorageError> {
        let opened = source.clone();
        let reader = blocking(&source, move || opened.open()).await?;
        Ok(Self { source, reader: Some((reader, Sha256::new())), spare: Vec::new() })
    }

    /// The next piece; empty at the end.
    async fn next(&mut self) -> Result<Bytes, StorageError> {
        let (mut reader, mut hash) = self.reader.take().ok_or_else(|| changed(&self.source))?;
        let mut piece = self.spare.pop().unwrap_or_default();
        let most = PART.min(usize::try_from(self.source.length()).unwrap_or(PART));
        let (reader, hash, piece) = blocking(&self.source, move || {
            piece.resize(most, 0);
            let mut filled = 0;
            while filled < most {
                match reader.read(piece.get_mut(filled..).unwrap_or_default()) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            piece.truncate(filled);
            hash.update(&piece);
            Ok((reader, hash, piece))
        })
        .await?;
        self.reader = Some((reader, hash));
        Ok(piece.freeze())
    }

    fn reuse(&mut self, piece: Bytes) {
        self.spare.extend(piece.try_into_mut());
    }

    fn verify(&mut self, sha256: &str) -> Result<(), StorageError> {
        let read = self.reader.take().map(|(_, hash)| hex(&hash.finalize()));
        if read.as_deref() == Some(sha256) { Ok(()) } else { Err(changed(&self.source)) }
    }
}

/// The SHA-256 of a source, in hexadecimal.
pub(crate) async fn hash(source: &Arc<dyn BodySource>) -> Result<String, StorageError> {
    let opened = source.clone();
    blocking(source, move || {
        let (mut reader, mut hash) = (opened.open()?, Sha256::new());
        let mut piece = vec![0; 64 << 10];
        loop {
            match reader.read(&mut piece)? {
                0 => return Ok(hex(&hash.finalize())),
                count => hash.update(piece.get(..count).unwrap_or_default()),
            }
        }
    })
    .await
}

/// Reads on a thread that may wait for a disk.
async fn blocking<T: Send + 'static>(
    source: &Arc<dyn BodySource>,
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StorageError> {
    let done = tokio::task::spawn_blocking(read).await.map_err(io::Error::other).and_then(|read| read);
    done.map_err(|error| {
        let message = format!("{} cannot be read: {error}", source.name());
        StorageError::new(StorageErrorKind::File, message).because(error)
    })
}

fn changed(source: &Arc<dyn BodySource>) -> StorageError {
    let message = format!("{} changed while it was uploaded; it is not kept", source.name());
    StorageError::new(StorageErrorKind::File, message)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
