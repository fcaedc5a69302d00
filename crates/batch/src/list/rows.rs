//! Lists without a head: a CSV table, whose header names the fields, and plain text with one prompt
//! a line. Only positions are kept; a shot is read from the text when it is needed.

use std::collections::BTreeMap;

use ark_video::model::check::field_type;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::hash::hex;
use super::position::{Broken, position_of};
use super::shape::OWN;

/// Between the values of one cell.
const SEPARATOR: char = '|';
/// Longest part of a name that comes from a prompt.
const SLUG: usize = 24;

/// What a cell of a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Text,
    Integer,
    Flag,
    Texts,
    Integers,
    /// The API's tools by their types.
    Tools,
    Json,
}

/// A column: the path of its field (`after.shot` is a field in an object), and its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// `None`: no shot has this field.
    cell: Option<Cell>,
}

/// Where a shot is in the text, and how many earlier ones have the same prompt.
#[derive(Debug, Clone, Copy)]
struct Row {
    start: u32,
    end: u32,
    repeated: u32,
}

/// The shots of a list without a head.
#[derive(Debug)]
pub(super) struct Rows<'t> {
    text: &'t str,
    /// Empty: each row is a prompt.
    pub(super) columns: Vec<Column>,
    delimiter: u8,
    rows: Vec<Row>,
}

/// The type of a field of a shot, `None` for an unknown one.
fn cell_of(field: &str) -> Option<Cell> {
    match field {
        "seeds" => Some(Cell::Integers),
        "tags" | "references" => Some(Cell::Texts),
        "variants" => Some(Cell::Integer),
        "after" | "extra_body" => Some(Cell::Json),
        "after.shot" | "after.link" => Some(Cell::Text),
        "after.approve" => Some(Cell::Flag),
        "tools" => Some(Cell::Tools),
        own if OWN.contains(&own) => Some(Cell::Text),
        field => Some(match field_type(field)? {
            "integer" => Cell::Integer,
            "boolean" => Cell::Flag,
            "string" => Cell::Text,
            _ => Cell::Json,
        }),
    }
}

/// A value as a field of a shot has it; text that has the wrong form stays text, and the checks
/// report it.
fn typed(cell: Cell, text: &str) -> Value {
    let integer =
        |text: &str| text.trim().parse::<i64>().map_or_else(|_| json!(text), |number| json!(number));
    let parts = || text.split(SEPARATOR).map(str::trim).filter(|part| !part.is_empty());
    match cell {
        Cell::Text => json!(text),
        Cell::Integer => integer(text),
        Cell::Flag if text.eq_ignore_ascii_case("true") => json!(true),
        Cell::Flag if text.eq_ignore_ascii_case("false") => json!(false),
        Cell::Flag => json!(text),
        Cell::Texts | Cell::Integers | Cell::Tools | Cell::Json
            if text.trim_start().starts_with(['[', '{']) =>
        {
            serde_json::from_str(text).unwrap_or_else(|_| json!(text))
        }
        Cell::Texts => parts().collect(),
        Cell::Integers => parts().map(integer).collect(),
        Cell::Tools => parts().map(|part| json!({ "type": part })).collect(),
        Cell::Json => json!(text),
    }
}

/// A value for a field that was given as text, outside of a list.
pub(super) fn value_of(field: &str, text: &str) -> Option<Value> {
    cell_of(field).map(|cell| typed(cell, text))
}

/// A name that follows from a prompt, and stays the same where lines are added or moved: of the
/// prompt's first words and its hash.
fn name_of(prompt: &str, repeated: u32) -> String {
    let mut name = String::new();
    for word in prompt.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        if name.len() + word.len() + 1 > SLUG {
            break;
        }
        name.push_str(&word.to_ascii_lowercase());
        name.push('-');
    }
    if name.is_empty() {
        name.push_str("shot-");
    }
    let hash = hex(&Sha256::digest(prompt.as_bytes()));
    name.push_str(hash.get(..10).unwrap_or_default());
    if repeated > 0 {
        name.push_str(&format!("-{}", repeated + 1));
    }
    name
}

impl<'t> Rows<'t> {
    /// One prompt a line; blank lines and those that start with `#` are left out.
    pub(super) fn prompts(text: &'t str) -> Self {
        let mut rows = Self { text, columns: Vec::new(), delimiter: 0, rows: Vec::new() };
        let mut seen = Repeated::default();
        for line in text.split('\n') {
            let prompt = line.trim();
            if !prompt.is_empty() && !prompt.starts_with('#') {
                let start = prompt.as_ptr() as usize - text.as_ptr() as usize;
                rows.push(start, start + prompt.len(), seen.count(prompt));
            }
        }
        rows
    }

    /// A header of field names, then one shot a record. Records of empty cells are left out.
    pub(super) fn table(text: &'t str) -> Result<Self, Vec<Broken>> {
        let header = text.lines().next().unwrap_or_default();
        let delimiter = *b",;\t".iter().find(|byte| header.as_bytes().contains(byte)).unwrap_or(&b',');
        let mut table = Self { text, columns: Vec::new(), delimiter, rows: Vec::new() };
        let mut reader = table.reader(text, true);
        let mut broken = Vec::new();
        let at = |start: usize, message: String| Broken { at: Some(position_of(text, start)), message };
        let columns = reader.headers().map_err(|error| vec![at(0, wrong(&error))])?.clone();
        table.columns = columns
            .iter()
            .map(|name| Column { name: name.trim().to_owned(), cell: cell_of(name.trim()) })
            .collect();
        let prompt = table.columns.iter().position(|column| column.name == "prompt");
        let (mut seen, mut record) = (Repeated::default(), csv::StringRecord::new());
        loop {
            let start = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
            match reader.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) => {}
                Err(error) => {
                    broken.push(at(start, wrong(&error)));
                    continue;
                }
            }
            let end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
            let raw = text.get(start..end).unwrap_or_default();
            // Blank lines before a record belong to it.
            let start = start + (raw.len() - raw.trim_start_matches(['\r', '\n']).len());
            if raw.matches('"').count() % 2 == 1 {
                let message = "A quote is not closed. Put a cell with quotes, commas or line breaks in \
                               quotes, and double the quotes in it.";
                broken.push(at(start, message.to_owned()));
            } else if record.iter().all(|cell| cell.trim().is_empty()) {
                continue;
            } else if record.len() != table.columns.len() {
                let message = format!(
                    "This record has {} cells, and the header has {}. Put a cell with commas in quotes.",
                    record.len(),
                    table.columns.len()
                );
                broken.push(at(start, message));
            } else {
                let repeated = prompt.and_then(|at| record.get(at)).map_or(0, |text| seen.count(text.trim()));
                table.push(start, end, repeated);
            }
        }
        if broken.is_empty() { Ok(table) } else { Err(broken) }
    }

    fn reader<'r>(&self, text: &'r str, header: bool) -> csv::Reader<&'r [u8]> {
        csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(header)
            .flexible(true)
            .buffer_capacity(text.len().clamp(1, 8 << 10))
            .from_reader(text.as_bytes())
    }

    fn push(&mut self, start: usize, end: usize, repeated: u32) {
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.rows.push(Row { start: short(start), end: short(end), repeated });
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The shot at an index. Without a name of its own it is named after its prompt.
    pub(super) fn shot(&self, index: usize) -> Value {
        let Some(row) = self.rows.get(index) else { return Value::Null };
        let raw = self.text.get(row.start as usize..row.end as usize).unwrap_or_default();
        let mut shot = Map::new();
        if self.columns.is_empty() {
            shot.insert("prompt".to_owned(), raw.into());
        } else {
            let mut record = csv::StringRecord::new();
            // Its syntax was right when the list was parsed.
            let _ = self.reader(raw, false).read_record(&mut record);
            for (column, text) in self.columns.iter().zip(&record) {
                let Some(cell) = column.cell.filter(|_| !text.trim().is_empty()) else { continue };
                let value = typed(cell, if cell == Cell::Text { text } else { text.trim() });
                match column.name.split_once('.') {
                    None => drop(shot.insert(column.name.clone(), value)),
                    Some((object, field)) => {
                        let object = shot.entry(object).or_insert_with(|| json!({}));
                        if let Value::Object(object) = object {
                            object.insert(field.to_owned(), value);
                        }
                    }
                }
            }
        }
        let prompt = shot.get("prompt").and_then(Value::as_str).map(str::trim);
        if let (None, Some(prompt)) = (shot.get("name"), prompt) {
            let name = name_of(prompt, row.repeated);
            shot.insert("name".to_owned(), name.into());
        }
        Value::Object(shot)
    }

    /// Where a field of a shot, or without a shot a column's name, starts in the text.
    pub(super) fn offset(&self, shot: Option<usize>, pointer: &str) -> Option<usize> {
        let (start, end) = match shot.map(|index| self.rows.get(index)) {
            Some(row) => row.map(|row| (row.start as usize, row.end as usize))?,
            None => (0, self.text.find('\n').unwrap_or(self.text.len())),
        };
        let field = pointer.trim_start_matches('/').replace('/', ".");
        let is_it =
            |column: &&Column| field == column.name || field.starts_with(&format!("{}.", column.name));
        let column = self.columns.iter().find(is_it).map(|column| &column.name);
        let at = self.columns.iter().position(|other| Some(&other.name) == column);
        let raw = self.text.get(start..end)?;
        let mut quoted = false;
        let mut starts = raw.bytes().enumerate().filter_map(|(at, byte)| {
            quoted ^= byte == b'"';
            (byte == self.delimiter && !quoted).then_some(at + 1)
        });
        Some(start + at.filter(|at| *at > 0).and_then(|at| starts.nth(at - 1)).unwrap_or(0))
    }

    /// Columns that no shot has, and those that are there twice.
    pub(super) fn unknown_columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(|column| column.cell.is_none()).map(|column| column.name.as_str())
    }

    /// Columns that are there twice.
    pub(super) fn repeated_columns(&self) -> Vec<String> {
        let mut names: Vec<&String> = self.columns.iter().map(|column| &column.name).collect();
        names.sort_unstable();
        names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()).collect()
    }
}

/// How often each prompt has come, by its hash.
#[derive(Default)]
struct Repeated(BTreeMap<u64, u32>);

impl Repeated {
    fn count(&mut self, prompt: &str) -> u32 {
        let hash = Sha256::digest(prompt.as_bytes());
        let key = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let count = self.0.entry(key).or_insert(0);
        *count += 1;
        *count - 1
    }
}

/// The parser's error, without the text that it is about.
fn wrong(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "This is not UTF-8.".to_owned(),
        _ => "This is not valid CSV.".to_owned(),
    }
}
