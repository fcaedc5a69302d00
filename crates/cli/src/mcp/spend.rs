//! The two steps that spend: `quote` gives a price and a token, `confirm` sends the request of a
//! token once, through the journal. A token is one intent: the row that it names is made once.

use std::sync::Arc;
use std::time::Duration;

use ark_video::model::estimate::Estimate;
use ark_video_batch::{Cost, Durations, Job, PlanOptions, Planned, State};
use futures_util::TryStreamExt as _;
use rmcp::RoleServer;
use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema, InputRequest,
    InputRequests, InputRequiredResult, InputResponses, JsonObject, ProtocolVersion,
};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::{ElicitationError, RequestContext};
use serde::Deserialize;
use serde_json::{Value, json};

use super::BATCH;
use super::context::Context;
use super::error::{MAY_BE_BILLED, ToolError, findings};
use super::quotes::{self, LIFE};
use super::view::TaskView;
use super::wallet::Wallet;
use super::{request, tasks};
use crate::escape::{one_line, shortened};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::EstimateJson;

/// How long `confirm` waits for the answer to the create.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The same where the token was confirmed before: perhaps by a server that is gone.
const REPEATED_TIMEOUT: Duration = Duration::from_secs(1);
/// How often it reads the journal meanwhile.
const PACE: Duration = Duration::from_millis(50);
/// The key of the question in a result that needs input.
const QUESTION: &str = "confirm";

/// `confirm`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmArgs {
    /// `token` of a quote
    token: String,
}

/// The person's answer.
#[derive(Debug, Deserialize, JsonSchema)]
struct Approval {
    /// Send it, and pay for it
    send: bool,
}

rmcp::elicit_safe!(Approval);

/// What came of `confirm`.
pub(super) enum Confirmed {
    Task(Value),
    /// The client has to ask the person first.
    Ask(InputRequiredResult),
}

/// `check`
pub(super) async fn check(context: &Arc<Context>, request: JsonObject) -> Result<Value, ToolError> {
    let report = request::report(context, request, "request", &[]).await?;
    Ok(json!({ "valid": !report.refused, "findings": findings(&report) }))
}

/// `estimate`
pub(super) async fn estimate(context: &Arc<Context>, request: JsonObject) -> Result<Value, ToolError> {
    let report = request::report(context, request, "request", &[]).await?;
    let Some(estimate) = request::estimate(&report) else { return Err(ToolError::rejected(&report)) };
    Ok(json!({ "valid": !report.refused, "estimate": EstimateJson::from(estimate) }))
}

/// `quote`
pub(super) async fn quote(
    context: &Arc<Context>,
    session: &str,
    request: JsonObject,
) -> Result<Value, ToolError> {
    let wallet = context.wallet()?;
    let token = quotes::random(12)?;
    let report = request::report(context, request, &token, &wallet.tags(session)).await?;
    let findings = findings(&report);
    let estimate = request::estimate(&report).cloned();
    let planned = request::planned(report)?;
    let most = planned.estimate.clone();
    wallet.allows(&context.journal, session, context.now(), most.as_ref()).await?;
    let asks = wallet.asks(&most.unwrap_or_default())?.is_some();
    let model = planned.request.get("model").cloned().unwrap_or_default();
    let wait = expected_wait(context, model.as_str().unwrap_or_default()).await?;
    let request_hash = planned.request_hash.clone();
    context.quotes.keep(planned, context.now())?;
    Ok(json!({
        "token": token,
        "expires_in_seconds": LIFE.as_secs(),
        "request_hash": request_hash,
        "model": model,
        "estimate": estimate.as_ref().map(|estimate: &Estimate| EstimateJson::from(estimate)),
        "findings": findings,
        "expected_wait_seconds": wait,
        "asks_the_person": asks,
        "money": "Nothing is sent before `confirm`; then at most the estimate's upper end is billed, once.",
    }))
}

/// What half of this model's tasks in the journal took, and nine of ten; `null` where none ended.
async fn expected_wait(context: &Context, model: &str) -> Result<Value, ToolError> {
    let mut durations = Durations::default();
    let mut jobs = std::pin::pin!(context.journal.stream(tasks::filter(&[State::Settled])));
    while let Some(job) = jobs.try_next().await? {
        if job.model() == model {
            durations.add(&job);
        }
    }
    let seconds = |share| durations.quantile(share).map(|time| time.as_secs());
    Ok(seconds(0.5).map_or(Value::Null, |half| json!({ "half": half, "nine_of_ten": seconds(0.9) })))
}

/// `confirm`
pub(super) async fn confirm(
    context: &Context,
    session: &str,
    args: &ConfirmArgs,
    request: &RequestContext<RoleServer>,
    answers: Option<&InputResponses>,
) -> Result<Confirmed, ToolError> {
    let wallet = context.wallet()?;
    context.client()?;
    let key = format!("{BATCH}/{}", args.token);
    let is_new = context.journal.job(&key).await?.is_none();
    if is_new {
        let planned = context.quotes.read(&args.token, context.now())?.planned;
        wallet.allows(&context.journal, session, context.now(), planned.estimate.as_ref()).await?;
        if let Some(ask) = approved(wallet, &planned, request, answers).await? {
            return Ok(Confirmed::Ask(ask));
        }
        // Another call with the same token makes the same row.
        context.journal.plan(BATCH, &[planned], PlanOptions::default()).await?;
    }
    context.worker.wake();
    let timeout = if is_new { ANSWER_TIMEOUT } else { REPEATED_TIMEOUT };
    outcome(context, &key, timeout).await.map(Confirmed::Task)
}

/// Asks the person where the price is above the threshold and the client can ask. `Some`: the
/// client has to call again with the answer.
async fn approved(
    wallet: &Wallet,
    planned: &Planned,
    request: &RequestContext<RoleServer>,
    answers: Option<&InputResponses>,
) -> Result<Option<InputRequiredResult>, ToolError> {
    let none = Cost::default();
    let Some(why) = wallet.asks(planned.estimate.as_ref().unwrap_or(&none))? else { return Ok(None) };
    let form = request.client_capabilities().and_then(|client| client.elicitation);
    if !form.is_some_and(|modes| modes.form.is_some() || modes.url.is_none()) {
        return Ok(None);
    }
    let message = question(planned, &why);
    let declined = || ToolError::new("not_confirmed", "The person did not confirm.");
    let later = ProtocolVersion::V_2026_07_28;
    if request.protocol_version().is_some_and(|version| version.as_str() >= later.as_str()) {
        let Some(answer) = answers.and_then(|answers| answers.get(QUESTION)) else {
            let requested_schema = ElicitationSchema::from_type::<Approval>()
                .map_err(|error| ToolError::from(Failure::new(Exit::Internal, error.to_string())))?;
            let form = ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema };
            let ask = InputRequest::Elicitation(ElicitRequest::new(form));
            let asks = InputRequests::from([(QUESTION.to_owned(), ask)]);
            return Ok(Some(InputRequiredResult::from_input_requests(asks)));
        };
        let answer: ElicitResult = serde_json::from_value(answer.clone()).map_err(|_| declined())?;
        let given = answer.content.and_then(|content| serde_json::from_value::<Approval>(content).ok());
        let agreed = answer.action == ElicitationAction::Accept && given.is_some_and(|given| given.send);
        return if agreed { Ok(None) } else { Err(declined()) };
    }
    match request.peer.elicit::<Approval>(message).await {
        Ok(Some(Approval { send: true })) | Err(ElicitationError::CapabilityNotSupported) => Ok(None),
        _ => Err(declined()),
    }
}

fn question(planned: &Planned, why: &str) -> String {
    let content = planned.request.get("content").and_then(Value::as_array);
    let prompt = content.and_then(|items| items.iter().find_map(|item| item.get("text")?.as_str()));
    let prompt = prompt.map(|prompt| format!(" Prompt: {}", shortened(&one_line(prompt), 200)));
    format!("An agent wants to make a video. It may cost {why}.{} Send it?", prompt.unwrap_or_default())
}

/// Waits until the create was answered, and says how it ended.
async fn outcome(context: &Context, key: &str, timeout: Duration) -> Result<Value, ToolError> {
    let start = context.clock.monotonic();
    loop {
        let none = || ToolError::new("unknown_task", "The journal no longer has this task.");
        let job = context.journal.job(key).await?.ok_or_else(none)?;
        let waited = context.clock.monotonic().saturating_sub(start);
        let is_open = matches!(job.state, State::Intent | State::Submitting);
        if let (State::Intent, Some(trouble)) = (job.state, context.worker.trouble())
            && waited >= PACE * 10
        {
            return Err(not_sent(context, &job, &trouble).await?);
        }
        if is_open && waited < timeout {
            context.clock.sleep(PACE).await;
            continue;
        }
        return match job.state {
            State::OverBudget => Err(refused("over_budget", &job)),
            State::Rejected => Err(refused("refused", &job).advice("Fix the request and get a new quote.")),
            _ => Ok(json!(TaskView::of(&job))),
        };
    }
}

fn refused(code: &'static str, job: &Job) -> ToolError {
    let reason = job.reason.clone().unwrap_or_default();
    ToolError::new(code, format!("Not sent, or refused by the service: {reason}"))
}

/// Takes back what is not going to be sent, so that it is not sent unexpectedly later.
async fn not_sent(context: &Context, job: &Job, trouble: &str) -> Result<ToolError, ToolError> {
    let reason = format!("not sent: {trouble}");
    let taken = context.journal.drop_job(job, &reason).await?;
    let failure = Failure::new(Exit::NotSent, reason).hint("Report this to the person.");
    let error = ToolError::from(failure);
    Ok(match taken {
        ark_video_batch::CasOutcome::Done(_) => error,
        ark_video_batch::CasOutcome::Conflict(_) => error.money(MAY_BE_BILLED).advice("Call `get`."),
    })
}
