//! What has to hold whatever happened (reliability's invariants I1 to I8): read from the
//! simulator's ledger, the journal and the videos, by an independent check.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use ark_video_batch::{Job, JobFilter, Journal, Scope, State};
use ark_video_simulator::{Ledger, Simulator};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::shots::MODEL;
use crate::support::worker::{AT_ONCE, BATCH};

/// The figures of a run.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// In the journal.
    pub(crate) jobs: usize,
    /// Bills beyond the first of a job.
    pub(crate) twice: usize,
    /// Accepted tasks that the journal does not know, or knows as another job's.
    pub(crate) lost: usize,
    pub(crate) settled: usize,
    pub(crate) held: usize,
    /// Those that are held because several tasks may be theirs.
    pub(crate) several: usize,
    pub(crate) journal_tokens: u64,
    pub(crate) ledger_tokens: u64,
    pub(crate) most_at_once: usize,
}

pub(crate) async fn check(simulator: &Simulator, journal: &Journal, folder: &Path) -> (History, Vec<String>) {
    let mut complaints = Vec::new();
    // What was accepted and nobody waits for comes to its end too.
    simulator.advance(Duration::from_secs(3600));
    let ledger = simulator.ledger();
    let jobs = all_jobs(journal).await;
    let whose = whose(simulator);
    let mut history = History { jobs: jobs.len(), ..History::default() };

    let findings = journal.audit().await.unwrap();
    complaints.extend(findings.iter().map(|finding| format!("audit: {finding}")));
    money(journal, &jobs, &ledger, &whose, &mut history, &mut complaints).await;
    ends(&jobs, &ledger, &whose, &mut history, &mut complaints);
    pace(journal, &ledger, &mut history, &mut complaints).await;
    let parts = std::fs::read_dir(folder.join("videos")).map_or(0, |found| {
        found
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "part"))
            .count()
    });
    if parts > 0 {
        complaints.push(format!("{parts} partial videos are left"));
    }
    (history, complaints)
}

/// I1, I2, I5: one bill for a job, each known, and the budgets are the ledger.
async fn money(
    journal: &Journal,
    jobs: &[Job],
    ledger: &Ledger,
    whose: &BTreeMap<String, String>,
    history: &mut History,
    complaints: &mut Vec<String>,
) {
    let mut bills: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in ledger.entries.iter().filter(|entry| entry.tokens > 0) {
        *bills.entry(whose[&entry.task_id].as_str()).or_default() += 1;
    }
    history.twice = bills.values().map(|count| count - 1).sum();
    let extra = journal.bills().await.unwrap();
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    for job in jobs {
        for id in job.task_id.iter().chain(&job.candidates) {
            known.insert(id, &job.planned.name);
        }
    }
    for bill in &extra {
        known.insert(&bill.task_id, bill.key.rsplit('/').next().unwrap());
    }
    let candidates: BTreeSet<_> = jobs.iter().flat_map(|job| &job.candidates).collect();
    for entry in &ledger.entries {
        let owner = &whose[&entry.task_id];
        let is_known = known.get(&*entry.task_id).is_some_and(|name| name == owner);
        if !is_known && !candidates.contains(&entry.task_id) {
            history.lost += 1;
            let journal = known.get(&*entry.task_id).unwrap_or(&"nobody's");
            complaints.push(format!("task {} of {owner} is {journal} to the journal", entry.task_id));
        }
    }
    if history.twice > 0 {
        let twice: Vec<_> = bills.iter().filter(|(_, count)| **count > 1).collect();
        complaints.push(format!("billed twice: {twice:?}"));
    }
    let budgets = journal.budgets().await.unwrap();
    let batch = Scope::Batch(BATCH.to_owned());
    let budget = budgets.iter().find(|budget| budget.scope == batch && budget.unit == "tokens");
    history.journal_tokens = budget.map_or(0, |budget| budget.settled);
    // What is held with several candidates may be billed, and its reservation says so. A candidate
    // that has become the task of another row since is settled there.
    let owned: BTreeSet<_> = jobs.iter().filter_map(|job| job.task_id.as_ref()).collect();
    let of_candidates: i64 = ledger
        .entries
        .iter()
        .filter(|entry| candidates.contains(&entry.task_id) && !owned.contains(&entry.task_id))
        .map(|entry| entry.tokens)
        .sum();
    history.ledger_tokens = u64::try_from(ledger.tokens - of_candidates).unwrap();
    if history.journal_tokens != history.ledger_tokens {
        complaints.push("the journal's tokens are not the ledger's".to_owned());
    }
    let reserved: u64 = jobs
        .iter()
        .filter(|job| job.state.holds_reservation())
        .map(|job| job.attempt.as_ref().unwrap().reserved.tokens)
        .sum();
    let set_aside = budget.map_or(0, |budget| budget.reserved);
    if set_aside != reserved {
        complaints.push(format!("{set_aside} tokens are set aside, and {reserved} are needed"));
    }
}

/// I3, I4, I7: nothing is left, each settled job has its video, nothing that is held exists at the
/// service unnamed.
fn ends(
    jobs: &[Job],
    ledger: &Ledger,
    whose: &BTreeMap<String, String>,
    history: &mut History,
    complaints: &mut Vec<String>,
) {
    let made: BTreeSet<&str> = ledger.entries.iter().map(|entry| whose[&entry.task_id].as_str()).collect();
    for job in jobs {
        match job.state {
            State::Settled => {
                history.settled += 1;
                let Some(video) = job.files.first() else {
                    complaints.push(format!("{} has no video", job.key));
                    continue;
                };
                let content = std::fs::read(&video.path).unwrap_or_default();
                let is_whole = hex(&Sha256::digest(&content)) == video.sha256;
                if !is_whole {
                    complaints.push(format!("the video of {} is not what the journal says", job.key));
                }
            }
            State::Held => {
                history.held += 1;
                history.several += usize::from(!job.candidates.is_empty());
                if job.candidates.is_empty() && made.contains(job.planned.name.as_str()) {
                    complaints.push(format!("{} is held as not found, and exists", job.key));
                }
            }
            state => complaints.push(format!("{} is {state}: {:?}", job.key, job.reason)),
        }
    }
}

/// I8: never more at once than may be, no create beyond the rate, and nothing counts as running in
/// the end.
async fn pace(journal: &Journal, ledger: &Ledger, history: &mut History, complaints: &mut Vec<String>) {
    let mut changes: Vec<(i64, i64)> = Vec::new();
    for entry in &ledger.entries {
        changes.push((entry.accepted_at, 1));
        changes.extend(entry.ended_at.map(|at| (at, -1)));
    }
    changes.sort_unstable();
    let (mut now, mut most) = (0_i64, 0_i64);
    for (_, change) in changes {
        now += change;
        most = most.max(now);
    }
    history.most_at_once = usize::try_from(most).unwrap();
    if history.most_at_once > AT_ONCE as usize {
        complaints.push(format!("{most} tasks ran at once, and {AT_ONCE} may"));
    }
    for over in ledger.exceeded.iter().filter(|over| over.operation == "create") {
        complaints.push(format!("{} creates were beyond the rate ({})", over.count, over.code));
    }
    let running = journal.slots(MODEL).await.unwrap().running;
    if running != 0 {
        complaints.push(format!("{running} count as running in the end"));
    }
}

async fn all_jobs(journal: &Journal) -> Vec<Job> {
    let filter = JobFilter { batch: Some(BATCH.to_owned()), ..JobFilter::default() };
    let mut all: Vec<Job> = Vec::new();
    loop {
        let last = all.last().map(|job| job.key.clone());
        let page = journal.jobs(&filter, last.as_deref(), 1_000).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

/// Each task's shot, by what the service itself kept of the request.
fn whose(simulator: &Simulator) -> BTreeMap<String, String> {
    let kept: Value = serde_json::from_str(&simulator.snapshot().unwrap()).unwrap();
    // A record stands behind the id of its model.
    let text = |task: &Value, name: &str| task[1][name].as_str().unwrap().to_owned();
    let tasks = kept["tasks"].as_array().unwrap();
    tasks.iter().map(|task| (text(task, "id"), text(task, "safety_identifier"))).collect()
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
