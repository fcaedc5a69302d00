//! The store: put, sign, prune. Objects are named by their content, `PREFIX/ab/ab12….mp4`.

use std::{
    collections::BTreeSet,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ark_video_transport::{
    BodySource, BoxFuture, MediaStore, SignedUrl, StorageError, StorageErrorKind, StoredMedia, Transport,
    UploadProgress,
};
use futures_util::TryStreamExt;
use http::Method;
use object_store::{GetOptions, ObjectStoreExt, path::Path as Key};
use tokio::sync::Mutex;

use crate::{
    StorageSettings,
    backend::{self, Backend},
    connector::{Connector, StoreAnswer},
    error::{answer_of, failed},
    resume::Records,
    settings::{Kind, Location},
    upload::{Upload, hash},
};

/// The longest life of a presigned URL that S3 and GCS sign: 7 days.
const LONGEST_LINK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A bucket, or a prefix of one. Cheap to clone; files go up one after the other.
#[derive(Clone)]
pub struct Storage {
    backend: Arc<dyn Backend>,
    location: Location,
    records: Records,
    /// Keys that are known to be there. Held during an upload, so that one file goes up once and
    /// few parts are in memory.
    known: Arc<Mutex<BTreeSet<Key>>>,
}

/// An object that was removed, or would be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Pruned {
    /// Its name.
    pub object: String,
    /// Its length in bytes.
    pub bytes: u64,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Storage").field(&self.url()).finish()
    }
}

impl Storage {
    /// Opens a store; sends nothing. `env` gives the value of a variable: it is asked for keys,
    /// region and the standard AWS files, in that order.
    ///
    /// # Errors
    /// The settings name no usable store, or there are no credentials for it.
    pub fn open(
        settings: &StorageSettings,
        env: &dyn Fn(&str) -> Option<String>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, StorageError> {
        let location = settings.location()?;
        let connector = Connector(transport);
        let backend = backend::open(settings, &location, env, connector)?;
        let records = Records(settings.unfinished.clone());
        Ok(Self { backend, location, records, known: Arc::default() })
    }

    /// Bucket and prefix, as in [`StorageSettings::new`].
    #[must_use]
    pub fn url(&self) -> String {
        let Location { root, prefix, .. } = &self.location;
        if prefix.is_root() { root.clone() } else { format!("{root}/{prefix}") }
    }

    /// Removes the objects of this toolkit under the prefix that were written before that time, and
    /// aborts uploads that were left unfinished before it. With `dry_run` it only lists them.
    ///
    /// # Errors
    /// The store does not list or remove them.
    pub async fn prune(&self, before: SystemTime, dry_run: bool) -> Result<Vec<Pruned>, StorageError> {
        let _uploads = self.known.lock().await;
        let root = &self.location.root;
        let failed = |error: object_store::Error| failed(&error, root);
        let limit = before.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let objects: Vec<_> =
            self.backend.list(Some(&self.location.prefix)).try_collect().await.map_err(failed)?;
        let mut pruned = Vec::new();
        for object in objects {
            let written = u128::try_from(object.last_modified.timestamp_millis()).unwrap_or(0);
            if !self.is_ours(&object.location) || written >= limit {
                continue;
            }
            if !dry_run {
                self.backend.delete(&object.location).await.map_err(failed)?;
            }
            pruned.push(Pruned { object: format!("{root}/{}", object.location), bytes: object.size });
        }
        for (sha256, record, _) in
            self.records.all().into_iter().filter(|(.., written)| written.is_none_or(|at| at < before))
        {
            let Some(key) = self.key_of(&record.object).filter(|_| !dry_run) else { continue };
            let aborted = self.backend.abort_multipart(&key, &record.upload_id).await;
            match aborted {
                Err(error) if answer_of(&error).is_none_or(|answer| answer.status != 404) => {
                    return Err(failed(error));
                }
                _ => self.records.remove(&sha256),
            }
        }
        Ok(pruned)
    }

    /// The key of an object of this bucket.
    fn key_of(&self, object: &str) -> Option<Key> {
        let key = object.strip_prefix(&self.location.root)?.strip_prefix('/')?;
        Key::parse(key).ok().filter(|key| key.prefix_matches(&self.location.prefix))
    }

    fn key(&self, sha256: &str, extension: &str) -> Key {
        let folder = sha256.get(..2).unwrap_or_default();
        self.location.prefix.clone().join(folder).join(format!("{sha256}.{extension}"))
    }

    /// Whether the name is one that [`Storage::key`] gives.
    fn is_ours(&self, key: &Key) -> bool {
        let Some(parts) = key.prefix_match(&self.location.prefix) else { return false };
        let parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
        let [folder, name] = &parts[..] else { return false };
        let Some((sha256, extension)) = name.split_once('.') else { return false };
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        sha256.len() == 64
            && sha256.bytes().all(is_hex)
            && sha256.starts_with(folder.as_str())
            && folder.len() == 2
            && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    /// The length of an object, if it is there. Asks for its first byte: an answer to HEAD has no
    /// error code, and a store that refuses an upload may close the connection before it is read.
    async fn length_of(&self, key: &Key) -> Result<Option<u64>, StorageError> {
        let first = GetOptions { range: Some((0..1).into()), ..GetOptions::default() };
        let error = match self.backend.get_opts(key, first).await {
            Ok(found) => return Ok(Some(found.meta.size)),
            Err(error) => error,
        };
        let failed = failed(&error, &self.location.root);
        match (answer_of(&error), failed.kind) {
            // Without the right to list, an object that is not there is "forbidden": the upload
            // shows what is the case.
            (Some(_), StorageErrorKind::NoRights) => Ok(None),
            (Some(answer), StorageErrorKind::NoBucket) if !answer.names_no_bucket() => Ok(None),
            // It is empty: not what is to be there.
            (Some(StoreAnswer { status: 416, .. }), _) => Ok(None),
            _ => Err(failed),
        }
    }

    async fn put_once(
        &self,
        source: Arc<dyn BodySource>,
        media_type: &str,
        progress: UploadProgress<'_>,
    ) -> Result<StoredMedia, StorageError> {
        let (extension, content_type) = names_of(media_type);
        let mut known = self.known.lock().await;
        let sha256 = hash(&source).await?;
        let (bytes, key) = (source.length(), self.key(&sha256, extension));
        let root = &self.location.root;
        let mut stored = StoredMedia::new(format!("{root}/{key}"), sha256, bytes);
        if !known.contains(&key) {
            match self.length_of(&key).await? {
                Some(found) if found == bytes => self.records.remove(&stored.sha256),
                _ => {
                    let upload = Upload {
                        backend: &self.backend,
                        records: &self.records,
                        root,
                        key: key.clone(),
                        source,
                        sha256: &stored.sha256,
                        content_type,
                        progress,
                    };
                    stored.sent = upload.run().await?;
                }
            }
            known.insert(key);
        }
        progress(bytes);
        Ok(stored)
    }
}

impl MediaStore for Storage {
    fn put<'a>(
        &'a self,
        source: Arc<dyn BodySource>,
        media_type: &'a str,
        progress: UploadProgress<'a>,
    ) -> BoxFuture<'a, Result<StoredMedia, StorageError>> {
        Box::pin(self.put_once(source, media_type, progress))
    }

    fn sign<'a>(
        &'a self,
        media: &'a StoredMedia,
        life: Duration,
    ) -> BoxFuture<'a, Result<SignedUrl, StorageError>> {
        Box::pin(async move {
            if life > LONGEST_LINK && self.location.kind != Kind::Azure {
                let message = format!(
                    "a URL of {} can be valid for at most 7 days, and the task may need it for {} h",
                    self.location.root,
                    life.as_secs().div_ceil(3600)
                );
                return Err(StorageError::new(StorageErrorKind::LinkTooLong, message));
            }
            let key = self.key_of(&media.object).ok_or_else(|| {
                let message = format!("{} is not in the storage {}", media.object, self.url());
                StorageError::new(StorageErrorKind::Settings, message)
            })?;
            let signed = self.backend.signed_url(Method::GET, &key, life).await;
            let url = signed.map_err(|error| failed(&error, &self.location.root))?;
            Ok(SignedUrl::new(String::from(url)))
        })
    }
}

/// The extension and the content type of a media type such as `video/mov`.
fn names_of(media_type: &str) -> (&'static str, &'static str) {
    match media_type {
        "video/mp4" => ("mp4", "video/mp4"),
        "video/mov" | "video/quicktime" => ("mov", "video/quicktime"),
        "image/jpeg" => ("jpg", "image/jpeg"),
        "image/png" => ("png", "image/png"),
        "image/webp" => ("webp", "image/webp"),
        "image/bmp" => ("bmp", "image/bmp"),
        "image/tiff" => ("tiff", "image/tiff"),
        "image/gif" => ("gif", "image/gif"),
        "image/heic" => ("heic", "image/heic"),
        "image/heif" => ("heif", "image/heif"),
        "audio/wav" => ("wav", "audio/wav"),
        "audio/mp3" | "audio/mpeg" => ("mp3", "audio/mpeg"),
        _ => ("bin", "application/octet-stream"),
    }
}
