//! What is wrong or doubtful in a shot list: the finding, and where findings gather. Knows no rule.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ark_video::model::check::{Finding, Severity};
use serde::Serialize;

use super::position::Position;

/// One thing that is wrong or doubtful in a shot list. Shows no prompt and no media.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ListFinding {
    /// The rule, a name with hyphens: one of the list's own, or of
    /// [`Finding`](ark_video::model::check::Finding).
    pub rule: String,
    /// Refused, or only a doubt.
    pub strength: Severity,
    /// The list as it was named.
    pub file: String,
    /// The line in it, from 1.
    pub line: Option<usize>,
    /// The column in that line, in characters, from 1.
    pub column: Option<usize>,
    /// The shot that it is about.
    pub shot: Option<String>,
    /// The member of the shot, or of the list: `first_frame`, `defaults.duration`; empty for the
    /// whole of it.
    pub member: String,
    /// What is wrong, in a sentence.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// Where the rule is written, and of which date; empty for the list's own rules.
    pub source: String,
    /// The code that the service would have answered with.
    pub code: Option<String>,
    /// How many more shots have the very same, from the same place in the defaults.
    pub more_shots: usize,
    /// The shot's place in the list; the list itself comes first.
    #[serde(skip)]
    place: Option<usize>,
    /// It is about what is where a video is to go.
    #[serde(skip)]
    pub(super) is_of_target: bool,
}

impl fmt::Display for ListFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        f.write_str(if self.strength == Severity::Error { ": refused: " } else { ": warning: " })?;
        match (&self.shot, self.member.as_str()) {
            (Some(shot), "") => write!(f, "{shot}: ")?,
            (Some(shot), member) => write!(f, "{shot}: {member}: ")?,
            (None, "") => {}
            (None, member) => write!(f, "{member}: ")?,
        }
        f.write_str(&self.message)?;
        if !self.advice.is_empty() {
            write!(f, " {}", self.advice)?;
        }
        write!(f, " [{}", self.rule)?;
        if !self.source.is_empty() {
            write!(f, "; {}", self.source)?;
        }
        if let Some(code) = &self.code {
            write!(f, "; the service: {code}")?;
        }
        f.write_str("]")?;
        match self.more_shots {
            0 => Ok(()),
            1 => f.write_str(" (and 1 more shot)"),
            more => write!(f, " (and {more} more shots)"),
        }
    }
}

impl ListFinding {
    pub(super) fn advice(&mut self, advice: impl Into<String>) -> &mut Self {
        self.advice = advice.into();
        self
    }

    pub(super) fn at(&mut self, position: Option<Position>) {
        (self.line, self.column) = (position.map(|at| at.0), position.map(|at| at.1));
    }

    pub(super) fn warn(&mut self) -> &mut Self {
        self.strength = Severity::Warning;
        self
    }
}

impl ListFinding {
    /// A refusal for what is where a job's video is to go.
    pub(super) fn refusal(
        rule: &str,
        (file, line, job, place): (&str, Option<usize>, &str, Option<usize>),
        message: String,
        advice: String,
    ) -> Self {
        Self {
            rule: rule.to_owned(),
            strength: Severity::Error,
            file: file.to_owned(),
            line,
            column: None,
            shot: Some(shown(job)),
            member: String::new(),
            message,
            advice,
            source: String::new(),
            code: None,
            more_shots: 0,
            place,
            is_of_target: true,
        }
    }
}

/// The place of a finding: of the list itself or of a shot, down to a member, as a JSON pointer.
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'a> {
    List(&'a str),
    /// A member of the shot with this place and name.
    Shot(usize, &'a str, &'a str),
    /// A member that the shot has from the defaults.
    Inherited(usize, &'a str, &'a str),
}

impl At<'_> {
    fn member(&self) -> String {
        match self {
            Self::List(pointer) | Self::Shot(_, _, pointer) => dotted(pointer),
            Self::Inherited(_, _, pointer) => dotted(&format!("/defaults{pointer}")),
        }
    }
}

/// Where findings gather.
pub(super) struct Findings<'d> {
    file: String,
    position: &'d dyn Fn(&At<'_>) -> Option<Position>,
    all: Vec<ListFinding>,
    /// Rule, member and message of what the defaults have wrong, and where that was said.
    inherited: BTreeMap<(String, String, String), usize>,
}

impl<'d> Findings<'d> {
    pub(super) fn new(file: &str, position: &'d dyn Fn(&At<'_>) -> Option<Position>) -> Self {
        Self { file: file.to_owned(), position, all: Vec::new(), inherited: BTreeMap::new() }
    }

    /// Adds a refusal, to be refined through what is returned.
    pub(super) fn say(&mut self, rule: &str, at: At<'_>, message: impl Into<String>) -> &mut ListFinding {
        let (shot, place) = match at {
            At::List(_) => (None, None),
            At::Shot(place, name, _) | At::Inherited(place, name, _) => (Some(shown(name)), Some(place)),
        };
        let position = (self.position)(&at);
        self.push(ListFinding {
            rule: rule.to_owned(),
            strength: Severity::Error,
            file: self.file.clone(),
            line: position.map(|(line, _)| line),
            column: position.map(|(_, column)| column),
            shot,
            member: at.member(),
            message: message.into(),
            advice: String::new(),
            source: String::new(),
            code: None,
            more_shots: 0,
            place,
            is_of_target: false,
        })
    }

    /// Adds what the checks of a request say.
    pub(super) fn checked(&mut self, at: At<'_>, finding: Finding) -> &mut ListFinding {
        if let At::Inherited(..) = at {
            let key = (finding.rule.clone().into_owned(), at.member(), finding.message.clone());
            if let Some(known) = self.inherited.get(&key).copied() {
                let known = &mut self.all[known];
                known.more_shots += 1;
                return known;
            }
            self.inherited.insert(key, self.all.len());
        }
        let added = self.say(&finding.rule, at, finding.message);
        added.strength = finding.strength;
        added.advice = finding.advice.into_owned();
        added.source = format!("{} {}", finding.source, finding.date);
        added.code = finding.code.map(std::borrow::Cow::into_owned);
        added
    }

    fn push(&mut self, finding: ListFinding) -> &mut ListFinding {
        self.all.push(finding);
        let last = self.all.len() - 1;
        &mut self.all[last]
    }

    /// How many there are, to see later whether some came.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Whether something is refused.
    pub(super) fn is_refused(&self) -> bool {
        self.all.iter().any(|finding| finding.strength == Severity::Error)
    }

    /// The places of the shots that are refused.
    pub(super) fn refused_shots(&self) -> BTreeSet<usize> {
        let refused = self.all.iter().filter(|finding| finding.strength == Severity::Error);
        refused.filter_map(|finding| finding.place).collect()
    }

    /// All of them: the list's own first, then shot by shot.
    pub(super) fn into_all(mut self) -> Vec<ListFinding> {
        self.all.sort_by_key(|finding| finding.place);
        self.all
    }
}

/// `content[1].role` from a pointer.
fn dotted(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        match part.parse::<usize>() {
            Ok(index) => path.push_str(&format!("[{index}]")),
            Err(_) if path.is_empty() => path.push_str(&shown(&part)),
            Err(_) => path.push_str(&format!(".{}", shown(&part))),
        }
    }
    path
}

/// A word of the list's for a message: short, and nothing in it that could rewrite a screen.
pub(super) fn shown(word: &str) -> String {
    let mut text: String = word.chars().take(60).map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect();
    if word.chars().nth(60).is_some() {
        text.push('…');
    }
    text
}

/// Whether a character has no place in a name: control characters, and those that turn or hide
/// text.
pub(super) fn is_hidden(c: char) -> bool {
    crate::acts_on_screen(c) || matches!(c, '\n' | '\t' | '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_like_a_compilers() {
        let line = |at: &At<'_>| matches!(at, At::Shot(..)).then_some((7, 3));
        let mut findings = Findings::new("tea.toml", &line);
        findings.say("name", At::Shot(2, "a\u{1b}[2J\u{202e}b", "/name"), "No.").advice("Rename it.");
        findings.say("caps", At::List("/caps/batch"), "No amount.").warn();
        let all = findings.into_all();
        assert_eq!(all[0].to_string(), "tea.toml: warning: caps.batch: No amount. [caps]");
        assert_eq!(
            all[1].to_string(),
            "tea.toml:7:3: refused: a\u{fffd}[2J\u{fffd}b: name: No. Rename it. [name]"
        );
    }

    #[test]
    fn pointers_read_as_people_write_them() {
        for (pointer, read) in
            [("", ""), ("/content/1/role", "content[1].role"), ("/a~1b", "a/b"), ("/0", "[0]")]
        {
            assert_eq!(dotted(pointer), read);
        }
    }
}
