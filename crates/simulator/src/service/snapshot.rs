//! The whole state as JSON, to go on with in another process. What is not kept: rates of the last
//! minute, callbacks that are under way, and faults, which belong to a run.

use std::collections::{BTreeMap, HashSet};

use ark_video_model::catalog::Catalog;
use serde::{Deserialize, Serialize};

use super::{
    Service,
    due::{Due, Event, Planned},
    files::{Link, Owner},
    ledger::Line,
    random::Random,
    rates::RateLimitKey,
    reply::FilePart,
    store::Store,
    task::{Record, State},
};
use crate::{
    catalog::{Lookup, Lookups, Model},
    options::Options,
    render::StillFormat,
};

/// Rises when an older snapshot can no longer be read.
const VERSION: u32 = 3;

/// A snapshot that cannot be gone on with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the saved state cannot be used: {0}; delete it to start afresh")]
pub struct SnapshotError(String);

/// Records and lines stand beside the id of their model, which leads into the catalog.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved<Id, Task, Entry> {
    version: u32,
    random: u64,
    planned: u64,
    tasks: Vec<(Id, Task)>,
    due: Vec<Planned>,
    lines: Vec<(Id, Entry)>,
    billed: Vec<u32>,
    /// The files that are still there, by number, and how often each may be fetched.
    files: BTreeMap<u128, Option<u32>>,
}

impl Service {
    /// The whole state as JSON: tasks, files, ledger, and how far the random sequence is.
    ///
    /// # Errors
    /// Never in practice: everything in it can be written.
    pub fn snapshot(&self) -> Result<String, SnapshotError> {
        let store = &self.store;
        let saved = Saved {
            version: VERSION,
            random: self.random.state(),
            planned: store.due.planned(),
            tasks: store.tasks.iter().map(|record| (&*record.model.entry.id, record)).collect(),
            due: store.due.events(),
            lines: store.lines.all.iter().map(|line| (line.model, line)).collect(),
            billed: store.lines.billed.clone(),
            files: store.files.left(),
        };
        serde_json::to_string(&saved).map_err(|error| SnapshotError(error.to_string()))
    }

    /// A service that goes on where another stopped. The options are not part of a snapshot.
    ///
    /// # Errors
    /// The text is no snapshot, or one of another version or another catalog.
    pub fn restore(options: Options, snapshot: &str) -> Result<Self, SnapshotError> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let unreadable = |error: serde_json::Error| SnapshotError(error.to_string());
        // First the version alone: the rest of another one has another form.
        let Head { version } = serde_json::from_str(snapshot).map_err(unreadable)?;
        if version != VERSION {
            return Err(SnapshotError(format!("it has version {version}, and only {VERSION} is known")));
        }
        let saved: Saved<String, Record, Line> = serde_json::from_str(snapshot).map_err(unreadable)?;
        let png = options.switches.is("last-frame-format", "png");
        let still = if png { StillFormat::Png } else { StillFormat::Jpeg };
        let catalog = options.catalog;
        let mut service = Self::new(options);
        service.random = Random::new(saved.random);
        let store = &mut service.store;
        store.lines.billed = saved.billed;
        for (id, line) in saved.lines {
            store.lines.all.push(Line { model: &model(catalog, &id)?.entry.id, ..line });
        }
        if !saved.tasks.is_sorted_by(|(_, task), (_, next)| task.place < next.place)
            || saved.tasks.last().is_some_and(|(_, task)| task.place >= store.lines.next())
        {
            return Err(SnapshotError("its tasks and its ledger do not fit together".to_owned()));
        }
        let starting = saved.due.iter().filter_map(|(.., event)| match event {
            Event::Start(place) => Some(*place),
            _ => None,
        });
        let starting: HashSet<u32> = starting.collect();
        store.due = Due::restore(saved.planned, saved.due);
        for (id, mut record) in saved.tasks {
            record.model = model(catalog, &id)?;
            let owner = Owner {
                model_name: &record.model.entry.name,
                place: record.place,
                downloads: None,
                lives: catalog.limits.result_url_seconds.value,
            };
            let spec = record.plan.video_spec();
            let mut put = |link: &mut Option<Box<Link>>, part: FilePart| {
                if let Some(link) = link {
                    store.files.restore(link, spec, part, owner, &saved.files);
                }
            };
            put(&mut record.video, FilePart::Video);
            put(&mut record.last_frame, FilePart::LastFrame(still));
            queue(&record, store, &starting);
            store.callbacks.wanted |= record.callback_url.is_some();
            store.keep(record);
        }
        store.files.sort();
        Ok(service)
    }
}

fn model(catalog: &'static Catalog, id: &str) -> Result<Model, SnapshotError> {
    match catalog.look_up(id) {
        Lookup::Known(model) => Ok(model),
        _ => {
            Err(SnapshotError(format!("it has a task of the model {id}, which the catalogue does not know")))
        }
    }
}

/// Puts a task that waits or runs back among those that it shares a limit with.
fn queue(record: &Record, store: &mut Store, starting: &HashSet<u32>) {
    if record.running_at_a_time.is_none() {
        return;
    }
    let key = RateLimitKey::of(record.model, record.plan.resolution.as_str());
    match record.state {
        State::Queued => {
            store.slots.enter(key);
            // Its start time has passed: it waits for a slot.
            if !starting.contains(&record.place) {
                store.slots.wait(key, record.priority, record.place);
            }
        }
        State::Running => {
            store.slots.enter(key);
            store.slots.start(key, u32::MAX, record.priority, record.place);
        }
        _ => {}
    }
}

/// A number that is too long for the numbers of JSON.
pub(super) mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{number:x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let digits = String::deserialize(deserializer)?;
        u128::from_str_radix(&digits, 16).map_err(D::Error::custom)
    }
}
