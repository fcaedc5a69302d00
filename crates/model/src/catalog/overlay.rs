//! Laying a newer catalog, or a few cells of one, over another: all of it or nothing.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Catalog;

/// Why something cannot be laid over a catalog. Nothing of it was taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CatalogError {
    /// JSON pointer into what was to be laid over it.
    pub pointer: String,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "the whole of it" } else { &self.pointer };
        write!(f, "the catalog overlay was not used: {place}: {}", self.reason)
    }
}

impl std::error::Error for CatalogError {}

impl CatalogError {
    /// What to do next.
    pub fn advice(&self) -> &'static str {
        "Fix the overlay at that position; the built-in catalog has the same form."
    }
}

/// The fields that identify a row.
const KEYS: &[(&str, &[&str])] = &[
    ("models", &["id"]),
    ("plan_names", &["name"]),
    ("never_offer", &["id"]),
    ("pixels", &["resolution", "families", "ratio"]),
    ("prices", &["site", "families", "resolution", "input_video", "audio", "tier"]),
    ("rates", &["operation", "families", "resolution", "account", "tier"]),
    ("formats", &["name"]),
];

/// Where the values come from that an overlay gives without saying.
const OVERLAY: &str = "overlay";

impl Catalog {
    /// This catalog with a newer one, or a few cells of one, laid over it.
    ///
    /// The overlay has the form of `schema/models.json`, but every member may be left out. A cell
    /// replaces the members that it names; one that brings a value without a source has the source
    /// `overlay`. Rows of lists replace the row with the same key members (`id`; `name`;
    /// `resolution`, `families` and `ratio`; …) or are added; of rows that fit, the last counts. A
    /// switch is set by its answer alone: `{"switches": {"tos-media": "refuse"}}`.
    ///
    /// # Errors
    ///
    /// The place in the overlay and what is wrong there: a row that does not exist, a value of
    /// another form, a name that leads nowhere. Nothing is taken over then.
    pub fn overlaid(&self, overlay: &Value) -> Result<Self, CatalogError> {
        let Value::Object(_) = overlay else {
            return Err(CatalogError { pointer: String::new(), reason: "a catalog is a JSON object".into() });
        };
        let parts = parts(overlay);
        let date = overlay.get("edition").and_then(Value::as_str).unwrap_or(&self.edition).to_owned();
        let mut document = serde_json::to_value(self).map_err(|error| whole(&error))?;
        for part in &parts {
            part.lay(&mut document, &date);
        }
        match self.read(document) {
            Ok(catalog) => Ok(catalog),
            // Something does not fit: lay the parts one by one, to say which.
            Err(error) => Err(self.first_wrong(&parts, &date).unwrap_or(error)),
        }
    }

    fn first_wrong(&self, parts: &[Part<'_>], date: &str) -> Option<CatalogError> {
        let mut document = serde_json::to_value(self).ok()?;
        for part in parts {
            part.lay(&mut document, date);
            if let Err(error) = serde_json::from_value::<Self>(document.clone()) {
                return Some(CatalogError { pointer: part.pointer.clone(), reason: plain(&error) });
            }
        }
        None
    }

    fn read(&self, document: Value) -> Result<Self, CatalogError> {
        let mut catalog: Self = serde_json::from_value(document).map_err(|error| whole(&error))?;
        catalog.sources.in_order_of(&self.sources);
        catalog.families.in_order_of(&self.families);
        catalog.switches.in_order_of(&self.switches);
        catalog.coherent()?;
        Ok(catalog)
    }

    /// Whether every name leads somewhere and every range has its ends the right way round.
    fn coherent(&self) -> Result<(), CatalogError> {
        let wrong = |pointer: String, reason: String| Err(CatalogError { pointer, reason });
        for (index, model) in self.models.iter().enumerate() {
            if self.families.get(&model.family).is_none() {
                return wrong(
                    format!("/models/{index}/family"),
                    format!("there is no family `{}` for `{}`", model.family, model.id),
                );
            }
        }
        for (name, switch) in self.switches.iter() {
            if !switch.values.contains(&switch.default) {
                let reason = format!("`{}` is not a valid answer; choose {}", switch.default, switch.values);
                return wrong(format!("/switches/{name}"), reason);
            }
        }
        for (name, family) in self.families.iter() {
            let lengths = family.duration.value;
            let ordered = [
                ("duration", lengths.min <= lengths.max && lengths.min >= 1),
                ("reference_images", family.reference_images.value.min <= family.reference_images.value.max),
                ("reference_videos", family.reference_videos.value.min <= family.reference_videos.value.max),
                ("reference_audios", family.reference_audios.value.min <= family.reference_audios.value.max),
                ("reference_items", family.reference_items.value.min <= family.reference_items.value.max),
            ];
            if let Some((row, _)) = ordered.iter().find(|(_, ordered)| !ordered) {
                return wrong(
                    format!("/families/{name}/{row}"),
                    "the smallest is larger than the largest, or below 1".into(),
                );
            }
            for row in super::Family::ROWS {
                let Some(cell) = family.cell(row) else { continue };
                if let Some(switch) = cell.switch.filter(|switch| self.switches.get(switch).is_none()) {
                    return wrong(
                        format!("/families/{name}/{row}/switch"),
                        format!("unknown switch `{switch}`"),
                    );
                }
                if self.sources.get(&cell.source).is_none() {
                    return wrong(
                        format!("/families/{name}/{row}/source"),
                        format!("there is no source `{}`", cell.source),
                    );
                }
            }
        }
        let positive = [
            ("frames_per_second", self.billing.frames_per_second.value > 0),
            ("extra_frames", self.billing.extra_frames.value >= 0),
            ("pixels_per_token", self.billing.pixels_per_token.value > 0),
            ("input_video_minimum_thirds", self.billing.input_video_minimum_thirds.value >= 0),
            ("own_proportion_percent", (0..=100).contains(&self.billing.own_proportion_percent.value)),
        ];
        match positive.iter().find(|(_, positive)| !positive) {
            Some((row, _)) => wrong(format!("/billing/{row}/value"), "must be larger than that".into()),
            None => Ok(()),
        }
    }
}

fn whole(error: &serde_json::Error) -> CatalogError {
    CatalogError { pointer: String::new(), reason: plain(error) }
}

/// The error without a line and column, which values do not have.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}

/// The smallest thing that is laid over: a cell, a row, a switch, or a plain member.
struct Part<'a> {
    pointer: String,
    path: Vec<&'a str>,
    what: What<'a>,
}

enum What<'a> {
    Member(&'a Value),
    Cell(&'a Map<String, Value>),
    Row(&'static [&'static str], &'a Value),
    /// A group that says nothing: its name has to be one all the same.
    Nothing,
}

/// Everything that an overlay says, in its order.
fn parts(overlay: &Value) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    walk(overlay, &mut Vec::new(), &mut parts);
    parts
}

fn walk<'a>(value: &'a Value, path: &mut Vec<&'a str>, parts: &mut Vec<Part<'a>>) {
    let pointer = |path: &[&str]| path.iter().map(|name| format!("/{}", escaped(name))).collect::<String>();
    let mut push = |path: &[&'a str], pointer: String, what: What<'a>| {
        parts.push(Part { pointer, path: path.to_vec(), what });
    };
    match value {
        Value::Object(members) => {
            let depth = path.len();
            // Groups hold cells or further groups; what stands in them is reached by name.
            let cell = members.contains_key("value") || is_cell_place(path);
            if cell || (depth == 2 && matches!(path[0], "sources" | "switches")) {
                return push(path, pointer(path), What::Cell(members));
            }
            if members.is_empty() && depth > 0 {
                return push(path, pointer(path), What::Nothing);
            }
            for (name, member) in members {
                if depth == 0 && name == "$schema" {
                    continue;
                }
                path.push(name);
                walk(member, path, parts);
                path.pop();
            }
        }
        Value::Array(rows) if path.last().is_some_and(|name| KEYS.iter().any(|(list, _)| list == name)) => {
            let keys =
                KEYS.iter().find(|(list, _)| Some(list) == path.last()).map_or(&[][..], |(_, keys)| keys);
            for (index, row) in rows.iter().enumerate() {
                push(path, format!("{}/{index}", pointer(path)), What::Row(keys, row));
            }
        }
        other => push(path, pointer(path), What::Member(other)),
    }
}

/// Whether a cell stands there, even if what is given has no value.
fn is_cell_place(path: &[&str]) -> bool {
    match path.first() {
        Some(&("families" | "media")) => path.len() == 3,
        Some(&("limits" | "defaults" | "billing")) => path.len() == 2,
        _ => false,
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl Part<'_> {
    fn lay(&self, document: &mut Value, date: &str) {
        let evidence = || [("source", OVERLAY), ("date", date), ("confidence", "documented")];
        let target = self.path.iter().fold(&mut *document, |value, name| match value {
            Value::Object(members) => members.entry((*name).to_owned()).or_insert(Value::Null),
            // A path through something that is no object: the overlay's own form, which then does
            // not fit.
            other => {
                *other = json!({ *name: null });
                &mut other[*name]
            }
        });
        match &self.what {
            What::Member(Value::String(answer))
                if self.path.first() == Some(&"switches") && self.path.len() == 2 =>
            {
                match target {
                    Value::Object(switch) => drop(switch.insert("default".into(), json!(answer))),
                    other => *other = json!(answer),
                }
            }
            What::Member(value) => *target = (*value).clone(),
            What::Nothing => {}
            What::Cell(given) => {
                if !target.is_object() {
                    *target = json!({});
                }
                let Value::Object(cell) = target else { return };
                if given.contains_key("value") {
                    // Note and extent spoke of the old value, and so did its source.
                    for old in ["note", "sites"] {
                        cell.remove(old);
                    }
                    for (name, word) in evidence() {
                        if name != "confidence" || !cell.contains_key(name) {
                            cell.insert(name.into(), json!(word));
                        }
                    }
                }
                for (name, member) in *given {
                    cell.insert(name.clone(), member.clone());
                }
            }
            What::Row(keys, row) => {
                let mut row = (*row).clone();
                if let Value::Object(members) = &mut row {
                    for (name, word) in evidence() {
                        members.entry(name.to_owned()).or_insert_with(|| json!(word));
                    }
                }
                match target {
                    Value::Array(rows) => {
                        let same = |old: &Value| keys.iter().all(|key| old[*key] == row[*key]);
                        match rows.iter_mut().find(|old| same(old)) {
                            Some(old) => *old = row,
                            None => rows.push(row),
                        }
                    }
                    other => *other = json!([row]),
                }
            }
        }
        if let Value::Object(sources) = &mut document["sources"] {
            sources.entry(OVERLAY.to_owned()).or_insert_with(|| {
                json!({ "title": "Laid over the built-in catalog by its user", "kind": "the user", "date": date })
            });
        }
    }
}

#[cfg(test)]
mod tests;
