//! Finding the task of a create whose outcome is unknown, by asking LIST and by nothing else.
//!
//! The service has no idempotency key, and LIST shows neither prompt nor images. So a request is
//! [`stamp`]ed before it is sent, with values that the task echoes; what was not answered becomes
//! an [`UnresolvedCreate`], a record that can be kept in a file; a [`Reconciler`] reads LIST once
//! for any number of them and gives each a [`Verdict`].
//!
//! | mark | how sure | price |
//! |---|---|---|
//! | tag in `safety_identifier` | exact | opt-in: the vendor wants one fixed value per end user there |
//! | token in the path of `callback_url` | exact; the callback itself brings the id | a receiver that the service can reach |
//! | `execution_expires_after` of 48 h and up to an hour more | exact among the creates that were [`allocate`]d together; 1 in 3,599 otherwise | none |
//! | `seed`, on 1.x, where the caller left it open | 1 in 2^31 | the clip can be repeated |
//! | model, time and settings | weak | none |
//!
//! A mark outweighs the time: a task that carries it is found although a clock is wrong. Windows
//! are in the service's time, according to [`ClockOffsets`]; while responses disagree, every time
//! that one of them gives is accepted.
//!
//! It never guesses and never sends a create. "Not found" is evidence, not proof: nobody documents
//! how fresh LIST is. Sending again after it is the caller's own decision, and can make a second
//! bill.

mod allocate;
mod clock;
mod correlation;
mod evidence;
mod paging;
mod sweep;
mod unresolved;
mod verdict;

pub use allocate::{CORRELATIONS_KEPT, CorrelationsInUse, allocate};
pub use clock::{ClockOffsets, clock_skew};
pub use correlation::{CORRELATION_RANDOM, Correlation, CorrelationOptions, TAG_ROOM, stamp};
pub use evidence::Evidence;
pub use sweep::{ReconcileOptions, ReconcileStep, Reconciler};
pub use unresolved::{TimeWindow, UnresolvedCreate};
pub use verdict::{Candidate, Doubt, Verdict};

#[cfg(test)]
mod sweep_tests;
