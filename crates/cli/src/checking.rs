//! The checks of a request, located by flags and files: as text, as JSON, and as the reason not to
//! send.

use crate::cost;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::{CheckDocument, LocatedFinding, Medium, Remark};
use crate::names::Names;
use crate::request::{Malformed, RequestError, RequestInput};
use crate::storage;
use ark_video::model::{
    catalog::Catalog,
    check::{Facts, Finding, MediaFacts, MediaKind, Report, Severity, check_json},
    estimate::{Estimate, estimate},
};

/// A report with the user's flags and files as locations.
pub(crate) struct Checked {
    pub(crate) findings: Vec<LocatedFinding>,
    pub(crate) notes: Vec<Remark>,
    pub(crate) media: Vec<Medium>,
    file: Option<String>,
    whole: String,
    /// Why the request could not be parsed, if so.
    malformed: bool,
    /// A local video is refused because there is no bucket.
    lacks_storage: bool,
}

impl Checked {
    /// Checks a request, or JSON that could not be parsed as one.
    pub(crate) fn of(
        parsed: &Result<RequestInput, RequestError>,
        catalog: &Catalog,
    ) -> Result<Self, Failure> {
        match parsed {
            Ok(parsed) => Ok(Self::of_request(parsed, catalog)),
            Err(RequestError::Malformed(malformed)) => Ok(Self::of_malformed(malformed, catalog)),
            Err(RequestError::Failure(failure)) => Err(failure.clone()),
        }
    }

    fn of_malformed(malformed: &Malformed, catalog: &Catalog) -> Self {
        let (_, report) = check_json(&malformed.body, catalog, &Facts::new());
        Self { malformed: true, ..Self::named(report, &malformed.names) }
    }

    /// The request, or all reasons why it is not valid.
    pub(crate) fn request(
        parsed: Result<RequestInput, RequestError>,
        catalog: &Catalog,
    ) -> Result<RequestInput, Failure> {
        parsed.map_err(|trouble| match trouble {
            RequestError::Failure(failure) => failure,
            RequestError::Malformed(malformed) => {
                let verdict = Self::of_malformed(&malformed, catalog).verdict(false, "");
                verdict.err().unwrap_or_else(|| Failure::new(Exit::Request, "this is not a valid request"))
            }
        })
    }

    pub(crate) fn of_request(parsed: &RequestInput, catalog: &Catalog) -> Self {
        let names = &parsed.names;
        let mut checked = Self::named(parsed.request.check_with(catalog, &parsed.facts), names);
        let origin = |index: usize| names.place(&format!("/content/{index}"));
        let of_medium = |(index, doubt): &(usize, String)| Remark {
            id: "not-measured".into(),
            origin: Some(origin(*index)),
            message: doubt.clone(),
        };
        // A local video, or local files that together are too large.
        let lacks_storage = checked.refusals().any(|named| {
            let is_whole = named.finding.rule == "body-bytes";
            (is_whole || named.finding.rule == "media-form")
                && parsed.request.content.iter().filter_map(|item| item.media()).any(|(kind, url)| {
                    (is_whole || kind == MediaKind::Video) && parsed.files.of(url).is_some()
                })
        });
        checked.lacks_storage = lacks_storage;
        checked.notes.extend(parsed.doubts.iter().map(of_medium));
        let medium = |(index, facts): (usize, &MediaFacts)| Medium {
            index,
            origin: origin(index),
            facts: facts.clone(),
        };
        checked.media.extend(parsed.facts.iter().map(medium));
        checked
    }

    fn named(report: Report, names: &Names) -> Self {
        let named = |mut finding: Finding| {
            finding.message = names.explain(&finding.message, None);
            if finding.rule == "prompt-flags" {
                finding.advice = "Move them into fields with --lift.".into();
            }
            // An unknown field in --extra-body is intended; in a file it is a typo or another
            // API's, and is billed.
            let whole = finding.pointer.matches('/').count() == 1;
            if finding.rule == "unknown-member" && whole && !names.insists_on(&finding.pointer[1..]) {
                finding.strength = Severity::Error;
            }
            let origin = names.place(&finding.pointer);
            LocatedFinding { finding, origin }
        };
        let notes = report.notes.into_iter();
        Self {
            findings: report.findings.into_iter().map(named).collect(),
            notes: notes.map(|note| Remark { id: note.id, origin: None, message: note.message }).collect(),
            media: Vec::new(),
            file: names.file.clone(),
            whole: names.whole(),
            malformed: false,
            lacks_storage: false,
        }
    }

    /// Errors become warnings. JSON that is not a request stays rejected.
    pub(crate) fn demoted(mut self) -> Self {
        for named in self.findings.iter_mut().filter(|_| !self.malformed) {
            named.finding.strength = named.finding.strength.min(Severity::Warning);
        }
        self
    }

    pub(crate) fn refusals(&self) -> impl Iterator<Item = &LocatedFinding> {
        self.findings.iter().filter(|named| named.finding.strength == Severity::Error)
    }

    pub(crate) fn refused(&self) -> usize {
        self.refusals().count()
    }

    pub(crate) fn warnings(&self) -> impl Iterator<Item = &LocatedFinding> {
        self.findings.iter().filter(|named| named.finding.strength != Severity::Error)
    }

    /// One line per warning, printed before sending.
    pub(crate) fn warning_lines(&self) -> impl Iterator<Item = String> {
        self.warnings().map(line)
    }

    /// One line per note.
    pub(crate) fn note_lines(&self) -> impl Iterator<Item = String> {
        self.notes.iter().map(|note| format!("note: {}", remark(note)))
    }

    /// The reason not to send, if there is one. `way_out` is a hint.
    pub(crate) fn verdict(&self, said: bool, way_out: &str) -> Result<(), Failure> {
        let refused = self.refused();
        if refused == 0 {
            return Ok(());
        }
        let mut message = match (refused, said) {
            (1, false) => "invalid request; nothing was sent, nothing is billed".to_owned(),
            (1, true) => {
                format!("{} is not valid; nothing was sent, nothing is billed", self.whole)
            }
            (many, false) => format!("invalid request ({many} errors); nothing was sent, nothing is billed"),
            (many, true) => {
                format!("{} is not valid ({many} errors); nothing was sent, nothing is billed", self.whole)
            }
        };
        if !said {
            self.refusals().for_each(|named| message.push_str(&format!("\n  {}", line(named))));
        }
        let failure = Failure::new(Exit::Request, message).findings(self.refusals().cloned());
        if self.lacks_storage {
            return Err(storage::HOW_TO.into_iter().fold(failure, Failure::hint));
        }
        Err(failure.hint(way_out))
    }

    /// The report as text.
    pub(crate) fn text(&self) -> String {
        let mut lines = Vec::new();
        for medium in &self.media {
            lines.push(format!("{}: {}", medium.origin, measures(&medium.facts)));
        }
        for named in &self.findings {
            let finding = &named.finding;
            let word = if finding.strength == Severity::Error { "refused" } else { "warning" };
            lines.push(format!("{word}: {}: {}", named.origin, finding.message));
            if !finding.advice.is_empty() {
                lines.push(format!("    {}", finding.advice));
            }
            lines.push(format!("    {}", evidence(finding)));
        }
        lines.extend(self.note_lines());
        let warnings = self.warnings().count();
        lines.push(match (self.refused(), warnings) {
            (0, 0) => format!("{}: no findings", self.whole),
            (0, warnings) => format!("{}: valid, with {}", self.whole, counted(warnings, "warning")),
            (refused, 0) => format!("{}: {}", self.whole, counted(refused, "refusal")),
            (refused, warnings) => {
                format!("{}: {}, {}", self.whole, counted(refused, "refusal"), counted(warnings, "warning"))
            }
        });
        lines.join("\n")
    }

    /// The same as JSON.
    pub(crate) fn document(&self) -> CheckDocument<'_> {
        CheckDocument {
            file: self.file.as_deref(),
            refused: self.refused() > 0,
            findings: &self.findings,
            notes: &self.notes,
            media: &self.media,
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A finding in one line.
fn line(named: &LocatedFinding) -> String {
    let finding = &named.finding;
    let advice = if finding.advice.is_empty() { String::new() } else { format!(" {}", finding.advice) };
    format!("{}: {}{advice} [{}]", named.origin, finding.message, finding.rule)
}

fn remark(remark: &Remark) -> String {
    match &remark.origin {
        Some(origin) => format!("{origin}: {}", remark.message),
        None => remark.message.clone(),
    }
}

/// `[duration; D-20 2026-10; the service: 400 InvalidParameter]`
fn evidence(finding: &Finding) -> String {
    let answer = match (&finding.code, finding.http) {
        (Some(code), Some(200)) => format!("; the service accepts it, then fails with {code}"),
        (Some(code), Some(http)) => format!("; the service: {http} {code}"),
        _ => "; not reported by the service".to_owned(),
    };
    format!("[{}; {} {}{answer}]", finding.rule, finding.source, finding.date)
}

/// `mp4, 500.0 MB, 1280x720, 24 frames per second, 12.0 s, h264, aac`
fn measures(facts: &MediaFacts) -> String {
    let size = facts.width.zip(facts.height).map(|(width, height)| format!("{width}x{height}"));
    let parts = [
        Some(facts.format.as_str().to_owned()).filter(|format| !format.is_empty()),
        facts.bytes.map(crate::summary::bytes),
        size,
        facts.frames_per_second.map(|rate| format!("{} frames a second", (rate * 100.0).round() / 100.0)),
        facts.seconds.map(|seconds| format!("{seconds:.1} s")),
        facts.video_codec.clone(),
        facts.audio_codec.clone(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The estimated cost of a request.
pub(crate) fn estimate_of(parsed: &RequestInput, catalog: &Catalog) -> Estimate {
    estimate(&parsed.request, catalog, &parsed.facts, None)
}

/// An estimate as text.
pub(crate) fn estimate_text(estimate: &Estimate) -> String {
    let mut text = match estimate.tokens {
        Some(tokens) => format!("tokens   {}", cost::tokens_text(tokens)),
        None => "tokens   unknown".to_owned(),
    };
    match &estimate.price {
        Some(price) => {
            let range = cost::range(price.min, price.max);
            text.push_str(&format!("\nprice    {range} {}", price.currency));
            let each = price.per_million_tokens;
            text.push_str(&format!(" ({} per million tokens)", cost::range(each.min, each.max)));
        }
        None => text.push_str("\nprice    unknown"),
    }
    for (number, assumption) in estimate.assumptions.iter().enumerate() {
        let head = if number == 0 { "assumed  " } else { "         " };
        text.push_str(&format!("\n{head}{assumption}"));
    }
    text
}
