//! What the tests of whole runs share: a fast clock, a worker process, the check of a history.

pub(crate) mod clock;
pub(crate) mod history;
pub(crate) mod shots;
pub(crate) mod worker;
