//! An open question of an update for people and for programs: both readings, our evidence, what
//! would change, and the two commands that answer it.

use serde_json::{Value, json};

use super::diff::Change;
use super::merge::{Contradiction, Question};
use super::text::cut;

/// A value on one line, cut where it is long.
pub(crate) fn short(value: &Value) -> String {
    cut(value.to_string(), 320)
}

fn differs(one: &Contradiction) -> String {
    let place = if one.place.is_empty() { String::new() } else { format!(" of `{}`", one.place) };
    format!("{}{place}: the document says {}; we say {}", one.kind, one.document, one.ours)
}

/// What both sides say, and why we do.
pub(crate) fn lines(question: &Question) -> Vec<String> {
    let mut lines = vec![format!("question at {}", question.pointer)];
    lines.extend(question.contradictions.iter().map(|one| format!("  {}", differs(one))));
    lines.push(format!("  document  {}", short(&question.document)));
    lines.push(format!("  ours      {}", short(&question.ours)));
    if let Some(base) = &question.base {
        lines.push(format!("  before    {}", short(base)));
    }
    lines.push(format!("  because   {}", question.reason));
    lines.extend(question.evidence.iter().map(|evidence| format!("  evidence  {evidence}")));
    lines
}

/// A question with what the document's reading would change.
pub(crate) struct OpenQuestion<'a> {
    pub(crate) question: &'a Question,
    /// Changes of the resolved schema if the document's reading held, or why nothing could be
    /// generated.
    pub(crate) effect: Result<Vec<Change>, String>,
    /// The command without its answer.
    pub(crate) command: String,
}

impl OpenQuestion<'_> {
    pub(crate) fn text(&self) -> String {
        let mut lines = lines(self.question);
        lines[0] = format!("{} (schema/overlay/{})", self.question.pointer, self.question.file);
        lines.push("  if the document's reading holds:".to_owned());
        match &self.effect {
            Ok(changes) if changes.is_empty() => lines.push("    nothing changes".to_owned()),
            Ok(changes) => {
                for change in changes {
                    lines.push(format!("    {}; Rust: {}", change.what, change.rust.as_str()));
                    lines.extend(change.details.iter().map(|detail| format!("      {detail}")));
                }
            }
            Err(reason) => lines.push(format!("    nothing can be generated: {reason}")),
        }
        for take in ["ours", "theirs"] {
            lines.push(format!("  {} --take {take} '{}'", self.command, self.question.pointer));
        }
        lines.join("\n") + "\n"
    }

    pub(crate) fn json(&self) -> Value {
        let question = self.question;
        let commands =
            ["ours", "theirs"].map(|take| format!("{} --take {take} '{}'", self.command, question.pointer));
        json!({
            "pointer": question.pointer,
            "overlay": format!("schema/overlay/{}", question.file),
            "document": question.document,
            "ours": question.ours,
            "before": question.base,
            "contradictions": question.contradictions,
            "reason": question.reason,
            "evidence": question.evidence,
            "changes_if_theirs": self.effect.as_ref().ok(),
            "cannot_be_generated": self.effect.as_ref().err(),
            "commands": commands,
        })
    }
}
