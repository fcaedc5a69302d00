//! `cargo xtask codegen`: vendor page + overlays → resolved schema → Rust in
//! `crates/model/src/generated`.
//!
//! One function makes every output in memory; then it is either written or, with `--check`,
//! compared. The pipeline and the reasons for each step are in docs/decisions/0002-codegen.md.

mod arrange;
mod checks;
pub(crate) mod definitions;
mod digits;
pub(crate) mod enums;
mod errors;
mod impls;
mod nulls;
pub(crate) mod overlay;
pub(crate) mod structs;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use proc_macro2::TokenStream;
use quote::quote;
use serde_json::{Value, json};

use crate::schema::files::{self, Files};
use crate::schema::source;
use overlay::Overlay;

const COMMAND: &str = "cargo xtask codegen";
pub(crate) const GENERATED: &str = "crates/model/src/generated";
pub(crate) const SCHEMA: &str = "schema/ark-video.schema.json";
#[cfg(test)]
pub(crate) const EXAMPLE: &str = "schema/examples/requests/vendor-tea.json";

/// Writes every generated file of the repository at `root`, or with `check` fails if one differs;
/// says what it did.
pub(crate) fn run(root: &Path, check: bool) -> Result<String> {
    let outputs = outputs(root)?;
    settle(root, &outputs, &stale(root, &outputs)?, check, (COMMAND, "files"))
}

/// Writes what is stale, all of it or nothing, or with `check` fails if something is; `command` is
/// what people run.
pub(crate) fn settle(
    root: &Path,
    outputs: &BTreeMap<String, String>,
    stale: &[Stale],
    check: bool,
    (command, noun): (&str, &str),
) -> Result<String> {
    let list: String = stale.iter().map(|file| format!("\n  {} ({})", file.path, file.what)).collect();
    if check {
        ensure!(stale.is_empty(), "stale; run `{command}` and commit what it changes:{list}");
        return Ok(format!("{} generated {noun} up to date\n", outputs.len()));
    }
    let text = |path: &String| outputs.get(path).map(|text| text.clone().into_bytes());
    let files: Files = stale.iter().map(|file| (file.path.clone(), text(&file.path))).collect();
    files::commit(root, &files)?;
    Ok(format!("{} generated {noun}, {} changed{list}\n", outputs.len(), stale.len()))
}

/// Every generated file, by its path from the root.
pub(crate) fn outputs(root: &Path) -> Result<BTreeMap<String, String>> {
    let (document, examples) = resolve(root)?;
    let definitions = definitions::read(&document)?;
    let bodies = structs::bodies(&definitions);
    let errors = read_json(root, "schema/errors.json")?;

    let mut outputs = BTreeMap::new();
    outputs.insert(SCHEMA.to_owned(), pretty(&document)?);
    for (path, example) in &examples {
        outputs.insert(path.clone(), pretty(example)?);
    }
    let sources = format!("{SCHEMA} (schema/vendor and schema/overlay)");
    let mut modules = Vec::new();
    let mut rust = |module: &'static str, about: &str, from: &str, tokens: TokenStream| -> Result<()> {
        outputs.insert(format!("{GENERATED}/{module}.rs"), render(about, from, tokens)?);
        modules.push(ident(module));
        Ok(())
    };
    rust("types", "Every object of the API.", &sources, {
        let (structs, aliases) = (structs::emit(&bodies), structs::aliases(&definitions));
        quote! { #structs #aliases }
    })?;
    rust("enums", "Every enum of the API.", &sources, enums::string_enums(&definitions))?;
    rust("unions", "Tagged unions.", &sources, enums::unions(&definitions)?)?;
    rust("constructors", "`new` and setters.", &sources, impls::constructors(&bodies))?;
    rust("decoding", "JSON to types.", &sources, impls::decode(&bodies))?;
    rust("encoding", "Types to JSON.", &sources, impls::encode(&bodies))?;
    rust("debugging", "`Debug` without prompts, media and signatures.", &sources, impls::debug(&bodies))?;
    rust("error_codes", "Every error code of the API.", "schema/errors.json", errors::emit(&errors)?)?;
    rust(
        "checks",
        "What the schema says of single fields, and the shape of a request.",
        &sources,
        checks::emit(&document, &definitions)?,
    )?;
    let public = ["types", "enums", "unions", "error_codes"].map(ident);
    let module_list = quote! { #(mod #modules;)* #(pub use #public::*;)* pub(crate) use checks::*; };
    let about = "What the schema says, as Rust. Private: the crate's lib.rs chooses what is public.";
    outputs.insert(format!("{GENERATED}/mod.rs"), render(about, &sources, module_list)?);
    outputs.insert(format!("{GENERATED}/models.json"), catalog_copy(root)?);
    Ok(outputs)
}

/// The catalog as the model crate compiles it in: a package holds no file from outside of its
/// folder.
fn catalog_copy(root: &Path) -> Result<String> {
    let path = "schema/models.json";
    let text = fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))?;
    Ok(text
        .lines()
        .filter(|line| !line.starts_with("  \"$schema\":"))
        .map(|line| format!("{line}\n"))
        .collect())
}

/// The documents with every correction, null for what is not set and digit strings for integers of
/// responses, and the examples that they keep here.
pub(crate) fn resolve(root: &Path) -> Result<(Value, Vec<(String, Value)>)> {
    let bases = source::Bases::read(root)?;
    let mut document = bases.document();
    let mut seen = BTreeSet::new();
    let mut said = Vec::new();
    for (file, overlay) in overlays(root)? {
        overlay.apply(&mut document)?;
        said.extend(overlay.types_said());
        ensure!(seen.insert(file[..3].to_owned()), "schema/overlay/{file}: its number is taken");
    }
    let described: Vec<String> = bases.create.definitions.keys().cloned().collect();
    arrange::arrange(&mut document, &described, &said);
    complete(&mut document);
    Ok((marked(document), bases.examples))
}

/// What holds of every request and every response, whatever a document says of it.
pub(crate) fn complete(document: &mut Value) {
    nulls::admit(document);
    digits::admit(document);
}

/// The document with the note that says who wrote it.
fn marked(mut document: Value) -> Value {
    let comment = format!("@generated by `{COMMAND}` from schema/vendor and schema/overlay; do not edit.");
    if let Value::Object(members) = &mut document {
        members.shift_insert(1, "$comment".to_owned(), json!(comment));
    }
    document
}

/// The overlays in the order of their numbers.
pub(crate) fn overlays(root: &Path) -> Result<Vec<(String, Overlay)>> {
    overlay_files(root)?
        .into_iter()
        .map(|(name, text)| Ok((name.clone(), Overlay::parse(&name, &text)?)))
        .collect()
}

/// The files of the overlays, as text.
pub(crate) fn overlay_files(root: &Path) -> Result<Vec<(String, String)>> {
    let folder = root.join("schema/overlay");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).context("cannot list schema/overlay")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") {
            names.push(name);
        }
    }
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let text = fs::read_to_string(folder.join(&name))
                .with_context(|| format!("cannot read schema/overlay/{name}"))?;
            Ok((name, text))
        })
        .collect()
}

pub(crate) fn read_json(root: &Path, path: &str) -> Result<Value> {
    let text = fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))?;
    serde_json::from_str(&text).with_context(|| path.to_owned())
}

/// A file that is not as it should be.
pub(crate) struct Stale {
    pub(crate) path: String,
    what: &'static str,
}

/// What differs or is missing.
pub(crate) fn differing(root: &Path, outputs: &BTreeMap<String, String>) -> Vec<Stale> {
    let what = |(path, text): (&String, &String)| match fs::read_to_string(root.join(path)) {
        Ok(found) if found.replace("\r\n", "\n") == *text => None,
        Ok(_) => Some(Stale { path: path.clone(), what: "differs" }),
        Err(_) => Some(Stale { path: path.clone(), what: "missing" }),
    };
    outputs.iter().filter_map(what).collect()
}

/// What differs, is missing, or lies in the generated folder without being generated any more.
pub(crate) fn stale(root: &Path, outputs: &BTreeMap<String, String>) -> Result<Vec<Stale>> {
    let mut stale = differing(root, outputs);
    let folder: PathBuf = root.join(GENERATED);
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = format!("{GENERATED}/{}", entry?.file_name().to_string_lossy());
            if !outputs.contains_key(&path) {
                stale.push(Stale { path, what: "no longer generated" });
            }
        }
    }
    Ok(stale)
}

pub(crate) fn pretty(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Formats one generated file. prettyplease, not rustfmt: the lock file alone decides the bytes.
fn render(about: &str, from: &str, tokens: TokenStream) -> Result<String> {
    let file: syn::File =
        syn::parse2(tokens).with_context(|| format!("the code for `{about}` does not parse"))?;
    let body = prettyplease::unparse(&file);
    Ok(format!("//! {about}\n//!\n//! @generated by `{COMMAND}` from {from}; do not edit.\n\n{body}"))
}

fn ident(name: &str) -> syn::Ident {
    quote::format_ident!("{name}")
}

/// The name of a field in Rust: `type` is a word of the language and becomes `type_`.
pub(crate) fn field_name(wire: &str) -> String {
    let plain = heck::AsSnakeCase(wire.replace(['.', '$'], "_")).to_string();
    if syn::parse_str::<syn::Ident>(&plain).is_ok() { plain } else { format!("{plain}_") }
}

/// Doc comments, a paragraph each.
fn docs(paragraphs: impl IntoIterator<Item = impl AsRef<str>>) -> TokenStream {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in paragraphs {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(format!(" {}", bare(paragraph.as_ref())));
    }
    quote! { #(#[doc = #lines])* }
}

/// rustdoc reads `[x]` as a link and a bare `<x>` as HTML.
fn bare(text: &str) -> String {
    text.split('`')
        .enumerate()
        .map(
            |(index, part)| {
                if index % 2 == 0 { part.replace('[', "\\[").replace('<', "\\<") } else { part.to_owned() }
            },
        )
        .collect::<Vec<_>>()
        .join("`")
}

#[cfg(test)]
mod tests;
