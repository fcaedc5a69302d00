//! One task: what is kept of it, and what a get shows in each state.

use std::sync::Arc;

use ark_video_model::{
    OutputFormat, ServiceTier, Task, TaskContent, TaskError, TaskStatus, Tool, ToolType, ToolUsage, Usage,
};

use serde::{Deserialize, Serialize};

use super::{files::Link, plan::Plan, rates::RateLimitKey, violation::signed};
use crate::{
    catalog::{Facts, Model},
    faults::engine::PromptFaults,
    options::Options,
    render::Container,
};

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
    Expired,
}

impl State {
    /// As the service spells it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    pub(crate) fn status(self) -> TaskStatus {
        match self {
            Self::Queued => TaskStatus::Queued,
            Self::Running => TaskStatus::Running,
            Self::Succeeded => TaskStatus::Succeeded,
            Self::Failed => TaskStatus::Failed,
            Self::Cancelled => TaskStatus::Cancelled,
            Self::Expired => TaskStatus::Expired,
        }
    }
}

/// What is kept of a task. No prompt and no media: a hundred thousand of them must fit into memory.
/// A snapshot holds it as it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) id: Arc<str>,
    /// A part of the catalog: a snapshot has its id beside the record.
    #[serde(skip, default = "Model::first")]
    pub(crate) model: Model,
    /// The `model` of the request, which the list filters by, where it is not the id of the model.
    pub(crate) endpoint: Option<Box<str>>,
    pub(crate) state: State,
    /// Milliseconds since 1970.
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) expires_after: i64,
    pub(crate) flex: bool,
    pub(crate) priority: i64,
    pub(crate) safety_identifier: Option<Box<str>>,
    /// Moves on to the ledger when the task is taken in.
    #[serde(skip)]
    pub(crate) client_request_id: Option<Box<str>>,
    pub(crate) callback_url: Option<Box<str>>,
    /// How many of those that share a limit with it run at a time; `None` without limits.
    pub(crate) running_at_a_time: Option<u32>,
    /// Its place in the ledger.
    pub(crate) place: u32,
    /// What is kept of its prompt for faults, which belong to a run.
    #[serde(skip)]
    pub(crate) prompt_faults: Option<Box<PromptFaults>>,
    /// How many times longer it runs.
    pub(crate) slow: u32,
    pub(crate) draft: bool,
    pub(crate) draft_task: Option<Box<str>>,
    pub(crate) wants_last_frame: bool,
    pub(crate) plan: Plan,
    /// The video and its last frame, once there are any.
    #[serde(alias = "film")]
    pub(crate) video: Option<Box<Link>>,
    pub(crate) last_frame: Option<Box<Link>>,
    /// The request that a failure message names; kept only for tasks that will fail.
    pub(crate) request_id: Option<Box<str>>,
}

impl Record {
    /// The model as the request named it.
    pub(crate) fn asked_model(&self) -> &str {
        self.endpoint.as_deref().unwrap_or(&self.model.entry.id)
    }

    /// What shares a limit with it, and how many of those run at a time.
    pub(crate) fn key(&self) -> Option<(RateLimitKey, u32)> {
        Some((RateLimitKey::of(self.model, self.plan.resolution.as_str()), self.running_at_a_time?))
    }

    pub(crate) fn tier(&self) -> ServiceTier {
        if self.flex { ServiceTier::Flex } else { ServiceTier::Default }
    }

    /// What decides its price.
    pub(crate) fn facts(&self) -> Facts<'_> {
        let entry = self.model.entry;
        Facts {
            family: &entry.family,
            site: entry.site,
            resolution: self.plan.resolution.as_str(),
            flex: self.flex,
            input_video: self.plan.input_seconds > 0,
            audio: self.plan.generate_audio.unwrap_or(false),
        }
    }

    /// The task as get, list and callbacks show it.
    ///
    /// The 1.0 models show five fields until they are done; the newer ones also show the settings
    /// of the request. Everything about the video comes with success (live responses, 2026-10).
    pub(crate) fn show(&self, options: &Options) -> Task {
        let family = &*self.model.entry.family;
        let switches = &options.switches;
        let mut task = Task::new(&*self.id, &*self.model.entry.id, self.state.status());
        task.created_at = Some(self.created.div_euclid(1000));
        task.updated_at = Some(self.updated.div_euclid(1000));
        // Not among the fields seen before success, but the documents say "if sent", and clients
        // find lost tasks by it.
        task.safety_identifier = self.safety_identifier.as_deref().map(str::to_owned);
        let older = family.starts_with("1.0");
        if !older || !matches!(self.state, State::Queued | State::Running) {
            task.service_tier = Some(self.tier());
            task.execution_expires_after = Some(self.expires_after);
        }
        if !older {
            task.draft = (self.draft || switches.is("draft-in-answers", "always")).then_some(self.draft);
            task.draft_task_id = self.draft_task.as_deref().map(str::to_owned);
            let shown = family != "2.0-mini" || switches.is("generate-audio-echo-on-mini", "present");
            task.generate_audio = self.plan.generate_audio.filter(|_| shown);
        }
        if family.starts_with('2') {
            task.priority = Some(self.priority);
        }
        match (self.state, self.plan.failure.as_deref()) {
            (State::Succeeded, _) => self.show_video(&mut task, options),
            (State::Failed, Some((code, message))) => {
                let request_id = self.request_id.as_deref().unwrap_or_default();
                task.error = Some(TaskError::new(code.as_ref(), signed(message, request_id)));
            }
            _ => {}
        }
        task
    }

    fn show_video(&self, task: &mut Task, options: &Options) {
        let plan = &self.plan;
        let link = |link: &Option<Box<Link>>| link.as_ref().map(|link| link.url(options));
        let mut content = TaskContent::default();
        content.video_url = link(&self.video);
        content.last_frame_url = link(&self.last_frame);
        task.content = Some(content);
        let mut usage = Usage::default();
        usage.completion_tokens = Some(plan.tokens);
        usage.total_tokens = Some(plan.tokens);
        if let Some(searches) = plan.web_searches {
            let mut tools = ToolUsage::default();
            tools.web_search = Some(searches);
            usage.tool_usage = Some(tools);
            task.tools = (searches > 0).then(|| vec![Tool::new(ToolType::WebSearch)]);
        }
        task.usage = Some(usage);
        task.seed = Some(plan.seed);
        task.resolution = Some(plan.resolution.clone());
        task.ratio = Some(plan.ratio.clone());
        task.frames = plan.frames;
        task.duration = if plan.frames.is_some() { None } else { Some(plan.seconds) };
        task.framespersecond = Some(24);
        if self.model.entry.family.starts_with("2.5") {
            task.output_format =
                Some(if plan.container == Container::Mov { OutputFormat::Mov } else { OutputFormat::Mp4 });
        }
    }
}
