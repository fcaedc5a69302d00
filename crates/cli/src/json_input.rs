//! Parses hand-written JSON: lenient where that is safe, else an error with line, column and a
//! caret. The error shows what was expected, never the text itself: it may be a prompt or media.

use ark_video_batch::{decode_text, plain_json};
use serde_json::error::Category;
use serde_json::{Map, Value};

use crate::exit::Exit;
use crate::failure::Failure;

/// Width of the excerpt, in characters.
const EXCERPT: usize = 60;

/// Parses an object. `origin` names the text: a file name, `standard input`, `--extra-body`.
pub(crate) fn object(text: &[u8], origin: &str) -> Result<Map<String, Value>, Failure> {
    let wrong = |why: String| Failure::new(Exit::Request, why);
    let text =
        decode_text(text).map_err(|error| wrong(format!("{origin} is {error}")).hint(error.advice()))?;
    if text.trim().is_empty() {
        return Err(wrong(format!("{origin} is empty: a JSON object was expected")));
    }
    // Comments and trailing commas are not JSON, but unambiguous.
    let read = serde_json::from_str::<Value>(&text)
        .or_else(|error| plain_json(&text).map_or(Err(error), |plain| serde_json::from_str(&plain)));
    match read {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => {
            let failure = wrong(format!("{origin} is {}, but a JSON object was expected", kind_of(&other)));
            Err(match other {
                Value::Array(_) => failure.hint(
                    "a request is one object: write each to its own file, or use `ark-video batch run`",
                ),
                _ => failure,
            })
        }
        Err(error) => Err(wrong(syntax(&text, origin, &error)).hint(slip(&text, &error))),
    }
}

/// Syntax of other languages at the position of the error.
fn slip(text: &str, error: &serde_json::Error) -> &'static str {
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    let from = (0..error.column().min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    let rest = &line[from..];
    if rest.starts_with('\'') {
        "JSON uses double quotes, not single ones"
    } else if rest.starts_with(['“', '”', '„', '‘', '’']) {
        "JSON uses straight quotes"
    } else if rest.starts_with(['，', '：', '｛', '｝']) {
        "JSON uses `,` and `:`, not the full-width ones"
    } else if ["True", "False", "None", "NaN"].iter().any(|word| rest.starts_with(word)) {
        "JSON spells true, false and null"
    } else if rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        "names and strings need double quotes"
    } else {
        ""
    }
}

fn syntax(text: &str, origin: &str, error: &serde_json::Error) -> String {
    let line = error.line();
    let source = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    // The parser reports the byte it read last; the column counts characters.
    let at = source.char_indices().take_while(|(start, _)| start + 1 < error.column()).count();
    let why = match error.classify() {
        // Messages of this category are fixed; those of others repeat the text.
        Category::Syntax | Category::Eof => {
            let said = error.to_string();
            said.split(" at line ").next().unwrap_or("it is incomplete").to_owned()
        }
        _ => "the value has the wrong type".to_owned(),
    };
    format!("{origin}:{line}:{} is not valid JSON: {why}\n{}", at + 1, excerpt(source, line, at))
}

/// The line with every letter and digit hidden, and a caret below the position.
fn excerpt(source: &str, line: usize, at: usize) -> String {
    let from = if at < EXCERPT - 10 { 0 } else { at - EXCERPT / 2 };
    let window: String = source.chars().skip(from).take(EXCERPT).map(hide).collect();
    let gutter = line.to_string();
    let blank = " ".repeat(gutter.len());
    format!("{blank} |\n{gutter} | {}\n{blank} | {}^", window.trim_end(), " ".repeat(at - from))
}

fn hide(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_ascii_punctuation() || c == ' ' => c,
        _ => '·',
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(text: &str) -> String {
        object(text.as_bytes(), "request.json").unwrap_err().message
    }

    #[test]
    fn broken_json_is_shown_by_place_and_not_by_content() {
        insta::assert_snapshot!(broken("{\n  \"model\": \"m\",\n  \"content\": [{\"text\": \"a secret 秘密 cat\" \"type\"}]\n}"), @r#"
        request.json:3:42 is not valid JSON: expected `,` or `}`
          |
        3 |   "·······": [{"····": "· ······ ·· ···" "····"}]
          |                                          ^
        "#);
        insta::assert_snapshot!(broken("{\"model\": \"m\""), @r#"
        request.json:1:13 is not valid JSON: EOF while parsing an object
          |
        1 | {"·····": "·"
          |             ^
        "#);
    }

    #[test]
    fn what_is_no_object_is_named() {
        assert_eq!(broken(""), "request.json is empty: a JSON object was expected");
        assert_eq!(broken("[1]"), "request.json is a list, but a JSON object was expected");
        let said = object(b"{\"a\": \"\xff\"}", "request.json").unwrap_err().message;
        assert_eq!(said, "request.json is not UTF-8: byte 8 belongs to no character of a text");
        assert!(object("\u{feff}{}".as_bytes(), "x").is_ok());
        assert!(object(b"{ // why\n \"a\": [1,], /* b */ }", "x").is_ok());
    }

    #[test]
    fn a_slip_of_another_language_is_named() {
        for (text, hint) in [
            ("{'a': 1}", "JSON uses double quotes, not single ones"),
            ("{“a”: 1}", "JSON uses straight quotes"),
            ("{\"a\"：1}", "JSON uses `,` and `:`, not the full-width ones"),
            ("{\"a\": True}", "JSON spells true, false and null"),
            ("{a: 1}", "names and strings need double quotes"),
            (
                "[{\"a\": 1}]",
                "a request is one object: write each to its own file, or use `ark-video batch run`",
            ),
        ] {
            assert_eq!(object(text.as_bytes(), "x").unwrap_err().hints, [hint], "{text}");
        }
        assert!(object(b"{\"a\": 1", "x").unwrap_err().hints.is_empty());
    }

    #[test]
    fn a_long_line_shows_the_place_only() {
        let said = broken(&format!("{{\"a\": \"{}\" x}}", "秘".repeat(500)));
        assert!(said.lines().all(|line| line.chars().count() < 80), "{said}");
        let (source, caret) = (said.lines().nth(2).unwrap(), said.lines().nth(3).unwrap());
        assert_eq!(source.chars().nth(caret.chars().count() - 1), Some('·'));
    }
}
