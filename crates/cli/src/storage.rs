//! The user's bucket for local media: opened from the settings, and its errors as the command's.
//! Without the feature `storage` it only says how to get it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ark_video::media_store::{MediaStore, StorageError, StorageErrorKind, StoredMedia};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::settings::Settings;

/// An opened store.
pub(crate) type Store = Arc<dyn MediaStore>;

/// What a store is opened with.
#[derive(Clone, Copy)]
#[cfg_attr(not(feature = "storage"), expect(dead_code, reason = "read by the feature `storage`"))]
pub(crate) struct StoreContext<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) env: &'a BTreeMap<String, String>,
    pub(crate) cwd: &'a Path,
    pub(crate) output: &'a Output,
}

/// How to set it up, in two lines.
#[cfg(feature = "storage")]
pub(crate) const HOW_TO: [&str; 2] = [
    "local videos go through a bucket of yours: add --storage s3://BUCKET/PREFIX, or url under [storage] in the configuration file",
    "its keys come from the environment (AWS_ACCESS_KEY_ID, TOS_ACCESS_KEY, …) or ~/.aws; see docs/guide/storage.md",
];
/// How to get it, in two lines.
#[cfg(not(feature = "storage"))]
pub(crate) const HOW_TO: [&str; 2] = [
    "local videos go through a bucket of yours, which this build cannot use: install it with `cargo install --locked --path crates/cli --features storage`",
    "then add --storage s3://BUCKET/PREFIX, or url under [storage] in the configuration file; see docs/guide/storage.md",
];

/// Opens the store of the settings, which name one. Sends nothing.
pub(crate) fn open(at: &StoreContext<'_>) -> Result<Store, Failure> {
    opened(at).map(|storage| storage as Store)
}

#[cfg(not(feature = "storage"))]
fn opened(_: &StoreContext<'_>) -> Result<Store, Failure> {
    Err(how_to("this build of the command has no storage"))
}

/// Removes old objects; gives their names and lengths.
#[cfg(not(feature = "storage"))]
pub(crate) async fn prune(
    at: &StoreContext<'_>,
    _: std::time::SystemTime,
    _: bool,
) -> Result<Vec<(String, u64)>, Failure> {
    opened(at).map(|_| Vec::new())
}

/// Whether a store would take the value of a field of `[storage]`. Sends nothing.
pub(crate) fn check(field: &str, value: &str) -> Result<(), Failure> {
    if field == "path_style" && !["true", "false"].contains(&value) {
        let message = "storage.path_style is true or false; nothing was changed";
        return Err(Failure::new(Exit::Usage, message));
    }
    usable(field, value)
        .map_err(|why| Failure::new(Exit::Configuration, why).hint("the configuration file was not changed"))
}

#[cfg(not(feature = "storage"))]
fn usable(_: &str, _: &str) -> Result<(), String> {
    Ok(())
}

#[cfg(feature = "storage")]
pub(crate) use with_feature::prune;
#[cfg(feature = "storage")]
use with_feature::{opened, usable};

#[cfg(feature = "storage")]
mod with_feature {
    use std::time::SystemTime;

    use ark_video::HttpTransport;
    use ark_video::storage::{Provider, Storage, StorageSettings};
    use secrecy::{ExposeSecret, SecretString};

    use super::*;
    use crate::records::state_dir;

    /// Variables whose values are never shown.
    const SECRETS: [&str; 10] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "TOS_ACCESS_KEY",
        "TOS_SECRET_KEY",
        "TOS_SECURITY_TOKEN",
        "VOLC_SECRETKEY",
        "BYTEPLUS_SECRETKEY",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "AZURE_STORAGE_KEY",
    ];

    pub(super) fn opened(at: &StoreContext<'_>) -> Result<Arc<Storage>, Failure> {
        let StoreContext { settings, env, cwd, output } = *at;
        let Some(named) = &settings.storage else { return Err(how_to("no storage is set")) };
        let section = &named.value;
        let mut wanted = StorageSettings::new(&section.url);
        let wrong = |why: String| Failure::new(Exit::Configuration, format!("{why} (from {})", named.by));
        if let Some(provider) = &section.provider {
            wanted = wanted.provider(provider.parse::<Provider>().map_err(wrong)?);
        }
        for (value, set) in [
            (&section.region, StorageSettings::region as fn(StorageSettings, String) -> StorageSettings),
            (&section.endpoint, StorageSettings::endpoint),
            (&section.profile, StorageSettings::profile),
        ] {
            wanted = value.iter().cloned().fold(wanted, set);
        }
        if let Some(path_style) = section.path_style {
            wanted = wanted.path_style(path_style);
        }
        if let (Some(access), Some(secret)) = (&section.access_key_id, &section.secret_access_key) {
            wanted = wanted.keys(access.clone(), secret.clone(), section.session_token.clone());
            [access, secret].into_iter().for_each(|key| output.hide(key.expose_secret()));
        }
        if let Some(folder) = state_dir(env, cwd) {
            wanted = wanted.unfinished(folder.join("uploads"));
        }
        SECRETS.iter().filter_map(|name| env.get(*name)).for_each(|key| output.hide(key));
        let transport = Arc::new(settings.transport()?);
        let variable = |name: &str| env.get(name).cloned();
        Storage::open(&wanted, &variable, transport).map(Arc::new).map_err(|error| failure(&error))
    }

    pub(super) fn usable(field: &str, value: &str) -> Result<(), String> {
        let key = || SecretString::from("checked");
        let of = |url: &str| StorageSettings::new(url).keys(key(), key(), None);
        let settings = match field {
            "provider" => return value.parse::<Provider>().map(drop),
            "url" => of(value),
            "region" => of("s3://bucket").region(value),
            "endpoint" => of("s3://bucket").endpoint(value),
            _ => return Ok(()),
        };
        match Storage::open(&settings, &|_| None, Arc::new(HttpTransport::new())) {
            // Of Google, which has no keys of that form.
            Err(error) if error.kind != StorageErrorKind::NoCredentials => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    /// Removes old objects; gives their names and lengths.
    pub(crate) async fn prune(
        at: &StoreContext<'_>,
        before: SystemTime,
        dry_run: bool,
    ) -> Result<Vec<(String, u64)>, Failure> {
        let storage = opened(at)?;
        let pruned = storage.prune(before, dry_run).await.map_err(|error| failure(&error))?;
        Ok(pruned.into_iter().map(|one| (one.object, one.bytes)).collect())
    }
}

/// The host of the store's URLs; `None` without a usable store.
pub(crate) async fn host(at: &StoreContext<'_>) -> Option<String> {
    let url = at.settings.storage.as_ref()?.value.url.trim_end_matches('/');
    let any = StoredMedia::new(format!("{url}/a"), "a", 0);
    let signed = open(at).ok()?.sign(&any, Duration::from_secs(1)).await.ok()?;
    signed.to_string().parse::<http::Uri>().ok()?.host().map(str::to_owned)
}

/// A failure with how to set storage up.
fn how_to(message: &str) -> Failure {
    HOW_TO.into_iter().fold(Failure::new(Exit::Configuration, message), Failure::hint)
}

/// Converts an error of the store: nothing was sent to the service.
pub(crate) fn failure(error: &StorageError) -> Failure {
    let exit = match error.kind {
        StorageErrorKind::File => Exit::Input,
        StorageErrorKind::LinkTooLong => Exit::Request,
        StorageErrorKind::Unreachable
        | StorageErrorKind::Failed
        | StorageErrorKind::Full
        | StorageErrorKind::ClockSkew => Exit::NotSent,
        _ => Exit::Configuration,
    };
    Failure::new(exit, format!("{error}; nothing was sent, nothing is billed")).hint(error.advice())
}
