//! A failed command: exit code, message, and hints. Never contains a key, a prompt or base64.

use crate::exit::Exit;
use crate::json::{Envelope, LocatedFinding};

/// Why a command failed, as text and as JSON.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    /// What to do next, most useful first.
    pub(crate) hints: Vec<String>,
    pub(crate) details: Box<Details>,
}

/// Optional details.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Details {
    /// The vendor's error code, if the service rejected a request.
    code: Option<String>,
    request_id: Option<String>,
    task_id: Option<String>,
    /// The parameter in the vendor's error, and the flag or file that it came from.
    param: Option<String>,
    origin: Option<String>,
    /// The findings of the checks.
    findings: Vec<LocatedFinding>,
    /// The record for `reconcile`, if a create may have made a task of unknown id.
    reconcile: Option<serde_json::Value>,
    /// Text between the message and the hints: the argument parser's tip and usage.
    pub(crate) more: String,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hints: Vec::new(), details: Box::default() }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        if !hint.is_empty() && !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
        self
    }

    pub(crate) fn code(mut self, code: &str) -> Self {
        self.details.code = (!code.is_empty()).then(|| code.to_owned());
        self
    }

    pub(crate) fn request_id(mut self, id: Option<&str>) -> Self {
        self.details.request_id = id.map(str::to_owned);
        self
    }

    pub(crate) fn task_id(mut self, id: Option<&str>) -> Self {
        self.details.task_id = id.map(str::to_owned).or(self.details.task_id);
        self
    }

    /// The id of a request that the service refused, for its support, unless the message has it.
    pub(crate) fn request_id_to_show(&self) -> Option<&str> {
        let is_refusal = matches!(self.exit, Exit::Refused | Exit::Authentication | Exit::Throttled);
        self.details.request_id.as_deref().filter(|id| is_refusal && !self.message.contains(id))
    }

    /// The vendor's parameter path and its source.
    pub(crate) fn about(mut self, param: Option<&str>, origin: Option<String>) -> Self {
        self.details.param = param.filter(|param| !param.is_empty()).map(str::to_owned);
        self.details.origin = origin;
        self
    }

    pub(crate) fn findings(mut self, findings: impl IntoIterator<Item = LocatedFinding>) -> Self {
        self.details.findings = findings.into_iter().collect();
        self
    }

    pub(crate) fn reconcile(mut self, unknown: Option<&ark_video::UnresolvedCreate>) -> Self {
        self.details.reconcile = unknown.and_then(|unknown| serde_json::to_value(unknown).ok());
        self
    }

    pub(crate) fn more(mut self, text: &str) -> Self {
        self.details.more =
            text.trim_end_matches("For more information, try '--help'.").trim_end().to_owned();
        self
    }

    /// The error envelope of `--json`.
    pub(crate) fn envelope(&self) -> Envelope<'_> {
        Envelope {
            code: self.details.code.as_deref(),
            kind: self.exit.kind(),
            message: &self.message,
            suggestion: (!self.hints.is_empty()).then(|| self.hints.join("; ")),
            request_id: self.details.request_id.as_deref(),
            task_id: self.details.task_id.as_deref(),
            param: self.details.param.as_deref(),
            origin: self.details.origin.as_deref(),
            findings: &self.details.findings,
            reconcile: self.details.reconcile.as_ref(),
            exit_code: self.exit.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_get_every_part() {
        let failure = Failure::new(Exit::Refused, "no")
            .code("InvalidParameter")
            .hint("a")
            .hint("")
            .hint("b")
            .task_id(Some("cgt-1"));
        let failure = failure.request_id(Some("02"));
        insta::assert_snapshot!(serde_json::to_string(&failure.envelope()).unwrap(), @r#"{"code":"InvalidParameter","kind":"refused","message":"no","suggestion":"a; b","request_id":"02","task_id":"cgt-1","param":null,"origin":null,"findings":[],"reconcile":null,"exit_code":8}"#);
    }
}
