//! From the text of a list to its report: every shot read, assembled, checked and estimated, one
//! after the other, then what they have to do with each other. One way through for all formats;
//! changes nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ark_video::model::{catalog::Catalog, estimate::Estimate};
use serde_json::{Map, Value};

use super::after::{Follows, job_name, preconditions};
use super::assemble::{Assembled, Checked};
use super::content::Hashes;
use super::finding::{At, Findings, is_hidden, shown};
use super::jobs::{Resolved, Source};
use super::names::{self, TemplateValues, UsedNames};
use super::position::{Broken, position_of};
use super::shape::{self, Shot};
use super::text::{self, Document, HEAD, ListFormat};
use super::totals::Totals;
use super::{ListOptions, ListReport, ShotReport, amount};
use crate::{After, Cap, Scope, decode_text};

/// Jobs that one list may hold.
const MOST_JOBS: usize = 250_000;

/// The id for a model's name; `None` where it is not a name.
pub(super) type ModelIds<'a> = &'a dyn Fn(&str) -> Result<Option<String>, String>;

pub(super) fn report(
    options: &ListOptions,
    bytes: Vec<u8>,
    name: &str,
    base: &Path,
    catalog: &Catalog,
    models: ModelIds<'_>,
) -> ListReport {
    let mut report = ListReport {
        file: name.to_owned(),
        format: None,
        batch: stem(name),
        refused: true,
        shots: Vec::new(),
        totals: Totals::default(),
        findings: Vec::new(),
        caps: Vec::new(),
        source: Source {
            text: String::new(),
            format: ListFormat::Toml,
            name: name.to_owned(),
            base: base.to_owned(),
            folder: String::new(),
            defaults: Map::new(),
            hashes: Hashes::default(),
            shots: Vec::new(),
            moved: None,
            models: BTreeMap::new(),
        },
    };
    let nowhere = |_: &At<'_>| None;
    let mut broken = Findings::new(name, &nowhere);
    let (text, format) = match text_of(options, bytes, name) {
        Ok(text) => text,
        Err(one) => {
            broken.say("syntax", At::List(""), one.message).at(one.at);
            report.findings = broken.into_all();
            return report;
        }
    };
    report.source.format = format;
    match Document::parse(&text, format) {
        Err(all) => {
            for one in all {
                broken.say("syntax", At::List(""), one.message).at(one.at);
            }
            report.findings = broken.into_all();
        }
        Ok(document) => {
            let position = |at: &At<'_>| document.position(at);
            let mut findings = Findings::new(name, &position);
            Reading { document: &document, options, catalog, models, report: &mut report }
                .whole(&mut findings);
            report.finish(&document, findings);
        }
    }
    report.source.text = text;
    report
}

/// The text of a list and its format, or what is not text.
pub(super) fn text_of(
    options: &ListOptions,
    bytes: Vec<u8>,
    name: &str,
) -> Result<(String, ListFormat), Broken> {
    let text = decode_text(&bytes).map_err(|error| {
        let before = String::from_utf8_lossy(bytes.get(..error.byte - 1).unwrap_or_default());
        let at = Some(position_of(&before, before.len()));
        Broken { at, message: format!("This is {error}; {}.", error.advice()) }
    })?;
    let format = options.format.unwrap_or_else(|| text::format_of(&text, name));
    let plain = match text::plain(text, format) {
        // The whole of the bytes, as they are.
        Cow::Borrowed(text) if text.len() == bytes.len() => None,
        text => Some(text.into_owned()),
    };
    Ok((plain.unwrap_or_else(|| String::from_utf8(bytes).unwrap_or_default()), format))
}

fn stem(name: &str) -> String {
    Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

impl ListReport {
    fn finish(&mut self, document: &Document<'_>, findings: Findings<'_>) {
        let refused_shots = findings.refused_shots();
        self.refused = findings.is_refused();
        self.findings = findings.into_all();
        for shot in &mut self.shots {
            shot.refused = refused_shots.contains(&shot.place);
            shot.line = document.position(&At::Shot(shot.place, "", "")).map(|(line, _)| line);
            if !self.refused {
                let after = shot.after_field.take().zip(shot.after.clone());
                let after = after
                    .map(|(field, job)| Box::new(After { job, link: field.link, approve: field.approve }));
                self.source.shots.push(Resolved { after, estimate: shot.estimate.clone() });
            }
        }
    }
}

/// The head of a list, or its name where nothing else is wanted.
pub(super) fn batch_of(head: &Map<String, Value>, name: &str) -> String {
    head.get("batch").and_then(Value::as_str).map_or_else(|| stem(name), str::to_owned)
}

/// A list that is being checked.
struct Reading<'a> {
    document: &'a Document<'a>,
    options: &'a ListOptions,
    catalog: &'a Catalog,
    models: ModelIds<'a>,
    report: &'a mut ListReport,
}

impl Reading<'_> {
    fn whole(&mut self, findings: &mut Findings<'_>) {
        self.head(findings);
        if !self.document.unknown_columns().is_empty() {
            // Every shot may lack what such a column holds.
            return;
        }
        self.each_shot(findings);
        self.links(findings);
        check_caps(&self.report.caps, &self.report.totals, findings);
    }

    fn head(&mut self, findings: &mut Findings<'_>) {
        let (head, report) = (&self.document.head, &mut *self.report);
        report.format = Some(self.document.format);
        shape::check_head(head, &HEAD, findings);
        for name in self.document.unknown_columns() {
            shape::unknown_column(&name, self.catalog, findings);
        }
        for name in self.document.duplicates(None) {
            let column = format!("/{name}");
            let at = if self.document.format == ListFormat::Csv { &column } else { "" };
            duplicate(&name, At::List(at), findings);
        }
        let text = |name: &str, findings: &mut Findings<'_>| match head.get(name) {
            None | Some(Value::Null | Value::String(_)) => {}
            Some(_) => {
                findings.say("type", At::List(&format!("/{name}")), format!("`{name}` must be a string."));
            }
        };
        text("batch", findings);
        report.batch = batch_of(head, &report.file);
        if let Some(fault) = names::fault(&report.batch) {
            let message = format!("The batch cannot be called `{}`. {fault}", shown(&report.batch));
            findings.say("name", At::List("/batch"), message).advice("Set `batch` beside the shots.");
        }
        text("output_dir", findings);
        let folder = head.get("output_dir").and_then(Value::as_str).unwrap_or_default();
        if folder.chars().any(is_hidden) {
            let message = "There is a hidden character in the folder's name.";
            findings.say("output", At::List("/output_dir"), message);
        }
        report.source.folder = folder.to_owned();
        if let Some(caps) = head.get("caps") {
            report.caps = amount::caps(caps, &report.batch, findings);
        }
        match head.get("defaults") {
            Some(Value::Object(defaults)) => report.source.defaults = defaults.clone(),
            None | Some(Value::Null) => {}
            Some(_) => {
                findings.say("type", At::List("/defaults"), "`defaults` must be an object.");
            }
        }
        let defaults = &mut report.source.defaults;
        defaults.extend(self.options.defaults.clone());
        if let (ListFormat::Csv | ListFormat::Text, Some(model)) = (self.document.format, &self.options.model)
        {
            defaults.entry("model").or_insert_with(|| model.as_str().into());
        }
        if self.document.len() == 0 {
            findings.say("shots", At::List("/shots"), "There are no shots in the list.").advice(
                "Write [[shots]] in TOML, \"shots\": [...] in JSON, one shot a line in JSON Lines, one a record \
                 in CSV, or one prompt a line in plain text.",
            );
        }
    }

    /// Each shot by itself, in the order of the list. Its request is dropped when it is checked.
    fn each_shot(&mut self, findings: &mut Findings<'_>) {
        let (mut used, mut shared, mut jobs) = (UsedNames::default(), Interned::default(), 0);
        let mut count = 0;
        self.report.shots.reserve_exact(self.document.len());
        for index in 0..self.document.len() {
            for name in self.document.duplicates(Some(index)) {
                duplicate(&name, At::Shot(index, "", ""), findings);
            }
            let Some((shot, body, checked)) = self.read(index, findings) else { continue };
            count += shot.seeds.len();
            if count > MOST_JOBS {
                findings
                    .say(
                        "shots",
                        shot.at(""),
                        format!("With this shot the list has more than {MOST_JOBS} jobs."),
                    )
                    .advice("Split the list.");
                break;
            }
            let named = used.name(shot.at("/name"), &shot.name, findings);
            if named && checked.request.is_some() {
                jobs += self.outputs(&shot, &body, jobs, &mut used, findings);
            }
            let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
            let mut report = ShotReport {
                name: shot.name.clone(),
                line: None,
                jobs: shot.seeds.iter().map(|seed| job_name(&shot.name, *seed)).collect(),
                model: shared.model(model),
                after: None,
                tags: shot.tags.clone(),
                estimate: None,
                refused: false,
                place: shot.place,
                after_field: None,
            };
            if shot.after.is_none() {
                self.estimated(&mut report, checked.estimate(&shot, None, self.catalog), &mut shared);
            }
            report.after_field = shot.after.map(Box::new);
            self.report.shots.push(report);
        }
    }

    fn read(
        &mut self,
        index: usize,
        findings: &mut Findings<'_>,
    ) -> Option<(Shot, Map<String, Value>, Checked)> {
        let source = &mut self.report.source;
        let mut shot = Shot::read(index, &self.document.shot(index), &source.defaults, findings)?;
        let before = findings.count();
        if let Some(Value::String(name)) = shot.request.get("model")
            && !source.models.contains_key(name)
        {
            match (self.models)(name) {
                Ok(Some(id)) => _ = source.models.insert(name.clone(), id),
                Ok(None) => {}
                Err(why) => _ = findings.say("model-name", shot.at("/model"), why),
            }
        }
        shot.set_model_id(&source.models);
        let mut assembled =
            Assembled::of(&shot, &source.base, self.options.hosts_media, &mut source.hashes, findings);
        let broken = shot.broken || findings.count() > before;
        let body = std::mem::take(&mut assembled.body);
        let checked = assembled.check(&shot, self.catalog, broken, findings);
        Some((shot, body, checked))
    }

    /// Where the videos of a shot go; how many they are.
    fn outputs(
        &self,
        shot: &Shot,
        body: &Map<String, Value>,
        jobs: usize,
        used: &mut UsedNames,
        findings: &mut Findings<'_>,
    ) -> usize {
        for (number, seed) in shot.seeds.iter().enumerate() {
            let values = TemplateValues::of(shot, body, &self.report.batch, *seed, jobs + number);
            match names::output(shot.output.as_deref(), &values) {
                Ok(path) => used.output(shot.at("/output"), &job_name(&shot.name, *seed), &path, findings),
                Err(message) => {
                    findings.say("output", shot.at("/output"), message);
                    return number;
                }
            }
        }
        shot.seeds.len()
    }

    /// What shots that follow another one need of it.
    fn links(&mut self, findings: &mut Findings<'_>) {
        if self.report.shots.iter().all(|shot| shot.after_field.is_none()) {
            return;
        }
        let mut shots = std::mem::take(&mut self.report.shots);
        let before = Follows::of(&shots).check(findings);
        let nowhere = |_: &At<'_>| None;
        let mut quiet = Findings::new("", &nowhere);
        let mut shared = Interned::default();
        for (at, followed) in before.into_iter().enumerate() {
            let Some(row) = shots.get(at).filter(|row| row.after_field.is_some()) else { continue };
            let Some((shot, _, own)) = self.read(row.place, &mut quiet) else { continue };
            let other = followed.as_ref().and_then(|(_, at)| shots.get(*at)).map(|row| row.place);
            let other = other.and_then(|place| self.read(place, &mut quiet));
            if let (Some((other, _, checked)), Some(request)) = (&other, &own.request)
                && let Some(before) = &checked.request
            {
                preconditions(&shot, request, (other, before), findings);
            }
            let before = other.as_ref().map(|(_, _, checked)| checked);
            let estimate = own.estimate(&shot, before, self.catalog);
            if let Some(row) = shots.get_mut(at) {
                row.after = followed.map(|(job, _)| job);
                self.estimated(row, estimate, &mut shared);
            }
        }
        self.report.shots = shots;
    }

    fn estimated(&mut self, shot: &mut ShotReport, estimate: Option<Estimate>, shared: &mut Interned) {
        if let Some(estimate) = &estimate {
            self.report.totals.add(&shot.model, &shot.tags, estimate, shot.jobs.len() as u64);
        }
        shot.estimate = estimate.map(|estimate| shared.estimate(estimate));
    }
}

/// Most shots of a list have the model and the estimate of the one before them: those are kept
/// once.
#[derive(Default)]
struct Interned {
    model: Option<Arc<str>>,
    estimate: Option<Arc<Estimate>>,
}

impl Interned {
    fn model(&mut self, model: &str) -> Arc<str> {
        let known = self.model.take().filter(|known| **known == *model);
        self.model.insert(known.unwrap_or_else(|| model.into())).clone()
    }

    fn estimate(&mut self, estimate: Estimate) -> Arc<Estimate> {
        let known = self.estimate.take().filter(|known| **known == estimate);
        self.estimate.insert(known.unwrap_or_else(|| Arc::new(estimate))).clone()
    }
}

fn duplicate(name: &str, at: At<'_>, findings: &mut Findings<'_>) {
    findings.say("twice", at, format!("`{}` stands twice: only one of them would count.", shown(name)));
}

/// Doubts about caps: those that the list will meet, and those that are on nothing.
fn check_caps(caps: &[Cap], totals: &Totals, findings: &mut Findings<'_>) {
    for cap in caps {
        let (sum, pointer) = match &cap.scope {
            Scope::Batch(_) => (Some(&totals.all), "/caps/batch".to_owned()),
            Scope::Tag(tag) => {
                (totals.tags.get(tag), format!("/caps/tags/{}", tag.replace('~', "~0").replace('/', "~1")))
            }
            _ => continue,
        };
        match sum.map(|sum| sum.within(&cap.amount)) {
            None => {
                findings.say("caps", At::List(&pointer), "No shot has this tag.").warn();
            }
            Some(Err(why)) => {
                let message = format!("The cap of {} will be met: {why}.", cap.amount);
                findings
                    .say("caps", At::List(&pointer), message)
                    .warn()
                    .advice("What does not fit is left unsent.");
            }
            Some(Ok(())) => {}
        }
    }
}
