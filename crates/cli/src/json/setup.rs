//! JSON of `config`, `doctor` and `version`.

use std::path::Path;

use serde::Serialize;

use crate::exit::Exit;

/// `config`: the settings in use, each with where it came from. Secrets are left out.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct SettingsDocument<'a> {
    pub(crate) config_file: Option<&'a str>,
    pub(crate) profile: Option<&'a str>,
    pub(crate) api_key: Option<SettingSource<'a>>,
    pub(crate) base_url: SettingValue<'a>,
    pub(crate) model: SettingValue<'a>,
    /// Its address may hold a password.
    pub(crate) proxy: Option<SettingSource<'a>>,
    pub(crate) confirm_above: Option<SettingValue<'a>>,
    pub(crate) ca_cert: Option<SettingValue<'a>>,
    /// The names of the additional headers.
    pub(crate) headers: Vec<&'a str>,
    /// The bucket for local media.
    pub(crate) storage: Option<SettingValue<'a>>,
}

/// `storage prune`: what was removed, or would be.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct PrunedObjects<'a> {
    /// Nothing was removed.
    pub(crate) dry_run: bool,
    pub(crate) objects: Vec<PrunedObject<'a>>,
}

/// An object in a bucket.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct PrunedObject<'a> {
    pub(crate) object: &'a str,
    pub(crate) bytes: u64,
}

/// Where a setting came from.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct SettingSource<'a> {
    pub(crate) from: &'a str,
}

/// A setting, and where it came from.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct SettingValue<'a> {
    pub(crate) value: Option<String>,
    pub(crate) from: &'a str,
}

/// `config path` and `config init`: where the file is.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ConfigPath<'a> {
    pub(crate) path: &'a Path,
    pub(crate) exists: bool,
}

/// `config get` and `config set`: one field of the file.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ConfigField<'a> {
    pub(crate) field: &'a str,
    pub(crate) value: &'a str,
    /// The value is not shown.
    pub(crate) masked: bool,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Health {
    Ok,
    Warn,
    Fail,
}

impl Health {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One check of `doctor`.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct HealthCheck {
    pub(crate) name: &'static str,
    pub(crate) status: Health,
    pub(crate) detail: String,
    /// What to do; always there unless the status is ok.
    pub(crate) fix: Option<String>,
    /// How the command ends because of it.
    #[serde(skip)]
    pub(crate) exit: Option<Exit>,
}

/// `doctor`: every check, and the worst status.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Diagnosis {
    pub(crate) status: Health,
    pub(crate) checks: Vec<HealthCheck>,
}

/// `version`: what this program was built from; `unknown` where the build could not find out.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Version<'a> {
    pub(crate) version: &'a str,
    pub(crate) commit: &'a str,
    /// Day on which the catalog of models and prices was last checked as a whole.
    pub(crate) catalog: &'a str,
    /// Day on which the newest document of the schema was received.
    pub(crate) schema: &'a str,
    pub(crate) target: &'a str,
}
