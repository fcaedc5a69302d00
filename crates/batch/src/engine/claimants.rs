//! Which other creates of the journal a lost task may belong to, and which tasks are known to it:
//! read from the journal, decided without it. Never gives a task away.

use std::collections::HashSet;

use ark_video::{UnresolvedCreate, reconcile::Evidence, transport::UnixMillis};

use super::request::search_of;
use crate::{JobFilter, Journal, JournalError, State};

/// How far back other tasks of the journal may be that carry a mark, in milliseconds: a day more
/// than LIST shows.
const LISTED: i64 = 8 * 24 * 60 * 60 * 1000;

/// Who may own a task, beside the cases of a search. Claimants are numbered as the verdicts: first
/// the cases, then the others.
#[derive(Debug, Default)]
pub(crate) struct Claimants {
    /// Tasks whose job is known.
    pub(crate) owned: HashSet<String>,
    cases: usize,
    /// Jobs that no case is of, in the order of the verdicts behind the cases'.
    pub(crate) others: Vec<Claimant>,
}

/// A job that no case is of, whose task is not known either.
#[derive(Debug)]
pub(crate) struct Claimant {
    pub(crate) key: String,
    pub(crate) search: UnresolvedCreate,
    pub(crate) intent: String,
    pub(crate) state: State,
}

impl Claimants {
    /// Reads them for these cases, by key.
    pub(crate) async fn read<'c>(
        journal: &Journal,
        cases: impl Iterator<Item = (&'c str, &'c UnresolvedCreate)>,
    ) -> Result<Self, JournalError> {
        let (keys, searches): (HashSet<_>, Vec<_>) = cases.unzip();
        let mut models: HashSet<_> = searches.iter().map(|search| search.model.clone()).collect();
        let mut found = Self { cases: searches.len(), ..Self::default() };
        let filter = JobFilter {
            states: vec![State::Submitting, State::Unknown, State::Held],
            models: models.iter().cloned().collect(),
            ..JobFilter::default()
        };
        let mut pages = journal.pages(filter);
        while let Some(page) = pages.next().await? {
            for job in page.iter().filter(|job| !keys.contains(job.key.as_str())) {
                let Some(search) = search_of(job) else { continue };
                models.insert(search.model.clone());
                let intent =
                    job.attempt.as_ref().map(|attempt| attempt.request_hash.clone()).unwrap_or_default();
                found.others.push(Claimant { key: job.key.clone(), search, intent, state: job.state });
            }
        }
        let searches = searches.into_iter().chain(found.others.iter().map(|other| &other.search));
        let since = searches.map(|search| search.window.from).min().unwrap_or(UnixMillis::MIN);
        // A mark is searched for in all that is listed, so its earlier tasks have to be known too.
        let since = since.saturating_sub(LISTED);
        for model in &models {
            found.owned.extend(journal.owned_task_ids(model, since).await?);
        }
        Ok(found)
    }

    fn other(&self, number: usize) -> Option<&Claimant> {
        self.others.get(number.checked_sub(self.cases)?)
    }

    /// Whether the answer of one of them may yet come.
    pub(crate) fn has_in_flight(&self, claimants: &[usize]) -> bool {
        let is_sending = |other: &Claimant| other.state == State::Submitting;
        claimants.iter().any(|number| self.other(*number).is_some_and(is_sending))
    }

    /// Whether one of them sent the same request and is about to be searched for too: then both get
    /// a task each.
    pub(crate) fn waits_for_the_same(&self, claimants: &[usize], intent: &str) -> bool {
        let is_same =
            |other: &Claimant| other.state == State::Unknown && !intent.is_empty() && other.intent == intent;
        claimants.iter().any(|number| self.other(*number).is_some_and(is_same))
    }

    /// Whether a task may belong to a job that was not yet known when the list was read.
    pub(crate) fn contest(
        &self,
        earlier: &Self,
        search: &UnresolvedCreate,
        task: &str,
        evidence: Evidence,
    ) -> bool {
        let new = |key: &String| !earlier.others.iter().any(|known| known.key == *key);
        let alike = |other: &UnresolvedCreate| match (search.marks.expiry, other.marks.expiry) {
            (Some(ours), Some(theirs)) if evidence >= Evidence::MarkedAtAnotherTime => ours == theirs,
            _ => evidence < Evidence::Tag,
        };
        self.owned.contains(task) || self.others.iter().any(|other| new(&other.key) && alike(&other.search))
    }
}
