//! A link before it is fetched: is it one, may it be used, what does it name, when does it die.

use std::net::IpAddr;

use ark_video_model::Task;
use http::Uri;

use super::{AddressPolicy, DownloadRefusal};
use crate::{UnixMillis, base_url::is_loopback_host, path, unix_millis};

/// Where a file may come over plain `http`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InsecureHttp {
    /// Nowhere.
    #[default]
    Never,
    /// From this machine: right when the API itself is on this machine.
    Loopback,
    /// From anywhere: right only when the user has allowed an insecure API address.
    Anywhere,
}

/// What links may be fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct UrlPolicy {
    /// Where plain `http` is allowed. Default nowhere.
    pub plain_http: InsecureHttp,
    /// Which machines may be connected to. Default those that anybody can reach.
    pub reach: AddressPolicy,
}

impl UrlPolicy {
    /// Rules of these two.
    #[must_use]
    pub fn new(plain_http: InsecureHttp, reach: AddressPolicy) -> Self {
        Self { plain_http, reach }
    }
}

/// Reads a link and refuses what must not be fetched. A host name is judged again by its addresses,
/// when it is connected to.
///
/// # Errors
/// Not a link, another scheme, plain `http` where it is not allowed, or an address out of reach.
pub fn check_link(link: &str, rules: UrlPolicy) -> Result<Uri, DownloadRefusal> {
    let refuse = |why| Err(DownloadRefusal::Link { why });
    let Ok(uri) = link.trim().parse::<Uri>() else { return refuse("it cannot be read as a URL") };
    let Some(host) = uri.host().filter(|host| !host.is_empty()) else { return refuse("it names no host") };
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return refuse("it holds a user name");
    }
    if !host_allowed(host, rules.reach) {
        return refuse("it leads into a private network or to this machine");
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") => match rules.plain_http {
            InsecureHttp::Anywhere => Ok(uri),
            InsecureHttp::Loopback if is_loopback_host(host) => Ok(uri),
            _ => refuse("it is plain http://, which anybody on the way could replace"),
        },
        _ => refuse("it is neither https:// nor http://"),
    }
}

/// What the host name alone shows; most names show nothing.
fn host_allowed(host: &str, reach: AddressPolicy) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match bare.parse::<IpAddr>() {
        Ok(address) => reach.allows(address),
        Err(_) => reach != AddressPolicy::Public || !is_loopback_host(host),
    }
}

/// What a link names, without the signature and whatever else its query holds.
#[must_use]
pub fn place_of(link: &str) -> &str {
    link.split(['?', '#']).next().unwrap_or_default()
}

/// When a signed link expires: `X-Tos-Date` plus `X-Tos-Expires` from its query.
///
/// `None` when the link does not say (the vendor's links live 24 hours from their signing; result
/// page, 2026-10).
#[must_use]
pub fn expires_at(link: &str) -> Option<UnixMillis> {
    let query = link.split_once('?')?.1;
    let query = query.split('#').next()?;
    let pairs = path::pairs(query).ok()?;
    let find = |name: &str| {
        pairs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    let signed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", find("X-Tos-Date")?).ok()?;
    let signed = signed.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    let lives: i64 = find("X-Tos-Expires")?.parse().ok().filter(|lives| *lives >= 0)?;
    signed.checked_add(lives)?.checked_mul(1000)
}

/// Until when a task's results can be fetched: what its link says, else 24 hours after its last
/// change (the object itself is gone then; result page, 2026-10). The oldest deadline is served
/// first.
#[must_use]
pub fn deadline(task: &Task) -> Option<UnixMillis> {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let last = task.updated_at.or(task.created_at);
    let kept = last.map(|at| unix_millis(at).saturating_add(DAY));
    task.video_url().and_then(expires_at).or(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://ark-acg-cn-beijing.tos-cn-beijing.volces.com/seedance/0217.mp4?X-Tos-Algorithm=TOS4-HMAC-SHA256&X-Tos-Date=20261122T021700Z&X-Tos-Expires=86400&X-Tos-Signature=00";

    fn rules(plain: InsecureHttp) -> UrlPolicy {
        let reach = match plain {
            InsecureHttp::Never => AddressPolicy::Public,
            InsecureHttp::Loopback => AddressPolicy::Loopback,
            InsecureHttp::Anywhere => AddressPolicy::Anywhere,
        };
        UrlPolicy::new(plain, reach)
    }

    #[test]
    fn a_signed_link_says_when_it_dies() {
        // 2026-11-22T02:17:00Z and a day.
        assert_eq!(expires_at(LINK), Some((1_795_313_820 + 86_400) * 1000));
        assert_eq!(
            expires_at("https://h/a?x-tos-date=20261122T021700Z&x-tos-expires=60#f"),
            Some(1_795_313_880_000)
        );
        for silent in [
            "https://h/a",
            "https://h/a?X-Tos-Expires=86400",
            "https://h/a?X-Tos-Date=20261122T021700Z",
            "https://h/a?X-Tos-Date=yesterday&X-Tos-Expires=86400",
            "https://h/a?X-Tos-Date=20261122T021700Z&X-Tos-Expires=-5",
            "https://h/a?X-Tos-Date=20261122T021700Z&X-Tos-Expires=9223372036854775807",
            "",
        ] {
            assert_eq!(expires_at(silent), None, "{silent}");
        }
    }

    #[test]
    fn a_deadline_is_the_links_own_or_a_day_after_the_last_change() {
        let task = |json: &str| deadline(&serde_json::from_str(json).unwrap());
        let linked = format!(
            r#"{{"id":"a","model":"m","status":"succeeded","updated_at":5,"content":{{"video_url":"{LINK}"}}}}"#
        );
        assert_eq!(task(&linked), Some((1_795_313_820 + 86_400) * 1000));
        assert_eq!(task(r#"{"id":"a","model":"m","status":"succeeded","updated_at":5}"#), Some(86_405_000));
        assert_eq!(task(r#"{"id":"a","model":"m","status":"succeeded"}"#), None);
    }

    #[test]
    fn a_link_is_https_or_as_plain_as_the_api_itself() {
        assert!(check_link(LINK, rules(InsecureHttp::Never)).is_ok());
        for link in ["http://127.0.0.1:9/a", "http://localhost/a", "http://[::1]:9/a"] {
            assert!(check_link(link, rules(InsecureHttp::Never)).is_err());
            assert!(check_link(link, rules(InsecureHttp::Loopback)).is_ok(), "{link}");
        }
        assert!(check_link("http://h.example/a", rules(InsecureHttp::Loopback)).is_err());
        assert!(check_link("http://h.example/a", rules(InsecureHttp::Anywhere)).is_ok());
        for link in [
            "",
            "file:///etc/passwd",
            "ftp://h/a",
            "/a",
            "https://",
            "https://u:p@h/a",
            "data:video/mp4;base64,AA",
            "a b",
        ] {
            assert!(check_link(link, rules(InsecureHttp::Anywhere)).is_err(), "{link}");
        }
    }

    #[test]
    fn a_link_into_a_private_network_is_refused_however_it_is_written() {
        for link in [
            "https://10.0.0.8/a",
            "https://169.254.169.254/latest/meta-data",
            "https://[fd00::1]/a",
            "https://[::ffff:10.0.0.8]/a",
            "https://localhost/a",
        ] {
            assert!(check_link(link, rules(InsecureHttp::Never)).is_err(), "{link}");
            assert!(check_link(link, rules(InsecureHttp::Anywhere)).is_ok(), "{link}");
        }
        assert!(check_link("https://10.0.0.8/a", rules(InsecureHttp::Loopback)).is_err());
    }

    #[test]
    fn a_place_is_the_link_without_its_query() {
        assert_eq!(place_of("https://h/a.mp4?X-Tos-Signature=1#f"), "https://h/a.mp4");
        assert_eq!(place_of(""), "");
    }
}
