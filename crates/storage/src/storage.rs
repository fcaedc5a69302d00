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
use object_store::{
    BackoffConfig, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder,
    azure::MicrosoftAzureBuilder, gcp::GoogleCloudStorageBuilder, multipart::MultipartStore,
    path::Path as Key, signer::Signer,
};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;

use crate::{
    StorageSettings,
    connector::Connector,
    credentials::{Environment, Profile, keys},
    error::{answer_of, failed},
    resume::Records,
    settings::{Kind, Location},
    upload::{Upload, hash},
};

/// The longest life of a presigned URL that S3 and GCS sign: 7 days.
const LONGEST_LINK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What is used of a store.
pub(crate) trait Backend: ObjectStore + MultipartStore + Signer {}

impl<T: ObjectStore + MultipartStore + Signer> Backend for T {}

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
        env: &(dyn Fn(&str) -> Option<String> + Send + Sync),
        transport: Arc<dyn Transport>,
    ) -> Result<Self, StorageError> {
        let location = settings.location()?;
        let connector = Connector(transport);
        let backend = match location.kind {
            Kind::S3 => s3(settings, &location, env, connector)?,
            Kind::Google => google(&location, env, connector)?,
            Kind::Azure => azure(settings, &location, env, connector)?,
        };
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
            match self.backend.head(&key).await {
                Ok(found) if found.size == bytes => self.records.remove(&stored.sha256),
                // Without the right to list, an object that is not there is "forbidden": the upload
                // shows what is the case.
                Err(error) if answer_of(&error).is_none_or(|answer| !matches!(answer.status, 403 | 404)) => {
                    return Err(failed(&error, root));
                }
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

/// Short: a person waits, and a later call resumes.
fn retry() -> RetryConfig {
    let backoff = BackoffConfig {
        init_backoff: Duration::from_millis(200),
        max_backoff: Duration::from_secs(5),
        base: 2.0,
    };
    RetryConfig { backoff, max_retries: 4, retry_timeout: Duration::from_secs(120) }
}

fn unusable(error: &object_store::Error) -> StorageError {
    // Its texts name settings, never their values.
    StorageError::new(StorageErrorKind::Settings, format!("the storage settings cannot be used: {error}"))
}

fn s3(
    settings: &StorageSettings,
    location: &Location,
    env: Environment<'_>,
    connector: Connector,
) -> Result<Arc<dyn Backend>, StorageError> {
    let provider = settings.provider_of_url();
    let profile = Profile::read(settings.profile.as_deref(), env);
    let keys = keys(settings, provider, &profile, env)?;
    let by_env =
        || provider.region_variables().iter().find_map(|name| env(name)).filter(|name| !name.is_empty());
    let by_profile =
        || profile.get("region").filter(|_| provider.region_variables().len() > 1).map(str::to_owned);
    let region = settings.region.clone().or_else(by_env).or_else(by_profile);
    let region = region.unwrap_or_else(|| provider.default_region().to_owned());
    let endpoint = settings.endpoint.clone().or_else(|| provider.endpoint(&region)).ok_or_else(|| {
        let message = format!("the storage provider {provider} needs its endpoint");
        StorageError::new(StorageErrorKind::Settings, message)
    })?;
    let (scheme, host) = endpoint
        .trim_end_matches('/')
        .split_once("://")
        .filter(|(scheme, host)| matches!(*scheme, "https" | "http") && !host.is_empty())
        .ok_or_else(|| {
            let message = "the storage endpoint is not a URL such as https://HOST".to_owned();
            StorageError::new(StorageErrorKind::Settings, message)
        })?;
    let path_style = settings.path_style.unwrap_or_else(|| provider.path_style());
    let endpoint = match path_style {
        true => format!("{scheme}://{host}"),
        false => format!("{scheme}://{}.{host}", location.bucket),
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&location.bucket)
        .with_region(region)
        .with_endpoint(endpoint)
        .with_virtual_hosted_style_request(!path_style)
        .with_access_key_id(keys.access.expose_secret())
        .with_secret_access_key(keys.secret.expose_secret())
        .with_retry(retry())
        .with_http_connector(connector);
    if let Some(token) = &keys.token {
        builder = builder.with_token(token.expose_secret());
    }
    Ok(Arc::new(builder.build().map_err(|error| unusable(&error))?))
}

fn google(
    location: &Location,
    env: Environment<'_>,
    connector: Connector,
) -> Result<Arc<dyn Backend>, StorageError> {
    let file = ["GOOGLE_SERVICE_ACCOUNT", "GOOGLE_APPLICATION_CREDENTIALS"].iter().find_map(|name| env(name));
    let file = file.ok_or_else(|| {
        let message =
            "GOOGLE_APPLICATION_CREDENTIALS does not name the key file of a service account".to_owned();
        StorageError::new(StorageErrorKind::NoCredentials, message)
    })?;
    let builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&location.bucket)
        .with_service_account_path(file)
        .with_retry(retry())
        .with_http_connector(connector);
    Ok(Arc::new(builder.build().map_err(|error| unusable(&error))?))
}

fn azure(
    settings: &StorageSettings,
    location: &Location,
    env: Environment<'_>,
    connector: Connector,
) -> Result<Arc<dyn Backend>, StorageError> {
    let own = settings.keys.as_ref().map(|keys| keys.secret.expose_secret().to_owned());
    let key = own.or_else(|| env("AZURE_STORAGE_ACCOUNT_KEY")).or_else(|| env("AZURE_STORAGE_KEY"));
    let key = key.ok_or_else(|| {
        let message = "AZURE_STORAGE_ACCOUNT_KEY is not set".to_owned();
        StorageError::new(StorageErrorKind::NoCredentials, message)
    })?;
    let mut builder = MicrosoftAzureBuilder::new()
        .with_account(&location.account)
        .with_container_name(&location.bucket)
        .with_access_key(key)
        .with_retry(retry())
        .with_http_connector(connector);
    if let Some(endpoint) = &settings.endpoint {
        builder = builder.with_endpoint(endpoint.clone()).with_allow_http(endpoint.starts_with("http://"));
    }
    Ok(Arc::new(builder.build().map_err(|error| unusable(&error))?))
}
