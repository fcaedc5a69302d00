//! Rehearsals of an update: prepared edits of the vendor's document, taken in on a copy of the repository, each with the end
//! it must have. The tests hold them against this table; `cargo xtask schema compile-test` holds the table against rustc.

mod cases;
mod compile;
mod prepare;
mod scaffolded;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::diff::{Bump, Class};
use super::files::{self, Files};
use super::import::Imported;
use super::intake::Arrival;
use super::merge::Answer;
use super::update::{self, Update};
pub(crate) use cases::cases;

/// A prepared edit.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What a person did to the corrections beside it: file name and text, or `None` for a deletion.
    pub(crate) overlays: Vec<(String, Option<String>)>,
    pub(crate) document: (&'static str, Vec<u8>),
    pub(crate) retire: bool,
    pub(crate) answers: Vec<Answer>,
    pub(crate) name_in_vendor: Option<&'static str>,
    pub(crate) then: Then,
    /// An instance of a type that shows a break on the wire: a request that only the old schema takes, or an answer that only
    /// the new one allows.
    pub(crate) witness: Option<(&'static str, Value)>,
}

/// How an edit must end.
pub(crate) enum Then {
    /// Changes, each by a part of its sentence with its classes for requests, answers and Rust; and the model's version.
    Accepted(Vec<Expected>, Bump),
    /// Parts of the refusal: file, place, reason.
    Refused(Vec<String>),
    /// Parts of the report of an update with a question.
    Asked(Vec<String>),
}

/// One change that must be reported.
pub(crate) struct Expected {
    pub(crate) what: &'static str,
    pub(crate) request: Option<Class>,
    pub(crate) response: Option<Class>,
    pub(crate) rust: Class,
}

/// A copy of the repository with what an update reads and writes.
pub(crate) struct Rehearsal(TempDir);

impl Rehearsal {
    /// A copy as it is committed.
    pub(crate) fn new(root: &Path) -> Result<Self> {
        let folder = TempDir::new().context("no temporary folder can be made")?;
        let copy = folder.path();
        files::copy(&root.join("schema"), &copy.join("schema"))?;
        for place in ["docs/reference", "crates/simulator/src/generated", crate::codegen::GENERATED] {
            files::copy(&root.join(place), &copy.join(place))?;
        }
        fs::copy(root.join("Cargo.toml"), copy.join("Cargo.toml"))?;
        for entry in fs::read_dir(root.join("crates"))?.flatten() {
            let target = copy.join("crates").join(entry.file_name());
            if entry.path().join("Cargo.toml").is_file() {
                fs::create_dir_all(target.join("src"))?;
                fs::copy(entry.path().join("Cargo.toml"), target.join("Cargo.toml"))?;
                let main = entry.path().join("src/main.rs");
                if main.is_file() {
                    fs::copy(main, target.join("src/main.rs"))?;
                }
            }
        }
        Ok(Self(folder))
    }

    /// A copy whose vendor describes three more fields of a request and one of the answer: what the edits work on.
    pub(crate) fn rich(root: &Path) -> Result<Self> {
        let rehearsal = Self::new(root)?;
        let base = prepare::base(root)?;
        rehearsal.overlays(&base.overlays)?;
        let update = rehearsal.update(&base, false)?;
        files::commit(rehearsal.root(), &update.files)?;
        Ok(rehearsal)
    }

    /// A copy in which the first edition of the page is the base of the create, whatever the repository has by now.
    pub(crate) fn first(root: &Path) -> Result<Self> {
        let rehearsal = Self::new(root)?;
        let first = fs::read(root.join("xtask/schema-tool/fixtures/first-edition.txt"))?;
        rehearsal.settle(("first.txt", first), crate::schema::merge::Take::Ours, Some("2026-11-22"))?;
        // Later documents that the repository has by now are not there yet.
        use crate::schema::source::{FILE, Role, Sources};
        let mut sources = Sources::read(rehearsal.root())?;
        for later in sources.documents.iter().filter(|document| document.role == Role::Source) {
            fs::remove_file(rehearsal.root().join(later.path()))?;
        }
        sources.documents.retain(|document| document.role == Role::Base);
        fs::write(rehearsal.root().join(FILE), sources.render()?)?;
        Ok(rehearsal)
    }

    /// Takes a document in, with one answer to every question.
    pub(crate) fn settle(
        &self,
        document: (&'static str, Vec<u8>),
        take: crate::schema::merge::Take,
        received: Option<&str>,
    ) -> Result<Update> {
        let arrival = Arrival {
            file: self.incoming(&document)?,
            received: received.map(str::to_owned),
            ..Arrival::default()
        };
        let open = update::plan(self.root(), &arrival, &update::Options::default())?.questions;
        let answers = open.into_iter().map(|pointer| Answer { pointer, take, reason: None }).collect();
        let options = update::Options { answers, ..update::Options::default() };
        let update = update::plan(self.root(), &arrival, &options)?;
        anyhow::ensure!(update.questions.is_empty(), "open after an answer: {:?}", update.questions);
        files::commit(self.root(), &update.files)?;
        Ok(update)
    }

    /// Another copy of this copy.
    pub(crate) fn again(&self) -> Result<Self> {
        let folder = TempDir::new().context("no temporary folder can be made")?;
        files::copy(self.root(), folder.path())?;
        Ok(Self(folder))
    }

    pub(crate) fn root(&self) -> &Path {
        self.0.path()
    }

    /// Puts a document beside the repository, as a download would lie.
    pub(crate) fn incoming(&self, document: &(&'static str, Vec<u8>)) -> Result<PathBuf> {
        let folder = self.root().join("target");
        fs::create_dir_all(&folder)?;
        let path = folder.join(document.0);
        fs::write(&path, &document.1)?;
        Ok(path)
    }

    pub(crate) fn overlays(&self, overlays: &[(String, Option<String>)]) -> Result<()> {
        let files: Files = overlays
            .iter()
            .map(|(name, text)| (format!("schema/overlay/{name}"), text.clone().map(String::into_bytes)))
            .collect();
        files::commit(self.root(), &files)
    }

    /// Plans the update of a case.
    pub(crate) fn update(&self, case: &Case, retire: bool) -> Result<Update> {
        let arrival = Arrival {
            file: self.incoming(&case.document)?,
            name: case.name_in_vendor.map(str::to_owned),
            received: Some("2026-12-01".to_owned()),
            ..Arrival::default()
        };
        let answers = case.answers.clone();
        update::plan(self.root(), &arrival, &update::Options { retire, answers, scaffold: false })
    }

    /// Every file with its contents, but for what came in from outside.
    pub(crate) fn contents(&self) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
        let mut all = BTreeMap::new();
        let mut open = vec![self.root().to_path_buf()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                if path.is_dir() {
                    if path != self.root().join("target") {
                        open.push(path);
                    }
                } else {
                    all.insert(path.clone(), fs::read(&path)?);
                }
            }
        }
        Ok(all)
    }
}

/// A document as the text of an Apifox page.
pub(crate) fn page(document: &Imported) -> String {
    let example = document.example.as_ref().map(Value::to_string).unwrap_or_default();
    let body = json!({
        "type": "application/json", "parameters": [], "jsonSchema": document.request, "required": true, "mediaType": "",
        "examples": [{ "mediaType": "application/json", "value": example, "name": "示例 1" }], "oasExtensions": "",
    });
    let answers = json!([{ "id": 1, "name": "成功", "code": 200, "contentType": "json", "jsonSchema": document.response }]);
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    format!(
        "{}\n\nPOST /api/v3/contents/generations/tasks\n\n请求体\n\n{}\n\n响应\n\n{}\n",
        document.title.as_deref().unwrap_or("API"),
        pretty(&body),
        pretty(&answers)
    )
}

/// The same document as OpenAPI, with an edit.
pub(crate) fn openapi(document: &Imported, version: &str, edit: impl FnOnce(&mut Value)) -> Value {
    let example = document.example.clone().unwrap_or_default();
    let mut value = json!({
        "openapi": version,
        "info": { "title": document.title, "version": "1" },
        "paths": { "/api/v3/contents/generations/tasks": { "post": {
            "requestBody": { "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/CreateBody" }, "example": example,
            } } },
            "responses": { "200": { "description": "", "content": { "application/json": { "schema": document.response } } } },
        } } },
        "components": { "schemas": { "CreateBody": document.request } },
    });
    edit(&mut value);
    value
}
