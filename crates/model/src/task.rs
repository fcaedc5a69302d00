//! What can be said of a task without asking anybody: whether it has ended, why it failed, how it
//! reads in a line.

use std::fmt;

use crate::{Task, TaskError, TaskStatus};

impl TaskStatus {
    /// Whether the task will never change again. A word from the future is not an end: waiting goes
    /// on until it is one, or until the deadline.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Expired)
    }
}

impl Task {
    /// Why the task failed, in whichever of the two spellings the answer used.
    pub fn failure(&self) -> Option<&TaskError> {
        self.error.as_ref().or(self.failure_reason.as_ref())
    }

    /// Why the task failed, where the answer gives the reason as text and nothing else (some
    /// gateways do).
    pub fn failure_text(&self) -> Option<&str> {
        let texts = ["error", "failure_reason"].into_iter().filter_map(|name| self.extra.get(name)?.as_str());
        texts.map(str::trim).find(|text| !text.is_empty())
    }

    /// The video's address, once there is one. Empty text counts as none.
    pub fn video_url(&self) -> Option<&str> {
        self.content.as_ref()?.video_url.as_deref().filter(|url| !url.is_empty())
    }

    /// The last frame's address, when it was asked for and is there.
    pub fn last_frame_url(&self) -> Option<&str> {
        self.content.as_ref()?.last_frame_url.as_deref().filter(|url| !url.is_empty())
    }
}

/// One line for people: `cgt-…: succeeded (720p, 16:9, 5 s, 108900 tokens)`.
impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}",
            self.id,
            if self.status.as_str().is_empty() { "no status" } else { self.status.as_str() }
        )?;
        let mut facts: Vec<String> = Vec::new();
        facts.extend(self.resolution.as_ref().map(ToString::to_string));
        facts.extend(self.ratio.as_ref().map(ToString::to_string));
        facts.extend(self.duration.map(|seconds| format!("{seconds} s")));
        facts.extend(self.frames.map(|frames| format!("{frames} frames")));
        facts.extend(
            self.usage
                .as_ref()
                .and_then(|usage| usage.completion_tokens)
                .map(|tokens| format!("{tokens} tokens")),
        );
        if !facts.is_empty() {
            write!(f, " ({})", facts.join(", "))?;
        }
        match (self.failure(), self.failure_text()) {
            (Some(failure), _) => write!(f, ": {failure}"),
            (None, Some(text)) => write!(f, ": {text}"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", message) => f.write_str(message),
            (code, "") => f.write_str(code),
            (code, message) => write!(f, "{code}: {message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::TaskList;

    fn task(value: Value) -> Task {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn only_four_states_are_an_end() {
        let ends: Vec<_> =
            TaskStatus::KNOWN.iter().filter(|status| status.is_terminal()).map(TaskStatus::as_str).collect();
        assert_eq!(ends, ["succeeded", "failed", "cancelled", "expired"]);
        assert!(!TaskStatus::from("paused").is_terminal());
    }

    #[test]
    fn a_line_for_people() {
        let done = task(
            json!({"id": "cgt-1", "model": "m", "status": "succeeded", "resolution": "720p", "ratio": "5:4", "duration": 5, "usage": {"completion_tokens": 9}}),
        );
        assert_eq!(done.to_string(), "cgt-1: succeeded (720p, 5:4, 5 s, 9 tokens)");
        let failed = task(
            json!({"id": "cgt-1", "model": "m", "status": "failed", "failure_reason": {"code": "C", "message": "m"}}),
        );
        assert_eq!(failed.to_string(), "cgt-1: failed: C: m");
        assert_eq!(task(json!({"id": "cgt-1"})).to_string(), "cgt-1: no status");
    }

    #[test]
    fn the_last_of_a_member_that_comes_twice_counts() {
        let again =
            |text: &str| serde_json::to_string(&serde_json::from_str::<TaskError>(text).unwrap()).unwrap();
        assert_eq!(again(r#"{"code":{},"code":"c","message":"m"}"#), r#"{"code":"c","message":"m"}"#);
        assert_eq!(again(r#"{"code":"c","code":[],"message":"m"}"#), r#"{"message":"m","code":[]}"#);
        assert_eq!(again(r#"{"code":[],"code":null,"message":"m"}"#), r#"{"code":"","message":"m"}"#);
    }

    /// Each integer of a task, as a way to it.
    fn integers(task: &Task) -> [(&'static str, Option<i64>); 12] {
        let usage = task.usage.as_ref();
        let searches = usage.and_then(|usage| usage.tool_usage.as_ref()?.web_search);
        [
            ("/created_at", task.created_at),
            ("/updated_at", task.updated_at),
            ("/usage/completion_tokens", usage.and_then(|usage| usage.completion_tokens)),
            ("/usage/total_tokens", usage.and_then(|usage| usage.total_tokens)),
            ("/usage/prompt_tokens", usage.and_then(|usage| usage.prompt_tokens)),
            ("/usage/tool_usage/web_search", searches),
            ("/seed", task.seed),
            ("/duration", task.duration),
            ("/frames", task.frames),
            ("/framespersecond", task.framespersecond),
            ("/priority", task.priority),
            ("/execution_expires_after", task.execution_expires_after),
        ]
    }

    #[test]
    fn numbers_sent_as_digit_strings_are_numbers() {
        let with = |text: &Value| {
            task(json!({
                "id": "cgt-1", "model": "m", "status": "succeeded", "created_at": text, "updated_at": text,
                "usage": { "completion_tokens": text, "total_tokens": text, "prompt_tokens": text,
                    "tool_usage": { "web_search": text } },
                "seed": text, "duration": text, "frames": text, "framespersecond": text, "priority": text,
                "execution_expires_after": text,
            }))
        };
        for (text, expected) in [
            (json!("108900"), Some(108_900)),
            (json!("-1"), Some(-1)),
            (json!("007"), Some(7)),
            (json!(7), Some(7)),
            (json!("9223372036854775808"), None),
            (json!("108900.5"), None),
            (json!("1e5"), None),
            (json!("+5"), None),
            (json!(" 5"), None),
            (json!("-"), None),
            (json!(""), None),
        ] {
            let read = with(&text);
            let written = serde_json::to_value(&read).unwrap();
            for (path, found) in integers(&read) {
                assert_eq!(found, expected, "{path} of {text}");
                assert_eq!(written.pointer(path), Some(&text), "{path} is written as it came");
            }
        }
        let total = |list: &TaskList| (list.total, serde_json::to_string(list).unwrap());
        let list: TaskList = serde_json::from_value(json!({ "total": "3", "items": [] })).unwrap();
        assert_eq!(total(&list), (Some(3), r#"{"total":"3","items":[]}"#.to_owned()));
    }

    #[test]
    fn what_is_set_later_is_written_and_not_the_digits_that_came() {
        let mut read = task(json!({ "id": "cgt-1", "model": "m", "status": "queued", "seed": "5" }));
        read.seed = Some(6);
        assert_eq!(serde_json::to_value(&read).unwrap()["seed"], json!(6));
        let last: Task = serde_json::from_str(r#"{"id":"cgt-1","seed":"5","seed":6}"#).unwrap();
        assert_eq!((last.seed, last.extra.len()), (Some(6), 0));
    }

    #[test]
    fn what_cannot_be_read_is_kept() {
        let odd = json!({
            "id": "cgt-1", "model": null, "status": "paused", "created_at": "1795313730", "updated_at": 1795313730.0,
            "duration": 5.5, "seed": 18446744073709551615u64, "error": "boom", "draft": "no", "usage": [1], "tools": [{"no": "type"}],
            "content": {"video_url": 7, "later": {"a": 1}}, "ratio": 3, "from_the_future": [1, {"b": null}]
        });
        let read = task(odd.clone());
        assert_eq!(
            (read.created_at, read.updated_at, read.duration, read.seed),
            (Some(1_795_313_730), Some(1_795_313_730), None, None)
        );
        assert_eq!(read.status.as_str(), "paused");
        let written = serde_json::to_value(&read).unwrap();
        for (name, value) in odd.as_object().unwrap() {
            let expected = match name.as_str() {
                "updated_at" => json!(1_795_313_730),
                "model" => json!(""),
                _ => value.clone(),
            };
            assert_eq!(written[name], expected, "{name}");
        }
    }
}
