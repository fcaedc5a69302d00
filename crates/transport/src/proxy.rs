//! Which proxy a request takes, and whether that proxy accepts connections: one that is down is the
//! cause to name, not the service behind it. Sends nothing to it, and never shows its password.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use ark_video_protocol::{SendError, SendErrorKind, is_loopback_host};
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use secrecy::ExposeSecret;
use tokio::{net::TcpStream, time::timeout};

use crate::Proxy;

/// Longest wait for a proxy to accept a connection, so that one that is down is named within 5 s.
const LONGEST: Duration = Duration::from_secs(4);

/// The rules by which the HTTP library chooses a proxy, and what is known of it.
pub(crate) struct ProxyRoute {
    rules: Option<Matcher>,
    /// It has accepted a connection; from then on the HTTP library's own errors say enough.
    accepts: AtomicBool,
}

impl ProxyRoute {
    pub(crate) fn new(proxy: &Proxy) -> Self {
        let rules = match proxy {
            Proxy::FromEnvironment => Some(Matcher::from_env()),
            Proxy::Direct => None,
            Proxy::Url(url) => Some(Matcher::builder().all(url.expose_secret()).build()),
        };
        Self { rules, accepts: AtomicBool::new(false) }
    }

    /// The route of a client that is not ours.
    pub(crate) fn unknown() -> Self {
        Self::new(&Proxy::Direct)
    }

    /// The proxy for this address, without user name and password.
    fn proxy(&self, to: &Uri) -> Option<Uri> {
        let rules = self.rules.as_ref()?;
        to.host().filter(|host| !is_loopback_host(host))?;
        Some(rules.intercept(to)?.uri().clone())
    }

    /// ` through the proxy http://host:3128`, or nothing.
    pub(crate) fn through(&self, to: &Uri) -> String {
        self.proxy(to).map(|proxy| format!(" through the proxy {}", shown(&proxy))).unwrap_or_default()
    }

    /// Checks once that the proxy of this address accepts connections.
    pub(crate) async fn check(&self, to: &Uri, connect: Duration) -> Result<(), SendError> {
        if self.accepts.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.proxy(to) {
            // Boxed: it happens once, and every request would have room for it.
            Some(proxy) => Box::pin(self.connect(&proxy, connect)).await,
            None => Ok(()),
        }
    }

    async fn connect(&self, proxy: &Uri, connect: Duration) -> Result<(), SendError> {
        let host = proxy.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = proxy.port_u16().unwrap_or(match proxy.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => 1080,
        });
        let longest = connect.min(LONGEST);
        let why = match timeout(longest, TcpStream::connect((host, port))).await {
            Ok(Ok(_)) => {
                self.accepts.store(true, Ordering::Relaxed);
                return Ok(());
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", longest.as_secs_f64()),
        };
        let why = format!("no connection to the proxy {} ({why})", shown(proxy));
        Err(SendError::not_sent(SendErrorKind::Proxy, why))
    }
}

/// Scheme, host and port.
fn shown(proxy: &Uri) -> String {
    proxy.to_string().trim_end_matches('/').to_owned()
}

/// Whether the value of `HTTPS_PROXY` or a related variable names a proxy: a URL with one of the
/// schemes `http`, `https`, `socks4`, `socks4a`, `socks5` and `socks5h`, or `host:port`.
///
/// The HTTP library ignores anything else or takes it for a host name, and the key would then go
/// another way than intended.
#[must_use]
pub fn is_proxy(value: &str) -> bool {
    let Ok(uri) = value.parse::<Uri>() else { return false };
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    let known = match uri.scheme_str() {
        Some(scheme) => ["http", "https", "socks4", "socks4a", "socks5", "socks5h"].contains(&scheme),
        None => uri.port_u16().is_some(),
    };
    has_host && known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_variable_has_a_scheme_or_a_port() {
        for good in [
            "http://proxy.example:3128",
            "http://proxy.example",
            "https://user:pw@proxy.example:3128/",
            "socks5://127.0.0.1:1080",
            "socks5h://[::1]:1080",
            "proxy.example:3128",
            "user:pw@proxy.example:3128",
            "10.0.0.1:8080",
        ] {
            assert!(is_proxy(good), "{good}");
        }
        for bad in
            ["garbage", "", " ", "ftp://proxy.example", "http://", "a b:1", "/etc/proxy", "proxy.example"]
        {
            assert!(!is_proxy(bad), "{bad:?}");
        }
    }

    #[test]
    fn the_proxy_of_an_address_is_known_without_its_password() {
        let route = ProxyRoute::new(&Proxy::url("http://user:hidden@proxy.example:3128"));
        let through = |to: &str| route.through(&to.parse().unwrap());
        assert_eq!(through("https://ark.example/x"), " through the proxy http://proxy.example:3128");
        assert_eq!(through("http://127.0.0.1:1/x"), "");
        assert_eq!(ProxyRoute::unknown().through(&"https://ark.example/x".parse().unwrap()), "");
    }
}
