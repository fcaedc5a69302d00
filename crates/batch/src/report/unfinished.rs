//! Why a job is not finished, in a sentence: from its row, the job that it follows, and who is at
//! the journal. The rules are pure; reading what they need is beside them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{Job, JobFilter, Journal, JournalError, State, journal::RunnerRow};

const PAGE: usize = 500;

/// A job without its video, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Unfinished {
    /// The job's key.
    pub key: String,
    /// Its name in the list.
    pub name: String,
    /// Where it stands.
    pub state: State,
    /// Why it is not finished, in a sentence.
    pub reason: String,
}

/// What has to be known around the jobs of a batch to say why they are not finished.
#[derive(Debug, Clone, Default)]
pub struct Reasons {
    /// Why the batch is paused, if it is.
    paused: Option<String>,
    alive: Vec<RunnerRow>,
    /// Jobs that others follow, by name: the newest of each.
    followed: BTreeMap<String, Followed>,
}

/// What of a job matters to those that follow it.
#[derive(Debug, Clone)]
struct Followed {
    revision: u32,
    state: State,
    approved: bool,
    reason: Option<String>,
}

impl From<Job> for Followed {
    fn from(job: Job) -> Self {
        Self { revision: job.revision, state: job.state, approved: job.approved, reason: job.reason }
    }
}

impl Reasons {
    /// Reads them.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn read(journal: &Journal, batch: &str) -> Result<Self, JournalError> {
        let row = journal.batch(batch).await?.filter(|row| row.paused);
        let paused = row.map(|row| row.reason.unwrap_or_default());
        let alive = journal.runners_alive(crate::RunnerOptions::LEASE).await?;
        let mut reasons = Self { paused, alive, followed: BTreeMap::new() };
        let filter =
            JobFilter { batch: Some(batch.to_owned()), states: vec![State::Intent], ..JobFilter::default() };
        let mut names: Vec<String> = Vec::new();
        each(journal, filter, |job| names.extend(job.planned.after.map(|after| after.job))).await?;
        names.sort_unstable();
        names.dedup();
        for names in names.chunks(PAGE) {
            let filter =
                JobFilter { batch: Some(batch.to_owned()), names: names.to_vec(), ..JobFilter::default() };
            each(journal, filter, |job| {
                let known = reasons.followed.get(&job.planned.name);
                if !job.superseded && known.is_none_or(|known| known.revision < job.revision) {
                    reasons.followed.insert(job.planned.name.clone(), job.into());
                }
            })
            .await?;
        }
        Ok(reasons)
    }

    /// Why this job is not finished; `None` if it is, or if it was taken out.
    #[must_use]
    pub fn of(&self, job: &Job) -> Option<String> {
        let owner = job.attempt.as_ref().map(|attempt| attempt.runner.as_str());
        let owner = owner.filter(|_| job.state.is_open() && job.state != State::Intent);
        let other = owner.and_then(|owner| self.alive.iter().find(|runner| runner.id == owner));
        let given = job.reason.as_deref().filter(|reason| !reason.is_empty());
        let reason_or = |default: &str| given.unwrap_or(default).to_owned();
        let and = |start: String| given.map_or_else(|| start.clone(), |reason| format!("{start}: {reason}"));
        if let Some(other) = other {
            return Some(format!("another runner is at it (process {}{})", other.pid, on(&other.host)));
        }
        let id = job.task_id.as_deref().unwrap_or_default();
        Some(match job.state {
            State::Settled | State::Dropped => return None,
            State::Intent => match (&self.paused, self.blocked(job)) {
                (Some(why), _) if why.is_empty() => "the batch is paused".to_owned(),
                (Some(why), _) => format!("the batch is paused: {why}"),
                (None, Some(why)) => why,
                (None, None) => and("not sent yet".to_owned()),
            },
            State::Submitting => {
                "it was being sent when its run ended; the next run searches for its task".to_owned()
            }
            State::Unknown => format!(
                "{}; the next run searches for its task",
                reason_or("it is unknown whether a task was created").trim_end_matches('.')
            ),
            State::Submitted => and(format!("task {id} has not ended; the next run waits for it")),
            State::Finished => and(format!("task {id} is paid for and its video is not fetched")),
            State::Downloaded => "its video is there; the next run accounts for its cost".to_owned(),
            State::NeedsApproval => reason_or("a person has to approve the shot that it follows"),
            State::OverBudget => reason_or("a cap leaves no room for it"),
            State::Held => reason_or("it is unknown whether a task was created; a person has to decide"),
            State::Rejected => reason_or("the service refused it"),
            State::Failed => reason_or("its task failed"),
            State::Gone => reason_or("its video can no longer be had"),
        })
    }

    /// What an intent waits for.
    fn blocked(&self, job: &Job) -> Option<String> {
        let after = job.planned.after.as_ref()?;
        let name = &after.job;
        let Some(before) = self.followed.get(name) else {
            return Some(format!("it follows {name}, which the batch does not have"));
        };
        let state = before.state.as_str().replace('_', " ");
        let why = before.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        match before.state {
            State::Settled | State::Downloaded if after.approve && !before.approved => {
                Some(format!("a person has to approve {name} first"))
            }
            State::Settled | State::Downloaded => None,
            state if state.is_open() => Some(format!("it waits for {name}, which is {state}")),
            _ if before.state.is_parked() && before.state != State::Rejected => {
                Some(format!("it waits for {name}, which is {state}{why}"))
            }
            _ => Some(format!("it follows {name}, which is {state}{why}; bring that back first")),
        }
    }
}

fn on(host: &str) -> String {
    if host.is_empty() { String::new() } else { format!(" on {host}") }
}

/// All jobs of a batch that have no video, and why, by key.
///
/// # Errors
/// The journal cannot be read.
pub async fn unfinished(journal: &Journal, batch: &str) -> Result<Vec<Unfinished>, JournalError> {
    let reasons = Reasons::read(journal, batch).await?;
    let states =
        State::ALL.into_iter().filter(|state| !matches!(state, State::Settled | State::Dropped)).collect();
    let filter = JobFilter { batch: Some(batch.to_owned()), states, ..JobFilter::default() };
    let mut found = Vec::new();
    each(journal, filter, |job| {
        if let Some(reason) = reasons.of(&job) {
            found.push(Unfinished { key: job.key, name: job.planned.name, state: job.state, reason });
        }
    })
    .await?;
    Ok(found)
}

async fn each(journal: &Journal, filter: JobFilter, mut with: impl FnMut(Job)) -> Result<(), JournalError> {
    let mut pages = journal.pages(filter);
    while let Some(page) = pages.next().await? {
        page.into_iter().for_each(&mut with);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn job(name: &str, state: State, more: Value) -> Job {
        let planned = json!({"name": name, "place": 0, "request": {}, "request_hash": "", "output": "a.mp4",
            "after": more["after"]});
        let mut job = json!({"key": format!("b/{name}"), "batch": "b", "planned": planned, "revision": 1,
            "state": state, "seq": 0, "changed_at": 0, "attempt": null, "task_id": null, "created_at": null,
            "task": null, "settled": null, "files": [], "reason": null, "approved": false, "superseded": false,
            "round": 0});
        job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(job).unwrap()
    }

    fn runner(id: &str) -> RunnerRow {
        RunnerRow {
            id: id.to_owned(),
            host: "tower".to_owned(),
            pid: 7,
            started_at: 0,
            seen_at: 0,
            stopping: false,
        }
    }

    /// Every reason that a row can have, and what must not be said of it.
    #[test]
    fn each_unfinished_row_says_why() {
        let after = json!({"job": "one", "link": "draft", "approve": true});
        let sent = |runner: &str| json!({"runner": runner});
        let rows: [(State, Value, &[&str]); 26] = [
            (State::Intent, json!({}), &["not sent yet"]),
            (State::Intent, json!({"reason": "no network"}), &["not sent yet", "no network"]),
            (
                State::Intent,
                json!({"attempt": sent("alive"), "reason": "too fast"}),
                &["not sent yet", "too fast"],
            ),
            (State::Submitting, json!({"attempt": sent("dead")}), &["being sent", "searches for its task"]),
            (State::Submitting, json!({"attempt": sent("alive")}), &["another runner", "process 7 on tower"]),
            (
                State::Unknown,
                json!({"reason": "no answer in 60 s."}),
                &["no answer in 60 s; the next run searches"],
            ),
            (State::Unknown, json!({"attempt": sent("alive"), "reason": "no answer"}), &["another runner"]),
            (State::Submitted, json!({"task_id": "cgt-1"}), &["task cgt-1 has not ended"]),
            (State::Submitted, json!({"task_id": "cgt-1", "reason": "401"}), &["cgt-1", "401"]),
            (State::Submitted, json!({"task_id": "cgt-1", "attempt": sent("alive")}), &["another runner"]),
            (State::Finished, json!({"task_id": "cgt-1"}), &["paid for", "not fetched"]),
            (
                State::Finished,
                json!({"task_id": "cgt-1", "reason": "a.mp4 exists"}),
                &["paid for", "a.mp4 exists"],
            ),
            (State::Downloaded, json!({}), &["its video is there"]),
            (State::NeedsApproval, json!({}), &["approve"]),
            (State::OverBudget, json!({"reason": "the cap of 1 CNY"}), &["the cap of 1 CNY"]),
            (State::Held, json!({}), &["a person has to decide"]),
            (
                State::Held,
                json!({"attempt": sent("alive"), "reason": "2 tasks may be its own"}),
                &["2 tasks may"],
            ),
            (State::Rejected, json!({"reason": "InvalidParameter"}), &["InvalidParameter"]),
            (State::Failed, json!({"reason": "moderated"}), &["moderated"]),
            (State::Gone, json!({"reason": "the link is dead"}), &["the link is dead"]),
            (State::Gone, json!({}), &["can no longer be had"]),
            (
                State::Intent,
                json!({"after": after, "follows": "running"}),
                &["waits for one, which is submitted"],
            ),
            (
                State::Intent,
                json!({"after": after, "follows": "failed"}),
                &["follows one, which is failed: no luck", "bring that back"],
            ),
            (
                State::Intent,
                json!({"after": after, "follows": "over"}),
                &["waits for one, which is over budget: no luck"],
            ),
            (State::Intent, json!({"after": after, "follows": "done"}), &["approve one first"]),
            (State::Intent, json!({"after": after}), &["follows one, which the batch does not have"]),
        ];
        for (state, mut more, parts) in rows {
            let mut reasons = Reasons { alive: vec![runner("alive")], ..Reasons::default() };
            let before = more.as_object_mut().unwrap().remove("follows");
            if let Some(before) = before.as_ref().and_then(Value::as_str) {
                let state = match before {
                    "running" => State::Submitted,
                    "failed" => State::Failed,
                    "over" => State::OverBudget,
                    _ => State::Settled,
                };
                let reason = (state != State::Settled).then_some("no luck");
                reasons
                    .followed
                    .insert("one".to_owned(), job("one", state, json!({"reason": reason})).into());
            }
            let job = job("two", state, more);
            let why = reasons.of(&job).unwrap();
            for part in parts {
                assert!(why.contains(part), "{state}: {why}");
            }
            let is_elsewhere = parts[0] == "another runner";
            assert_eq!(why.contains("another runner"), is_elsewhere, "{state}: {why}");
            assert!(!why.contains("paused"), "{state}: {why}");
            // A pause concerns what is not sent, and nothing else.
            reasons.paused = Some("lunch".to_owned());
            let paused = reasons.of(&job).unwrap();
            assert_eq!(paused == "the batch is paused: lunch", state == State::Intent, "{state}: {paused}");
        }
        for state in [State::Settled, State::Dropped] {
            assert_eq!(Reasons::default().of(&job("two", state, json!({"reason": "given up"}))), None);
        }
        for state in State::ALL {
            let why = Reasons::default().of(&job("two", state, json!({})));
            assert_eq!(
                why.is_none_or(|why| why.is_empty()),
                matches!(state, State::Settled | State::Dropped)
            );
        }
    }
}
