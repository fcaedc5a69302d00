//! The search for lost tasks: one reading of the service's list serves all jobs whose create has an
//! unknown end. New ones join the next reading. It never sends a create, and gives a task away only
//! while no other job of the journal can claim it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use ark_video::{
    Client, ReconcileOptions, UnresolvedCreate, Verdict,
    reconcile::{Candidate, Doubt, Evidence},
    transport::{Clock, UnixMillis, unix_millis},
};
use tokio::sync::{mpsc, oneshot};

use super::claimants::{Claimant, Claimants};
use super::events::{EventKind, EventSink};
use crate::{CasOutcome, Job, Journal, JournalError, State};

/// At least this between two readings: what becomes unknown meanwhile shares the next.
const APART: Duration = Duration::from_secs(5);
/// The pause after a reading that failed.
const AGAIN: Duration = Duration::from_secs(15);
/// The pause where as many tasks as creates are listed, and some of them may still come to show
/// whose they are.
const SOON: Duration = Duration::from_secs(30);
/// Polls of a shifting list before one of them counts anyway.
const SHIFTED: u32 = 5;
/// Tasks that a row names at most as its candidates.
const NAMED: usize = 1000;

/// What was found of a lost task.
#[derive(Debug)]
pub(crate) enum Found {
    /// This is it.
    Task {
        /// Its id.
        id: String,
        /// When the service created it, in milliseconds since 1970, if it says so.
        created_at: Option<UnixMillis>,
    },
    /// Several may be it, or others may have it as well.
    Several {
        /// They, by id.
        candidates: Vec<Candidate>,
        /// How many creates they may belong to, this one included.
        creates: usize,
    },
    /// None.
    Nothing {
        /// How it was searched for, in a sentence.
        reason: String,
        /// Whether every poll was whole, and reached far enough back.
        sure: bool,
    },
}

struct Case {
    key: String,
    search: UnresolvedCreate,
    /// The same for requests that are the same: their tasks are as good as each other's.
    intent: String,
    answer: oneshot::Sender<Found>,
    /// Polls since the window has closed.
    polls: u32,
    /// Of those, polls that did not count because the list shifted.
    shifted: u32,
    /// From when on a reading counts, by the monotonic clock.
    closes: Duration,
    /// From when on the next one counts.
    counts_from: Duration,
    due: Duration,
}

enum Arrival {
    Case(Box<Case>),
    /// One reading for what is held.
    Recheck(oneshot::Sender<()>),
}

/// The way to the search.
#[derive(Clone)]
pub(crate) struct ReconcilerHandle(mpsc::UnboundedSender<Arrival>);

/// The search itself; runs until every [`ReconcilerHandle`] is dropped.
pub(crate) struct Reconciler {
    client: Client,
    journal: Journal,
    clock: Arc<dyn Clock>,
    options: ReconcileOptions,
    sink: EventSink,
    arrivals: mpsc::UnboundedReceiver<Arrival>,
    cases: Vec<Case>,
    rechecks: Vec<oneshot::Sender<()>>,
    /// Given away in this run, whether or not the journal knows yet.
    given: HashSet<String>,
}

pub(crate) fn start(
    client: &Client,
    journal: &Journal,
    clock: &Arc<dyn Clock>,
    options: ReconcileOptions,
    sink: EventSink,
) -> (ReconcilerHandle, Reconciler) {
    let (sender, arrivals) = mpsc::unbounded_channel();
    let searcher = Reconciler {
        client: client.clone(),
        journal: journal.clone(),
        clock: clock.clone(),
        options,
        sink,
        arrivals,
        cases: Vec::new(),
        rechecks: Vec::new(),
        given: HashSet::new(),
    };
    (ReconcilerHandle(sender), searcher)
}

impl ReconcilerHandle {
    /// Searches for the task of a create. `intent` is the same for the same requests. Dropping this
    /// gives the search up.
    pub(crate) async fn find(&self, key: &str, search: UnresolvedCreate, intent: &str) -> Found {
        let (answer, found) = oneshot::channel();
        let case = Case {
            key: key.to_owned(),
            search,
            intent: intent.to_owned(),
            answer,
            polls: 0,
            shifted: 0,
            closes: Duration::MAX,
            counts_from: Duration::ZERO,
            due: Duration::ZERO,
        };
        if self.0.send(Arrival::Case(Box::new(case))).is_err() {
            return ended();
        }
        found.await.unwrap_or_else(|_| ended())
    }

    /// Searches once for the tasks of all that is held: the list may show now what it did not show
    /// then. Ends also when the list cannot be read.
    pub(crate) async fn recheck(&self) {
        let (done, seen) = oneshot::channel();
        if self.0.send(Arrival::Recheck(done)).is_ok() {
            let _ = seen.await;
        }
    }
}

fn ended() -> Found {
    Found::Nothing { reason: "the search has ended".to_owned(), sure: false }
}

impl Reconciler {
    pub(crate) async fn run(mut self) {
        let mut not_before = Duration::ZERO;
        loop {
            self.cases.retain(|case| !case.answer.is_closed());
            let due = match (self.cases.iter().map(|case| case.due).min(), self.rechecks.is_empty()) {
                (_, false) => Duration::ZERO,
                (Some(due), true) => due,
                (None, true) => {
                    let Some(arrival) = self.arrivals.recv().await else { return };
                    self.arrived(arrival);
                    continue;
                }
            };
            let wait = due.max(not_before).saturating_sub(self.clock.monotonic());
            if !wait.is_zero() {
                let clock = self.clock.clone();
                tokio::select! {
                    arrival = self.arrivals.recv() => match arrival {
                        Some(arrival) => self.arrived(arrival),
                        None => return,
                    },
                    () = clock.sleep(wait) => {}
                }
                continue;
            }
            while let Ok(arrival) = self.arrivals.try_recv() {
                self.arrived(arrival);
            }
            let rechecks = std::mem::take(&mut self.rechecks);
            let pause = match self.poll_list().await {
                Ok(()) => APART,
                Err(_) if self.cases.is_empty() => APART,
                Err(reason) => {
                    let reason =
                        format!("{reason} Lost tasks are searched for again in {} s.", AGAIN.as_secs());
                    self.sink.emit(self.clock.now(), None, EventKind::Warning { reason });
                    AGAIN
                }
            };
            // The receiver may be gone.
            rechecks.into_iter().for_each(|recheck| _ = recheck.send(()));
            not_before = self.clock.monotonic().saturating_add(pause);
        }
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Recheck(done) => self.rechecks.push(done),
            Arrival::Case(mut case) => {
                let now = self.client.service_now();
                let until = case.search.closes(now).saturating_sub(now);
                case.closes = self.clock.monotonic().saturating_add(millis(until));
                self.cases.push(*case);
            }
        }
    }

    /// One reading of the list, for all cases.
    async fn poll_list(&mut self) -> Result<(), String> {
        let started = self.clock.monotonic();
        let before = self.claimants().await.map_err(|error| error.to_string())?;
        let searches = self.cases.iter().map(|case| case.search.clone());
        let unknowns: Vec<_> =
            searches.chain(before.others.iter().map(|other| other.search.clone())).collect();
        // One poll, no more: what follows from how many there were is decided here, for each case
        // by itself.
        let reconcile = self.client.reconcile(unknowns).options(self.options.clone().searches(0));
        let reconcile = reconcile.exclude(before.owned.iter().chain(&self.given).cloned());
        let verdicts = reconcile.await.map_err(|error| error.message())?;
        let assigned = self.assigned(&before, &verdicts);
        let found = |verdict: &Verdict| matches!(verdict, Verdict::Found { .. });
        // Another runner may have sent a create between the first reading of the journal and the
        // list.
        let after = match !assigned.is_empty() || verdicts.iter().any(found) {
            true => self.claimants().await.map_err(|error| error.to_string())?,
            false => Claimants::default(),
        };
        let now = self.clock.monotonic();
        let mut open = Vec::new();
        let mut verdicts = verdicts.into_iter();
        for (place, mut case) in std::mem::take(&mut self.cases).into_iter().enumerate() {
            let Some(verdict) = verdicts.next() else { break };
            let closed = started >= case.closes;
            let doubt = match &verdict {
                Verdict::NotFound { doubt, .. } => *doubt,
                _ => None,
            };
            // A list that shifted while it was read may have hidden the task: poll again, a few
            // times.
            let is_due = closed && started >= case.counts_from;
            let counts = is_due && (doubt != Some(Doubt::Incomplete) || case.shifted >= SHIFTED);
            case.polls += u32::from(counts);
            case.shifted += u32::from(is_due && !counts);
            if is_due {
                case.counts_from = now.saturating_add(self.options.pause);
            }
            let may_settle = match &verdict {
                Verdict::Ambiguous { candidates, claimants, .. } => candidates.len() == claimants.len(),
                _ => false,
            };
            let last = case.polls >= self.options.searches.max(1);
            let mut give = |task: Candidate, evidence| {
                let contested = after.contest(&before, &case.search, &task.id, evidence);
                (!contested && self.given.insert(task.id.clone()))
                    .then(|| Found::Task { created_at: task.created_at.map(unix_millis), id: task.id })
            };
            let said = match verdict {
                Verdict::Found { task, evidence } => give(task, evidence),
                Verdict::Ambiguous { candidates, claimants, is_complete, .. } => {
                    let is_settled = is_complete
                        && !before.has_in_flight(&claimants)
                        && !before.waits_for_the_same(&claimants, &case.intent);
                    match assigned.get(&place) {
                        Some(task) if is_settled => give(task.clone(), task.evidence),
                        _ if is_settled || last => {
                            Some(Found::Several { candidates, creates: claimants.len() })
                        }
                        _ => None,
                    }
                }
                nothing if last => {
                    let reason = format!("{nothing} (searched {} times)", case.polls);
                    Some(Found::Nothing { reason, sure: doubt.is_none() })
                }
                _ => None,
            };
            match said {
                // The receiver may be gone.
                Some(said) => drop(case.answer.send(said)),
                None => {
                    case.due = if closed { case.counts_from } else { case.closes };
                    if may_settle {
                        case.due = case.due.min(now.saturating_add(SOON));
                    }
                    open.push(case);
                }
            }
        }
        self.cases = open;
        for (other, verdict) in before.others.iter().zip(verdicts) {
            self.held_again(&before, &after, other, verdict).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Which task each case gets where requests that are the same have made as many tasks that are
    /// alike: one is as good as the other, so they are given in the order of their times.
    fn assigned(&self, claims: &Claimants, verdicts: &[Verdict]) -> BTreeMap<usize, Candidate> {
        let mut assigned = BTreeMap::new();
        for (place, verdict) in verdicts.iter().take(self.cases.len()).enumerate() {
            let Verdict::Ambiguous { candidates, claimants, is_complete: true, .. } = verdict else {
                continue;
            };
            let sure = |task: &Candidate| task.evidence >= Evidence::Marked || self.options.exclusive;
            let are_ours = claimants.iter().all(|other| *other < self.cases.len());
            let is_first = claimants.first() == Some(&place);
            if !is_first || !are_ours || claims.has_in_flight(claimants) || !candidates.iter().all(sure) {
                continue;
            }
            let mut cases: Vec<_> = claimants.iter().map(|other| (*other, &self.cases[*other])).collect();
            if cases.iter().any(|(_, case)| case.intent.is_empty() || case.intent != cases[0].1.intent) {
                continue;
            }
            cases.sort_by_key(|(_, case)| (case.search.window.from, case.key.clone()));
            let mut tasks = candidates.clone();
            tasks.sort_by_key(|task| (task.created_at, task.id.clone()));
            assigned.extend(cases.into_iter().map(|(other, _)| other).zip(tasks));
        }
        assigned
    }

    /// What a held job's search brings: its task, now that the list shows it, or more tasks that
    /// may be its own.
    async fn held_again(
        &mut self,
        before: &Claimants,
        after: &Claimants,
        other: &Claimant,
        verdict: Verdict,
    ) -> Result<(), JournalError> {
        let Claimant { key, search, .. } = other;
        if other.state != State::Held {
            return Ok(());
        }
        match verdict {
            Verdict::Found { task, evidence }
                if evidence >= Evidence::Marked && !after.contest(before, search, &task.id, evidence) =>
            {
                if let Some(job) = self.held(key).await? {
                    self.given.insert(task.id.clone());
                    let moved =
                        self.journal.submitted(&job, &task.id, task.created_at.map(unix_millis)).await?;
                    if let CasOutcome::Done(_) = moved {
                        let kind = EventKind::Submitted { task_id: task.id, found: true };
                        self.sink.emit(self.clock.now(), Some(key), kind);
                    }
                }
            }
            Verdict::Ambiguous { candidates, claimants, .. } => {
                let ids = named(candidates, claimants.len()).0;
                if let Some(job) = self.held(key).await?
                    && ids.iter().any(|id| !job.candidates.contains(id))
                {
                    let _ = self.journal.more_candidates(&job, &ids).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn claimants(&self) -> Result<Claimants, JournalError> {
        let cases = self.cases.iter().map(|case| (case.key.as_str(), &case.search));
        Claimants::read(&self.journal, cases).await
    }

    async fn held(&self, key: &str) -> Result<Option<Job>, JournalError> {
        Ok(self.journal.job(key).await?.filter(|job| job.state == State::Held))
    }
}

/// The candidates as a row names them, and how many there are.
pub(crate) fn named(mut candidates: Vec<Candidate>, creates: usize) -> (Vec<String>, usize) {
    let all = candidates.len();
    // Beyond this, the newest are the ones that a person may still fetch.
    if all > NAMED.max(creates) {
        candidates.sort_by_key(|task| std::cmp::Reverse(task.created_at));
        candidates.truncate(NAMED.max(creates));
    }
    (candidates.into_iter().map(|task| task.id).collect(), all)
}

fn millis(wait: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(wait).unwrap_or(0))
}
