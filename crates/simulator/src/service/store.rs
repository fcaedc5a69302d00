//! All tasks, and what becomes of them as time passes. Time comes in with every call; nothing here
//! waits.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use ark_video_protocol::get;

use super::{
    callbacks::Callbacks,
    due::{Due, Event},
    files::{Files, Owner},
    ledger::{Line, Lines, mix_text},
    price::Price,
    random::Random,
    rates::Slots,
    reply::FilePart,
    task::{Record, State},
    tasks::Tasks,
};
use crate::{
    faults::{
        Effect, FaultPoint,
        engine::{self, Call, Engine},
    },
    options::Options,
    render::StillFormat,
};

/// The tasks, each known by its place in the ledger.
#[derive(Default)]
pub(crate) struct Store {
    pub(super) tasks: Tasks<Record>,
    /// Indexes by a hash of the id, so that the table can grow without reading every id.
    places: HashMap<u32, u32, BuildHasherDefault<Hashed>>,
    pub(super) due: Due,
    pub(crate) files: Files,
    pub(crate) slots: Slots,
    pub(crate) lines: Lines,
    pub(crate) callbacks: Callbacks,
}

/// What the store needs of the service around it.
pub(crate) struct StoreContext<'a> {
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
        self.places.contains_key(&hash(id))
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        let place = self.places.get(&hash(id)).copied()?;
        self.tasks.get(place).filter(|record| *record.id == *id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Record> {
        let place = self.get(id)?.place;
        self.tasks.get_mut(place)
    }

    /// The task that a file belongs to.
    pub(crate) fn owner_mut(&mut self, path: &str) -> Option<&mut Record> {
        self.tasks.get_mut(self.files.task_of(path)?)
    }

    /// The tasks with these ids, oldest first, each once: without looking at all the others.
    pub(crate) fn these(&self, ids: &[String]) -> Vec<&Record> {
        let mut records: Vec<&Record> = ids.iter().filter_map(|id| self.get(id)).collect();
        records.sort_unstable_by_key(|record| record.place);
        records.dedup_by_key(|record| record.place);
        records
    }

    /// All tasks, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Record> {
        self.tasks.iter().rev()
    }

    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = &Record> {
        self.tasks.iter()
    }

    /// When something happens next.
    pub(crate) fn next(&self) -> Option<i64> {
        self.due.next()
    }

    /// Puts a task under its place and its id.
    pub(super) fn keep(&mut self, record: Record) {
        self.places.insert(hash(&record.id), record.place);
        self.tasks.push(record.place, record);
    }

    /// Takes a new task in, in the state queued, and gives its place. `hash` is that of its
    /// request.
    pub(crate) fn add(&mut self, mut record: Record, hash: u64, context: &mut StoreContext<'_>) -> u32 {
        let place = self.lines.next();
        let factor = if record.flex { context.options.flex_wait_factor.max(1) } else { 1 };
        let wait = context.options.queued.saturating_mul(factor);
        self.due.plan(millis(wait, record.created), Event::Start(place));
        self.due.plan(record.created + record.expires_after * 1000, Event::Expire(place));
        // Readable for seven days, the last millisecond included.
        self.due.plan(
            record.created + context.options.catalog.limits.record_seconds.value * 1000 + 1,
            Event::Forget(place),
        );
        if let Some((key, _)) = record.key() {
            self.slots.enter(key);
        }
        self.callbacks.wanted |= record.callback_url.is_some();
        record.place = place;
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
            polls: 0,
            end_seen: false,
            downloads: 0,
            sent: 0,
            delivered: false,
            deleted: false,
        });
        let at = record.created;
        self.keep(record);
        self.call_back(place, at, context);
        place
    }

    /// Cancels, removes or refuses, by the state that the task is in now.
    pub(crate) fn delete(&mut self, now: i64, id: &str, context: &mut StoreContext<'_>) -> Deleted {
        let Some(place) = self.get(id).map(|record| record.place) else { return Deleted::Unknown };
        let Some(record) = self.tasks.get_mut(place) else { return Deleted::Unknown };
        match record.state {
            State::Queued => {
                if let Some((key, _)) = record.key() {
                    self.slots.leave(key, record.priority, place);
                }
                self.enter(place, State::Cancelled, now, context);
                self.due.plan(
                    now + context.options.catalog.limits.cancelled_record_seconds.value * 1000,
                    Event::Forget(place),
                );
                Deleted::Cancelled
            }
            State::Running => Deleted::Running,
            State::Cancelled if !context.options.switches.is("delete-cancelled", "ok") => {
                Deleted::AlreadyCancelled
            }
            State::Succeeded | State::Failed | State::Expired | State::Cancelled => {
                if context.options.switches.is("result-after-delete", "dies") {
                    for link in record.video.take().iter().chain(record.last_frame.take().iter()) {
                        self.files.remove(link);
                    }
                }
                if let Some(line) = self.lines.line(place) {
                    line.deleted = true;
                }
                self.forget(place);
                Deleted::Removed
            }
        }
    }

    /// Processes all events that are due by `now`, in order and each at its own time.
    pub(crate) fn advance(&mut self, now: i64, context: &mut StoreContext<'_>) {
        while let Some((at, event)) = self.due.take(now) {
            match event {
                Event::Start(place) => self.start(place, at, context),
                Event::Finish(place) => self.finish(place, at, context),
                Event::Expire(place) => self.expire(place, at, context),
                Event::Forget(place) => self.forget(place),
            }
        }
        self.files.bury(now);
    }

    /// A task has waited long enough: it runs, if there is a slot.
    fn start(&mut self, place: u32, at: i64, context: &mut StoreContext<'_>) {
        let Some(record) = self.tasks.get(place).filter(|record| record.state == State::Queued) else {
            return;
        };
        let slot = record.key().is_none_or(|(key, most)| self.slots.start(key, most, record.priority, place));
        if slot {
            self.run(place, at, context);
        }
    }

    fn run(&mut self, place: u32, at: i64, context: &mut StoreContext<'_>) {
        self.enter(place, State::Running, at, context);
        let slow = self.tasks.get(place).map_or(1, |record| record.slow);
        self.due.plan(millis(context.options.running.saturating_mul(slow.max(1)), at), Event::Finish(place));
    }

    /// A task has stopped running: its slot goes on.
    fn stopped(&mut self, place: u32, at: i64, context: &mut StoreContext<'_>) {
        let key = self.tasks.get(place).and_then(Record::key);
        if let Some(next) = key.and_then(|(key, _)| self.slots.free(key)) {
            self.run(next, at, context);
        }
    }

    fn expire(&mut self, place: u32, at: i64, context: &mut StoreContext<'_>) {
        let Some(record) = self.tasks.get(place) else { return };
        let (state, key, priority) = (record.state, record.key(), record.priority);
        match state {
            State::Queued => {
                if let Some((key, _)) = key {
                    self.slots.leave(key, priority, place);
                }
                self.enter(place, State::Expired, at, context);
            }
            State::Running => {
                self.enter(place, State::Expired, at, context);
                self.stopped(place, at, context);
            }
            _ => {}
        }
    }

    fn finish(&mut self, place: u32, at: i64, context: &mut StoreContext<'_>) {
        let Some(record) = self.tasks.get_mut(place).filter(|record| record.state == State::Running) else {
            return;
        };
        if record.plan.failure.is_some() {
            self.enter(place, State::Failed, at, context);
            return self.stopped(place, at, context);
        }
        let switches = &context.options.switches;
        let limited =
            record.model.entry.family.starts_with("2.5") || switches.is("download-limit-scope", "all");
        let owner = Owner {
            lives: context.options.catalog.limits.result_url_seconds.value,
            model_name: &record.model.entry.name,
            place,
            downloads: limited.then_some(
                u32::try_from(context.options.catalog.limits.result_url_downloads.value).unwrap_or(u32::MAX),
            ),
        };
        let spec = record.plan.video_spec();
        record.video = Some(self.files.add(owner, spec, FilePart::Video, at, context.random).into());
        if record.wants_last_frame {
            let png = switches.is("last-frame-format", "png");
            let part = FilePart::LastFrame(if png { StillFormat::Png } else { StillFormat::Jpeg });
            record.last_frame = Some(self.files.add(owner, spec, part, at, context.random).into());
        }
        let (place, tokens) = (record.place, record.plan.tokens);
        let price = Price::of(context.options.catalog, &record.facts(), tokens);
        if let Some(line) = self.lines.line(place) {
            (line.tokens, line.price) = (tokens, price);
        }
        self.lines.billed.push(place);
        self.enter(place, State::Succeeded, at, context);
        self.stopped(place, at, context);
    }

    /// Moves a task to another state, in the ledger too, and calls back.
    fn enter(&mut self, place: u32, state: State, at: i64, context: &mut StoreContext<'_>) {
        let Some(record) = self.tasks.get_mut(place) else { return };
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
        self.call_back(place, at, context);
    }

    fn call_back(&mut self, place: u32, at: i64, context: &mut StoreContext<'_>) {
        let Some(record) = self.tasks.get_mut(place) else { return };
        let Some(url) = record.callback_url.clone() else { return };
        let last = record.state.status().is_terminal();
        let reported = last || context.options.switches.is("callback-events", "every_change");
        if record.state == State::Cancelled || !reported {
            return;
        }
        let call = Call {
            model: Some(record.asked_model()),
            prompt_faults: record.prompt_faults.as_deref(),
            state: Some(record.state.word()),
            ..Call::of(FaultPoint::Callback)
        };
        let effect = context.faults.decide(call);
        let effect = effect.or_else(|| {
            engine::directives_later(record.prompt_faults.as_mut(), FaultPoint::Callback, record.state.word())
        });
        let body = get::encode(&record.show(context.options)).into_body();
        let body = match &context.options.dialect {
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

    fn forget(&mut self, place: u32) {
        if let Some(record) = self.tasks.remove(place) {
            self.places.remove(&hash(&record.id));
        }
    }
}

/// Short, so that the table stays where the processor has it at hand: it is looked into for every
/// create, and never at the same place twice.
fn hash(id: &str) -> u32 {
    (mix_text(id) >> 32) as u32
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

    /// The table uses both ends of a hash.
    fn write_u32(&mut self, hash: u32) {
        self.0 = u64::from(hash) << 32 | u64::from(hash);
    }
}

/// The time `wait` after `from`.
fn millis(wait: std::time::Duration, from: i64) -> i64 {
    from.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}
