//! One file per family of verbs. Each takes the session and its arguments and says, at most once, what came of it.

pub(crate) mod about;
mod audit;
pub(crate) mod batch;
pub(crate) mod check;
pub(crate) mod dry_run;
pub(crate) mod generate;
pub(crate) mod many;
pub(crate) mod models;
pub(crate) mod reconcile;
pub(crate) mod result;
pub(crate) mod simulate;
pub(crate) mod tasks;
