//! Resolution and ratio, as the model and the mode allow them.

use super::content_summary::Mode;
use super::pointer::Pointer;
use super::report::{CONSTRAINT, INVALID, Sink, quoted};
use super::rules::{Known, Rules};
use crate::check::Severity;
use crate::generated::Field;
use crate::{CreateTaskRequest, Ratio, Resolution};

pub(crate) fn check(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    resolution(rules, known, sink);
    if rules.mode != Mode::FromDraft {
        ratio(rules, known, sink);
    }
}

fn is_draft(request: &CreateTaskRequest) -> bool {
    request.draft == Some(true)
}

pub(super) fn resolution(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    let (request, family) = (rules.request, known.family);
    let pointer = Pointer::Field(Field::Resolution);
    let draft = is_draft(request) && family.draft_resolution.value.is_some();
    let (rule, cell, what, code) = match rules.mode {
        Mode::FromDraft => {
            ("final-resolution", &family.final_resolution, "finals at", "InvalidResolutionParameter")
        }
        _ if draft => ("draft-resolution", &family.draft_resolution, "drafts at", INVALID),
        _ if rules.scan.reference_images.any() && family.resolution_with_reference_images.value.is_some() => {
            (
                "resolution",
                &family.resolution_with_reference_images,
                "videos with reference images at",
                INVALID,
            )
        }
        _ => ("resolution", &family.resolution, "videos at", INVALID),
    };
    let Some(allowed) = &cell.value else { return };
    let Some(wanted) = &request.resolution else {
        let default = family.resolution_default.value.as_deref();
        if let Some(default) =
            default.filter(|default| rule == "draft-resolution" && !allowed.contains(default))
        {
            let message = format!(
                "A draft without `resolution` asks for the model's default, {default}; {known} makes drafts at {allowed}."
            );
            sink.push(rule, pointer, message)
                .advice(format!("Set `resolution` to {}.", allowed.first().unwrap_or_default()))
                .from(cell)
                .strength(Severity::Warning);
        }
        return;
    };
    if allowed.contains(&wanted.as_str().to_lowercase()) {
        return sink.settle(pointer);
    }
    let strength = rules.catalog.strength_of(cell);
    if strength == Severity::Error {
        sink.settle(pointer);
    }
    let message = format!("{known} makes {what} {allowed}, not {}.", quoted(wanted.as_str()));
    sink.push(rule, pointer, message)
        .advice("Choose one of these, or another model.")
        .code(code)
        .from(cell)
        .strength(strength);
}

/// The service reads a resolution in any case, on every model (live probes, 2026-07).
pub(crate) fn letter_case(rules: &Rules<'_>, sink: &mut Sink) {
    let Some(wanted) = &rules.request.resolution else { return };
    let (pointer, lower) = (Pointer::Field(Field::Resolution), wanted.as_str().to_lowercase());
    if lower == wanted.as_str() {
        return;
    }
    if Resolution::from(lower.as_str()).is_known() {
        sink.settle(pointer);
    }
    if !sink.has(pointer) {
        let message = format!("The service reads {} as `{lower}`.", quoted(wanted.as_str()));
        let finding = sink.push("resolution-case", pointer, message).advice("Write it in lower case.");
        finding.strength(Severity::Warning).silent().written_in("probe", "2026-07");
    }
}

fn ratio(rules: &Rules<'_>, known: &Known<'_>, sink: &mut Sink) {
    let (family, pointer) = (known.family, Pointer::Field(Field::Ratio));
    let Some(wanted) = &rules.request.ratio else { return };
    if *wanted == Ratio::Adaptive {
        let (cell, what) = match rules.mode {
            Mode::Text => (&family.ratio_adaptive_text, "`adaptive` for a prompt alone"),
            Mode::FirstFrame | Mode::FirstAndLastFrame => {
                (&family.ratio_adaptive_image, "`adaptive` with frames")
            }
            Mode::References => (&family.ratio_adaptive_references, "`adaptive` with references"),
            Mode::FromDraft | Mode::Unclear => return,
        };
        let said = rules.supports(known, cell, false, ("ratio-adaptive", pointer, what), sink);
        said.map(|finding| finding.code(INVALID).advice("Choose a fixed ratio."));
        return;
    }
    let required = &family.ratio_adaptive_required_in_frame_mode;
    if rules.mode.has_frames() && required.value == Some(true) && wanted.is_known() {
        let message = format!(
            "On {known} the first frame decides the ratio, and {} is fixed.",
            quoted(wanted.as_str())
        );
        sink.push("ratio-with-frames", pointer, message)
            .advice("Leave it out, or set it to `adaptive`.")
            .code(CONSTRAINT)
            .from(required);
        return;
    }
    let Some(allowed) = &family.ratio.value else { return };
    if allowed.contains(wanted.as_str()) {
        return sink.settle(pointer);
    }
    sink.settle(pointer);
    let message = format!(
        "{known} makes {allowed}, and where the mode has it `adaptive`, not {}.",
        quoted(wanted.as_str())
    );
    let strength = rules.catalog.strength_of(&family.ratio);
    sink.push("ratio", pointer, message)
        .advice("Choose one of these.")
        .from(&family.ratio)
        .strength(strength);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        CreateTaskRequest, DraftToVideo, ImageToVideo, ReferenceToVideo, TextToVideo, catalog::Catalog,
        check::Severity,
    };

    const URL: &str = "https://a.example.com/b.png";

    fn said(request: CreateTaskRequest) -> Vec<(&'static str, Severity, String)> {
        let report = request.check(Catalog::builtin());
        let findings = report.findings.into_iter().filter(|f| f.rule != "model-retired");
        findings.map(|f| (f.rule_name(), f.strength, f.code.unwrap_or_default().into_owned())).collect()
    }

    fn one(rule: &'static str, strength: Severity, code: &str) -> Vec<(&'static str, Severity, String)> {
        vec![(rule, strength, code.to_owned())]
    }

    #[test]
    fn resolutions_by_model_and_mode() {
        let refused = |rule, code| one(rule, Severity::Error, code);
        let text = |model, resolution: &str| TextToVideo::new(model, "x").resolution(resolution).build();
        assert_eq!(said(text("doubao-seedance-2-0-260128", "4k")), []);
        assert_eq!(
            said(text("doubao-seedance-2-0-mini-260615", "1080p")),
            refused("resolution", "InvalidParameter")
        );
        assert_eq!(said(text("doubao-seedance-2-0-260128", "8k")), refused("resolution", "InvalidParameter"));
        assert_eq!(
            said(text("dreamina-seedance-2-5-premium-260915", "720p")),
            refused("resolution", "InvalidParameter")
        );
        let lite = ReferenceToVideo::new("doubao-seedance-1-0-lite-i2v-250428").image(URL);
        assert_eq!(said(lite.clone().resolution("1080p").build()), refused("resolution", "InvalidParameter"));
        assert_eq!(said(lite.resolution("720p").build()), []);
        let last = |resolution: &str| {
            DraftToVideo::new("doubao-seedance-2-5-260628", "cgt-1").resolution(resolution).build()
        };
        assert_eq!(said(last("720p")), refused("final-resolution", "InvalidResolutionParameter"));
        assert_eq!(said(last("1080p")), []);
        let draft = TextToVideo::new("doubao-seedance-2-5-260628", "x").draft(true);
        assert_eq!(said(draft.clone().resolution("480p").build()), []);
        assert_eq!(
            said(draft.clone().resolution("720p").build()),
            refused("draft-resolution", "InvalidParameter")
        );
        assert_eq!(said(draft.build()), one("draft-resolution", Severity::Warning, "InvalidParameter"));
    }

    #[test]
    fn ratios_by_model_and_mode() {
        let rule = |request| said(request).first().map(|found| found.0);
        let text = |model, ratio: &str| TextToVideo::new(model, "x").ratio(ratio).build();
        assert_eq!(rule(text("doubao-seedance-2-0-260128", "adaptive")), None);
        assert_eq!(rule(text("doubao-seedance-1-0-pro-250528", "adaptive")), Some("ratio-adaptive"));
        assert_eq!(
            said(text("doubao-seedance-2-0-260128", "2:1")),
            one("ratio", Severity::Error, "InvalidParameter")
        );
        let frame = |model, ratio: &str| ImageToVideo::new(model, URL).ratio(ratio).build();
        assert_eq!(rule(frame("doubao-seedance-2-5-260628", "16:9")), Some("ratio-with-frames"));
        assert_eq!(rule(frame("doubao-seedance-2-5-260628", "adaptive")), None);
        assert_eq!(rule(frame("doubao-seedance-2-0-260128", "16:9")), None);
        assert_eq!(rule(frame("doubao-seedance-1-0-pro-250528", "adaptive")), None);
    }

    #[test]
    fn a_newer_catalog_has_the_last_word_over_the_schema() {
        let newer = Catalog::builtin().overlaid(&json!({ "families": { "2.0": {
            "resolution": { "value": ["720p", "8k"] }, "ratio": { "value": ["2:1"] } } } }));
        let request =
            TextToVideo::new("doubao-seedance-2-0-260128", "x").resolution("8k").ratio("2:1").build();
        assert!(request.check_structure().is_refused());
        let report = request.check(&newer.expect("fits"));
        assert!(report.is_clean(), "{report}");
    }
}
