//! One shot put together and checked: the body of its request, what the checks say of it, and what
//! it will cost.

use std::path::Path;

use ark_video::model::{
    ContentItem, CreateTaskRequest,
    catalog::Catalog,
    check::{Facts, Finding, MediaFacts, MediaFormat, MediaKind, Severity, check_json},
    estimate::{Estimate, estimate},
};
use serde_json::{Map, Value};

use super::content::{Content, Hashes};
use super::finding::{Findings, shown};
use super::shape::{Shot, is_own};
use crate::{InputFile, Link};

/// Largest body of a create (create page, 2026-10: 64 MB, read as 64 MiB).
const MOST_BODY: u64 = 64 << 20;

/// A shot's request before it is checked.
pub(super) struct Assembled {
    /// The body of its request as the journal keeps it, without a variant's seed.
    pub(super) body: Map<String, Value>,
    pub(super) inputs: Vec<InputFile>,
    /// The body as the checks see it.
    checked: Map<String, Value>,
    /// Where each item of `content` was written.
    origins: Vec<String>,
    facts: Facts,
}

/// A shot's request as the checks read it; `None` where it is not one.
pub(super) struct Checked {
    pub(super) request: Option<CreateTaskRequest>,
    facts: Facts,
}

impl Assembled {
    /// Puts the request of a shot together; relative paths start at `base`. With `hosts`, what does
    /// not fit inline goes through a store.
    pub(super) fn of(
        shot: &Shot,
        base: &Path,
        hosts: bool,
        hashes: &mut Hashes,
        findings: &mut Findings<'_>,
    ) -> Self {
        let mut content = Content::of(shot, base, hashes, findings);
        content.iter_mut().filter(|content| hosts && !content.inputs.is_empty()).for_each(Content::host);
        let (mut body, mut checked) = (shot.request.clone(), shot.request.clone());
        if let Some(content) = &content {
            body.insert("content".to_owned(), Value::Array(content.kept.clone()));
            checked.insert("content".to_owned(), Value::Array(content.checked.clone()));
        }
        for (name, value) in &shot.extra {
            if name == "content" || is_own(name) {
                let pointer = format!("/extra_body/{name}");
                let message = format!("`{name}` has its own field in a shot.");
                findings.say("extra-body", shot.at(&pointer), message);
                continue;
            }
            for body in [&mut body, &mut checked] {
                match value {
                    Value::Null => drop(body.remove(name)),
                    value => drop(body.insert(name.clone(), value.clone())),
                }
            }
        }
        if let Some(seed) = shot.seeds.first().copied().flatten() {
            checked.insert("seed".to_owned(), seed.into());
        }
        let bytes = content.as_mut().map_or(0, Content::encoded_bytes);
        if bytes > MOST_BODY {
            let message = format!("Its files make a body of {bytes} bytes, and the service takes 64 MiB.");
            findings.say("body-too-large", shot.at(""), message).advice("Use smaller files, or https URLs.");
        }
        let (origins, inputs, facts) = match content {
            Some(content) => (content.origins, content.inputs, content.facts),
            None => (Vec::new(), Vec::new(), Facts::new()),
        };
        Self { body, inputs, checked, origins, facts }
    }

    /// Checks it and says what is to be said. `broken`: parts of the shot could not be read.
    pub(super) fn check(
        self,
        shot: &Shot,
        catalog: &Catalog,
        broken: bool,
        findings: &mut Findings<'_>,
    ) -> Checked {
        let (request, report) = check_json(&Value::Object(self.checked), catalog, &self.facts);
        for finding in report.findings {
            // Where a part of the input could not be read, that was said; that it is missing
            // follows from it.
            if !(broken && finding.pointer == "/content") {
                say(shot, finding, &self.origins, findings);
            }
        }
        Checked { request, facts: self.facts }
    }
}

impl Checked {
    /// What it will cost, given the job before it.
    pub(super) fn estimate(&self, shot: &Shot, before: Option<&Self>, catalog: &Catalog) -> Option<Estimate> {
        let request = self.request.as_ref()?;
        let before = before.and_then(|before| Some((before.request.as_ref()?, &before.facts)));
        match (shot.link(), before) {
            (Some(Link::Draft), Some((draft, facts))) => {
                // A final has its input and its length from the draft; what may be set again is its
                // own.
                let mut settled = draft.clone();
                settled.model.clone_from(&request.model);
                settled.draft = None;
                settled.resolution.clone_from(&request.resolution);
                settled.service_tier.clone_from(&request.service_tier);
                settled.output_format.clone_from(&request.output_format);
                Some(estimate(&settled, catalog, facts, None))
            }
            (Some(Link::Extend), Some((video, _))) => {
                let mut facts = self.facts.clone();
                let place = request.content.iter().position(|item| matches!(item, ContentItem::Video(_)));
                if let (Some(place), Some(seconds)) = (place, video.duration.filter(|seconds| *seconds > 0)) {
                    let mut known = MediaFacts::new(MediaKind::Video, MediaFormat::Mp4);
                    known.seconds = Some(seconds as f64);
                    facts.insert(place, known);
                }
                Some(estimate(request, catalog, &facts, None))
            }
            _ => Some(estimate(request, catalog, &self.facts, None)),
        }
    }
}

/// A finding of the checks, at the place that the user wrote.
fn say(shot: &Shot, mut finding: Finding, origins: &[String], findings: &mut Findings<'_>) {
    let path = finding.pointer.clone();
    let mut parts = path.splitn(4, '/').skip(1);
    let (first, index) = (parts.next().unwrap_or_default(), parts.next());
    let place = match (first, index.and_then(|index| origins.get(index.parse::<usize>().ok()?))) {
        ("content", Some(origin)) if origin.starts_with("/content/") => path.clone(),
        ("content", Some(origin)) => origin.clone(),
        ("content", None) if !shot.request.contains_key("content") => String::new(),
        ("seed", _) if shot.has_variants() => format!("/{}", shot.variants_by),
        _ if shot.extra.contains_key(first) => format!("/extra_body{path}"),
        _ => path.clone(),
    };
    if finding.rule == "unknown-member" && place.matches('/').count() == 1 {
        // In a list, where a typing error is paid for many times, it has to be stated.
        finding.strength = Severity::Error;
        finding.message = format!("`{}` is neither a field of a shot nor of the API.", shown(first));
        if finding.advice.starts_with("Leave it out unless") {
            finding.advice = "Correct it, or put it into `extra_body` if it is meant.".into();
        }
    } else if finding.pointer == "/model" && !shot.request.contains_key("model") {
        finding.advice = "Name the model in the shot, or in `defaults` for all.".into();
    } else if finding.pointer == "/content" && !shot.request.contains_key("content") {
        finding.message = "There is nothing to make a video from.".to_owned();
        finding.advice = "Give it a `prompt`, `first_frame`, `references` or `after`.".into();
    }
    findings.checked(shot.at(&place), finding);
}
