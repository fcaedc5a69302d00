//! A create, from its bytes to a queued task. The rules of each step are in the modules that it
//! calls.

use std::borrow::Cow;

use ark_video_model::{CreateTaskRequest, CreateTaskResponse, ServiceTier};
use ark_video_protocol::CLIENT_REQUEST_ID;
use bytes::Bytes;
use http::request::Parts;

use super::{
    Note, Service, body, checks,
    content::{self, Mode},
    flags, ledger, media, moderation,
    plan::{self, Plan},
    rates::RateLimitKey,
    store::StoreContext,
    task::{Record, State},
    violation::{Checked, Violation},
};
use crate::{
    catalog::{Facts, Lookup, Lookups, Model},
    faults::{Effect, FaultPoint, FaultRule, directives, effects},
};

/// One create under way.
pub(super) struct Create<'a> {
    pub(super) now: i64,
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Bytes,
    pub(super) request_id: &'a str,
    /// A fault of the plan that is about the task itself.
    pub(super) effect: Option<&'a Effect>,
    /// Faults that the prompt asks for.
    pub(super) directives: Vec<FaultRule>,
}

impl Service {
    /// From the body to a queued task. The order is ours where the documents give none (key, size,
    /// model, fields, structure, ranges and the model's rules, moderation, rates); of several
    /// wrong fields one is reported, and not always the same one.
    pub(super) fn create(&mut self, create: Create<'_>) -> Checked<CreateTaskResponse> {
        let Create { now, parts, request_id, .. } = create;
        body::check_size(&parts.headers, create.body, &self.options)?;
        let (model, mut request) = match body::whole(create.body) {
            Some(request) => (self.model(&request.model)?, request),
            None => {
                let object = body::object(create.body)?;
                (self.model(body::model(&object)?)?, body::request(object)?)
            }
        };
        let lifted = flags::extract_prompt_flags(&mut request, model, &self.options)?;
        let facts = media::facts(&request, &self.options, &std::mem::take(&mut self.measured));
        let mut wrong = checks::check(&mut request, model, &self.rules, &lifted, &facts);
        if !wrong.is_empty() {
            let reported = self.random.pick(wrong.len());
            return Err(wrong.swap_remove(reported));
        }
        let content = content::read(&request, &facts);
        moderation::check(&request.content)?;
        let mut notes = Vec::new();
        let inherited = match content.draft {
            Some(draft) => self.draft(draft, model, &mut notes)?,
            None => None,
        };
        let mut plan = plan::make(
            &request,
            &content,
            model,
            inherited.as_ref(),
            &self.options,
            &mut self.random,
            &mut notes,
        );
        let running_at_a_time = self.admit(now, &request, &plan, model)?;
        let slow = self.apply_faults(&create, &mut plan);
        let draft = content.draft.filter(|_| content.mode == Mode::FromDraft).map(Into::into);
        let prompt_faults =
            content.prompt.and_then(|prompt| self.faults.prompt_faults(prompt, create.directives));
        let flex = request.service_tier == Some(ServiceTier::Flex);
        let mut id = self.random.task_id(now, flex);
        while self.store.contains(&id) {
            id = self.random.task_id(now, flex);
        }
        self.notes.extend(notes.into_iter().map(|text| Note { task_id: id.clone(), text }));
        let mut created = CreateTaskResponse::new(id.as_str());
        created.safety_identifier.clone_from(&request.safety_identifier);
        let expires_after = request
            .execution_expires_after
            .unwrap_or(self.options.catalog.defaults.execution_expires_after.value);
        let record = record(now, id, model, &request, plan, parts, request_id);
        let record =
            Record { draft_task: draft, expires_after, running_at_a_time, prompt_faults, slow, ..record };
        let mut context =
            StoreContext { options: &self.options, random: &mut self.random, faults: &mut self.faults };
        let place = self.store.add(record, ledger::hash(create.body), &mut context);
        self.recent.add(place, content.prompt, create.body);
        create.effect.iter().for_each(|effect| self.recent.fault(place, FaultPoint::Create, effect));
        Ok(created)
    }

    pub(super) fn model(&self, requested: &str) -> Checked<Model> {
        let model = match self.options.catalog.look_up(requested) {
            Lookup::Known(model) => Some(model),
            Lookup::Plan(model) if self.options.plan_names => Some(model),
            Lookup::Plan(_) => {
                let code = "UnsupportedModel";
                let message = effects::message_of(code, &content::shorten(requested));
                return Err(Violation::new(404, code, message).param("model"));
            }
            Lookup::Unknown => None,
        };
        model.filter(|model| !checks::is_closed(*model, &self.options.switches)).ok_or_else(|| {
            let code = "InvalidEndpointOrModel.NotFound";
            let message = effects::message_of(code, &content::shorten(requested));
            Violation::new(404, code, message).param("model")
        })
    }

    /// The plan of the draft that a final names; `None` where it is unknown and may be (it could be
    /// from an earlier run).
    fn draft(&self, id: &str, model: Model, notes: &mut Vec<String>) -> Checked<Option<Plan>> {
        let refuse = |why: &str| Err(Violation::invalid("content[0].draft_task.id", why));
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

    /// Holds a create against the account's limits, and counts it. How many that share a limit with
    /// it run at a time; `None` without limits.
    fn admit(
        &mut self,
        now: i64,
        request: &CreateTaskRequest,
        plan: &Plan,
        model: Model,
    ) -> Checked<Option<u32>> {
        let Some(rates) = &self.options.rates else { return Ok(None) };
        let entry = model.entry;
        let facts = Facts {
            family: &entry.family,
            site: entry.site,
            resolution: plan.resolution.as_str(),
            flex: request.service_tier == Some(ServiceTier::Flex),
            input_video: plan.input_seconds > 0,
            audio: false,
        };
        // Models without a row, and the offline tier, have no limit of this kind.
        let Some(row) = self.options.catalog.create_rate(&facts, rates.account.name()) else {
            return Ok(None);
        };
        let key = RateLimitKey::of(model, plan.resolution.as_str());
        let per_minute = row.per_minute.map(|documented| rates.creates_per_minute.unwrap_or(documented));
        let running = row.concurrent.map(|documented| rates.running.unwrap_or(documented));
        let queued = rates.queued;
        if let Some(wait) = per_minute.and_then(|most| self.calls.create_wait(key, now, most)) {
            let code = if request.model.starts_with("ep-") {
                "RateLimitExceeded.EndpointRPMExceeded"
            } else {
                "ModelAccountRpmRateLimitExceeded"
            };
            return Err(self.too_fast("create", code, wait));
        }
        if running.is_some() && self.store.slots.queued(key) >= queued {
            // One code, two texts; that of a full queue.
            let mut full = self.too_fast("create", "QuotaExceeded", 60_000);
            full.say("The request has exceeded the quota.");
            return Err(full);
        }
        self.calls.created(key, now);
        Ok(running)
    }

    /// A refusal because of a rate, which the ledger counts.
    pub(super) fn too_fast(&mut self, operation: &'static str, code: &'static str, wait: i64) -> Violation {
        self.store.lines.exceed(operation, code);
        let violation = Violation::new(429, code, effects::message_of(code, ""));
        if self.options.switches.is("retry-after-header", "present") {
            return violation.retry_after(wait.saturating_add(999) / 1000);
        }
        violation
    }

    /// Lets faults decide how the task ends; how many times longer it runs.
    fn apply_faults(&self, create: &Create<'_>, plan: &mut Plan) -> u32 {
        let directives = create.directives.iter().map(|rule| &rule.effect);
        let mut slow = 1;
        for effect in create.effect.into_iter().chain(directives) {
            match effect {
                Effect::Fail { code, message } => {
                    let message = message.clone().unwrap_or_else(|| effects::message_of(code, ""));
                    plan.failure = Some(Box::new((Cow::Owned(code.clone()), message)));
                }
                Effect::Slow { times } => slow = *times,
                _ => {}
            }
        }
        slow
    }
}

/// The faults that the prompt of a body asks for; none where the body is no create.
pub(super) fn directives(body: &Bytes) -> Checked<Vec<FaultRule>> {
    if !directives::may_hold(body) {
        return Ok(Vec::new());
    }
    let Ok(object) = body::object(body) else { return Ok(Vec::new()) };
    let prompt = directives::prompt(&object).unwrap_or_default();
    directives::read(prompt).map_err(|why| Violation::invalid("content[0].text", format!("simulator: {why}")))
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
    let callback = request.callback_url.as_deref().filter(|url| !url.is_empty());
    Record {
        id: id.into(),
        model,
        endpoint: (request.model != model.entry.id).then(|| request.model.as_str().into()),
        state: State::Queued,
        created: now,
        updated: now,
        expires_after: 0,
        flex: request.service_tier == Some(ServiceTier::Flex),
        priority: request.priority.unwrap_or(0),
        safety_identifier: request.safety_identifier.as_deref().map(Into::into),
        client_request_id: client.map(Into::into),
        callback_url: callback.map(Into::into),
        running_at_a_time: None,
        place: 0,
        prompt_faults: None,
        slow: 1,
        draft: request.draft == Some(true),
        draft_task: None,
        wants_last_frame: request.return_last_frame == Some(true),
        request_id: plan.failure.is_some().then(|| request_id.into()),
        plan,
        video: None,
        last_frame: None,
    }
}
