//! The example files of the repository, for all tests.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A path below the repository's root.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A file below schema/examples.
pub(crate) fn read(path: &str) -> String {
    let path = repository("schema/examples").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Name and text of each JSON file of a folder below schema/examples, sorted.
pub(crate) fn files(folder: &str) -> impl Iterator<Item = (String, String)> {
    let mut names: Vec<String> = fs::read_dir(repository("schema/examples").join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    assert!(!names.is_empty());
    let folder = folder.to_owned();
    names.into_iter().map(move |name| (name.clone(), read(&format!("{folder}/{name}"))))
}

/// The top members that are not null: null is as good as absent.
pub(crate) fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}
