//! The engine: takes each job from intent to video, inside the rates and the caps: claim, submit,
//! watch, download, settle.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the engine waits; no order of its maps is seen"
)]

mod active;
mod adaptive_limit;
mod answer;
mod assign;
mod claim;
mod claimants;
mod crash;
mod download;
mod drive;
mod events;
mod fetch;
mod next_action;
mod options;
mod outcome;
mod permits;
mod reconcile;
mod reconciler;
mod records;
mod recover;
mod request;
mod run;
mod runner;
mod semaphore;
mod settle;
mod shared;
mod stale_send;
mod stop;
mod submit;
mod task_watch;
mod unmatched;
mod watch;

pub use assign::{AssignError, Assigned, assign, task_of};
pub use crash::{CrashPlan, CrashPoint};
pub use events::{Event, EventKind, Events, StopCause};
pub use options::{OnUnknown, RunnerOptions};
pub use outcome::{RunError, RunSummary, Stopped};
pub use recover::{Lost, LostCause};
pub use runner::{Runner, RunnerHandle};
pub use settle::cost_of;

/// The data of a mutex, also where a task that held it has panicked: what it protects is changed in
/// single steps.
fn locked<T>(shared: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
