//! The tools about tasks that exist: get, list, wait, cancel, reconcile. None of them creates one.

use std::time::Duration;

use ark_video::ListQuery;
use ark_video::model::Task;
use ark_video_batch::{CasOutcome, Job, JobFilter, State};
use futures_util::TryStreamExt as _;
use rmcp::RoleServer;
use rmcp::model::ProgressNotificationParam;
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::RequestContext;
use serde::Deserialize;
use serde_json::{Value, json};

use super::BATCH;
use super::context::Context;
use super::error::ToolError;
use super::view::{TaskView, is_done};
use crate::exit::Exit;
use crate::failure::Failure;

/// How often the journal is read while waiting.
const PACE: Duration = Duration::from_millis(250);
/// How often progress is reported.
const REPORT: Duration = Duration::from_secs(2);
/// How long `reconcile` waits for what the search finds.
const SEARCH: Duration = Duration::from_secs(3);
/// Tasks in one answer.
const MOST: usize = 50;

/// One task.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskId {
    /// `id` or `task_id` of a task
    pub(super) id: String,
}

/// `wait`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitArgs {
    /// `id` or `task_id` of a task
    id: String,
    /// 0 to 600; default 45
    timeout_seconds: Option<u64>,
}

/// `list`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListArgs {
    /// 1 to 50; default 20
    limit: Option<usize>,
    /// All tasks of the account in the last 7 days, of other programs too
    account: Option<bool>,
}

/// A task of the journal by its id or the service's.
pub(super) async fn job(context: &Context, id: &str) -> Result<Option<Job>, ToolError> {
    if let Some(job) = context.journal.job(&format!("{BATCH}/{id}")).await? {
        return Ok(Some(job));
    }
    let mut jobs = std::pin::pin!(context.journal.stream(filter(&[])));
    while let Some(job) = jobs.try_next().await? {
        if job.task_id.as_deref() == Some(id) {
            return Ok(Some(job));
        }
    }
    Ok(None)
}

async fn known_job(context: &Context, id: &str) -> Result<Job, ToolError> {
    let none = || ToolError::new("unknown_task", "The journal has no such task.");
    job(context, id).await?.ok_or_else(none)
}

pub(super) fn filter(states: &[State]) -> JobFilter {
    JobFilter { batch: Some(BATCH.to_owned()), states: states.to_vec(), ..JobFilter::default() }
}

/// `get`
pub(super) async fn get(context: &Context, id: &str) -> Result<Value, ToolError> {
    if let Some(job) = job(context, id).await? {
        return Ok(json!(TaskView::of(&job)));
    }
    let task = context.client()?.get(id).await.map_err(|error| context.api_error(&error))?;
    Ok(foreign(&task))
}

/// A task that is not in the journal.
fn foreign(task: &Task) -> Value {
    json!({ "task_id": task.id, "state": task.status, "untrusted": task })
}

/// `list`
pub(super) async fn list(context: &Context, args: &ListArgs) -> Result<Value, ToolError> {
    let limit = args.limit.unwrap_or(20).clamp(1, MOST);
    if args.account == Some(true) {
        let query = ListQuery::new().page_size(u32::try_from(limit).unwrap_or(1));
        let page = context.client()?.list(&query).await.map_err(|error| context.api_error(&error))?;
        return Ok(
            json!({ "tasks": page.items.iter().map(foreign).collect::<Vec<_>>(), "total": page.total }),
        );
    }
    let mut jobs: Vec<Job> = context.journal.stream(filter(&[])).try_collect().await?;
    jobs.sort_by_key(|job| std::cmp::Reverse(job.changed_at));
    let total = jobs.len();
    Ok(json!({ "tasks": jobs.iter().take(limit).map(TaskView::of).collect::<Vec<_>>(), "total": total }))
}

/// `wait`
pub(super) async fn wait(
    context: &Context,
    args: &WaitArgs,
    request: &RequestContext<RoleServer>,
) -> Result<Value, ToolError> {
    let mut job = known_job(context, &args.id).await?;
    let timeout = Duration::from_secs(args.timeout_seconds.unwrap_or(45).min(600));
    let start = context.clock.monotonic();
    let mut next_report = REPORT;
    loop {
        let waited = context.clock.monotonic().saturating_sub(start);
        if is_done(&job) || waited >= timeout {
            return Ok(json!(TaskView::of(&job)));
        }
        if waited >= next_report
            && let Some(token) = request.meta.get_progress_token()
        {
            next_report = waited.saturating_add(REPORT);
            let progress = ProgressNotificationParam::new(token, waited.as_secs_f64())
                .with_total(timeout.as_secs_f64())
                .with_message(format!("{} is {}", job.planned.name, job.state));
            // The client may be gone: that ends the request by itself.
            let _ = request.peer.notify_progress(progress).await;
        }
        tokio::select! {
            () = context.clock.sleep(PACE) => {}
            () = request.ct.cancelled() => return Err(ToolError::usage("The wait was cancelled; the task goes on.")),
        }
        job = known_job(context, &args.id).await?;
    }
}

/// `cancel`: what was not sent, or still waits in the service's queue.
pub(super) async fn cancel(context: &Context, id: &str) -> Result<Value, ToolError> {
    let job = known_job(context, id).await?;
    match (job.state, &job.task_id) {
        (State::Intent | State::OverBudget | State::NeedsApproval, _) => {
            match context.journal.drop_job(&job, "cancelled by an agent").await? {
                CasOutcome::Done(job) => Ok(json!(TaskView::of(&job))),
                CasOutcome::Conflict(_) => {
                    Err(ToolError::usage("The task has changed in the meantime.").advice("Call `get`."))
                }
            }
        }
        (State::Submitted, Some(task_id)) => {
            context.client()?.cancel(task_id).await.map_err(|error| {
                let error = context.api_error(&error);
                error.money("The task goes on and is billed if it succeeds.")
            })?;
            Ok(
                json!({ "id": job.planned.name, "task_id": task_id, "money": "It is cancelled and not billed." }),
            )
        }
        (State::Submitting | State::Unknown | State::Held, _) => Err(Failure::new(
            Exit::OutcomeUnknown,
            "It is unknown whether a task exists, so it cannot be cancelled.",
        )
        .hint("Call `reconcile` first.")
        .into()),
        (state, _) => Err(ToolError::usage(format!("The task is {state} and cannot be cancelled."))),
    }
}

/// `reconcile`: the runner searches at once for the tasks of all creates with an unknown outcome.
/// Sends none.
pub(super) async fn reconcile(context: &Context) -> Result<Value, ToolError> {
    context.client()?;
    let is_open = |job: &Job| matches!(job.state, State::Submitting | State::Unknown | State::Held);
    let jobs = context.journal.stream(filter(&[State::Submitting, State::Unknown, State::Held]));
    let keys: Vec<String> = jobs.map_ok(|job| job.key).try_collect().await?;
    if keys.is_empty() {
        return Ok(json!({ "tasks": [], "advice": "No create has an unknown outcome." }));
    }
    context.worker.search();
    let start = context.clock.monotonic();
    loop {
        let mut jobs = Vec::new();
        for key in &keys {
            jobs.extend(context.journal.job(key).await?);
        }
        let is_over = context.clock.monotonic().saturating_sub(start) >= SEARCH;
        if is_over || !jobs.iter().any(is_open) {
            let tasks: Vec<_> = jobs.iter().take(MOST).map(TaskView::of).collect();
            return Ok(
                json!({ "tasks": tasks, "advice": "What is still unknown may exist: search again in some minutes, then report it to the person." }),
            );
        }
        context.clock.sleep(PACE).await;
    }
}
