//! The shot list: from a file that people write to planned jobs. Reads files, spends nothing.
//!
//! [`ListReport`] says all that is wrong with a list at once, with file, line and shot, and what it
//! will cost. Only a list without refusals becomes a [`ShotList`].

mod after;
mod amount;
mod assemble;
mod attach;
mod builder;
mod content;
mod finding;
mod hash;
mod jobs;
mod names;
mod position;
mod report;
mod rows;
mod shape;
#[cfg(test)]
mod tests;
mod text;
mod totals;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, fs, io};

use ark_video::model::{catalog::Catalog, check::Severity, estimate::Estimate};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Cap;
use crate::targets::{TargetCheck, TargetPolicy};
use jobs::Source;
use shape::AfterField;
use text::Document;

pub use amount::NotAnAmount;
pub(crate) use attach::attach;
pub use builder::ShotListBuilder;
pub use finding::ListFinding;
pub(crate) use hash::{hex, same_intent};
pub use jobs::PlannedJobs;
pub use text::ListFormat;
pub use totals::{Sum, Totals};

/// Largest list that is read, in bytes.
const MOST_BYTES: u64 = 256 << 20;

/// A list that nothing was found against: what a journal takes.
#[non_exhaustive]
pub struct ShotList {
    /// The batch's name: `batch` of the list, else the file's stem.
    pub batch: String,
    /// The list's own caps. That of a day has an empty day: it holds for each.
    pub caps: Vec<Cap>,
    count: usize,
    source: Source,
}

impl fmt::Debug for ShotList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShotList")
            .field("batch", &self.batch)
            .field("jobs", &self.count)
            .finish_non_exhaustive()
    }
}

/// What there is to say about a list before anything is spent.
#[derive(Serialize)]
#[non_exhaustive]
pub struct ListReport {
    /// The list as it was named.
    pub file: String,
    /// How it is written; `None` where it could not be parsed.
    pub format: Option<ListFormat>,
    /// The batch's name.
    pub batch: String,
    /// Whether it is refused: then no part of it is planned.
    pub refused: bool,
    /// The shots that could be read.
    pub shots: Vec<ShotReport>,
    /// What they cost together.
    pub totals: Totals,
    /// Everything that is wrong or doubtful.
    pub findings: Vec<ListFinding>,
    #[serde(skip)]
    caps: Vec<Cap>,
    #[serde(skip)]
    source: Source,
}

impl fmt::Debug for ListReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListReport")
            .field("file", &self.file)
            .field("shots", &self.shots)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

/// Why a list is refused: the first refusal, and the number of the others.
impl fmt::Display for ListReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut refusals = self.refusals();
        match (refusals.next(), refusals.count()) {
            (None, _) => write!(f, "{}: nothing is refused", self.file),
            (Some(first), 0) => first.fmt(f),
            (Some(first), more) => write!(f, "{first} ({more} more)"),
        }
    }
}

impl std::error::Error for ListReport {}

/// What there is to say about one shot.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ShotReport {
    /// Its name.
    pub name: String,
    /// The line that it begins in, from 1.
    pub line: Option<usize>,
    /// The names of its jobs: its own, or one for each variant.
    pub jobs: Vec<String>,
    /// The model that it is for; empty where it names none.
    pub model: Arc<str>,
    /// The job that it follows.
    pub after: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// What one of its jobs will cost; `None` where it is no request.
    pub estimate: Option<Arc<Estimate>>,
    /// Whether something of it is refused.
    pub refused: bool,
    #[serde(skip)]
    place: usize,
    /// Which shot it follows, as it was written.
    #[serde(skip)]
    after_field: Option<Box<AfterField>>,
}

/// Why a list could not be looked at.
#[derive(Debug, thiserror::Error)]
#[error("the list {} cannot be read: {source}; nothing was spent and nothing was changed", path.display())]
#[non_exhaustive]
pub struct ListError {
    /// The list.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// How a list is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListOptions {
    /// Its format. Default: by the extension of its name (`.toml`, `.json`, `.jsonl`, `.csv`,
    /// `.tsv`, `.txt`), else by its text.
    pub format: Option<ListFormat>,
    /// Fields of all shots, over the list's own defaults. Default: none.
    pub defaults: Map<String, Value>,
    /// The model of CSV and text lists that name none. Default: none, and a model is required.
    pub model: Option<String>,
    /// Whether local videos go through a store ([`crate::RunnerOptions::media_store`]). Default:
    /// no, and a shot with one is refused.
    pub hosts_media: bool,
}

impl ListOptions {
    /// Sets a field of all shots from text, by the type that the field has: `duration`, `5`.
    ///
    /// # Errors
    /// The name is not a field of a shot, or is one that each shot has itself.
    pub fn set(&mut self, field: &str, value: &str) -> Result<(), String> {
        let value = rows::value_of(field, value).filter(|_| !field.contains('.'));
        match value.filter(|_| !matches!(field, "name" | "after")) {
            Some(value) => {
                self.defaults.insert(field.to_owned(), value);
                Ok(())
            }
            None => Err(format!("`{field}` is not a field that all shots can have")),
        }
    }

    /// Reads and checks a list. Paths in it begin at its folder.
    ///
    /// # Errors
    /// [`ListError`]: there is no such file, it cannot be read, or it is larger than 256 MiB.
    pub fn read(&self, path: &Path, catalog: &Catalog) -> Result<ListReport, ListError> {
        let bytes = bytes_of(path)?;
        let base = path.parent().unwrap_or(Path::new(""));
        Ok(self.of_text(bytes, &path.display().to_string(), base, catalog))
    }

    /// The name of a list's batch. Of the list itself only the syntax is read.
    ///
    /// # Errors
    /// As [`ListOptions::read`].
    pub fn batch_name(&self, path: &Path) -> Result<String, ListError> {
        let name = path.display().to_string();
        let head = match report::text_of(self, bytes_of(path)?, &name) {
            Ok((text, format)) => Document::parse(&text, format).map(|document| document.head).ok(),
            Err(_) => None,
        };
        Ok(report::batch_of(&head.unwrap_or_default(), &name))
    }

    /// Checks a list that is in memory. `name` decides its format, if none is set, and the batch's
    /// name; `base` is where its relative paths begin.
    #[must_use]
    pub fn of_text(
        &self,
        bytes: impl Into<Vec<u8>>,
        name: &str,
        base: &Path,
        catalog: &Catalog,
    ) -> ListReport {
        self.of_text_with_names(bytes, name, base, catalog, &|_| Ok(None))
    }

    /// As [`ListOptions::of_text`], with names for models: `models` gives the id for the `model` of
    /// a shot, `None` where it is not a name, or why it is refused.
    #[must_use]
    pub fn of_text_with_names(
        &self,
        bytes: impl Into<Vec<u8>>,
        name: &str,
        base: &Path,
        catalog: &Catalog,
        models: &dyn Fn(&str) -> Result<Option<String>, String>,
    ) -> ListReport {
        report::report(self, bytes.into(), name, base, catalog, models)
    }
}

impl ListReport {
    /// Reads and checks a list as it is. Paths in it begin at its folder.
    ///
    /// # Errors
    /// As [`ListOptions::read`].
    pub fn read(path: &Path, catalog: &Catalog) -> Result<Self, ListError> {
        ListOptions::default().read(path, catalog)
    }

    /// Checks a list that is in memory, as [`ListOptions::of_text`] does.
    #[must_use]
    pub fn of_text(bytes: impl Into<Vec<u8>>, name: &str, base: &Path, catalog: &Catalog) -> Self {
        ListOptions::default().of_text(bytes, name, base, catalog)
    }

    /// What is refused.
    pub fn refusals(&self) -> impl Iterator<Item = &ListFinding> {
        self.findings.iter().filter(|finding| finding.strength == Severity::Error)
    }

    /// What is doubted.
    pub fn warnings(&self) -> impl Iterator<Item = &ListFinding> {
        self.findings.iter().filter(|finding| finding.strength != Severity::Error)
    }

    /// Checks whether the videos can be saved where they are to go, and adds what is in their way.
    /// Videos that an earlier run of the same shots made are not: running the list does not make
    /// them again.
    pub fn check_targets(&mut self, overwrite: bool) {
        let policy = TargetPolicy { overwrite, passes_own_video: true, ..TargetPolicy::default() };
        let source = &self.source;
        let mut targets = TargetCheck::new(&source.base, policy, source.hashes.paths().cloned());
        for (index, job) in source.jobs(&self.batch) {
            let Some(obstacle) = targets.obstacle(&self.batch, &job) else { continue };
            let shot = self.shots.get_mut(index);
            let (line, place) = shot.map_or((None, None), |shot| {
                shot.refused = true;
                (shot.line, Some(shot.place))
            });
            let (mut message, mut advice) = (obstacle.message(), obstacle.advice());
            for text in [&mut message, &mut advice] {
                text.push_str(if text.is_empty() { "" } else { "." });
            }
            self.findings.push(ListFinding::refusal(
                "output",
                (&self.file, line, &job.name, place),
                message,
                advice,
            ));
            self.refused = true;
        }
    }

    /// Whether it is refused only because of what is where its videos are to go.
    #[must_use]
    pub fn is_refused_by_targets(&self) -> bool {
        self.refused && self.refusals().all(|finding| finding.rule == "output" && finding.is_of_target)
    }

    /// The list's own caps.
    #[must_use]
    pub fn caps(&self) -> &[Cap] {
        &self.caps
    }

    /// The jobs, if nothing is refused; else the report back.
    ///
    /// # Errors
    /// The report itself: its [`refusals`](Self::refusals) say why.
    pub fn into_list(self) -> Result<ShotList, Box<Self>> {
        if self.refused {
            return Err(Box::new(self));
        }
        let count = self.shots.iter().map(|shot| shot.jobs.len()).sum();
        Ok(ShotList { batch: self.batch, count, caps: self.caps, source: self.source })
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, ListError> {
    let failed = |source| ListError { path: path.to_owned(), source };
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > MOST_BYTES {
        return Err(failed(io::Error::other("it is larger than 256 MiB")));
    }
    fs::read(path).map_err(failed)
}
