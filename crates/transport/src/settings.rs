//! What a user can set about the network: timeouts, the proxy, and whether creates reuse
//! connections. Opens nothing.

use std::{fmt, time::Duration};

use reqwest::Url;
use rustls::pki_types::CertificateDer;
use secrecy::{ExposeSecret, SecretString};

use crate::{HttpTransport, SettingError, certificates::certificates, clients::Clients};

/// How long to wait for what. Giving up early on a create makes an unknown outcome out of a slow
/// one.
///
/// ```
/// use ark_video_transport::Timeouts;
/// use std::time::Duration;
///
/// let timeouts = Timeouts::new().connect(Duration::from_secs(3));
/// assert_eq!(timeouts.answer, Duration::from_secs(120));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct Timeouts {
    /// To find the host, connect and agree on encryption. Default 10 s.
    pub connect: Duration,
    /// Longest standstill while the body of a create is taken by the network. Default 20 s; the
    /// upload as a whole has no limit, because bodies go up to 64 MB.
    pub upload_stall: Duration,
    /// For the whole answer to a create, counted from when its last byte was handed to the
    /// connection (up to some hundred KB may then still be on their way). Default 120 s: checks and
    /// moderation come before the answer.
    pub answer: Duration,
    /// For everything else the API is asked, from start to end. Default 30 s.
    pub read: Duration,
    /// Longest standstill of a download; its whole time has no limit. Default 20 s.
    pub download_stall: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            upload_stall: Duration::from_secs(20),
            answer: Duration::from_secs(120),
            read: Duration::from_secs(30),
            download_stall: Duration::from_secs(20),
        }
    }
}

impl Timeouts {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the time to connect.
    #[must_use]
    pub fn connect(mut self, time: Duration) -> Self {
        self.connect = time;
        self
    }

    /// Sets the longest standstill of an upload.
    #[must_use]
    pub fn upload_stall(mut self, time: Duration) -> Self {
        self.upload_stall = time;
        self
    }

    /// Sets the time for the answer to a create.
    #[must_use]
    pub fn answer(mut self, time: Duration) -> Self {
        self.answer = time;
        self
    }

    /// Sets the time for everything else.
    #[must_use]
    pub fn read(mut self, time: Duration) -> Self {
        self.read = time;
        self
    }

    /// Sets the longest standstill of a download.
    #[must_use]
    pub fn download_stall(mut self, time: Duration) -> Self {
        self.download_stall = time;
        self
    }
}

/// Which way out. This machine (`localhost`, 127.0.0.0/8, `[::1]`) is always reached directly.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Proxy {
    /// As the environment says: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` and their
    /// lower-case forms.
    #[default]
    FromEnvironment,
    /// No proxy.
    Direct,
    /// This one for everything: `http://`, `https://` or `socks5://` with host and port; a user
    /// name and a password in it are kept secret.
    Url(SecretString),
}

impl Proxy {
    /// This proxy for everything.
    #[must_use]
    pub fn url(url: impl Into<String>) -> Self {
        Self::Url(SecretString::from(url.into()))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FromEnvironment => "FromEnvironment",
            Self::Direct => "Direct",
            Self::Url(_) => "Url(<hidden>)",
        })
    }
}

/// Settings of an [`HttpTransport`].
///
/// ```
/// use ark_video_transport::{HttpTransport, Proxy};
///
/// let transport = HttpTransport::builder().proxy(Proxy::url("socks5://127.0.0.1:1080")).build()?;
/// assert!(HttpTransport::builder().proxy(Proxy::url("not a proxy")).build().is_err());
/// # Ok::<(), ark_video_transport::SettingError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct HttpTransportBuilder {
    timeouts: Timeouts,
    proxy: Proxy,
    reuse: bool,
    roots: Vec<CertificateDer<'static>>,
}

impl HttpTransportBuilder {
    /// Sets how long to wait for what.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the way out.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Lets a create use a connection that was used before. Default no: while the server closes it,
    /// it stays unknown whether the create arrived (one in eight, measured against a server that
    /// closes idle connections early). Saves a handshake each time; right for a service of one's
    /// own that keeps its connections.
    #[must_use]
    pub fn reuse_for_creates(mut self, reuse: bool) -> Self {
        self.reuse = reuse;
        self
    }

    /// Trusts the certificates in this PEM text too, as those of a company's own authority. The
    /// system's store is trusted anyway (`SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set).
    ///
    /// # Errors
    /// There is no certificate in it, or one that cannot be trusted.
    pub fn root_certificate(mut self, pem: &[u8]) -> Result<Self, SettingError> {
        self.roots.extend(certificates(pem)?);
        Ok(self)
    }

    /// Checks the settings. Opens nothing.
    ///
    /// # Errors
    /// The proxy's address cannot be used.
    pub fn build(self) -> Result<HttpTransport, SettingError> {
        if let Proxy::Url(url) = &self.proxy {
            let read = Url::parse(url.expose_secret()).ok().filter(|url| url.has_host());
            let known =
                read.is_some_and(|url| ["http", "https", "socks5", "socks5h"].contains(&url.scheme()));
            if !known || reqwest::Proxy::all(url.expose_secret()).is_err() {
                return Err(SettingError(
                    "invalid proxy URL; expected a form such as http://host:3128 or socks5://host:1080"
                        .to_owned(),
                ));
            }
        }
        let clients = Clients::new(self.timeouts, self.proxy, None, self.reuse);
        Ok(HttpTransport::of(clients.trusting(self.roots)))
    }
}
