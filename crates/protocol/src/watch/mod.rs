//! Polls any number of tasks within the vendor's rate limits. A state machine: time is an argument,
//! and it sends nothing itself.
//!
//! LIST is cheap and is trusted little; only a task's own answer (GET) ends it. How LIST is used
//! depends on how many tasks are waited for:
//!
//! | tasks | each round |
//! |---|---|
//! | up to 5 | a GET each |
//! | up to 100 | one LIST by ids; a GET for what it calls finished, and for what it leaves out |
//! | more | one LIST of what is running, tier by tier; a GET at once for what left it; spare GETs for those unseen longest |
//!
//! Rounds follow each other as fast as LIST allows while something moves, and slow down to 15 s (60
//! s after half an hour) while nothing does. Where LIST is caught lagging, left full or leaving
//! out, it is asked by ids in between and running tasks are looked after by GET; where it fails or
//! refuses, everything is done by GET. That is slower, never wrong.
//!
//! *Could not ask* is not *failed*: the first says nothing about the task. Stopping to watch
//! cancels nothing.
//!
//! ```no_run
//! # use std::time::Duration;
//! # use ark_video_protocol::{limit::RateLimiter, watch::{Poll, PollRequest, Watch, WatchStep, Watched}};
//! # fn send(_: Poll) {}
//! # fn now() -> Duration { Duration::ZERO }
//! # fn drive(mut limits: RateLimiter) {
//! let mut watch = Watch::new(Default::default());
//! watch.add(now(), Watched::new("cgt-20261122101530-abcde"));
//! loop {
//!     while let Some(event) = watch.event() { /* report it */ }
//!     match watch.next(now(), &mut limits) {
//!         WatchStep::Poll(ask) => send(ask), // and later watch.got(..), watch.listed(..) or watch.failed(..)
//!         WatchStep::Until(_moment) => { /* until then, or until an answer comes */ }
//!         WatchStep::AwaitAnswer => { /* until an answer comes */ }
//!         WatchStep::Done => break,
//!     }
//! }
//! # }
//! ```

mod answers;
mod failures;
mod intervals;
mod machine;
mod tasks;
mod types;

#[cfg(test)]
mod asks_tests;
#[cfg(test)]
mod load_tests;
#[cfg(test)]
mod model_service;
#[cfg(test)]
mod trouble_tests;

pub use machine::Watch;
pub use types::{
    CouldNotPoll, MAX_IN_FLIGHT, Poll, PollRequest, Ticket, WatchEvent, WatchOptions, WatchStep, Watched,
};
