//! From the text of a list to its report: every shot read, put together, checked, linked and estimated, and only then
//! planned. One way through for all formats; changes nothing.

use std::path::Path;

use ark_video::model::{Catalog, Estimate, OutputFormat};
use serde_json::{Map, Value, json};

use super::after::{Jobs, job_name, preconditions};
use super::content::Hashes;
use super::finding::{At, Findings, is_hidden, shown};
use super::look::Looked;
use super::names::{self, Given, Words};
use super::shape::{self, Shot};
use super::text::{self, Document, HEAD};
use super::totals::{Totals, most};
use super::{ListReport, ShotReport, amount, hash};
use crate::{After, Cap, Planned, Scope, decode_text};

/// Jobs that one list may hold.
const MOST_JOBS: usize = 250_000;
/// What all shots share.
struct Around<'a> {
    base: &'a Path,
    catalog: &'a Catalog,
    batch: String,
    folder: String,
}

pub(super) fn report(bytes: &[u8], name: &str, base: &Path, catalog: &Catalog) -> ListReport {
    let nowhere = |_: &At<'_>| None;
    let unread = |broken: Vec<(Option<usize>, String)>| {
        let mut findings = Findings::new(name, &nowhere);
        for (line, message) in broken {
            findings.say("syntax", At::List(""), message).line = line;
        }
        ListReport {
            file: name.to_owned(),
            format: None,
            batch: stem(name),
            refused: true,
            shots: Vec::new(),
            totals: Totals::default(),
            findings: findings.into_all(),
            jobs: Vec::new(),
            caps: Vec::new(),
            base: base.to_owned(),
        }
    };
    let text = match decode_text(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = bytes.get(..error.byte - 1).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            return unread(vec![(Some(line), format!("This is {error}; {}.", error.advice()))]);
        }
    };
    let text = text::plain(text, name);
    let document = match Document::parse(&text, name) {
        Ok(document) => document,
        Err(broken) => {
            return unread(broken.into_iter().map(|one| (one.line, one.message)).collect());
        }
    };
    let line = |at: &At<'_>| document.line(at);
    let mut findings = Findings::new(name, &line);
    let mut report = whole(&document, name, base, catalog, &mut findings);
    let refused = findings.refused_shots();
    for shot in &mut report.shots {
        shot.refused = refused.contains(&shot.place);
        shot.line = document.line(&At::Shot(shot.place, "", ""));
    }
    report.refused = findings.is_refused();
    report.findings = findings.into_all();
    if report.refused {
        report.jobs.clear();
    }
    report
}

fn stem(name: &str) -> String {
    Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn whole(
    document: &Document<'_>,
    name: &str,
    base: &Path,
    catalog: &Catalog,
    findings: &mut Findings<'_>,
) -> ListReport {
    let head = &document.head;
    shape::check_head(head, &HEAD, findings);
    for (place, member) in &document.twice {
        let at = place.map_or(At::List(""), |place| At::Shot(place, "", ""));
        findings.say("twice", at, format!("`{}` stands twice: only one of them would count.", shown(member)));
    }
    let batch = text_of(head, "batch", findings).unwrap_or_else(|| stem(name));
    if let Some(fault) = names::fault(&batch) {
        let message = format!("The batch cannot be called `{}`. {fault}", shown(&batch));
        findings.say("name", At::List("/batch"), message).advice("Set `batch` beside the shots.");
    }
    let folder = text_of(head, "output_dir", findings).unwrap_or_default();
    if folder.chars().any(is_hidden) {
        findings.say("output", At::List("/output_dir"), "There is a hidden character in the folder's name.");
    }
    let caps = head.get("caps").map(|caps| amount::caps(caps, &batch, findings)).unwrap_or_default();
    let defaults = match head.get("defaults") {
        Some(Value::Object(defaults)) => defaults.clone(),
        None | Some(Value::Null) => Map::new(),
        Some(_) => {
            findings.say("type", At::List("/defaults"), "`defaults` must be an object.");
            Map::new()
        }
    };
    if document.shots.is_empty() {
        findings
            .say("shots", At::List("/shots"), "There are no shots in the list.")
            .advice("Write [[shots]] in TOML, \"shots\": [...] in JSON, or one shot a line in JSON lines.");
    }
    let mut shots = Vec::with_capacity(document.shots.len());
    let mut count = 0;
    for (place, shot) in document.shots.iter().enumerate() {
        let Some(shot) = Shot::read(place, shot, &defaults, findings) else {
            continue;
        };
        count += shot.seeds.len();
        if count > MOST_JOBS {
            findings
                .say("shots", shot.at(""), format!("With this shot the list has more than {MOST_JOBS} jobs."))
                .advice("Split the list.");
            break;
        }
        shots.push(shot);
    }
    let around = Around { base, catalog, batch, folder };
    let (reports, jobs, totals) = plan(&shots, &around, findings);
    check_caps(&caps, &totals, findings);
    ListReport {
        file: name.to_owned(),
        format: Some(document.format),
        batch: around.batch,
        refused: false,
        shots: reports,
        totals,
        findings: Vec::new(),
        jobs,
        caps,
        base: base.to_owned(),
    }
}

fn text_of(head: &Map<String, Value>, name: &str, findings: &mut Findings<'_>) -> Option<String> {
    match head.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            findings.say("type", At::List(&format!("/{name}")), format!("`{name}` must be a text."));
            None
        }
    }
}

/// Every shot checked, linked and estimated, then planned.
fn plan(
    shots: &[Shot],
    around: &Around<'_>,
    findings: &mut Findings<'_>,
) -> (Vec<ShotReport>, Vec<Planned>, Totals) {
    let mut hashes = Hashes::default();
    let looked: Vec<Looked> = shots
        .iter()
        .map(|shot| Looked::at(shot, (around.base, around.catalog), &mut hashes, findings))
        .collect();
    let jobs = Jobs::of(shots);
    jobs.check(findings);
    let (mut given, mut totals) = (Given::default(), Totals::default());
    let (mut reports, mut planned) = (Vec::with_capacity(shots.len()), Vec::new());
    for (shot, own) in shots.iter().zip(&looked) {
        let named = given.name(shot.at("/name"), &shot.name, findings);
        let before = jobs.before(shot);
        let other = before.as_ref().and_then(|(_, at)| Some((shots.get(*at)?, looked.get(*at)?)));
        if let (Some((other, looked)), Some(request)) = (other, &own.request)
            && let Some(before) = &looked.request
        {
            preconditions(shot, request, (other, before), findings);
        }
        let estimate = own.estimate(shot, other.map(|(_, looked)| looked), around.catalog);
        let model = own.body.get("model").and_then(Value::as_str).unwrap_or_default();
        if let Some(estimate) = &estimate {
            totals.add(model, &shot.tags, estimate, shot.seeds.len() as u64);
        }
        let after = shot.after.as_ref().zip(before).map(|(after, (job, _))| After {
            job,
            link: after.link,
            approve: after.approve,
        });
        reports.push(ShotReport {
            name: shot.name.clone(),
            line: None,
            jobs: shot.seeds.iter().map(|seed| job_name(&shot.name, *seed)).collect(),
            model: model.to_owned(),
            after: after.as_ref().map(|after| after.job.clone()),
            tags: shot.tags.clone(),
            estimate: estimate.clone(),
            refused: false,
            place: shot.place,
        });
        if named {
            jobs_of(shot, own, (after, estimate.as_ref()), around, &mut given, &mut planned, findings);
        }
    }
    (reports, planned, totals)
}

/// The jobs of a shot.
fn jobs_of(
    shot: &Shot,
    looked: &Looked,
    (after, estimate): (Option<After>, Option<&Estimate>),
    around: &Around<'_>,
    given: &mut Given,
    planned: &mut Vec<Planned>,
    findings: &mut Findings<'_>,
) {
    let Some(request) = &looked.request else {
        return;
    };
    let mut words = Words {
        batch: &around.batch,
        name: &shot.name,
        model: &request.model,
        seed: None,
        place: 0,
        ending: if request.output_format == Some(OutputFormat::Mov) { "mov" } else { "mp4" },
        variant: shot.has_variants(),
    };
    for seed in &shot.seeds {
        let name = job_name(&shot.name, *seed);
        (words.seed, words.place) = (seed.or(request.seed).filter(|seed| *seed >= 0), planned.len());
        let path = match names::output(shot.output.as_deref(), &words) {
            Ok(path) => path,
            Err(message) => {
                findings.say("output", shot.at("/output"), message);
                return;
            }
        };
        given.output(shot.at("/output"), &name, &path, findings);
        let mut body = looked.body.clone();
        if let Some(seed) = seed {
            body.insert("seed".to_owned(), (*seed).into());
        }
        let body = Value::Object(body);
        planned.push(Planned {
            name,
            place: i64::try_from(planned.len()).unwrap_or(i64::MAX),
            request_hash: hash::of_request(&body, &looked.inputs, after.as_ref()),
            request: body,
            inputs: looked.inputs.clone(),
            after: after.clone(),
            output: names::place(around.base, &around.folder, &path),
            tags: shot.tags.clone(),
            priority: request.priority.unwrap_or_default(),
            estimate: estimate.and_then(most),
        });
    }
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

/// Whether two lists are the same to a journal.
pub(super) fn hash_of(jobs: &[Planned], caps: &[Cap]) -> String {
    let jobs: Vec<Value> = jobs
        .iter()
        .map(|job| json!([job.name, job.request_hash, job.output, job.after, job.tags, job.priority]))
        .collect();
    ark_video::canonical_hash(&json!([jobs, caps]))
}
