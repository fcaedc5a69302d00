//! A command that did not work: one exit code, one sentence, what to do next. Never holds a key, a prompt or base64.

use serde_json::{Value, json};

use crate::exit::Exit;

/// Why a command ended, for people and for machines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// The vendor's code, where the vendor spoke.
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    /// What to do next, most useful first.
    pub(crate) hints: Vec<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) task_id: Option<String>,
    /// The argument parser's own text, which already has the form of an error.
    pub(crate) ready_made: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: None,
            message: printable(&message.into()),
            hints: Vec::new(),
            request_id: None,
            task_id: None,
            ready_made: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        if !hint.is_empty() && !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
        self
    }

    pub(crate) fn code(mut self, code: &str) -> Self {
        self.code = (!code.is_empty()).then(|| code.to_owned());
        self
    }

    pub(crate) fn request_id(mut self, id: Option<&str>) -> Self {
        self.request_id = id.map(str::to_owned);
        self
    }

    pub(crate) fn task_id(mut self, id: Option<&str>) -> Self {
        self.task_id = id.map(str::to_owned).or(self.task_id);
        self
    }

    pub(crate) fn ready_made(mut self, text: String) -> Self {
        self.ready_made = Some(text);
        self
    }

    /// The error envelope of `--json`.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "code": self.code,
            "kind": self.exit.kind(),
            "message": self.message,
            "suggestion": (!self.hints.is_empty()).then(|| self.hints.join(" ")),
            "request_id": self.request_id,
            "task_id": self.task_id,
            "exit_code": self.exit.code(),
        })
    }
}

/// Text from elsewhere without the control characters that could rewrite a screen.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_cannot_write_on_the_screen() {
        assert_eq!(Failure::new(Exit::Refused, "a\u{1b}[2Jb\r\nc").message, "a[2Jb\nc");
    }

    #[test]
    fn machines_get_every_part() {
        let failure = Failure::new(Exit::Refused, "no").code("InvalidParameter").hint("a").hint("").hint("b").task_id(Some("cgt-1"));
        insta::assert_snapshot!(failure.request_id(Some("02")).to_json(), @r#"{"code":"InvalidParameter","exit_code":8,"kind":"refused","message":"no","request_id":"02","suggestion":"a b","task_id":"cgt-1"}"#);
    }
}
