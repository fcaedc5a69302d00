//! The JSON of the commands: its schemas and their page are up to date, and every document that a
//! command prints in these tests is valid.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use ark_video_cli::json_outputs;
use jsonschema::Validator;
use serde_json::Value;

use crate::examples::repository;
use crate::json_files::{PAGES, files};

static SCHEMAS: LazyLock<BTreeMap<&'static str, (Validator, Value)>> = LazyLock::new(|| {
    let compiled = |output: ark_video_cli::JsonOutput| {
        let validator = jsonschema::validator_for(&output.schema).expect("a valid schema");
        (output.name, (validator, output.schema))
    };
    json_outputs().into_iter().map(compiled).collect()
});

/// Checks what a command printed. Lines that are not JSON, such as those of a child, are left out.
pub(crate) fn check(line: &[&str], stdout: &str, stderr: &str) {
    let (is_json, is_body) = (line.contains(&"--json"), line.contains(&"--dry-run"));
    if is_body && !is_json {
        // The body of a request, for programs.
        return;
    }
    let words: Vec<&str> = line.iter().copied().filter(|word| !word.starts_with('-')).collect();
    let json = |text: &str| serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_number());
    let documents: Vec<Value> = match json(stdout) {
        Some(whole) => vec![whole],
        None => stdout.lines().filter_map(json).collect(),
    };
    if let Some(name) = command_of(&words) {
        documents.iter().for_each(|document| must_be_valid(name, document, line));
    }
    if line.iter().take_while(|word| **word != "--").any(|word| *word == "--json") {
        let errors = stderr.lines().filter_map(json).filter(|value| value.get("exit_code").is_some());
        errors.for_each(|error| must_be_valid("error", &error, line));
    }
}

/// The schema of a command line's output; `None` for what is not JSON of ours.
fn command_of(words: &[&str]) -> Option<&'static str> {
    let at = |name: &str| words.iter().position(|word| *word == name);
    let names: Vec<&'static str> = SCHEMAS.keys().copied().collect();
    let known = |name: &str| names.iter().copied().find(|known| *known == name);
    // Its verbs are names of other commands: `config get`.
    if at("config").is_some() {
        return known("config");
    }
    for (group, aliases) in [("batch", 0), ("cost", 0), ("storage", 0)] {
        if let Some(at) = at(group).filter(|at| *at <= aliases + 1) {
            return known(&format!("{group}-{}", words.get(at + 1)?));
        }
    }
    match *words.iter().find(|word| {
        known(word).is_some() || matches!(**word, "gen" | "ls" | "status" | "extend" | "edit" | "continue")
    })? {
        "gen" | "extend" | "edit" | "continue" => Some("generate"),
        "ls" => Some("list"),
        "status" => Some("get"),
        name => known(name),
    }
}

fn must_be_valid(name: &str, document: &Value, line: &[&str]) {
    let (validator, schema) = &SCHEMAS[name];
    let errors: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{line:?} is not as schema/cli/{name}.json: {errors:?}\n{document}");
    if let (Some(fields), Some(object)) = (schema["properties"].as_object(), document.as_object()) {
        let unknown: Vec<&String> = object.keys().filter(|key| !fields.contains_key(*key)).collect();
        assert!(unknown.is_empty(), "{line:?}: fields without a schema: {unknown:?}");
    }
}

/// `cargo xtask json` runs it.
#[test]
#[ignore = "writes files of the repository"]
fn write_the_files_child() {
    let folder = repository("schema/cli");
    std::fs::create_dir_all(&folder).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for (path, content) in files() {
        std::fs::write(repository(&path), content).unwrap();
    }
}

#[test]
fn the_schemas_and_their_page_are_up_to_date() {
    let folder = repository("schema/cli");
    let mut known: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| format!("schema/cli/{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    known.extend(PAGES.map(str::to_owned));
    known.sort();
    let mut generated: Vec<String> = files().into_iter().map(|(path, _)| path).collect();
    generated.sort();
    assert_eq!(known, generated, "run: cargo xtask json");
    for (path, content) in files() {
        let committed = std::fs::read_to_string(repository(&path)).unwrap_or_default();
        assert!(committed == content, "{path} is out of date; run: cargo xtask json");
    }
}
