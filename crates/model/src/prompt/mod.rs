//! Prompts: settings written into the text, marks of inputs that are not there, length. Nothing
//! here repeats a prompt.
//!
//! A text without `--` and without digits costs one pass over its bytes.

mod extract;
pub(crate) mod flags;
mod intent;
mod references;

pub use extract::{ExtractedFlag, extract_prompt_flags};
pub use flags::{PromptFlag, PromptFlags, Setting};

pub(crate) use intent::{Intent, intent};

use crate::TextContent;
use crate::catalog::cell::Severity;
use crate::catalog::{Catalog, RequestLimits};
use crate::check::content_summary::ContentSummary;
use crate::check::facts::Facts;
use crate::check::pointer::Pointer;
use crate::check::report::{Report, Sink};
use crate::check::rules::Rules;
use crate::check::setting::refusal;
use crate::generated::Field;
use crate::{ContentItem, CreateTaskRequest};

/// What can be said of a prompt by itself, with the built-in catalog. Marks such as "Image 3" need
/// the request's other items: [`CreateTaskRequest::check`] checks them too.
///
/// ```
/// use ark_video_model::prompt::lint_prompt;
///
/// let report = lint_prompt("A kite over the sea --rs 720p --res 4k");
/// let rules: Vec<_> = report.findings.iter().map(|finding| &*finding.rule).collect();
/// assert_eq!(rules, ["prompt-flag-unknown", "prompt-flags"]);
/// ```
pub fn lint_prompt(prompt: &str) -> Report {
    let request = CreateTaskRequest::new("", vec![ContentItem::from(TextContent::new(prompt))]);
    let (catalog, facts) = (Catalog::builtin(), Facts::new());
    let rules = Rules::new(&request, catalog, &facts, ContentSummary::of(&request));
    let mut sink = Sink::default();
    length(prompt, 0, &catalog.limits, &mut sink);
    settings(prompt, 0, &rules, &mut sink);
    sink.into_report()
}

fn pointer(index: usize) -> Pointer<'static> {
    Pointer::Entry(Field::Content, index, "/text")
}

/// Everything about the text of `content[index]`.
pub(crate) fn check(text: &str, index: usize, rules: &Rules<'_>, sink: &mut Sink) {
    length(text, index, &rules.catalog.limits, sink);
    settings(text, index, rules, sink);
    references::check(text, index, &rules.scan, sink);
}

fn length(text: &str, index: usize, limits: &RequestLimits, sink: &mut Sink) {
    let most = |value: i64| usize::try_from(value).unwrap_or(usize::MAX);
    let (characters, words) =
        (most(limits.prompt_chinese_characters.value), most(limits.prompt_english_words.value));
    // A Chinese character has three bytes, a word at least one and a space: most texts need no
    // counting.
    if text.len() <= characters.saturating_mul(3).min(words.saturating_mul(2)) {
        return;
    }
    let chinese =
        text.chars().filter(|c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')).count();
    let english =
        text.split_whitespace().filter(|word| word.bytes().any(|byte| byte.is_ascii_alphabetic())).count();
    let (found, cell, what) = if chinese > characters {
        (chinese, &limits.prompt_chinese_characters, "Chinese characters")
    } else if english > words {
        (english, &limits.prompt_english_words, "words")
    } else {
        return;
    };
    let message = format!("The prompt has {found} {what}; at most {} are advised.", cell.value);
    let finding = sink
        .push("prompt-length", pointer(index), message)
        .advice("Shorten it: details at the end get lost.");
    finding.from(cell).strength(Severity::Warning).silent();
}

/// Settings in the text: known ones, unknown ones, wrong values, and those that a field says too.
fn settings(text: &str, index: usize, rules: &Rules<'_>, sink: &mut Sink) {
    if !text.contains("--") {
        return;
    }
    let found = PromptFlags::read(text);
    let mut warn = |rule: &'static str, message: String, advice: &'static str, strength: Severity| {
        sink.push(rule, pointer(index), message).advice(advice).strength(strength).silent();
    };
    let mut good: Vec<&str> = Vec::new();
    let mut refused = Vec::new();
    for flag in &found.flags {
        let name = flag.shown();
        let Some(setting) = flag.setting else {
            let message = format!("The service does not know {name}, ignores it, and bills.");
            warn("prompt-flag-unknown", message, "Leave it out, or set the field.", Severity::Warning);
            continue;
        };
        if setting == Setting::FramesPerSecond {
            let message = format!("{name} has no effect: every video has 24 frames per second.");
            warn("prompt-flag-no-effect", message, "Leave it out.", Severity::Warning);
        } else if let Some(finding) = flag
            .value_for(setting)
            .filter(|_| !setting.is_set(rules.request))
            .and_then(|value| refusal(rules, setting, &value))
        {
            refused.push((format!("{name}: {}", finding.message), finding));
        } else if flag.value_for(setting).is_none() {
            let message =
                format!("The value of {name} is none that the service knows; it is ignored or refused.");
            let advice = if flag.glued {
                "Write a space between flag and value."
            } else {
                "Set the field in its place."
            };
            warn("prompt-flag-value", message, advice, Severity::Warning);
        } else if setting.is_set(rules.request) {
            let message = format!(
                "{name} in the prompt speaks of what a field says too; which one wins is not documented."
            );
            let strength = rules.catalog.strength("prompt-flag-and-field");
            warn("prompt-flag-and-field", message, "Take it out of the prompt.", strength);
        } else {
            good.push(setting.name());
        }
    }
    if !good.is_empty() {
        let message = format!(
            "The prompt ends with settings that the service checks only weakly: --{}.",
            good.join(", --")
        );
        warn("prompt-flags", message, "Lift them into fields.", Severity::Warning);
    }
    if found.misplaced > 0 {
        let message =
            "There are settings in the middle of the prompt; the service reads them at its end.".to_owned();
        warn("prompt-flag-misplaced", message, "Set the fields in their place.", Severity::Warning);
    }
    for (message, finding) in refused {
        let said = sink.push("prompt-flag-refused", pointer(index), message).advice(finding.advice);
        (said.source, said.date) = (finding.source, finding.date);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextToVideo;

    fn rules(prompt: &str) -> Vec<&'static str> {
        lint_prompt(prompt).findings.into_iter().map(|finding| finding.rule_name()).collect()
    }

    #[test]
    fn settings_in_the_text() {
        assert_eq!(rules("A kite -- high -- over the sea, 2-4 s"), [""; 0]);
        assert_eq!(
            rules("A kite --rs 720p --rt 16:9 --dur 5 --seed 11 --cf false --wm true"),
            ["prompt-flags"]
        );
        assert_eq!(rules("A kite --res 720p"), ["prompt-flag-unknown"]);
        assert_eq!(rules("A kite --rs 999p"), ["prompt-flag-value"]);
        assert_eq!(rules("A kite --rs=720p"), ["prompt-flag-value"]);
        assert_eq!(rules("A kite --rs"), ["prompt-flag-value"]);
        assert_eq!(rules("A kite --fps 30"), ["prompt-flag-no-effect"]);
        assert_eq!(rules("风筝--dur 5"), ["prompt-flags"]);
        assert_eq!(rules("A kite --rs 720p over the blue sea"), ["prompt-flag-misplaced"]);
    }

    #[test]
    fn a_setting_and_its_field() {
        let request = TextToVideo::new("ep-1", "A kite --dur 5").duration(5).build();
        let report = request.check(Catalog::builtin());
        assert_eq!(report.findings[0].rule_name(), "prompt-flag-and-field");
        let off = Catalog::builtin()
            .overlaid(&serde_json::json!({ "switches": { "prompt-flag-and-field": "off" } }));
        assert!(request.check(&off.expect("fits")).is_clean());
    }

    #[test]
    fn what_the_field_refuses_is_refused_in_the_prompt() {
        for (model, prompt, rule) in [
            ("doubao-seedance-2-5-260628", "A kite --dur 99", "prompt-flag-refused"),
            ("doubao-seedance-2-0-fast-260128", "A kite --rs 1080p", "prompt-flag-refused"),
            ("doubao-seedance-2-0-fast-260128", "A kite --rs 720P", "prompt-flags"),
            ("ep-1", "A kite --dur 99", "prompt-flags"),
        ] {
            let report = TextToVideo::new(model, prompt).build().check(Catalog::builtin());
            assert_eq!(report.findings[0].rule_name(), rule, "{report}");
            assert_eq!(
                (report.findings.len(), report.is_refused()),
                (1, rule == "prompt-flag-refused"),
                "{report}"
            );
        }
    }

    #[test]
    fn long_prompts() {
        assert_eq!(rules(&"字".repeat(500)), [""; 0]);
        assert_eq!(rules(&"字".repeat(501)), ["prompt-length"]);
        assert_eq!(rules(&"word ".repeat(1000)), [""; 0]);
        assert_eq!(rules(&"word ".repeat(1001)), ["prompt-length"]);
        assert_eq!(rules(&"é".repeat(5000)), [""; 0]);
    }

    #[test]
    fn no_finding_repeats_the_prompt() {
        let report = lint_prompt("SECRET --SECRET --rs SECRET --dur SECRET");
        let shown = format!("{report}{report:?}").replace("--SECRET", "");
        assert!(!report.is_clean() && !shown.contains("SECRET"), "{shown}");
    }
}
