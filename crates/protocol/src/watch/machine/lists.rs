//! Which LIST is requested next, and how far LIST can be relied on.

use std::time::Duration;

use ark_video_model::{ServiceTier, TaskStatus};

use super::{InFlight, Next, Watch};
use crate::watch::{
    intervals::{Ms, SECOND, ms, pause},
    tasks::Key,
    types::PollRequest,
};
use crate::{
    limit::{Permit, RateLimitKey, RateLimiter},
    list,
};

/// Pages of running tasks read in one round. An account runs tens of tasks, a page shows 500.
pub(in crate::watch) const PAGES: u32 = 3;
/// How long LIST is watched more closely after it was caught telling less than is true.
const DISTRUST: Ms = 60 * SECOND;
/// Fewest ids that one LIST is tried with.
const LEAST_IDS: usize = 10;
/// Failures in a row after which LIST is left alone for a while.
const OFF_AFTER: u32 = 3;
const OFF_LONGEST: Ms = 10 * 60 * SECOND;

/// GETs kept beyond what left the largest of the last rounds. Two of a second's stay for the tasks
/// that LIST never shows.
const RESERVE: usize = 2;

/// What suits the number of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::watch) enum Plan {
    Few,
    Ids,
    Running,
}

/// What a LIST under way was asked for.
#[derive(Debug, Clone)]
pub(in crate::watch) enum Question {
    Running { flex: bool, page: u32 },
    Ids { keys: Vec<Key> },
}

#[derive(Debug, Clone)]
pub(in crate::watch) struct Lists {
    /// When the next round begins.
    due: Ms,
    turn: usize,
    pub(in crate::watch) under_way: bool,
    /// A further page of the round under way.
    pub(in crate::watch) next_page: Option<(bool, u32)>,
    /// Number of the round of running lists, and when it began.
    pub(in crate::watch) round: u32,
    pub(in crate::watch) round_sent: Ms,
    /// Ids in one LIST.
    ids: usize,
    failures: u32,
    /// No LIST before this, whatever moves.
    off_until: Ms,
    distrusted_until: Ms,
    /// How many left each of the last rounds.
    departed: [usize; 3],
}

impl Lists {
    pub(in crate::watch) fn new(ids: usize) -> Self {
        Self {
            due: Ms::MAX,
            turn: 0,
            under_way: false,
            next_page: None,
            round: 0,
            round_sent: 0,
            ids: ids.max(1),
            failures: 0,
            off_until: 0,
            distrusted_until: 0,
            departed: [0; 3],
        }
    }

    /// Takes in how many left a round.
    pub(in crate::watch) fn departed(&mut self, count: usize) {
        self.departed.rotate_left(1);
        self.departed[2] = count;
    }

    /// GETs to keep for what the next round may show to have ended: as many as a round of late, and
    /// some.
    pub(in crate::watch) fn reserve(&self) -> usize {
        self.departed.into_iter().max().unwrap_or(0) + RESERVE
    }

    /// Makes sure that the next round begins no later than this.
    pub(in crate::watch) fn hurry(&mut self, at: Ms) {
        self.due = self.due.min(at);
    }

    /// Whether LIST does not work, so that GETs have to do.
    pub(in crate::watch) fn is_off(&self) -> bool {
        self.failures >= OFF_AFTER
    }

    /// Failures in a row.
    pub(in crate::watch) fn failures(&self) -> u32 {
        self.failures
    }

    pub(in crate::watch) fn is_distrusted(&self, now: Ms) -> bool {
        now < self.distrusted_until
    }

    pub(in crate::watch) fn distrust(&mut self, now: Ms) {
        self.distrusted_until = now + DISTRUST;
    }

    pub(in crate::watch) fn worked(&mut self) {
        self.failures = 0;
    }

    /// LIST failed; the next try is due then. After some failures in a row GETs take over until it
    /// works.
    pub(in crate::watch) fn failed(&mut self, next: Ms) {
        self.next_page = None;
        self.failures += 1;
        self.off_until = next;
    }

    /// LIST was refused in a way that stays: first try with fewer ids, then leave it alone for a
    /// minute, and longer.
    pub(in crate::watch) fn refused(&mut self, now: Ms, too_many_ids: bool) {
        self.next_page = None;
        if too_many_ids && self.ids > LEAST_IDS {
            self.ids = (self.ids / 2).max(LEAST_IDS);
            self.due = now;
            return;
        }
        self.failures = self.failures.max(OFF_AFTER - 1) + 1;
        let wait = (60 * SECOND) << (self.failures - OFF_AFTER).min(4);
        self.off_until = now + wait.min(OFF_LONGEST);
    }
}

impl Watch {
    pub(in crate::watch) fn plan(&self) -> Plan {
        match self.tasks.len() {
            count if count <= self.options.few => Plan::Few,
            count if count <= self.options.ids_per_list => Plan::Ids,
            _ => Plan::Running,
        }
    }

    pub(in crate::watch) fn next_list(&mut self, now: Duration, limits: &mut RateLimiter) -> Next {
        let (time, plan) = (ms(now), self.plan());
        if self.lists.under_way || plan == Plan::Few {
            return Next::Nothing;
        }
        let due = self.lists.due.max(self.lists.off_until);
        if time < due {
            return Next::At(Duration::from_millis(due));
        }
        match limits.acquire(&RateLimitKey::List, now) {
            Permit::At(at) => Next::At(at),
            Permit::Ready => {
                let question = self.question(plan, time);
                let request = self.list_request(&question);
                self.lists.under_way = true;
                self.send(now, PollRequest::List(request), InFlight::List(question))
            }
        }
    }

    fn question(&mut self, plan: Plan, now: Ms) -> Question {
        if let (Some((flex, page)), Plan::Running) = (self.lists.next_page.take(), plan) {
            return Question::Running { flex, page };
        }
        let tiers = [false, true].into_iter().filter(|flex| self.tasks.count(*flex) > 0);
        let by_ids = self.lists.is_distrusted(now);
        let mut choices: Vec<(Plan, bool)> = Vec::with_capacity(4);
        for flex in tiers {
            choices.push((plan, flex));
            if plan == Plan::Running && by_ids {
                choices.push((Plan::Ids, flex));
            }
        }
        self.lists.turn = self.lists.turn.wrapping_add(1);
        let (plan, flex) = choices[self.lists.turn % choices.len()];
        if plan == Plan::Running {
            self.lists.round += 1;
            self.lists.round_sent = now;
            return Question::Running { flex, page: 1 };
        }
        Question::Ids { keys: self.tasks.chunk(flex, self.lists.ids) }
    }

    fn list_request(&self, question: &Question) -> list::Request {
        let (request, flex) = match question {
            Question::Running { flex, page } => {
                let request = list::Request::new().page_num(*page).page_size(self.options.page_size);
                (request.status(TaskStatus::Running), *flex)
            }
            Question::Ids { keys } => {
                let entries: Vec<_> = keys.iter().filter_map(|key| self.tasks.get(*key)).collect();
                let flex = entries.first().is_some_and(|entry| entry.flags.flex);
                let request = list::Request::new().page_num(1).page_size(entries.len() as u32);
                (request.task_ids(entries.iter().map(|entry| entry.id.to_string())), flex)
            }
        };
        // What an absent filter shows is documented as "default"; asking for it by name might be
        // refused elsewhere.
        if flex { request.service_tier(ServiceTier::Flex) } else { request }
    }

    /// Sets when the next round begins, after one that was sent at `sent`.
    pub(in crate::watch) fn set_next_round(&mut self, sent: Ms, now: Ms) {
        let nothing_runs = self.tasks.running(false).is_empty() && self.tasks.running(true).is_empty();
        let wait = match self.lists.is_distrusted(now) || self.lists.next_page.is_some() {
            true => 0,
            false => pause(now.saturating_sub(self.moved), 0, nothing_runs),
        };
        self.lists.due = sent.saturating_add(wait);
    }
}
