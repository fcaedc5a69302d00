//! The engine: takes each job from intent to video, inside the rates and the caps: claim, submit, watch, download, settle.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the engine waits; no order of its maps is seen"
)]

mod active;
mod answer;
mod claim;
mod crash;
mod download;
mod drive;
mod events;
mod fetching;
mod guard;
mod lost;
mod options;
mod outcome;
mod pace;
mod reconciling;
mod records;
mod recover;
mod request;
mod run;
mod runner;
mod settle;
mod settling;
mod shared;
mod step;
mod stop;
mod submit;
mod turn;
mod turnstile;
mod unmatched;
mod waiting;
mod watch;
mod words;

pub(crate) use request::wants_last_frame;

pub use crash::{CrashPlan, CrashPoint};
pub use events::{Event, EventKind, Events, StopCause};
pub use options::{OnUnknown, RunnerOptions};
pub use outcome::{RunError, RunSummary, Stopped};
pub use recover::{Lost, LostCause};
pub use runner::{Runner, RunnerHandle};
pub use unmatched::{AssignError, Assigned, assign, task_of};
