//! Answers of the live service that users published, against what comes out here for the request
//! that leads there; and our decoder, which keeps every field of all of them. The table is
//! `schema/examples/recorded/index.json`.

use std::{collections::BTreeSet, fs, path::PathBuf};

use ark_video_model::{CreateTaskResponse, Task};
use ark_video_protocol::ApiError;
use serde_json::Map;

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../schema/examples/recorded")
}

fn read(name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder().join(name)).unwrap()).unwrap()
}

fn rows() -> Vec<Value> {
    read("index.json").as_array().unwrap().clone()
}

/// A text without what differs from one answer to the next.
fn plain(message: &str) -> String {
    let (text, _) = message.split_once(" Request id:").unwrap_or((message, ""));
    let parts = text.split('`').map(|part| if part.starts_with("cgt-") { "ID" } else { part });
    parts.collect::<Vec<_>>().join("`").trim_end_matches('.').to_owned()
}

/// Ids, moments, drawn seeds and links differ; of a link the names of its parameters count.
fn comparable(path: &str, value: &Value) -> Value {
    match path {
        "/id" | "/created_at" | "/updated_at" | "/seed" => json!(value.is_string()),
        "/error/message" => json!(plain(value.as_str().unwrap_or_default())),
        "/content/video_url" => json!("a link"),
        _ => value.clone(),
    }
}

/// Every leaf by its path; `_note` is ours.
fn leaves(value: &Value, path: &str, all: &mut Map<String, Value>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members.iter().filter(|(name, _)| *name != "_note") {
                leaves(value, &format!("{path}/{name}"), all);
            }
        }
        _ => drop(all.insert(path.to_owned(), comparable(path, value))),
    }
}

fn parameters(task: &Value) -> BTreeSet<String> {
    let link = task["content"]["video_url"].as_str().unwrap_or_default();
    let query = link.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter_map(|pair| Some(pair.split_once('=')?.0.to_owned())).collect()
}

/// What this service answers to the request of a row.
fn answer(row: &Value) -> (u16, Value) {
    let mut options = Options::default();
    if let Some(seconds) = row["assumed_video_seconds"].as_u64() {
        options = options.assumed_video_seconds(seconds as u32);
    }
    if let Some(ratio) = row["assumed_video_ratio"].as_str() {
        options = options.assumed_video_ratio(ratio);
    }
    if let Some(key) = row["key"].as_str() {
        let mut env = TestEnv::with(options.key("right"));
        let headers: &[_] = if key == "unknown" { &[("authorization", "Bearer wrong")] } else { &[] };
        let answer = env.raw(Method::GET, TASKS, headers, "");
        return (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap());
    }
    let mut env = TestEnv::with(options);
    let created = env.post(&row["request"]);
    if row["answers"] == "create" {
        return created;
    }
    let id = created.1["id"].as_str().unwrap_or_else(|| panic!("{}", created.1)).to_owned();
    env.at(if row["state"] == "running" { 2000 } else { 5000 });
    if row["answers"] == "delete" { env.delete(&id) } else { env.get(&id) }
}

#[test]
fn what_is_answered_is_what_was_recorded() {
    let (mut compared, mut not_exact) = (0, 0);
    for row in rows() {
        let (name, compare) = (row["file"].as_str().unwrap(), row["compare"].as_str().unwrap());
        assert_eq!(compare == "exact", row["reason"].is_null(), "{name}: what is not exact has a reason");
        not_exact += i32::from(compare != "exact");
        if compare == "decoder only" {
            continue;
        }
        let (status, ours) = answer(&row);
        assert_eq!(json!(status), row["status"], "{name}: {ours}");
        let (mut found, mut expected) = (Map::new(), Map::new());
        leaves(&ours, "", &mut found);
        let theirs = read(name);
        leaves(&theirs, "", &mut expected);
        let shortened = name.starts_with("create-400-draft");
        for (path, value) in &expected {
            let same = match (&found.get(path), shortened && path == "/error/message") {
                (Some(Value::String(ours)), true) => ours.ends_with(value.as_str().unwrap_or("?")),
                (ours, _) => *ours == Some(value),
            };
            assert!(same, "{name}{path}: {value} was recorded, not {:?}", found.get(path));
        }
        if compare == "exact" {
            // Publishers leave these two out; where they are published, they were compared above.
            let own = |path: &&String| !["/error/param", "/error/type"].contains(&path.as_str());
            let more: Vec<&String> =
                found.keys().filter(|path| !expected.contains_key(*path)).filter(own).collect();
            assert!(more.is_empty(), "{name} lacks {more:?}");
        }
        let (linked, recorded) = (parameters(&ours), parameters(&theirs));
        assert!(recorded.is_subset(&linked), "{name}: {linked:?}");
        compared += 1;
    }
    assert!(compared >= 16 && not_exact <= 6, "{compared} compared, {not_exact} not exactly");
}

#[test]
fn the_decoder_keeps_every_member_of_every_recorded_answer() {
    for row in rows() {
        let name = row["file"].as_str().unwrap();
        let file = read(name);
        let again = match row["answers"].as_str().unwrap() {
            "table" => continue,
            "create" if row["status"] == 200 => {
                serde_json::to_value(serde_json::from_value::<CreateTaskResponse>(file.clone()).unwrap())
            }
            "get" => serde_json::to_value(serde_json::from_value::<Task>(file.clone()).unwrap()),
            // What refuses has no type of its own: `ApiError` reads what people act on.
            _ => {
                let error = ApiError::from_answer(&Response::new(file.to_string().into()));
                assert_eq!(error.code.as_str(), file["error"]["code"], "{name}");
                assert_eq!(error.message, file["error"]["message"].as_str().unwrap(), "{name}");
                continue;
            }
        };
        // A null is as good as absent.
        let mut file = file;
        if let Some(content) = file.get_mut("content").and_then(Value::as_object_mut) {
            content.retain(|_, value| !value.is_null());
        }
        assert_eq!(again.unwrap(), file, "{name}");
    }
}

#[test]
fn every_recorded_file_is_in_the_table_and_every_bill_in_the_usages() {
    let listed: BTreeSet<String> =
        rows().iter().map(|row| row["file"].as_str().unwrap().to_owned()).collect();
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> = files.filter(|name| name != "index.json").collect();
    assert_eq!(listed, files);
    let usages: Value = serde_json::from_slice(&fs::read(folder().join("../usages.json")).unwrap()).unwrap();
    let usages = usages["tokens"].as_array().unwrap();
    for row in read("usage-2.5-extend-table-20260808.json")["rows"].as_array().unwrap() {
        let is_listed = usages.iter().any(|usage| {
            usage["task_type"] == "extend"
                && usage["source_seconds"][0] == row["src"]
                && usage["output_seconds"] == row["out"]
                && usage["tokens"] == row["tokens"]
        });
        assert!(is_listed, "{row}");
    }
}
