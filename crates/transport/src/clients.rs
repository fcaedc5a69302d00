//! The clients behind a transport, set up so that nothing below us repeats, redirects or decodes: our own straight way
//! (`direct.rs`) where no proxy stands between, the HTTP library's clients for the rest.
//!
//! What was measured, and is therefore switched off: redirects (a 307 repeats the body), the library's own retries,
//! idle connections for a create (with them, one create in eight against a server that closes idle connections ended
//! unknown; without, none), decompression (lengths must mean bytes on the wire), and reading the system's certificates
//! (three milliseconds of every start; the roots are compiled in).

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use ark_video_protocol::{SendError, SendErrorKind, download::Reach, is_loopback_host};
use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Client, ClientBuilder, redirect::Policy, retry};
use secrecy::ExposeSecret;

use crate::{Proxy, Timeouts, direct::Direct, guard::Guard, http_transport::Place};

/// Shorter than servers keep idle connections, so that few questions meet one that is just being closed.
pub(crate) const IDLE: Duration = Duration::from_secs(30);

/// How a request goes out.
pub(crate) enum Way<'a> {
    Direct(&'a Direct),
    Library(&'a Client),
}

/// A client for each need, or the user's own for all.
pub(crate) struct Clients {
    pub(crate) timeouts: Timeouts,
    pub(crate) proxy: Proxy,
    pub(crate) own: Option<Client>,
    /// A create may use a connection that was used before.
    pub(crate) reuse: bool,
    /// For questions and for creates. Built at first use: a start that never sends pays for none.
    straight: [OnceLock<Result<Direct, String>>; 2],
    proxied: [OnceLock<Result<Client, String>>; 2],
    environment: OnceLock<Matcher>,
    /// Where the last create went.
    pub(crate) last_create: Mutex<Option<Arc<Place>>>,
}

/// The library's clients show proxy passwords in `Debug`, so they are left out.
impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients")
            .field("timeouts", &self.timeouts)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

impl Clients {
    pub(crate) fn new(timeouts: Timeouts, proxy: Proxy, own: Option<Client>, reuse: bool) -> Self {
        Self {
            timeouts,
            proxy,
            own,
            reuse,
            straight: Default::default(),
            proxied: Default::default(),
            environment: OnceLock::new(),
            last_create: Mutex::default(),
        }
    }

    /// The way to an address of the API.
    pub(crate) fn way(&self, create: bool, to: &Uri) -> Result<Way<'_>, SendError> {
        if let Some(own) = &self.own {
            return Ok(Way::Library(own));
        }
        let fresh = create && !self.reuse;
        let way = if self.is_straight(to) {
            let slot = &self.straight[usize::from(create)];
            slot.get_or_init(|| Ok(Direct::new(create, fresh, tls()?, self.timeouts.connect)))
                .as_ref()
                .map(Way::Direct)
        } else {
            let slot = &self.proxied[usize::from(create)];
            slot.get_or_init(|| self.builder(fresh, false).and_then(finished)).as_ref().map(Way::Library)
        };
        way.map_err(|why| SendError::not_sent(SendErrorKind::Invalid, why.clone()))
    }

    fn is_straight(&self, to: &Uri) -> bool {
        match &self.proxy {
            _ if to.host().is_some_and(is_loopback_host) => true,
            Proxy::Direct => true,
            Proxy::FromEnvironment => {
                // The library below asks the same matcher.
                self.environment.get_or_init(Matcher::from_env).intercept(to).is_none()
            }
            Proxy::Url(_) => false,
        }
    }

    /// A client for one download: it uses no connection twice, and connects to nothing out of reach.
    pub(crate) fn guarded(&self, host: &str, reach: Reach) -> Result<Client, SendError> {
        if let Some(own) = &self.own {
            return Ok(own.clone());
        }
        let guard = Guard { host: host.to_owned(), reach };
        self.builder(true, is_loopback_host(host))
            .and_then(|builder| finished(builder.dns_resolver(Arc::new(guard))))
            .map_err(|why| SendError::not_sent(SendErrorKind::Invalid, why))
    }

    fn builder(&self, fresh: bool, direct: bool) -> Result<ClientBuilder, String> {
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls()?)
            .redirect(Policy::none())
            .retry(retry::never())
            .referer(false)
            // Said aloud, because another crate of the same build may have switched the features on.
            .http1_only()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .pool_idle_timeout(IDLE)
            .connect_timeout(self.timeouts.connect);
        if fresh {
            builder = builder.pool_max_idle_per_host(0);
        }
        builder = match &self.proxy {
            Proxy::FromEnvironment if !direct => builder,
            Proxy::Url(url) if !direct => {
                let proxy = reqwest::Proxy::all(url.expose_secret());
                builder.proxy(proxy.map_err(|_| "the proxy address cannot be used".to_owned())?)
            }
            _ => builder.no_proxy(),
        };
        Ok(builder)
    }
}

fn finished(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| format!("the HTTP client cannot be set up ({})", error.without_url()))
}

fn tls() -> Result<rustls::ClientConfig, String> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|config| config.with_root_certificates(roots).with_no_client_auth())
        .map_err(|error| format!("encryption cannot be set up ({error})"))
}
