//! The clients behind a transport, set up so that nothing below us retries, redirects or decodes.
//!
//! What was measured, and is therefore switched off: redirects (a 307 repeats the body), the
//! library's own retries, idle connections for a create (with them, one create in eight against a
//! server that closes idle connections ended unknown; without, none), decompression (lengths must
//! mean bytes on the wire). Whom TLS trusts is in `certificates.rs`.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ark_video_protocol::{SendError, SendErrorKind, download::AddressPolicy, is_loopback_host};
use http::Uri;
use reqwest::{Client, ClientBuilder, Url, redirect::Policy, retry};
use rustls::pki_types::CertificateDer;
use secrecy::ExposeSecret;

use crate::{Proxy, Timeouts, certificates::tls, proxy::ProxyRoute, ssrf::Guard};

/// Shorter than servers keep idle connections, so that few questions meet one that is just being
/// closed.
const IDLE: Duration = Duration::from_secs(30);

/// A create may be thought about for a minute; what lies between must not forget the connection
/// meanwhile.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A client for each need, or the user's own for all.
pub(crate) struct Clients {
    pub(crate) timeouts: Timeouts,
    pub(crate) proxy: Proxy,
    /// Which proxy a request takes; a client of the user's own decides that itself.
    pub(crate) route: ProxyRoute,
    pub(crate) own: Option<Client>,
    /// Certificates that are trusted besides the usual ones.
    pub(crate) roots: Vec<CertificateDer<'static>>,
    /// A create may use a connection that was used before.
    pub(crate) reuse: bool,
    /// The address of the first create, as given and as parsed; usually that of all creates.
    pub(crate) create_address: OnceLock<(Uri, Url)>,
    /// For this machine and for others, each for creates and for everything else. Built at first
    /// use: a start that never sends pays for none.
    built: [[OnceLock<Result<Client, String>>; 2]; 2],
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
        let route = if own.is_some() { ProxyRoute::unknown() } else { ProxyRoute::new(&proxy) };
        Self {
            timeouts,
            proxy,
            route,
            own,
            reuse,
            roots: Vec::new(),
            create_address: OnceLock::new(),
            built: Default::default(),
        }
    }

    pub(crate) fn trusting(self, roots: Vec<CertificateDer<'static>>) -> Self {
        Self { roots, ..self }
    }

    /// The client for requests to the API on `host`.
    pub(crate) fn for_api(&self, create: bool, host: &str) -> Result<&Client, SendError> {
        if let Some(own) = &self.own {
            return Ok(own);
        }
        let direct = is_loopback_host(host);
        self.built[usize::from(direct)][usize::from(create)]
            .get_or_init(|| {
                let builder = self.builder(create && !self.reuse, direct)?;
                // A create to this machine has `connecting` and needs no second timer.
                let timed = !(create && direct);
                finished(if timed { builder.connect_timeout(self.timeouts.connect) } else { builder })
            })
            .as_ref()
            .map_err(|why| SendError::not_sent(SendErrorKind::Invalid, why.clone()))
    }

    /// How long a create of the API on `host` may have no connection yet.
    ///
    /// To this machine that is the one limit. Otherwise the connector has the same limit, which it
    /// divides among the addresses of the host; this one catches what it does not cover.
    pub(crate) fn connecting(&self, host: &str) -> Duration {
        match self.own.is_none() && is_loopback_host(host) {
            true => self.timeouts.connect,
            false => self.timeouts.connect.saturating_add(self.timeouts.upload_stall),
        }
    }

    /// A client for one download: it uses no connection twice, and connects to nothing out of
    /// reach.
    pub(crate) fn guarded(&self, host: &str, reach: AddressPolicy) -> Result<Client, SendError> {
        if let Some(own) = &self.own {
            return Ok(own.clone());
        }
        let guard = Guard { host: host.to_owned(), reach };
        self.builder(true, is_loopback_host(host))
            .and_then(|builder| {
                let builder = builder.connect_timeout(self.timeouts.connect);
                finished(builder.dns_resolver(Arc::new(guard)))
            })
            .map_err(|why| SendError::not_sent(SendErrorKind::Invalid, why))
    }

    fn builder(&self, fresh: bool, direct: bool) -> Result<ClientBuilder, String> {
        let mut builder = strict(Client::builder())
            .tls_backend_preconfigured(tls(&self.roots)?)
            .tcp_keepalive(KEEP_ALIVE)
            .tcp_keepalive_interval(KEEP_ALIVE)
            .pool_idle_timeout(IDLE);
        if fresh {
            builder = builder.pool_max_idle_per_host(0);
        }
        builder = match &self.proxy {
            Proxy::FromEnvironment if !direct => builder,
            Proxy::Url(url) if !direct => {
                let proxy = reqwest::Proxy::all(url.expose_secret());
                builder.proxy(proxy.map_err(|_| "invalid proxy URL".to_owned())?)
            }
            _ => builder.no_proxy(),
        };
        Ok(builder)
    }
}

/// What holds for every client. Said aloud, because another crate of the same build may have
/// switched the library's features on.
fn strict(builder: ClientBuilder) -> ClientBuilder {
    let builder = builder.redirect(Policy::none()).retry(retry::never()).referer(false).http1_only();
    builder.no_gzip().no_brotli().no_zstd().no_deflate()
}

/// A client of the user's own, for creates and everything else.
pub(crate) fn with_requirements(builder: ClientBuilder) -> Result<Client, String> {
    // Where none is installed and rustls cannot choose one, the library would panic.
    let _ = rustls::crypto::ring::default_provider().install_default();
    finished(strict(builder).pool_max_idle_per_host(0))
}

fn finished(builder: ClientBuilder) -> Result<Client, String> {
    builder.build().map_err(|error| format!("the HTTP client cannot be set up ({})", error.without_url()))
}
#[cfg(test)]
mod tests {
    use super::*;

    /// The program may have installed any provider, or made rustls unable to choose one.
    #[test]
    fn no_client_of_ours_depends_on_the_crypto_provider_of_the_process() {
        let ring = rustls::crypto::ring::default_provider();
        let unusable =
            rustls::crypto::CryptoProvider { cipher_suites: Vec::new(), kx_groups: Vec::new(), ..ring };
        unusable.install_default().expect("nothing else in this program installs one");
        let proxy = Proxy::url("https://proxy.example:3128");
        for clients in
            [Proxy::Direct, proxy].map(|proxy| Clients::new(Timeouts::default(), proxy, None, false))
        {
            for (create, host) in [(true, "ark.example"), (false, "ark.example"), (true, "127.0.0.1")] {
                assert!(clients.for_api(create, host).is_ok(), "{create} {host}");
            }
            assert!(clients.guarded("storage.example", AddressPolicy::default()).is_ok());
        }
        let own = with_requirements(Client::builder().tls_certs_only([]));
        assert!(own.is_err(), "only a client of the user's own uses it: an error, and no panic");
    }
}
