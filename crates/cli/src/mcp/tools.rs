//! The tools: names, descriptions, schemas, and which function each calls.

use std::sync::Arc;

use ark_video::model::error_code::ErrorCode;
use rmcp::RoleServer;
use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::{InputResponses, JsonObject, Tool, ToolAnnotations};
use rmcp::schemars::{self, JsonSchema};
use rmcp::service::RequestContext;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::context::Context;
use super::error::{ToolError, advice};
use super::request;
use super::spend::{self, ConfirmArgs, Confirmed};
use super::tasks::{self, ListArgs, TaskId, WaitArgs};
use crate::commands::models;
use crate::exit::Exit;
use crate::json::CatalogModels;

/// What a tool does to the account.
#[derive(Clone, Copy)]
enum Kind {
    Reads,
    Changes,
    Spends,
}

/// `models`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ModelsArgs {
    /// Only models with this name or part of an id
    filter: Option<String>,
}

/// `explain_error`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ExplainArgs {
    /// The service's code, or `code` of a tool's error
    code: String,
}

/// No arguments.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// All tools.
pub(super) fn all() -> Vec<Tool> {
    use Kind::{Changes, Reads, Spends};
    let tool = |name: &'static str, text: &'static str, schema: Arc<JsonObject>, kind: Kind| {
        let reads = matches!(kind, Reads);
        let annotations = ToolAnnotations::new().read_only(reads).destructive(matches!(kind, Changes));
        let annotations = annotations.idempotent(!matches!(kind, Spends) || name == "confirm");
        Tool::new(name, text, schema).with_annotations(annotations)
    };
    vec![
        tool(
            "check",
            "Check a request without sending it. Free. Fields as in `quote`.",
            request::short_schema(),
            Reads,
        ),
        tool(
            "estimate",
            "Estimate the tokens and the price of a request. Free. Fields as in `quote`.",
            request::short_schema(),
            Reads,
        ),
        tool("models", "List models with limits and list prices. Free.", trimmed::<ModelsArgs>(), Reads),
        tool(
            "quote",
            "First step of making a video: check the request and get its price range and a token. Sends nothing; a changed request needs a new quote.",
            request::schema(),
            Reads,
        ),
        tool(
            "confirm",
            "Second step: send the request of a token, once, and spend money. The same token always gives the same task.",
            trimmed::<ConfirmArgs>(),
            Spends,
        ),
        tool(
            "wait",
            "Wait for a task, with progress. Returns when it has ended or at the timeout; call it again then.",
            trimmed::<WaitArgs>(),
            Reads,
        ),
        tool("get", "Show a task and where its video is.", trimmed::<TaskId>(), Reads),
        tool("list", "List tasks, newest first, also of earlier sessions.", trimmed::<ListArgs>(), Reads),
        tool(
            "cancel",
            "Cancel a task that is not sent yet or waits in the service's queue.",
            trimmed::<TaskId>(),
            Changes,
        ),
        tool(
            "reconcile",
            "Search for the tasks of creates with an unknown outcome. Sends no create.",
            trimmed::<Nothing>(),
            Reads,
        ),
        tool("budget", "Show what may still be spent.", trimmed::<Nothing>(), Reads),
        tool(
            "explain_error",
            "Explain an error code, and whether it may have cost money.",
            trimmed::<ExplainArgs>(),
            Reads,
        ),
    ]
}

/// The schema of a type without its name and version.
fn trimmed<T: JsonSchema + 'static>() -> Arc<JsonObject> {
    let mut schema = (*schema_for_type::<T>()).clone();
    ["$schema", "title", "description"].into_iter().for_each(|name| drop(schema.remove(name)));
    Arc::new(schema)
}

/// Calls a tool.
pub(super) async fn call(
    context: &Arc<Context>,
    session: &str,
    name: &str,
    arguments: JsonObject,
    request: &RequestContext<RoleServer>,
    answers: Option<&InputResponses>,
) -> Result<Confirmed, ToolError> {
    let value = match name {
        "check" => spend::check(context, arguments).await?,
        "estimate" => spend::estimate(context, arguments).await?,
        "quote" => spend::quote(context, session, arguments).await?,
        "confirm" => return spend::confirm(context, session, &parsed(arguments)?, request, answers).await,
        "models" => {
            let args: ModelsArgs = parsed(arguments)?;
            let filter = args.filter.unwrap_or_default();
            let mut models = models::in_catalog(&context.catalog, &filter);
            models.retain(|row| row.model.site == context.site.site);
            json!(CatalogModels { edition: &context.catalog.edition, models })
        }
        "wait" => tasks::wait(context, &parsed(arguments)?, request).await?,
        "get" => tasks::get(context, &parsed::<TaskId>(arguments)?.id).await?,
        "list" => tasks::list(context, &parsed::<ListArgs>(arguments)?).await?,
        "cancel" => tasks::cancel(context, &parsed::<TaskId>(arguments)?.id).await?,
        "reconcile" => {
            let Nothing {} = parsed(arguments)?;
            tasks::reconcile(context).await?
        }
        "budget" => {
            let Nothing {} = parsed(arguments)?;
            budget(context, session).await?
        }
        "explain_error" => explain(&parsed::<ExplainArgs>(arguments)?.code)?,
        _ => return Err(ToolError::usage("There is no such tool.")),
    };
    Ok(Confirmed::Task(value))
}

fn parsed<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, ToolError> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| ToolError::usage(format!("Invalid arguments: {error}.")))
}

async fn budget(context: &Context, session: &str) -> Result<Value, ToolError> {
    let Some(wallet) = &context.wallet else {
        return Ok(json!({ "can_create": false, "advice": advice("no_budget") }));
    };
    let left = wallet.left(&context.journal, session, context.now()).await?;
    Ok(json!({ "can_create": true, "budgets": left, "per_call": wallet.per_call() }))
}

fn explain(code: &str) -> Result<Value, ToolError> {
    if let Some(advice) = advice(code) {
        return Ok(json!({ "code": code, "advice": advice, "may_be_billed": false }));
    }
    if let Some(meaning) = Exit::meaning_of(code) {
        let may_be_billed = code == Exit::OutcomeUnknown.kind();
        return Ok(json!({ "code": code, "meaning": meaning, "may_be_billed": may_be_billed }));
    }
    let known = ErrorCode::from(code.to_owned());
    let info = known.info().ok_or_else(|| {
        ToolError::usage("This code is unknown.").advice("Give the code alone, such as InvalidParameter.")
    })?;
    Ok(json!({
        "code": code,
        "class": info.class,
        "meaning": info.meaning,
        "advice": info.advice,
        "may_be_billed": info.may_have_acted,
        "source": info.source,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_tools_fits_into_the_context_of_a_model() {
        let tools = all();
        let size = serde_json::to_string(&json!({ "tools": tools })).unwrap().len();
        assert!(size <= 16 * 1024, "{size} bytes");
        let fields = |name: &str| {
            let tool = tools.iter().find(|tool| tool.name == name).unwrap();
            let schema = Value::Object((*tool.input_schema).clone());
            schema["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(fields("quote"), fields("check"));
        for field in
            ["prompt", "first_frame", "model", "duration", "resolution", "ratio", "return_last_frame"]
        {
            assert!(fields("quote").contains(&field.to_owned()), "{field}");
        }
        for field in ["content", "callback_url", "safety_identifier"] {
            assert!(!fields("quote").contains(&field.to_owned()), "{field}");
        }
        let schemas = tools
            .iter()
            .map(|tool| format!("{}: {}", tool.name, Value::Object((*tool.input_schema).clone())));
        insta::assert_snapshot!("schemas", schemas.collect::<Vec<_>>().join("\n"));
    }
}
