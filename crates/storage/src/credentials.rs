//! Keys, in the order of precedence: settings, a named profile, the environment, the standard AWS
//! files. The environment is a function, and nothing is printed.

use std::{collections::BTreeMap, path::PathBuf};

use ark_video_transport::{StorageError, StorageErrorKind, read_bounded};

use crate::{Provider, StorageSettings, settings::Keys};

/// A variable's value.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Largest AWS file that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// The keys of an S3-compatible store.
pub(crate) fn keys(
    settings: &StorageSettings,
    provider: Provider,
    profile: &Profile,
    env: Environment<'_>,
) -> Result<Keys, StorageError> {
    if let Some(keys) = &settings.keys {
        return Ok(keys.clone());
    }
    let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    if settings.profile.is_none() {
        for [access, secret, token] in provider.key_variables() {
            match (set(access), set(secret)) {
                (Some(access), Some(secret)) => {
                    return Ok(of_text(&access, &secret, set(token).as_deref()));
                }
                (None, None) => {}
                (one, _) => {
                    let missing = if one.is_some() { secret } else { access };
                    let message = format!("{missing} is not set, although the other half of the key is");
                    return Err(StorageError::new(StorageErrorKind::NoCredentials, message));
                }
            }
        }
    }
    match (profile.get("aws_access_key_id"), profile.get("aws_secret_access_key")) {
        (Some(access), Some(secret)) => Ok(of_text(access, secret, profile.get("aws_session_token"))),
        _ => Err(StorageError::new(StorageErrorKind::NoCredentials, profile.without_keys(provider))),
    }
}

fn of_text(access: &str, secret: &str, token: Option<&str>) -> Keys {
    let own = |text: &str| text.trim().to_owned().into();
    Keys { access: own(access), secret: own(secret), token: token.map(own) }
}

/// A profile of the standard AWS files.
#[derive(Default)]
pub(crate) struct Profile {
    name: String,
    values: BTreeMap<String, String>,
}

impl Profile {
    /// Reads the files. A file that is missing is empty.
    pub(crate) fn read(named: Option<&str>, env: Environment<'_>) -> Self {
        let name = named.map(str::to_owned).or_else(|| env("AWS_PROFILE")).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| "default".to_owned());
        let home = env("HOME").or_else(|| env("USERPROFILE")).map(PathBuf::from);
        let file = |variable: &str, own: &str| {
            let path =
                env(variable).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(".aws").join(own)));
            let bytes = path.and_then(|path| read_bounded(&path, LARGEST).ok()).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let mut values = section(&file("AWS_CONFIG_FILE", "config"), &[&format!("profile {name}"), &name]);
        values.extend(section(&file("AWS_SHARED_CREDENTIALS_FILE", "credentials"), &[&name]));
        Self { name, values }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn without_keys(&self, provider: Provider) -> String {
        let indirect =
            ["credential_process", "sso_session", "sso_start_url", "role_arn", "web_identity_token_file"];
        match indirect.into_iter().find(|name| self.values.contains_key(*name)) {
            Some(how) => format!(
                "the AWS profile {} gets its keys by {how}, which is not read here: run `aws configure export-credentials --format env`",
                self.name
            ),
            None => format!(
                "there are no credentials for the storage ({provider}): neither in the environment nor in the AWS profile {}",
                self.name
            ),
        }
    }
}

/// The values of a section of an INI file under one of these names.
fn section(text: &str, names: &[&str]) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let mut is_ours = false;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            is_ours = names.contains(&name.trim());
        } else if let Some((name, value)) = line.split_once('=').filter(|_| is_ours) {
            values.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const CREDENTIALS: &str = "[default]\naws_access_key_id = d\naws_secret_access_key=ds\n# [video]\n[video]\naws_access_key_id=v\naws_secret_access_key=vs\naws_session_token=vt\n[sso]\nsso_start_url=x\n";

    fn access(
        settings: &StorageSettings,
        provider: Provider,
        pairs: &[(&str, &str)],
    ) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".aws")).unwrap();
        std::fs::write(folder.path().join(".aws/credentials"), CREDENTIALS).unwrap();
        let home = folder.path().display().to_string();
        let env = |name: &str| {
            let pair = pairs.iter().find(|(known, _)| *known == name);
            pair.map(|(_, value)| (*value).to_owned()).or_else(|| (name == "HOME").then(|| home.clone()))
        };
        let profile = Profile::read(settings.profile.as_deref(), &env);
        let keys = keys(settings, provider, &profile, &env).map_err(|error| error.to_string())?;
        Ok(format!("{}/{}", keys.access.expose_secret(), keys.secret.expose_secret()))
    }

    #[test]
    fn the_order_of_precedence() {
        let bare = StorageSettings::new("s3://b");
        let aws = [("AWS_ACCESS_KEY_ID", "e"), ("AWS_SECRET_ACCESS_KEY", "es")];
        let tos = [("VOLC_ACCESSKEY", "t"), ("VOLC_SECRETKEY", "ts"), aws[0], aws[1]];
        let own = bare.clone().keys("o".to_owned().into(), "os".to_owned().into(), None);
        let video = bare.clone().profile("video");
        for (settings, provider, env, expected) in [
            (&own, Provider::Aws, &aws[..], "o/os"),
            (&video, Provider::Aws, &aws, "v/vs"),
            (&bare, Provider::Aws, &aws, "e/es"),
            (&bare, Provider::Tos, &tos, "t/ts"),
            (&bare, Provider::ByteplusTos, &tos, "e/es"),
            (&bare, Provider::Aws, &[("AWS_PROFILE", "video")], "v/vs"),
            (&bare, Provider::Aws, &[], "d/ds"),
        ] {
            assert_eq!(access(settings, provider, env).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn missing_keys_are_named_and_never_shown() {
        let bare = StorageSettings::new("s3://b");
        for (profile, env, part) in [
            ("none", vec![], "nor in the AWS profile none"),
            ("sso", vec![], "aws configure export-credentials"),
        ] {
            let refused = access(&bare.clone().profile(profile), Provider::Aws, &env).unwrap_err();
            assert!(refused.contains(part), "{refused}");
        }
        let half = access(&bare, Provider::Aws, &[("AWS_ACCESS_KEY_ID", "AKIA")]).unwrap_err();
        assert_eq!(half, "AWS_SECRET_ACCESS_KEY is not set, although the other half of the key is");
    }
}
