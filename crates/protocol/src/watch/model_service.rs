//! The service as far as a watch sees it, on a moved clock: rates that refuse, a LIST that lags,
//! shuffles or refuses.

use std::{
    collections::{BTreeMap, BinaryHeap, VecDeque},
    time::Duration,
};

use ark_video_model::{Task, TaskList, TaskStatus};
use serde_json::json;

use super::{Poll, PollRequest, Watch, WatchEvent, WatchStep};
use crate::{
    ApiError, Endpoint, Failure, SendError, SendErrorKind, get,
    limit::{RateLimiter, RateLimits},
    list,
};

pub(super) type Ms = u64;

/// One task's life, in milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) id: String,
    pub(super) runs: Ms,
    pub(super) ends: Ms,
    pub(super) end: &'static str,
    pub(super) flex: bool,
    /// When the record goes.
    pub(super) gone: Ms,
}

impl Life {
    pub(super) fn new(id: impl Into<String>, runs: Ms, ends: Ms) -> Self {
        Self { id: id.into(), runs, ends, end: "succeeded", flex: false, gone: Ms::MAX }
    }

    fn at(&self, now: Ms) -> Option<&'static str> {
        match now {
            now if now >= self.gone => None,
            now if now >= self.ends => Some(self.end),
            now if now >= self.runs => Some("running"),
            _ => Some("queued"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ListMood {
    Fine,
    /// 429 to every second one.
    Throttles,
    /// 403 to all.
    Forbids,
    /// 500 to all.
    Breaks,
    /// Leaves out every third task.
    LeavesOut,
}

/// So many in any second: the strictest way to count.
struct Rate {
    most: usize,
    taken: VecDeque<Ms>,
}

impl Rate {
    fn of(most: usize) -> Self {
        Self { most, taken: VecDeque::new() }
    }

    fn take(&mut self, now: Ms) -> bool {
        while self.taken.front().is_some_and(|at| at + 1_000 <= now) {
            self.taken.pop_front();
        }
        let free = self.taken.len() < self.most;
        if free {
            self.taken.push_back(now);
        }
        free
    }
}

pub(super) struct Service {
    pub(super) lives: Vec<Life>,
    by_id: BTreeMap<String, usize>,
    pub(super) list_lags: Ms,
    pub(super) shuffles: bool,
    pub(super) mood: ListMood,
    /// No answer to anything between these moments.
    pub(super) down: std::ops::Range<Ms>,
    /// 401 to everything from here.
    pub(super) key_dies: Ms,
    gets: Rate,
    lists: Rate,
    /// Refusals that the documented rates made.
    pub(super) over_rate: u32,
    listed: u64,
}

type Answer<T> = Result<T, ServiceError>;

pub(super) enum ServiceError {
    Refused(ApiError),
    Silent,
}

impl Service {
    pub(super) fn new(lives: Vec<Life>) -> Self {
        let by_id = lives.iter().enumerate().map(|(place, life)| (life.id.clone(), place)).collect();
        Self {
            lives,
            by_id,
            list_lags: 0,
            shuffles: false,
            mood: ListMood::Fine,
            down: 0..0,
            key_dies: Ms::MAX,
            gets: Rate::of(20),
            lists: Rate::of(1),
            over_rate: 0,
            listed: 0,
        }
    }

    fn task(life: &Life, status: &str) -> Task {
        let mut task = json!({"id": life.id, "model": "m", "status": status});
        if status == "succeeded" {
            task["resolution"] = json!("720p");
        }
        serde_json::from_value(task).unwrap()
    }

    fn admit(&mut self, now: Ms, is_list: bool) -> Answer<()> {
        if self.down.contains(&now) {
            return Err(ServiceError::Silent);
        }
        if now >= self.key_dies {
            return Err(ServiceError::Refused(ApiError::new(401, "AuthenticationError", "m")));
        }
        let rate = if is_list { &mut self.lists } else { &mut self.gets };
        if rate.take(now) {
            return Ok(());
        }
        self.over_rate += 1;
        Err(ServiceError::Refused(ApiError::new(429, "AccountRateLimitExceeded", "m")))
    }

    fn get(&mut self, now: Ms, request: &get::Request) -> Answer<Task> {
        self.admit(now, false)?;
        let life = self.by_id.get(&request.id).map(|place| &self.lives[*place]);
        match life.and_then(|life| Some((life, life.at(now)?))) {
            Some((life, status)) => Ok(Self::task(life, status)),
            None => Err(ServiceError::Refused(ApiError::new(404, "ResourceNotFound", "m"))),
        }
    }

    fn list(&mut self, now: Ms, request: &list::Request) -> Answer<TaskList> {
        self.admit(now, true)?;
        self.listed += 1;
        match self.mood {
            ListMood::Forbids => return Err(ServiceError::Refused(ApiError::new(403, "AccessDenied", "m"))),
            ListMood::Breaks => {
                return Err(ServiceError::Refused(ApiError::new(500, "InternalServiceError", "m")));
            }
            ListMood::Throttles if self.listed.is_multiple_of(2) => {
                return Err(ServiceError::Refused(ApiError::new(429, "ServerOverloaded", "m")));
            }
            _ => {}
        }
        let then = now.saturating_sub(self.list_lags);
        let flex = request.service_tier.as_ref().is_some_and(|tier| tier.as_str() == "flex");
        let wanted: Vec<&Life> = if request.task_ids.is_empty() {
            self.lives.iter().collect()
        } else {
            request
                .task_ids
                .iter()
                .filter_map(|id| self.by_id.get(id))
                .map(|place| &self.lives[*place])
                .collect()
        };
        let mut shown: Vec<(&Life, &str)> = wanted
            .into_iter()
            .filter(|life| life.flex == flex)
            .filter_map(|life| Some((life, life.at(then)?)))
            .filter(|(_, status)| request.status.as_ref().is_none_or(|wanted| wanted.as_str() == *status))
            .collect();
        let mix = |life: &Life| {
            life.id
                .bytes()
                .fold(self.listed, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
        };
        if self.mood == ListMood::LeavesOut {
            shown.retain(|(life, _)| !mix(life).is_multiple_of(3));
        }
        if self.shuffles {
            shown.sort_by_key(|(life, _)| mix(life));
        }
        let size = request.page_size.unwrap_or(20) as usize;
        let skipped = (request.page_num.unwrap_or(1) as usize - 1) * size;
        let mut list: TaskList = serde_json::from_value(json!({"total": shown.len(), "items": []})).unwrap();
        list.items =
            shown.iter().skip(skipped).take(size).map(|(life, status)| Self::task(life, status)).collect();
        Ok(list)
    }
}

/// What happened, by the clock of the watch.
#[derive(Default)]
pub(super) struct Record {
    pub(super) asks: Vec<(Ms, String)>,
    pub(super) events: Vec<(Ms, WatchEvent)>,
    pub(super) ended_at: Ms,
}

impl Record {
    /// What was asked in each second, equal seconds in a row put together: `3-5: list 100 ids, get
    /// x2`.
    pub(super) fn timeline(&self) -> String {
        let mut seconds: BTreeMap<Ms, BTreeMap<&str, u32>> = BTreeMap::new();
        for (at, what) in &self.asks {
            *seconds.entry(at / 1000).or_default().entry(what).or_default() += 1;
        }
        let mut lines: Vec<(Ms, Ms, String)> = Vec::new();
        for (second, asks) in seconds {
            let asks: Vec<_> = asks
                .iter()
                .map(
                    |(what, count)| if *count == 1 { (*what).to_owned() } else { format!("{what} x{count}") },
                )
                .collect();
            let asks = asks.join(", ");
            match lines.last_mut() {
                Some((_, last, same)) if *same == asks && *last + 1 == second => *last = second,
                _ => lines.push((second, second, asks)),
            }
        }
        let line = |(first, last, asks): &(Ms, Ms, String)| {
            if first == last { format!("{first}: {asks}") } else { format!("{first}-{last}: {asks}") }
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn count(&self, kind: &str) -> usize {
        self.asks.iter().filter(|(_, what)| what.starts_with(kind)).count()
    }

    /// When the end of each task was reported.
    pub(super) fn finished(&self) -> BTreeMap<&str, Ms> {
        let mut finished = BTreeMap::new();
        for (at, event) in &self.events {
            if let WatchEvent::Finished { task, .. } = event {
                assert!(task.status.is_terminal(), "{task}");
                assert_eq!(finished.insert(task.id.as_str(), *at), None, "reported twice: {task}");
            }
        }
        finished
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.events
            .iter()
            .map(|(at, event)| {
                let what = match event {
                    WatchEvent::Changed { id, from, to } => {
                        format!("{id} {} -> {to}", from.as_ref().map_or("?", TaskStatus::as_str))
                    }
                    WatchEvent::Finished { task, differences } => {
                        let differences: Vec<_> = differences.iter().map(ToString::to_string).collect();
                        format!("{} {} {}", task.id, task.status, differences.join(", "))
                            .trim_end()
                            .to_owned()
                    }
                    WatchEvent::Gone { id } => format!("{id} gone"),
                    WatchEvent::TimedOut { id, status } => format!("{id} still {status}"),
                    WatchEvent::CouldNotPoll { id, why, .. } => format!("{id} not requested: {why:?}"),
                    WatchEvent::Stuck { id, running_for } => {
                        format!("{id} stuck for {} s", running_for.as_secs())
                    }
                    WatchEvent::Warning { failures, .. } => format!("trouble {failures}"),
                };
                format!("{} {what}", at / 1000)
            })
            .collect()
    }
}

/// Hands an answer to the watch.
type Delivery = Box<dyn FnOnce(&mut Watch, Ms, &mut RateLimiter)>;

enum Happening {
    Arrives(Poll),
    Answered(Delivery),
}

/// Drives a watch until it is done or `end`; each request takes 20 ms, up to 10 more by chance.
pub(super) fn drive(watch: &mut Watch, service: &mut Service, start: Ms, end: Ms) -> Record {
    let mut limits = RateLimiter::new(RateLimits::default());
    drive_within(watch, service, &mut limits, start, end, |_, _| {})
}

pub(super) fn drive_within(
    watch: &mut Watch,
    service: &mut Service,
    limits: &mut RateLimiter,
    start: Ms,
    end: Ms,
    mut before: impl FnMut(&mut Watch, Ms),
) -> Record {
    let mut record = Record::default();
    let mut agenda: BinaryHeap<std::cmp::Reverse<(Ms, u64)>> = BinaryHeap::new();
    let mut happenings: BTreeMap<u64, Happening> = BTreeMap::new();
    let (mut number, mut now, mut draw) = (0, Duration::from_millis(start), 1_u64);
    let mut steps = 0_u64;
    loop {
        let time = now.as_millis() as Ms;
        before(watch, time);
        let wake = loop {
            steps += 1;
            assert!(steps < 5_000_000, "the watch spins at {time}");
            match watch.next(now, limits) {
                WatchStep::Poll(ask) => {
                    let what = match &ask.request {
                        PollRequest::Get(_) => "get".to_owned(),
                        PollRequest::List(list) => {
                            let what = if list.task_ids.is_empty() {
                                format!("list running {}", list.page_num.unwrap())
                            } else {
                                format!("list {} ids", list.task_ids.len())
                            };
                            if list.service_tier.is_some() { format!("{what} flex") } else { what }
                        }
                    };
                    record.asks.push((time, what));
                    draw =
                        draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    number += 1;
                    agenda.push(std::cmp::Reverse((time + 10 + (draw >> 33) % 5, number)));
                    happenings.insert(number, Happening::Arrives(ask));
                }
                WatchStep::Until(at) => {
                    assert!(at > now, "{at:?} is not after {now:?}");
                    break Some(at);
                }
                WatchStep::AwaitAnswer => break None,
                WatchStep::Done => break Some(Duration::MAX),
            }
        };
        while let Some(event) = watch.event() {
            record.events.push((time, event));
        }
        if watch.is_empty() || time >= end {
            record.ended_at = time;
            return record;
        }
        let next = agenda.peek().map(|std::cmp::Reverse((at, _))| Duration::from_millis(*at));
        now = [wake, next]
            .into_iter()
            .flatten()
            .min()
            .expect("something happens")
            .min(Duration::from_millis(end))
            .max(now);
        let time = now.as_millis() as Ms;
        while let Some(std::cmp::Reverse((at, which))) = agenda.peek().copied() {
            if at > time {
                break;
            }
            agenda.pop();
            match happenings.remove(&which).expect("it is on the agenda") {
                Happening::Arrives(ask) => {
                    number += 1;
                    draw =
                        draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let ticket = ask.ticket;
                    let endpoint = match ask.request {
                        PollRequest::Get(_) => Endpoint::Get,
                        PollRequest::List(_) => Endpoint::List,
                    };
                    let jitter = (draw >> 40) as f64 / (1 << 24) as f64;
                    let fail = move |trouble: ServiceError| -> Delivery {
                        Box::new(move |watch, at, limits| {
                            let silent = SendError::maybe_sent(SendErrorKind::Timeout, "no answer");
                            let failure = match &trouble {
                                ServiceError::Refused(error) => Failure::answer(endpoint, error),
                                ServiceError::Silent => Failure::send(endpoint, &silent),
                            };
                            watch.failed(
                                Duration::from_millis(at),
                                ticket,
                                failure,
                                at as i64,
                                jitter,
                                limits,
                            );
                        })
                    };
                    let answer: Delivery = match ask.request {
                        PollRequest::Get(request) => match service.get(at, &request) {
                            Ok(task) => Box::new(move |watch, at, limits| {
                                watch.got(Duration::from_millis(at), ticket, task, limits);
                            }),
                            Err(trouble) => fail(trouble),
                        },
                        PollRequest::List(request) => match service.list(at, &request) {
                            Ok(list) => Box::new(move |watch, at, limits| {
                                watch.listed(Duration::from_millis(at), ticket, &list, limits);
                            }),
                            Err(trouble) => fail(trouble),
                        },
                    };
                    agenda.push(std::cmp::Reverse((at + 10 + (draw >> 33) % 6, number)));
                    happenings.insert(number, Happening::Answered(answer));
                }
                Happening::Answered(answer) => answer(watch, at, limits),
            }
        }
    }
}
