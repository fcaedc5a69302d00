//! What to do with a job, from its row and what is known around it. Pure: no clock, no journal, no
//! network.

use crate::{CasOutcome, Job, State};

/// How the job stands that this one follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Before {
    /// It follows none, or the other one is there.
    Ready,
    /// The other one is on its way, or waits for a person.
    Waiting,
    /// The other one is there, and a person has to approve it first.
    NeedsApproval,
    /// The other one will not be there unless a person does something about it.
    Broken,
}

/// What a step made of a job.
pub(crate) enum StepOutcome {
    /// Its row as it is now.
    Row(Box<Job>),
    /// Its row was changed elsewhere, or has to be read again.
    Reread,
    /// This run does nothing more for it.
    Leave,
}

impl From<CasOutcome> for StepOutcome {
    fn from(outcome: CasOutcome) -> Self {
        match outcome {
            CasOutcome::Done(job) => job.into(),
            CasOutcome::Conflict(_) => Self::Reread,
        }
    }
}

impl From<Job> for StepOutcome {
    fn from(job: Job) -> Self {
        Self::Row(Box::new(job))
    }
}

impl StepOutcome {
    /// The changed row, if the step was written down.
    pub(crate) fn row(&self) -> Option<&Job> {
        match self {
            Self::Row(job) => Some(job),
            Self::Reread | Self::Leave => None,
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NextAction {
    /// Nothing: it is over, or only a person can move it on.
    Rest,
    /// Nothing in this run: no creates are sent.
    Later,
    /// Nothing before the job that it follows is settled.
    Follow,
    /// Park it until a person approves the job that it follows.
    ParkForApproval,
    /// Reserve, write down, send.
    Submit,
    /// A runner wrote down that it would send it, and is gone: it is unknown whether it did.
    Orphaned,
    /// Search for its task.
    Reconcile,
    /// A person has to say which task is its own: search once more, and fetch the videos of all
    /// that may be.
    Collect,
    /// Watch its task.
    Watch,
    /// Download its video.
    Download,
    /// Account for it.
    Settle,
}

/// What to do with a job that this runner has claimed. `sends`: whether this run sends creates at
/// all.
pub(crate) fn decide(job: &Job, before: Before, sends: bool) -> NextAction {
    match job.state {
        State::Intent => match before {
            Before::Waiting | Before::Broken => NextAction::Follow,
            Before::NeedsApproval => NextAction::ParkForApproval,
            Before::Ready if sends => NextAction::Submit,
            Before::Ready => NextAction::Later,
        },
        State::Held => NextAction::Collect,
        State::Submitting => NextAction::Orphaned,
        State::Unknown => NextAction::Reconcile,
        State::Submitted => NextAction::Watch,
        State::Finished => NextAction::Download,
        State::Downloaded => NextAction::Settle,
        _ => NextAction::Rest,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(state: State) -> Job {
        let planned = json!({"name": "a", "place": 0, "request": {}, "request_hash": "", "output": "a.mp4"});
        let job = json!({"key": "b/a", "batch": "b", "planned": planned, "revision": 1, "state": state, "seq": 0,
            "changed_at": 0, "attempt": null, "task_id": null, "created_at": null, "task": null, "settled": null,
            "files": [], "reason": null, "approved": false, "superseded": false});
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn an_intent_is_sent_only_when_nothing_holds_it_back() {
        let intent = job(State::Intent);
        for (before, sends, expected) in [
            (Before::Ready, true, NextAction::Submit),
            (Before::Ready, false, NextAction::Later),
            (Before::Waiting, true, NextAction::Follow),
            (Before::Broken, true, NextAction::Follow),
            (Before::NeedsApproval, true, NextAction::ParkForApproval),
            (Before::NeedsApproval, false, NextAction::ParkForApproval),
        ] {
            assert_eq!(decide(&intent, before, sends), expected, "{before:?} {sends}");
        }
    }

    #[test]
    fn only_an_intent_is_ever_sent_and_what_was_paid_for_goes_on_whatever_else_stops() {
        for state in State::ALL {
            for sends in [true, false] {
                let step = decide(&job(state), Before::Ready, sends);
                assert!(step != NextAction::Submit || (state == State::Intent && sends), "{state} {step:?}");
                let expected = match state {
                    State::Intent => continue,
                    // What a dead runner was sending is searched for and never sent.
                    State::Submitting => NextAction::Orphaned,
                    State::Unknown => NextAction::Reconcile,
                    State::Held => NextAction::Collect,
                    State::Submitted => NextAction::Watch,
                    State::Finished => NextAction::Download,
                    State::Downloaded => NextAction::Settle,
                    _ => NextAction::Rest,
                };
                assert_eq!(step, expected, "{state}");
            }
        }
    }
}
