//! From the text of a list to its head and its shots, one at a time, with the position of each.
//! Knows the parsers and nothing of what the fields mean; never repeats what it found.

use std::borrow::Cow;
use std::path::Path;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::At;
use super::position::{Broken, Position, position_of};
use super::rows::Rows;
use crate::plain_json;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ListFormat {
    /// One TOML document: `[defaults]`, then `[[shots]]`.
    Toml,
    /// One JSON object with `defaults` and `shots`.
    Json,
    /// One shot a line; the first line may hold what goes before the shots.
    JsonLines,
    /// A header of field names, then one shot a record; separated by commas, semicolons or tabs.
    Csv,
    /// One prompt a line; blank lines and lines that start with `#` are left out.
    Text,
}

/// Fields of a list that stand beside its shots.
pub(super) const HEAD: [&str; 6] = ["$schema", "batch", "output_dir", "caps", "defaults", "shots"];

/// A list whose syntax is right. Of its shots only the positions are kept, except in TOML.
pub(super) struct Document<'t> {
    pub(super) format: ListFormat,
    /// What stands beside the shots.
    pub(super) head: Map<String, Value>,
    text: &'t str,
    newlines: Vec<u32>,
    shots: Shots<'t>,
}

enum Shots<'t> {
    /// The text of the head, and of each shot.
    Json(Option<&'t str>, Vec<&'t str>),
    Toml(DeTable<'t>, Vec<Value>),
    Rows(Rows<'t>),
}

/// A JSON list that cannot be read as it is, without comments and last commas; anything else as it
/// is.
pub(super) fn plain(text: Cow<'_, str>, format: ListFormat) -> Cow<'_, str> {
    if format != ListFormat::Json || serde_json::from_str::<IgnoredAny>(&text).is_ok() {
        return text;
    }
    plain_json(&text).map_or(text, Cow::Owned)
}

impl<'t> Document<'t> {
    /// Parses a list.
    pub(super) fn parse(text: &'t str, format: ListFormat) -> Result<Self, Vec<Broken>> {
        let (head, shots) = match format {
            ListFormat::Toml => toml(text).map_err(|broken| vec![broken])?,
            ListFormat::Json => whole(text).map_err(|broken| vec![broken])?,
            ListFormat::JsonLines => lines(text)?,
            ListFormat::Csv => (Map::new(), Shots::Rows(Rows::table(text)?)),
            ListFormat::Text => (Map::new(), Shots::Rows(Rows::prompts(text))),
        };
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let newlines = newlines.map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect();
        Ok(Self { format, head, text, newlines, shots })
    }

    /// How many shots it has.
    pub(super) fn len(&self) -> usize {
        match &self.shots {
            Shots::Json(_, shots) => shots.len(),
            Shots::Toml(_, shots) => shots.len(),
            Shots::Rows(rows) => rows.len(),
        }
    }

    /// The shot at an index.
    pub(super) fn shot(&self, index: usize) -> Cow<'_, Value> {
        match &self.shots {
            Shots::Json(_, shots) => {
                // Its syntax was right when the list was parsed.
                let parsed = shots.get(index).and_then(|shot| serde_json::from_str(shot).ok());
                Cow::Owned(parsed.unwrap_or_default())
            }
            Shots::Toml(_, shots) => shots.get(index).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
            Shots::Rows(rows) => Cow::Owned(rows.shot(index)),
        }
    }

    /// Fields that a shot, or the head and the defaults, have twice: the last one would win in
    /// silence. TOML refuses them itself.
    pub(super) fn duplicates(&self, index: Option<usize>) -> Vec<String> {
        let (head, shots) = match (&self.shots, index) {
            (Shots::Json(head, shots), _) => (head, shots),
            (Shots::Rows(rows), None) => return rows.repeated_columns(),
            _ => return Vec::new(),
        };
        let objects = match index {
            Some(index) => [shots.get(index).copied(), None],
            None => [*head, head.and_then(|head| child(head, "defaults"))],
        };
        let mut twice = Vec::new();
        for object in objects.into_iter().flatten() {
            let mut names: Vec<String> = fields(object).into_iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            twice.extend(names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()));
        }
        twice
    }

    /// Columns of a table that no shot has as a field.
    pub(super) fn unknown_columns(&self) -> Vec<String> {
        match &self.shots {
            Shots::Rows(rows) => rows.unknown_columns().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The position of a location, or of the nearest that is there.
    pub(super) fn position(&self, at: &At<'_>) -> Option<Position> {
        let (shot, pointer) = match *at {
            At::List(pointer) => (None, pointer.to_owned()),
            At::Inherited(_, _, pointer) => (None, format!("/defaults{pointer}")),
            At::Shot(index, _, pointer) => (Some(index), pointer.to_owned()),
        };
        let offset = match (&self.shots, shot) {
            (Shots::Json(head, _), None) => self.offset((*head)?, &pointer),
            (Shots::Json(_, shots), Some(index)) => self.offset(shots.get(index)?, &pointer),
            (Shots::Toml(table, _), None) => deepest(table, &pointer, 0),
            (Shots::Toml(table, _), Some(index)) => {
                let shot = table.get("shots")?.get_ref().get(index)?;
                deepest(shot.get_ref().as_table()?, &pointer, shot.span().start)
            }
            // Defaults of such a list are not in it.
            (Shots::Rows(_), None) if pointer.starts_with("/defaults") => return None,
            (Shots::Rows(rows), shot) => rows.offset(shot, &pointer)?,
        };
        let line = self.newlines.partition_point(|newline| (*newline as usize) < offset);
        let start =
            line.checked_sub(1).and_then(|before| self.newlines.get(before)).map_or(0, |at| *at as usize + 1);
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        Some((line + 1, column + 1))
    }

    /// Where the deepest part of a pointer that exists starts in the text.
    fn offset(&self, from: &'t str, pointer: &str) -> usize {
        let mut at = from;
        for part in pointer.split('/').skip(1) {
            match child(at, &part.replace("~1", "/").replace("~0", "~")) {
                Some(inner) => at = inner,
                None => break,
            }
        }
        (at.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }
}

fn whole(text: &str) -> Result<(Map<String, Value>, Shots<'_>), Broken> {
    let broken = |error: serde_json::Error| syntax(&error, error.line());
    // Raw text may hold what no value can: a number out of range, half a character.
    let parsed = serde_json::from_str::<Value>(text).and_then(|_| serde_json::from_str::<&RawValue>(text));
    let raw = parsed.map_err(broken)?.get();
    if !raw.starts_with('{') {
        return Err(Broken { at: Some((1, 1)), message: "An object with `shots` was expected.".into() });
    }
    let shots = child(raw, "shots").filter(|shots| shots.starts_with('['));
    let is_head = |name: &String| name != "shots" || shots.is_none();
    let head = fields(raw).into_iter().filter(|(name, _)| is_head(name));
    let head = head.map(|(name, value)| Ok((name, serde_json::from_str(value)?)));
    let head = head.collect::<Result<_, _>>().map_err(broken)?;
    Ok((head, Shots::Json(Some(raw), shots.map(items).unwrap_or_default())))
}

fn lines(text: &str) -> Result<(Map<String, Value>, Shots<'_>), Vec<Broken>> {
    let (mut head, mut raw_head, mut shots, mut broken) = (Map::new(), None, Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if shots.is_empty()
            && raw_head.is_none()
            && let Ok(fields) = serde_json::from_str(line)
            && is_head(&fields)
        {
            (head, raw_head) = (fields, Some(line.trim()));
            continue;
        }
        // Raw text may hold what no value can: a number out of range, half a character.
        let raw = serde_json::from_str::<Value>(line).and_then(|_| serde_json::from_str::<&RawValue>(line));
        match raw {
            Ok(raw) => shots.push(raw.get()),
            Err(error) => broken.push(syntax(&error, number + 1)),
        }
    }
    if broken.is_empty() { Ok((head, Shots::Json(raw_head, shots))) } else { Err(broken) }
}

fn toml(text: &str) -> Result<(Map<String, Value>, Shots<'_>), Broken> {
    let table = DeTable::parse(text).map_err(|error| Broken {
        at: error.span().map(|span| position_of(text, span.start)),
        message: format!("This is not valid TOML: {}.", fixed(error.message())),
    })?;
    let table = table.into_inner();
    let mut head =
        object(&table).map_err(|(at, message)| Broken { at: Some(position_of(text, at)), message })?;
    let shots = match head.remove("shots") {
        Some(Value::Array(shots)) => shots,
        Some(other) => {
            head.insert("shots".to_owned(), other);
            Vec::new()
        }
        None => Vec::new(),
    };
    Ok((head, Shots::Toml(table, shots)))
}

/// Whether the first line of many is no shot.
fn is_head(fields: &Map<String, Value>) -> bool {
    !fields.contains_key("name") && HEAD.iter().any(|name| fields.contains_key(*name))
}

/// The format that a name's extension or else the text shows.
pub(super) fn format_of(text: &str, name: &str) -> ListFormat {
    match Path::new(name).extension().and_then(|extension| extension.to_str()) {
        Some("toml") => ListFormat::Toml,
        Some("json") => ListFormat::Json,
        Some("jsonl" | "ndjson") => ListFormat::JsonLines,
        Some("csv" | "tsv") => ListFormat::Csv,
        Some("txt" | "text") => ListFormat::Text,
        _ if !text.trim_start().starts_with('{') => ListFormat::Toml,
        _ => match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(whole) if whole.contains_key("shots") => ListFormat::Json,
            _ => ListFormat::JsonLines,
        },
    }
}

/// A message of the parser, without the text that it is about.
fn syntax(error: &serde_json::Error, line: usize) -> Broken {
    let text = error.to_string();
    let why = match error.classify() {
        serde_json::error::Category::Data => "a value has the wrong type",
        _ => text.split(" at line ").next().unwrap_or("it breaks off"),
    };
    let at = Some((line, error.column().max(1)));
    Broken { at, message: format!("This is not valid JSON: {why}.") }
}

/// A sentence of the TOML parser without quoted pieces of the text: they may be a prompt.
fn fixed(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default().trim_end_matches('.');
    first.split('`').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "…" }).collect()
}

/// The fields of an object in the order of the text, duplicates included.
struct Fields<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(field) = map.next_entry()? {
                    all.push(field);
                }
                Ok(Fields(all))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

fn fields(object: &str) -> Vec<(String, &str)> {
    let fields = serde_json::from_str::<Fields<'_>>(object).map(|fields| fields.0).unwrap_or_default();
    fields.into_iter().map(|(name, value)| (name, value.get())).collect()
}

fn items(array: &str) -> Vec<&str> {
    let items: Vec<&RawValue> = serde_json::from_str(array).unwrap_or_default();
    items.into_iter().map(RawValue::get).collect()
}

fn child<'r>(value: &'r str, name: &str) -> Option<&'r str> {
    if value.starts_with('[') {
        return items(value).get(name.parse::<usize>().ok()?).copied();
    }
    fields(value).into_iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
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
            let document = Document::parse(text, format_of(text, name)).unwrap_or_else(|_| panic!("{name}"));
            assert_eq!(document.len(), 2, "{name}");
            assert_eq!(document.head["defaults"]["model"], "m", "{name}");
            assert_eq!(document.shot(1)["references"][1], "y", "{name}");
            let line = |at: At<'_>| document.position(&at).unwrap().0;
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
        assert_eq!(format_of(JSON, "list.data"), ListFormat::Json);
        assert_eq!(format_of(LINES, "-"), ListFormat::JsonLines);
        assert_eq!(format_of("{\"name\": \"a\"}", "-"), ListFormat::JsonLines);
    }

    #[test]
    fn what_is_broken_is_named_by_its_line_and_not_repeated() {
        let broken = |text: &str, name: &str| match Document::parse(text, format_of(text, name)) {
            Ok(_) => panic!("{text} was read"),
            Err(all) => {
                all.into_iter().map(|b| format!("{:?} {}", b.at.unwrap(), b.message)).collect::<Vec<_>>()
            }
        };
        assert_eq!(
            broken("{\"name\": \"a\"}\n{\"SECRET\": }\nSECRET\n", "l.jsonl"),
            [
                "(2, 12) This is not valid JSON: expected value.",
                "(3, 1) This is not valid JSON: expected value."
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
            assert!(said[0].starts_with("(2, ") && !said[0].contains("SECRET"), "{text}: {said:?}");
        }
        assert_eq!(broken("[1]", "l.json"), ["(1, 1) An object with `shots` was expected."]);
    }

    #[test]
    fn duplicate_fields_are_noticed() {
        let document = Document::parse("{\"shots\": [{\"name\": \"a\", \"name\": \"b\"}]}", ListFormat::Json);
        assert_eq!(document.map(|document| document.duplicates(Some(0))).unwrap_or_default(), ["name"]);
    }
}
