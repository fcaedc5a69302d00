//! The groups of states by which a reader filters the page. Pure.

use crate::State;

/// What a reader filters by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    Decision,
    Failed,
    Open,
    Done,
    Dropped,
}

impl Group {
    pub(super) const ALL: [Self; 5] = [Self::Decision, Self::Failed, Self::Open, Self::Done, Self::Dropped];

    pub(super) fn of(state: State) -> Self {
        match state {
            State::NeedsApproval | State::OverBudget | State::Held => Self::Decision,
            State::Rejected | State::Failed | State::Gone => Self::Failed,
            State::Downloaded | State::Settled => Self::Done,
            State::Dropped => Self::Dropped,
            State::Intent | State::Submitting | State::Unknown | State::Submitted | State::Finished => {
                Self::Open
            }
        }
    }

    /// Whether the user has to act: such jobs are listed at the top.
    pub(super) fn is_urgent(self) -> bool {
        matches!(self, Self::Decision | Self::Failed)
    }

    /// Its class in the page, which `page.css` filters by.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Failed => "failed",
            Self::Open => "open",
            Self::Done => "done",
            Self::Dropped => "dropped",
        }
    }

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Decision => "needs a decision",
            Self::Failed => "failed",
            Self::Open => "not finished",
            Self::Done => "done",
            Self::Dropped => "dropped",
        }
    }
}
