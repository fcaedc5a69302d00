//! What to do with a job, from its row and what is known around it. Pure: no clock, no journal, no network.

use crate::{Job, State};

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

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: it is over, or only a person can move it on.
    Rest,
    /// Nothing in this run: no creates are sent.
    Later,
    /// Nothing before the job that it follows is settled.
    Follow,
    /// It waits for a person's word about the job that it follows.
    AskForApproval,
    /// Reserve, write down, send.
    Submit,
    /// A runner wrote down that it would send it, and is gone: it is unknown whether it did.
    Orphaned,
    /// Look for its task.
    Reconcile,
    /// A person has to say which task is its own: search once more, and fetch the videos of all that may be.
    Collect,
    /// Wait for its task.
    Wait,
    /// Fetch its film.
    Fetch,
    /// Account for it.
    Settle,
}

/// What to do with a job that this runner has claimed. `sends`: whether this run sends creates at all.
pub(crate) fn decide(job: &Job, before: Before, sends: bool) -> Step {
    match job.state {
        State::Intent => match before {
            Before::Waiting | Before::Broken => Step::Follow,
            Before::NeedsApproval => Step::AskForApproval,
            Before::Ready if sends => Step::Submit,
            Before::Ready => Step::Later,
        },
        State::Held => Step::Collect,
        State::Submitting => Step::Orphaned,
        State::Unknown => Step::Reconcile,
        State::Submitted => Step::Wait,
        State::Finished => Step::Fetch,
        State::Downloaded => Step::Settle,
        _ => Step::Rest,
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
            (Before::Ready, true, Step::Submit),
            (Before::Ready, false, Step::Later),
            (Before::Waiting, true, Step::Follow),
            (Before::Broken, true, Step::Follow),
            (Before::NeedsApproval, true, Step::AskForApproval),
            (Before::NeedsApproval, false, Step::AskForApproval),
        ] {
            assert_eq!(decide(&intent, before, sends), expected, "{before:?} {sends}");
        }
    }

    #[test]
    fn only_an_intent_is_ever_sent_and_what_was_paid_for_goes_on_whatever_else_stops() {
        for state in State::ALL {
            for sends in [true, false] {
                let step = decide(&job(state), Before::Ready, sends);
                assert!(step != Step::Submit || (state == State::Intent && sends), "{state} {step:?}");
                let expected = match state {
                    State::Intent => continue,
                    // What a dead runner was sending is searched for and never sent.
                    State::Submitting => Step::Orphaned,
                    State::Unknown => Step::Reconcile,
                    State::Held => Step::Collect,
                    State::Submitted => Step::Wait,
                    State::Finished => Step::Fetch,
                    State::Downloaded => Step::Settle,
                    _ => Step::Rest,
                };
                assert_eq!(step, expected, "{state}");
            }
        }
    }
}
