//! The one format of all errors of the tools, and what each code means. Sends nothing.

use ark_video_batch::{JournalError, ListReport};
use rmcp::model::{CallToolResult, ErrorData};
use serde::Serialize;
use serde_json::Value;

use crate::exit::Exit;
use crate::failure::Failure;

/// What an error says about money where nothing was sent.
pub(super) const NOTHING_SENT: &str = "Nothing was sent and nothing is billed.";
/// What an unknown outcome says about money.
pub(super) const MAY_BE_BILLED: &str = "A task may exist and may be billed.";

/// The server's own codes, beside the names of exit codes: what to do.
const CODES: [(&str, &str); 8] = [
    ("no_budget", "The person has to start the server with --budget, such as --budget 20CNY."),
    (
        "over_budget",
        "Quote a cheaper request, or ask the person for a higher budget: `budget` shows what is left.",
    ),
    ("unknown_price", "Name a model of `models` with a price, or ask the person for a budget in its unit."),
    ("unknown_token", "Get a token with `quote`; it is valid on servers with the same journal."),
    ("quote_expired", "Get a new quote: a token is valid for 10 minutes."),
    ("not_confirmed", "The person declined. Do not quote the same request again unless asked to."),
    ("unknown_task", "List the tasks with `list`."),
    ("outside_roots", "Use a file below the folders that the person gave with --root."),
];

/// Why a tool did not do what was asked.
#[derive(Debug, Serialize)]
pub(super) struct ToolError {
    code: &'static str,
    message: String,
    /// What it means for money.
    money: &'static str,
    advice: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Value>,
}

impl ToolError {
    /// One of the server's own codes.
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        let advice = advice(code).unwrap_or_default().to_owned();
        Self { code, message: message.into(), money: NOTHING_SENT, advice, findings: Vec::new() }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Failure::new(Exit::Usage, message).hint("See the tool's description and schema.").into()
    }

    /// A request that the checks reject.
    pub(super) fn rejected(report: &ListReport) -> Self {
        let count = report.refusals().count();
        let message = format!("The request is not valid: {count} errors.");
        let mut error = Self::from(Failure::new(Exit::Request, message).hint("Fix what the findings name."));
        error.findings = findings(report);
        error
    }

    pub(super) fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    pub(super) fn money(mut self, money: &'static str) -> Self {
        self.money = money;
        self
    }
}

/// The findings of a request, without the list that it was checked in.
pub(super) fn findings(report: &ListReport) -> Vec<Value> {
    let short = |finding| {
        let mut value = serde_json::to_value(finding).ok()?;
        let fields = value.as_object_mut()?;
        fields.retain(|name, value| {
            !value.is_null() && !matches!(name.as_str(), "file" | "line" | "column" | "shot" | "more_shots")
        });
        Some(value)
    };
    report.findings.iter().take(50).filter_map(short).collect()
}

/// What to do about one of the server's own codes.
pub(super) fn advice(code: &str) -> Option<&'static str> {
    CODES.iter().find(|(known, _)| *known == code).map(|(_, advice)| *advice)
}

impl From<Failure> for ToolError {
    fn from(failure: Failure) -> Self {
        let money = if failure.exit == Exit::OutcomeUnknown { MAY_BE_BILLED } else { NOTHING_SENT };
        Self {
            code: failure.exit.kind(),
            message: failure.message,
            money,
            advice: failure.hints.join("; "),
            findings: Vec::new(),
        }
    }
}

impl From<JournalError> for ToolError {
    fn from(error: JournalError) -> Self {
        Failure::new(Exit::Journal, error.to_string()).hint("Ask the person to check the journal.").into()
    }
}

impl From<ToolError> for ErrorData {
    fn from(error: ToolError) -> Self {
        let data = serde_json::to_value(&error).ok();
        Self::invalid_params(error.message, data)
    }
}

impl ToolError {
    /// The answer of the tool; `shown` hides keys.
    pub(super) fn answer(&self, shown: impl Fn(Value) -> Value) -> CallToolResult {
        CallToolResult::structured_error(shown(serde_json::to_value(self).unwrap_or_default()))
    }
}
