//! What can be wrong with a request before it is sent (client half) or when it is read (server half).

use ark_video_model::ErrorCode;

use crate::ApiError;

/// A request that cannot be written down. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The id is the empty string, which would address the whole collection.
    #[error("the task id is empty")]
    EmptyId,
    /// The id is `.` or `..`, which no URL can carry as a name.
    #[error(
        "the task id {0:?} cannot be put into a URL: every HTTP library reads it as \"this folder\" or \"the folder above\""
    )]
    DotId(String),
    /// The address does not fit into a URL, most likely because of too many `task_ids`.
    #[error(
        "the request's address has {length} bytes and cannot be used ({reason}); ask for fewer task ids at a time (100 is safe)"
    )]
    Address {
        /// Length of the address in bytes.
        length: usize,
        /// What the URL parser said.
        reason: String,
    },
    /// The body cannot be written as JSON.
    #[error("the request cannot be written as JSON: {0}")]
    Body(String),
    /// The body is larger than what the service takes.
    #[error(
        "the request has {length} bytes; the service takes at most 64 MiB ({}): base64 makes four bytes of three, so give large media by https URL",
        crate::body::MAX_BODY
    )]
    TooLarge {
        /// Its length in bytes.
        length: u64,
    },
    /// The request names a file that was not handed over together with it.
    #[error(
        "the request refers to a local file that is not among its attachments: hand over the attachments it was built with"
    )]
    NotAttached,
}

/// A request that the server half could not read. [`RequestRejected::to_error`] is the vendor's way of saying so.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct RequestRejected {
    /// HTTP status to answer with.
    pub status: u16,
    /// Vendor code, for example `InvalidParameter`.
    pub code: ErrorCode,
    /// What is wrong, in words.
    pub message: String,
    /// Name of the field or query parameter, when one is to blame.
    pub param: Option<String>,
}

impl RequestRejected {
    pub(crate) fn invalid(param: Option<&str>, message: String) -> Self {
        Self {
            status: 400,
            code: ErrorCode::from("InvalidParameter"),
            message,
            param: param.map(str::to_owned),
        }
    }

    pub(crate) fn no_such_path(path: &str) -> Self {
        Self {
            status: 404,
            code: ErrorCode::from("ResourceNotFound"),
            message: format!("There is nothing at {path}."),
            param: None,
        }
    }

    /// The rejection as an answer in the nested envelope.
    #[must_use]
    pub fn to_error(&self, request_id: Option<String>) -> ApiError {
        let kind = if self.status == 404 { "NotFound" } else { "BadRequest" };
        let mut error = ApiError::new(self.status, self.code.clone(), self.message.clone()).kind(kind);
        error.param.clone_from(&self.param);
        error.request_id = request_id;
        error
    }
}
