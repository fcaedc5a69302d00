//! Why sending a request failed, and whether any byte of it may have been sent.
//!
//! Written by the transport, read by [`crate::outcome`] and [`crate::wait`].

/// Whether the service can have seen the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendStage {
    /// Provably not: the failure came before the first byte of the body left.
    NotSent,
    /// Everything else, however unlikely.
    MaybeSent,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum SendErrorKind {
    /// The request or the setting is not one that can be sent.
    Invalid,
    /// The host name was not found.
    Dns,
    /// No connection: refused, unreachable, or the proxy would not.
    Connect,
    /// The proxy does not accept connections.
    Proxy,
    /// The encrypted connection could not be made: certificate or protocol.
    Tls,
    /// Too long without an answer, or without a byte moving.
    Timeout,
    /// The connection was closed or reset before an answer came.
    Closed,
    /// The answer began and broke off, or was not HTTP.
    Body,
    /// The answer is larger than what is read.
    TooLarge,
    /// The HTTP client followed a redirect although redirects are disabled.
    Redirected,
    /// None of these.
    Other,
}

/// A request that brought no complete answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{message}")]
#[non_exhaustive]
pub struct SendError {
    /// Whether the service can have seen it.
    pub stage: SendStage,
    /// What went wrong.
    pub kind: SendErrorKind,
    /// The reason; contains no URL query, header or body.
    pub message: String,
    /// HTTP status, if the head of an answer arrived before the failure.
    pub status: Option<u16>,
    /// The service's request id, if the head of an answer brought one.
    pub request_id: Option<String>,
}

impl SendError {
    /// A failure of this stage and kind.
    #[must_use]
    pub fn new(stage: SendStage, kind: SendErrorKind, message: impl Into<String>) -> Self {
        Self { stage, kind, message: message.into(), status: None, request_id: None }
    }

    /// A failure before anything left.
    #[must_use]
    pub fn not_sent(kind: SendErrorKind, message: impl Into<String>) -> Self {
        Self::new(SendStage::NotSent, kind, message)
    }

    /// A failure after something may have left.
    #[must_use]
    pub fn maybe_sent(kind: SendErrorKind, message: impl Into<String>) -> Self {
        Self::new(SendStage::MaybeSent, kind, message)
    }

    /// Adds what the head of the answer said. An answer proves that the request was sent.
    #[must_use]
    pub fn answered(mut self, status: u16, request_id: Option<String>) -> Self {
        self.stage = SendStage::MaybeSent;
        self.status = Some(status);
        self.request_id = request_id;
        self
    }

    /// Whether nothing can have reached the service.
    #[must_use]
    pub fn is_not_sent(&self) -> bool {
        self.stage == SendStage::NotSent && self.status.is_none()
    }

    /// Whether only a change of the setup helps, so that a call does not retry: the proxy is down,
    /// or the server's certificate is not trusted.
    #[must_use]
    pub fn needs_setup(&self) -> bool {
        self.is_not_sent() && matches!(self.kind, SendErrorKind::Proxy | SendErrorKind::Tls)
    }

    /// What to do next. Whether a create may be sent again is decided by [`crate::classify`] alone.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self.kind {
            SendErrorKind::Invalid => "Fix the request or the setting; sending it again would fail again.",
            SendErrorKind::Dns => "Check the base URL's host name and the DNS.",
            SendErrorKind::Connect => "Check the network, the proxy and the firewall.",
            SendErrorKind::Proxy => "Start the proxy, or fix the setting that names it.",
            SendErrorKind::Tls => "Check the certificate: a company's own has to be added to the client.",
            SendErrorKind::Redirected => "Check the base URL: a redirect is never followed.",
            _ if self.is_not_sent() => "Nothing was sent; try again.",
            _ => "The service may have received it; after a create, look for the task before anything else.",
        }
    }
}
