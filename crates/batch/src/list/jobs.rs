//! The planned jobs of a list, made from its text shot by shot as they are needed: a list of a
//! hundred thousand shots is its text and a few bytes for each. Reads the headers of local files
//! again; nothing else.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use ark_video::model::estimate::Estimate;
use serde_json::{Map, Value};

use super::after::job_name;
use super::assemble::Assembled;
use super::content::Hashes;
use super::finding::{At, Findings};
use super::names::{self, TemplateValues};
use super::shape::Shot;
use super::text::{Document, ListFormat};
use super::totals::most;
use super::{ShotList, hash};
use crate::{After, Planned};

/// What jobs are made from: the text of a list whose shots were checked, and what was found out
/// about them.
pub(super) struct Source {
    pub(super) text: String,
    pub(super) format: ListFormat,
    /// The list as it was named.
    pub(super) name: String,
    /// Where its relative paths start.
    pub(super) base: PathBuf,
    pub(super) folder: String,
    pub(super) defaults: Map<String, Value>,
    /// The files, as they were when the shots were checked.
    pub(super) hashes: Hashes,
    /// One for each shot; empty where the list is refused.
    pub(super) shots: Vec<Resolved>,
    /// Outputs below the first folder go to the same path below the second.
    pub(super) moved: Option<(PathBuf, PathBuf)>,
    /// Names of models in the list, and their ids.
    pub(super) models: BTreeMap<String, String>,
}

/// What only the whole list says of a shot.
pub(super) struct Resolved {
    pub(super) after: Option<Box<After>>,
    pub(super) estimate: Option<Arc<Estimate>>,
}

/// Planned jobs that can be read several times.
pub trait PlannedJobs: Sync {
    /// All of them, in the order of the list.
    fn planned(&self) -> Box<dyn Iterator<Item = Planned> + Send + '_>;
}

impl PlannedJobs for [Planned] {
    fn planned(&self) -> Box<dyn Iterator<Item = Planned> + Send + '_> {
        Box::new(self.iter().cloned())
    }
}

impl<const N: usize> PlannedJobs for [Planned; N] {
    fn planned(&self) -> Box<dyn Iterator<Item = Planned> + Send + '_> {
        self.as_slice().planned()
    }
}

impl PlannedJobs for Vec<Planned> {
    fn planned(&self) -> Box<dyn Iterator<Item = Planned> + Send + '_> {
        self.as_slice().planned()
    }
}

impl PlannedJobs for ShotList {
    fn planned(&self) -> Box<dyn Iterator<Item = Planned> + Send + '_> {
        Box::new(self.source.jobs(&self.batch).map(|(_, job)| job))
    }
}

impl Source {
    /// Each job with the index of its shot.
    pub(super) fn jobs<'s>(&'s self, batch: &'s str) -> impl Iterator<Item = (usize, Planned)> + Send + 's {
        let document = Document::parse(&self.text, self.format).ok();
        let (mut shots, mut jobs, mut hashes) =
            (self.shots.iter().enumerate(), VecDeque::new(), self.hashes.clone());
        let mut count = 0;
        std::iter::from_fn(move || {
            while jobs.is_empty() {
                let (index, resolved) = shots.next()?;
                let shot = document.as_ref()?.shot(index);
                for job in self.jobs_of(index, &shot, resolved, batch, count, &mut hashes)? {
                    jobs.push_back((index, job));
                    count += 1;
                }
            }
            jobs.pop_front()
        })
    }

    fn jobs_of(
        &self,
        index: usize,
        shot: &Value,
        resolved: &Resolved,
        batch: &str,
        count: usize,
        hashes: &mut Hashes,
    ) -> Option<Vec<Planned>> {
        let nowhere = |_: &At<'_>| None;
        // All there is to say was said when the list was checked.
        let mut findings = Findings::new(&self.name, &nowhere);
        let mut shot = Shot::read(index, shot, &self.defaults, &mut findings)?;
        shot.set_model_id(&self.models);
        let assembled = Assembled::of(&shot, &self.base, false, hashes, &mut findings);
        let mut jobs = Vec::with_capacity(shot.seeds.len());
        let after = resolved.after.as_deref();
        let priority = assembled.body.get("priority").and_then(Value::as_i64).unwrap_or_default();
        for (number, seed) in shot.seeds.iter().enumerate() {
            let values = TemplateValues::of(&shot, &assembled.body, batch, *seed, count + number);
            let path = names::output(shot.output.as_deref(), &values).ok()?;
            let mut body = assembled.body.clone();
            if let Some(seed) = seed {
                body.insert("seed".to_owned(), (*seed).into());
            }
            let body = Value::Object(body);
            jobs.push(Planned {
                name: job_name(&shot.name, *seed),
                place: i64::try_from(count + number).unwrap_or(i64::MAX),
                request_hash: hash::of_request(&body, &assembled.inputs, after),
                request: body,
                inputs: assembled.inputs.clone(),
                after: after.cloned(),
                output: self.output(&path),
                tags: shot.tags.clone(),
                priority,
                estimate: resolved.estimate.as_deref().and_then(most),
            });
        }
        Some(jobs)
    }

    fn output(&self, path: &str) -> PathBuf {
        let output = names::place(&self.base, &self.folder, path);
        let Some((from, to)) = &self.moved else { return output };
        let parts = output.strip_prefix(from).unwrap_or(&output).components();
        // Nothing leads out of the second folder.
        let parts = parts.filter_map(|part| match part {
            Component::Normal(part) => Some(part),
            _ => None,
        });
        parts.fold(to.clone(), |path, part| path.join(part))
    }
}

impl ShotList {
    /// How many jobs it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it has no jobs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The jobs, in the order of the list. Each is made from the list's text when it is asked for.
    pub fn jobs(&self) -> impl Iterator<Item = Planned> + Send + '_ {
        self.planned()
    }

    /// Lets outputs below the folder `from` go to the same path below `to`, and all others directly
    /// below `to`.
    pub fn move_outputs(&mut self, from: &Path, to: &Path) {
        self.source.moved = Some((from.to_owned(), to.to_owned()));
    }
}
