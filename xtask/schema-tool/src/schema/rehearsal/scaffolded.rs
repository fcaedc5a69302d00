//! The last part of `cargo xtask schema compile-test`: what `schema update --scaffold` writes compiles. A document with new fields
//! is taken in on a copy of the crates, and `cargo check` judges the command, which has every scaffolded file under it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::page;
use crate::codegen;
use crate::schema::intake::Arrival;
use crate::schema::update::{self, Options};
use crate::schema::{files, source};

/// The fields, each of another form: a number, a switch, words of a text, words of a list of values, an object.
const FIELDS: [&str; 5] = ["camera_shake", "is_steady", "voice_over", "mood_word", "colour_plan"];

/// Takes the fields in with `--scaffold` below `target/`, and says what compiled.
pub(super) fn check(root: &Path) -> Result<String> {
    let copy = root.join("target/schema-compile/scaffold");
    if copy.exists() {
        fs::remove_dir_all(&copy)?;
    }
    for place in ["crates", "schema", "docs"] {
        files::copy(&root.join(place), &copy.join(place)).with_context(|| place.to_owned())?;
    }
    for file in ["README.md", "Cargo.lock"] {
        fs::copy(root.join(file), copy.join(file)).with_context(|| file.to_owned())?;
    }
    let mut manifest: toml::Table =
        fs::read_to_string(root.join("Cargo.toml"))?.parse().context("Cargo.toml")?;
    if let Some(workspace) = manifest.get_mut("workspace").and_then(toml::Value::as_table_mut) {
        workspace.insert("members".to_owned(), toml::Value::from(vec!["crates/*"]));
        workspace.remove("exclude");
    }
    fs::write(copy.join("Cargo.toml"), manifest.to_string())?;

    let mut document = source::document(root)?;
    let described = [
        json!({ "type": "integer", "description": "How much the camera shakes. Percent.", "minimum": 0, "maximum": 100 }),
        json!({ "type": "boolean", "description": "Whether it stands still." }),
        json!({ "type": "string", "description": "What a voice says." }),
        json!({ "type": "string", "description": "How the clip feels.", "enum": ["calm", "wild"] }),
        json!({ "type": "object", "description": "Its colours.", "properties": { "sky": { "type": "string", "description": "Of the sky." } } }),
    ];
    for (name, schema) in FIELDS.iter().zip(described) {
        document.request["properties"][*name] = schema;
    }
    let file = copy.join("new.txt");
    fs::write(&file, page(&document))?;
    let arrival = Arrival { file, received: Some("2026-12-01".to_owned()), ..Arrival::default() };
    let update = update::plan(&copy, &arrival, &Options { scaffold: true, ..Options::default() })?;
    ensure!(update.questions.is_empty(), "the scaffold's document asks {:?}", update.questions);
    let left: Vec<&str> =
        update.report.lines().filter(|line| line.contains("write beside its neighbours")).collect();
    ensure!(left.is_empty(), "a scaffold no longer finds where its lines belong:\n{}", left.join("\n"));
    files::commit(&copy, &update.files)?;
    codegen::run(&copy, true)?;
    crate::docs::run(&copy, true)?;
    for name in FIELDS {
        let builders = fs::read_to_string(copy.join("crates/model/src/build.rs"))?;
        ensure!(builders.contains(&format!("{name}: ")), "`{name}` got no builder method");
    }

    // The folder of the other jobs: what the crates need is compiled there already.
    let output = Command::new(crate::cargo())
        .args(["check", "--quiet", "--offline", "--lib", "--package", "ark-video-cli"])
        .current_dir(&copy)
        .arg("--target-dir")
        .arg(crate::target())
        .stdin(Stdio::null())
        .output()
        .context("cargo could not be started")?;
    ensure!(
        output.status.success(),
        "what --scaffold writes does not compile:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(format!("{:<34} compiles, in the model and in the command\n", "scaffold of new fields"))
}
