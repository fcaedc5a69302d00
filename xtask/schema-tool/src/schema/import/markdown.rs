//! Apifox's Markdown: a fenced OpenAPI document where there is one, else the tables of parameters,
//! in which `»` before a name says how deep it lies. The tables know names, types, what is required
//! and descriptions; nothing else.

use anyhow::{Result, anyhow, bail, ensure};
use serde_json::{Map, Value, json};

use super::{Imported, Kind, Operation, apifox, repair, strict};

/// Whether the text is such an export.
pub(super) fn is_one(text: &str) -> bool {
    !fenced(text).is_empty() || text.lines().any(|line| Columns::of(line).is_some())
}

pub(super) fn read(text: &str, wanted: Option<Operation>) -> Result<Imported> {
    let pages = fenced(text);
    let mut imported = if pages.is_empty() { tables(text)? } else { first_of(&pages, wanted)? };
    imported.kind = Kind::ApifoxMarkdown;
    if imported.title.is_none() {
        imported.title =
            text.lines().find_map(|line| line.strip_prefix("# ")).map(|title| title.trim().to_owned());
    }
    Ok(imported)
}

/// The page to read of a file that joins several, as a whole site is exported: the wanted one, else
/// the first kind of operation. Pages of other APIs are left out, with a note.
fn first_of(pages: &[(usize, String)], wanted: Option<Operation>) -> Result<Imported> {
    let mut found: Vec<Imported> = Vec::new();
    let mut faults = Vec::new();
    for (first_line, body) in pages {
        match page(body, *first_line, wanted) {
            Ok(imported) => found.push(imported),
            Err(fault) => faults.push((*first_line, fault)),
        }
    }
    let Some(at) = (0..found.len()).min_by_key(|at| found[*at].operation) else {
        return Err(faults
            .into_iter()
            .next()
            .map_or_else(|| anyhow!("it holds no page"), |(_, fault)| fault));
    };
    let mut chosen = found.remove(at);
    chosen.others.extend(found.iter().map(|other| other.operation));
    chosen.others.retain(|other| *other != chosen.operation);
    chosen.others.sort_unstable();
    chosen.others.dedup();
    let twice = found.iter().filter(|other| other.operation == chosen.operation).count();
    ensure!(
        twice == 0,
        "{} pages of this file describe the operation `{}`; keep one",
        twice + 1,
        chosen.operation
    );
    chosen.left_out.extend(faults.iter().map(|(line, fault)| format!("the page at line {line}: {fault:#}")));
    Ok(chosen)
}

fn page(body: &str, first_line: usize, wanted: Option<Operation>) -> Result<Imported> {
    let (value, repaired) = if body.trim_start().starts_with('{') {
        (strict::json(body, first_line)?, Vec::new())
    } else {
        repair::yaml(body, first_line)?
    };
    let mut imported = super::from_value(&value, wanted)?;
    imported.repaired = repaired;
    Ok(imported)
}

/// The fenced blocks that are OpenAPI documents, and the line that each begins in.
fn fenced(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        if !line.trim_start().starts_with("```") {
            if let Some((_, body)) = &mut open {
                body.push_str(line);
                body.push('\n');
            }
            continue;
        }
        open = match open.take() {
            None => Some((index + 2, String::new())),
            Some(block) => {
                let mut lines = block.1.lines();
                if lines.any(|line| line.trim_start_matches(['{', '"', ' ']).starts_with("openapi")) {
                    found.push(block);
                }
                None
            }
        };
    }
    found
}

/// Which column holds what; the header differs between editions of the tool.
struct Columns {
    name: usize,
    place: Option<usize>,
    kind: usize,
    required: Option<usize>,
    about: Option<usize>,
}

impl Columns {
    fn of(line: &str) -> Option<Self> {
        let header = cells(line)?;
        let find = |title: &str| header.iter().position(|cell| cell == title);
        Some(Self {
            name: find("名称")?,
            kind: find("类型")?,
            place: find("位置"),
            required: find("必选"),
            about: find("说明"),
        })
    }
}

fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inner.split('|').map(|cell| cell.trim().to_owned()).collect())
}

/// One row: line in the document, depth, name and schema without its inner parts.
struct Row {
    line: usize,
    depth: usize,
    name: String,
    required: bool,
    schema: Value,
}

fn tables(text: &str) -> Result<Imported> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found: Vec<(bool, Vec<Row>)> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(columns) = Columns::of(lines[at]) else {
            at += 1;
            continue;
        };
        let mut rows = Vec::new();
        at += 2;
        while let Some(cells) = lines.get(at).and_then(|line| cells(line)) {
            rows.extend(row(&columns, &cells, at + 1)?);
            at += 1;
        }
        if !rows.is_empty() {
            found.push((columns.place.is_some(), rows));
        }
    }
    let calls: Vec<(&str, &str)> = lines.iter().filter_map(|line| apifox::call(line)).collect();
    let mut request = None;
    let mut response = None;
    for (asks, rows) in found {
        let slot = if asks { &mut request } else { &mut response };
        if slot.is_none() {
            *slot = Some(tree(&rows)?);
        }
    }
    // The first row of a request's table is the body itself.
    if let Some(body) = request
        .as_ref()
        .and_then(|request: &Value| request.pointer("/properties/body"))
        .filter(|body| body.get("properties").is_some())
        .cloned()
    {
        request = Some(body);
    }
    let (method, path) = match calls.as_slice() {
        [] => ("POST", ""),
        [one] => *one,
        several => {
            let named: Vec<String> =
                several.iter().map(|(method, path)| format!("{method} {path}")).collect();
            bail!(
                "line 1: the export describes {} operations with tables ({}); export one operation a file",
                several.len(),
                named.join(", ")
            )
        }
    };
    let nothing = Value::Null;
    let (requested, answered) = (request.as_ref().unwrap_or(&nothing), response.as_ref().unwrap_or(&nothing));
    let operation = Operation::of(method, path, requested, answered)
        .ok_or_else(|| anyhow!("line 1: {method} {path} is not an operation of this API"))?;
    let answers = lines
        .iter()
        .filter_map(|line| line.trim().strip_prefix("状态码 **")?.strip_suffix("**"))
        .map(str::to_owned)
        .collect();
    let no_body = || anyhow!("line 1: no table `|名称|位置|类型|必选|…|` with a body");
    let no_answer = || anyhow!("line 1: no table `|名称|类型|…|` with the answer");
    let mut imported =
        super::described(Kind::ApifoxMarkdown, operation, (request, no_body), (response, no_answer))?;
    imported.example = example(&lines)?;
    imported.answers = answers;
    Ok(imported)
}

fn row(columns: &Columns, cells: &[String], line: usize) -> Result<Option<Row>> {
    let cell = |at: usize| cells.get(at).map_or("", String::as_str);
    if columns.place.is_some_and(|place| cell(place) != "body") {
        return Ok(None);
    }
    let marked = cell(columns.name);
    let name = marked.trim_start_matches(['»', ' ']).trim_matches('`').to_owned();
    ensure!(!name.is_empty(), "line {line}: a row without a name");
    let kind = cell(columns.kind);
    let (kind, nullable) = kind.strip_suffix("¦null").map_or((kind, false), |kind| (kind, true));
    let plain = kind.split('(').next().unwrap_or(kind).trim();
    let (plain, list) = match plain.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => (inner, true),
        None => (plain, false),
    };
    let one = match plain {
        "string" | "integer" | "number" | "boolean" => json!({ "type": plain }),
        "object" => json!({ "type": "object" }),
        "any" | "" => json!({}),
        other => bail!("line {line}: `{name}` has the type `{other}`, which is none of JSON's"),
    };
    let mut schema = if list { json!({ "type": "array", "items": one }) } else { one };
    if nullable && let Some(name) = schema.get("type").cloned() {
        schema["type"] = json!([name, "null"]);
    }
    let about = columns.about.map_or("", cell);
    if !about.is_empty() && about != "none" {
        schema["description"] = json!(about);
    }
    let required = columns.required.map_or("", cell);
    Ok(Some(Row {
        line,
        depth: marked.matches('»').count(),
        name,
        required: required == "是" || required == "true",
        schema,
    }))
}

/// Rows with depths to nested objects. What lies deeper than a list lies in the list's items.
fn tree(rows: &[Row]) -> Result<Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let top = rows.iter().map(|row| row.depth).min().unwrap_or(0);
    let mut at = 0;
    while at < rows.len() {
        let row = &rows[at];
        ensure!(
            row.depth == top,
            "line {}: `{}` lies deeper than its neighbours, without a parent",
            row.line,
            row.name
        );
        let inner = rows[at + 1..].iter().take_while(|next| next.depth > top).count();
        let mut schema = row.schema.clone();
        if inner > 0 {
            let Value::Object(inside) = tree(&rows[at + 1..=at + inner])? else {
                bail!("line {}: no object", row.line)
            };
            let holder = if schema.get("items").is_some() { &mut schema["items"] } else { &mut schema };
            if let Value::Object(members) = holder {
                members.extend(inside.into_iter().filter(|(name, _)| name != "type"));
            }
        }
        ensure!(
            properties.insert(row.name.clone(), schema).is_none(),
            "line {}: `{}` stands twice in one object",
            row.line,
            row.name
        );
        if row.required {
            required.push(row.name.clone());
        }
        at += inner + 1;
    }
    let mut object = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    Ok(object)
}

/// The fenced JSON under the line that announces the body.
fn example(lines: &[&str]) -> Result<Option<Value>> {
    let Some(start) = lines.iter().position(|line| line.contains("Body 请求参数")) else {
        return Ok(None);
    };
    let Some(open) = lines[start..].iter().position(|line| line.trim_start().starts_with("```")) else {
        return Ok(None);
    };
    let first = start + open + 1;
    let body: Vec<&str> =
        lines[first..].iter().take_while(|line| !line.trim_start().starts_with("```")).copied().collect();
    Ok(Some(strict::json(&body.join("\n"), first + 1)?))
}
