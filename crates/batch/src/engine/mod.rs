//! The engine: takes each job from intent to film, over the queue, inside the rates and the caps.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the engine waits; no order of its maps is seen"
)]

mod crash;
mod drive;
mod events;
mod fetching;
mod guard;
mod options;
mod pace;
mod queue;
mod reconciling;
mod records;
mod recover;
mod request;
mod runner;
mod settling;
mod shared;
mod step;
mod stop;
mod submit;
mod supervise;
mod turnstile;
mod unmatched;
mod waiting;
mod words;

pub(crate) use request::wants_last_frame;

pub use crash::{CrashPlan, CrashPoint};
pub use events::{Event, EventKind, Events, StopCause};
pub use options::{OnUnknown, RunnerOptions};
pub use recover::{Lost, LostCause};
pub use runner::{RunError, RunSummary, Runner, RunnerHandle, Stopped};
pub use unmatched::{AssignError, Assigned, assign, task_of};
