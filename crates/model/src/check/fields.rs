//! Fields that only some models take, and numbers whose range the catalog knows.

use std::fmt;

use super::content_summary::Mode;
use super::media_url;
use super::pointer::Pointer;
use super::report::{Finding, Sink};
use super::rules::{Known, Rules};
use crate::catalog::{Cell, Site, Span};
use crate::check::Severity;
use crate::generated::Field;
use crate::{ContentItem, OutputFormat, ServiceTier, ToolType};

/// Limits that hold for every model, known or not.
pub(crate) fn limits(rules: &Rules<'_>, sink: &mut Sink) {
    let (request, limits) = (rules.request, &rules.catalog.limits);
    range(request.priority, &limits.priority, Field::Priority, "priority", sink);
    expires(rules, sink);
    seed(rules, sink);
    frames(rules, sink);
    if let Some(name) = &request.safety_identifier {
        let cell = &limits.safety_identifier_characters;
        sink.settle(Pointer::Field(Field::SafetyIdentifier));
        // A text has at most as many characters as bytes: most need no counting.
        let most = usize::try_from(cell.value).unwrap_or(usize::MAX);
        if name.len() > most && name.chars().count() > most {
            let message =
                format!("`safety_identifier` has {} characters, and may have {most}.", name.chars().count());
            let pointer = Pointer::Field(Field::SafetyIdentifier);
            sink.push("safety-identifier", pointer, message)
                .advice("Send a hash of the end user's name.")
                .from(cell)
                .of_known_models();
        }
    }
    let files: u64 = rules
        .facts
        .iter()
        .map(|(index, facts)| match (request.content.get(index), facts.bytes) {
            (Some(ContentItem::Image(item)), Some(bytes)) => media_url::left_out(&item.image_url.url, bytes),
            // A video never goes inline: that is refused by its own rule.
            (Some(ContentItem::Audio(item)), Some(bytes)) => media_url::left_out(&item.audio_url.url, bytes),
            _ => 0,
        })
        .fold(0, u64::saturating_add);
    let members = request.extra.len() + request.content.len() * 64;
    let beside = usize::try_from(files).unwrap_or(usize::MAX);
    if (rules.scan.bytes + members).saturating_add(beside)
        > usize::try_from(limits.body_bytes.value).unwrap_or(usize::MAX)
    {
        let status = rules.catalog.answer("oversize-body-status").and_then(|status| status.parse().ok());
        let message = format!("The body has more than {} bytes.", limits.body_bytes.value);
        sink.push("body-bytes", Pointer::Whole, message)
            .advice("Give media by URL instead of base64.")
            .from(&limits.body_bytes)
            .http(status.unwrap_or(413));
    }
}

fn range<'s>(
    value: Option<i64>,
    cell: &Cell<Span<i64>>,
    field: Field,
    rule: &'static str,
    sink: &'s mut Sink,
) -> Option<&'s mut Finding> {
    let value = value?;
    sink.settle(Pointer::Field(field));
    if cell.value.contains(&value) {
        return None;
    }
    let message = format!("`{}` is {value}; it may be {}.", field.name(), cell.value);
    let finding = sink.push(rule, Pointer::Field(field), message).advice("Choose a value in this range.");
    Some(finding.from(cell).of_known_models())
}

/// Some models take fewer seconds than the pages allow.
fn expires(rules: &Rules<'_>, sink: &mut Sink) {
    let (seconds, cell) =
        (rules.request.execution_expires_after, &rules.catalog.limits.execution_expires_after);
    let said = range(seconds, cell, Field::ExecutionExpiresAfter, "execution-expires-after", sink);
    let (Some(finding), Some(known)) = (said, rules.known) else { return };
    let floor = &known.family.execution_expires_after_floor;
    if floor.value == Some(false) && seconds.is_some_and(|seconds| (1..cell.value.min).contains(&seconds)) {
        finding.from(floor).strength(Severity::Warning).silent();
        finding.message = finding.message.replace("it may be", "documented are");
        finding.advice(format!("{known} takes it; mind that the task may expire before it runs."));
    }
}

fn seed(rules: &Rules<'_>, sink: &mut Sink) {
    let Some(seed) = rules.request.seed else { return };
    let (pointer, limits) = (Pointer::Field(Field::Seed), &rules.catalog.limits);
    sink.settle(pointer);
    let (all, documented) = (&limits.seed, &limits.seed_documented);
    // BytePlus takes the whole range, on every model (live probes, 2026-07).
    let is_settled = rules.known.is_some_and(|known| known.model.site == Site::Byteplus);
    if !all.value.contains(&seed) {
        let message = format!("`seed` is {seed}; it may be {}.", all.value);
        sink.push("seed-range", pointer, message)
            .advice("Choose a value in this range; -1 is random.")
            .from(all)
            .of_known_models();
    } else if !documented.value.contains(&seed) && !is_settled {
        let message = format!("`seed` is {seed}; the newest pages end at {}.", documented.value.max);
        let strength = rules.catalog.strength_of(all);
        sink.push("seed-range", pointer, message)
            .advice("Choose a smaller one.")
            .from(documented)
            .strength(strength);
    }
}

fn frames(rules: &Rules<'_>, sink: &mut Sink) {
    let Some(frames) = rules.request.frames else { return };
    let (pointer, cell) = (Pointer::Field(Field::Frames), &rules.catalog.limits.frames);
    sink.settle(pointer);
    let steps = cell.value;
    if !steps.contains(frames) {
        let message = format!(
            "`frames` is {frames}; it may be {} to {} in steps of {}.",
            steps.min, steps.max, steps.step
        );
        let step = steps.step.max(1);
        let near = steps.min + (frames.clamp(steps.min, steps.max) - steps.min) / step * step;
        sink.push("frames-form", pointer, message)
            .advice(format!("The next one below is {near}."))
            .from(cell)
            .of_known_models();
    }
}

/// What the model takes at all.
pub(crate) fn support(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    let (request, family, draft) = (rules.request, known.family, rules.request.draft == Some(true));
    let mut field = |cell: &Cell<Option<bool>>, field: Field, rule: &'static str, idle: bool| {
        rules.supports(known, cell, idle, (rule, Pointer::Field(field), RequestedField(field)), sink);
    };
    if request.callback_url.is_some() {
        field(&family.callback_url, Field::CallbackUrl, "callback-url-support", false);
    }
    if let Some(wanted) = request.return_last_frame {
        field(&family.return_last_frame, Field::ReturnLastFrame, "return-last-frame", !wanted);
        if wanted && draft && family.draft.value == Some(true) {
            field(
                &family.return_last_frame_in_draft,
                Field::ReturnLastFrame,
                "return-last-frame-in-draft",
                false,
            );
        }
    }
    if request.service_tier == Some(ServiceTier::Flex) {
        field(&family.service_tier_flex, Field::ServiceTier, "service-tier-flex", false);
        if draft && family.service_tier_flex.value == Some(true) {
            field(
                &family.service_tier_flex_in_draft,
                Field::ServiceTier,
                "service-tier-flex-in-draft",
                false,
            );
        }
    }
    if request.execution_expires_after.is_some() {
        let cell = &family.execution_expires_after;
        field(cell, Field::ExecutionExpiresAfter, "execution-expires-after-support", false);
    }
    if let Some(wanted) = request.generate_audio {
        field(&family.generate_audio, Field::GenerateAudio, "generate-audio", !wanted);
    }
    if let Some(wanted) = request.draft {
        field(&family.draft, Field::Draft, "draft", !wanted);
    }
    if let Some(wanted) = request.camera_fixed {
        field(&family.camera_fixed, Field::CameraFixed, "camera-fixed", !wanted);
        if wanted && rules.scan.reference_images.any() {
            let cell = &family.camera_fixed_with_reference_images;
            field(cell, Field::CameraFixed, "camera-fixed-with-reference-images", false);
        }
    }
    if let Some(wanted) = request.watermark {
        field(&family.watermark, Field::Watermark, "watermark", !wanted);
    }
    if let Some(seed) = request.seed {
        field(&family.seed, Field::Seed, "seed", seed == -1);
    }
    if request.frames.is_some() {
        field(&family.frames, Field::Frames, "frames", false);
    }
    if request.safety_identifier.is_some() {
        field(&family.safety_identifier, Field::SafetyIdentifier, "safety-identifier-support", false);
    }
    if let Some(priority) = request.priority {
        field(&family.priority, Field::Priority, "priority-support", priority == 0);
    }
    default_tier(rules, known, sink);
    duration(rules, known, sink);
    output_format(rules, known, sink);
    tools(rules, known, sink);
}

/// What a field asks for, for messages.
struct RequestedField(Field);

impl fmt::Display for RequestedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Field::ServiceTier => f.write_str("the offline tier (`service_tier: flex`)"),
            other => write!(f, "`{}`", other.name()),
        }
    }
}

/// Of a final, the page lists the tier among what may be set.
fn default_tier(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    let cell = &known.family.service_tier_flex;
    let is_set = rules.request.service_tier == Some(ServiceTier::Default) && rules.mode != Mode::FromDraft;
    if is_set && cell.value == Some(false) {
        let message =
            format!("{known} wants `service_tier` left out; whether `default` passes is not known.");
        let finding = sink.push("service-tier-default", Pointer::Field(Field::ServiceTier), message);
        finding.advice("Leave it out: it is the default.").from(cell).strength(Severity::Warning);
    }
}

pub(super) fn duration(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    let Some(seconds) = rules.request.duration else { return };
    if rules.mode == Mode::FromDraft {
        return;
    }
    let (pointer, cell) = (Pointer::Field(Field::Duration), &known.family.duration);
    let lengths = cell.value;
    sink.settle(pointer);
    let auto = match lengths.auto {
        Some(true) => ", or -1",
        _ => "",
    };
    if seconds == -1 {
        let strength = match lengths.auto {
            Some(true) => return,
            Some(false) => Severity::Error,
            None => rules.catalog.strength_of(cell),
        };
        let message = match strength {
            Severity::Error => format!("{known} does not pick the length itself."),
            _ => format!("Whether {known} can pick the length itself (-1) is not documented."),
        };
        let advice = format!("Ask for {} to {} seconds.", lengths.min, lengths.max);
        sink.push("duration-auto", pointer, message).advice(advice).from(cell).strength(strength);
    } else if !(lengths.min..=lengths.max).contains(&seconds) {
        let message = format!(
            "{known} takes {} to {} seconds{auto}; this asks for {seconds}.",
            lengths.min, lengths.max
        );
        let near = seconds.clamp(lengths.min, lengths.max);
        sink.push("duration", pointer, message).advice(format!("The nearest is {near}.")).from(cell);
    }
}

fn output_format(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    if rules.request.output_format == Some(OutputFormat::Mov) {
        let pointer = Pointer::Field(Field::OutputFormat);
        rules.supports(
            known,
            &known.family.output_format_mov,
            false,
            ("output-format-mov", pointer, "`mov`"),
            sink,
        );
    }
}

fn tools(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    let tools = rules.request.tools.iter().flatten().enumerate();
    for (index, _) in tools.filter(|(_, tool)| tool.type_ == ToolType::WebSearch) {
        let pointer = Pointer::Entry(Field::Tools, index, "/type");
        let cell = &known.family.tools_web_search;
        let said = rules.supports(known, cell, false, ("web-search", pointer, "`web_search`"), sink);
        if said.is_none() && rules.scan.has_media() {
            let strength = rules.catalog.strength("web-search-with-media");
            let message = "Web search is said to take a prompt alone, without media.".to_owned();
            let finding = sink
                .push("web-search-with-media", pointer, message)
                .advice("Leave out the tool, or the media.");
            finding.strength(strength).written_in("probe", "2026-10");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{CreateTaskRequest, catalog::Catalog, check::Severity};

    fn said(model: &str, more: serde_json::Value) -> Vec<(&'static str, Severity)> {
        let mut body = json!({ "model": model, "content": [{ "type": "text", "text": "x" }] });
        if let (Some(body), serde_json::Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        let request: CreateTaskRequest = serde_json::from_value(body).expect("decodes");
        let report = request.check(Catalog::builtin());
        report
            .findings
            .into_iter()
            .filter(|f| f.rule != "model-retired")
            .map(|f| (f.rule_name(), f.strength))
            .collect()
    }

    const NEW: &str = "doubao-seedance-2-0-260128";
    const OLD: &str = "doubao-seedance-1-0-pro-250528";

    #[test]
    fn numbers_lie_in_the_catalogs_range() {
        use Severity::{Error, Warning};
        for (more, expected) in [
            (json!({ "priority": 10 }), vec![("priority", Error)]),
            (json!({ "priority": -1 }), vec![("priority", Error)]),
            (json!({ "execution_expires_after": 3599 }), vec![("execution-expires-after", Warning)]),
            (json!({ "execution_expires_after": 0 }), vec![("execution-expires-after", Error)]),
            (json!({ "execution_expires_after": 259_201 }), vec![("execution-expires-after", Error)]),
            (json!({ "execution_expires_after": 259200 }), vec![]),
            (json!({ "safety_identifier": "x".repeat(65) }), vec![("safety-identifier", Error)]),
            (json!({ "safety_identifier": "字".repeat(64) }), vec![]),
            (json!({ "duration": 16 }), vec![("duration", Error)]),
            (json!({ "duration": 0 }), vec![("duration", Error)]),
            (json!({ "duration": -1 }), vec![]),
            (json!({ "seed": 4_294_967_296_i64 }), vec![("seed-range", Error)]),
        ] {
            let mut found = said(NEW, more.clone());
            found.sort_by_key(|found| std::cmp::Reverse(found.1));
            assert_eq!(found, expected, "{more}");
        }
        for (model, expected) in [
            (OLD, vec![("seed-range", Warning)]),
            (NEW, vec![("seed-range", Warning)]),
            ("seedance-1-0-pro-250528", vec![]),
            ("dreamina-seedance-2-0-260128", vec![]),
        ] {
            assert_eq!(said(model, json!({ "seed": 2_147_483_648_i64 })), expected, "{model}");
        }
        assert_eq!(said(OLD, json!({ "duration": -1 })), [("duration-auto", Warning)]);
        assert_eq!(said(OLD, json!({ "frames": 58 })), [("frames-form", Error)]);
        assert_eq!(said(OLD, json!({ "frames": 57 })), []);
        assert_eq!(
            said(OLD, json!({ "execution_expires_after": 3599 })),
            [("execution-expires-after", Error)]
        );
    }

    /// What only today's models are known to refuse, a newer one may take (delta of 2026-11-29).
    #[test]
    fn a_new_model_is_usable_on_its_first_day() {
        for (more, rule) in [
            (json!({ "duration": 45 }), "range"),
            (json!({ "duration": 1 }), "range"),
            (json!({ "resolution": "2k" }), "word"),
            (json!({ "resolution": "8K" }), "word"),
            (json!({ "resolution": "4K" }), "resolution-case"),
            (json!({ "ratio": "9:21" }), "word"),
            (json!({ "output_format": "webm" }), "word"),
            (json!({ "tools": [{ "type": "image_search" }] }), "word"),
            (json!({ "service_tier": "priority" }), "word"),
            (json!({ "omni_reference_task_type": "relight" }), "word"),
            (json!({ "priority": 10 }), "priority"),
            (json!({ "execution_expires_after": 60 }), "execution-expires-after"),
            (json!({ "seed": 4_294_967_296_i64 }), "seed-range"),
            (json!({ "frames": 58 }), "frames-form"),
            (json!({ "safety_identifier": "x".repeat(65) }), "safety-identifier"),
            (
                json!({ "content": [{ "type": "file_url", "file_url": { "url": "https://a.example.com/b.pdf" } }] }),
                "kind",
            ),
        ] {
            for model in ["ep-20260822154500-vtx3q", "doubao-seedance-3-0-270101", "doubao-seedance-2.0-fast"]
            {
                assert_eq!(said(model, more.clone()), [(rule, Severity::Warning)], "{model} {more}");
            }
        }
        // The shape of a request is no model's own.
        assert_eq!(said("ep-1", json!({ "content": [] })), [("entries", Severity::Error)]);
        assert_eq!(
            said("ep-1", json!({ "service_tier": "flex", "priority": 1 })),
            [("priority-with-flex", Severity::Error)]
        );
    }

    #[test]
    fn a_resolution_is_read_in_any_case() {
        use Severity::{Error, Warning};
        assert_eq!(said(NEW, json!({ "resolution": "4K" })), [("resolution-case", Warning)]);
        assert_eq!(said(NEW, json!({ "resolution": "720P" })), [("resolution-case", Warning)]);
        assert_eq!(said(NEW, json!({ "resolution": "8K" })), [("resolution", Error)]);
        assert_eq!(
            said("doubao-seedance-2-0-mini-260615", json!({ "resolution": "1080P" })),
            [("resolution", Error)]
        );
    }

    #[test]
    fn fields_that_a_model_lacks() {
        use Severity::{Error, Warning};
        assert_eq!(said(NEW, json!({ "frames": 57 })), [("frames", Error)]);
        assert_eq!(said(NEW, json!({ "service_tier": "flex" })), [("service-tier-flex", Error)]);
        assert_eq!(said(NEW, json!({ "service_tier": "default" })), [("service-tier-default", Warning)]);
        assert_eq!(said(OLD, json!({ "service_tier": "default" })), []);
        assert_eq!(said(NEW, json!({ "seed": 7 })), []);
        assert_eq!(said(NEW, json!({ "seed": -1, "camera_fixed": false })), [("camera-fixed", Warning)]);
        assert_eq!(said(NEW, json!({ "camera_fixed": true })), [("camera-fixed", Error)]);
        assert_eq!(said(NEW, json!({ "draft": true })), [("draft", Error)]);
        assert_eq!(said(NEW, json!({ "draft": false })), [("draft", Warning)]);
        assert_eq!(said(NEW, json!({ "output_format": "mov" })), [("output-format-mov", Error)]);
        assert_eq!(said(OLD, json!({ "generate_audio": true })), [("generate-audio", Warning)]);
        assert_eq!(said(OLD, json!({ "generate_audio": false, "priority": 0 })), []);
        assert_eq!(said(OLD, json!({ "priority": 3 })), [("priority-support", Warning)]);
        assert_eq!(
            said("doubao-seedance-1-5-pro-251215", json!({ "priority": 3 })),
            [("priority-support", Error)]
        );
        assert_eq!(said(OLD, json!({ "tools": [{ "type": "web_search" }] })), [("web-search", Error)]);
        assert_eq!(
            said("dreamina-seedance-2-0-260128", json!({ "tools": [{ "type": "web_search" }] })),
            [("web-search", Warning)]
        );
        assert_eq!(said(NEW, json!({ "tools": [{ "type": "web_search" }] })), []);
        let flex =
            json!({ "service_tier": "flex", "draft": true, "resolution": "480p", "return_last_frame": true });
        let found = said("doubao-seedance-1-5-pro-251215", flex);
        assert_eq!(found, [("return-last-frame-in-draft", Error), ("service-tier-flex-in-draft", Error)]);
    }
}
