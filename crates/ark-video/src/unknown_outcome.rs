//! The two ends of a create after which a task may exist whose id nobody has: what is kept of them to search for it.

use std::fmt;

use ark_video_protocol::{
    UnixMillis,
    outcome::{UnknownReason, Unread},
    utc,
};
use serde::{Deserialize, Serialize};

use crate::Call;

/// A create whose end nobody knows. Keep it (it can be serialised): it holds what is needed to search for the task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutcomeUnknown {
    /// Model or endpoint id of the request.
    pub model: String,
    /// When sending began, by this machine's clock, in milliseconds since 1970.
    pub sent_at: UnixMillis,
    /// When we gave up. If a task was created, then between these two moments.
    pub gave_up_at: UnixMillis,
    /// Our own id of the request.
    pub client_request_id: String,
    /// The service's id of the request, if an answer brought one.
    pub request_id: Option<String>,
    /// HTTP status, if an answer came.
    pub status: Option<u16>,
    /// The service's code, if it gave one.
    pub code: Option<String>,
    /// What happened, in words.
    pub reason: String,
}

impl OutcomeUnknown {
    pub(crate) fn new(why: &UnknownReason) -> Self {
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
        Self {
            model: String::new(),
            sent_at: 0,
            gave_up_at: 0,
            client_request_id: String::new(),
            request_id,
            status,
            code,
            reason: reason.trim_end_matches('.').to_owned(),
        }
    }

    pub(crate) fn of(mut self, model: &str, call: Call, sent_at: UnixMillis, gave_up_at: UnixMillis) -> Self {
        self.model = model.to_owned();
        self.client_request_id = call.client_request_id;
        (self.sent_at, self.gave_up_at) = (sent_at, gave_up_at);
        self
    }
}

impl fmt::Display for OutcomeUnknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Nobody knows whether the task was created: {}. It may exist and may be billed, so do not just send it again. ",
            self.reason
        )?;
        search(f, &self.model, self.sent_at, self.gave_up_at)?;
        ids(f, &self.client_request_id, self.request_id.as_deref())
    }
}

/// A create that the service accepted with an answer that names no task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AcceptedWithoutId {
    /// Model or endpoint id of the request.
    pub model: String,
    /// When sending began, by this machine's clock, in milliseconds since 1970.
    pub sent_at: UnixMillis,
    /// When the answer came. The task was created between these two moments.
    pub answered_at: UnixMillis,
    /// Our own id of the request.
    pub client_request_id: String,
    /// The service's id of the request, if the answer brought one.
    pub request_id: Option<String>,
    /// HTTP status, 200 to 299.
    pub status: u16,
    /// Why there is no id, in words.
    pub reason: String,
}

impl AcceptedWithoutId {
    pub(crate) fn new(
        unread: Unread,
        model: &str,
        call: Call,
        sent_at: UnixMillis,
        answered_at: UnixMillis,
    ) -> Self {
        Self {
            model: model.to_owned(),
            sent_at,
            answered_at,
            client_request_id: call.client_request_id,
            request_id: unread.request_id,
            status: unread.status,
            reason: unread.why,
        }
    }
}

impl fmt::Display for AcceptedWithoutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "The service accepted the task ({}), but its id could not be read: {}. The task very probably exists and is billed when it succeeds, so do not send it again. ",
            self.status, self.reason
        )?;
        search(f, &self.model, self.sent_at, self.answered_at)?;
        ids(f, &self.client_request_id, self.request_id.as_deref())
    }
}

fn search(f: &mut fmt::Formatter<'_>, model: &str, from: UnixMillis, to: UnixMillis) -> fmt::Result {
    write!(
        f,
        "List the account's tasks and look for one of model {model} created between {} and {} (give or take the difference of the clocks): if it is there, wait for it by its id.",
        utc(from),
        utc(to)
    )
}

fn ids(f: &mut fmt::Formatter<'_>, ours: &str, theirs: Option<&str>) -> fmt::Result {
    match theirs {
        Some(theirs) => write!(f, " (Our request id {ours}, the service's {theirs}.)"),
        None => write!(f, " (Our request id {ours}.)"),
    }
}
