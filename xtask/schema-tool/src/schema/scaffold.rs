//! `schema update --scaffold`: what a new field of the request needs outside of the schema, started
//! so that a person only fills it in: a row of `schema/models.json` with cells that are not known
//! yet, an example request, a builder method and a flag. Inserts lines beside their neighbours;
//! where it does not find these, it says what to write instead.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::diff::{Change, Kind};
use super::files::Files;
use super::import::REQUEST;
use super::reading::Reading;
use super::text::one_line;
use crate::codegen;

const MODELS: &str = "schema/models.json";
const MODELS_SCHEMA: &str = "schema/models.schema.json";
const FAMILY: &str = "crates/model/src/catalog/family.rs";
const LIBRARY: &str = "crates/model/src/lib.rs";
const BUILDERS: &str = "crates/model/src/build.rs";
const FLAGS: &str = "crates/cli/src/args/request.rs";
const FLAG_VALUES: &str = "crates/cli/src/request.rs";
const EXAMPLES: &str = "schema/examples/requests";
const INDEX: &str = "schema/examples/index.json";

/// Where the model has its types.
const GENERATED: &str = "crate::generated::";

/// What was made.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) files: Files,
    pub(crate) notes: Vec<String>,
}

/// A new field of the request.
struct Field<'a> {
    name: String,
    about: String,
    schema: &'a Value,
    /// Its type in Rust, inside the model; `None` for what has no setter of its own.
    ty: Option<String>,
    /// Its type in Rust where the command has it; `None` for what no single word can say.
    flag: Option<String>,
}

/// Starts what the new fields among the changes need. `date` is the day of the document.
pub(crate) fn make(root: &Path, changes: &[Change], resolved: &Value, date: &str) -> Result<Made> {
    let prefix = format!("/$defs/{REQUEST}/properties/");
    let names = changes
        .iter()
        .filter(|change| change.kind == Kind::Added)
        .filter_map(|change| change.pointer.strip_prefix(&prefix))
        .filter(|name| !name.contains('/'));
    let mut made = Made::default();
    for name in names {
        let Some(schema) = resolved.pointer(&format!("{prefix}{name}")) else { continue };
        let about = schema.get("description").and_then(Value::as_str).map(one_line).unwrap_or_default();
        let ty = rust_type(schema);
        let named = ty.as_deref().and_then(|ty| ty.strip_prefix(GENERATED));
        let flag = match named {
            Some(named) if resolved["$defs"][named]["type"] != "string" => None,
            Some(named) => Some(format!("ark_video::model::{named}")),
            None => ty.clone(),
        };
        let field = Field { name: name.to_owned(), about, schema, ty, flag };
        made.field(root, &field, resolved, date)?;
    }
    Ok(made)
}

impl Made {
    fn field(&mut self, root: &Path, field: &Field<'_>, resolved: &Value, date: &str) -> Result<()> {
        let name = &field.name;
        self.cells(root, field, date)?;
        self.example(root, field, resolved)?;
        let Some(ty) = &field.ty else {
            self.notes.push(format!(
                "`{name}` has no plain type: write its builder method in {BUILDERS} by hand, if it wants one"
            ));
            return Ok(());
        };
        let ident = codegen::field_name(name);
        let about = sentence(&field.about, name);
        let setter = format!("                /// {about}\n                {ident}: {ty},\n");
        self.insert(root, BUILDERS, "                output_format: OutputFormat,\n", &setter, true)?;
        if let Some(named) = ty.strip_prefix(GENERATED) {
            self.insert(
                root,
                LIBRARY,
                "pub use generated::{\n",
                &format!("pub use generated::{named};\n"),
                false,
            )?;
        }
        let Some(ty) = &field.flag else {
            self.notes
                .push(format!("`{name}` is an object: write its flag in {FLAGS} by hand, if it wants one"));
            return Ok(());
        };
        let (flag, boolean) = (name.replace(['_', '.', '$'], "-"), ty == "bool");
        let form = if boolean {
            "value_name = \"BOOL\", num_args = 0..=1, require_equals = true, default_missing_value = \"true\", "
        } else if ty == "i64" {
            "allow_negative_numbers = true, "
        } else {
            ""
        };
        let argument = format!(
            "    /// {about}\n    #[arg(long = \"{flag}\", {form}help_heading = \"Video\")]\n    pub(crate) {ident}: Option<{ty}>,\n"
        );
        self.insert(
            root,
            FLAGS,
            "    pub(crate) task_type: Option<OmniReferenceTaskType>,\n",
            &argument,
            true,
        )?;
        let value = format!("        {ident} = args.{ident}, \"--{flag}\";\n");
        self.insert(root, FLAG_VALUES, "        service_tier = args.tier, \"--tier\";\n", &value, false)
    }

    /// The row of the capability matrix: not known for any family.
    fn cells(&mut self, root: &Path, field: &Field<'_>, date: &str) -> Result<()> {
        let name = field.name.replace(['-', '.', '$'], "_");
        let month = date.get(..7).unwrap_or(date);
        let cell = format!(
            "      {}: {{ \"value\": null, \"source\": \"derived\", \"date\": {}, \"confidence\": \"uncertain\", \"note\": {} }}",
            json!(name),
            json!(month),
            json!(format!("Not known yet: say whether this family takes `{}`.", field.name)),
        );
        // A row is a line, and the file is laid out by hand: lines go in after the last row of each
        // family.
        let mut families = 0;
        let rows: Vec<String> = self
            .text(root, MODELS)?
            .lines()
            .map(|line| {
                if !line.starts_with("      \"bit_depth\": {") {
                    return line.to_owned();
                }
                families += 1;
                let end = if line.ends_with(',') { "," } else { "" };
                format!("{},\n{cell}{end}", line.trim_end_matches(','))
            })
            .collect();
        let text = rows.join("\n") + "\n";
        let models: Value = serde_json::from_str(&text).context(MODELS)?;
        let known = models["families"].as_object().map_or(0, Map::len);
        anyhow::ensure!(
            families == known,
            "{MODELS}: {families} of {known} families have a row `bit_depth` to write beside"
        );
        self.files.insert(MODELS.to_owned(), Some(text.into_bytes()));
        let mut schema = self.json(root, MODELS_SCHEMA)?;
        if let Some(Value::Object(rows)) = schema.pointer_mut("/$defs/family/properties") {
            rows.entry(name.clone()).or_insert(json!({
                "$ref": "#/$defs/flag_cell", "description": format!("`{}` is accepted.", field.name),
            }));
        }
        if let Some(Value::Array(required)) = schema.pointer_mut("/$defs/family/required") {
            required.push(json!(name));
        }
        self.put(MODELS_SCHEMA, &schema)?;
        let member = format!(
            "        /// `{}` is accepted.\n        {}: Cell<Option<bool>>,\n",
            field.name,
            codegen::field_name(&name)
        );
        self.insert(root, FAMILY, "        bit_depth: Cell<Map<u8>>,\n", &member, true)?;
        self.notes.push(format!("{MODELS}: fill in `{name}` for each family, then run `cargo xtask codegen` and `cargo xtask docs`"));
        Ok(())
    }

    fn example(&mut self, root: &Path, field: &Field<'_>, resolved: &Value) -> Result<()> {
        let mut index = self.json(root, INDEX)?;
        let Value::Array(entries) = &mut index else { return Ok(()) };
        let numbers =
            entries.iter().filter_map(|entry| entry["file"].as_str()?.get(1..3)?.parse::<u32>().ok());
        let number = numbers.max().unwrap_or(0) + 1;
        let file =
            format!("p{number:02}-{}.json", field.name.replace(['_', '.', '$'], "-").to_ascii_lowercase());
        entries.push(json!({
            "file": file, "title": format!("with `{}`", field.name), "mode": "t2v", "model_family": "2.0", "builder": null,
            "note": format!("Started by a scaffold: say what `{}` does here.", field.name),
        }));
        let mut request = json!({
            "model": "doubao-seedance-2-0-260128", "content": [{ "type": "text", "text": "A paper boat on a pond." }],
        });
        let types = super::merge::types(resolved);
        request[&field.name] = sample(&Reading::of(field.schema, "", &types));
        let path = format!("{EXAMPLES}/{file}");
        self.put(&path, &request)?;
        self.put(INDEX, &index)?;
        self.notes.push(format!(
            "{path}: an example with a value that the schema takes; make it one that means something"
        ));
        Ok(())
    }

    /// The text of a file, with what was inserted so far.
    fn text(&self, root: &Path, path: &str) -> Result<String> {
        match self.files.get(path) {
            Some(Some(bytes)) => String::from_utf8(bytes.clone()).with_context(|| path.to_owned()),
            _ => fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}")),
        }
    }

    fn json(&self, root: &Path, path: &str) -> Result<Value> {
        serde_json::from_str(&self.text(root, path)?).with_context(|| path.to_owned())
    }

    fn put(&mut self, path: &str, value: &Value) -> Result<()> {
        self.files.insert(path.to_owned(), Some(codegen::pretty(value)?.into_bytes()));
        Ok(())
    }

    /// Puts lines after or before a line that is there once; otherwise says what to write.
    fn insert(&mut self, root: &Path, path: &str, beside: &str, lines: &str, after: bool) -> Result<()> {
        let text = self.text(root, path)?;
        if text.matches(beside).count() != 1 {
            self.notes.push(format!("{path}: write beside its neighbours:\n{}", lines.trim_end()));
            return Ok(());
        }
        let both = if after { format!("{beside}{lines}") } else { format!("{lines}{beside}") };
        self.files.insert(path.to_owned(), Some(text.replacen(beside, &both, 1).into_bytes()));
        self.notes.push(format!("{path}: {}", lines.trim().lines().last().unwrap_or_default().trim()));
        Ok(())
    }
}

/// The first sentence of a description, as a line of documentation.
fn sentence(about: &str, name: &str) -> String {
    let first = about.split_inclusive(['.', '。']).next().unwrap_or("").trim();
    let short: String = first.chars().take(90).collect();
    if short.is_empty() { format!("`{name}`") } else { short.replace('[', "\\[") }
}

/// The type that a setter takes.
fn rust_type(schema: &Value) -> Option<String> {
    let target = super::import::normal::reference(schema)
        .or_else(|| schema.get("anyOf")?.as_array()?.iter().find_map(super::import::normal::reference));
    if let Some(name) = target {
        return Some(format!("{GENERATED}{name}"));
    }
    let kind = match schema.get("type")? {
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null")?.to_owned()
        }
        name => name.as_str()?.to_owned(),
    };
    match kind.as_str() {
        "string" => Some("String".to_owned()),
        "integer" => Some("i64".to_owned()),
        "boolean" => Some("bool".to_owned()),
        _ => None,
    }
}

/// A value that the schema takes.
fn sample(read: &Reading<'_>) -> Value {
    if let Some(value) = read.values().and_then(|all| all.first().copied()) {
        return value.clone();
    }
    if let Some(word) = read.note("x-enum").and_then(|parts| parts.as_object()?.keys().next()) {
        return json!(word);
    }
    match read.types().and_then(|types| types.into_iter().next()) {
        Some("boolean") => json!(true),
        Some("integer" | "number") => read.note("minimum").cloned().unwrap_or(json!(1)),
        Some("array") => {
            let item = read.items().map_or(json!("text"), |items| sample(&items));
            (0..read.at_least("minItems").clamp(1, 10)).map(|_| item.clone()).collect()
        }
        Some("object") => read
            .required()
            .into_iter()
            .map(|name| (name.to_owned(), read.field(name).map_or(json!("text"), |field| sample(&field))))
            .collect::<Map<_, _>>()
            .into(),
        _ => {
            let least = usize::try_from(read.at_least("minLength")).unwrap_or(0).min(1000);
            json!(format!("{:x<least$}", "text"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::diff;

    #[test]
    fn a_new_field_is_started_everywhere() {
        let root = crate::root();
        let old = codegen::read_json(&root, codegen::SCHEMA).unwrap();
        let mut new = old.clone();
        let properties = new["$defs"][REQUEST]["properties"].as_object_mut().unwrap();
        properties.insert("camera_shake".into(), json!({"description": "How much. Percent.", "type": ["integer", "null"], "minimum": 2, "maximum": 9}));
        properties.insert("mood_word".into(), json!({"description": "How it feels.", "anyOf": [{"$ref": "#/$defs/MoodWord"}, {"type": "null"}]}));
        new["$defs"]["MoodWord"] = json!({"description": "d", "type": "string", "enum": ["calm"], "x-enum": {"calm": {"description": "d"}}});
        let changes = diff::compare(&old, &new);
        let made = make(&root, &changes, &new, "2026-12-01").unwrap();
        let text = |path: &str| String::from_utf8(made.files[path].clone().unwrap()).unwrap();
        for path in [FAMILY, BUILDERS, FLAGS, FLAG_VALUES] {
            syn::parse_file(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert!(made.notes.iter().any(|note| note.starts_with(path)), "{path}: {:#?}", made.notes);
        }
        assert!(
            text(BUILDERS).contains("camera_shake: i64,")
                && text(BUILDERS).contains("mood_word: crate::generated::MoodWord,")
        );
        assert!(text(FLAGS).contains("pub(crate) camera_shake: Option<i64>"));
        assert!(text(FLAG_VALUES).contains("camera_shake = args.camera_shake, \"--camera-shake\";"));
        let models: Value = serde_json::from_str(&text(MODELS)).unwrap();
        for (family, rows) in models["families"].as_object().unwrap() {
            assert_eq!(rows["camera_shake"]["value"], Value::Null, "{family}");
            assert_eq!(rows["camera_shake"]["date"], "2026-12");
        }
        let before = fs::read_to_string(root.join(MODELS)).unwrap();
        let added = text(MODELS).lines().count() - before.lines().count();
        assert_eq!(
            added,
            2 * models["families"].as_object().unwrap().len(),
            "a line for each family and field"
        );
        let examples: Vec<&String> = made.files.keys().filter(|path| path.starts_with(EXAMPLES)).collect();
        let [shake, mood] = examples.as_slice() else { panic!("{examples:?}") };
        let validator = jsonschema::draft202012::new(
            &json!({ "$ref": format!("#/$defs/{REQUEST}"), "$defs": new["$defs"] }),
        )
        .unwrap();
        for (path, name) in [(shake, "camera_shake"), (mood, "mood_word")] {
            let request: Value = serde_json::from_str(&text(path)).unwrap();
            assert!(validator.is_valid(&request) && request.get(name).is_some(), "{request}");
        }
        let index: Value = serde_json::from_str(&text(INDEX)).unwrap();
        assert!(index.as_array().unwrap().iter().any(|entry| entry["title"] == "with `mood_word`"));
    }

    #[test]
    fn nothing_is_started_where_nothing_is_new() {
        let root = crate::root();
        let schema = codegen::read_json(&root, codegen::SCHEMA).unwrap();
        let made = make(&root, &diff::compare(&schema, &schema), &schema, "2026-12-01").unwrap();
        assert!(made.files.is_empty() && made.notes.is_empty());
    }
}
