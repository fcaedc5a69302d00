//! Fault injection by directives inside a prompt: `[[fault:delay millis=500]]`,
//! `[[refuse:QuotaExceeded]]`, `[[fail:…]]`. Any client can ask for a fault without anything but
//! the API.

use serde_json::{Map, Number, Value};

use super::{Effect, FaultPoint, FaultRule};

const STARTS: [&str; 3] = ["[[fault:", "[[refuse:", "[[fail:"];

/// A fast test for bodies of megabytes: whether they can contain directives at all.
pub(crate) fn may_hold(body: &[u8]) -> bool {
    // Rarely does a body contain `[[`; one pass is enough.
    str::from_utf8(body)
        .is_ok_and(|text| text.contains("[[") && STARTS.iter().any(|start| text.contains(start)))
}

/// The prompt of a create: the first text among its items.
pub(crate) fn prompt(body: &Map<String, Value>) -> Option<&str> {
    let items = body.get("content")?.as_array()?;
    items.iter().find_map(|item| item.get("text")?.as_str())
}

/// Parses all directives of a prompt.
///
/// # Errors
/// The first directive that is not valid, and why. A misspelt fault without effect would let a test
/// pass that tests nothing.
pub(crate) fn read(prompt: &str) -> Result<Vec<FaultRule>, String> {
    let mut rules = Vec::new();
    let mut rest = prompt;
    while let Some(at) = STARTS.iter().filter_map(|start| rest.find(start)).min() {
        let open = &rest[at..];
        let Some(end) = open.find("]]") else {
            return Err("a fault in the prompt does not end with `]]`".to_owned());
        };
        rules.push(one(&open[2..end])?);
        rest = &open[end + 2..];
    }
    Ok(rules)
}

/// One of them, without its brackets: `fault:delay millis=500 on=get hits=1`.
fn one(text: &str) -> Result<FaultRule, String> {
    let mut directives = text.split_whitespace();
    let (kind, name) = directives.next().and_then(|first| first.split_once(':')).unwrap_or_default();
    let mut members = Map::new();
    if kind == "fault" {
        members.insert("fault".to_owned(), name.into());
    } else {
        members.insert("fault".to_owned(), kind.into());
        members.insert("code".to_owned(), name.into());
    }
    let (mut on, mut hits) = (None, None);
    for word in directives {
        let (key, value) =
            word.split_once('=').ok_or_else(|| format!("`{word}` in `{text}` is not name=value"))?;
        match key {
            "on" => {
                on = Some(
                    serde_json::from_value::<FaultPoint>(value.into())
                        .map_err(|error| format!("`on`: {error}"))?,
                );
            }
            "hits" => hits = Some(value.parse().map_err(|_| format!("`hits={value}` is no number"))?),
            _ => {
                members.insert(key.to_owned(), scalar(key, value));
            }
        }
    }
    let effect: Effect = serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())?;
    let mut rule = FaultRule::new(effect);
    (rule.when.endpoint, rule.hits) = (on, hits);
    rule.check().map(|()| rule)
}

/// A number, a yes or no, or a text, in which `_` stands for a space in messages.
fn scalar(key: &str, value: &str) -> Value {
    if key == "message" {
        return value.replace('_', " ").into();
    }
    let number = value.parse::<i64>().map(Number::from);
    match (number, value) {
        (Ok(number), _) if key != "retry_after" => Value::Number(number),
        (_, "true") => true.into(),
        (_, "false") => false.into(),
        _ => value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_asks_for_faults() {
        let read = |text| read(text).unwrap();
        assert!(read("A boat. [[not ours]] [fault:x]").is_empty());
        let [first, second] =
            &read("A boat. [[fault:accept_then_drop hits=1]] and [[fault:delay on=get millis=5]]")[..]
        else {
            panic!()
        };
        assert_eq!((&first.effect, first.hits), (&Effect::AcceptThenDrop { reset: false }, Some(1)));
        assert_eq!(
            (&second.effect, second.when.endpoint),
            (&Effect::Delay { millis: 5 }, Some(FaultPoint::Get))
        );
        let [refused] = &read("[[refuse:QuotaExceeded message=Too_many_queued_tasks.]]")[..] else {
            panic!()
        };
        let message = Some("Too many queued tasks.".to_owned());
        assert_eq!(refused.effect, Effect::Refuse { code: "QuotaExceeded".to_owned(), message });
    }

    #[test]
    fn a_word_that_means_nothing_is_told() {
        for (prompt, expected) in [
            ("[[fault:acept_then_drop]]", "acept_then_drop"),
            ("[[fault:delay millis=soon]]", "soon"),
            ("[[fault:delay", "does not end"),
            ("[[fault:null_items on=create]]", "no meaning"),
            ("[[refuse:NoSuchCode]]", "NoSuchCode"),
            ("[[refuse:OutputVideoSensitiveContentDetected]]", "use `fail`"),
            ("[[fault:delay 5]]", "is not name=value"),
        ] {
            let why = read(prompt).unwrap_err();
            assert!(why.contains(expected), "{prompt}: {why}");
        }
    }

    #[test]
    fn a_body_is_looked_through_quickly() {
        assert!(may_hold(br#"{"text":"a [[fault:garbage]]"}"#));
        assert!(!may_hold(b"[[x [ [fault:y]] [["));
        assert!(!may_hold(b""));
    }
}
