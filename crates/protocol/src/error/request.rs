//! What can be wrong with a request before it is sent.

/// A request that cannot be written down. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
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
    /// The request names a file that the service can only fetch by URL, and that was not uploaded.
    #[error("the request refers to a local file that goes by URL, and it was not uploaded")]
    NotUploaded,
    /// The store of its uploaded files signs no URL for it; why, in a sentence.
    #[error("{0}")]
    NotSigned(String),
    /// The key holds characters that no HTTP header can carry.
    #[error("the API key holds characters that no HTTP header can carry")]
    Key,
}

impl RequestError {
    /// What to do next; empty where the sentence says it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::EmptyId | Self::DotId(_) => "Use the id that the create returned.",
            Self::Body(_) => "Remove the value that JSON cannot hold.",
            Self::Key => "Copy the API key again, without line breaks.",
            Self::NotUploaded => {
                "Upload the request's files to a store, and hand the uploads over with the create."
            }
            Self::Address { .. } | Self::TooLarge { .. } | Self::NotAttached | Self::NotSigned(_) => "",
        }
    }
}
