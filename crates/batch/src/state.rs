//! Where a job stands, and where it may go from there. Pure; the journal refuses every move that is
//! not in here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a job stands. The journal writes each step down before the next is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// Known, nothing sent, nothing reserved.
    Intent,
    /// Waits for a person to approve the shot that it follows.
    NeedsApproval,
    /// A cap does not leave room for it; a person may raise the cap.
    OverBudget,
    /// Reserved, and about to be sent or on its way. Found after a crash, it is unknown how it
    /// ended.
    Submitting,
    /// Sent, and it is unknown whether it created a task. Reconciling searches for it.
    Unknown,
    /// Reconciled without a single answer: not found, or several may be it. Only a person may
    /// decide.
    Held,
    /// The service's task id is known.
    Submitted,
    /// The task succeeded; its video has to be downloaded before the link expires.
    Finished,
    /// The video is in its place.
    Downloaded,
    /// The video is in its place and its cost is accounted for. The end.
    Settled,
    /// The service refused the request, or it can no longer be sent as it was planned. Not billed.
    Rejected,
    /// The task failed, expired or was cancelled at the service. Not billed.
    Failed,
    /// Billed or perhaps billed, and the video can no longer be downloaded: the link or the record
    /// has expired.
    Gone,
    /// Taken out before anything was sent: by a person, or because the list no longer has it.
    Dropped,
}

impl State {
    /// All of them, in the order of a job's life.
    pub const ALL: [Self; 14] = [
        Self::Intent,
        Self::NeedsApproval,
        Self::OverBudget,
        Self::Submitting,
        Self::Unknown,
        Self::Held,
        Self::Submitted,
        Self::Finished,
        Self::Downloaded,
        Self::Settled,
        Self::Rejected,
        Self::Failed,
        Self::Gone,
        Self::Dropped,
    ];

    /// Its name in the journal and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::NeedsApproval => "needs_approval",
            Self::OverBudget => "over_budget",
            Self::Submitting => "submitting",
            Self::Unknown => "unknown",
            Self::Held => "held",
            Self::Submitted => "submitted",
            Self::Finished => "finished",
            Self::Downloaded => "downloaded",
            Self::Settled => "settled",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Gone => "gone",
            Self::Dropped => "dropped",
        }
    }

    /// Whether a runner has something to do for it, now or when its turn comes.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Self::Intent
                | Self::Submitting
                | Self::Unknown
                | Self::Submitted
                | Self::Finished
                | Self::Downloaded
        )
    }

    /// Whether only a person can move it on.
    #[must_use]
    pub fn is_parked(self) -> bool {
        matches!(self, Self::NeedsApproval | Self::OverBudget | Self::Held | Self::Rejected)
    }

    /// Whether it is over: a run ends when nothing else is left.
    #[must_use]
    pub fn is_final(self) -> bool {
        !self.is_open() && !self.is_parked()
    }

    /// Whether it counts against what the account runs at once.
    #[must_use]
    pub fn is_running(self) -> bool {
        matches!(self, Self::Submitting | Self::Unknown | Self::Submitted)
    }

    /// Whether money is reserved for it.
    #[must_use]
    pub fn holds_reservation(self) -> bool {
        matches!(
            self,
            Self::Submitting
                | Self::Unknown
                | Self::Held
                | Self::Submitted
                | Self::Finished
                | Self::Downloaded
        )
    }

    /// Whether a job may move from here to there. Everything else is refused by the journal.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use State::{
            Downloaded, Dropped, Failed, Finished, Gone, Held, Intent, NeedsApproval, OverBudget, Rejected,
            Settled, Submitted, Submitting, Unknown,
        };
        match self {
            Intent => matches!(next, NeedsApproval | OverBudget | Submitting | Rejected | Dropped),
            NeedsApproval | OverBudget => matches!(next, Intent | Dropped),
            // Back to the intent only where it is proven that nothing was created.
            Submitting => matches!(next, Intent | Rejected | Unknown | Submitted),
            Unknown => matches!(next, Held | Submitted | Intent),
            // By a person's word: adopt, not created, send again. Or by a late answer that brings
            // the id.
            Held => matches!(next, Submitted | Intent | Dropped),
            Submitted => matches!(next, Finished | Failed | Gone),
            Finished => matches!(next, Downloaded | Settled | Gone),
            Downloaded => matches!(next, Settled),
            // `batch retry`: a new attempt, and a new bill if it succeeds.
            Rejected | Failed | Gone => matches!(next, Intent | Dropped),
            Dropped => matches!(next, Intent),
            Settled => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is not a valid state of a job"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
        }
        assert!("done".parse::<State>().is_err());
    }

    #[test]
    fn every_open_state_has_a_way_to_the_end() {
        for start in State::ALL {
            let mut reached = vec![start];
            let mut at = 0;
            while let Some(state) = reached.get(at).copied() {
                for next in State::ALL {
                    if state.may_become(next) && !reached.contains(&next) {
                        reached.push(next);
                    }
                }
                at += 1;
            }
            assert!(reached.iter().any(|state| state.is_final()), "{start} never ends");
        }
    }

    #[test]
    fn what_may_be_paid_for_is_never_forgotten() {
        // From here a bill is possible or certain: no way leads to a state that would send again
        // without a person's word, except where the answer proved that nothing was created.
        for state in [State::Submitted, State::Finished, State::Downloaded, State::Settled] {
            assert!(!state.may_become(State::Intent), "{state}");
            assert!(!state.may_become(State::Dropped), "{state}");
        }
        assert!(!State::Submitting.may_become(State::Dropped));
        assert!(!State::Unknown.may_become(State::Dropped));
    }
}
