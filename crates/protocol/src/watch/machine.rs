//! The watch itself: what is requested next.

pub(super) mod lists;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use ark_video_model::TaskStatus;

use lists::{Lists, Plan, Question};

use super::{
    intervals::{Ms, SECOND, guard, guard_listed, ms, pause},
    tasks::{Entry, Flags, Key, NEVER, TaskTable},
    types::{
        CouldNotPoll, MAX_IN_FLIGHT, Poll, PollRequest, Ticket, WatchEvent, WatchOptions, WatchStep, Watched,
    },
};
use crate::{
    get,
    limit::{Permit, RateLimitKey, RateLimiter},
    wait::REFUSALS,
};

/// The least interval between two GETs of a task.
const LEAST: Ms = 2 * SECOND;
/// The least interval between two polls of a task that are caused by callbacks.
const HINT_PAUSE: Ms = 5 * SECOND;
/// How often a running task is looked at by GET while LIST is not trusted.
const DISTRUST_PAUSE: Ms = 3 * SECOND;
/// Tasks that have ended and are still recognised, to catch a LIST that lags.
const REMEMBERED: usize = 256;

/// A request under way.
#[derive(Debug, Clone)]
pub(super) struct Flight {
    pub(super) sent: Ms,
    pub(super) what: InFlight,
}

#[derive(Debug, Clone)]
pub(super) enum InFlight {
    Get { key: Key, suspected: bool, last_poll: bool },
    List(Question),
}

/// Watches any number of tasks. See the module for how.
#[derive(Debug, Clone)]
pub struct Watch {
    pub(super) options: WatchOptions,
    pub(super) tasks: TaskTable,
    pub(super) lists: Lists,
    pub(super) urgent: VecDeque<Key>,
    pub(super) flights: BTreeMap<Ticket, Flight>,
    pub(super) gets_under_way: usize,
    tickets: u64,
    pub(super) events: VecDeque<WatchEvent>,
    /// Ended lately, and when, the oldest first.
    pub(super) ended: VecDeque<(Arc<str>, Ms)>,
    /// When something last moved.
    pub(super) moved: Ms,
    /// Whether GETs alone watch over the tasks.
    direct: bool,
    /// Failed waves of requests in a row, and when the last came in.
    pub(super) waves: u32,
    pub(super) last_failure: Ms,
    /// The last failure as text, for the event that a task can no longer be polled.
    pub(super) last_failure_text: Arc<str>,
    /// The first and the last failure since anything was answered.
    pub(super) silence: Option<(Ms, Ms)>,
    /// Refusals of the account in a row, since when, and the task of the last.
    pub(super) refusals: u32,
    pub(super) refused_since: Ms,
    pub(super) last_refused: Option<Key>,
    /// Nothing is sent before this.
    pub(super) paused_until: Ms,
}

impl Watch {
    /// A watch without tasks.
    #[must_use]
    pub fn new(options: WatchOptions) -> Self {
        Self {
            lists: Lists::new(options.ids_per_list),
            options,
            tasks: TaskTable::default(),
            urgent: VecDeque::new(),
            flights: BTreeMap::new(),
            gets_under_way: 0,
            tickets: 0,
            events: VecDeque::new(),
            ended: VecDeque::new(),
            moved: 0,
            direct: true,
            waves: 0,
            last_failure: 0,
            last_failure_text: Arc::from(""),
            silence: None,
            refusals: 0,
            refused_since: 0,
            last_refused: None,
            paused_until: 0,
        }
    }

    /// Tasks that are watched.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether no task is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.len() == 0
    }

    /// Whether this task is watched.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.tasks.find(id).is_some()
    }

    /// The state in which a task was last seen.
    #[must_use]
    pub fn status(&self, id: &str) -> Option<&TaskStatus> {
        self.tasks.get(self.tasks.find(id)?)?.status.as_ref()
    }

    /// Watches one more task. An id that is watched already stays as it is.
    pub fn add(&mut self, now: Duration, task: Watched) {
        let now = ms(now);
        if task.id.is_empty() || self.tasks.find(&task.id).is_some() {
            return;
        }
        let timeout = ms(task.timeout.unwrap_or(self.options.timeout));
        let flags = Flags { flex: task.flex, fresh: task.fresh, ..Flags::default() };
        let mut entry = Entry::new(&task.id, flags, now, now.saturating_add(timeout));
        entry.requested = task.requested.map(Box::new);
        entry.known_for = u16::try_from(task.known_for.as_secs()).unwrap_or(u16::MAX);
        let key = self.tasks.add(entry);
        let wait = if task.fresh { ms(self.options.initial_delay) } else { 0 };
        self.moved = self.moved.max(now);
        self.lists.hurry(now.saturating_add(wait));
        self.replan(now);
        let due = self.next_due(key, now);
        self.tasks.set_due(key, due);
    }

    /// Stops watching a task. Nothing is sent or reported; the task continues.
    pub fn remove(&mut self, id: &str) -> bool {
        let key = self.tasks.find(id);
        key.and_then(|key| self.tasks.remove(key)).is_some()
    }

    /// A callback reports a change of this task: poll it soon, at most every 5 s.
    pub fn hint(&mut self, now: Duration, id: &str) {
        let now = ms(now);
        let Some(key) = self.tasks.find(id) else { return };
        let Some(entry) = self.tasks.get(key) else { return };
        let next = if entry.seen == NEVER { now } else { entry.seen.saturating_add(HINT_PAUSE) };
        if next <= now {
            self.call(key, false);
        } else if !entry.flags.in_flight && !entry.flags.urgent {
            let due = self.tasks.due(key).min(next);
            self.tasks.set_due(key, due);
        }
    }

    /// The next thing that happened, oldest first.
    pub fn event(&mut self) -> Option<WatchEvent> {
        self.events.pop_front()
    }

    /// What to do at `now`. Permits are taken from `limits`, which other parts of the program may
    /// share.
    pub fn next(&mut self, now: Duration, limits: &mut RateLimiter) -> WatchStep {
        let time = ms(now);
        self.end_silence();
        while let Some(key) = self.tasks.pop_deadline(time) {
            if let Some(entry) = self.tasks.get_mut(key) {
                entry.flags.last_poll = true;
            }
            self.call(key, false);
        }
        if self.is_empty() {
            return WatchStep::Done;
        }
        if time < self.paused_until {
            return WatchStep::Until(Duration::from_millis(self.paused_until));
        }
        self.replan(time);
        let list = match self.next_list(now, limits) {
            Next::Poll(ask) => return WatchStep::Poll(ask),
            Next::At(at) => at,
            Next::Nothing => Duration::MAX,
        };
        let get = match self.next_get(now, limits) {
            Next::Poll(ask) => return WatchStep::Poll(ask),
            Next::At(at) => at,
            Next::Nothing => Duration::MAX,
        };
        let deadline = self.tasks.first_deadline().map_or(Duration::MAX, Duration::from_millis);
        match list.min(get).min(deadline) {
            Duration::MAX if !self.flights.is_empty() => WatchStep::AwaitAnswer,
            wake => WatchStep::Until(wake),
        }
    }

    fn next_get(&mut self, now: Duration, limits: &mut RateLimiter) -> Next {
        // While the account is refused, one question at a time shows whether it still is.
        let most = if self.refusals >= REFUSALS { 1 } else { MAX_IN_FLIGHT };
        if self.gets_under_way >= most {
            return Next::Nothing;
        }
        while let Some(key) = self.urgent.front().copied() {
            if !self.tasks.get(key).is_some_and(|entry| entry.flags.urgent && !entry.flags.in_flight) {
                self.urgent.pop_front();
                continue;
            }
            return match limits.acquire(&RateLimitKey::Get, now) {
                Permit::At(at) => Next::At(at),
                Permit::Ready => {
                    self.urgent.pop_front();
                    self.send_get(key, now)
                }
            };
        }
        let Some((due, key)) = self.tasks.first_due(ms(now)) else { return Next::Nothing };
        if due > ms(now) {
            return Next::At(Duration::from_millis(due));
        }
        // While LIST watches, a reserve of permits stays free for what LIST shows to have ended.
        let permit = match self.direct {
            true => limits.acquire(&RateLimitKey::Get, now),
            false => limits.acquire_spare(&RateLimitKey::Get, now, self.lists.reserve()),
        };
        match permit {
            Permit::At(at) => Next::At(at),
            Permit::Ready => {
                self.tasks.take_turns();
                self.send_get(key, now)
            }
        }
    }

    fn send_get(&mut self, key: Key, now: Duration) -> Next {
        self.tasks.set_due(key, NEVER);
        let Some(entry) = self.tasks.get_mut(key) else { return Next::Nothing };
        let id = entry.id.to_string();
        let asking =
            InFlight::Get { key, suspected: entry.flags.suspected, last_poll: entry.flags.last_poll };
        entry.flags.urgent = false;
        entry.flags.suspected = false;
        entry.flags.in_flight = true;
        self.gets_under_way += 1;
        self.send(now, PollRequest::Get(get::Request::new(id)), asking)
    }

    pub(super) fn send(&mut self, now: Duration, request: PollRequest, what: InFlight) -> Next {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.flights.insert(ticket, Flight { sent: ms(now), what });
        Next::Poll(Poll { ticket, request })
    }

    /// Calls for a GET at once; on mere suspicion, or for a better reason.
    pub(super) fn call(&mut self, key: Key, suspected: bool) {
        let Some(entry) = self.tasks.get_mut(key) else { return };
        if entry.flags.urgent {
            entry.flags.suspected &= suspected;
        } else if !entry.flags.in_flight {
            entry.flags.urgent = true;
            entry.flags.suspected = suspected;
            self.tasks.set_due(key, NEVER);
            self.urgent.push_back(key);
        }
    }

    /// When to GET a task if nothing requires it earlier.
    pub(super) fn next_due(&self, key: Key, now: Ms) -> Ms {
        let Some(entry) = self.tasks.get(key) else { return NEVER };
        if entry.seen == NEVER {
            let fresh = match self.direct {
                true => ms(self.options.initial_delay),
                false if self.plan() == Plan::Ids => guard_listed(0),
                false => guard(0),
            };
            return entry.added.saturating_add(if entry.flags.fresh { fresh } else { 0 });
        }
        let quiet = now.saturating_sub(entry.since);
        let queued = entry.status == Some(TaskStatus::Queued);
        let running = entry.status == Some(TaskStatus::Running);
        let wait = match self.direct {
            true => pause(quiet, LEAST, queued),
            false if running && self.lists.is_distrusted(now) => DISTRUST_PAUSE,
            false if self.plan() == Plan::Ids => guard_listed(now.saturating_sub(entry.added)),
            false => guard(now.saturating_sub(entry.added)),
        };
        entry.seen.saturating_add(wait)
    }

    /// Decides whether LIST or GET polls the tasks now, and plans all polls again when that has
    /// changed.
    pub(super) fn replan(&mut self, now: Ms) {
        let direct = match self.plan() {
            Plan::Few => true,
            _ if self.lists.is_off() => true,
            Plan::Ids => self.lists.is_distrusted(now),
            Plan::Running => false,
        };
        if direct == self.direct {
            return;
        }
        self.direct = direct;
        for key in self.tasks.keys() {
            if self.tasks.due(key) != NEVER {
                self.tasks.set_due(key, self.next_due(key, now));
            }
        }
    }

    /// LIST was incomplete: for a minute, poll more often by GET.
    pub(super) fn distrust(&mut self, now: Ms) {
        if !self.lists.is_distrusted(now) {
            for key in
                self.tasks.running(false).iter().chain(self.tasks.running(true)).copied().collect::<Vec<_>>()
            {
                let due = self.tasks.due(key);
                if due != NEVER {
                    self.tasks.set_due(key, due.min(now + DISTRUST_PAUSE));
                }
            }
        }
        self.lists.distrust(now);
    }

    pub(super) fn has_moved(&mut self, now: Ms) {
        self.moved = self.moved.max(now);
        self.lists.hurry(now + SECOND);
    }

    pub(super) fn remember(&mut self, id: Arc<str>, now: Ms) {
        self.ended.push_back((id, now));
        if self.ended.len() > REMEMBERED {
            self.ended.pop_front();
        }
    }

    /// Ends the watch over a task that can be asked for no longer.
    pub(super) fn give_up(&mut self, key: Key, why: CouldNotPoll) {
        if let Some(entry) = self.tasks.remove(key) {
            let (id, status) = (entry.id, entry.status);
            let detail = self.last_failure_text.clone();
            self.events.push_back(WatchEvent::CouldNotPoll { id, status, why, detail });
        }
    }
}

/// What one part of the watch wants to do.
pub(super) enum Next {
    Poll(Poll),
    At(Duration),
    Nothing,
}
