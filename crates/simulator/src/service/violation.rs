//! A rejection as the vendor writes it: status, code, parameter, and a message that ends with the
//! request id.

use std::borrow::Cow;

use ark_video_protocol::{ApiError, EnvelopeKind};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Response, header};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Violation {
    status: u16,
    code: Cow<'static, str>,
    message: String,
    param: String,
    kind: Option<&'static str>,
    /// One that only this refusal has: how long to wait, or which methods there are.
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

pub(crate) type Checked<T> = Result<T, Violation>;

impl Violation {
    pub(crate) fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            param: String::new(),
            kind: None,
            header: None,
        }
    }

    /// A value that is wrong whatever the model is.
    pub(crate) fn invalid(param: impl Into<String>, why: impl AsRef<str>) -> Self {
        let param = param.into();
        let message =
            format!("The parameter `{param}` specified in the request is not valid: {}.", why.as_ref());
        Self { param, ..Self::new(400, "InvalidParameter", message) }
    }

    /// A required field that is not there.
    pub(crate) fn missing(param: impl Into<String>) -> Self {
        let param = param.into();
        let message = format!("The request failed because it is missing `{param}` parameter.");
        let code = if param.contains(['.', '[']) {
            "MissingParameter".into()
        } else {
            format!("MissingParameter.{param}")
        };
        Self { param, ..Self::new(400, code, message) }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "ResourceNotFound", "The specified resource is not found.")
    }

    /// With this text.
    pub(crate) fn say(&mut self, message: impl Into<String>) {
        self.message = message.into();
    }

    /// With this status and code.
    pub(crate) fn answered(mut self, status: u16, code: impl Into<Cow<'static, str>>) -> Self {
        (self.status, self.code) = (status, code.into());
        self
    }

    pub(crate) fn kind(mut self, kind: &'static str) -> Self {
        self.kind = Some(kind);
        self
    }

    pub(crate) fn param(mut self, param: impl Into<String>) -> Self {
        self.param = param.into();
        self
    }

    /// Says how long to wait, in seconds.
    pub(crate) fn retry_after(mut self, seconds: i64) -> Self {
        self.header = Some(Box::new((header::RETRY_AFTER, seconds.into())));
        self
    }

    /// Says which methods there are instead of this one.
    pub(crate) fn allow(mut self, methods: &[Method]) -> Self {
        let names = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        self.header = HeaderValue::from_str(&names).ok().map(|names| Box::new((header::ALLOW, names)));
        self
    }

    /// The usual envelope. Every message ends with the id of the request, as the vendor's do.
    pub(crate) fn answer(&self, request_id: &str) -> Response<Bytes> {
        self.answer_in(EnvelopeKind::Nested, request_id)
    }

    /// The same in another envelope.
    pub(crate) fn answer_in(&self, envelope: EnvelopeKind, request_id: &str) -> Response<Bytes> {
        let kind = self.kind.unwrap_or_else(|| ApiError::kind_of(self.status));
        let mut answer = ApiError::new(self.status, self.code.as_ref(), signed(&self.message, request_id))
            .param(self.param.as_str())
            .kind(kind)
            .request_id(request_id)
            .envelope(envelope)
            .encode();
        if let Some((name, value)) = self.header.as_deref() {
            answer.headers_mut().insert(name.clone(), value.clone());
        }
        if self.status == 401 {
            let code = HeaderValue::from_static("AuthN_MissOrInvalidAuthorizationHeader");
            answer.headers_mut().insert("x-error-code", code);
        }
        answer
    }
}

/// A text with the id of the request at its end. A text without a full stop gets one: so do the
/// recorded ones with an id.
pub(crate) fn signed(message: &str, request_id: &str) -> String {
    let stop = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{message}{stop} Request id: {request_id}")
}

impl From<ApiError> for Violation {
    fn from(error: ApiError) -> Self {
        let new = Self::new(error.status, error.code.as_str().to_owned(), error.message);
        new.param(error.param.unwrap_or_default())
    }
}
