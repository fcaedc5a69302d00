//! All tasks, and what becomes of them as time passes. Time comes in with every call; nothing here waits.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use ark_video_protocol::get;
use serde::{Deserialize, Serialize};

use super::{
    callbacks::Callbacks,
    files::{Files, Owner},
    ledger::{Line, Lines, mix_text},
    price::Price,
    random::Random,
    rates::Slots,
    reply::FilePart,
    task::{Record, State},
};
use crate::{
    faults::{
        Effect, Place,
        engine::{self, Call, Engine},
    },
    options::Options,
    render::StillFormat,
};

/// What happens to a task (by its number) at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    Start(u64),
    Finish(u64),
    Expire(u64),
    Forget(u64),
}

/// The tasks by number; numbers rise in the order of creation.
#[derive(Default)]
pub(crate) struct Store {
    /// Boxed: the tree moves its entries about, and keeps room for as many again.
    pub(super) tasks: BTreeMap<u64, Box<Record>>,
    /// By a hash of the id, so that the table can grow without a look at every id.
    numbers: HashMap<u64, u64, BuildHasherDefault<Hashed>>,
    pub(super) due: BinaryHeap<Reverse<(i64, u64, Event)>>,
    /// Breaks ties between events of one moment: first planned, first done.
    pub(super) planned: u64,
    pub(crate) files: Files,
    pub(crate) slots: Slots,
    pub(crate) lines: Lines,
    pub(crate) callbacks: Callbacks,
}

/// What the store needs of the service around it.
pub(crate) struct Around<'a> {
    pub(crate) options: &'a Options,
    pub(crate) random: &'a mut Random,
    pub(crate) faults: &'a mut Engine,
}

/// What a delete came to.
pub(crate) enum Deleted {
    Cancelled,
    Removed,
    Running,
    AlreadyCancelled,
    Unknown,
}

impl Store {
    /// Whether an id is taken, or would pass for one that is.
    pub(crate) fn contains(&self, id: &str) -> bool {
        self.numbers.contains_key(&hash(id))
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        self.tasks.get(&self.number(id)?).map(Box::as_ref)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Record> {
        self.tasks.get_mut(&self.number(id)?).map(Box::as_mut)
    }

    /// The task that a file belongs to.
    pub(crate) fn owner_mut(&mut self, path: &str) -> Option<&mut Record> {
        self.tasks.get_mut(&self.files.task_of(path)?).map(Box::as_mut)
    }

    /// The tasks with these ids, oldest first, each once: without looking at all the others.
    pub(crate) fn these(&self, ids: &[String]) -> Vec<&Record> {
        let mut numbers: Vec<u64> = ids.iter().filter_map(|id| self.number(id)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.iter().filter_map(|number| self.tasks.get(number)).map(Box::as_ref).collect()
    }

    /// All tasks, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Record> {
        self.tasks.values().rev().map(Box::as_ref)
    }

    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = &Record> {
        self.tasks.values().map(Box::as_ref)
    }

    /// When something happens next.
    pub(crate) fn next(&self) -> Option<i64> {
        self.due.peek().map(|Reverse((at, ..))| *at)
    }

    /// Puts a task under its number and its id.
    pub(super) fn keep(&mut self, number: u64, record: Record) {
        self.numbers.insert(hash(&record.id), number);
        self.tasks.insert(number, Box::new(record));
    }

    fn number(&self, id: &str) -> Option<u64> {
        let number = self.numbers.get(&hash(id)).copied()?;
        self.tasks.get(&number).filter(|record| *record.id == *id).map(|_| number)
    }

    /// Takes a new task in, in the state queued. `hash` is that of its request.
    pub(crate) fn add(&mut self, mut record: Record, hash: u64, around: &mut Around<'_>) {
        let number = self.planned; // Rises with every event that is planned below, so it is never given twice.
        let factor = if record.flex { around.options.flex_wait_factor.max(1) } else { 1 };
        let wait = around.options.queued.saturating_mul(factor);
        self.plan(millis(wait, record.created), Event::Start(number));
        self.plan(record.created + record.expires_after * 1000, Event::Expire(number));
        // Readable for seven days, the last moment included.
        self.plan(
            record.created + around.options.catalog.limits.record_seconds.value * 1000 + 1,
            Event::Forget(number),
        );
        if let Some((lane, _)) = record.lane {
            self.slots.enter(lane);
        }
        self.callbacks.wanted |= record.callback_url.is_some();
        record.place = self.lines.next();
        self.lines.all.push(Line {
            task_id: Arc::clone(&record.id),
            model: &record.model.entry.id,
            hash,
            client_request_id: record.client_request_id.take(),
            state: State::Queued,
            accepted: record.created,
            started: None,
            ended: None,
            tokens: 0,
            price: None,
            looks: 0,
            end_seen: false,
            downloads: 0,
        });
        let at = record.created;
        self.keep(number, record);
        self.call_back(number, at, around);
    }

    /// Cancels, removes or refuses, by the state that the task is in now.
    pub(crate) fn delete(&mut self, now: i64, id: &str, around: &mut Around<'_>) -> Deleted {
        let Some(number) = self.number(id) else { return Deleted::Unknown };
        let Some(record) = self.tasks.get_mut(&number) else { return Deleted::Unknown };
        match record.state {
            State::Queued => {
                if let Some((lane, _)) = record.lane {
                    self.slots.leave(lane, record.priority, number);
                }
                self.enter(number, State::Cancelled, now, around);
                self.plan(
                    now + around.options.catalog.limits.cancelled_record_seconds.value * 1000,
                    Event::Forget(number),
                );
                Deleted::Cancelled
            }
            State::Running => Deleted::Running,
            State::Cancelled if !around.options.switches.is("delete-cancelled", "ok") => {
                Deleted::AlreadyCancelled
            }
            State::Succeeded | State::Failed | State::Expired | State::Cancelled => {
                if around.options.switches.is("result-after-delete", "dies") {
                    for link in record.film.take().iter().chain(record.last_frame.take().iter()) {
                        self.files.remove(link);
                    }
                }
                self.forget(number);
                Deleted::Removed
            }
        }
    }

    /// Lets everything happen that is due by `now`, in order and at its own moment.
    pub(crate) fn advance(&mut self, now: i64, around: &mut Around<'_>) {
        while let Some(Reverse((at, _, event))) = self.next_due(now) {
            match event {
                Event::Start(number) => self.start(number, at, around),
                Event::Finish(number) => self.finish(number, at, around),
                Event::Expire(number) => self.expire(number, at, around),
                Event::Forget(number) => self.forget(number),
            }
        }
        self.files.bury(now);
    }

    fn next_due(&mut self, now: i64) -> Option<Reverse<(i64, u64, Event)>> {
        let Reverse((at, ..)) = self.due.peek()?;
        if *at > now { None } else { self.due.pop() }
    }

    /// A task has waited long enough: it runs, if there is a slot.
    fn start(&mut self, number: u64, at: i64, around: &mut Around<'_>) {
        let Some(record) = self.tasks.get(&number).filter(|record| record.state == State::Queued) else {
            return;
        };
        let slot =
            record.lane.is_none_or(|(lane, most)| self.slots.start(lane, most, record.priority, number));
        if slot {
            self.run(number, at, around);
        }
    }

    fn run(&mut self, number: u64, at: i64, around: &mut Around<'_>) {
        self.enter(number, State::Running, at, around);
        let slow = self.tasks.get(&number).map_or(1, |record| record.slow);
        self.plan(millis(around.options.running.saturating_mul(slow.max(1)), at), Event::Finish(number));
    }

    /// A task has stopped running: its slot goes on.
    fn stopped(&mut self, number: u64, at: i64, around: &mut Around<'_>) {
        let lane = self.tasks.get(&number).and_then(|record| record.lane);
        if let Some(next) = lane.and_then(|(lane, _)| self.slots.free(lane)) {
            self.run(next, at, around);
        }
    }

    fn expire(&mut self, number: u64, at: i64, around: &mut Around<'_>) {
        let Some(record) = self.tasks.get(&number) else { return };
        let (state, lane, priority) = (record.state, record.lane, record.priority);
        match state {
            State::Queued => {
                if let Some((lane, _)) = lane {
                    self.slots.leave(lane, priority, number);
                }
                self.enter(number, State::Expired, at, around);
            }
            State::Running => {
                self.enter(number, State::Expired, at, around);
                self.stopped(number, at, around);
            }
            _ => {}
        }
    }

    fn finish(&mut self, number: u64, at: i64, around: &mut Around<'_>) {
        let Some(record) = self.tasks.get_mut(&number).filter(|record| record.state == State::Running) else {
            return;
        };
        if record.plan.failure.is_some() {
            self.enter(number, State::Failed, at, around);
            return self.stopped(number, at, around);
        }
        let switches = &around.options.switches;
        let limited =
            record.model.entry.family.starts_with("2.5") || switches.is("download-limit-scope", "all");
        let owner = Owner {
            lives: around.options.catalog.limits.result_url_seconds.value,
            model_name: &record.model.entry.name,
            task: number,
            place: record.place,
            downloads: limited.then_some(
                u32::try_from(around.options.catalog.limits.result_url_downloads.value).unwrap_or(u32::MAX),
            ),
        };
        let spec = record.plan.film();
        record.film = Some(self.files.add(owner, spec, FilePart::Film, at, around.random));
        if record.wants_last_frame {
            let png = switches.is("last-frame-format", "png");
            let part = FilePart::LastFrame(if png { StillFormat::Png } else { StillFormat::Jpeg });
            record.last_frame = Some(self.files.add(owner, spec, part, at, around.random));
        }
        let (place, tokens) = (record.place, record.plan.tokens);
        let price = Price::of(around.options.catalog, &record.facts(), tokens);
        if let Some(line) = self.lines.line(place) {
            (line.tokens, line.price) = (tokens, price);
        }
        self.lines.billed.push(place);
        self.enter(number, State::Succeeded, at, around);
        self.stopped(number, at, around);
    }

    /// Moves a task to another state, in the ledger too, and calls back.
    fn enter(&mut self, number: u64, state: State, at: i64, around: &mut Around<'_>) {
        let Some(record) = self.tasks.get_mut(&number) else { return };
        (record.state, record.updated) = (state, at);
        if let Some(line) = self.lines.line(record.place) {
            line.state = state;
            if state == State::Running {
                line.started = Some(at);
            }
            if state.status().is_terminal() {
                line.ended = Some(at);
            }
        }
        self.call_back(number, at, around);
    }

    fn call_back(&mut self, number: u64, at: i64, around: &mut Around<'_>) {
        let Some(record) = self.tasks.get_mut(&number) else { return };
        let Some(url) = record.callback_url.clone() else { return };
        let last = record.state.status().is_terminal();
        let told = last || around.options.switches.is("callback-events", "every_change");
        if record.state == State::Cancelled || !told {
            return;
        }
        let call = Call {
            model: Some(record.asked_model()),
            marks: record.marks.as_deref(),
            state: Some(record.state.word()),
            ..Call::of(Place::Callback)
        };
        let effect = around.faults.decide(call);
        let effect = effect
            .or_else(|| engine::spoken_later(record.marks.as_mut(), Place::Callback, record.state.word()));
        let body = get::encode(&record.show(around.options)).into_body();
        let body = match &around.options.dialect {
            Some(dialect) => dialect.callback(body),
            None => body,
        };
        let retried = matches!(record.state, State::Succeeded | State::Failed);
        let (at, times) = match effect {
            Some(Effect::CallbackLost) => (at, 0),
            Some(Effect::CallbackTwice) => (at, 2),
            Some(Effect::CallbackLate { millis }) => {
                (at.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX)), 1)
            }
            _ => (at, 1),
        };
        for _ in 0..times {
            self.callbacks.plan(at, &record.id, &url, body.clone(), retried);
        }
    }

    fn forget(&mut self, number: u64) {
        if let Some(record) = self.tasks.remove(&number) {
            self.numbers.remove(&hash(&record.id));
        }
    }

    fn plan(&mut self, at: i64, event: Event) {
        self.due.push(Reverse((at, self.planned, event)));
        self.planned += 1;
    }
}

fn hash(id: &str) -> u64 {
    mix_text(id)
}

/// For keys that are hashes already.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash << 8 | u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The moment that comes `wait` after `from`.
fn millis(wait: std::time::Duration, from: i64) -> i64 {
    from.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}
