//! What the tests of whole runs share: a fast clock, a worker process, the check of a history.

pub(crate) mod clock;
pub(crate) mod history;
pub(crate) mod shots;
pub(crate) mod worker;

use ark_video_simulator::{Effect, Envelope};

/// An answer of this status; a create that gets it made a task if `accepted`.
pub(crate) fn status(status: u16, accepted: bool) -> Effect {
    shaped(status, Envelope::default(), accepted)
}

pub(crate) fn shaped(status: u16, envelope: Envelope, accepted: bool) -> Effect {
    Effect::Status { status, code: None, message: None, envelope, accepted, retry_after: None }
}
