//! JSON of the commands for tasks, and of errors.

use std::path::Path;

use ark_video::model::Task;
use ark_video::reconcile::Candidate;
use serde::Serialize;
use serde_json::Value;

use super::{EstimateJson, LocatedFinding, Money};

/// `generate --no-wait`: a task.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Created<'a> {
    pub(crate) id: &'a str,
    /// `null`: the task is of an earlier run.
    pub(crate) estimate: Option<EstimateJson<'a>>,
}

/// `generate` and `download`: a finished task and its files.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct SavedTask<'a> {
    pub(crate) id: &'a str,
    pub(crate) status: &'a str,
    pub(crate) file: &'a Path,
    pub(crate) bytes: u64,
    pub(crate) last_frame: Option<&'a Path>,
    /// The estimate before sending; `null` for `download`, and for a video of an earlier run.
    pub(crate) estimate: Option<EstimateJson<'a>>,
    /// The service's usage at list prices; `null`: unknown.
    pub(crate) cost: Option<Money>,
    pub(crate) task: &'a Task,
}

/// `cancel` and `forget`: a task, and what was done.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Done<'a> {
    pub(crate) id: &'a str,
    /// `cancelled` or `forgotten`.
    pub(crate) done: &'a str,
}

/// `reconcile`: what became of a create.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct ReconcileVerdict<'a> {
    /// The record or file that was given.
    pub(crate) of: &'a str,
    #[serde(flatten)]
    pub(crate) result: ReconcileResult<'a>,
}

/// What a search found.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub(crate) enum ReconcileResult<'a> {
    /// The task.
    Found {
        id: &'a str,
        #[cfg_attr(feature = "schemars", schemars(with = "serde_json::Map<String, serde_json::Value>"))]
        task: &'a Candidate,
    },
    /// Several tasks may be it.
    Ambiguous {
        #[cfg_attr(feature = "schemars", schemars(with = "Vec<serde_json::Map<String, serde_json::Value>>"))]
        candidates: &'a [Candidate],
        /// Why it may be none of them.
        doubt: Option<&'a str>,
    },
    /// No task was found; that proves nothing.
    NotFound {
        /// Completed searches.
        looks: u32,
        over_seconds: u64,
        /// Tasks of that time that belong to others.
        dismissed: u32,
        doubt: Option<&'a str>,
    },
    /// Nothing is known.
    Unknown,
}

/// An error of any command, on standard error with `--json`; every field is always present.
#[derive(Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub(crate) struct Envelope<'a> {
    /// The vendor's error code, if the service rejected a request.
    pub(crate) code: Option<&'a str>,
    /// The name of the exit code.
    pub(crate) kind: &'a str,
    pub(crate) message: &'a str,
    /// What to do next.
    pub(crate) suggestion: Option<String>,
    pub(crate) request_id: Option<&'a str>,
    pub(crate) task_id: Option<&'a str>,
    /// The parameter in the vendor's error.
    pub(crate) param: Option<&'a str>,
    /// The flag or file that the parameter came from.
    pub(crate) origin: Option<&'a str>,
    /// Why the checks reject the request.
    pub(crate) findings: &'a [LocatedFinding],
    /// The record for `reconcile`, if a task of unknown id may exist.
    pub(crate) reconcile: Option<&'a Value>,
    pub(crate) exit_code: u8,
}
