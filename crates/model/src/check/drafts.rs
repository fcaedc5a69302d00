//! The final of a draft: what it takes from the draft, and what it may set.

use super::content_summary::Mode;
use super::pointer::Pointer;
use super::report::Sink;
use super::rules::{Known, Rules};
use crate::CreateTaskRequest;
use crate::generated::Field;

pub(crate) fn check(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    if rules.mode != Mode::FromDraft || known.family.draft.value != Some(true) {
        return;
    }
    let (inherited, settable) = (&known.family.final_inherited, &known.family.final_settable);
    for field in set(rules.request) {
        let (name, pointer) = (field.name(), Pointer::Field(field));
        if inherited.value.as_ref().is_some_and(|names| names.contains(name)) {
            let message = format!(
                "A final takes `{name}` from its draft; sending it is an error even when it is equal."
            );
            let strength = rules.catalog.strength_of(inherited);
            sink.push("final-inherited", pointer, message)
                .advice("Leave it out.")
                .from(inherited)
                .strength(strength);
            sink.settle(pointer);
        } else if settable.value.as_ref().is_some_and(|names| !names.contains(name)) {
            let message = format!("`{name}` cannot be set for a final.");
            let strength = rules.catalog.strength_of(settable);
            sink.push("final-settable", pointer, message)
                .advice("Leave it out.")
                .from(settable)
                .strength(strength);
        }
    }
}

/// The fields that are set, besides model and content. `draft: false` is what a final is.
fn set(request: &CreateTaskRequest) -> impl Iterator<Item = Field> {
    [
        (Field::GenerateAudio, request.generate_audio.is_some()),
        (Field::Ratio, request.ratio.is_some()),
        (Field::Duration, request.duration.is_some()),
        (Field::Watermark, request.watermark.is_some()),
        (Field::CallbackUrl, request.callback_url.is_some()),
        (Field::ReturnLastFrame, request.return_last_frame.is_some()),
        (Field::ServiceTier, request.service_tier.is_some()),
        (Field::ExecutionExpiresAfter, request.execution_expires_after.is_some()),
        (Field::Draft, request.draft == Some(true)),
        (Field::CameraFixed, request.camera_fixed.is_some()),
        (Field::Seed, request.seed.is_some()),
        (Field::Resolution, request.resolution.is_some()),
        (Field::Frames, request.frames.is_some()),
        (Field::Tools, request.tools.as_ref().is_some_and(|tools| !tools.is_empty())),
        (Field::SafetyIdentifier, request.safety_identifier.is_some()),
        (Field::Priority, request.priority.is_some()),
        (Field::OutputFormat, request.output_format.is_some()),
        (Field::OmniReferenceTaskType, request.omni_reference_task_type.is_some()),
    ]
    .into_iter()
    .filter_map(|(field, set)| set.then_some(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DraftToVideo, catalog::Catalog, check::Severity};

    fn said(request: CreateTaskRequest) -> Vec<(&'static str, String, Severity)> {
        let report = request.check(Catalog::builtin());
        let findings = report.findings.into_iter().filter(|f| f.rule != "model-retired");
        findings.map(|f| (f.rule_name(), f.pointer, f.strength)).collect()
    }

    #[test]
    fn what_the_draft_decides_is_not_sent_again() {
        let last =
            |model: &str| DraftToVideo::new(model, "cgt-1").resolution("1080p").watermark(true).build();
        assert_eq!(said(last("doubao-seedance-2-5-260628")), []);
        let with = |model: &str| last(model).duration(5).ratio("16:9").seed(1).generate_audio(true);
        let found = said(with("doubao-seedance-2-5-260628"));
        let inherited: Vec<_> =
            found.iter().filter(|f| f.0 == "final-inherited").map(|f| (f.1.as_str(), f.2)).collect();
        let refused = |name| (name, Severity::Error);
        assert_eq!(inherited, ["/generate_audio", "/ratio", "/duration", "/seed"].map(refused));
        let older = said(with("doubao-seedance-1-5-pro-251215"));
        assert!(
            older.iter().all(|found| found.0 == "final-inherited" && found.2 == Severity::Warning),
            "{older:?}"
        );
    }

    #[test]
    fn what_a_final_may_set_is_a_list() {
        let mut request = DraftToVideo::new("doubao-seedance-2-5-260628", "cgt-1").build();
        request.draft = Some(true);
        request.tools = Some(vec![crate::Tool::new("web_search")]);
        let found: Vec<_> = said(request).into_iter().map(|found| (found.0, found.1)).collect();
        let refused = |pointer: &str| ("final-settable", pointer.to_owned());
        assert_eq!(found, [refused("/draft"), refused("/tools")]);
    }
}
