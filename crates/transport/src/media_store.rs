//! What a media store is: where local files go that a service can only fetch by URL. Types and
//! errors only; `ark-video-storage` is the one over S3, GCS and Azure. Sends nothing.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};

use crate::{BodySource, BoxFuture};

/// Bytes of a file that are in the store, for a progress display.
pub type UploadProgress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// Keeps files where a service can fetch them. Implement it for a store of your own.
///
/// Objects are named by their content: the same bytes are sent once.
pub trait MediaStore: Send + Sync + fmt::Debug {
    /// Uploads a file, unless an object with its content is there. `media_type` is such as
    /// `video/mp4`.
    ///
    /// # Errors
    /// The file cannot be read, or the store does not keep it.
    fn put<'a>(
        &'a self,
        source: Arc<dyn BodySource>,
        media_type: &'a str,
        progress: UploadProgress<'a>,
    ) -> BoxFuture<'a, Result<StoredMedia, StorageError>>;

    /// A URL by which anyone can GET the object for that long.
    ///
    /// # Errors
    /// The store signs no URL of that life.
    fn sign<'a>(
        &'a self,
        media: &'a StoredMedia,
        life: Duration,
    ) -> BoxFuture<'a, Result<SignedUrl, StorageError>>;
}

/// A file in a store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct StoredMedia {
    /// The object's name, such as `s3://bucket/prefix/ab/ab12….mp4`.
    pub object: String,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Bytes that were sent for it now; 0 if it was there.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub sent: u64,
}

impl StoredMedia {
    /// An object of this name, hash and length.
    #[must_use]
    pub fn new(object: impl Into<String>, sha256: impl Into<String>, bytes: u64) -> Self {
        Self { object: object.into(), sha256: sha256.into(), bytes, sent: 0 }
    }
}

fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

/// A URL with a signature: anyone who has it can fetch the object. `Debug` and `Display` leave the
/// query out.
#[derive(Clone)]
pub struct SignedUrl(SecretString);

impl SignedUrl {
    /// Takes a URL, query included.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self(SecretString::from(url.into()))
    }

    /// The whole URL.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Display for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expose().split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for SignedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedUrl({self})")
    }
}

/// What kept a file from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StorageErrorKind {
    /// The settings name no usable store.
    Settings,
    /// There are no credentials.
    NoCredentials,
    /// The store does not know the access key, or the secret key is not its own.
    WrongKey,
    /// The session of temporary credentials has ended.
    ExpiredKey,
    /// The credentials do not have the rights.
    NoRights,
    /// The bucket does not exist.
    NoBucket,
    /// The bucket is in another region.
    WrongRegion,
    /// The store has no space, or its quota is used up.
    Full,
    /// The clocks of this machine and of the store differ too much.
    ClockSkew,
    /// No answer from the store.
    Unreachable,
    /// The store failed in another way.
    Failed,
    /// The local file cannot be read, or changed meanwhile.
    File,
    /// The store signs no URL that lives so long.
    LinkTooLong,
}

/// Why a file is not in the store. Names no key and no signature.
#[derive(Debug, thiserror::Error, serde::Serialize)]
#[error("{message}")]
#[non_exhaustive]
pub struct StorageError {
    /// What went wrong.
    pub kind: StorageErrorKind,
    /// What failed, in a sentence without a full stop.
    pub message: String,
    /// The cause, if there is one.
    #[source]
    #[serde(skip)]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl StorageError {
    /// An error of this kind.
    #[must_use]
    pub fn new(kind: StorageErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Sets the cause.
    #[must_use]
    pub fn because(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self.kind {
            StorageErrorKind::Settings => "Fix the storage settings.",
            StorageErrorKind::NoCredentials => {
                "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the keys of the provider."
            }
            StorageErrorKind::WrongKey => "Check the access key and the secret key.",
            StorageErrorKind::ExpiredKey => "Get new temporary credentials.",
            StorageErrorKind::NoRights => {
                "Allow these credentials to put, get and list objects under the prefix."
            }
            StorageErrorKind::NoBucket => "Create the bucket, or fix its name, region or endpoint.",
            StorageErrorKind::WrongRegion => "Set the bucket's own region.",
            StorageErrorKind::Full => "Free space in the store (`storage prune`), or raise its quota.",
            StorageErrorKind::ClockSkew => "Set this machine's clock.",
            StorageErrorKind::Unreachable => "Check the endpoint and the network, then run it again.",
            StorageErrorKind::Failed => {
                "Free space in the store if it is full, and run it again: nothing is uploaded twice."
            }
            StorageErrorKind::File => "Check that the file is there and is not being changed.",
            StorageErrorKind::LinkTooLong => "Lower `execution_expires_after`.",
        }
    }

    /// Whether the same call may succeed later without a change of settings.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, StorageErrorKind::Unreachable | StorageErrorKind::Failed)
    }
}
