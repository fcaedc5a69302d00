//! What a person answers to the questions of an update: on the command line, or in a file. Knows no
//! document.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whose reading holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Take {
    /// The document's.
    Theirs,
    /// That of our overlay.
    Ours,
}

impl Take {
    fn parse(text: &str) -> Result<Self> {
        serde_json::from_value(Value::from(text)).ok().with_context(|| {
            format!("`{text}` is not an answer; write `--take ours POINTER` or `--take theirs POINTER`")
        })
    }
}

/// An answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) pointer: String,
    pub(crate) take: Take,
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// The pairs of `--take`, in order.
pub(crate) fn from_command_line<'a>(
    args: impl Iterator<Item = &'a String>,
    reason: Option<&String>,
) -> Result<Vec<Answer>> {
    let args: Vec<&String> = args.collect();
    let mut answers = Vec::new();
    for pair in args.chunks(2) {
        let [take, pointer] = pair else { bail!("`--take` wants `ours` or `theirs`, and a pointer") };
        let answer =
            Answer { pointer: (*pointer).clone(), take: Take::parse(take)?, reason: reason.cloned() };
        add(&mut answers, answer)?;
    }
    Ok(answers)
}

/// A file with answers: a list of `{"pointer", "take", "reason"}`, or the output of `--json` with a
/// `take` written into each of its questions.
pub(crate) fn from_file(file: &Path) -> Result<Vec<Answer>> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
    let value: Value = serde_json::from_str(&text).with_context(|| format!("{name} is not JSON"))?;
    let list = value.as_array().or_else(|| value.get("questions")?.as_array());
    let list = list.with_context(|| {
        format!("{name}: expected a list of {{\"pointer\", \"take\", \"reason\"}}, or the output of `--json` with a `take` in each question")
    })?;
    let mut answers = Vec::new();
    for (index, entry) in list.iter().enumerate() {
        let place = format!("{name}: answer {}", index + 1);
        // A question of `--json` has more members than an answer.
        let of = |key: &str| entry.get(key).cloned().unwrap_or_default();
        let picked =
            serde_json::json!({ "pointer": of("pointer"), "take": of("take"), "reason": of("reason") });
        let strict = if entry.get("overlay").is_some() { picked } else { entry.clone() };
        let answer: Answer = serde_json::from_value(strict).with_context(|| {
            format!("{place}: expected `pointer`, `take` (`ours` or `theirs`) and perhaps `reason`")
        })?;
        add(&mut answers, answer)?;
    }
    Ok(answers)
}

/// Both kinds together; the same question answered in two ways is refused.
pub(crate) fn joined(mut all: Vec<Answer>, more: Vec<Answer>) -> Result<Vec<Answer>> {
    for answer in more {
        add(&mut all, answer)?;
    }
    Ok(all)
}

fn add(answers: &mut Vec<Answer>, answer: Answer) -> Result<()> {
    ensure!(
        answer.pointer.starts_with('/'),
        "`{}` is not a JSON pointer; a question prints its own",
        answer.pointer
    );
    match answers.iter().find(|other| other.pointer == answer.pointer) {
        Some(other) => ensure!(
            other.take == answer.take,
            "{} is answered both `ours` and `theirs`; leave one of them out",
            answer.pointer
        ),
        None => answers.push(answer),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(args: &[&str]) -> Result<Vec<Answer>> {
        let args: Vec<String> = args.iter().map(|word| (*word).to_owned()).collect();
        from_command_line(args.iter(), None)
    }

    #[test]
    fn on_the_command_line() {
        let answers = args(&["ours", "/a", "theirs", "/b", "ours", "/a"]).unwrap();
        assert_eq!(
            answers.iter().map(|a| (a.pointer.as_str(), a.take)).collect::<Vec<_>>(),
            [("/a", Take::Ours), ("/b", Take::Theirs)]
        );
        for (wrong, part) in [
            (vec!["mine", "/a"], "`mine` is not an answer"),
            (vec!["ours", "a"], "not a JSON pointer"),
            (vec!["ours", "/a", "theirs", "/a"], "answered both"),
        ] {
            assert!(args(&wrong).unwrap_err().to_string().contains(part), "{wrong:?}");
        }
    }

    #[test]
    fn in_a_file() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("answers.json");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            from_file(&file).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(
            read(r#"[{"pointer": "/a", "take": "ours", "reason": "r"}]"#).unwrap()[0].reason.as_deref(),
            Some("r")
        );
        let from_json =
            r#"{"questions": [{"pointer": "/a", "overlay": "x", "take": "theirs", "document": {}}]}"#;
        assert_eq!(read(from_json).unwrap()[0].take, Take::Theirs);
        for (text, part) in [
            ("{", "is not JSON"),
            ("{}", "expected a list"),
            (r#"[{"pointer": "/a"}]"#, "answer 1: expected `pointer`, `take`"),
            (r#"[{"pointer": "/a", "take": "both"}]"#, "answer 1"),
            (r#"{"questions": [{"pointer": "/a", "overlay": "x"}]}"#, "answer 1"),
        ] {
            let message = read(text).unwrap_err();
            assert!(message.contains(part) && message.contains("answers.json"), "{message}");
        }
    }
}
