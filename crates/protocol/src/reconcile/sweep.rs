//! Searches LIST for any number of unknown creates, repeatedly, until each is found or enough
//! searches have completed.
//!
//! The caller asks for what [`Reconciler::next`] says, inside the rate of LIST, and hands the pages
//! in. Moments are the service's time in milliseconds: our clock plus
//! [`super::ClockOffsets::estimate`].

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ark_video_model::{ServiceTier, Task, TaskList};

use super::{
    Candidate, Evidence, UnresolvedCreate, Verdict,
    evidence::{may_be_of, weigh},
    paging::Paging,
    verdict::{Match, Searches, assign},
};
use crate::{ApiError, Class, Endpoint, Failure, UnixMillis, classify, list};

/// How far back LIST shows tasks (list page, 2026-10).
const LISTED: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How to search.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct ReconcileOptions {
    /// Complete searches, started after a create's window has closed, that must find nothing before
    /// it counts as not found. Default 2. One more search runs immediately, which finds nearly
    /// every existing task.
    pub searches: u32,
    /// Interval between those searches. Default 5 minutes.
    pub pause: Duration,
    /// Tasks on a page, 1 to 500. Default 500.
    pub page_size: u32,
    /// Only this program creates tasks on this account, and every other task of ours was passed to
    /// [`Reconciler::exclude`]. Then a single task that fits by its settings alone is taken for the
    /// one. Default no.
    pub exclusive: bool,
    /// This service is known to echo `execution_expires_after` and `safety_identifier` exactly, so
    /// that a task that echoes other values, or the default, is another's. Default no: it is
    /// documented, but not proven for each model.
    pub marks_are_echoed: bool,
}

impl Default for ReconcileOptions {
    fn default() -> Self {
        Self {
            searches: 2,
            pause: Duration::from_secs(5 * 60),
            page_size: list::MAX_PAGE,
            exclusive: false,
            marks_are_echoed: false,
        }
    }
}

impl ReconcileOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many searches must find nothing; with 0 only the immediate search runs.
    #[must_use]
    pub fn searches(mut self, searches: u32) -> Self {
        self.searches = searches;
        self
    }

    /// Sets the interval between searches.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Sets the tasks on a page.
    #[must_use]
    pub fn page_size(mut self, tasks: u32) -> Self {
        self.page_size = tasks;
        self
    }

    /// Says that nobody else uses the account.
    #[must_use]
    pub fn exclusive(mut self, exclusive: bool) -> Self {
        self.exclusive = exclusive;
        self
    }

    /// Says that the service echoes marks exactly.
    #[must_use]
    pub fn marks_are_echoed(mut self, echoed: bool) -> Self {
        self.marks_are_echoed = echoed;
        self
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReconcileStep {
    /// Ask LIST for this page and hand it to [`Reconciler::page`]. A failure that may pass: ask
    /// again, nothing is lost.
    Ask(list::Request),
    /// Nothing before this time.
    WaitUntil(UnixMillis),
    /// Every unknown has its verdict.
    Done,
}

#[derive(Debug, Clone)]
enum State {
    Waiting(UnixMillis),
    Looking { scope: usize, started: UnixMillis },
    Done,
}

/// One part of the account's tasks, by the filters that show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Scope {
    model: Option<String>,
    flex: bool,
}

/// Searches for the tasks of unknown creates.
#[derive(Debug, Clone)]
pub struct Reconciler {
    options: ReconcileOptions,
    unknowns: Vec<UnresolvedCreate>,
    searches: Vec<Searches>,
    /// Others' tasks in this search, per unknown.
    dismissed: Vec<u32>,
    matches: BTreeMap<String, Match>,
    owned: BTreeSet<String>,
    scopes: Vec<Scope>,
    paging: Paging,
    incomplete: bool,
    state: State,
    began: Option<UnixMillis>,
    now: UnixMillis,
}

impl Reconciler {
    /// A sweep that begins at once. Verdicts come in the order of `unknowns`.
    #[must_use]
    pub fn new(unknowns: Vec<UnresolvedCreate>, options: ReconcileOptions) -> Self {
        let count = unknowns.len();
        let scopes = scopes(&unknowns, false);
        Self {
            paging: Paging::new(options.page_size),
            options,
            unknowns,
            searches: vec![Searches::default(); count],
            dismissed: vec![0; count],
            matches: BTreeMap::new(),
            owned: BTreeSet::new(),
            scopes,
            incomplete: false,
            state: State::Waiting(UnixMillis::MIN),
            began: None,
            now: UnixMillis::MIN,
        }
    }

    /// The unknowns, in the order of the verdicts.
    #[must_use]
    pub fn unknowns(&self) -> &[UnresolvedCreate] {
        &self.unknowns
    }

    /// Excludes a task that belongs to a create with a known outcome. Pass every id that is known,
    /// those found by earlier sweeps included.
    pub fn exclude(&mut self, id: impl Into<String>) {
        self.owned.insert(id.into());
    }

    /// What to do at `now`. Asking again without handing in a page gives the same page.
    pub fn next(&mut self, now: UnixMillis) -> ReconcileStep {
        self.now = self.now.max(now);
        self.began.get_or_insert(now);
        match self.state {
            State::Done => ReconcileStep::Done,
            _ if self.unknowns.is_empty() => ReconcileStep::Done,
            State::Waiting(until) if now < until => ReconcileStep::WaitUntil(until),
            State::Waiting(_) => {
                self.state = State::Looking { scope: 0, started: now };
                self.paging = Paging::new(self.options.page_size);
                self.dismissed.fill(0);
                self.incomplete = false;
                self.ask(0)
            }
            State::Looking { scope, .. } => self.ask(scope),
        }
    }

    fn ask(&self, scope: usize) -> ReconcileStep {
        let mut request = self.paging.request();
        if let Some(scope) = self.scopes.get(scope) {
            request.model = scope.model.clone();
            request.service_tier = scope.flex.then_some(ServiceTier::Flex);
        }
        ReconcileStep::Ask(request)
    }

    /// Takes in the page that was asked for; it came at `now`.
    pub fn page(&mut self, now: UnixMillis, page: &TaskList) {
        self.now = self.now.max(now);
        let State::Looking { scope, started } = self.state else { return };
        for task in &page.items {
            self.see(task);
        }
        let horizon = self.horizon(started);
        let more = self.paging.turn(page, horizon);
        if self.all_tagged() {
            self.finish_search(started, now);
        } else if !more {
            self.incomplete |= self.paging.is_incomplete();
            self.paging = Paging::new(self.options.page_size);
            if scope + 1 < self.scopes.len() {
                self.state = State::Looking { scope: scope + 1, started };
            } else {
                self.finish_search(started, now);
            }
        }
    }

    /// LIST was refused for good. Answers whether there is another way to ask: a key that may not
    /// list everything may still list single models. If not, the sweep is over, and what is not
    /// found stays so with a doubt.
    pub fn refused(&mut self, error: &ApiError) -> bool {
        let narrowed = self.scopes.iter().all(|scope| scope.model.is_some());
        let State::Looking { started, .. } = self.state else { return false };
        let class = classify(&Failure::answer(Endpoint::List, error));
        if narrowed || error.status == 401 || class != Class::Account {
            self.state = State::Done;
            return false;
        }
        self.scopes = scopes(&self.unknowns, true);
        self.paging = Paging::new(self.options.page_size);
        self.state = State::Looking { scope: 0, started };
        true
    }

    /// What can be said now. Before the sweep is done, "not found" and "ambiguous" are provisional;
    /// "found" stays.
    #[must_use]
    pub fn verdicts(&self) -> Vec<Verdict> {
        let last_word =
            |unknown: usize| self.options.exclusive && self.searches[unknown].count >= self.options.searches;
        let oldest = self.now.saturating_sub(LISTED.as_millis() as i64);
        let doubt =
            |unknown: usize| self.searches[unknown].doubt(self.unknowns[unknown].window.from < oldest);
        let verdicts = assign(self.unknowns.len(), &self.matches, &self.owned, last_word, doubt);
        verdicts
            .into_iter()
            .map(|verdict| verdict.map(|verdict| self.while_marks_may_come(verdict)))
            .zip(self.searches.iter().enumerate())
            .map(|(verdict, (unknown, searches))| {
                verdict.unwrap_or_else(|| searches.not_found(doubt(unknown)))
            })
            .collect()
    }

    /// A set that only settings speak for is not complete while one of its creates has a mark: its
    /// task may yet be listed. Unless all have ended without echoing any mark: then the service
    /// drops marks, and no other poll will show more.
    fn while_marks_may_come(&self, mut verdict: Verdict) -> Verdict {
        if let Verdict::Ambiguous { candidates, claimants, is_complete, .. } = &mut verdict {
            let is_marked = |place: &usize| {
                let marks = &self.unknowns[*place].marks;
                marks.tag.is_some() || marks.expiry.or(marks.seed).is_some()
            };
            let by_settings = candidates.iter().all(|task| task.evidence < Evidence::Marked)
                && !candidates.iter().all(|task| task.is_unmarked_for_good);
            *is_complete &= !(by_settings && claimants.iter().any(is_marked));
        }
        verdict
    }

    fn see(&mut self, task: &Task) {
        if task.id.is_empty() {
            return;
        }
        let first_sight = self.paging.is_first_sight(&task.id);
        if self.owned.contains(&task.id) {
            return;
        }
        let mut claims = Vec::new();
        for (place, unknown) in self.unknowns.iter().enumerate() {
            match weigh(unknown, task, self.options.marks_are_echoed) {
                Some(evidence) => claims.push((place, evidence)),
                None if first_sight && may_be_of(unknown, task) => self.dismissed[place] += 1,
                None => {}
            }
        }
        // A later search may show more: a task that succeeded meanwhile echoes more settings.
        match claims.iter().map(|(_, evidence)| *evidence).max() {
            Some(evidence) => {
                let found = Match { task: Candidate::new(task, evidence), claims };
                self.matches.insert(task.id.clone(), found);
            }
            None => {
                self.matches.remove(&task.id);
            }
        }
    }

    /// Nothing that was created before this can matter in a search that started at `started`. A
    /// mark matters whenever its task was created; where the clocks are known it is looked for
    /// there only before the last word.
    fn horizon(&self, started: UnixMillis) -> UnixMillis {
        let mut is_marked = vec![false; self.unknowns.len()];
        for (unknown, evidence) in self.matches.values().flat_map(|found| &found.claims) {
            is_marked[*unknown] |= *evidence >= Evidence::Marked;
        }
        let of = |(unknown, is_marked): (&UnresolvedCreate, &bool)| {
            let has_mark = unknown.marks.expiry.or(unknown.marks.seed).is_some();
            let may_stop = unknown.clocks_agreed && started < self.closes(unknown);
            if *is_marked || !has_mark || may_stop {
                unknown.windows().map(|window| window.from).min().unwrap_or(UnixMillis::MAX)
            } else {
                UnixMillis::MIN
            }
        };
        self.unknowns.iter().zip(&is_marked).map(of).min().unwrap_or(UnixMillis::MAX)
    }

    fn closes(&self, unknown: &UnresolvedCreate) -> UnixMillis {
        unknown.closes(self.began.unwrap_or(self.now))
    }

    fn all_tagged(&self) -> bool {
        let mut tagged: BTreeMap<usize, u32> = BTreeMap::new();
        for (unknown, evidence) in self.matches.values().flat_map(|found| &found.claims) {
            if *evidence == Evidence::Tag {
                *tagged.entry(*unknown).or_default() += 1;
            }
        }
        tagged.len() == self.unknowns.len()
    }

    fn finish_search(&mut self, started: UnixMillis, now: UnixMillis) {
        let closes: Vec<_> = self.unknowns.iter().map(|unknown| self.closes(unknown)).collect();
        for ((closes, searches), dismissed) in closes.iter().zip(&mut self.searches).zip(&self.dismissed) {
            if started >= *closes {
                searches.first = if searches.count == 0 { started } else { searches.first };
                searches.last = now;
                searches.count += 1;
                searches.incomplete = self.incomplete;
            }
            searches.dismissed = *dismissed;
        }
        let pause = i64::try_from(self.options.pause.as_millis()).unwrap_or(i64::MAX);
        let next = self
            .verdicts()
            .iter()
            .zip(closes.iter().zip(&self.searches))
            .filter(|(verdict, (_, searches))| {
                !matches!(verdict, Verdict::Found { .. }) && searches.count < self.options.searches
            })
            .map(|(_, (closes, _))| if started < *closes { *closes } else { now.saturating_add(pause) })
            .min();
        self.state = next.map_or(State::Done, |at| State::Waiting(at.max(now)));
    }
}

fn scopes(unknowns: &[UnresolvedCreate], by_model: bool) -> Vec<Scope> {
    let mut scopes: BTreeSet<Scope> = BTreeSet::new();
    for unknown in unknowns {
        let model = by_model.then(|| unknown.model.clone());
        scopes.insert(Scope { model: model.clone(), flex: false });
        // What an absent tier filter shows is not documented beyond "default".
        if unknown.requested.is_flex() {
            scopes.insert(Scope { model, flex: true });
        }
    }
    scopes.into_iter().collect()
}
