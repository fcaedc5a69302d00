//! Looking for lost tasks: one reading of the service's list serves all jobs whose create has an unknown end. New ones join the
//! next reading. It never sends a create, and gives a task away only while no other job of the journal can claim it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ark_video::{
    Candidate, Client, Clock, Doubt, Evidence, ReconcileOptions, SweepOptions, UnixMillis, Unknown, Verdict,
    unix_millis,
};
use tokio::sync::{mpsc, oneshot};

use super::events::{EventKind, Teller};
use super::request::search_of;
use crate::{JobFilter, Journal, JournalError, State};

/// At least this between two readings: what becomes unknown meanwhile shares the next.
const APART: Duration = Duration::from_secs(5);
/// The pause after a reading that failed.
const AGAIN: Duration = Duration::from_secs(15);
/// Looks at a shifting list before one of them counts all the same.
const SHIFTED: u32 = 5;
/// Jobs that are read from the journal at once.
const PAGE: usize = 500;

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
    /// Several may be it.
    Several(Vec<Candidate>),
    /// None.
    Nothing {
        /// How it was looked for, in a sentence.
        reason: String,
        /// Whether every look was whole, and reached far enough back.
        sure: bool,
    },
}

struct Case {
    key: String,
    search: Unknown,
    answer: oneshot::Sender<Found>,
    /// Looks since the window has closed.
    looks: u32,
    /// Of those, looks that did not count because the list shifted.
    shifted: u32,
    due: UnixMillis,
}

/// The way to the search.
#[derive(Debug, Clone)]
pub(crate) struct Reconciling(mpsc::UnboundedSender<Case>);

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The search itself; runs until every [`Reconciling`] is dropped.
pub(crate) struct Searcher {
    client: Client,
    journal: Journal,
    clock: Arc<dyn Clock>,
    options: SweepOptions,
    teller: Teller,
    arrivals: mpsc::UnboundedReceiver<Case>,
    cases: Vec<Case>,
    /// Given away in this run, whether or not the journal knows yet.
    given: HashSet<String>,
}

pub(crate) fn start(
    client: &Client,
    journal: &Journal,
    clock: &Arc<dyn Clock>,
    options: SweepOptions,
    teller: Teller,
) -> (Reconciling, Searcher) {
    let (sender, arrivals) = mpsc::unbounded_channel();
    let searcher = Searcher {
        client: client.clone(),
        journal: journal.clone(),
        clock: clock.clone(),
        options,
        teller,
        arrivals,
        cases: Vec::new(),
        given: HashSet::new(),
    };
    (Reconciling(sender), searcher)
}

impl Reconciling {
    /// Looks for the task of a create. Dropping this gives the search up.
    pub(crate) async fn find(&self, key: &str, search: Unknown) -> Found {
        let (answer, found) = oneshot::channel();
        let case = Case { key: key.to_owned(), search, answer, looks: 0, shifted: 0, due: UnixMillis::MIN };
        if self.0.send(case).is_err() {
            return over();
        }
        found.await.unwrap_or_else(|_| over())
    }
}

/// Nobody looks any more.
fn over() -> Found {
    Found::Nothing { reason: "the search has ended".to_owned(), sure: false }
}

impl Searcher {
    pub(crate) async fn run(mut self) {
        let mut not_before = UnixMillis::MIN;
        loop {
            self.cases.retain(|case| !case.answer.is_closed());
            let Some(due) = self.cases.iter().map(|case| case.due).min() else {
                let Some(case) = self.arrivals.recv().await else { return };
                self.cases.push(case);
                continue;
            };
            let wait = due.max(not_before).saturating_sub(self.clock.now());
            if wait > 0 {
                let clock = self.clock.clone();
                tokio::select! {
                    arrival = self.arrivals.recv() => match arrival {
                        Some(case) => self.cases.push(case),
                        None => return,
                    },
                    () = clock.sleep(millis(wait)) => {}
                }
                continue;
            }
            while let Ok(case) = self.arrivals.try_recv() {
                self.cases.push(case);
            }
            let pause = match self.look().await {
                Ok(()) => APART,
                Err(reason) => {
                    let reason =
                        format!("{reason} Lost tasks are looked for again in {} s.", AGAIN.as_secs());
                    self.teller.tell(self.clock.now(), None, EventKind::Trouble { reason });
                    AGAIN
                }
            };
            not_before = self.clock.now().saturating_add(in_millis(pause));
        }
    }

    /// One reading of the list, for all cases.
    async fn look(&mut self) -> Result<(), String> {
        let started = self.clock.now();
        let before = self.claims().await.map_err(|error| error.to_string())?;
        let searches = self.cases.iter().map(|case| case.search.clone());
        let unknowns: Vec<_> =
            searches.chain(before.others.iter().map(|(_, search)| search.clone())).collect();
        // One look, no more: what follows from how many there were is decided here, for each case by itself.
        let options = ReconcileOptions::new()
            .sweep(self.options.clone().looks(0))
            .owned(before.owned.iter().chain(&self.given).cloned());
        let verdicts =
            self.client.reconcile_all(unknowns, options, |_| {}).await.map_err(|error| error.to_string())?;
        let found =
            verdicts.iter().take(self.cases.len()).any(|verdict| matches!(verdict, Verdict::Found { .. }));
        // Somebody may have sent a create between the first reading of the journal and the list.
        let after = match found {
            true => self.claims().await.map_err(|error| error.to_string())?,
            false => Claims::default(),
        };
        let now = self.clock.now();
        let mut open = Vec::new();
        for (mut case, verdict) in std::mem::take(&mut self.cases).into_iter().zip(verdicts) {
            let (closed, doubt) = match &verdict {
                Verdict::NotFound { looks, doubt, .. } => (*looks > 0, *doubt),
                _ => (started >= case.search.window.to, None),
            };
            // A list that shifted while it was read may have hidden the task: look again, a few times.
            let counts = closed && (doubt != Some(Doubt::Incomplete) || case.shifted >= SHIFTED);
            case.looks += u32::from(counts);
            case.shifted += u32::from(closed && !counts);
            let said = match verdict {
                Verdict::Found { task, evidence }
                    if !after.contest(&before, &case.search, &task.id, evidence) =>
                {
                    self.given.insert(task.id.clone());
                    let created_at = task.created_at.map(unix_millis);
                    Some(Found::Task { id: task.id, created_at })
                }
                _ if case.looks < self.options.looks.max(1) => None,
                Verdict::Found { .. } => None,
                Verdict::Ambiguous { candidates, .. } => Some(Found::Several(candidates)),
                nothing => {
                    let reason = format!("{nothing} (looked {} times)", case.looks);
                    Some(Found::Nothing { reason, sure: doubt.is_none() })
                }
            };
            match said {
                // Who has gone away meanwhile does not want to know.
                Some(said) => drop(case.answer.send(said)),
                None => {
                    let pause = in_millis(self.options.pause);
                    case.due = if closed { now.saturating_add(pause) } else { case.search.window.to };
                    open.push(case);
                }
            }
        }
        self.cases = open;
        Ok(())
    }

    /// Who else may have a task that is not known yet, and which tasks are known.
    async fn claims(&self) -> Result<Claims, JournalError> {
        let models: HashSet<_> = self.cases.iter().map(|case| case.search.model.clone()).collect();
        let since = self.cases.iter().map(|case| case.search.window.from).min().unwrap_or(UnixMillis::MIN);
        let mut claims = Claims::default();
        for model in &models {
            claims.owned.extend(self.journal.owned_task_ids(model, since).await?);
        }
        let own: HashSet<_> = self.cases.iter().map(|case| case.key.as_str()).collect();
        let filter = JobFilter {
            states: vec![State::Submitting, State::Unknown, State::Held],
            models: models.into_iter().collect(),
            ..JobFilter::default()
        };
        let mut last: Option<String> = None;
        loop {
            let page = self.journal.jobs(&filter, last.as_deref(), PAGE).await?;
            let Some(end) = page.last() else { return Ok(claims) };
            last = Some(end.key.clone());
            let others = page.iter().filter(|job| !own.contains(job.key.as_str()));
            claims.others.extend(others.filter_map(|job| Some((job.key.clone(), search_of(job)?))));
        }
    }
}

#[derive(Debug, Default)]
struct Claims {
    owned: HashSet<String>,
    others: Vec<(String, Unknown)>,
}

impl Claims {
    /// Whether, by what is known now, a task may belong to somebody who was not known when the list was read.
    fn contest(&self, earlier: &Self, search: &Unknown, task: &str, evidence: Evidence) -> bool {
        let new = |key: &String| !earlier.others.iter().any(|(known, _)| known == key);
        let alike = |other: &Unknown| match (search.marks.expiry, other.marks.expiry) {
            (Some(ours), Some(theirs)) if evidence >= Evidence::MarkedAtAnotherTime => ours == theirs,
            _ => evidence < Evidence::Tag,
        };
        self.owned.contains(task) || self.others.iter().any(|(key, other)| new(key) && alike(other))
    }
}

fn millis(wait: UnixMillis) -> Duration {
    Duration::from_millis(u64::try_from(wait).unwrap_or(0))
}

fn in_millis(pause: Duration) -> UnixMillis {
    UnixMillis::try_from(pause.as_millis()).unwrap_or(UnixMillis::MAX)
}
