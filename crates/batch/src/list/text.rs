//! From the text of a list to its members and shots, with the line of each: TOML, JSON, or JSON line by line. Knows the
//! two parsers and nothing of what the members mean; never repeats what it found.

use std::borrow::Cow;
use std::path::Path;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::At;
use crate::plain_json;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ListFormat {
    /// One TOML document: `[defaults]`, then `[[shots]]`.
    Toml,
    /// One JSON object with `defaults` and `shots`.
    Json,
    /// One shot a line; the first line may hold what goes before the shots.
    JsonLines,
}

/// Members of a list that stand beside its shots.
pub(super) const HEAD: [&str; 6] = ["$schema", "batch", "output_dir", "caps", "defaults", "shots"];

/// Something that keeps the text from being read.
#[derive(Debug, PartialEq)]
pub(super) struct Broken {
    pub(super) line: Option<usize>,
    pub(super) message: String,
}

/// A list as it was parsed.
pub(super) struct Document<'t> {
    pub(super) format: ListFormat,
    /// What stands beside the shots.
    pub(super) head: Map<String, Value>,
    pub(super) shots: Vec<Value>,
    /// Members that a shot, or the defaults, have twice: the last one would win in silence.
    pub(super) twice: Vec<(Option<usize>, String)>,
    text: &'t str,
    newlines: Vec<usize>,
    tree: Tree<'t>,
}

enum Tree<'t> {
    Json(&'t RawValue, Vec<&'t RawValue>),
    Lines(Option<&'t RawValue>, Vec<&'t RawValue>),
    Toml(DeTable<'t>),
}

/// A JSON list that cannot be read as it is, without comments and last commas; anything else as it is.
pub(super) fn plain<'t>(text: Cow<'t, str>, name: &str) -> Cow<'t, str> {
    let is_json = format_of(&text, name) == ListFormat::Json;
    if !is_json || serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok() {
        return text;
    }
    plain_json(&text).map_or(text, Cow::Owned)
}

impl<'t> Document<'t> {
    /// Parses a list. The format follows from the name's ending, else from the text.
    pub(super) fn parse(text: &'t str, name: &str) -> Result<Self, Vec<Broken>> {
        match format_of(text, name) {
            ListFormat::Toml => Self::toml(text).map_err(|broken| vec![broken]),
            ListFormat::Json => Self::json(text).map_err(|broken| vec![broken]),
            ListFormat::JsonLines => Self::lines(text),
        }
    }

    fn of(format: ListFormat, text: &'t str, tree: Tree<'t>) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at);
        Self {
            format,
            head: Map::new(),
            shots: Vec::new(),
            twice: Vec::new(),
            newlines: newlines.collect(),
            text,
            tree,
        }
    }

    fn json(text: &'t str) -> Result<Self, Broken> {
        let broken = |error: serde_json::Error| syntax(&error, error.line());
        let Value::Object(mut head) = serde_json::from_str(text).map_err(broken)? else {
            return Err(Broken { line: Some(1), message: "An object with `shots` was expected.".into() });
        };
        let raw: &RawValue = serde_json::from_str(text).map_err(broken)?;
        let shots = match head.remove("shots") {
            Some(Value::Array(shots)) => shots,
            Some(other) => {
                head.insert("shots".to_owned(), other);
                Vec::new()
            }
            None => Vec::new(),
        };
        let raws = child(raw, "shots").map(items).unwrap_or_default();
        let mut document = Self::of(ListFormat::Json, text, Tree::Json(raw, raws.clone()));
        document.note_twice(None, Some(raw));
        document.note_twice(None, child(raw, "defaults"));
        for (place, shot) in raws.into_iter().enumerate() {
            document.note_twice(Some(place), Some(shot));
        }
        (document.head, document.shots) = (head, shots);
        Ok(document)
    }

    fn lines(text: &'t str) -> Result<Self, Vec<Broken>> {
        let (mut head, mut shots, mut broken) = (None, Vec::new(), Vec::new());
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let read: Result<(Value, &RawValue), serde_json::Error> =
                serde_json::from_str(line).and_then(|value| Ok((value, serde_json::from_str(line)?)));
            match read {
                Ok((Value::Object(members), raw))
                    if shots.is_empty() && head.is_none() && is_head(&members) =>
                {
                    head = Some((members, raw));
                }
                Ok(shot) => shots.push(shot),
                Err(error) => broken.push(syntax(&error, number + 1)),
            }
        }
        if !broken.is_empty() {
            return Err(broken);
        }
        let (values, raws): (Vec<Value>, Vec<&RawValue>) = shots.into_iter().unzip();
        let (head, raw_head) = head.map_or((Map::new(), None), |(head, raw)| (head, Some(raw)));
        let mut document = Self::of(ListFormat::JsonLines, text, Tree::Lines(raw_head, raws.clone()));
        document.note_twice(None, raw_head);
        document.note_twice(None, raw_head.and_then(|raw| child(raw, "defaults")));
        for (place, shot) in raws.into_iter().enumerate() {
            document.note_twice(Some(place), Some(shot));
        }
        (document.head, document.shots) = (head, values);
        Ok(document)
    }

    fn toml(text: &'t str) -> Result<Self, Broken> {
        let line = |at: usize| text.get(..at).map(|before| before.matches('\n').count() + 1);
        let table = DeTable::parse(text).map_err(|error| Broken {
            line: error.span().and_then(|span| line(span.start)),
            message: format!("This is not valid TOML: {}.", fixed(error.message())),
        })?;
        let table = table.into_inner();
        let mut head = object(&table).map_err(|(at, message)| Broken { line: line(at), message })?;
        let shots = match head.remove("shots") {
            Some(Value::Array(shots)) => shots,
            Some(other) => {
                head.insert("shots".to_owned(), other);
                Vec::new()
            }
            None => Vec::new(),
        };
        let mut document = Self::of(ListFormat::Toml, text, Tree::Toml(table));
        (document.head, document.shots) = (head, shots);
        Ok(document)
    }

    fn note_twice(&mut self, place: Option<usize>, raw: Option<&RawValue>) {
        let Some(members) = raw.map(members) else {
            return;
        };
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let twice = names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_owned());
        self.twice.extend(twice.map(|name| (place, name)));
    }

    /// The line of a place, or of the nearest that is there, from 1.
    pub(super) fn line(&self, at: &At<'_>) -> Option<usize> {
        let (shot, pointer) = match *at {
            At::List(pointer) => (None, pointer.to_owned()),
            At::Inherited(_, _, pointer) => (None, format!("/defaults{pointer}")),
            At::Shot(place, _, pointer) => (Some(place), pointer.to_owned()),
        };
        let offset = match &self.tree {
            Tree::Json(root, shots) => self.offset(self.start(Some(root), shots, shot)?, &pointer),
            Tree::Lines(head, shots) => self.offset(self.start(*head, shots, shot)?, &pointer),
            Tree::Toml(table) => match shot {
                None => deepest(table, &pointer, 0),
                Some(place) => {
                    let shot = table.get("shots")?.get_ref().get(place)?;
                    deepest(shot.get_ref().as_table()?, &pointer, shot.span().start)
                }
            },
        };
        Some(self.newlines.partition_point(|newline| *newline < offset) + 1)
    }

    fn start(
        &self,
        head: Option<&'t RawValue>,
        shots: &[&'t RawValue],
        shot: Option<usize>,
    ) -> Option<&'t RawValue> {
        match shot {
            None => head,
            Some(place) => shots.get(place).copied(),
        }
    }

    /// Where the deepest part of a pointer that exists begins in the text.
    fn offset(&self, from: &'t RawValue, pointer: &str) -> usize {
        let mut at = from;
        for part in pointer.split('/').skip(1) {
            match child(at, &part.replace("~1", "/").replace("~0", "~")) {
                Some(inner) => at = inner,
                None => break,
            }
        }
        (at.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }
}

/// Whether the first line of many is no shot.
fn is_head(members: &Map<String, Value>) -> bool {
    !members.contains_key("name") && HEAD.iter().any(|name| members.contains_key(*name))
}

fn format_of(text: &str, name: &str) -> ListFormat {
    match Path::new(name).extension().and_then(|ending| ending.to_str()) {
        Some("toml") => ListFormat::Toml,
        Some("json") => ListFormat::Json,
        Some("jsonl" | "ndjson") => ListFormat::JsonLines,
        _ if !text.trim_start().starts_with('{') => ListFormat::Toml,
        _ => match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(whole) if whole.contains_key("shots") => ListFormat::Json,
            _ => ListFormat::JsonLines,
        },
    }
}

/// A complaint of the parser, without the text that it is about.
fn syntax(error: &serde_json::Error, line: usize) -> Broken {
    let said = error.to_string();
    let why = match error.classify() {
        serde_json::error::Category::Data => "a value has the wrong type",
        _ => said.split(" at line ").next().unwrap_or("it breaks off"),
    };
    Broken {
        line: Some(line),
        message: format!("This is not valid JSON: {why} (column {}).", error.column()),
    }
}

/// A sentence of the TOML parser without quoted pieces of the text: they may be a prompt.
fn fixed(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default().trim_end_matches('.');
    first.split('`').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "…" }).collect()
}

/// The members of an object in the order of the text, doubles included.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(member) = map.next_entry()? {
                    all.push(member);
                }
                Ok(Members(all))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

fn members(raw: &RawValue) -> Vec<(String, &RawValue)> {
    serde_json::from_str::<Members<'_>>(raw.get()).map(|members| members.0).unwrap_or_default()
}

fn items(raw: &RawValue) -> Vec<&RawValue> {
    serde_json::from_str(raw.get()).unwrap_or_default()
}

fn child<'r>(raw: &'r RawValue, name: &str) -> Option<&'r RawValue> {
    if raw.get().starts_with('[') {
        return items(raw).get(name.parse::<usize>().ok()?).copied();
    }
    members(raw).into_iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// Where the deepest part of a pointer begins in a table; `start` where nothing of it is there.
fn deepest(table: &DeTable<'_>, pointer: &str, start: usize) -> usize {
    let mut parts = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    let first = parts.next().and_then(|name| table.iter().find(|(known, _)| *known.get_ref() == name));
    let Some((key, value)) = first else {
        return start;
    };
    let (mut offset, mut at) = (key.span().start, value);
    for part in parts {
        let inner = match at.get_ref() {
            DeValue::Array(array) => part.parse::<usize>().ok().and_then(|index| array.get(index)),
            DeValue::Table(table) => {
                table.iter().find(|(known, _)| *known.get_ref() == part).map(|(_, value)| value)
            }
            _ => None,
        };
        match inner {
            Some(inner) => (offset, at) = (inner.span().start, inner),
            None => break,
        }
    }
    offset
}

type Odd = (usize, String);

fn object(table: &DeTable<'_>) -> Result<Map<String, Value>, Odd> {
    table.iter().map(|(key, value)| Ok((key.get_ref().to_string(), json(value)?))).collect()
}

fn json(value: &Spanned<DeValue<'_>>) -> Result<Value, Odd> {
    let odd = |what: &str| (value.span().start, format!("{what} has no place in a request."));
    Ok(match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| odd("A number as large as this"))?
            .into(),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .ok()
            .and_then(serde_json::Number::from_f64)
            .map(Value::Number)
            .ok_or_else(|| odd("What is no finite number"))?,
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(_) => return Err(odd("A date")),
        DeValue::Array(array) => Value::Array(array.iter().map(json).collect::<Result<_, _>>()?),
        DeValue::Table(table) => Value::Object(object(table)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = "batch = 'tea'\n\n[defaults]\nmodel = 'm'\n\n[[shots]]\nname = 'a'\n\n[[shots]]\nname = 'b'\nduration = 5\nreferences = [\n  'x',\n  'y',\n]\n";
    const JSON: &str = "{\n \"defaults\": {\n  \"model\": \"m\"},\n \"shots\": [\n  {\"name\": \"a\"},\n  {\"name\": \"b\",\n   \"duration\": 5, \"references\": [\"x\",\n    \"y\"]}\n ]\n}\n";
    const LINES: &str = "{\"defaults\": {\"model\": \"m\"}}\n\n{\"name\": \"a\"}\n{\"name\": \"b\", \"duration\": 5, \"references\": [\"x\", \"y\"]}\n";

    #[test]
    fn the_three_forms_say_the_same_and_know_their_lines() {
        let expected =
            [("l.toml", TOML, [4, 9, 11, 14]), ("l.json", JSON, [3, 6, 7, 8]), ("l", LINES, [1, 4, 4, 4])];
        for (name, text, lines) in expected {
            let document = Document::parse(text, name).unwrap_or_else(|_| panic!("{name}"));
            assert_eq!(document.shots.len(), 2, "{name}");
            assert_eq!(document.head["defaults"]["model"], "m", "{name}");
            assert_eq!(document.shots[1]["references"][1], "y", "{name}");
            let line = |at: At<'_>| document.line(&at).unwrap();
            let found = [
                line(At::Inherited(1, "b", "/model")),
                line(At::Shot(1, "b", "")),
                line(At::Shot(1, "b", "/duration")),
                line(At::Shot(1, "b", "/references/1/role")),
            ];
            assert_eq!(found, lines, "{name}");
        }
    }

    #[test]
    fn the_text_decides_where_the_ending_does_not() {
        assert_eq!(format_of(TOML, "list"), ListFormat::Toml);
        assert_eq!(format_of(JSON, "list.txt"), ListFormat::Json);
        assert_eq!(format_of(LINES, "-"), ListFormat::JsonLines);
        assert_eq!(format_of("{\"name\": \"a\"}", "-"), ListFormat::JsonLines);
    }

    #[test]
    fn what_is_broken_is_named_by_its_line_and_not_repeated() {
        let broken = |text: &str, name: &str| match Document::parse(text, name) {
            Ok(_) => panic!("{text} was read"),
            Err(all) => all.into_iter().map(|b| format!("{:?} {}", b.line, b.message)).collect::<Vec<_>>(),
        };
        assert_eq!(
            broken("{\"name\": \"a\"}\n{\"SECRET\": }\nSECRET\n", "l.jsonl"),
            [
                "Some(2) This is not valid JSON: expected value (column 12).",
                "Some(3) This is not valid JSON: expected value (column 1)."
            ]
        );
        for (text, name) in [
            ("a = 1\n[[shots]\n", "l.toml"),
            ("a = 1\na = 2\n", "l.toml"),
            ("a = 1\nb = 2026-11-23\n", "l.toml"),
            ("a = 1\nb = nan\n", "l.toml"),
            ("a = 1\nSECRET SECRET\n", "l.toml"),
            ("{\n[}", "l.json"),
        ] {
            let said = broken(text, name);
            assert!(said[0].starts_with("Some(2) ") && !said[0].contains("SECRET"), "{text}: {said:?}");
        }
        assert_eq!(broken("[1]", "l.json"), ["Some(1) An object with `shots` was expected."]);
    }

    #[test]
    fn members_that_stand_twice_are_noticed() {
        let document = Document::parse("{\"shots\": [{\"name\": \"a\", \"name\": \"b\"}]}", "l.json");
        assert_eq!(document.map(|d| d.twice).unwrap_or_default(), [(Some(0), "name".to_owned())]);
    }
}
