//! `cargo xtask schema compile-test`: the Rust classes of the prepared edits against rustc. A small crate that mentions every
//! name of the generated types is compiled against the old ones and the new ones: what is called compatible must compile,
//! what is called breaking should not. Works in a folder of its own under `target/`, without a network.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use heck::ToUpperCamelCase as _;
use quote::ToTokens as _;
use serde_json::Value;

use super::{Case, Rehearsal, Then, cases};
use crate::codegen::definitions::{self, Definition, Role, Shape};
use crate::codegen::{self, GENERATED, enums, structs};
use crate::schema::diff::Class;
use crate::schema::files;

/// The share of breaking edits that rustc must notice, in percent. The others break on the wire only.
const NOTICED: usize = 90;

/// Modules of the model crate that the generated types cannot do without.
const SUPPORT: [&str; 3] = ["decode", "open", "redact"];

/// Generated modules that are tables or checks, not types.
const APART: [&str; 2] = ["error_codes", "checks"];

#[test]
#[ignore = "minutes of rustc: `cargo xtask schema compile-test` runs it"]
fn rustc_agrees_with_what_diff_calls_breaking() {
    let first = std::env::var(crate::schema::COMPILE_FIRST).ok().and_then(|text| text.parse().ok());
    print!("{}", run(&crate::root(), first).unwrap_or_else(|error| panic!("{error:#}")));
}

/// Runs the edits (all, or every accepted one of the first `most`), and says how each ended.
fn run(root: &Path, most: Option<usize>) -> Result<String> {
    let start = Instant::now();
    let workshop = Workshop::new(root)?;
    let base = Rehearsal::rich(root)?;
    let old = generated(base.root())?;
    workshop.types(&old)?;
    let schema = codegen::read_json(base.root(), codegen::SCHEMA)?;
    workshop.probe(&probe(&schema)?)?;
    let errors = workshop.compile()?;
    ensure!(
        errors.is_none(),
        "the probe does not compile against the types that it was made from:\n{}",
        errors.unwrap_or_default()
    );

    let (mut out, mut wrong) = (String::new(), Vec::new());
    let (mut breaking, mut noticed, mut ran) = (0, 0, 0);
    let accepted = cases(root)?.into_iter().filter(|case| matches!(case.then, Then::Accepted(..)));
    for case in accepted.take(most.unwrap_or(usize::MAX)) {
        let (new, said, wire) = edited(&base, &case)?;
        workshop.types(&new)?;
        let errors = workshop.compile()?;
        ran += 1;
        let fine = errors.is_none();
        let end = match (said, fine) {
            (Class::Breaking, false) => "breaking, and rustc refuses it",
            (Class::Breaking, true) => "breaking, and rustc does not notice",
            (_, true) if wire == Class::Breaking => {
                "breaking on the wire only; compiles, and its witness shows the break"
            }
            (_, true) => "compatible, and compiles",
            (_, false) => {
                wrong.push(format!(
                    "{}: called {}, but\n{}",
                    case.name,
                    said.as_str(),
                    errors.unwrap_or_default()
                ));
                "called compatible, and DOES NOT COMPILE"
            }
        };
        if said == Class::Breaking || wire == Class::Breaking {
            breaking += 1;
            // A wire break without a witness would be a claim without a proof.
            noticed += usize::from(!fine || (said != Class::Breaking && case.witness.is_some()));
        }
        let _ = writeln!(out, "{:<34} {end}", case.name);
    }
    match super::scaffolded::check(root) {
        Ok(end) => out += &end,
        Err(error) => wrong.push(format!("{error:#}")),
    }
    if breaking > 0 && noticed * 100 < breaking * NOTICED {
        wrong.push(format!("only {noticed} of {breaking} breaking edits were noticed"));
    }
    let _ = writeln!(
        out,
        "{ran} edits, {noticed} of {breaking} breaking ones noticed, {:.0} s",
        start.elapsed().as_secs_f64()
    );
    if wrong.is_empty() { Ok(out) } else { bail!("{out}\n{}", wrong.join("\n")) }
}

/// The types of a repository, by file name.
fn generated(root: &Path) -> Result<BTreeMap<String, String>> {
    let prefix = format!("{GENERATED}/");
    let outputs = codegen::outputs(root)?;
    Ok(outputs
        .into_iter()
        .filter_map(|(path, text)| Some((path.strip_prefix(&prefix)?.to_owned(), text)))
        .collect())
}

/// The types after an edit, the gravest class of its changes for Rust, and that on the wire.
fn edited(base: &Rehearsal, case: &Case) -> Result<(BTreeMap<String, String>, Class, Class)> {
    let copy = base.again()?;
    copy.overlays(&case.overlays)?;
    let update = copy.update(case, case.retire)?;
    files::commit(copy.root(), &update.files)?;
    let changes = update.changes;
    let rust = changes.iter().map(|change| change.rust).max().unwrap_or(Class::Compatible);
    let wire = changes
        .iter()
        .filter_map(|change| change.request.max(change.response))
        .max()
        .unwrap_or(Class::Compatible);
    Ok((generated(copy.root())?, rust, wire))
}

/// A workspace of two crates: ours, with other types, and one that uses them.
struct Workshop(PathBuf);

impl Workshop {
    fn new(root: &Path) -> Result<Self> {
        let folder = root.join("target/schema-compile");
        let model = folder.join("model");
        for path in [&model, &folder.join("probe")] {
            if path.exists() {
                fs::remove_dir_all(path)?;
            }
        }
        fs::create_dir_all(model.join("src/generated"))?;
        let mut manifest: toml::Table = fs::read_to_string(root.join("crates/model/Cargo.toml"))?
            .parse()
            .context("crates/model/Cargo.toml")?;
        manifest.retain(|key, _| ["package", "dependencies", "features"].contains(&key));
        fs::write(model.join("Cargo.toml"), manifest.to_string())?;
        // What the types themselves need; checks and builders written by hand follow a change in their own time.
        for support in SUPPORT {
            let file = format!("{support}.rs");
            fs::copy(root.join("crates/model/src").join(&file), model.join("src").join(&file))
                .with_context(|| file)?;
        }
        let modules: String = SUPPORT.iter().map(|name| format!("mod {name};\n")).collect();
        fs::write(
            model.join("src/lib.rs"),
            format!(
                "#![allow(warnings)]\n{modules}mod generated;\npub mod everything {{\n    pub use crate::generated::*;\n}}\n"
            ),
        )?;
        fs::create_dir_all(folder.join("probe/src"))?;
        fs::write(
            folder.join("probe/Cargo.toml"),
            "[package]\nname = \"probe\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n[dependencies]\n\
             ark-video-model = { path = \"../model\" }\nserde_json.workspace = true\n",
        )?;
        let mut manifest: toml::Table =
            fs::read_to_string(root.join("Cargo.toml"))?.parse().context("Cargo.toml")?;
        manifest.remove("profile");
        if let Some(workspace) = manifest.get_mut("workspace").and_then(toml::Value::as_table_mut) {
            workspace.insert("members".to_owned(), toml::Value::from(vec!["model", "probe"]));
            for key in ["default-members", "lints"] {
                workspace.remove(key);
            }
            workspace.insert("lints".to_owned(), toml::Value::Table(toml::Table::new()));
            let dependencies = workspace.get_mut("dependencies").and_then(toml::Value::as_table_mut);
            if let Some(dependencies) = dependencies {
                dependencies
                    .retain(|name, value| !name.starts_with("ark-video") && value.get("path").is_none());
            }
        }
        fs::write(folder.join("Cargo.toml"), manifest.to_string())?;
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        Ok(Self(folder))
    }

    /// Puts other types into the model crate; files that stay the same are left alone.
    fn types(&self, types: &BTreeMap<String, String>) -> Result<()> {
        let folder = self.0.join("model/src/generated");
        for (name, text) in
            types.iter().filter(|(name, _)| !APART.iter().any(|apart| **name == format!("{apart}.rs")))
        {
            let text: String = if name == "mod.rs" {
                let apart = |line: &str| {
                    APART.iter().any(|apart| {
                        line == format!("mod {apart};") || line.ends_with(&format!("use {apart}::*;"))
                    })
                };
                text.lines().filter(|line| !apart(line)).map(|line| format!("{line}\n")).collect()
            } else {
                text.clone()
            };
            let path = folder.join(name);
            if fs::read_to_string(&path).ok().as_deref() != Some(text.as_str()) {
                fs::write(path, text)?;
            }
        }
        Ok(())
    }

    fn probe(&self, text: &str) -> Result<()> {
        Ok(fs::write(self.0.join("probe/src/lib.rs"), text)?)
    }

    /// `None` when both crates compile, else the first errors.
    fn compile(&self) -> Result<Option<String>> {
        let output = Command::new(crate::cargo())
            .args(["check", "--quiet", "--offline", "--package", "probe", "--target-dir", "target"])
            .current_dir(&self.0)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_TARGET_DIR")
            .stdin(Stdio::null())
            .output()
            .context("cargo could not be started")?;
        if output.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let of_the_code = text.contains("error[E") || text.contains("error: could not compile");
        ensure!(of_the_code, "cargo failed before it compiled anything:\n{text}");
        let lines =
            text.lines().filter(|line| line.starts_with("error") || line.trim_start().starts_with("-->"));
        Ok(Some(lines.take(8).collect::<Vec<_>>().join("\n")))
    }
}

/// Code that mentions every public name of the types, as a user's code could.
fn probe(schema: &Value) -> Result<String> {
    let definitions = definitions::read(schema)?;
    let mut out = String::from(
        "#![allow(dead_code, unused_variables, clippy::all)]\nuse ark_video_model::everything::*;\nmod uses {\nuse super::*;\n",
    );
    for body in structs::bodies(&definitions) {
        let name = &body.definition.name;
        let lower = name.to_lowercase();
        let ty = |field: &structs::BodyField<'_>| field.ty.to_token_stream().to_string();
        let _ = writeln!(out, "fn reads_{lower}(value: super::{name}) {{");
        for field in &body.fields {
            let _ = writeln!(out, "let _: &{} = &value.{};", ty(field), field.ident);
        }
        out += "}\n";
        let required: Vec<_> = body.fields.iter().filter(|field| !field.optional).collect();
        if required.is_empty() {
            let _ = writeln!(out, "fn makes_{lower}() -> super::{name} {{ Default::default() }}");
        } else {
            let parameters: Vec<String> =
                required.iter().map(|field| format!("{}: {}", field.ident, ty(field))).collect();
            let arguments: Vec<String> = required.iter().map(|field| field.ident.to_string()).collect();
            let _ = writeln!(
                out,
                "fn makes_{lower}({}) -> super::{name} {{ super::{name}::new({}) }}",
                parameters.join(", "),
                arguments.join(", ")
            );
        }
        if body.structure.role == Role::Request {
            for (index, field) in body.fields.iter().filter(|field| field.optional).enumerate() {
                let inner = ty(field);
                let _ = writeln!(
                    out,
                    "fn sets_{lower}_{index}(value: super::{name}, it: {inner}) -> super::{name} {{ match it {{ Some(it) => value.{}(it), None => value }} }}",
                    field.ident
                );
            }
        }
    }
    definitions.iter().for_each(|definition| words(definition, &mut out));
    Ok(out + "}\n")
}

fn words(definition: &Definition, out: &mut String) {
    let name = &definition.name;
    match &definition.shape {
        Shape::Enum(values, _) => {
            let variants: Vec<String> =
                values.iter().map(|value| format!("super::{name}::{}", value.name)).collect();
            let _ = writeln!(
                out,
                "fn says_{}() -> [super::{name}; {}] {{ [{}] }}",
                name.to_lowercase(),
                variants.len(),
                variants.join(", ")
            );
        }
        Shape::Union { branches, .. } => {
            let suffix = enums::common_suffix(branches);
            let arms: String = branches
                .iter()
                .map(|branch| {
                    let variant =
                        branch.strip_suffix(&suffix).filter(|rest| !rest.is_empty()).unwrap_or(branch);
                    format!(
                        "super::{name}::{}(it) => {{ let _: super::{branch} = it; }}\n",
                        variant.to_upper_camel_case()
                    )
                })
                .collect();
            let _ = writeln!(
                out,
                "fn tells_{}(value: super::{name}) {{ match value {{ {arms} _ => {{}} }} }}",
                name.to_lowercase()
            );
        }
        Shape::Alias(target) => {
            let _ = writeln!(
                out,
                "fn is_{}(value: super::{name}) -> super::{target} {{ value }}",
                name.to_lowercase()
            );
        }
        Shape::Struct(_) => {}
    }
}
