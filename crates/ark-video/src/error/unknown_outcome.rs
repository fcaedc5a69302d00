//! The two ends of a create after which a task may exist whose id is unknown: what is kept of them
//! to search for it.

use ark_video_protocol::{
    UnixMillis,
    outcome::{UnknownReason, Unread},
    reconcile::UnresolvedCreate,
    utc,
};
use serde::{Deserialize, Serialize};

use crate::error::Call;

/// A create whose outcome is unknown. Keep it (it can be serialised): it holds what is needed to
/// search for the task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("It is unknown whether the task was created: {reason}")]
#[non_exhaustive]
pub struct OutcomeUnknown {
    /// What to search for, see [`crate::Client::reconcile`].
    #[serde(flatten)]
    pub search: UnresolvedCreate,
    /// When sending began, by this machine's clock, in milliseconds since 1970.
    pub sent_at: UnixMillis,
    /// When we gave up.
    pub gave_up_at: UnixMillis,
    /// HTTP status, if an answer came.
    pub status: Option<u16>,
    /// The service's code, if it gave one.
    pub code: Option<String>,
    /// What happened.
    pub reason: String,
}

impl OutcomeUnknown {
    pub(crate) fn new(
        search: UnresolvedCreate,
        why: &UnknownReason,
        call: Call,
        sent_at: UnixMillis,
        gave_up_at: UnixMillis,
    ) -> Self {
        let (request_id, status, code, reason) = match why {
            UnknownReason::Answer(error) => {
                let code = Some(error.code.as_str().to_owned()).filter(|code| !code.is_empty());
                (error.request_id.clone(), Some(error.status), code, format!("the service answered {error}"))
            }
            UnknownReason::NoAnswer(error) => {
                (error.request_id.clone(), error.status, None, error.to_string())
            }
            _ => (None, None, None, "no usable answer came".to_owned()),
        };
        let search = search.request_id(request_id).client_request_id(Some(call.client_request_id));
        Self { search, sent_at, gave_up_at, status, code, reason: reason.trim_end_matches('.').to_owned() }
    }
}

impl From<OutcomeUnknown> for UnresolvedCreate {
    fn from(error: OutcomeUnknown) -> Self {
        error.search
    }
}

impl From<&OutcomeUnknown> for UnresolvedCreate {
    fn from(error: &OutcomeUnknown) -> Self {
        error.search.clone()
    }
}

/// A create that the service accepted with an answer that names no task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("The service accepted the task ({status}), but its id could not be read: {reason}")]
#[non_exhaustive]
pub struct AcceptedWithoutId {
    /// What to search for, see [`crate::Client::reconcile`].
    #[serde(flatten)]
    pub search: UnresolvedCreate,
    /// When sending began, by this machine's clock, in milliseconds since 1970.
    pub sent_at: UnixMillis,
    /// When the answer came. The task was created between these two moments.
    pub answered_at: UnixMillis,
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// Why there is no id.
    pub reason: String,
}

impl AcceptedWithoutId {
    pub(crate) fn new(
        search: UnresolvedCreate,
        unread: Unread,
        call: Call,
        sent_at: UnixMillis,
        answered_at: UnixMillis,
    ) -> Self {
        let search = search
            .accepted(true)
            .request_id(unread.request_id)
            .client_request_id(Some(call.client_request_id));
        Self { search, sent_at, answered_at, status: unread.status, reason: unread.why }
    }
}

impl From<AcceptedWithoutId> for UnresolvedCreate {
    fn from(error: AcceptedWithoutId) -> Self {
        error.search
    }
}

impl From<&AcceptedWithoutId> for UnresolvedCreate {
    fn from(error: &AcceptedWithoutId) -> Self {
        error.search.clone()
    }
}

/// How to find the task of a create that was sent between two times.
pub(super) fn advice(search: &UnresolvedCreate, from: UnixMillis, to: UnixMillis) -> String {
    let ids = match (search.client_request_id.as_deref().unwrap_or("unknown"), &search.request_id) {
        (ours, Some(theirs)) => format!("our request id {ours}, the service's {theirs}"),
        (ours, None) => format!("our request id {ours}"),
    };
    format!(
        "Search the account's tasks for model {}, created between {} and {} ({ids}), or let `reconcile` do it.",
        search.model,
        utc(from),
        utc(to)
    )
}
