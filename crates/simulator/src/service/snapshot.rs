//! The whole state as JSON, to go on with in another process. What is not kept: rates of the last minute, callbacks that are under
//! way, and faults, which belong to a run.

use std::{collections::HashSet, sync::Arc};

use ark_video_model::Catalog;
use serde::{Deserialize, Serialize};

use super::{
    Service,
    due::{Due, Event, Planned},
    files::{Link, Owner},
    ledger::Line,
    plan::Plan,
    price::Price,
    random::Random,
    rates::Lane,
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
const VERSION: u32 = 2;

/// A snapshot that cannot be gone on with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the saved state cannot be used: {0}; delete it to start anew")]
pub struct SnapshotError(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: u32,
    random: u64,
    planned: u64,
    tasks: Vec<SavedTask>,
    due: Vec<Planned>,
    lines: Vec<SavedLine>,
    billed: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedTask {
    id: Box<str>,
    model: Box<str>,
    endpoint: Option<Box<str>>,
    state: State,
    created: i64,
    updated: i64,
    expires_after: i64,
    flex: bool,
    priority: i64,
    safety_identifier: Option<Box<str>>,
    callback_url: Option<Box<str>>,
    running_at_a_time: Option<u32>,
    place: u32,
    slow: u32,
    draft: bool,
    draft_task: Option<Box<str>>,
    wants_last_frame: bool,
    plan: Plan,
    film: Option<SavedFile>,
    last_frame: Option<SavedFile>,
    request_id: Option<Box<str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedFile {
    made: i64,
    /// Hexadecimal: JSON numbers are too short.
    object: String,
    /// Whether the file is still there, and how often it may be fetched.
    alive: bool,
    left: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedLine {
    task_id: Box<str>,
    model: Box<str>,
    /// Hexadecimal, for the same reason.
    hash: String,
    client_request_id: Option<Box<str>>,
    state: State,
    accepted: i64,
    started: Option<i64>,
    ended: Option<i64>,
    tokens: i64,
    price: Option<(Box<str>, i64)>,
    looks: u32,
    end_seen: bool,
    downloads: u32,
    #[serde(default)]
    sent: u32,
    #[serde(default)]
    delivered: bool,
    #[serde(default)]
    deleted: bool,
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
            tasks: store.tasks.iter().map(|record| save(record, store)).collect(),
            due: store.due.events(),
            lines: store.lines.all.iter().map(save_line).collect(),
            billed: store.lines.billed.clone(),
        };
        serde_json::to_string(&saved).map_err(|error| SnapshotError(error.to_string()))
    }

    /// A service that goes on where another stopped. The options are not part of a snapshot.
    ///
    /// # Errors
    /// The text is no snapshot, or one of another version or another catalogue.
    pub fn restore(options: Options, snapshot: &str) -> Result<Self, SnapshotError> {
        let saved: Saved =
            serde_json::from_str(snapshot).map_err(|error| SnapshotError(error.to_string()))?;
        if saved.version != VERSION {
            return Err(SnapshotError(format!(
                "it has version {}, and only {VERSION} is known",
                saved.version
            )));
        }
        let png = options.switches.is("last-frame-format", "png");
        let catalog = options.catalog;
        let mut service = Self::new(options);
        service.random = Random::new(saved.random);
        let store = &mut service.store;
        store.lines.billed = saved.billed;
        for line in saved.lines {
            store.lines.all.push(load_line(catalog, line)?);
        }
        if !saved.tasks.is_sorted_by(|task, next| task.place < next.place)
            || saved.tasks.last().is_some_and(|task| task.place >= store.lines.next())
        {
            return Err(SnapshotError("its tasks and its ledger do not fit together".to_owned()));
        }
        let starting = saved.due.iter().filter_map(|(.., event)| match event {
            Event::Start(place) => Some(*place),
            _ => None,
        });
        let starting: HashSet<u32> = starting.collect();
        store.due = Due::restore(saved.planned, saved.due);
        for task in saved.tasks {
            load(task, store, catalog, &starting, if png { StillFormat::Png } else { StillFormat::Jpeg })?;
        }
        store.files.sort();
        Ok(service)
    }
}

fn save(record: &Record, store: &Store) -> SavedTask {
    let file = |link: &Option<Box<Link>>| {
        link.as_ref().map(|link| {
            let left = store.files.left(link);
            SavedFile {
                made: link.made(),
                object: format!("{:x}", link.object()),
                alive: left.is_some(),
                left: left.flatten(),
            }
        })
    };
    SavedTask {
        id: (&*record.id).into(),
        model: record.model.entry.id.as_ref().into(),
        endpoint: record.endpoint.clone(),
        state: record.state,
        created: record.created,
        updated: record.updated,
        expires_after: record.expires_after,
        flex: record.flex,
        priority: record.priority,
        safety_identifier: record.safety_identifier.clone(),
        callback_url: record.callback_url.clone(),
        running_at_a_time: record.running_at_a_time,
        place: record.place,
        slow: record.slow,
        draft: record.draft,
        draft_task: record.draft_task.clone(),
        wants_last_frame: record.wants_last_frame,
        plan: record.plan.clone(),
        film: file(&record.film),
        last_frame: file(&record.last_frame),
        request_id: record.request_id.clone(),
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

fn load(
    task: SavedTask,
    store: &mut Store,
    catalog: &'static Catalog,
    starting: &HashSet<u32>,
    still: StillFormat,
) -> Result<(), SnapshotError> {
    let model = model(catalog, &task.model)?;
    if task.running_at_a_time.is_some() {
        let lane = Lane::of(model, task.plan.resolution.as_str());
        match task.state {
            State::Queued => {
                store.slots.enter(lane);
                // Its moment to start has come and gone: it waits for a slot.
                if !starting.contains(&task.place) {
                    store.slots.wait(lane, task.priority, task.place);
                }
            }
            State::Running => {
                store.slots.enter(lane);
                store.slots.start(lane, u32::MAX, task.priority, task.place);
            }
            _ => {}
        }
    }
    let spec = task.plan.film();
    let mut file = |saved: Option<SavedFile>, part: FilePart| -> Result<Option<Box<Link>>, SnapshotError> {
        let Some(saved) = saved else { return Ok(None) };
        let object = u128::from_str_radix(&saved.object, 16);
        let object = object.map_err(|error| SnapshotError(format!("a file has no number: {error}")))?;
        let name = &*model.entry.name;
        let extension = match part {
            FilePart::Film => spec.container.extension(),
            FilePart::LastFrame(format) => format.extension(),
        };
        let link = Link::known(name, saved.made, object, extension);
        if saved.alive {
            let owner = Owner {
                model_name: name,
                place: task.place,
                downloads: saved.left,
                lives: catalog.limits.result_url_seconds.value,
            };
            store.files.restore(link, spec, part, owner);
        }
        Ok(Some(link.into()))
    };
    let (film, last_frame) =
        (file(task.film, FilePart::Film)?, file(task.last_frame, FilePart::LastFrame(still))?);
    store.callbacks.wanted |= task.callback_url.is_some();
    let id: Arc<str> = task.id.into();
    let record = Record {
        id,
        model,
        endpoint: task.endpoint,
        state: task.state,
        created: task.created,
        updated: task.updated,
        expires_after: task.expires_after,
        flex: task.flex,
        priority: task.priority,
        safety_identifier: task.safety_identifier,
        client_request_id: None,
        callback_url: task.callback_url,
        running_at_a_time: task.running_at_a_time,
        place: task.place,
        marks: None,
        slow: task.slow,
        draft: task.draft,
        draft_task: task.draft_task,
        wants_last_frame: task.wants_last_frame,
        plan: task.plan,
        film,
        last_frame,
        request_id: task.request_id,
    };
    store.keep(record);
    Ok(())
}

fn save_line(line: &Line) -> SavedLine {
    SavedLine {
        task_id: (&*line.task_id).into(),
        model: line.model.into(),
        hash: format!("{:x}", line.hash),
        client_request_id: line.client_request_id.clone(),
        state: line.state,
        accepted: line.accepted,
        started: line.started,
        ended: line.ended,
        tokens: line.tokens,
        price: line.price.map(|price| (price.currency().into(), price.units())),
        looks: line.looks,
        end_seen: line.end_seen,
        downloads: line.downloads,
        sent: line.sent,
        delivered: line.delivered,
        deleted: line.deleted,
    }
}

fn load_line(catalog: &'static Catalog, saved: SavedLine) -> Result<Line, SnapshotError> {
    let hash = u64::from_str_radix(&saved.hash, 16);
    Ok(Line {
        task_id: saved.task_id.into(),
        model: &model(catalog, &saved.model)?.entry.id,
        hash: hash.map_err(|error| SnapshotError(format!("a bill has no hash: {error}")))?,
        client_request_id: saved.client_request_id,
        state: saved.state,
        accepted: saved.accepted,
        started: saved.started,
        ended: saved.ended,
        tokens: saved.tokens,
        price: saved.price.and_then(|(currency, units)| Price::of_units(&currency, units)),
        looks: saved.looks,
        end_seen: saved.end_seen,
        downloads: saved.downloads,
        sent: saved.sent,
        delivered: saved.delivered,
        deleted: saved.deleted,
    })
}
