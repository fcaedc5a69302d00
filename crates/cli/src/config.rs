//! The configuration file: its path, its fields, and its errors. Messages never repeat a value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ark_video_batch::decode_text;
use secrecy::SecretString;
use serde::Deserialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::secrets;

/// The settings of the file and of each profile.
#[derive(Default)]
pub(crate) struct Section {
    pub(crate) api_key: Option<SecretString>,
    pub(crate) api_key_file: Option<PathBuf>,
    pub(crate) base_url: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) proxy: Option<String>,
    pub(crate) confirm_above: Option<String>,
    pub(crate) ca_cert: Option<PathBuf>,
    pub(crate) headers: BTreeMap<String, SecretString>,
    pub(crate) storage: Option<StorageSection>,
}

/// `[storage]` of the configuration file.
#[derive(Clone, Default)]
#[cfg_attr(not(feature = "storage"), expect(dead_code, reason = "read by the feature `storage`"))]
pub(crate) struct StorageSection {
    pub(crate) url: String,
    pub(crate) provider: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) path_style: Option<bool>,
    pub(crate) profile: Option<String>,
    pub(crate) access_key_id: Option<SecretString>,
    pub(crate) secret_access_key: Option<SecretString>,
    pub(crate) session_token: Option<SecretString>,
}

/// The parsed file.
#[derive(Default)]
pub(crate) struct Config {
    /// `None` when there is no file.
    pub(crate) path: Option<PathBuf>,
    pub(crate) top: Section,
    pub(crate) profiles: BTreeMap<String, Section>,
}

/// The file, or a profile of it: the same fields.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawSection {
    api_key: Option<String>,
    api_key_file: Option<PathBuf>,
    base_url: Option<String>,
    model: Option<String>,
    proxy: Option<String>,
    confirm_above: Option<String>,
    ca_cert: Option<PathBuf>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    storage: Option<RawStorage>,
    /// Of the file alone.
    #[serde(default)]
    profiles: BTreeMap<String, RawSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStorage {
    url: String,
    provider: Option<String>,
    region: Option<String>,
    endpoint: Option<String>,
    path_style: Option<bool>,
    profile: Option<String>,
    access_key_id: Option<SecretText>,
    secret_access_key: Option<SecretText>,
    session_token: Option<SecretText>,
}

/// A text that is a secret from the first byte on.
struct SecretText(SecretString);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(text.into()))
    }
}

impl From<RawStorage> for StorageSection {
    fn from(raw: RawStorage) -> Self {
        let secret = |text: Option<SecretText>| text.map(|text| text.0);
        Self {
            url: raw.url,
            provider: raw.provider,
            region: raw.region,
            endpoint: raw.endpoint,
            path_style: raw.path_style,
            profile: raw.profile,
            access_key_id: secret(raw.access_key_id),
            secret_access_key: secret(raw.secret_access_key),
            session_token: secret(raw.session_token),
        }
    }
}

/// The fields of the file and its profiles.
pub(crate) const FIELDS: [&str; 10] = [
    "api_key",
    "api_key_file",
    "base_url",
    "model",
    "proxy",
    "confirm_above",
    "ca_cert",
    "headers",
    "storage",
    "profiles",
];

/// The fields of `[storage]`.
pub(crate) const STORAGE_FIELDS: [&str; 9] = [
    "url",
    "provider",
    "region",
    "endpoint",
    "path_style",
    "profile",
    "access_key_id",
    "secret_access_key",
    "session_token",
];

/// The default path: `$XDG_CONFIG_HOME`, else `~/.config`; on Windows `%APPDATA%`.
pub(crate) fn default_path(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let folder = |name: &str| env.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = folder("XDG_CONFIG_HOME").or_else(|| {
        if cfg!(windows) { folder("APPDATA") } else { folder("HOME").map(|home| home.join(".config")) }
    })?;
    Some(base.join("ark-video").join("config.toml"))
}

/// Reads the named file, or the default one if it exists. `warn` receives warnings.
pub(crate) fn load(
    named: Option<&Path>,
    env: &BTreeMap<String, String>,
    cwd: &Path,
    warn: &mut dyn FnMut(String),
) -> Result<Config, Failure> {
    let (path, required) = match (named, default_path(env)) {
        (Some(path), _) => (cwd.join(path), true),
        (None, Some(path)) => (path, false),
        (None, None) => return Ok(Config::default()),
    };
    if !required && !path.exists() {
        return Ok(Config::default());
    }
    let config = parse(&path, &read(&path)?, env)?;
    let holds_key = |section: &Section| {
        section.api_key.is_some()
            || section.storage.as_ref().is_some_and(|storage| storage.secret_access_key.is_some())
    };
    let holds_key = std::iter::once(&config.top).chain(config.profiles.values()).any(holds_key);
    if holds_key && open_to_others(&path) {
        warn(format!(
            "{} contains a key and is readable by others: chmod 600 {}",
            path.display(),
            path.display()
        ));
    }
    Ok(config)
}

/// The text of the file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        let why = crate::media::reason(&error);
        wrong(format!("cannot read the configuration file {}: {why}", shown(path)))
    })?;
    decode_text(&bytes).map(Cow::into_owned).map_err(|error| {
        wrong(format!("the configuration file {} is {error}", shown(path))).hint(error.advice())
    })
}

/// The text of the file as settings; relative paths in it start at its folder.
pub(crate) fn parse(path: &Path, text: &str, env: &BTreeMap<String, String>) -> Result<Config, Failure> {
    let mut top: RawSection = toml::from_str(text).map_err(|error| violation(path, text, &error))?;
    let profiles = std::mem::take(&mut top.profiles);
    let home = env.get("HOME").map(PathBuf::from);
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let place = |given: PathBuf| match (given.strip_prefix("~"), &home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => folder.join(given),
    };
    let section = |name: &str, raw: RawSection| -> Result<Section, Failure> {
        if !raw.profiles.is_empty() {
            return Err(wrong(format!("{}: {name} has profiles of its own", path.display())));
        }
        if raw.api_key.is_some() && raw.api_key_file.is_some() {
            return Err(wrong(format!(
                "{}: {name} has both api_key and api_key_file: keep one",
                path.display()
            )));
        }
        Ok(Section {
            api_key: raw.api_key.map(|key| SecretString::from(ark_video::environment::bare_key(&key))),
            api_key_file: raw.api_key_file.map(place),
            base_url: raw.base_url,
            model: raw.model,
            proxy: raw.proxy,
            confirm_above: raw.confirm_above,
            ca_cert: raw.ca_cert.map(place),
            headers: raw.headers.into_iter().map(|(name, value)| (name, value.into())).collect(),
            storage: raw.storage.map(StorageSection::from),
        })
    };
    let top = section("the file", top)?;
    let profiles = profiles
        .into_iter()
        .map(|(name, raw)| Ok((name.clone(), section(&format!("profile {name}"), raw)?)))
        .collect::<Result<_, Failure>>()?;
    Ok(Config { path: Some(path.to_owned()), top, profiles })
}

/// A key from a file that contains nothing else. `by` is the source of the path: the path itself is
/// shown only if the file exists, as it may be the key.
pub(crate) fn key_file(path: &Path, by: &str, warn: &mut dyn FnMut(String)) -> Result<SecretString, Failure> {
    let bytes = std::fs::read(path).map_err(|error| {
        let why = if path.is_dir() { "it is a folder".to_owned() } else { crate::media::reason(&error) };
        wrong(format!("cannot read the key file named by {by}: {why}"))
            .hint("give the path of a file that contains the key, not the key itself")
    })?;
    let text = decode_text(&bytes)
        .map_err(|error| wrong(format!("the key file {} is {error}", path.display())).hint(error.advice()))?;
    if open_to_others(path) {
        warn(format!("the key file {} is readable by others: chmod 600 {}", path.display(), path.display()));
    }
    bare_key(&text, &format!("the key file {}", path.display()))
}

/// A path for a message, unless a part of it may be a key.
fn shown(path: &Path) -> String {
    let odd = path.iter().any(|part| secrets::may_be_key(&part.to_string_lossy()));
    if odd { "that is named".to_owned() } else { path.display().to_string() }
}

/// Removes a trailing line break and quotes from a key.
pub(crate) fn bare_key(text: &str, origin: &str) -> Result<SecretString, Failure> {
    match ark_video::environment::bare_key(text) {
        "" => Err(wrong(format!("{origin} is empty"))),
        key => Ok(SecretString::from(key)),
    }
}

fn wrong(message: String) -> Failure {
    Failure::new(Exit::Configuration, message)
}

fn violation(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let at = error.span().map_or(0, |span| span.start).min(text.len());
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let why = reason(error.message());
    wrong(format!("{}:{line}:{column}: {why}", path.display()))
        .hint("fields: api_key_file or api_key, base_url, model, proxy, confirm_above, ca_cert, headers, storage, and the same under [profiles.NAME]")
}

/// The parser's error without names and values, which may be the key.
fn reason(message: &str) -> String {
    let message = message.lines().next().unwrap_or_default();
    if message.contains("invalid type") || message.contains("invalid value") {
        return "a value has the wrong type".to_owned();
    }
    if message.contains("duplicate") {
        return "a field is duplicated".to_owned();
    }
    let Some((_, rest)) = message.split_once("unknown field `") else {
        return message.to_owned();
    };
    let bare = |name: &str| name.to_ascii_lowercase().replace(['_', '-'], "");
    let found = bare(rest.split('`').next().unwrap_or_default());
    match FIELDS.iter().find(|field| bare(field) == found) {
        Some(field) => format!("unknown field; did you mean `{field}`?"),
        None => "unknown field".to_owned(),
    }
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> (Result<Config, Failure>, Vec<String>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("c.toml"), text).unwrap();
        let mut warnings = Vec::new();
        let env = BTreeMap::from([("HOME".to_owned(), "/home-of-me".to_owned())]);
        let read =
            load(Some(Path::new("c.toml")), &env, folder.path(), &mut |warning| warnings.push(warning));
        (read, warnings, folder)
    }

    fn refused(text: &str) -> String {
        let (read, _, folder) = load_text(text);
        let Err(failure) = read else { panic!("{text} was read") };
        assert_eq!(failure.exit, Exit::Configuration);
        failure.message.replace(&folder.path().display().to_string(), "DIR")
    }

    #[test]
    fn the_default_path_is_the_platforms() {
        let env =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let home = default_path(&env(&[("HOME", "/h")]));
        assert_eq!(home.as_deref(), Some(Path::new("/h/.config/ark-video/config.toml")));
        let xdg = default_path(&env(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")]));
        assert_eq!(xdg.as_deref(), Some(Path::new("/x/ark-video/config.toml")));
        assert_eq!(default_path(&env(&[("XDG_CONFIG_HOME", "relative")])), None);
    }

    #[test]
    fn a_missing_default_file_is_no_trouble_and_a_missing_named_one_is() {
        let env = BTreeMap::from([("HOME".to_owned(), "/no/such/home".to_owned())]);
        assert!(load(None, &env, Path::new(""), &mut |_| {}).is_ok_and(|config| config.path.is_none()));
        assert!(load(Some(Path::new("none.toml")), &env, Path::new("/no/such"), &mut |_| {}).is_err());
    }

    #[test]
    fn profiles_and_paths() {
        let (read, _, folder) = load_text(
            "model = 'm'\napi_key_file = '~/key'\n[profiles.bp]\nbase_url = 'https://h'\napi_key_file = 'k'",
        );
        let config = read.unwrap();
        assert_eq!(config.top.api_key_file.as_deref(), Some(Path::new("/home-of-me/key")));
        assert_eq!(config.profiles["bp"].api_key_file, Some(folder.path().join("k")));
        assert_eq!(config.profiles["bp"].base_url.as_deref(), Some("https://h"));
    }

    /// `config init` writes a file in which nothing is set and every line can be.
    #[test]
    fn the_template_is_valid_with_and_without_its_comments() {
        let template = include_str!("commands/config.toml");
        let env = BTreeMap::new();
        assert!(parse(Path::new("c.toml"), template, &env).is_ok_and(|config| config.profiles.is_empty()));
        let lines = template.lines().map(|line| match line.strip_prefix("# ") {
            Some(line) if line.starts_with('[') || line.contains(" = ") => line,
            _ => "",
        });
        let set: Vec<&str> = lines.filter(|line| !line.starts_with("api_key = ")).collect();
        let config = parse(Path::new("c.toml"), &set.join("\n"), &env).unwrap();
        assert!(config.top.proxy.is_some() && config.top.headers.contains_key("X-Team"));
        assert!(config.top.storage.is_some_and(|storage| storage.url == "s3://my-bucket/clips"));
        assert!(config.profiles["byteplus"].base_url.is_some());
    }

    #[test]
    fn what_is_wrong_is_named_by_place_and_never_by_value() {
        insta::assert_snapshot!(refused("model = 'm'\napikey = 'SECRET'"), @"DIR/c.toml:2:1: unknown field; did you mean `api_key`?");
        insta::assert_snapshot!(refused("api_key = 'a'\napi_key_file = 'b'"), @"DIR/c.toml: the file has both api_key and api_key_file: keep one");
        for text in [
            "profiles = 'SECRET'",
            "[profiles]\na = 'SECRET'",
            "api_key = ['SECRET']",
            "SECRET",
            "model = SECRET",
            "SECRET = 'x'",
            "SECRET = 1\nSECRET = 2",
            "[profiles.a]\nSECRET = 'x'",
            "[profiles.a.profiles.SECRET]\nmodel = 'x'",
            "[SECRET]\nmodel = 'x'",
            "[profiles.SECRET]\nSECRET = 'x'",
            "[storage]\nurl = 's3://b'\nsecret_access_key = ['SECRET']",
            "[storage]\nurl = 's3://b'\nSECRET = 'x'",
            "[storage]\nsecret_access_key = 'SECRET'",
        ] {
            let said = refused(text);
            assert!(!said.contains("SECRET") && said.starts_with("DIR/c.toml:"), "{said}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_warned_about() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "ark-1\n").unwrap();
        for (mode, warned) in [(0o644, true), (0o600, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let mut warnings = 0;
            assert!(key_file(&path, "x", &mut |_| warnings += 1).is_ok());
            assert_eq!(warnings > 0, warned, "{mode:o}");
        }
        assert!(load_text("api_key = 'k'").1.iter().all(|warning| warning.contains("chmod 600")));
        std::fs::write(&path, " \n").unwrap();
        assert!(key_file(&path, "x", &mut |_| {}).is_err());
    }
}
