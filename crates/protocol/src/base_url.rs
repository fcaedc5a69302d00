//! Where the API lives: scheme, host and any path prefix. Decides what plain `http` is allowed for.

use std::{fmt, str::FromStr};

use http::{
    Uri,
    uri::{Authority, Scheme},
};

use crate::{RequestError, route};

/// An address under which `/contents/generations/tasks` is mounted.
///
/// Any prefix is kept, because plans and resellers mount the same paths elsewhere (`/api/plan/v3`,
/// `/seedance/api/v3`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BaseUrl {
    https: bool,
    authority: Authority,
    prefix: String,
    /// Every create goes there: put together once.
    tasks: Uri,
}

impl BaseUrl {
    /// Volcengine Ark, mainland China (cn-beijing).
    pub const VOLCENGINE: &str = "https://ark.cn-beijing.volces.com/api/v3";
    /// BytePlus ModelArk, Asia Pacific (ap-southeast-1, Johor).
    pub const BYTEPLUS_AP: &str = "https://ark.ap-southeast.bytepluses.com/api/v3";
    /// BytePlus ModelArk, Europe (eu-west-1, Dublin).
    pub const BYTEPLUS_EU: &str = "https://ark.eu-west.bytepluses.com/api/v3";

    /// Reads an address. `https` always; `http` only to this machine.
    ///
    /// # Errors
    /// Describes the error and the expected form.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        Self::read(text, false)
    }

    /// As [`BaseUrl::parse`], and plain `http` to any host: the key then crosses the network
    /// readable by all.
    ///
    /// # Errors
    /// As [`BaseUrl::parse`].
    pub fn parse_allowing_insecure(text: &str) -> Result<Self, BaseUrlError> {
        Self::read(text, true)
    }

    /// The base URL of a region name as the vendor writes it (`cn-beijing`, `ap-southeast-1`,
    /// `eu-west-1`).
    #[must_use]
    pub fn of_region(region: &str) -> Option<&'static str> {
        match region.trim().to_ascii_lowercase().as_str() {
            "cn-beijing" => Some(Self::VOLCENGINE),
            "ap-southeast" | "ap-southeast-1" => Some(Self::BYTEPLUS_AP),
            "eu-west" | "eu-west-1" => Some(Self::BYTEPLUS_EU),
            _ => None,
        }
    }

    fn read(text: &str, allow_insecure: bool) -> Result<Self, BaseUrlError> {
        let text = text.trim();
        let wrong = |why| Err(BaseUrlError { why });
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("it does not start with https://");
        };
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return wrong("only https:// addresses can be used"),
        };
        if rest.contains('@') {
            return wrong("it holds a user name or a password; the key is set separately");
        }
        if rest.contains(['?', '#']) {
            return wrong("it holds a query or a fragment; only a host and a path prefix are meant");
        }
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let Ok(authority) = Authority::from_str(authority) else {
            return wrong("its host name cannot be read");
        };
        if authority.host().is_empty() {
            return wrong("it has no host name");
        }
        let prefix = prefix.trim_end_matches('/');
        if !prefix.is_empty() && Uri::from_str(prefix).is_err() {
            return wrong("its path holds characters that a URL cannot have");
        }
        if prefix.split('/').any(is_dot_segment) {
            return wrong("its path holds `.` or `..`");
        }
        if prefix.ends_with("/contents/generations/tasks") {
            return wrong("it ends in /contents/generations/tasks; leave that off, it is added to the base");
        }
        let Ok(tasks) = Uri::builder()
            .scheme(if https { Scheme::HTTPS } else { Scheme::HTTP })
            .authority(authority.clone())
            .path_and_query(format!("{prefix}{}", route::TASKS))
            .build()
        else {
            return wrong("it is too long");
        };
        let base = Self { https, authority, prefix: prefix.to_owned(), tasks };
        if !https && !allow_insecure && !base.is_loopback() {
            return wrong(
                "it is plain http:// to another machine, which would show the key to everybody on the way",
            );
        }
        if base.is_vendor() && matches!(base.prefix(), "" | "/api" | "/v3") {
            return wrong("its path is not /api/v3, where the vendor's API is");
        }
        Ok(base)
    }

    /// Host name, without the port.
    #[must_use]
    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// Path before `/contents/…`: starts with `/` and does not end in one, or is empty.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether the host is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback_host(self.host())
    }

    /// Whether the host is one of the vendor's own. A client may warn before it sends a key
    /// elsewhere.
    #[must_use]
    pub fn is_vendor(&self) -> bool {
        [Self::VOLCENGINE, Self::BYTEPLUS_AP, Self::BYTEPLUS_EU]
            .iter()
            .any(|known| known["https://".len()..].split('/').next() == Some(self.host()))
    }

    /// Where tasks are created.
    pub(crate) fn tasks(&self) -> Uri {
        self.tasks.clone()
    }

    /// The address of `path` (which starts with `/`) below this base.
    pub(crate) fn join(&self, path: &str, query: &str) -> Result<Uri, RequestError> {
        let mark = if query.is_empty() { "" } else { "?" };
        let text = format!("{self}{path}{mark}{query}");
        Uri::from_str(&text)
            .map_err(|reason| RequestError::Address { length: text.len(), reason: reason.to_string() })
    }
}

impl From<BaseUrl> for String {
    fn from(base: BaseUrl) -> Self {
        base.to_string()
    }
}

/// As [`BaseUrl::parse`].
impl TryFrom<String> for BaseUrl {
    type Error = BaseUrlError;

    fn try_from(text: String) -> Result<Self, BaseUrlError> {
        Self::parse(&text)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.prefix)
    }
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// A base URL that cannot be used. The text itself is not repeated: people paste keys into the
/// wrong place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error(
    "invalid base URL: {why}; expected a form such as https://ark.cn-beijing.volces.com/api/v3, or http://127.0.0.1:8080/api/v3 on this machine"
)]
#[non_exhaustive]
pub struct BaseUrlError {
    why: &'static str,
}

impl BaseUrlError {
    /// What to do next.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        "Copy the base URL from the console of the key's own region."
    }
}

/// Whether a URL's host names this machine: `localhost`, 127.0.0.0/8, `[::1]`.
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    bare.eq_ignore_ascii_case("localhost")
        || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// URL libraries read `%2e` as a dot when they walk up.
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_prefix_is_kept_and_trailing_slashes_go() {
        for (given, kept) in [
            ("https://h/api/v3", "https://h/api/v3"),
            ("https://h/seedance/api/v3//", "https://h/seedance/api/v3"),
            ("HTTPS://h:8443", "https://h:8443"),
            (" https://h/ ", "https://h"),
            ("http://127.0.0.1:9/x", "http://127.0.0.1:9/x"),
            ("http://[::1]:9", "http://[::1]:9"),
        ] {
            assert_eq!(BaseUrl::parse(given).unwrap().to_string(), kept);
        }
    }

    #[test]
    fn the_vendor_sites_are_readable_and_known() {
        for site in [BaseUrl::VOLCENGINE, BaseUrl::BYTEPLUS_AP, BaseUrl::BYTEPLUS_EU] {
            let base = BaseUrl::parse(site).unwrap();
            assert!(base.is_vendor() && base.is_https() && !base.is_loopback());
        }
        assert!(
            !BaseUrl::parse("https://ark.cn-beijing.volces.com.evil.example/api/v3").unwrap().is_vendor()
        );
    }

    #[test]
    fn plain_http_leaves_this_machine_only_when_asked() {
        assert!(BaseUrl::parse("http://10.0.0.8/api/v3").is_err());
        assert!(BaseUrl::parse("http://localhost.evil.example/").is_err());
        assert!(BaseUrl::parse_allowing_insecure("http://10.0.0.8/api/v3").is_ok());
        assert!(BaseUrl::parse("http://localhost:8080").is_ok());
    }

    #[test]
    fn what_is_not_a_base_is_refused_with_the_reason_and_without_the_text() {
        for (given, why) in [
            ("ark.cn-beijing.volces.com/api/v3", "does not start with https://"),
            ("ftp://h/", "only https://"),
            ("https://secret-key@h/api/v3", "user name or a password"),
            ("https://h/api/v3?key=secret-key", "query"),
            ("https://h/api/v3#x", "fragment"),
            ("https:///api/v3", "host name"),
            ("https://h/a/../v3", "`..`"),
            ("https://h/a/%2E./v3", "`..`"),
            ("https://h/a b", "characters"),
            ("https://h/api/v3/contents/generations/tasks/", "leave that off"),
        ] {
            let said = BaseUrl::parse(given).unwrap_err().to_string();
            assert!(said.contains(why), "{given}: {said}");
            assert!(!said.contains("secret-key"), "{said}");
        }
    }

    #[test]
    fn an_address_that_is_too_long_says_what_to_do() {
        let base = BaseUrl::parse("https://h").unwrap();
        let said = base.join("/x", &"a".repeat(70_000)).unwrap_err().to_string();
        assert!(said.contains("fewer task ids"), "{said}");
    }
}
