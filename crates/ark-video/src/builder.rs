//! Settings of a [`Client`], checked before anything is sent.

use std::sync::Arc;

use ark_video_model::catalog::Catalog;
use ark_video_protocol::{
    BaseUrl, CLIENT_REQUEST_ID,
    download::UrlPolicy,
    limit::{RateLimiter, RateLimits},
    retry::RetryOptions,
};
use ark_video_transport::{
    Clock, HttpTransport, Proxy, Random, SystemClock, SystemRandom, Timeouts, Transport,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Client, Error,
    call::Pace,
    client::Inner,
    environment::{self, EnvSettings, KEY_VARIABLES},
    error::ConfigError,
};

/// Builds a [`Client`]. Needed is only a key.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ClientBuilder {
    api_key: Option<SecretString>,
    base_url: Option<String>,
    unknown_region: Option<String>,
    allow_insecure_http: bool,
    allow_private_storage: bool,
    retry: RetryOptions,
    limits: Option<RateLimits>,
    catalog: Option<Arc<Catalog>>,
    link_rules: Option<UrlPolicy>,
    headers: Vec<(String, SecretString)>,
    root_certificates: Vec<Vec<u8>>,
    timeouts: Timeouts,
    proxy: Proxy,
    transport: Option<Arc<dyn Transport>>,
    clock: Option<Arc<dyn Clock>>,
    random: Option<Arc<dyn Random>>,
}

impl ClientBuilder {
    /// Sets the API key. It is never shown, and wiped from memory when the last client is dropped.
    pub fn api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Sets the base URL, with any path prefix; default [`BaseUrl::VOLCENGINE`]. A key works in one
    /// region only.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// Takes key and base URL from the environment, where they are not set yet.
    pub fn environment(mut self, found: &EnvSettings) -> Self {
        self.api_key = self.api_key.or_else(|| found.api_key.clone());
        if self.base_url.is_none() {
            self.base_url.clone_from(&found.base_url);
            self.unknown_region.clone_from(&found.unknown_region);
        }
        self
    }

    /// Allows a base URL that is plain `http` to another machine. The key can then be read by
    /// everybody on the way. Default no; this machine is always allowed.
    pub fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self
    }

    /// Allows results to come from machines in private networks, as behind a company's own gateway.
    /// Default no: a link comes from outside, and could otherwise make us ask machines that only we
    /// can reach.
    pub fn allow_private_storage(mut self, allow: bool) -> Self {
        self.allow_private_storage = allow;
        self
    }

    /// Sets how often questions (get, list, models, cancel, forget) are repeated when a failure may
    /// pass. Default
    /// [`RetryOptions::default`]: 5 times, within 5 minutes. Without effect on creates, see
    /// [`crate::create::Create::retry`], and on waits, which poll again anyway.
    pub fn retry(mut self, retry: RetryOptions) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how fast to ask; shared by all clones. Default: questions as fast as the vendor
    /// documents (20 gets, 1 list a second), creates as fast as the caller likes.
    /// [`RateLimits::company`] and [`RateLimits::personal`] pace creates too.
    pub fn limits(mut self, limits: RateLimits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Sets what the checks of a create lean on, for example [`Catalog::overlaid`] with newer
    /// cells; default [`Catalog::builtin`].
    pub fn catalog(mut self, catalog: Catalog) -> Self {
        self.catalog = Some(Arc::new(catalog));
        self
    }

    /// Sets how long to wait for what. Without effect on a [`ClientBuilder::transport`] of your
    /// own.
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Sets the way out; default: as the environment says. Without effect on a
    /// [`ClientBuilder::transport`] of your own.
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Trusts these certificates too, in PEM, as those of a company's own authority. The system's
    /// store is trusted anyway (`SSL_CERT_FILE` and `SSL_CERT_DIR` where they are set). Without
    /// effect on a [`ClientBuilder::transport`] of your own.
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates.push(pem.into());
        self
    }

    /// Sends this header with each request to the API, as gateways ask for. It never goes to a
    /// storage host, and its value is never logged. Headers that the client sets itself are
    /// refused.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets from where results may come. Default: from public addresses over https; what
    /// [`ClientBuilder::allow_private_storage`] and a base URL on this machine allow besides.
    pub fn link_rules(mut self, rules: UrlPolicy) -> Self {
        self.link_rules = Some(rules);
        self
    }

    /// Sends through this instead of our own HTTP stack.
    ///
    /// A `reqwest::Client` of your own goes here in a
    /// [`HttpTransport::with_client`](crate::HttpTransport::with_client); the feature `reqwest`
    /// re-exports the version that fits.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Takes the time from this clock; for tests that do not want to sleep.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Takes random numbers from here; for tests that want the same ones each time.
    pub fn random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = Some(random);
        self
    }

    /// Checks the settings. Sends nothing.
    ///
    /// # Errors
    /// [`Error::Config`] with what is missing or invalid, and the expected form.
    pub fn build(self) -> Result<Client, Error> {
        let key = self.api_key.ok_or(ConfigError::NoKey { looked_in: &KEY_VARIABLES })?;
        let bare = key.expose_secret().trim();
        if bare.is_empty() {
            return Err(ConfigError::NoKey { looked_in: &KEY_VARIABLES }.into());
        }
        if !bare.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ConfigError::BadKey.into());
        }
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {bare}")).map_err(|_| ConfigError::BadKey)?;
        authorization.set_sensitive(true);
        let base = match (self.base_url, self.unknown_region) {
            (Some(url), _) if self.allow_insecure_http => BaseUrl::parse_allowing_insecure(&url),
            (Some(url), _) => BaseUrl::parse(&url),
            (None, Some(region)) => return Err(ConfigError::UnknownRegion { region }.into()),
            (None, None) => BaseUrl::parse(BaseUrl::VOLCENGINE),
        };
        let base = base.map_err(ConfigError::BaseUrl)?;
        let headers = own_headers(&self.headers)?;
        let from_environment = self.transport.is_none() && matches!(self.proxy, Proxy::FromEnvironment);
        if let Some(variable) =
            environment::unusable_proxy().filter(|_| from_environment && !base.is_loopback())
        {
            return Err(ConfigError::ProxyVariable { variable }.into());
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => {
                let mut transport = HttpTransport::builder().timeouts(self.timeouts).proxy(self.proxy);
                for pem in &self.root_certificates {
                    transport = transport.root_certificate(pem).map_err(ConfigError::Setting)?;
                }
                Arc::new(transport.build().map_err(ConfigError::Setting)?)
            }
        };
        Ok(Client::new(Inner {
            transport,
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock::new())),
            random: self.random.unwrap_or_else(|| Arc::new(SystemRandom)),
            base,
            authorization,
            insecure: self.allow_insecure_http,
            private_storage: self.allow_private_storage,
            link_rules: self.link_rules,
            headers,
            retry: self.retry,
            pace: Pace::new(RateLimiter::new(self.limits.unwrap_or_else(questions_only))),
            in_flight: Default::default(),
            catalog: self.catalog,
        }))
    }
}

/// Headers that the client or HTTP itself sets.
const RESERVED: [HeaderName; 14] = [
    header::AUTHORIZATION,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::RANGE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
];

fn own_headers(pairs: &[(String, SecretString)]) -> Result<HeaderMap, ConfigError> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let refused = |reason| ConfigError::Header { name: name.clone(), reason };
        let name = HeaderName::try_from(name).map_err(|_| refused("it is not a valid name"))?;
        if RESERVED.contains(&name) || name == CLIENT_REQUEST_ID {
            return Err(refused("the client sets it itself"));
        }
        let value = HeaderValue::try_from(value.expose_secret());
        let mut value = value.map_err(|_| refused("its value holds characters that no header can carry"))?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

/// How fast to create is for the caller, and for the service, to say.
fn questions_only() -> RateLimits {
    let mut limits = RateLimits::default().create_per_minute(f64::INFINITY);
    limits.create_4k_per_minute = f64::INFINITY;
    limits.create_per_minute_of.clear();
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(builder: ClientBuilder) -> String {
        builder.build().unwrap_err().message()
    }

    #[test]
    fn without_a_key_the_message_names_the_variables() {
        let said = refusal(Client::builder());
        assert!(said.contains("ARK_API_KEY") && said.contains("SEEDANCE_API_KEY"), "{said}");
        assert_eq!(refusal(Client::builder().api_key(" \n")), said);
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_refused_and_not_shown() {
        let said = refusal(Client::builder().api_key("secret\nkey"));
        assert!(said.contains("key") && !said.contains("secret"), "{said}");
    }

    #[test]
    fn a_key_with_a_newline_at_its_end_is_a_key() {
        let client = Client::builder().api_key("ark-1\n").build().unwrap();
        assert_eq!(client.base_url().to_string(), BaseUrl::VOLCENGINE);
    }

    #[test]
    fn plain_http_to_another_machine_must_be_asked_for() {
        let builder = Client::builder().api_key("k").base_url("http://10.0.0.8/api/v3");
        assert!(refusal(builder.clone()).contains("plain http"));
        assert!(builder.allow_insecure_http(true).build().is_ok());
    }

    #[test]
    fn an_unknown_region_is_an_error() {
        let found = EnvSettings::from_lookup(|name| match name {
            "ARK_API_KEY" => Some("k".to_owned()),
            "ARK_REGION" => Some("mars-1".to_owned()),
            _ => None,
        });
        assert!(refusal(Client::builder().environment(&found)).contains("mars-1"));
        assert!(Client::builder().base_url("https://h").environment(&found).build().is_ok());
    }

    #[test]
    fn a_bad_proxy_is_refused_without_its_password() {
        let said = refusal(Client::builder().api_key("k").proxy(Proxy::url("ftp://user:hidden@h")));
        assert!(said.contains("proxy") && !said.contains("hidden"), "{said}");
    }

    #[test]
    fn a_header_that_the_client_sets_or_that_cannot_be_sent_is_refused_and_never_shown() {
        for (name, value) in [
            ("Authorization", "Bearer hidden"),
            ("host", "hidden"),
            ("content-length", "9"),
            ("X-Client-Request-Id", "hidden"),
            ("two words", "hidden"),
            ("x-team", "hidden\n"),
            ("", "hidden"),
        ] {
            let message = refusal(Client::builder().api_key("k").header(name, value));
            assert!(message.contains("header") && !message.contains("hidden"), "{message}");
        }
        let builder = Client::builder().api_key("k").header("x-team", "hidden");
        assert!(!format!("{builder:?} {:?}", builder.clone().build().unwrap()).contains("hidden"));
    }

    #[test]
    fn a_certificate_that_is_none_is_refused() {
        for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(refusal(Client::builder().api_key("k").root_certificate(pem)).contains("certificate"));
        }
    }

    #[test]
    fn neither_builder_nor_client_shows_the_key() {
        let builder = Client::builder().api_key("very-secret").proxy(Proxy::url("http://u:very-secret@h:1"));
        assert!(!format!("{builder:?}").contains("very-secret"));
        assert!(!format!("{:?}", builder.build().unwrap()).contains("very-secret"));
    }
}
