//! From a tool's arguments to a checked, estimated and planned shot, by the rules of shot lists.

use std::sync::{Arc, LazyLock};

use ark_video::model::CreateTaskRequest;
use ark_video::model::estimate::Estimate;
use ark_video_batch::{ListOptions, ListReport, Planned};
use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::JsonObject;
use rmcp::schemars::{self, JsonSchema};
use serde_json::{Value, json};

use super::BATCH;
use super::context::Context;
use super::error::ToolError;
use crate::model_names;

/// The longest text in a request, in characters; the service takes far less.
const LONGEST: usize = 1 << 20;

/// The fields that stand for `content`.
#[expect(dead_code, reason = "read by its schema alone")]
#[derive(JsonSchema)]
struct Input {
    /// What the video shows. With references: `Image 1`, `Video 1` and so on.
    prompt: Option<String>,
    /// An image: a file below the roots, an https URL or asset://ID.
    first_frame: Option<String>,
    /// The same; needs first_frame.
    last_frame: Option<String>,
    /// Images, videos (by URL) and sounds that the prompt names; not with frames. A URL may need
    /// image:, video: or audio: before it.
    references: Option<Vec<String>>,
    /// The id of a finished draft to render in full; without prompt and media.
    draft_task: Option<String>,
}

/// The fields of a request: those of the model's type, with [`Input`] for its content. Nothing that
/// sends data to third parties (`callback_url`).
static SCHEMA: LazyLock<JsonObject> = LazyLock::new(|| {
    let mut schema = (*schema_for_type::<CreateTaskRequest>()).clone();
    let mut fields = object(&schema, "properties");
    ["content", "callback_url", "safety_identifier"].into_iter().for_each(|name| drop(fields.remove(name)));
    fields.extend(object(&schema_for_type::<Input>(), "properties"));
    let mut definitions = object(&schema, "$defs");
    definitions.retain(|name, _| Value::Object(fields.clone()).to_string().contains(&format!("/{name}\"")));
    for field in fields.values_mut() {
        shorten(field);
    }
    schema.clear();
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), fields.into());
    schema.insert("$defs".into(), definitions.into());
    schema.insert("additionalProperties".into(), false.into());
    schema
});

fn object(schema: &JsonObject, name: &str) -> JsonObject {
    schema.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// An optional field: absent instead of null, and what is said of all fields only once.
fn shorten(field: &mut Value) {
    if let Some(Value::String(text)) = field.get_mut("description") {
        *text = text.replace("\n\n", " ").replace(" Nothing is sent in its place.", "");
    }
    let Some(field) = field.as_object_mut() else { return };
    field.remove("format");
    if let Some(Value::Array(types)) = field.get("type")
        && let Some(only) = types.first().cloned()
    {
        field.insert("type".into(), only);
    }
    if let Some(Value::Array(either)) = field.remove("anyOf")
        && let Some(Value::Object(only)) = either.into_iter().next()
    {
        field.extend(only);
    }
}

/// The arguments of `quote`.
pub(super) fn schema() -> Arc<JsonObject> {
    Arc::new(SCHEMA.clone())
}

/// The same fields for `check` and `estimate`, described once only.
pub(super) fn short_schema() -> Arc<JsonObject> {
    let mut schema = SCHEMA.clone();
    if let Some(Value::Object(fields)) = schema.get_mut("properties") {
        fields.values_mut().filter_map(Value::as_object_mut).for_each(|field| {
            field.remove("description");
        });
    }
    Arc::new(schema)
}

/// Checks a request as the shot of this name. Sends nothing.
pub(super) async fn report(
    context: &Arc<Context>,
    request: JsonObject,
    name: &str,
    tags: &[String],
) -> Result<ListReport, ToolError> {
    let shot = shot(context, request, name, tags)?;
    let context = Arc::clone(context);
    // It reads and hashes files.
    let checked = tokio::task::spawn_blocking(move || {
        let text = format!("{}\n{shot}\n", json!({ "batch": BATCH, "defaults": {} }));
        let models = |name: &str| {
            // As in a file: the API's own names are checked as the service does.
            if name.to_ascii_lowercase().contains("seedance") {
                return Ok(None);
            }
            let id = model_names::id(name, &context.catalog, context.site);
            id.map(|id| id.map(str::to_owned)).map_err(|failure| failure.message)
        };
        let (folder, catalog) = (&context.videos, &*context.catalog);
        ListOptions::default().of_text_with_names(text, "request.jsonl", folder, catalog, &models)
    });
    checked.await.map_err(|_| ToolError::usage("The request could not be checked."))
}

fn shot(context: &Context, mut request: JsonObject, name: &str, tags: &[String]) -> Result<Value, ToolError> {
    request.retain(|_, value| !value.is_null());
    let known = object(&SCHEMA, "properties");
    if let Some(odd) = request.keys().find(|field| !known.contains_key(field.as_str())) {
        let odd = crate::escape::shortened(odd, 60);
        let fields: Vec<_> = known.keys().map(String::as_str).collect();
        return Err(ToolError::usage(format!("`{odd}` is not a field of a request."))
            .advice(format!("Fields: {}.", fields.join(", "))));
    }
    if Value::Object(request.clone()).to_string().len() > LONGEST {
        return Err(
            ToolError::usage("The request is larger than 1 MiB.").advice("Name media by file or URL.")
        );
    }
    for field in ["first_frame", "last_frame"] {
        if let Some(Value::String(media)) = request.get_mut(field) {
            *media = context.roots.media(media)?;
        }
    }
    if let Some(Value::Array(references)) = request.get_mut("references") {
        for reference in references {
            if let Value::String(media) = reference {
                *media = context.roots.media(media)?;
            }
        }
    }
    request.entry("model").or_insert_with(|| context.model.clone().into());
    request.insert("name".into(), name.into());
    request.insert("tags".into(), json!(tags));
    Ok(Value::Object(request))
}

/// The estimate of the only shot.
pub(super) fn estimate(report: &ListReport) -> Option<&Estimate> {
    report.shots.first()?.estimate.as_deref()
}

/// The job of the only shot, or why it is rejected.
pub(super) fn planned(report: ListReport) -> Result<Planned, ToolError> {
    let list = report.into_list().map_err(|report| ToolError::rejected(&report))?;
    let job = list.jobs().next();
    job.ok_or_else(|| ToolError::usage("The request is empty."))
}
