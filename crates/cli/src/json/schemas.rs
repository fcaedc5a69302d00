//! The schemas of the commands' JSON, for `schema/cli/` and `docs/reference/json.md`.

use ark_video::model::{Task, TaskList};
use ark_video_batch::Job;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::*;

/// The version of all schemas: a field is only added within it.
const VERSION: u32 = 1;

/// The JSON of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonOutput {
    /// The command, with hyphens: `batch-run`; `error` is the error of every command.
    pub name: &'static str,
    /// The schema of a document.
    pub schema: Value,
    /// Whether a run prints several documents, one a line.
    pub lines: bool,
}

/// One of several documents.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum OneOf<A, B, C, D> {
    A(A),
    B(B),
    C(C),
    D(D),
}

/// The schemas of all commands.
#[must_use]
pub fn json_outputs() -> Vec<JsonOutput> {
    type Generate<'a> = OneOf<SavedTask<'a>, Created<'a>, DryRun<'a>, Task>;
    type Models<'a> = OneOf<ServiceModels<'a>, CatalogModels<'a>, Vec<CatalogRow<'a>>, Never>;
    type Estimates<'a> = OneOf<EstimateDocument<'a>, Comparison<'a>, Never, Never>;
    type Report<'a> = OneOf<BatchStatus<'a>, Written<'a>, Never, Never>;
    type Run<'a> = OneOf<EventLine<'a>, RunSummaryLine<'a>, Never, Never>;
    type Config<'a> = OneOf<SettingsDocument<'a>, ConfigPath<'a>, ConfigField<'a>, Never>;
    type Simulate<'a> = OneOf<SimulatorReady<'a>, AuditReport<'a>, Never, Never>;
    vec![
        output::<Generate<'_>>("generate", true),
        output::<CheckDocument<'_>>("check", true),
        output::<Estimates<'_>>("estimate", true),
        output::<Task>("get", false),
        output::<TaskList>("list", false),
        output::<Task>("wait", true),
        output::<SavedTask<'_>>("download", true),
        output::<ReconcileVerdict<'_>>("reconcile", true),
        output::<Done<'_>>("cancel", false),
        output::<Done<'_>>("forget", false),
        output::<Models<'_>>("models", false),
        output::<Simulate<'_>>("simulate", false),
        output::<Vec<CostRow<'_>>>("cost-report", false),
        output::<Written<'_>>("batch-init", false),
        output::<ListDocument<'_>>("batch-check", false),
        output::<PlanDocument<'_>>("batch-plan", false),
        output::<Run<'_>>("batch-run", true),
        output::<BatchStatus<'_>>("batch-status", false),
        output::<Report<'_>>("batch-report", false),
        output::<Paused<'_>>("batch-pause", false),
        output::<Paused<'_>>("batch-resume", false),
        output::<Cancelled<'_>>("batch-cancel", false),
        output::<Retried<'_>>("batch-retry", false),
        output::<Approved<'_>>("batch-approve", false),
        output::<Decided<'_>>("batch-assign", false),
        output::<Decided<'_>>("batch-resolve", false),
        output::<OneOf<Job, Value, Never, Never>>("batch-export", true),
        output::<Config<'_>>("config", false),
        output::<PrunedObjects<'_>>("storage-prune", false),
        output::<Diagnosis>("doctor", false),
        output::<Version<'_>>("version", false),
        output::<Envelope<'_>>("error", false),
    ]
}

/// No document.
struct Never;

impl JsonSchema for Never {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Never".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        false.into()
    }
}

fn output<T: JsonSchema>(name: &'static str, lines: bool) -> JsonOutput {
    // The model's types leave out what is not set, as the service does: only the other contract
    // has that.
    let generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut schema = generator.into_root_schema_for::<T>().to_value();
    // What the service answers may be newer than the values of a request.
    if let Some(Value::Object(open)) = schema.pointer_mut("/$defs/ToolType")
        && let Some(known) = open.remove("enum")
    {
        open.insert("examples".to_owned(), known);
    }
    if let Some(variants) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        variants.retain(|variant| *variant != json!(false) && *variant != json!({ "not": {} }));
    }
    if let Value::Object(root) = &mut schema {
        root.insert("$id".to_owned(), format!("urn:ark-video:cli:{VERSION}:{name}").into());
        root.insert("title".to_owned(), format!("ark-video {} --json", name.replace('-', " ")).into());
        if name == "error" {
            root.insert("title".to_owned(), "an error of any command with --json".into());
        }
    }
    JsonOutput { name, schema, lines }
}
