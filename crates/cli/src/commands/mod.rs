//! One file per family of commands. Each takes the session and its arguments and reports the result
//! once.

pub(crate) mod about;
mod audit;
pub(crate) mod batch;
pub(crate) mod check;
pub(crate) mod clip;
pub(crate) mod config;
mod create;
pub(crate) mod doctor;
pub(crate) mod dry_run;
pub(crate) mod fetch;
pub(crate) mod generate;
pub(crate) mod man;
pub(crate) mod many;
pub(crate) mod models;
pub(crate) mod reconcile;
pub(crate) mod result;
pub(crate) mod simulate;
pub(crate) mod storage;
pub(crate) mod tasks;
mod upload;
mod variants;
pub(crate) mod version;
