//! Resolves key, base URL, model and proxy with their sources: flags, then the profile named by a
//! flag, then the environment, then the configuration file. Knows no commands.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ark_video::model::catalog::{Catalog, Site};
use ark_video::{
    BaseUrl, Client, ClientBuilder, HttpTransport, Proxy,
    environment::{EnvSettings, KEY_VARIABLES},
};
use ark_video_batch::Amount;
use secrecy::{ExposeSecret, SecretString};

use crate::args::GlobalArgs;
use crate::config::{self, Section, StorageSection};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{SettingSource, SettingValue, SettingsDocument};
use crate::model_names::ModelSite;
use crate::secrets;

/// Variable that names the profile.
const PROFILE_VARIABLE: &str = "ARK_PROFILE";

/// The model where nothing names one: Seedance 2.0 of the site.
const DEFAULT_MODEL: &str = "2.0";

/// A value and its source.
#[derive(Clone)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) by: String,
}

impl<T> Setting<T> {
    pub(crate) fn new(value: T, by: impl Into<String>) -> Self {
        Self { value, by: by.into() }
    }
}

/// The settings of a connection.
pub(crate) struct Settings {
    pub(crate) key: Option<Setting<SecretString>>,
    pub(crate) base_url: Setting<String>,
    pub(crate) model: Setting<String>,
    pub(crate) proxy: Option<Setting<String>>,
    /// Costs above this need a confirmation.
    pub(crate) confirm_above: Option<Setting<Amount>>,
    pub(crate) ca_cert: Option<Setting<PathBuf>>,
    /// Headers for a gateway; their values may be keys.
    pub(crate) headers: Vec<(String, SecretString)>,
    /// The bucket for local media.
    pub(crate) storage: Option<Setting<StorageSection>>,
    insecure_http: bool,
    file: Option<String>,
    profile: Option<String>,
}

/// Resolves every setting. `stdin` is the content of standard input, for `--api-key-file -`.
pub(crate) fn resolve(
    flags: &GlobalArgs,
    env: &BTreeMap<String, String>,
    cwd: &Path,
    stdin: &[u8],
    warn: &mut dyn FnMut(String),
) -> Result<Settings, Failure> {
    let config = config::load(flags.config.as_deref(), env, cwd, warn)?;
    let found = EnvSettings::from_lookup(|name| env.get(name).cloned());
    let by_env = env.get(PROFILE_VARIABLE).filter(|name| !name.is_empty());
    let name = flags.profile.as_ref().or(by_env);
    let profile = match name {
        Some(name) => {
            Some(config.profiles.get(name).ok_or_else(|| no_profile(flags.profile.is_some(), &config))?)
        }
        None => None,
    };
    let file = config.path.as_deref().map(|path| path.display().to_string());
    let place = file.clone().unwrap_or_default();
    let profile_place = format!("profile {} of {place}", name.map_or("", String::as_str));
    // A profile named by a flag overrides the environment; one named by the environment does not.
    let first = profile.filter(|_| flags.profile.is_some()).map(|section| (section, profile_place.as_str()));
    let later = profile.filter(|_| flags.profile.is_none()).map(|section| (section, profile_place.as_str()));
    let rest = [later, Some((&config.top, place.as_str()))].into_iter().flatten();
    let sections: Vec<(&Section, &str)> = rest.collect();

    let key = match (&flags.api_key_file, &first) {
        (Some(path), _) if path.as_os_str() == "-" => {
            let text = String::from_utf8_lossy(stdin);
            Some(Setting::new(config::bare_key(&text, "the key on standard input")?, "--api-key-file"))
        }
        (Some(path), _) => {
            Some(Setting::new(config::key_file(&cwd.join(path), "--api-key-file", warn)?, "--api-key-file"))
        }
        (None, Some((section, by))) if has_key(section) => section_key(section, by, warn)?,
        _ => match (&found.api_key, found.api_key_from) {
            (Some(key), Some(variable)) => Some(Setting::new(key.clone(), variable)),
            _ => match sections.iter().find(|(section, _)| has_key(section)) {
                Some((section, by)) => section_key(section, by, warn)?,
                None => None,
            },
        },
    };

    let pick = |get: fn(&Section) -> &Option<String>,
                flag: &Option<String>,
                flag_name: &str,
                env: Option<Setting<String>>| {
        let of =
            |(section, by): &(&Section, &str)| get(section).clone().map(|value| Setting::new(value, *by));
        flag.clone()
            .map(|value| Setting::new(value, flag_name))
            .or_else(|| first.as_ref().and_then(of))
            .or(env)
            .or_else(|| sections.iter().find_map(of))
    };
    // A BytePlus key also selects its site, but only if it is the key in use and nothing else
    // selects one.
    let (from_env, from_key) = match (&found.base_url, found.base_url_from) {
        (Some(url), Some(by)) if KEY_VARIABLES.contains(&by) => (None, Some(Setting::new(url.clone(), by))),
        (Some(url), Some(by)) => (Some(Setting::new(url.clone(), by)), None),
        _ => (None, None),
    };
    let from_key = from_key.filter(|said| key.as_ref().is_some_and(|key| key.by == said.by));
    let said = pick(|section| &section.base_url, &flags.base_url, "--base-url", from_env);
    if found.unknown_region.is_some()
        && flags.base_url.is_none()
        && first.is_none_or(|(section, _)| section.base_url.is_none())
    {
        // The value is not shown: it may be a key.
        return Err(Failure::new(Exit::Configuration, "unknown region in ARK_REGION")
            .hint("use cn-beijing, ap-southeast-1 or eu-west-1, or set ARK_BASE_URL"));
    }
    let base_url =
        said.or(from_key).unwrap_or_else(|| Setting::new(BaseUrl::VOLCENGINE.to_owned(), "default"));
    let model = pick(|section| &section.model, &None, "", None)
        .unwrap_or_else(|| Setting::new(default_model(&base_url.value), "default of the site"));
    let proxy = pick(|section| &section.proxy, &flags.proxy, "--proxy", None);
    let confirm_above = pick(|section| &section.confirm_above, &None, "", None).map(amount).transpose()?;
    let ca_cert =
        flags.ca_cert.as_ref().map(|path| Setting::new(cwd.join(path), "--ca-cert")).or_else(|| {
            first.iter().chain(&sections).find_map(|(section, by)| {
                section.ca_cert.clone().map(|path| Setting::new(path, format!("ca_cert in {by}")))
            })
        });
    let headers = headers(flags, first.iter().chain(&sections).map(|(section, _)| *section))?;
    let storage = first.iter().chain(&sections).find_map(|(section, by)| {
        section.storage.clone().map(|storage| Setting::new(storage, format!("storage in {by}")))
    });
    let storage = match &flags.storage {
        Some(url) => {
            let rest = storage.map(|storage| storage.value).unwrap_or_default();
            Some(Setting::new(StorageSection { url: url.clone(), ..rest }, "--storage"))
        }
        None => storage,
    };
    Ok(Settings {
        key,
        base_url,
        model,
        proxy,
        confirm_above,
        ca_cert,
        headers,
        storage,
        insecure_http: flags.insecure_http,
        file,
        profile: name.cloned(),
    })
}

/// The threshold of the configuration. The value is not shown: it may be a misplaced key.
fn amount(text: Setting<String>) -> Result<Setting<Amount>, Failure> {
    match text.value.parse() {
        Ok(amount) => Ok(Setting::new(amount, text.by)),
        Err(_) => {
            let message = format!("confirm_above in {} is not an amount; nothing was sent", text.by);
            Err(Failure::new(Exit::Configuration, message)
                .hint("write an amount with its unit: \"20CNY\", \"3USD\" or \"500000tokens\""))
        }
    }
}

/// The headers of the first section that has any, with those of the flags instead where both have
/// one.
fn headers<'s>(
    flags: &GlobalArgs,
    mut sections: impl Iterator<Item = &'s Section>,
) -> Result<Vec<(String, SecretString)>, Failure> {
    let mut headers = sections.find(|section| !section.headers.is_empty()).map_or_else(Vec::new, |section| {
        section.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    });
    for header in &flags.headers {
        // The text is not shown: it may be a key.
        let (name, value) = header.expose_secret().split_once(':').ok_or_else(|| {
            Failure::new(Exit::Usage, "--header is not of the form 'Name: value'").hint("nothing was sent")
        })?;
        headers.retain(|(known, _): &(String, _)| !known.eq_ignore_ascii_case(name.trim()));
        headers.push((name.trim().to_owned(), SecretString::from(value.trim())));
    }
    Ok(headers)
}

fn has_key(section: &Section) -> bool {
    section.api_key.is_some() || section.api_key_file.is_some()
}

fn section_key(
    section: &Section,
    by: &str,
    warn: &mut dyn FnMut(String),
) -> Result<Option<Setting<SecretString>>, Failure> {
    Ok(match (&section.api_key, &section.api_key_file) {
        (Some(key), _) => Some(Setting::new(key.clone(), by)),
        (None, Some(path)) => {
            Some(Setting::new(config::key_file(path, &format!("api_key_file in {by}"), warn)?, by))
        }
        (None, None) => None,
    })
}

/// The name is not shown: it may be a key.
fn no_profile(by_flag: bool, config: &config::Config) -> Failure {
    let by = if by_flag { "--profile" } else { PROFILE_VARIABLE };
    let known = config.profiles.keys().map(String::as_str).filter(|name| !secrets::may_be_key(name));
    let known: Vec<&str> = known.collect();
    let hint = match (&config.path, known.is_empty()) {
        (None, _) => "there is no configuration file".to_owned(),
        (Some(path), true) => format!("{} has no profiles", path.display()),
        (Some(path), false) => format!("{} has: {}", path.display(), known.join(", ")),
    };
    Failure::new(Exit::Configuration, format!("unknown profile in {by}")).hint(hint)
}

/// Whose models a base URL has; those of Volcengine where that is unknown.
fn model_site(base_url: &str) -> ModelSite {
    let base = BaseUrl::parse_allowing_insecure(base_url).ok();
    let host = base.as_ref().map(|base| base.host().to_ascii_lowercase()).unwrap_or_default();
    let byteplus = host == "bytepluses.com" || host.ends_with(".bytepluses.com");
    let site = if byteplus { Site::Byteplus } else { Site::Volcengine };
    ModelSite {
        site,
        is_vendor: base.is_none_or(|base| byteplus || base.is_vendor() || base.is_loopback()),
        is_plan: base_url.contains("/api/plan/"),
    }
}

/// The id of the default model.
fn default_model(base_url: &str) -> String {
    let (catalog, at) = (Catalog::builtin(), model_site(base_url));
    let found = catalog.named(DEFAULT_MODEL, at.site);
    found.first().map_or(DEFAULT_MODEL, |model| at.id(model, catalog)).to_owned()
}

impl Settings {
    /// The settings of the simulator: nothing external.
    pub(crate) fn of_simulator() -> Self {
        let model = Setting::new(default_model(""), "default of the simulator");
        let base_url = Setting::new(String::new(), "the simulator");
        Self {
            key: None,
            base_url,
            model,
            proxy: None,
            confirm_above: None,
            ca_cert: None,
            headers: Vec::new(),
            storage: None,
            insecure_http: false,
            file: None,
            profile: None,
        }
    }

    /// Builds the client, and warns if the key goes to a host that is not the vendor's.
    pub(crate) fn client(
        &self,
        builder: ClientBuilder,
        warn: &mut dyn FnMut(String),
    ) -> Result<Client, Failure> {
        let Some(key) = &self.key else {
            let message = format!("no API key: {} is not set, and no file provides one", KEY_VARIABLES[0]);
            return Err(Failure::new(Exit::Configuration, message)
                .hint(
                    "export ARK_API_KEY=…, or use --api-key-file FILE; `ark-video config` shows the sources",
                )
                .hint("to try it without a key and without cost, add --simulate"));
        };
        let mut builder = builder
            .api_key(key.value.clone())
            .base_url(self.base_url.value.as_str())
            .allow_insecure_http(self.insecure_http);
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(Proxy::url(proxy.value.as_str()));
        }
        if let Some(pem) = self.authorities()? {
            builder = builder.root_certificate(pem);
        }
        for (name, value) in &self.headers {
            builder = builder.header(name, value.clone());
        }
        let client = builder
            .build()
            .map_err(|error| crate::api_failure::of(&error, "ark-video").hint(self.origins()))?;
        let base = client.base_url();
        if !base.is_vendor() && !base.is_loopback() {
            warn(format!(
                "the key is sent to {}, which is not the vendor's (from {})",
                base.host(),
                self.base_url.by
            ));
        }
        Ok(client)
    }

    /// The certificates that are trusted too, as PEM.
    fn authorities(&self) -> Result<Option<Vec<u8>>, Failure> {
        let Some(file) = &self.ca_cert else { return Ok(None) };
        std::fs::read(&file.value).map(Some).map_err(|error| {
            let why = crate::media::reason(&error);
            let message = format!("cannot read the certificate file {}: {why}", file.value.display());
            Failure::new(Exit::Configuration, message)
                .hint(format!("it comes from {}; nothing was sent", file.by))
        })
    }

    /// A transport of its own, for the storage: same proxy and authorities, no key.
    pub(crate) fn transport(&self) -> Result<HttpTransport, Failure> {
        let wrong = |why: String| Failure::new(Exit::Configuration, why).hint("nothing was sent");
        let mut builder = HttpTransport::builder();
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(Proxy::url(proxy.value.as_str()));
        }
        if let Some(pem) = self.authorities()? {
            builder = builder.root_certificate(&pem).map_err(|error| wrong(error.to_string()))?;
        }
        builder.build().map_err(|error| wrong(error.to_string()))
    }

    fn origins(&self) -> String {
        let key = self.key.as_ref().map_or("nowhere", |key| key.by.as_str());
        format!("the base URL comes from: {}; the key comes from: {key}", self.base_url.by)
    }

    /// Whose models are meant.
    pub(crate) fn model_site(&self) -> ModelSite {
        model_site(&self.base_url.value)
    }

    /// The base URL, if it is valid: anything else may be a misplaced key.
    fn usable_base_url(&self) -> Option<&str> {
        let url = self.base_url.value.as_str();
        (url.is_empty() || BaseUrl::parse_allowing_insecure(url).is_ok()).then_some(url)
    }

    /// Everything but the key itself.
    pub(crate) fn to_json(&self) -> SettingsDocument<'_> {
        let value = |value: Option<String>, from| SettingValue { value, from };
        SettingsDocument {
            config_file: self.file.as_deref(),
            profile: self.profile.as_deref(),
            api_key: self.key.as_ref().map(|key| SettingSource { from: &key.by }),
            base_url: value(self.usable_base_url().map(str::to_owned), &self.base_url.by),
            model: value(Some(self.model.value.clone()), &self.model.by),
            proxy: self.proxy.as_ref().map(|proxy| SettingSource { from: &proxy.by }),
            confirm_above: self
                .confirm_above
                .as_ref()
                .map(|limit| value(Some(limit.value.to_string()), &limit.by)),
            ca_cert: (self.ca_cert.as_ref())
                .map(|file| value(Some(file.value.display().to_string()), &file.by)),
            headers: self.header_names(),
            storage: self.storage.as_ref().map(|storage| value(Some(storage.value.url.clone()), &storage.by)),
        }
    }

    fn header_names(&self) -> Vec<&str> {
        self.headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The same as text.
    pub(crate) fn to_text(&self) -> String {
        let key = self.key.as_ref().map_or("none".to_owned(), |key| format!("set, from {}", key.by));
        let proxy =
            self.proxy.as_ref().map_or("from HTTPS_PROXY and related variables".to_owned(), |proxy| {
                format!("from {}", proxy.by)
            });
        let confirm = self
            .confirm_above
            .as_ref()
            .map_or("never".to_owned(), |limit| format!("above {} (from {})", limit.value, limit.by));
        let authorities = self.ca_cert.as_ref().map_or("of the system".to_owned(), |file| {
            format!("of the system and of {} (from {})", file.value.display(), file.by)
        });
        let storage = self
            .storage
            .as_ref()
            .map_or("none".to_owned(), |storage| format!("{} (from {})", storage.value.url, storage.by));
        let headers = match self.header_names().as_slice() {
            [] => "none".to_owned(),
            names => names.join(", "),
        };
        format!(
            "API key      {key}\nbase URL     {} (from {})\nmodel        {} (from {})\nproxy        {proxy}\nconfirm      {confirm}\nauthorities  {authorities}\nheaders      {headers}\nstorage      {storage}\nconfig file  {}\nprofile      {}",
            self.usable_base_url().unwrap_or("not a valid URL"),
            self.base_url.by,
            self.model.value,
            self.model.by,
            self.file.as_deref().unwrap_or("none"),
            self.profile.as_deref().unwrap_or("none"),
        )
    }
}

#[cfg(test)]
mod tests;
