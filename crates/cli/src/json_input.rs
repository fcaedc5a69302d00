//! JSON that people wrote: where it breaks (line, column, a caret) or which member has the wrong type. Says where and
//! what was expected, never what was found there: it may be a prompt or a picture.

use ark_video::model::{
    AudioContent, ContentItem, CreateTaskRequest, DraftTaskContent, ImageContent, TextContent, VideoContent,
};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_json::{Map, Value, json};

use crate::exit::Exit;
use crate::failure::Failure;

/// Width of the excerpt, in characters.
const EXCERPT: usize = 60;

/// Reads an object. `origin` is how the user calls the text: a file name, `standard input`, `--extra-body`.
pub(crate) fn object(text: &[u8], origin: &str) -> Result<Map<String, Value>, Failure> {
    let wrong = |why: String| Failure::new(Exit::Request, why);
    let text = std::str::from_utf8(text).map_err(|error| {
        wrong(format!("{origin} is not UTF-8: byte {} belongs to no character", error.valid_up_to() + 1))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(wrong(format!("{origin} is empty: a JSON object was expected")));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => {
            Err(wrong(format!("{origin} holds {}, but a JSON object was expected", kind_of(&other))))
        }
        Err(error) => Err(wrong(syntax(text, origin, &error))),
    }
}

/// The typed request, or the path of what is wrong with it.
pub(crate) fn request(value: &Value, origin: &str) -> Result<CreateTaskRequest, Failure> {
    typed::<CreateTaskRequest>(value).map_err(|complaint| {
        let complaint = deeper(value, &complaint).unwrap_or(complaint);
        let what = complaint.text(value);
        Failure::new(Exit::Request, format!("{origin}: {what}")).hint("nothing was sent")
    })
}

fn syntax(text: &str, origin: &str, error: &serde_json::Error) -> String {
    let line = error.line();
    let source = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
    // The parser counts bytes, and stands on the last one that it read; people count characters.
    let at = source.char_indices().take_while(|(start, _)| start + 1 < error.column()).count();
    let why = match error.classify() {
        // These sentences are fixed; those of other categories repeat the text.
        Category::Syntax | Category::Eof => {
            let said = error.to_string();
            said.split(" at line ").next().unwrap_or("it breaks off").to_owned()
        }
        _ => "the value has the wrong type".to_owned(),
    };
    format!("{origin}:{line}:{} is not valid JSON: {why}\n{}", at + 1, excerpt(source, line, at))
}

/// The line in question with every letter and digit hidden, and a caret under the place.
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

/// Where a typed reader stopped, and what it would have liked.
#[derive(Debug, PartialEq)]
struct Complaint {
    path: String,
    said: String,
}

fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, Complaint> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        Complaint {
            path: if path == "." { String::new() } else { path },
            said: error.into_inner().to_string(),
        }
    })
}

/// Looks for the place again where the reader lost it: content items are read as a whole, and so are some members.
fn deeper(value: &Value, complaint: &Complaint) -> Option<Complaint> {
    if complaint.path.is_empty() {
        let alone = |name: &String, member: &Value| {
            let request = json!({ "model": "", "content": [], name: member });
            typed::<CreateTaskRequest>(&request)
                .err()
                .map(|inner| Complaint { path: name.clone(), said: inner.said })
        };
        return value.as_object()?.iter().find_map(|(name, member)| alone(name, member));
    }
    let place = complaint.path.strip_prefix("content[")?.strip_suffix(']')?;
    let item = value.get("content")?.get(place.parse::<usize>().ok()?)?;
    let inner = match item.get("type")?.as_str()? {
        "text" => typed::<TextContent>(item).err()?,
        "image_url" => typed::<ImageContent>(item).err()?,
        "video_url" => typed::<VideoContent>(item).err()?,
        "audio_url" => typed::<AudioContent>(item).err()?,
        "draft_task" => typed::<DraftTaskContent>(item).err()?,
        _ => return None,
    };
    let dot = if inner.path.is_empty() { "" } else { "." };
    Some(Complaint { path: format!("{}{dot}{}", complaint.path, inner.path), said: inner.said })
}

impl Complaint {
    /// One sentence about `root`, without its values.
    fn text(&self, root: &Value) -> String {
        let place = if self.path.is_empty() { "the request".to_owned() } else { format!("`{}`", self.path) };
        if let Some((_, rest)) = self.said.split_once("missing field `") {
            let name = rest.split('`').next().unwrap_or_default();
            return format!("{place} lacks `{name}`");
        }
        if self.said.contains("missing text `type`") {
            let kinds = ContentItem::KINDS.join(", ");
            return format!("{place} lacks `type`, one of {kinds}");
        }
        if self.said.ends_with("is not a whole number that fits") {
            return format!("{place} must be a whole number");
        }
        let found = find(root, &self.path).map_or("something else", kind_of);
        match self
            .said
            .rsplit_once(", expected ")
            .or_else(|| self.said.split_once("expected a whole number").map(|_| ("", "a whole number")))
        {
            Some((_, expected)) => format!("{place} must be {}, but is {found}", plain(expected)),
            None => format!("{place} cannot be read; it is {found}"),
        }
    }
}

/// The type names of the parser, as people say them.
fn plain(expected: &str) -> &str {
    match expected {
        "a boolean" => "true or false",
        "a string" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        other if other.starts_with("a JSON object") => "an object",
        other => other,
    }
}

/// The value at a path such as `content[1].image_url`.
fn find<'v>(root: &'v Value, path: &str) -> Option<&'v Value> {
    path.split(['.', '[']).filter(|part| !part.is_empty()).try_fold(root, |value, part| {
        match part.strip_suffix(']') {
            Some(index) => value.get(index.parse::<usize>().ok()?),
            None => value.get(part),
        }
    })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
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

    fn wrong(text: &str) -> String {
        let object = object(text.as_bytes(), "request.json").unwrap();
        request(&Value::Object(object), "request.json").unwrap_err().message
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
        assert_eq!(broken("[1]"), "request.json holds a list, but a JSON object was expected");
        let said = object(b"{\"a\": \"\xff\"}", "request.json").unwrap_err().message;
        assert_eq!(said, "request.json is not UTF-8: byte 8 belongs to no character");
        assert!(object("\u{feff}{}".as_bytes(), "x").is_ok());
    }

    #[test]
    fn a_long_line_shows_the_place_only() {
        let said = broken(&format!("{{\"a\": \"{}\" x}}", "秘".repeat(500)));
        assert!(said.lines().all(|line| line.chars().count() < 80), "{said}");
        let (source, caret) = (said.lines().nth(2).unwrap(), said.lines().nth(3).unwrap());
        assert_eq!(source.chars().nth(caret.chars().count() - 1), Some('·'));
    }

    #[test]
    fn a_wrong_type_is_named_by_its_path_and_never_shown() {
        let cases = [
            (r#"{"content": []}"#, "request.json: the request lacks `model`"),
            (r#"{"model": 3, "content": []}"#, "request.json: `model` must be a text, but is a number"),
            (
                r#"{"model": "m", "content": "SECRET"}"#,
                "request.json: `content` must be a list, but is a text",
            ),
            (
                r#"{"model": "m", "content": [{"text": "SECRET"}]}"#,
                "request.json: `content[0]` lacks `type`, one of text, image_url, video_url, audio_url, draft_task",
            ),
            (
                r#"{"model": "m", "content": [{"type": "text", "text": 1}]}"#,
                "request.json: `content[0].text` must be a text, but is a number",
            ),
            (
                r#"{"model": "m", "content": [{"type": "text", "text": "SECRET"}, {"type": "image_url", "image_url": "SECRET"}]}"#,
                "request.json: `content[1].image_url` must be an object, but is a text",
            ),
            (
                r#"{"model": "m", "content": [], "watermark": "SECRET, expected x"}"#,
                "request.json: `watermark` must be true or false, but is a text",
            ),
            (
                r#"{"model": "m", "content": [], "duration": 5.5}"#,
                "request.json: `duration` must be a whole number",
            ),
            (
                r#"{"model": "m", "content": [], "seed": "SECRET"}"#,
                "request.json: `seed` must be a whole number, but is a text",
            ),
            (
                r#"{"model": "m", "content": [], "ratio": 1}"#,
                "request.json: `ratio` must be a text, for example \"16:9\", but is a number",
            ),
        ];
        for (text, said) in cases {
            assert_eq!(wrong(text), said);
        }
    }
}
