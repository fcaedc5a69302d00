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

/// What is known around a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around<'a> {
    /// This process's runner.
    pub(crate) runner: &'a str,
    /// Whether the runner of the job's attempt has been seen lately.
    pub(crate) owner_is_alive: bool,
    /// The job that it follows.
    pub(crate) before: Before,
    /// Whether this run sends creates at all: neither draining nor stopped, and the batch is not paused.
    pub(crate) sends: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing: it is over, or only a person can move it on.
    Rest,
    /// Nothing for now: another live runner has it.
    Elsewhere,
    /// Nothing for now: the job that it follows, or the end of a pause, will bring it back.
    Later,
    /// It waits for a person's word about the job that it follows.
    AskForApproval,
    /// Reserve, write down, send.
    Submit,
    /// Somebody wrote down that they would send it, and is gone: nobody knows whether they did.
    Forsaken,
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

/// What to do with a job. Whoever asks is the only one in this process who works on it.
pub(crate) fn decide(job: &Job, around: &Around<'_>) -> Step {
    let owner = job.attempt.as_ref().map_or("", |attempt| attempt.runner.as_str());
    let elsewhere = around.owner_is_alive && owner != around.runner;
    match job.state {
        State::Intent => match around.before {
            Before::Waiting | Before::Broken => Step::Later,
            Before::NeedsApproval => Step::AskForApproval,
            Before::Ready if around.sends => Step::Submit,
            Before::Ready => Step::Later,
        },
        State::Held if !elsewhere => Step::Collect,
        state if !state.is_open() => Step::Rest,
        _ if elsewhere => Step::Elsewhere,
        State::Submitting => Step::Forsaken,
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
    use crate::Attempt;

    fn job(state: State, owner: Option<&str>) -> Job {
        let attempt = owner.map(|runner| Attempt { runner: runner.to_owned(), ..Attempt::default() });
        let planned = json!({"name": "a", "place": 0, "request": {}, "request_hash": "", "output": "a.mp4"});
        let job = json!({"key": "b/a", "batch": "b", "planned": planned, "revision": 1, "state": state, "seq": 0,
            "changed_at": 0, "attempt": attempt, "task_id": null, "created_at": null, "task": null, "settled": null,
            "files": [], "reason": null, "approved": false, "superseded": false, "round": 0});
        serde_json::from_value(job).unwrap()
    }

    fn around(before: Before, owner_is_alive: bool, sends: bool) -> Around<'static> {
        Around { runner: "us", owner_is_alive, before, sends }
    }

    #[test]
    fn an_intent_is_sent_only_when_nothing_holds_it_back() {
        let intent = job(State::Intent, None);
        for (before, sends, expected) in [
            (Before::Ready, true, Step::Submit),
            (Before::Ready, false, Step::Later),
            (Before::Waiting, true, Step::Later),
            (Before::Broken, true, Step::Later),
            (Before::NeedsApproval, true, Step::AskForApproval),
            (Before::NeedsApproval, false, Step::AskForApproval),
        ] {
            assert_eq!(decide(&intent, &around(before, false, sends)), expected, "{before:?} {sends}");
        }
        // A job that was sent before and came back is its old runner's no longer.
        assert_eq!(
            decide(&job(State::Intent, Some("other")), &around(Before::Ready, true, true)),
            Step::Submit
        );
    }

    #[test]
    fn what_a_dead_runner_was_sending_is_looked_for_and_never_sent() {
        for (owner, alive, expected) in [
            ("other", true, Step::Elsewhere),
            ("other", false, Step::Forsaken),
            ("us", false, Step::Forsaken),
        ] {
            let submitting = job(State::Submitting, Some(owner));
            assert_eq!(decide(&submitting, &around(Before::Ready, alive, true)), expected, "{owner} {alive}");
        }
    }

    #[test]
    fn only_an_intent_is_ever_sent_and_what_was_paid_for_goes_on_whatever_else_stops() {
        for state in State::ALL {
            for (sends, alive) in [(true, true), (true, false), (false, true), (false, false)] {
                let step = decide(&job(state, Some("other")), &around(Before::Ready, alive, sends));
                assert!(step != Step::Submit || (state == State::Intent && sends), "{state} {step:?}");
                let expected = match state {
                    _ if alive => continue,
                    State::Unknown => Step::Reconcile,
                    State::Held => Step::Collect,
                    State::Submitted => Step::Wait,
                    State::Finished => Step::Fetch,
                    State::Downloaded => Step::Settle,
                    State::Intent | State::Submitting => continue,
                    _ => Step::Rest,
                };
                assert_eq!(step, expected, "{state}");
            }
        }
    }
}
