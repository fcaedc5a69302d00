//! What a user can set about the network: times and the proxy.

use std::{fmt, time::Duration};

use secrecy::SecretString;

/// How long to wait for what. Giving up early on a create makes an unknown outcome out of a slow one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// To find the host, connect and agree on encryption. Default 10 s.
    pub connect: Duration,
    /// Longest standstill while the body of a create is taken by the network. Default 20 s; the upload as a whole has no
    /// limit, because bodies go up to 64 MB.
    pub upload_stall: Duration,
    /// For the whole answer to a create, counted from the moment its last byte was handed to the connection (up to some
    /// hundred KB may then still be on their way). Default 120 s: checks and moderation come before the answer.
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
    /// As the environment says: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY` and their lower-case forms.
    #[default]
    FromEnvironment,
    /// No proxy.
    Direct,
    /// This one for everything: `http://`, `https://` or `socks5://` with host and port; a user name and a password in it
    /// are kept secret.
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
