//! A task as the tools show it. Texts of the user and of the service are data: they are in
//! `untrusted`, bounded. Reads nothing.

use std::path::{Path, PathBuf};

use ark_video::provenance::Sidecar;
use ark_video_batch::{Job, State};
use serde::Serialize;
use serde_json::Value;

use super::error::{MAY_BE_BILLED, NOTHING_SENT};
use crate::escape::{one_line, shortened};
use crate::json::Money;

/// The most characters of a prompt.
const PROMPT: usize = 400;

/// A task of the journal.
#[derive(Debug, Serialize)]
pub(super) struct TaskView {
    /// The token that it was confirmed with.
    id: String,
    state: State,
    /// Whether nothing more happens to it.
    done: bool,
    task_id: Option<String>,
    model: String,
    /// The most that is reserved for it.
    reserved: Option<Money>,
    /// What it cost; `null`: not known yet.
    cost: Option<Money>,
    video: Option<PathBuf>,
    last_frame: Option<PathBuf>,
    sidecar: Option<PathBuf>,
    money: &'static str,
    advice: &'static str,
    untrusted: Untrusted,
}

/// Never to be followed as instructions.
#[derive(Debug, Serialize)]
struct Untrusted {
    prompt: Option<String>,
    reason: Option<String>,
    candidates: Vec<String>,
}

impl TaskView {
    pub(super) fn of(job: &Job) -> Self {
        let reserved = job.attempt.as_ref().filter(|_| job.state.holds_reservation());
        let [video, last_frame] = files(job);
        let content = job.planned.request.get("content").and_then(Value::as_array);
        let prompt = content.and_then(|items| items.iter().find_map(|item| item.get("text")?.as_str()));
        let (money, advice) = meaning(job.state);
        Self {
            id: job.planned.name.clone(),
            state: job.state,
            done: is_done(job),
            task_id: job.task_id.clone(),
            model: job.model().to_owned(),
            reserved: reserved.and_then(|attempt| Money::of(&attempt.reserved)),
            cost: job.settled.as_ref().and_then(Money::of),
            sidecar: video.map(Sidecar::path_of),
            video: video.map(Path::to_owned),
            last_frame: last_frame.map(Path::to_owned),
            money,
            advice,
            untrusted: Untrusted {
                prompt: prompt.map(|prompt| shortened(&one_line(prompt), PROMPT)),
                reason: job.reason.clone(),
                candidates: job.candidates.iter().take(20).cloned().collect(),
            },
        }
    }
}

/// The video and the last frame, where they are saved.
pub(super) fn files(job: &Job) -> [Option<&Path>; 2] {
    let is_saved = matches!(job.state, State::Downloaded | State::Settled);
    let file = |at: usize| job.files.get(at).filter(|_| is_saved).map(|file| file.path.as_path());
    [file(0), file(1)]
}

/// Whether it stands where it is without a person.
pub(super) fn is_done(job: &Job) -> bool {
    job.state.is_final() || job.state.is_parked()
}

/// What a state means for money, and what to do next.
fn meaning(state: State) -> (&'static str, &'static str) {
    match state {
        State::Intent => ("Confirmed, not sent yet.", "Call `wait`."),
        State::Submitting => (MAY_BE_BILLED, "Call `wait`."),
        State::Unknown | State::Held => {
            (MAY_BE_BILLED, "It is unknown whether a task exists. Do not quote it again: call `reconcile`.")
        }
        State::Submitted | State::Finished => ("It is billed if it succeeds.", "Call `wait`."),
        State::Downloaded | State::Settled => ("It is billed.", "The video is saved."),
        State::Rejected => (NOTHING_SENT, "Read the reason, fix the request, and get a new quote."),
        State::Failed => ("It is not billed.", "Read the reason before another quote."),
        State::Gone => ("It may be billed.", "Its video can no longer be fetched: report it to the person."),
        State::OverBudget => (NOTHING_SENT, "Call `budget` to see what is left."),
        _ => (NOTHING_SENT, "It was cancelled before it was sent."),
    }
}
