//! All tasks, and what becomes of them as time passes. Time comes in with every call; nothing here waits.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
};

use super::{
    bills::Bill,
    files::Files,
    random::Random,
    reply::FilePart,
    task::{Record, State},
};
use crate::{catalog::catalog, options::Options, render::StillFormat};

/// What happens to a task (by its number) at a moment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Start(u64),
    Finish(u64),
    Expire(u64),
    Forget(u64),
}

/// The tasks by number; numbers rise in the order of creation.
#[derive(Default)]
pub(crate) struct Store {
    tasks: BTreeMap<u64, Record>,
    numbers: HashMap<String, u64>,
    due: BinaryHeap<Reverse<(i64, u64, Event)>>,
    /// Breaks ties between events of one moment: first planned, first done.
    planned: u64,
    pub(crate) files: Files,
    pub(crate) bills: Vec<Bill>,
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
    pub(crate) fn contains(&self, id: &str) -> bool {
        self.numbers.contains_key(id)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Record> {
        self.tasks.get(self.numbers.get(id)?)
    }

    /// All tasks, newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Record> {
        self.tasks.values().rev()
    }

    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = &Record> {
        self.tasks.values()
    }

    /// Takes a new task in, in the state queued.
    pub(crate) fn add(&mut self, record: Record, options: &Options) {
        let number = self.planned; // Rises with every event that is planned below, so it is never given twice.
        self.plan(millis(options.queued, record.created), Event::Start(number));
        self.plan(record.created + record.expires_after * 1000, Event::Expire(number));
        // Readable for seven days, the last moment included.
        self.plan(record.created + catalog().limits.record_seconds * 1000 + 1, Event::Forget(number));
        self.numbers.insert(record.id.clone(), number);
        self.tasks.insert(number, record);
    }

    /// Cancels, removes or refuses, by the state that the task is in now.
    pub(crate) fn delete(&mut self, now: i64, id: &str, options: &Options) -> Deleted {
        let Some(number) = self.numbers.get(id).copied() else { return Deleted::Unknown };
        let Some(record) = self.tasks.get_mut(&number) else { return Deleted::Unknown };
        match record.state {
            State::Queued => {
                record.enter(State::Cancelled, now);
                self.plan(now + catalog().limits.cancelled_record_seconds * 1000, Event::Forget(number));
                Deleted::Cancelled
            }
            State::Running => Deleted::Running,
            State::Cancelled if !options.switches.is("delete-cancelled", "ok") => Deleted::AlreadyCancelled,
            State::Succeeded | State::Failed | State::Expired | State::Cancelled => {
                if options.switches.is("result-after-delete", "dies") {
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
    pub(crate) fn advance(&mut self, now: i64, options: &Options, random: &mut Random) {
        while let Some(Reverse((at, _, event))) = self.next_due(now) {
            match event {
                Event::Start(number) => self.start(number, at, options),
                Event::Finish(number) => self.finish(number, at, options, random),
                Event::Expire(number) => {
                    if let Some(record) = self.tasks.get_mut(&number).filter(|record| record.is_open()) {
                        record.enter(State::Expired, at);
                    }
                }
                Event::Forget(number) => self.forget(number),
            }
        }
        self.files.bury(now);
    }

    fn next_due(&mut self, now: i64) -> Option<Reverse<(i64, u64, Event)>> {
        let Reverse((at, ..)) = self.due.peek()?;
        if *at > now { None } else { self.due.pop() }
    }

    fn start(&mut self, number: u64, at: i64, options: &Options) {
        let Some(record) = self.tasks.get_mut(&number).filter(|record| record.state == State::Queued) else {
            return;
        };
        record.enter(State::Running, at);
        self.plan(millis(options.running, at), Event::Finish(number));
    }

    fn finish(&mut self, number: u64, at: i64, options: &Options, random: &mut Random) {
        let Some(record) = self.tasks.get_mut(&number).filter(|record| record.state == State::Running) else {
            return;
        };
        if record.plan.failure.is_some() {
            return record.enter(State::Failed, at);
        }
        record.enter(State::Succeeded, at);
        let (spec, name) = (record.plan.film(), record.model.entry.name.as_str());
        record.film = Some(self.files.add(name, spec, FilePart::Film, at, random));
        if record.wants_last_frame {
            let png = options.switches.is("last-frame-format", "png");
            let part = FilePart::LastFrame(if png { StillFormat::Png } else { StillFormat::Jpeg });
            record.last_frame = Some(self.files.add(name, spec, part, at, random));
        }
        self.bills.push(Bill {
            task_id: record.id.clone(),
            model: record.model.entry.id.clone(),
            tokens: record.plan.tokens,
            client_request_id: record.client_request_id.as_deref().map(str::to_owned),
            at,
        });
    }

    fn forget(&mut self, number: u64) {
        if let Some(record) = self.tasks.remove(&number) {
            self.numbers.remove(&record.id);
        }
    }

    fn plan(&mut self, at: i64, event: Event) {
        self.due.push(Reverse((at, self.planned, event)));
        self.planned += 1;
    }
}

impl Record {
    fn enter(&mut self, state: State, at: i64) {
        self.state = state;
        self.updated = at;
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Queued | State::Running)
    }
}

/// The moment that comes `wait` after `from`.
fn millis(wait: std::time::Duration, from: i64) -> i64 {
    from.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}
