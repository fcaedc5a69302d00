//! What is said of a request: findings, notes, and the report that holds them in a stable order.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::pointer::{Order, Pointer};
use crate::catalog::{Cell, CowStr};
use crate::check::Severity;

/// Everything that can be said of a request before it is sent.
///
/// Findings come in the order of the request's members, then by rule, so that two reports can be
/// compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Report {
    /// What is wrong or doubtful.
    pub findings: Vec<Finding>,
    /// What a reader of the findings should know, for example that rules were left out.
    pub notes: Vec<Note>,
}

impl Report {
    /// Whether something would be refused: such a request is not worth sending.
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|finding| finding.strength == Severity::Error)
    }

    /// Whether there is no findings at all.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings that would be refused.
    pub fn refusals(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.strength == Severity::Error)
    }

    /// The findings that are doubts.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.strength == Severity::Warning)
    }
}

/// One finding a paragraph, then the notes; "no findings" if there is none.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.findings.is_empty() {
            f.write_str("no findings")?;
        }
        for (index, finding) in self.findings.iter().enumerate() {
            let before = if index == 0 { "" } else { "\n" };
            write!(f, "{before}{finding}")?;
        }
        self.notes.iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}

/// One thing that is wrong or doubtful.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Finding {
    /// The rule, in kebab case. Rules keep their names from version to version.
    pub rule: CowStr,
    /// Refused, or only a doubt.
    pub strength: Severity,
    /// Where, as a JSON pointer into the request; empty for the whole of it.
    pub pointer: String,
    /// What is wrong, in a sentence that repeats neither prompt nor media.
    pub message: String,
    /// What to do about it.
    pub advice: CowStr,
    /// Where the rule is written: a key of [`Catalog::sources`](crate::catalog::Catalog::sources).
    pub source: CowStr,
    /// Date of that source.
    pub date: CowStr,
    /// The code that the service would have answered with; `None` where it takes the request and
    /// says nothing.
    pub code: Option<CowStr>,
    /// The HTTP status of that answer; 200 where the task is accepted and fails later.
    pub http: Option<u16>,
    #[serde(skip)]
    pub(crate) order: Order,
    /// Said by the schema's own bounds, over which the catalog has the last word.
    #[serde(skip)]
    pub(crate) structural: bool,
    /// What it says holds for the models of today; one that is not known may be another.
    #[serde(skip)]
    pub(crate) of_known_models: bool,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strength = match self.strength {
            Severity::Error => "refused",
            _ => "warning",
        };
        let pointer = if self.pointer.is_empty() { "the request" } else { &self.pointer };
        write!(f, "{strength}: {pointer}: {}", self.message)?;
        if !self.advice.is_empty() {
            write!(f, " {}", self.advice)?;
        }
        write!(f, " [{}; {} {}", self.rule, self.source, self.date)?;
        match (&self.code, self.http) {
            (Some(code), Some(200)) => write!(f, "; accepted, then fails with {code}]"),
            (Some(code), Some(http)) => write!(f, "; {http} {code}]"),
            _ => f.write_str("]"),
        }
    }
}

/// The code of most refusals.
pub(crate) const INVALID: &str = "InvalidParameter";
/// Parameters that do not fit what the task is to do.
pub(crate) const CONSTRAINT: &str = "InvalidParameter.TaskTypeConstraint";

#[cfg(test)]
impl Finding {
    /// The rule, as the code names it.
    pub(crate) fn rule_name(&self) -> &'static str {
        match self.rule {
            Cow::Borrowed(name) => name,
            Cow::Owned(_) => panic!("read from JSON"),
        }
    }
}

impl Finding {
    /// A refusal by the create page, to be refined.
    pub(crate) fn new(rule: &'static str, pointer: Pointer<'_>, message: String) -> Self {
        Self {
            rule: Cow::Borrowed(rule),
            strength: Severity::Error,
            pointer: pointer.to_json(),
            message,
            advice: Cow::Borrowed(""),
            source: Cow::Borrowed("D-create"),
            date: Cow::Borrowed("2026-10"),
            code: Some(Cow::Borrowed(INVALID)),
            http: Some(400),
            order: pointer.order(),
            structural: false,
            of_known_models: false,
        }
    }

    pub(crate) fn advice(&mut self, advice: impl Into<CowStr>) -> &mut Self {
        self.advice = advice.into();
        self
    }

    pub(crate) fn strength(&mut self, strength: Severity) -> &mut Self {
        self.strength = strength;
        self
    }

    pub(crate) fn code(&mut self, code: impl Into<CowStr>) -> &mut Self {
        self.code = Some(code.into());
        self
    }

    pub(crate) fn http(&mut self, http: u16) -> &mut Self {
        self.http = Some(http);
        self
    }

    /// A range or a closed list: what a model that is not known takes cannot be said.
    pub(crate) fn of_known_models(&mut self) -> &mut Self {
        self.of_known_models = true;
        self
    }

    /// The service takes it and says nothing; usually it is billed all the same.
    pub(crate) fn silent(&mut self) -> &mut Self {
        (self.code, self.http) = (None, None);
        self
    }

    pub(crate) fn written_in(&mut self, source: &'static str, date: &'static str) -> &mut Self {
        (self.source, self.date) = (Cow::Borrowed(source), Cow::Borrowed(date));
        self
    }

    pub(crate) fn from<T>(&mut self, cell: &Cell<T>) -> &mut Self {
        (self.source, self.date) = (cell.source.clone(), cell.date.clone());
        self
    }
}

/// Something that a reader of the findings should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Note {
    /// Its subject, in kebab case.
    pub id: CowStr,
    /// The note, in a sentence or two.
    pub message: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Where findings gather.
#[derive(Default)]
pub(crate) struct Sink {
    pub(crate) findings: Vec<Finding>,
    pub(crate) notes: Vec<Note>,
}

impl Sink {
    /// Adds a refusal, to be refined through what is returned.
    pub(crate) fn push(&mut self, rule: &'static str, pointer: Pointer<'_>, message: String) -> &mut Finding {
        self.findings.push(Finding::new(rule, pointer, message));
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    pub(crate) fn note(&mut self, id: &'static str, message: String) {
        self.notes.push(Note { id: Cow::Borrowed(id), message });
    }

    /// Drops what the schema's own bounds say of a place of which the catalog has said all.
    pub(crate) fn settle(&mut self, pointer: Pointer<'_>) {
        if !self.findings.is_empty() {
            let order = pointer.order();
            self.findings.retain(|finding| !(finding.structural && finding.order == order));
        }
    }

    /// Whether something was said of the place.
    pub(crate) fn has(&self, pointer: Pointer<'_>) -> bool {
        let order = pointer.order();
        self.findings.iter().any(|finding| finding.order == order)
    }

    /// Whether something at the place is refused.
    pub(crate) fn refuses(&self, pointer: Pointer<'_>) -> bool {
        let order = pointer.order();
        self.findings.iter().any(|finding| finding.order == order && finding.strength == Severity::Error)
    }

    /// Of a model that is not known, ranges and closed lists are doubts: it may be newer than they
    /// are.
    pub(crate) fn doubt_known_models(&mut self) {
        let refused = |finding: &&mut Finding| finding.of_known_models && finding.strength == Severity::Error;
        for finding in self.findings.iter_mut().filter(refused) {
            finding.strength(Severity::Warning).advice("Current models reject it; this one may accept it.");
        }
    }

    pub(crate) fn into_report(self) -> Report {
        let Self { mut findings, notes } = self;
        if !findings.is_empty() {
            findings.retain(|finding| finding.strength != Severity::Off);
            findings.sort_by(|a, b| (&a.order, &a.rule).cmp(&(&b.order, &b.rule)));
        }
        Report { findings, notes }
    }
}

/// A word of the user's for a message: short, and without line breaks.
pub(crate) fn quoted(word: &str) -> String {
    let shown: String = word.chars().take(40).map(|c| if c.is_control() { '?' } else { c }).collect();
    let more = if word.chars().nth(40).is_some() { "…" } else { "" };
    format!("`{shown}{more}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated::Field;

    #[test]
    fn findings_stand_in_the_order_of_the_request() {
        let mut sink = Sink::default();
        sink.push("b", Pointer::Member("zoom"), String::new());
        sink.push("b", Pointer::Field(Field::Duration), String::new());
        sink.push("a", Pointer::Entry(Field::Content, 10, "/role"), String::new());
        sink.push("z", Pointer::Entry(Field::Content, 2, "/role"), String::new());
        sink.push("a", Pointer::Entry(Field::Content, 2, "/role"), String::new());
        sink.push("a", Pointer::Entry(Field::Content, 2, ""), String::new()).strength(Severity::Off);
        sink.push("y", Pointer::Entry(Field::Content, 2, "/image_url/url"), String::new());
        sink.push("w", Pointer::Whole, String::new());
        let report = sink.into_report();
        let order: Vec<_> = report.findings.iter().map(|f| (f.pointer.as_str(), f.rule.as_ref())).collect();
        assert_eq!(
            order,
            [
                ("", "w"),
                ("/content/2/image_url/url", "y"),
                ("/content/2/role", "a"),
                ("/content/2/role", "z"),
                ("/content/10/role", "a"),
                ("/duration", "b"),
                ("/zoom", "b")
            ]
        );
        assert!(report.is_refused() && !report.is_clean());
    }

    #[test]
    fn a_finding_reads_as_a_sentence_with_its_evidence() {
        let mut sink = Sink::default();
        sink.push("duration", Pointer::Field(Field::Duration), "Too long.".into()).advice("Ask for 15.");
        sink.note("n", "Rules were left out.".into());
        let mut report = sink.into_report();
        assert_eq!(
            report.to_string(),
            "refused: /duration: Too long. Ask for 15. [duration; D-create 2026-10; 400 InvalidParameter]\nnote: Rules were left out."
        );
        report.findings[0].strength(Severity::Warning).silent();
        assert_eq!(
            report.findings[0].to_string(),
            "warning: /duration: Too long. Ask for 15. [duration; D-create 2026-10]"
        );
        let json = serde_json::to_value(&report.findings[0]).expect("writes");
        assert_eq!(json["strength"], "warn");
        assert_eq!(Report::default().to_string(), "no findings");
    }

    #[test]
    fn words_are_shown_short() {
        assert_eq!(quoted("2:1"), "`2:1`");
        assert_eq!(quoted(&"x".repeat(41)), format!("`{}…`", "x".repeat(40)));
        assert_eq!(quoted("a\nb"), "`a?b`");
    }
}
