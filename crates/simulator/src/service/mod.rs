//! The API as a pure state machine: (moment, request) in, reply out.
//!
//! Everything that changes is in [`Service`]; the modules beside it are the steps of a request in the order they are taken:
//! `body` (bytes to a typed request), `content` and `media` (structure), `fields` (ranges), `checks` (the model's own rules), `plan`
//! (what will come out), `store` (the states by time), `task` and `listing` (what is shown), `files` and `reply` (results).
//! No clock, socket, file, environment or randomness from outside.

mod bills;
mod body;
mod checks;
mod complaint;
mod content;
mod fields;
mod files;
mod intent;
mod listing;
mod media;
mod plan;
mod random;
mod reply;
mod store;
mod task;
#[cfg(test)]
mod tests;

use ark_video_model::{CreateTaskRequest, CreateTaskResponse, ServiceTier};
use ark_video_protocol::{
    REQUEST_ID, Route, UnixMillis, below, create, delete, get, list, models, request_id::CLIENT_REQUEST_ID,
    route,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header, request::Parts};

pub use self::{
    bills::Bill,
    reply::{FilePart, RenderJob, Reply},
};
use self::{
    complaint::{Checked, Complaint},
    content::Mode,
    plan::Plan,
    random::Random,
    store::{Deleted, Store},
    task::{Record, State},
};
use crate::{
    catalog::{Lookup, Model, catalog},
    options::Options,
};

/// The last moment that is told apart (the end of the year 9999): later ones count as this one, and those before 1970 as 1970.
const LAST_MOMENT: UnixMillis = 253_402_300_799_000;

/// Something that the service assumed where the real one would have looked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// The task that it is about.
    pub task_id: String,
    /// What was assumed, as a sentence.
    pub text: String,
}

/// The Ark video-generation task API: all tasks and files of one account, and the rules they live by.
///
/// ```
/// use ark_video_simulator::{Options, Reply, Service};
/// use bytes::Bytes;
/// use http::Request;
///
/// let mut service = Service::new(Options::default());
/// let create = Request::post("/api/v3/contents/generations/tasks")
///     .header("authorization", "Bearer any")
///     .body(Bytes::from(r#"{"model":"doubao-seedance-2-0-260128","content":[{"type":"text","text":"A boat."}]}"#))?;
/// let Reply::Answer(answer) = service.handle(1_795_313_730_000, create) else { unreachable!() };
/// assert_eq!(answer.status(), 200);
/// // Four seconds later it has succeeded, and is billed.
/// service.advance(1_795_313_734_000);
/// assert_eq!(service.bills()[0].tokens, 108_900);
/// # Ok::<(), http::Error>(())
/// ```
pub struct Service {
    options: Options,
    random: Random,
    store: Store,
    notes: Vec<Note>,
}

impl Service {
    /// A service without tasks.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let random = Random::new(options.seed);
        Self { options, random, store: Store::default(), notes: Vec::new() }
    }

    /// Answers one request at a moment, after letting everything happen that was due by then. Moments may stand still; a moment
    /// before the last one is taken as it is, and undoes nothing.
    pub fn handle(&mut self, now: UnixMillis, request: Request<Bytes>) -> Reply {
        let now = now.clamp(0, LAST_MOMENT);
        self.advance(now);
        let (parts, body) = request.into_parts();
        let request_id = self.random.request_id(now);
        let mut reply = if self.is_file(&parts) {
            self.store.files.serve(&parts, &request_id)
        } else {
            let answer = self.dispatch(now, &parts, &body, &request_id);
            Reply::Answer(answer.unwrap_or_else(|complaint| complaint.answer(&request_id)))
        };
        let headers = match &mut reply {
            Reply::Answer(answer) => answer.headers_mut(),
            Reply::Render(job) => &mut job.headers,
        };
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Some(id) = parts.headers.get(CLIENT_REQUEST_ID) {
            headers.insert(CLIENT_REQUEST_ID, id.clone());
        }
        reply
    }

    /// Lets everything happen that is due by `now`: starts, ends, expiry, forgetting.
    pub fn advance(&mut self, now: UnixMillis) {
        self.store.advance(now.clamp(0, LAST_MOMENT), &self.options, &mut self.random);
    }

    /// Every bill so far, as of the last moment that the service was told.
    #[must_use]
    pub fn bills(&self) -> &[Bill] {
        &self.store.bills
    }

    /// Takes the notes since the last call.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    /// How it behaves.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Sets what links to files start with, for a host that learns its address late.
    pub fn set_origin(&mut self, origin: impl Into<String>) {
        self.options.origin = origin.into();
    }

    fn is_file(&self, parts: &Parts) -> bool {
        let path = parts.uri.path();
        let api = below(path, &self.options.prefix).is_some_and(|rest| route(&parts.method, rest).is_some());
        !api && path.starts_with(files::MOUNT)
    }

    fn dispatch(
        &mut self,
        now: i64,
        parts: &Parts,
        body: &Bytes,
        request_id: &str,
    ) -> Checked<Response<Bytes>> {
        self.check_key(&parts.headers)?;
        let prefix = self.options.prefix.as_str();
        let Some(rest) = below(parts.uri.path(), prefix) else { return Err(nothing_at(parts)) };
        match route(&parts.method, rest) {
            Some(Route::Create) => {
                self.create(now, parts, body, request_id).map(|created| create::encode(&created))
            }
            Some(Route::Get { id }) => {
                let record = self.store.get(&id).ok_or_else(Complaint::not_found)?;
                Ok(get::encode(&record.show(&self.options)))
            }
            Some(Route::List) => {
                let asked = list::Request::from_http(parts, body, prefix)?;
                listing::tasks(now, &asked, &self.store, &self.options).map(|list| list::encode(&list))
            }
            Some(Route::Delete { id }) => self.delete(now, &id).map(|()| delete::encode()),
            Some(Route::Models) => Ok(models::encode(&listing::models())),
            _ => Err(nothing_at(parts)),
        }
    }

    fn check_key(&self, headers: &HeaderMap) -> Checked<()> {
        let given =
            headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
                let (scheme, key) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
            });
        let good = given.is_some_and(|given| match &self.options.key {
            Some(key) => given == key,
            None => !given.is_empty(),
        });
        if good {
            return Ok(());
        }
        let message = "The API key or AK/SK in the request is missing or invalid.";
        Err(Complaint::new(401, "AuthenticationError", message))
    }

    /// From the body to a queued task. The order is ours where the documents give none (key, size, model, members, structure,
    /// ranges and the model's rules); of several wrong fields one is told, and not always the same one.
    fn create(
        &mut self,
        now: i64,
        parts: &Parts,
        body: &Bytes,
        request_id: &str,
    ) -> Checked<CreateTaskResponse> {
        body::check_size(&parts.headers, body, &self.options.switches)?;
        let object = body::object(body)?;
        let model = self.model(body::model(&object)?)?;
        let request = body::request(object)?;
        let content = content::read(&request.content)?;
        let mut wrong = fields::check(&request, &self.options.switches);
        wrong.extend(checks::check(&request, &content, model, &self.options.switches));
        if !wrong.is_empty() {
            let told = self.random.pick(wrong.len());
            return Err(wrong.swap_remove(told));
        }
        let mut notes = Vec::new();
        let inherited = match content.draft {
            Some(draft) => self.draft(draft, model, &mut notes)?,
            None => None,
        };
        let plan = plan::make(
            &request,
            &content,
            model,
            inherited.as_ref(),
            &self.options,
            &mut self.random,
            &mut notes,
        );
        let draft = content.draft.filter(|_| content.mode == Mode::FromDraft).map(Into::into);
        let mut id = self.random.task_id(now);
        while self.store.contains(&id) {
            id = self.random.task_id(now);
        }
        self.notes.extend(notes.into_iter().map(|text| Note { task_id: id.clone(), text }));
        let mut created = CreateTaskResponse::new(id.as_str());
        created.safety_identifier.clone_from(&request.safety_identifier);
        let record =
            Record { draft_task: draft, ..record(now, id, model, &request, plan, parts, request_id) };
        self.store.add(record, &self.options);
        Ok(created)
    }

    fn model(&self, asked: &str) -> Checked<Model> {
        let model = match catalog().look_up(asked) {
            Lookup::Known(model) => Some(model),
            Lookup::Plan(model) if self.options.plan_names => Some(model),
            Lookup::Plan(_) => {
                let message = format!(
                    "The model {asked} is not supported here: it is a name of the subscription endpoint."
                );
                return Err(Complaint::new(404, "UnsupportedModel", message).param("model"));
            }
            Lookup::Unknown => None,
        };
        model.filter(|model| !checks::is_closed(*model, &self.options.switches)).ok_or_else(|| {
            let asked = content::shorten(asked);
            let message =
                format!("The model or endpoint {asked} does not exist or you do not have access to it.");
            Complaint::new(404, "InvalidEndpointOrModel.NotFound", message).param("model")
        })
    }

    /// The plan of the draft that a final names; `None` where it is unknown and may be (it could be from an earlier run).
    fn draft(&self, id: &str, model: Model, notes: &mut Vec<String>) -> Checked<Option<Plan>> {
        let refuse = |why: &str| Err(Complaint::invalid("content[0].draft_task.id", why));
        match self.store.get(id) {
            None if self.options.unknown_drafts => {
                notes.push("assumed a text draft of 5 s at 16:9, because this simulator did not make the draft that the request names".to_owned());
                Ok(None)
            }
            None => refuse("the draft task is not found"),
            Some(task) if !task.draft => refuse("the task is not a draft"),
            Some(task) if task.model.entry.id != model.entry.id => {
                refuse("the draft was made with another model")
            }
            Some(task) if task.state != State::Succeeded => refuse("the draft task has not succeeded"),
            Some(task) => Ok(Some(task.plan.clone())),
        }
    }

    fn delete(&mut self, now: i64, id: &str) -> Checked<()> {
        let conflict = |code: &'static str, why: &str| {
            let kind =
                if self.options.switches.is("conflict-type", "Conflict") { "Conflict" } else { "BadRequest" };
            Complaint::new(409, code, format!("Cannot delete task `{id}` because it is {why}.")).kind(kind)
        };
        match self.store.delete(now, id, &self.options) {
            Deleted::Cancelled | Deleted::Removed => Ok(()),
            Deleted::Running => Err(conflict("InvalidAction.RunningTaskDeletion", "currently running")),
            Deleted::AlreadyCancelled if self.options.switches.is("delete-cancelled", "not_found") => {
                Err(Complaint::not_found())
            }
            // The documents say "not supported" and no code.
            Deleted::AlreadyCancelled => Err(conflict("InvalidAction", "already cancelled")),
            Deleted::Unknown => Err(Complaint::not_found()),
        }
    }
}

fn record(
    now: i64,
    id: String,
    model: Model,
    request: &CreateTaskRequest,
    plan: Plan,
    parts: &Parts,
    request_id: &str,
) -> Record {
    let client = parts.headers.get(CLIENT_REQUEST_ID).and_then(|id| id.to_str().ok());
    Record {
        id,
        model,
        asked_model: request.model.as_str().into(),
        state: State::Queued,
        created: now,
        updated: now,
        expires_after: request.execution_expires_after.unwrap_or(172_800),
        flex: request.service_tier == Some(ServiceTier::Flex),
        priority: request.priority.unwrap_or(0),
        safety_identifier: request.safety_identifier.as_deref().map(Into::into),
        client_request_id: client.map(Into::into),
        draft: request.draft == Some(true),
        draft_task: None,
        wants_last_frame: request.return_last_frame == Some(true),
        plan,
        film: None,
        last_frame: None,
        request_id: request_id.into(),
    }
}

/// A path or a method that the API does not have.
fn nothing_at(parts: &Parts) -> Complaint {
    let tasks =
        parts.uri.path().contains("/contents/generations/tasks") || parts.uri.path().ends_with("/models");
    if tasks && ![Method::GET, Method::POST, Method::DELETE].contains(&parts.method) {
        return Complaint::new(405, "MethodNotAllowed", "The method is not allowed for this resource.");
    }
    Complaint::not_found()
}
