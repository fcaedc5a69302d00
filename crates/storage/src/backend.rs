//! What the object store library is used for, and how it is set up for S3, Google and Azure. Sends
//! nothing itself.

use std::{sync::Arc, time::Duration};

use ark_video_transport::{StorageError, StorageErrorKind as Wrong};
use object_store::{
    BackoffConfig, ObjectStore, RetryConfig, aws::AmazonS3Builder, azure::MicrosoftAzureBuilder,
    gcp::GoogleCloudStorageBuilder, multipart::MultipartStore, signer::Signer,
};
use secrecy::ExposeSecret;

use crate::{
    StorageSettings,
    connector::Connector,
    credentials::{Environment, Profile, keys},
    settings::{Kind, Location},
};

/// What is used of a store.
pub(crate) trait Backend: ObjectStore + MultipartStore + Signer {}

impl<T: ObjectStore + MultipartStore + Signer> Backend for T {}

/// Opens the backend of a location; sends nothing.
pub(crate) fn open(
    settings: &StorageSettings,
    location: &Location,
    env: Environment<'_>,
    connector: Connector,
) -> Result<Arc<dyn Backend>, StorageError> {
    match location.kind {
        Kind::S3 => s3(settings, location, env, connector),
        Kind::Google => google(location, env, connector),
        Kind::Azure => azure(settings, location, env, connector),
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
    StorageError::new(Wrong::Settings, format!("the storage settings cannot be used: {error}"))
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
    let missing = || format!("the storage provider {provider} needs its endpoint");
    let endpoint = settings.endpoint.clone().or_else(|| provider.endpoint(&region));
    let endpoint = endpoint.ok_or_else(|| StorageError::new(Wrong::Settings, missing()))?;
    let invalid = "the storage endpoint is not a URL such as https://HOST";
    let (scheme, host) = endpoint
        .trim_end_matches('/')
        .split_once("://")
        .filter(|(scheme, host)| matches!(*scheme, "https" | "http") && !host.is_empty())
        .ok_or_else(|| StorageError::new(Wrong::Settings, invalid))?;
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
    let missing = "GOOGLE_APPLICATION_CREDENTIALS does not name the key file of a service account";
    let file = file.ok_or_else(|| StorageError::new(Wrong::NoCredentials, missing))?;
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
    let missing = "AZURE_STORAGE_ACCOUNT_KEY is not set";
    let key = key.ok_or_else(|| StorageError::new(Wrong::NoCredentials, missing))?;
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
