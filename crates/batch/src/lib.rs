//! Durable batches: a list of shots, a journal that is written before the network is touched, and a
//! runner that takes each shot from intent to video. After a crash at any point, running again
//! resumes: nothing lost, nothing billed twice.
//!
//! This crate prints nothing and reads no environment. What a task is and how it is created,
//! watched and fetched is `ark-video`'s; which row may move where is decided in [`State`], and
//! nowhere else.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `postgres` | journals on a PostgreSQL server, for several machines |
#![deny(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]

mod engine;
mod job;
mod journal;
mod list;
mod money;
mod report;
mod state;
mod targets;
mod text_file;
mod visible;

pub use engine::{
    AssignError, Assigned, Event, EventKind, Events, Lost, LostCause, OnUnknown, RunError, RunSummary,
    Runner, RunnerHandle, RunnerOptions, StopCause, Stopped, assign, cost_of, task_of,
};
pub use job::{After, Attempt, FileAt, InputFile, Job, Link, Planned, Spent};
pub use journal::{
    Approved, BatchRow, Bill, BillKind, Budget, CasOutcome, Finding, Forecast, ForecastJob, ForecastStep,
    JobFilter, Journal, JournalAt, JournalError, JournalErrorKind, OpenOptions, PlanChange, PlanOptions,
    Resolve, Slots,
};
pub use list::{
    ListError, ListFinding, ListFormat, ListOptions, ListReport, NotAnAmount, PlannedJobs, ShotList,
    ShotListBuilder, ShotReport, Sum, Totals,
};
pub use money::{Amount, Cap, Cost, Scope, TOKENS, grouped};
pub use report::{
    CommandCost, CostLine, CostReport, Durations, Embed, Eta, GroupBy, NextCommand, PageOptions, Reasons,
    ReportError, Unfinished, open_jobs, unfinished,
};
pub use state::State;
pub use text_file::{NotText, decode_text, plain_json};
pub use visible::{acts_on_screen, visible};
/// What the benchmarks and the tests of crashes need, and no user.
#[doc(hidden)]
pub use {
    engine::{CrashPlan, CrashPoint},
    journal::{SlotRequest, Submitting},
};

/// The examples of the README and of the guide compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../../../docs/guide/batch.md")]
struct Examples;
