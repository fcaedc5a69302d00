//! The requests of the object store library, sent through our own transport. An answer that is not
//! a success becomes a [`StoreAnswer`] here: its text may repeat the key and the signature.

use std::{future::Future, pin::Pin, sync::Arc};

use ark_video_protocol::Endpoint;
use ark_video_transport::{RequestBody, SendError, SendErrorKind, Transport};
use http_body_util::BodyExt;
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpService,
};

/// What a store answered where it did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store answered {status}{}", code.as_ref().map(|code| format!(" {code}")).unwrap_or_default())]
pub(crate) struct StoreAnswer {
    pub(crate) status: u16,
    /// Such as `NoSuchBucket`.
    pub(crate) code: Option<String>,
}

impl StoreAnswer {
    /// Whether the bucket is missing, not an object in it.
    pub(crate) fn names_no_bucket(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        matches!(code, "NoSuchBucket" | "ContainerNotFound" | "InvalidBucketName")
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Connector(pub(crate) Arc<dyn Transport>);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Connector {
    fn call<'s, 'f>(
        &'s self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            // A body may take as long as the network needs; a list may be long.
            let endpoint = if body.is_empty() { Endpoint::List } else { Endpoint::Create };
            let request = http::Request::from_parts(parts, RequestBody::from(body));
            let answer = self.0.send(endpoint, request).await.map_err(not_answered)?;
            let status = answer.status();
            if status.is_success() {
                return Ok(answer.map(Into::into));
            }
            let code = code_of(&String::from_utf8_lossy(answer.body()));
            // The library retries what may pass.
            let kind = match status.as_u16() {
                408 | 429 | 500..=599 => HttpErrorKind::Request,
                _ => HttpErrorKind::Unknown,
            };
            Err(HttpError::new(kind, StoreAnswer { status: status.as_u16(), code }))
        })
    }
}

fn not_answered(error: SendError) -> HttpError {
    let kind = match error.kind {
        _ if error.needs_setup() => HttpErrorKind::Unknown,
        SendErrorKind::Invalid => HttpErrorKind::Unknown,
        _ if error.is_not_sent() => HttpErrorKind::Connect,
        SendErrorKind::Timeout => HttpErrorKind::Timeout,
        SendErrorKind::Closed | SendErrorKind::Body => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}

/// The code in an error document, XML or the JSON of a token endpoint.
fn code_of(text: &str) -> Option<String> {
    let xml = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = match xml {
        Some((code, _)) => code.to_owned(),
        None => serde_json::from_str::<serde_json::Value>(text).ok()?.get("error")?.as_str()?.to_owned(),
    };
    let is_code = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (!code.is_empty() && code.len() <= 64 && code.chars().all(is_code)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_code_of_an_error_document_is_kept() {
        let signature = "<?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        assert_eq!(code_of(signature).as_deref(), Some("SignatureDoesNotMatch"));
        assert_eq!(code_of(r#"{"error": "invalid_grant", "x": "AKIA"}"#).as_deref(), Some("invalid_grant"));
        for text in ["", "<Code></Code>", "<Code>two words</Code>", "<html>AKIA</html>", "[]"] {
            assert_eq!(code_of(text), None, "{text}");
        }
    }
}
