//! What the environment says about key and place. The only file that reads it, and only when asked
//! to.
//!
//! Proxy variables are only checked here: the transport hands them to its HTTP library.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use ark_video_protocol::BaseUrl;
use ark_video_transport::is_proxy;
use secrecy::SecretString;

/// Variables that may hold the API key, in the order in which they are tried; the first that is not
/// empty wins.
pub const KEY_VARIABLES: [&str; 5] =
    ["ARK_API_KEY", "VOLCENGINE_ARK_API_KEY", "BYTEPLUS_ARK_API_KEY", "BYTEPLUS_API_KEY", "SEEDANCE_API_KEY"];

/// Variable that may hold the base URL, with any path prefix.
pub const BASE_URL_VARIABLE: &str = "ARK_BASE_URL";

/// Variable that may name a region (`cn-beijing`, `ap-southeast-1`, `eu-west-1`); used if there is
/// no base URL.
pub const REGION_VARIABLE: &str = "ARK_REGION";

/// Variables that name a proxy, in pairs of which the first that is set counts.
const PROXY_VARIABLES: [[&str; 2]; 3] =
    [["HTTPS_PROXY", "https_proxy"], ["HTTP_PROXY", "http_proxy"], ["ALL_PROXY", "all_proxy"]];

/// Key and base URL as found in the environment, with the names of the variables that won.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EnvSettings {
    /// The key.
    pub api_key: Option<SecretString>,
    /// Variable that held the key.
    pub api_key_from: Option<&'static str>,
    /// The base URL, not yet checked.
    pub base_url: Option<String>,
    /// Variable that decided the base URL; a BytePlus key decides it too, because it works nowhere
    /// else.
    pub base_url_from: Option<&'static str>,
    /// An unknown region, as found.
    pub unknown_region: Option<String>,
}

impl EnvSettings {
    /// Reads the process environment.
    #[must_use]
    pub fn read() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads from anything that answers names with values.
    #[must_use]
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let find = |name: &'static str| {
            lookup(name).filter(|value| !value.trim().is_empty()).map(|value| (name, value))
        };
        let mut found = Self::default();
        let key = |name| find(name).filter(|(_, key)| !bare_key(key).is_empty());
        if let Some((name, key)) = KEY_VARIABLES.into_iter().find_map(key) {
            found.api_key = Some(SecretString::from(bare_key(&key)));
            found.api_key_from = Some(name);
        }
        if let Some((name, url)) = find(BASE_URL_VARIABLE) {
            (found.base_url, found.base_url_from) = (Some(url), Some(name));
        } else if let Some((name, region)) = find(REGION_VARIABLE) {
            match BaseUrl::of_region(&region) {
                Some(url) => (found.base_url, found.base_url_from) = (Some(url.to_owned()), Some(name)),
                None => found.unknown_region = Some(region),
            }
        } else if let Some(name) = found.api_key_from.filter(|name| name.starts_with("BYTEPLUS_")) {
            (found.base_url, found.base_url_from) = (Some(BaseUrl::BYTEPLUS_AP.to_owned()), Some(name));
        }
        found
    }
}

/// A variable of the process that should name a proxy and does not: the HTTP library would ignore
/// it, and the key would take another way than intended.
pub(crate) fn unusable_proxy() -> Option<&'static str> {
    unusable_proxy_in(|name| std::env::var(name).ok())
}

fn unusable_proxy_in(lookup: impl Fn(&str) -> Option<String>) -> Option<&'static str> {
    PROXY_VARIABLES.into_iter().find_map(|names| {
        let (name, value) = names.into_iter().find_map(|name| Some((name, lookup(name)?)))?;
        (!value.is_empty() && !is_proxy(&value)).then_some(name)
    })
}

/// A key without what is pasted around it by mistake: blanks, quotes, `Bearer `.
///
/// ```
/// assert_eq!(ark_video::environment::bare_key(" \"Bearer sk-1\"\n"), "sk-1");
/// ```
#[must_use]
pub fn bare_key(text: &str) -> &str {
    let mut key = text.trim();
    for (open, close) in [('"', '"'), ('\'', '\''), ('“', '”'), ('`', '`')] {
        let inner = key.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        key = inner.map_or(key, str::trim);
    }
    key.strip_prefix("Bearer ").map_or(key, str::trim)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> EnvSettings {
        EnvSettings::from_lookup(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_first_key_variable_that_is_not_empty_wins() {
        let found = read(&[("SEEDANCE_API_KEY", "s"), ("ARK_API_KEY", " "), ("BYTEPLUS_API_KEY", "b")]);
        assert_eq!(found.api_key.unwrap().expose_secret(), "b");
        assert_eq!(found.api_key_from, Some("BYTEPLUS_API_KEY"));
        assert_eq!(
            read(&[("ARK_API_KEY", "a"), ("BYTEPLUS_API_KEY", "b")]).api_key_from,
            Some("ARK_API_KEY")
        );
        assert!(read(&[]).api_key.is_none());
    }

    #[test]
    fn quotes_around_a_key_are_no_part_of_it() {
        for text in
            ["sk-1", " sk-1\n", "\"sk-1\"", "'sk-1'", "“sk-1”", "\"'sk-1'\"", "Bearer sk-1", "\" sk-1 \""]
        {
            assert_eq!(read(&[("ARK_API_KEY", text)]).api_key.unwrap().expose_secret(), "sk-1", "{text}");
        }
        assert_eq!(
            read(&[("ARK_API_KEY", "\"\""), ("SEEDANCE_API_KEY", "s")]).api_key_from,
            Some("SEEDANCE_API_KEY")
        );
        assert_eq!(bare_key("a\"b"), "a\"b");
    }

    #[test]
    fn the_place_comes_from_the_url_then_the_region_then_the_kind_of_key() {
        let place = |pairs: &[(&str, &str)]| read(pairs).base_url;
        let url = ("ARK_BASE_URL", "https://h/v3");
        let region = ("ARK_REGION", "eu-west-1");
        let key = ("BYTEPLUS_ARK_API_KEY", "b");
        assert_eq!(place(&[url, region, key]).as_deref(), Some("https://h/v3"));
        assert_eq!(place(&[region, key]).as_deref(), Some(BaseUrl::BYTEPLUS_EU));
        assert_eq!(place(&[key]).as_deref(), Some(BaseUrl::BYTEPLUS_AP));
        assert_eq!(place(&[("ARK_API_KEY", "a")]), None);
        let odd = read(&[("ARK_REGION", "mars-1"), key]);
        assert_eq!((odd.base_url, odd.unknown_region.as_deref()), (None, Some("mars-1")));
    }

    #[test]
    fn a_proxy_variable_that_names_none_is_found_and_the_first_of_a_pair_counts() {
        let unusable = |pairs: &[(&str, &str)]| {
            unusable_proxy_in(|name| {
                pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(unusable(&[("HTTPS_PROXY", "garbage")]), Some("HTTPS_PROXY"));
        assert_eq!(unusable(&[("all_proxy", "ftp://h")]), Some("all_proxy"));
        assert_eq!(unusable(&[("HTTPS_PROXY", "http://h:1"), ("https_proxy", "garbage")]), None);
        assert_eq!(unusable(&[("HTTPS_PROXY", ""), ("https_proxy", "garbage")]), None);
        assert_eq!(unusable(&[]), None);
    }

    #[test]
    fn the_key_is_not_in_debug() {
        assert!(!format!("{:?}", read(&[("ARK_API_KEY", "very-secret")])).contains("very-secret"));
    }
}
