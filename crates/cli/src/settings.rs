//! Which key, address, model and proxy are used, and who said so: flags, then the profile named by a flag, then the
//! environment, then the configuration file. Knows nothing of commands.

use std::collections::BTreeMap;
use std::path::Path;

use ark_video::{BaseUrl, Client, ClientBuilder, EnvSettings, KEY_VARIABLES, Proxy};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::args::GlobalArgs;
use crate::config::{self, Section};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::secrets;

/// Variable that names the profile.
const PROFILE_VARIABLE: &str = "ARK_PROFILE";

/// The current Seedance 2.0 on Volcengine (model list, 2026-11).
const MODEL_VOLCENGINE: &str = "doubao-seedance-2-0-260128";
/// The current Seedance 2.0 on BytePlus (model list, 2026-11).
const MODEL_BYTEPLUS: &str = "dreamina-seedance-2-0-260128";

/// A value and who said so.
#[derive(Clone)]
pub(crate) struct Said<T> {
    pub(crate) value: T,
    pub(crate) by: String,
}

impl<T> Said<T> {
    fn new(value: T, by: impl Into<String>) -> Self {
        Self { value, by: by.into() }
    }
}

/// What a connection is made from.
pub(crate) struct Settings {
    pub(crate) key: Option<Said<SecretString>>,
    pub(crate) base_url: Said<String>,
    pub(crate) model: Said<String>,
    pub(crate) proxy: Option<Said<String>>,
    insecure_http: bool,
    file: Option<String>,
    profile: Option<String>,
}

/// Finds every setting. `stdin` is what standard input brought, for `--api-key-file -`.
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
    // A profile that is asked for by name outranks the environment; one that the environment names does not.
    let first = profile.filter(|_| flags.profile.is_some()).map(|section| (section, profile_place.as_str()));
    let later = profile.filter(|_| flags.profile.is_none()).map(|section| (section, profile_place.as_str()));
    let rest = [later, Some((&config.top, place.as_str()))].into_iter().flatten();
    let sections: Vec<(&Section, &str)> = rest.collect();

    let key = match (&flags.api_key_file, &first) {
        (Some(path), _) if path.as_os_str() == "-" => {
            let text = String::from_utf8_lossy(stdin);
            Some(Said::new(config::bare_key(&text, "the key on standard input")?, "--api-key-file"))
        }
        (Some(path), _) => {
            Some(Said::new(config::key_file(&cwd.join(path), "--api-key-file", warn)?, "--api-key-file"))
        }
        (None, Some((section, by))) if has_key(section) => section_key(section, by, warn)?,
        _ => match (&found.api_key, found.api_key_from) {
            (Some(key), Some(variable)) => Some(Said::new(key.clone(), variable)),
            _ => match sections.iter().find(|(section, _)| has_key(section)) {
                Some((section, by)) => section_key(section, by, warn)?,
                None => None,
            },
        },
    };

    let pick = |get: fn(&Section) -> &Option<String>,
                flag: &Option<String>,
                flag_name: &str,
                env: Option<Said<String>>| {
        let of = |(section, by): &(&Section, &str)| get(section).clone().map(|value| Said::new(value, *by));
        flag.clone()
            .map(|value| Said::new(value, flag_name))
            .or_else(|| first.as_ref().and_then(of))
            .or(env)
            .or_else(|| sections.iter().find_map(of))
    };
    // A BytePlus key also says which site it is for, but only when it is the key in use and nobody else says.
    let (from_env, from_key) = match (&found.base_url, found.base_url_from) {
        (Some(url), Some(by)) if KEY_VARIABLES.contains(&by) => (None, Some(Said::new(url.clone(), by))),
        (Some(url), Some(by)) => (Some(Said::new(url.clone(), by)), None),
        _ => (None, None),
    };
    let from_key = from_key.filter(|said| key.as_ref().is_some_and(|key| key.by == said.by));
    let said = pick(|section| &section.base_url, &flags.base_url, "--base-url", from_env);
    if found.unknown_region.is_some()
        && flags.base_url.is_none()
        && first.is_none_or(|(section, _)| section.base_url.is_none())
    {
        // The value is not repeated: a key may have been put there.
        return Err(Failure::new(Exit::Configuration, "ARK_REGION names no region that has an address")
            .hint("use cn-beijing, ap-southeast-1 or eu-west-1, or set ARK_BASE_URL"));
    }
    let base_url = said.or(from_key).unwrap_or_else(|| Said::new(BaseUrl::VOLCENGINE.to_owned(), "default"));
    let model = pick(|section| &section.model, &None, "", None)
        .unwrap_or_else(|| Said::new(default_model(&base_url.value).to_owned(), "default of the site"));
    let proxy = pick(|section| &section.proxy, &flags.proxy, "--proxy", None);
    Ok(Settings {
        key,
        base_url,
        model,
        proxy,
        insecure_http: flags.insecure_http,
        file,
        profile: name.cloned(),
    })
}

fn has_key(section: &Section) -> bool {
    section.api_key.is_some() || section.api_key_file.is_some()
}

fn section_key(
    section: &Section,
    by: &str,
    warn: &mut dyn FnMut(String),
) -> Result<Option<Said<SecretString>>, Failure> {
    Ok(match (&section.api_key, &section.api_key_file) {
        (Some(key), _) => Some(Said::new(key.clone(), by)),
        (None, Some(path)) => {
            Some(Said::new(config::key_file(path, &format!("api_key_file in {by}"), warn)?, by))
        }
        (None, None) => None,
    })
}

/// The name that was asked for is not repeated: a key may have been put there.
fn no_profile(by_flag: bool, config: &config::Config) -> Failure {
    let by = if by_flag { "--profile" } else { PROFILE_VARIABLE };
    let known = config.profiles.keys().map(String::as_str).filter(|name| !secrets::may_be_key(name));
    let known: Vec<&str> = known.collect();
    let hint = match (&config.path, known.is_empty()) {
        (None, _) => "there is no configuration file".to_owned(),
        (Some(path), true) => format!("{} has no profiles", path.display()),
        (Some(path), false) => format!("{} has: {}", path.display(), known.join(", ")),
    };
    Failure::new(Exit::Configuration, format!("there is no profile of the name in {by}")).hint(hint)
}

/// The current Seedance 2.0 as the site behind an address calls it.
fn default_model(base_url: &str) -> &'static str {
    let byteplus = BaseUrl::parse_allowing_insecure(base_url).is_ok_and(|base| {
        let host = base.host().to_ascii_lowercase();
        host == "bytepluses.com" || host.ends_with(".bytepluses.com")
    });
    if byteplus { MODEL_BYTEPLUS } else { MODEL_VOLCENGINE }
}

impl Settings {
    /// What the simulator needs: nothing from outside.
    pub(crate) fn of_simulator() -> Self {
        let model = Said::new(default_model("").to_owned(), "default of the simulator");
        let base_url = Said::new(String::new(), "the simulator");
        Self { key: None, base_url, model, proxy: None, insecure_http: false, file: None, profile: None }
    }

    /// A client of this builder, and a warning if the key goes to somebody else than the vendor.
    pub(crate) fn client(
        &self,
        builder: ClientBuilder,
        warn: &mut dyn FnMut(String),
    ) -> Result<Client, Failure> {
        let Some(key) = &self.key else {
            let message =
                format!("there is no API key: {} is not set, and no file names one", KEY_VARIABLES[0]);
            return Err(Failure::new(Exit::Configuration, message)
                .hint("export ARK_API_KEY=…, or say --api-key-file FILE; `ark-video config` shows where keys are looked for")
                .hint("to try it without a key and without a bill, add --simulate"));
        };
        let mut builder = builder
            .api_key(key.value.clone())
            .base_url(self.base_url.value.as_str())
            .allow_insecure_http(self.insecure_http);
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(Proxy::url(proxy.value.as_str()));
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

    fn origins(&self) -> String {
        let key = self.key.as_ref().map_or("nowhere", |key| key.by.as_str());
        format!("the base URL comes from: {}; the key comes from: {key}", self.base_url.by)
    }

    /// The base URL, if it is one: anything else may be a key that was put there.
    fn usable_base_url(&self) -> Option<&str> {
        let url = self.base_url.value.as_str();
        (url.is_empty() || BaseUrl::parse_allowing_insecure(url).is_ok()).then_some(url)
    }

    /// Everything but the key itself.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "config_file": self.file,
            "profile": self.profile,
            "api_key": self.key.as_ref().map(|key| json!({ "from": key.by })),
            "base_url": { "value": self.usable_base_url(), "from": self.base_url.by },
            "model": { "value": self.model.value, "from": self.model.by },
            // A proxy's address may hold a password.
            "proxy": self.proxy.as_ref().map(|proxy| json!({ "from": proxy.by })),
        })
    }

    /// The same for people.
    pub(crate) fn to_text(&self) -> String {
        let key = self.key.as_ref().map_or("none".to_owned(), |key| format!("set, from {}", key.by));
        let proxy = self
            .proxy
            .as_ref()
            .map_or("as HTTPS_PROXY and its kin say".to_owned(), |proxy| format!("from {}", proxy.by));
        format!(
            "API key      {key}\nbase URL     {} (from {})\nmodel        {} (from {})\nproxy        {proxy}\nconfig file  {}\nprofile      {}",
            self.usable_base_url().unwrap_or("not an address that can be used"),
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
