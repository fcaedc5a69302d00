//! What a user says about the store. Opens nothing.

use std::path::PathBuf;

use ark_video_transport::{StorageError, StorageErrorKind};
use object_store::path::Path as Key;
use secrecy::SecretString;

use crate::Provider;

/// Where files go, and by which credentials.
///
/// ```
/// use ark_video_storage::{Provider, StorageSettings};
///
/// let settings = StorageSettings::new("s3://bucket/clips")
///     .provider(Provider::R2)
///     .endpoint("https://ACCOUNT.r2.cloudflarestorage.com");
/// assert!(!format!("{settings:?}").contains("secret"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct StorageSettings {
    pub(crate) url: String,
    pub(crate) provider: Option<Provider>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) path_style: Option<bool>,
    pub(crate) profile: Option<String>,
    pub(crate) keys: Option<Keys>,
    pub(crate) unfinished: Option<PathBuf>,
}

/// An access key, its secret key and the token of a session.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) access: SecretString,
    pub(crate) secret: SecretString,
    pub(crate) token: Option<SecretString>,
}

impl StorageSettings {
    /// The store of a URL: `s3://BUCKET/PREFIX`, `tos://BUCKET/PREFIX` (the same as `s3://` with
    /// the provider `tos`), `gs://BUCKET/PREFIX` or `az://ACCOUNT/CONTAINER/PREFIX`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    /// Sets the S3-compatible service. Default: [`Provider::Aws`], and with an endpoint
    /// [`Provider::Minio`].
    #[must_use]
    pub fn provider(mut self, provider: Provider) -> Self {
        self.provider = Some(provider);
        self
    }

    /// Sets the bucket's region. Default: the provider's variable, else its first region.
    #[must_use]
    pub fn region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets the endpoint, without the bucket. Default: the provider's.
    #[must_use]
    pub fn endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets whether the bucket stands in the path (`HOST/BUCKET/…`) and not in the host name.
    /// Default: the provider's.
    #[must_use]
    pub fn path_style(mut self, path_style: bool) -> Self {
        self.path_style = Some(path_style);
        self
    }

    /// Sets the profile of the standard AWS files. Its keys then have precedence over those of the
    /// environment. Default: `AWS_PROFILE`, else `default`.
    #[must_use]
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Sets the keys. Default: the environment's, else those of the standard AWS files. For Azure
    /// the secret key is the account's.
    #[must_use]
    pub fn keys(mut self, access: SecretString, secret: SecretString, token: Option<SecretString>) -> Self {
        self.keys = Some(Keys { access, secret, token });
        self
    }

    /// Sets the folder for records of unfinished uploads, so that a killed upload is resumed.
    /// Default none: then an upload that fails is aborted, and one that is killed starts again.
    #[must_use]
    pub fn unfinished(mut self, folder: impl Into<PathBuf>) -> Self {
        self.unfinished = Some(folder.into());
        self
    }

    pub(crate) fn location(&self) -> Result<Location, StorageError> {
        fn wrong(message: impl Into<String>) -> StorageError {
            StorageError::new(StorageErrorKind::Settings, message)
        }
        let form = "write s3://BUCKET/PREFIX, tos://…, gs://BUCKET/PREFIX or az://ACCOUNT/CONTAINER/PREFIX";
        let (scheme, rest) = self
            .url
            .split_once("://")
            .ok_or_else(|| wrong(format!("the storage URL has no scheme: {form}")))?;
        let kind = match scheme {
            "s3" | "tos" => Kind::S3,
            "gs" => Kind::Google,
            "az" => Kind::Azure,
            "file" => return Err(wrong("a local folder is no storage: the service cannot fetch from it")),
            _ => return Err(wrong(format!("unknown scheme of the storage URL: {form}"))),
        };
        if rest.contains(['?', '#', '@']) {
            return Err(wrong("the storage URL has a query or credentials: name bucket and prefix only"));
        }
        let mut parts = rest.splitn(if kind == Kind::Azure { 3 } else { 2 }, '/');
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let account = if kind == Kind::Azure { next() } else { String::new() };
        let (bucket, prefix) = (next(), next());
        if bucket.is_empty() || (kind == Kind::Azure && account.is_empty()) {
            return Err(wrong(format!("the storage URL names no bucket: {form}")));
        }
        let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        if !is_name(&bucket) || !is_name(&account) {
            return Err(wrong("the bucket in the storage URL is not a valid name"));
        }
        let prefix = Key::parse(prefix)
            .map_err(|error| wrong("the prefix of the storage URL is not valid").because(error))?;
        let root = if account.is_empty() {
            format!("{scheme}://{bucket}")
        } else {
            format!("{scheme}://{account}/{bucket}")
        };
        Ok(Location { kind, account, bucket, prefix, root })
    }

    pub(crate) fn provider_of_url(&self) -> Provider {
        let by_url = self.url.starts_with("tos://").then_some(Provider::Tos);
        let by_endpoint = self.endpoint.is_some().then_some(Provider::Minio);
        self.provider.or(by_url).or(by_endpoint).unwrap_or_default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    S3,
    Google,
    Azure,
}

/// A storage URL in its parts.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    pub(crate) kind: Kind,
    /// Of Azure alone.
    pub(crate) account: String,
    pub(crate) bucket: String,
    pub(crate) prefix: Key,
    /// The URL of the bucket.
    pub(crate) root: String,
}
