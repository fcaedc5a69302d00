//! Edits, extensions and references by declaration (`omni_reference_task_type`), and prompts that
//! the service may read as one of them by itself.

use super::content_summary::Mode;
use super::pointer::Pointer;
use super::report::{CONSTRAINT, Finding, Sink};
use super::rules::{Known, Rules};
use crate::catalog::{Confidence, StringSet};
use crate::check::Severity;
use crate::generated::Field;
use crate::prompt::{Intent, intent};
use crate::{ContentItem, OmniReferenceTaskType as TaskType, Ratio};

pub(crate) fn check(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    let cell = &known.family.omni_reference_task_type;
    let wanted = rules.request.omni_reference_task_type.as_ref();
    if rules.mode == Mode::FromDraft {
        return;
    }
    let pointer = Pointer::Field(Field::OmniReferenceTaskType);
    match (wanted, &cell.value) {
        (Some(wanted), Some(values)) if !values.contains(wanted.as_str()) => {
            sink.settle(pointer);
            let message = match values.is_empty() {
                true => format!("{known} does not have `omni_reference_task_type`."),
                false => format!("{known} takes {values} here."),
            };
            let advice =
                if values.is_empty() { "Leave it out: the prompt decides." } else { "Choose one of these." };
            let strength = rules.catalog.strength_of(cell);
            sink.push("task-type", pointer, message).advice(advice).from(cell).strength(strength);
            return;
        }
        (Some(_), None) => {
            if let Some(switch) = cell.switch.as_deref().filter(|_| cell.confidence == Confidence::Uncertain)
            {
                let message = format!("Whether {known} has `omni_reference_task_type` is not documented.");
                let finding =
                    sink.push("task-type", pointer, message).advice("Leave it out: the prompt decides.");
                finding.from(cell).strength(rules.catalog.strength(switch));
            }
        }
        (Some(_), Some(_)) => sink.settle(pointer),
        (None, _) => {}
    }
    match wanted {
        Some(TaskType::Edit) => declared(rules, known, Intent::Edit, sink),
        Some(TaskType::Extend) => declared(rules, known, Intent::Extend, sink),
        Some(TaskType::Reference) if rules.scan.references() == 0 && rules.mode != Mode::Unclear => {
            sink.push(
                "task-type-needs-reference",
                pointer,
                "The task type `reference` needs a reference item.".into(),
            )
            .advice("Add one, or leave the task type out.")
            .code(CONSTRAINT)
            .written_in("D-25", "2026-10");
        }
        // Without a declaration the service reads the prompt, where it has the declaration at all.
        None | Some(TaskType::Auto)
            if cell.value.as_ref().is_some_and(|values: &StringSet| values.contains("auto")) =>
        {
            guessed(rules, known, sink);
        }
        _ => {}
    }
}

/// A declared edit or extension: checked by the service at once.
fn declared(rules: &Rules<'_>, known: &Known<'_>, task: Intent, sink: &mut Sink) {
    let what = if task == Intent::Edit { "An edit" } else { "An extension" };
    let pointer = Pointer::Field(Field::OmniReferenceTaskType);
    if !rules.scan.videos.any() {
        let message = format!("{what} needs a reference video.");
        let finding =
            sink.push("task-type-needs-video", pointer, message).advice("Add the video to start from.");
        finding.code(CONSTRAINT).written_in("D-25", "2026-10");
    }
    if !rules.scan.texts.any() {
        let message = format!("{what} without a prompt says nothing of what is to change.");
        let finding = sink.push("task-type-needs-prompt", pointer, message).advice("Add a prompt.");
        finding.strength(Severity::Warning).silent().written_in("D-25", "2026-10");
    }
    constraints(rules, task, sink, |finding, _| {
        finding.code(CONSTRAINT);
    });
    if task == Intent::Edit {
        source_seconds(rules, known, Severity::Error, sink);
    }
}

/// A prompt that reads as an edit or an extension: found only after the task was accepted.
fn guessed(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    if !rules.scan.videos.any() {
        return;
    }
    let free = rules.request.ratio.as_ref().is_none_or(|ratio| *ratio == Ratio::Adaptive);
    let free = free && rules.request.duration.is_none_or(|seconds| seconds == -1);
    // The safest form: nothing that an edit could clash with but the length of its source.
    if free && rules.facts.is_empty() {
        return;
    }
    let prompts = rules.request.content.iter().filter_map(|item| match item {
        ContentItem::Text(item) => Some(item.text.as_str()),
        _ => None,
    });
    let Some(task) = prompts.filter_map(intent).next() else { return undeclared(rules, known, sink) };
    let before = sink.findings.len();
    constraints(rules, task, sink, |finding, what| {
        finding.message = format!("The prompt reads as {what}; then {}", lower_first(&finding.message));
        finding.rule = "task-type-guessed".into();
        finding
            .code(CONSTRAINT)
            .http(200)
            .strength(Severity::Warning)
            .advice("Leave it out, or set `omni_reference_task_type` to `reference` if it is neither. The task is accepted and fails after about 20 seconds.");
    });
    if task == Intent::Edit {
        source_seconds(rules, known, Severity::Warning, sink);
    }
    if sink.findings.len() == before {
        undeclared(rules, known, sink);
    }
}

/// The service may read any prompt beside a reference video as an edit or an extension, and fails
/// the task then.
fn undeclared(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    let request = rules.request;
    let (field, what) = if request.ratio.as_ref().is_some_and(|ratio| *ratio != Ratio::Adaptive) {
        (Field::Ratio, "ratio")
    } else if request.duration.is_some_and(|seconds| seconds != -1) {
        (Field::Duration, "duration")
    } else {
        return;
    };
    let message = format!(
        "{known} decides by the prompt what a reference video is for; read as an edit or an extension, a fixed {what} fails the task."
    );
    sink.push("task-type-undeclared", Pointer::Field(field), message)
        .advice("Set `omni_reference_task_type`: `reference` keeps what is fixed.")
        .code(CONSTRAINT)
        .http(200)
        .strength(Severity::Warning)
        .written_in("D-25", "2026-10");
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Ratio and length follow the source of an edit; the ratio that of an extension.
fn constraints(rules: &Rules<'_>, task: Intent, sink: &mut Sink, refine: impl Fn(&mut Finding, &str)) {
    let (what, its) =
        if task == Intent::Edit { ("an edit", "An edit's") } else { ("an extension", "An extension's") };
    if rules.request.ratio.as_ref().is_some_and(|ratio| *ratio != Ratio::Adaptive) {
        let message = format!("{its} ratio is that of its source: `adaptive` or left out.");
        let finding = sink.push("task-type-ratio", Pointer::Field(Field::Ratio), message);
        refine(finding.advice("Leave it out.").written_in("D-25", "2026-10"), what);
    }
    if task == Intent::Edit && rules.request.duration.is_some_and(|seconds| seconds != -1) {
        let message = "An edit's length is that of its source: -1 or left out.".to_owned();
        let finding = sink.push("task-type-duration", Pointer::Field(Field::Duration), message);
        refine(finding.advice("Leave it out.").written_in("D-25", "2026-10"), what);
    }
}

/// The source of an edit has its own shortest and longest length.
fn source_seconds(rules: &Rules<'_>, known: &Known<'_>, most: Severity, sink: &mut Sink) {
    let cell = &known.family.edit_source_seconds;
    let Some(allowed) = cell.value.filter(|_| rules.scan.videos.any()) else { return };
    let index = rules.scan.videos.first;
    let Some(seconds) = rules.facts.get(index).and_then(|facts| facts.seconds) else { return };
    if !allowed.contains(&seconds) {
        let message = format!("The source of an edit may have {allowed} seconds; this has {seconds:.1}.");
        let pointer = Pointer::Entry(Field::Content, index, "/video_url/url");
        let strength = rules.catalog.strength_of(cell).min(most);
        let finding = sink.push("edit-source-seconds", pointer, message).advice("Cut it to that length.");
        finding.code(CONSTRAINT).from(cell).strength(strength);
        if most == Severity::Warning {
            finding.http(200);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        CreateTaskRequest, ReferenceToVideo,
        catalog::Catalog,
        check::{Facts, MediaFacts, MediaFormat, MediaKind},
    };

    const NEW: &str = "doubao-seedance-2-5-260628";

    fn video(prompt: &str) -> ReferenceToVideo {
        ReferenceToVideo::new(NEW).prompt(prompt).video("https://a.example.com/b.mp4")
    }

    fn said(request: &CreateTaskRequest, facts: &Facts) -> Vec<(&'static str, Severity, Option<u16>)> {
        let report = request.check_with(Catalog::builtin(), facts);
        report
            .findings
            .into_iter()
            .map(|finding| (finding.rule_name(), finding.strength, finding.http))
            .collect()
    }

    fn rules(request: ReferenceToVideo) -> Vec<&'static str> {
        said(&request.build(), &Facts::new()).into_iter().map(|found| found.0).collect()
    }

    #[test]
    fn a_declared_edit_follows_its_source() {
        let edit = video("Remove the cars of Video 1.").omni_reference_task_type("edit");
        assert_eq!(rules(edit.clone()), [""; 0]);
        assert_eq!(rules(edit.clone().ratio("adaptive").duration(-1)), [""; 0]);
        assert_eq!(rules(edit.clone().ratio("16:9").duration(5)), ["task-type-ratio", "task-type-duration"]);
        let extend = video("Go on.").omni_reference_task_type("extend");
        assert_eq!(rules(extend.clone().duration(8)), [""; 0]);
        assert_eq!(rules(extend.ratio("16:9").duration(8)), ["task-type-ratio"]);
        let none = ReferenceToVideo::new(NEW)
            .prompt("x")
            .image("https://a.example.com/b.png")
            .omni_reference_task_type("edit");
        assert_eq!(rules(none), ["task-type-needs-video"]);
        let older = ReferenceToVideo::new("doubao-seedance-2-0-260128")
            .prompt("x")
            .video("https://a/b")
            .omni_reference_task_type("edit");
        assert_eq!(rules(older), ["task-type"]);
        assert_eq!(rules(video("x").omni_reference_task_type("editing")), ["task-type"]);
    }

    #[test]
    fn a_prompt_that_reads_as_an_edit_is_a_warning() {
        let guess = (Severity::Warning, Some(200));
        let found = said(&video("Change the sky.").ratio("16:9").duration(5).build(), &Facts::new());
        assert_eq!(found, [("task-type-guessed", guess.0, guess.1), ("task-type-guessed", guess.0, guess.1)]);
        assert_eq!(rules(video("Continue the ride.").ratio("16:9").duration(5)), ["task-type-guessed"]);
        assert_eq!(rules(video("Change the sky.")), [""; 0]);
        for fixed in [
            video("The same moves.").ratio("16:9").duration(5),
            video("The same moves.").ratio("16:9"),
            video("The same moves.").duration(5),
            video("Continue the ride.").duration(5),
            video("Change the sky.")
                .duration(5)
                .omni_reference_task_type("auto")
                .ratio("adaptive")
                .duration(8),
        ] {
            let found = said(&fixed.build(), &Facts::new());
            assert!(found.len() == 1 && (found[0].1, found[0].2) == guess, "{found:?}");
        }
        assert_eq!(rules(video("The same moves.").duration(-1).ratio("adaptive")), [""; 0]);
        assert_eq!(
            rules(video("The same moves.").ratio("16:9").omni_reference_task_type("reference")),
            [""; 0]
        );
        assert_eq!(
            rules(video("Change the sky.").ratio("16:9").omni_reference_task_type("reference")),
            [""; 0]
        );
    }

    #[test]
    fn the_source_of_an_edit_has_a_length() {
        let mut facts = MediaFacts::new(MediaKind::Video, MediaFormat::Mp4);
        facts.seconds = Some(3.0);
        let facts = Facts::new().with(1, facts);
        let edit = video("Change the sky.");
        assert_eq!(
            said(&edit.clone().build(), &facts),
            [("edit-source-seconds", Severity::Warning, Some(200))]
        );
        let declared = edit.omni_reference_task_type("edit").build();
        assert_eq!(said(&declared, &facts), [("edit-source-seconds", Severity::Error, Some(400))]);
    }
}
