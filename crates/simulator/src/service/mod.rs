//! The API as a pure state machine: (time, request) in, reply out.
//!
//! Everything that changes is in [`Service`]; the modules beside it are the steps of a request in
//! the order they are taken: `body` (bytes to a typed request), `checks` (everything that is
//! refused, by the rules of the model crate), `content` (what the items make), `plan` (what will
//! come out), `store` (the states by time, with `tasks` and what is `due`), `task` and `listing`
//! (what is shown), `files` and `reply` (results). Beside them: `rates` (how often, how many at a
//! time), `ledger` and `price` (what it cost), `callbacks`, `flags` (inside prompts), `moderation`
//! (by address). No clock, socket, file, environment or randomness from outside.

mod body;
mod callbacks;
mod checks;
mod content;
mod create;
mod due;
pub(crate) mod files;
mod flags;
mod intent;
mod ledger;
mod listing;
mod media;
mod moderation;
mod plan;
mod price;
pub(crate) mod random;
mod rates;
mod recent;
pub(crate) mod reply;
mod snapshot;
mod store;
mod task;
mod tasks;
#[cfg(test)]
mod tests;
pub(crate) mod violation;
mod wording;

use std::borrow::Cow;

use ark_video_model::{Task, catalog::Catalog, check::MediaFacts};
use ark_video_protocol::{
    CLIENT_REQUEST_ID, REQUEST_ID, Route, UnixMillis, below, create as create_endpoint, delete, gateway, get,
    list, models, route,
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header, request::Parts, uri::Authority,
};
use serde_json::{Map, Value};

pub use self::{
    callbacks::{Callback, CallbackCounts},
    ledger::{Bill, Entry, Exceeded, Intent, Ledger},
    price::Price,
    reply::{ConnectionFault, Delivery, FaultyReply, FilePart, FinishError, RenderJob, Reply},
    snapshot::SnapshotError,
};
use self::{
    create::Create,
    random::Random,
    rates::Calls,
    recent::{Details, Recent},
    store::{Deleted, Store, StoreContext},
    task::Record,
    violation::{Checked, Violation},
};
use crate::{
    catalog::Lookups,
    faults::{
        Effect, FaultCount, FaultPlan, FaultPlanError, FaultPoint, FaultRule, directives, effects,
        engine::{self, Call, Engine},
    },
    options::Options,
    render::StillFormat,
};

/// The latest time (the end of the year 9999): later times count as this one, and those before 1970
/// as 1970.
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

/// The Ark video-generation task API: all tasks and files of one account, and the rules they live
/// by.
///
/// ```
/// use ark_video_simulator::{Options, Reply, Service};
/// use bytes::Bytes;
/// use http::Request;
///
/// let mut service = Service::new(Options::default());
/// let create = Request::post("/api/v3/contents/generations/tasks")
///     .header("authorization", "Bearer any")
///     .body(Bytes::from(
///         r#"{
///             "model": "doubao-seedance-2-0-260128",
///             "content": [{"type": "text", "text": "A boat."}]
///         }"#,
///     ))?;
/// let Reply::Answer(answer) = service.handle(1_795_313_730_000, create) else { unreachable!() };
/// assert_eq!(answer.status(), 200);
/// // Four seconds later it has succeeded, and is billed.
/// service.advance(1_795_313_734_000);
/// assert_eq!(service.bills()[0].tokens, 108_900);
/// assert_eq!(service.bills()[0].price.unwrap().to_string(), "5.0094 CNY");
/// # Ok::<(), http::Error>(())
/// ```
pub struct Service {
    options: Options,
    random: Random,
    store: Store,
    calls: Calls,
    faults: Engine,
    notes: Vec<Note>,
    recent: Recent,
    /// What requests are held against: the catalog with the switches of the options.
    rules: Cow<'static, Catalog>,
    /// Facts of media behind the URLs of the next create.
    measured: media::Measured,
    /// The second that was dated last, and its date: many answers are made in one.
    date: (i64, HeaderValue),
}

/// What a request is for.
enum Target {
    File,
    Api(Option<Route>),
}

impl Target {
    fn place(&self) -> Option<FaultPoint> {
        Some(match self {
            Self::File => FaultPoint::File,
            Self::Api(Some(Route::Create)) => FaultPoint::Create,
            Self::Api(Some(Route::Get { .. })) => FaultPoint::Get,
            Self::Api(Some(Route::List)) => FaultPoint::List,
            Self::Api(Some(Route::Delete { .. })) => FaultPoint::Delete,
            Self::Api(Some(Route::Models)) => FaultPoint::Models,
            Self::Api(_) => return None,
        })
    }
}

impl Service {
    /// A service without tasks.
    #[must_use]
    pub fn new(mut options: Options) -> Self {
        options.switches.follow(options.catalog);
        let (random, rules) = (Random::new(options.seed), options.switches.rules(options.catalog));
        Self {
            options,
            random,
            store: Store::default(),
            calls: Calls::default(),
            faults: Engine::default(),
            notes: Vec::new(),
            recent: Recent::default(),
            rules,
            measured: media::Measured::new(),
            date: (i64::MIN, HeaderValue::from_static("")),
        }
    }

    /// Notes what is behind URLs of the next create, for its checks and its bill. Without it the
    /// length of a reference video is assumed.
    pub fn measured(&mut self, media: impl IntoIterator<Item = (String, MediaFacts)>) {
        self.measured.extend(media);
    }

    /// Answers one request at a given time, after all events that are due by then. The time may
    /// stand still; a time before the last one is taken as it is, and undoes nothing.
    pub fn handle(&mut self, now: UnixMillis, request: Request<Bytes>) -> Reply {
        let now = now.clamp(0, LAST_MOMENT);
        self.advance(now);
        let (parts, body) = request.into_parts();
        let request_id = self.random.request_id(now);
        let target = self.target(&parts);
        let place = target.place();
        let own_origin = self.follow_host(&parts.headers);
        let mut reply = self.answer(now, target, &parts, &body, &request_id);
        if let (Some(dialect), Some(place)) = (&self.options.dialect, place) {
            dialect.apply(place, &mut reply);
        }
        if let Some(headers) = reply.headers_mut() {
            // Clients correct their clocks by it: it is the time that tasks are dated by.
            let second = now.div_euclid(1000);
            if self.date.0 != second
                && let Ok(date) = HeaderValue::try_from(random::time(now, reply::HTTP_DATE))
            {
                self.date = (second, date);
            }
            headers.insert(header::DATE, self.date.1.clone());
            if let Ok(id) = HeaderValue::try_from(request_id) {
                if self.options.switches.is("log-id-header", "present") {
                    headers.insert(HeaderName::from_static("x-tt-logid"), id.clone());
                }
                headers.insert(REQUEST_ID, id);
            }
            if let Some(id) = parts.headers.get(CLIENT_REQUEST_ID) {
                headers.insert(CLIENT_REQUEST_ID, id.clone());
            }
        }
        if let Some(origin) = own_origin {
            self.options.origin = origin;
        }
        reply
    }

    /// Lets the links of this answer start with the host that the client asked; gives the origin to
    /// put back.
    fn follow_host(&mut self, headers: &HeaderMap) -> Option<String> {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok())?;
        if !self.options.links_follow_host || self.options.origin.strip_prefix("http://") == Some(host) {
            return None;
        }
        // Only what can be host and port: anything else in a link would lead elsewhere.
        host.parse::<Authority>().ok().filter(|host| !host.as_str().contains('@'))?;
        Some(std::mem::replace(&mut self.options.origin, format!("http://{host}")))
    }

    /// Lets everything happen that is due by `now`: starts, ends, expiry, forgetting.
    pub fn advance(&mut self, now: UnixMillis) {
        let now = now.clamp(0, LAST_MOMENT);
        let (store, mut context) = self.split();
        store.advance(now, &mut context);
    }

    /// When something happens by itself next, a callback included: the latest time at which to call
    /// [`advance`](Self::advance) for one who wants to know of it at once.
    #[must_use]
    pub fn next_event(&self) -> Option<UnixMillis> {
        [self.store.next(), self.store.callbacks.next()].into_iter().flatten().min()
    }

    /// Every bill so far, in the order of charging, as of the last time passed in.
    #[must_use]
    pub fn bills(&self) -> Vec<Bill> {
        self.store.lines.bills()
    }

    /// Everything that was accepted, ran and was billed, as of the last time passed in.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.store.lines.ledger()
    }

    /// Lets things go wrong by another plan from now on.
    ///
    /// # Errors
    /// A rule makes no sense; the old plan stays.
    pub fn set_faults(&mut self, plan: FaultPlan) -> Result<(), FaultPlanError> {
        self.faults.follow(plan)
    }

    /// Adds a rule that is asked before all others.
    ///
    /// # Errors
    /// The rule makes no sense.
    pub fn add_fault(&mut self, rule: FaultRule) -> Result<(), FaultPlanError> {
        self.faults.add_first(rule)
    }

    /// How often each rule matched and fired.
    #[must_use]
    pub fn fault_counts(&self) -> Vec<FaultCount> {
        self.faults.counts()
    }

    /// Takes the callbacks that are due. Report the outcome of each with
    /// [`callback_done`](Self::callback_done).
    pub fn take_callbacks(&mut self, now: UnixMillis) -> Vec<Callback> {
        self.store.callbacks.take(now.clamp(0, LAST_MOMENT))
    }

    /// Reports the outcome of a callback: the response's status, or `None` if none came within five
    /// seconds.
    pub fn callback_done(&mut self, now: UnixMillis, number: u64, status: Option<u16>) {
        let now = now.clamp(0, LAST_MOMENT);
        let ended = self.store.callbacks.done(now, number, status, &self.options.switches);
        if let Some(task_id) = ended {
            self.store.lines.end_acknowledged(&task_id);
        }
    }

    /// Reports how many bytes of a part of a video were sent to a client.
    pub fn delivered(&mut self, delivery: Delivery, bytes: usize) {
        let Delivery { place, start, total } = delivery;
        self.store.lines.sent(place, start, start + bytes, total);
    }

    /// Whether any task has a callback URL, so that the host must poll
    /// [`take_callbacks`](Self::take_callbacks).
    #[must_use]
    pub fn calls_back(&self) -> bool {
        self.store.callbacks.wanted
    }

    /// From now on keeps what a status page shows of the newest tasks: prompt, request, faults.
    pub(crate) fn keep_details(&mut self) {
        self.recent.keep();
    }

    /// Tasks as a get shows them, newest first, each with its ledger entry and its details: at most
    /// `most` after the `skip` newest. Does not count as a poll.
    #[must_use]
    pub(crate) fn newest(&self, skip: usize, most: usize) -> Vec<(Task, Option<Entry>, Option<&Details>)> {
        let shown = |record: &Record| {
            let (entry, details) = (self.store.lines.entry(record.place), self.recent.get(record.place));
            (record.show(&self.options), entry, details)
        };
        self.store.newest_first().skip(skip).take(most).map(shown).collect()
    }

    /// How many tasks [`newest`](Self::newest) can show.
    #[must_use]
    pub(crate) fn task_count(&self) -> usize {
        self.store.newest_first().count()
    }

    /// The video of a task, or its last frame, also when its link has expired. Does not count as a
    /// download. `headers` may ask for a range.
    #[must_use]
    pub fn video(&self, id: &str, last_frame: bool, headers: &HeaderMap) -> Option<RenderJob> {
        let record = self.store.get(id)?;
        let link = if last_frame { &record.last_frame } else { &record.video }.as_deref()?;
        let png = self.options.switches.is("last-frame-format", "png");
        let still = if png { StillFormat::Png } else { StillFormat::Jpeg };
        let part = if last_frame { FilePart::LastFrame(still) } else { FilePart::Video };
        Some(RenderJob::new(record.plan.video_spec(), part, link.signed(), headers))
    }

    /// How callbacks fared.
    #[must_use]
    pub fn callback_counts(&self) -> CallbackCounts {
        self.store.callbacks.counts
    }

    /// Forgets everything but how it behaves: tasks, files, bills, faults, and how far the random
    /// sequence is.
    pub fn reset(&mut self) {
        let recent = self.recent.emptied();
        *self = Self { recent, ..Self::new(self.options.clone()) };
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

    fn split(&mut self) -> (&mut Store, StoreContext<'_>) {
        let context =
            StoreContext { options: &self.options, random: &mut self.random, faults: &mut self.faults };
        (&mut self.store, context)
    }

    fn target(&self, parts: &Parts) -> Target {
        let path = parts.uri.path();
        let target = match below(path, &self.options.prefix).and_then(|rest| route(&parts.method, rest)) {
            None if path.starts_with(files::MOUNT) => Target::File,
            route => Target::Api(route),
        };
        match (&self.options.dialect, target.place()) {
            (Some(dialect), Some(place)) if dialect.omits(place) => Target::Api(None),
            _ => target,
        }
    }

    fn answer(&mut self, now: i64, target: Target, parts: &Parts, body: &Bytes, request_id: &str) -> Reply {
        let refuse = |violation: Violation| Reply::Answer(violation.answer(request_id));
        let directives = match &target {
            Target::Api(Some(Route::Create)) => match create::directives(body) {
                Ok(directives) => directives,
                Err(violation) => return refuse(violation),
            },
            _ => Vec::new(),
        };
        let mut effect = self.fault_for(&target, parts, body, &directives);
        // What a plan asks for, the switch may rule out.
        if let Some(Effect::Status { status: 500, accepted, .. }) = &mut effect {
            *accepted &= !self.options.switches.is("create-after-500", "never_created");
        }
        let file = matches!(target, Target::File);
        if let (Some(effect), Some(at), Some(place)) = (&effect, target.place(), self.subject(&target, parts))
        {
            self.recent.fault(place, at, effect);
        }
        if let Some(reply) = effect.as_ref().and_then(|effect| effects::instead(effect, file, request_id)) {
            return reply;
        }
        let reply = match target {
            Target::File => {
                let terms = files::Terms::of(&self.options);
                let (reply, video) = self.store.files.serve(parts, terms, request_id);
                if let Some(line) = video.and_then(|place| self.store.lines.line(place)) {
                    line.downloads = line.downloads.saturating_add(1);
                }
                reply
            }
            Target::Api(route) => {
                let create = Create { now, parts, body, request_id, effect: effect.as_ref(), directives };
                self.dispatch(route, create).map_or_else(refuse, Reply::Answer)
            }
        };
        match effect {
            Some(effect) => effects::afterwards(&effect, reply, request_id),
            None => reply,
        }
    }

    /// The place of the existing task that a request is about.
    fn subject(&mut self, target: &Target, parts: &Parts) -> Option<u32> {
        match target {
            Target::File => self.store.owner_mut(parts.uri.path()).map(|record| record.place),
            Target::Api(Some(Route::Get { id } | Route::Delete { id })) => {
                self.store.get(id).map(|record| record.place)
            }
            _ => None,
        }
    }

    /// The fault for a call: by the plan, else by the directives of the prompt.
    fn fault_for(
        &mut self,
        target: &Target,
        parts: &Parts,
        body: &Bytes,
        directives: &[FaultRule],
    ) -> Option<Effect> {
        let place = target.place()?;
        let record = match target {
            Target::File => self.store.owner_mut(parts.uri.path()),
            Target::Api(Some(Route::Get { id } | Route::Delete { id })) => self.store.get_mut(id),
            Target::Api(Some(Route::Create)) if !(self.faults.is_idle() && directives.is_empty()) => {
                let object = body::object(body).unwrap_or_default();
                let call = Call {
                    model: object.get("model").and_then(Value::as_str),
                    prompt: directives::prompt(&object),
                    ..Call::of(place)
                };
                return self
                    .faults
                    .decide(call)
                    .or_else(|| self.faults.directives(directives, ledger::hash(body)));
            }
            _ => None,
        };
        let Some(record) = record else { return self.faults.decide(Call::of(place)) };
        let state = record.state.word();
        let call = Call {
            model: Some(record.asked_model()),
            prompt_faults: record.prompt_faults.as_deref(),
            state: Some(state),
            ..Call::of(place)
        };
        let decided = self.faults.decide(call);
        decided.or_else(|| engine::directives_later(record.prompt_faults.as_mut(), place, state))
    }

    fn dispatch(&mut self, route: Option<Route>, call: Create<'_>) -> Checked<Response<Bytes>> {
        let parts = call.parts;
        self.check_key(&parts.headers)?;
        match route {
            Some(Route::Create) => self.create(call).map(|created| create_endpoint::encode(&created)),
            Some(Route::Get { id }) => {
                self.pace("get", call.now)?;
                let record = self.store.get(&id).ok_or_else(Violation::not_found)?;
                let (answer, place) = (get::encode(&record.show(&self.options)), record.place);
                self.store.lines.reported(place);
                Ok(answer)
            }
            Some(Route::List) => self.list(call),
            Some(Route::Delete { id }) => {
                self.pace("delete", call.now)?;
                self.delete(call.now, &id).map(|()| delete::encode())
            }
            Some(Route::Models) => Ok(models::encode(&listing::models(self.options.catalog))),
            _ => Err(self.nothing_at(parts)),
        }
    }

    /// A path or a method that the API does not have.
    fn nothing_at(&self, parts: &Parts) -> Violation {
        const METHODS: [Method; 3] = [Method::DELETE, Method::GET, Method::POST];
        let path = below(parts.uri.path(), &self.options.prefix);
        let allowed: Vec<Method> = METHODS
            .into_iter()
            .filter(|method| path.and_then(|path| route(method, path)).is_some())
            .collect();
        if allowed.is_empty() || METHODS.contains(&parts.method) {
            return Violation::not_found();
        }
        Violation::new(405, "MethodNotAllowed", "The method is not allowed for this resource.")
            .allow(&allowed)
    }

    fn check_key(&self, headers: &HeaderMap) -> Checked<()> {
        let given = gateway::bearer(headers);
        let good = given.is_some_and(|given| match &self.options.key {
            Some(key) => given == key,
            None => true,
        });
        if good {
            return Ok(());
        }
        // Two texts were recorded: of a key that the service does not have, and of none.
        let message = match given {
            Some(_) => "The API key doesn't exist.",
            None => "The API key or AK/SK in the request is missing or invalid.",
        };
        Err(Violation::new(401, "AuthenticationError", message))
    }

    /// Holds a call against the account's rate of it.
    fn pace(&mut self, operation: &'static str, now: i64) -> Checked<()> {
        let most = self.options.rates.as_ref().and_then(|_| self.options.catalog.per_second(operation));
        let Some(Err(wait)) = most.map(|most| self.calls.take(operation, now, most)) else { return Ok(()) };
        Err(self.too_fast(operation, "APIAccountRpmRateLimitExceeded", wait))
    }

    fn list(&mut self, call: Create<'_>) -> Checked<Response<Bytes>> {
        self.pace("list", call.now)?;
        let requested = list::Request::from_http(call.parts, call.body, &self.options.prefix)?;
        let shift = if let Some(Effect::ShiftingPages { by }) = call.effect { *by } else { 0 };
        let tasks = listing::tasks(call.now, &requested, &self.store, &self.options, shift)?;
        let mut faults: Vec<Option<Effect>> = Vec::with_capacity(tasks.items.len());
        for task in &tasks.items {
            let Some(record) = self.store.get_mut(&task.id) else { continue };
            let state = record.state.word();
            let of_task = Call {
                model: Some(record.asked_model()),
                prompt_faults: record.prompt_faults.as_deref(),
                state: Some(state),
                item: true,
                ..Call::of(FaultPoint::List)
            };
            let decided = self.faults.decide(of_task);
            let effect = decided
                .or_else(|| engine::directives_later(record.prompt_faults.as_mut(), FaultPoint::List, state));
            let place = record.place;
            effect.iter().for_each(|effect| self.recent.fault(place, FaultPoint::List, effect));
            faults.push(effect);
            self.store.lines.reported(place);
        }
        let answer = list::encode(&tasks);
        if faults.iter().all(Option::is_none) {
            return Ok(answer);
        }
        let (head, body) = answer.into_parts();
        let mut value: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
        let items = value.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten();
        for (item, effect) in items.filter_map(Value::as_object_mut).zip(faults) {
            effect.iter().for_each(|effect| effects::task_with(effect, item));
        }
        Ok(Response::from_parts(head, Bytes::from(Value::Object(value).to_string())))
    }

    fn delete(&mut self, now: i64, id: &str) -> Checked<()> {
        let kind =
            if self.options.switches.is("conflict-type", "Conflict") { "Conflict" } else { "BadRequest" };
        let conflict = |code: &'static str, why: &str| {
            Violation::new(409, code, format!("Cannot delete task `{id}` because it is {why}.")).kind(kind)
        };
        let (store, mut context) = self.split();
        match store.delete(now, id, &mut context) {
            Deleted::Cancelled | Deleted::Removed => Ok(()),
            Deleted::Running => Err(conflict("InvalidAction.RunningTaskDeletion", "currently running")),
            Deleted::AlreadyCancelled if self.options.switches.is("delete-cancelled", "not_found") => {
                Err(Violation::not_found())
            }
            // The documents say "not supported" and no code.
            Deleted::AlreadyCancelled => Err(conflict("InvalidAction", "already cancelled")),
            Deleted::Unknown => Err(Violation::not_found()),
        }
    }
}
