//! How a run ended, or why it could not begin, with the sentences that a person reads.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::events::StopCause;
use super::recover::Lost;
use crate::{Finding, JournalError, State};

/// Jobs that a message names.
const SHOWN: usize = 10;

/// Why a run could not begin, or had to end. What was sent is in the journal.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunError {
    /// The journal cannot be used.
    Journal(JournalError),
    /// The journal does not fit together: nothing is sent before that is fixed.
    Damaged(Vec<Finding>),
    /// The journal's file is an earlier copy of what was used in its place before: what was sent
    /// since is not in it, and would be sent again. See [`crate::RunnerOptions::earlier_copy`].
    Earlier {
        /// The file.
        place: String,
        /// How many changes of rows it lacks.
        changes: i64,
    },
    /// The journal may not know what was sent, and shots would be paid for again. See
    /// [`crate::RunnerOptions::new_journal`].
    Lost(Lost),
    /// Videos could not be saved where they are to go: nothing is sent before that is changed. A
    /// line for each of the jobs.
    Targets(Vec<String>),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunSummary {
    /// Where the jobs of its batches stand.
    pub counts: BTreeMap<State, u64>,
    /// Why no more creates were sent, if that was so.
    pub stopped: Option<Stopped>,
}

/// Why a run sent no more creates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Stopped {
    /// The kind of reason.
    pub cause: StopCause,
    /// The reason, in a sentence.
    pub reason: String,
}

impl RunSummary {
    /// Jobs that are neither over nor parked: another run goes on with them.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.sum(State::is_open)
    }

    /// Jobs that wait for a person.
    #[must_use]
    pub fn parked(&self) -> u64 {
        self.sum(State::is_parked)
    }

    fn sum(&self, which: fn(State) -> bool) -> u64 {
        self.counts.iter().filter(|(state, _)| which(**state)).map(|(_, count)| count).sum()
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Journal(error) => error.fmt(f),
            Self::Lost(lost) => lost.fmt(f),
            Self::Targets(lines) => {
                let shots = if lines.len() == 1 { "1 video" } else { "videos" };
                write!(f, "{shots} could not be saved, so nothing was sent:")?;
                write_lines(f, lines)
            }
            Self::Earlier { place, changes } => write!(
                f,
                "The journal {place} is an earlier copy: it lacks {changes} changes of what was used there before. Shots that were sent since are intents in it and would be paid for again, so nothing was sent. Put the newer file back; or list the account's tasks, take out what is made already, and say that the copy is meant."
            ),
            Self::Damaged(findings) => {
                f.write_str("The journal does not fit together, so nothing was sent:")?;
                let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
                write_lines(f, &lines)?;
                f.write_str(
                    "\nPut the last copy of it back; what was sent since has to be looked for before anything is sent again.",
                )
            }
        }
    }
}

impl std::error::Error for RunError {}

impl From<JournalError> for RunError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

fn write_lines(f: &mut fmt::Formatter<'_>, lines: &[String]) -> fmt::Result {
    for line in lines.iter().take(SHOWN) {
        write!(f, "\n- {line}")?;
    }
    match lines.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => write!(f, "\n- and {more} more"),
    }
}
