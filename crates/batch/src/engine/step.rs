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
