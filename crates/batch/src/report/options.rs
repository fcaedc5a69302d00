//! How the page of a batch is made, and the commands on it. Runs nothing.

use std::path::PathBuf;

use super::media::Embed;
use crate::{Cost, Job};

/// A command that a person may want next for a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextCommand {
    /// As a person would type it.
    pub line: String,
    /// What it does, in a few words.
    pub effect: &'static str,
    /// What it costs.
    pub cost: CommandCost,
}

/// What a command costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandCost {
    /// Nothing.
    Free,
    /// A bill in addition to those so far, of at most this; `None` where nothing is known.
    Bill(Option<Cost>),
}

/// How the page is made.
pub struct PageOptions<'a> {
    /// When it is made, for people.
    pub made: String,
    /// The folder that the page will be in: videos are named as seen from there.
    pub folder: PathBuf,
    /// Whether videos go into the page.
    pub embed: Embed,
    /// The commands for a job in its state, the most useful one first.
    pub commands: &'a (dyn Fn(&Job) -> Vec<NextCommand> + Sync),
    /// Removes keys from a reason: a service may have echoed one.
    pub redact: &'a (dyn Fn(&str) -> String + Sync),
}
