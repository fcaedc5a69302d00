//! What the service writes about each thing that the checks refuse. The checks' own sentences are
//! advice for people and are never served; a text here was recorded from the live service or is the
//! vendor's text, and the rest says no more than the vendor's general sentence does.

use ark_video_model::{
    ContentItem, CreateTaskRequest, OmniReferenceTaskType as TaskType,
    check::{Finding, Mode},
};

use super::{content::short, flags::ExtractedFlags, violation::Violation};
use crate::catalog::Model;

/// What is known of the request that a finding is about.
pub(super) struct Context<'a> {
    pub(super) request: &'a CreateTaskRequest,
    pub(super) model: Model,
    /// Settings that came from the prompt.
    pub(super) lifted: &'a ExtractedFlags,
}

/// A field that a model does not take (recorded, 2026-06 to 2026-08).
fn must_be_empty(field: &str, model: &str, mode: Mode) -> String {
    let mode = short(mode);
    format!("the specified parameter {field} is not supported for model {model} in {mode}, must be empty")
}

/// The refusal of one finding. `for_all` says whether every model refuses it.
pub(super) fn violation(finding: &Finding, for_all: bool, context: &Context<'_>) -> Violation {
    let (param, model) = (path(&finding.pointer), context.model.entry.name.as_ref());
    let mode = context.request.mode();
    let status = finding.http.unwrap_or(400);
    let code = finding.code.clone().unwrap_or("InvalidParameter".into());
    if let Some(at) = context.lifted.item(&param) {
        let param = format!("contents[{at}].text.{param}");
        let field = param.rsplit('.').next().unwrap_or_default();
        let why = format!("the specified {field} is not supported for model {model}");
        return Violation::invalid(param.as_str(), why).answered(status, code);
    }
    let message = match &*finding.rule {
        rule if IS_LACKING.contains(&rule) => must_be_empty(&param, model, mode),
        "output-format-mov" => must_be_empty("output_format", model, mode),
        "web-search" | "web-search-with-media" => must_be_empty("tools", model, mode),
        "ratio-with-frames" => FRAME_DECIDES.to_owned(),
        "task-type-ratio" => task_type(context, "ratio", "`ratio` must be adaptive"),
        "task-type-duration" => task_type(context, "duration", "`duration` must be -1"),
        rule => match content(rule, &finding.pointer, context) {
            Some(why) => format!("The parameter `{param}` specified in the request is not valid: {why}."),
            None if for_all => format!("The parameter `{param}` specified in the request is not valid."),
            None => {
                let bound = bound(rule, context).map(|bound| format!(": {bound}")).unwrap_or_default();
                let mode = short(mode);
                format!(
                    "the parameter {param} specified in the request is not valid for model {model} in {mode}{bound}"
                )
            }
        },
    };
    Violation::new(status, code, message).param(param)
}

/// Of a declared edit or extension whose settings do not fit.
fn task_type(context: &Context<'_>, param: &str, issue: &str) -> String {
    let edit = context.request.omni_reference_task_type == Some(TaskType::Edit);
    task_type_message(param, edit, &[(param, issue.to_owned())])
}

/// Rules about a field that the model does not have at all.
const IS_LACKING: &[&str] = &[
    "callback-url-support",
    "return-last-frame",
    "return-last-frame-in-draft",
    "service-tier-flex",
    "service-tier-flex-in-draft",
    "execution-expires-after-support",
    "generate-audio",
    "draft",
    "camera-fixed",
    "camera-fixed-with-reference-images",
    "watermark",
    "seed",
    "frames",
    "safety-identifier-support",
    "priority-support",
    "task-type",
];

/// What live answers say about the items (published by users until 2026-10).
fn content(rule: &str, pointer: &str, context: &Context<'_>) -> Option<String> {
    let family = context.model.family;
    let count =
        |kind: fn(&ContentItem) -> bool| context.request.content.iter().filter(|item| kind(item)).count();
    let counted = |most: u32, what: &str, found: usize| {
        (most > 0).then(|| format!("expected at most {most} {what} but got {found} instead"))
    };
    match rule {
        "one-first-frame" => Some("expected at most one first frame image content but got 2 instead".into()),
        "one-last-frame" => Some("expected at most one last frame image content but got 2 instead".into()),
        "last-frame-alone" => Some(
            "last frame image content cannot be mixed with first frame or reference image content".into(),
        ),
        "mixed-modes" => Some("first/last frame content cannot be mixed with reference media content".into()),
        "role-required" => Some("role must be specified for image contents".into()),
        "reference-role" => {
            let place = pointer.split('/').nth(2)?.parse::<usize>().ok()?;
            let kind = match context.request.content.get(place)? {
                ContentItem::Video(_) => "video",
                _ => "audio",
            };
            Some(format!("reference media mode requires {kind} role to be reference_{kind}"))
        }
        "audio-alone" => Some("reference_audio cannot be the only reference input".into()),
        "reference-images" => counted(
            family.reference_images.value.max,
            "reference images",
            count(|item| matches!(item, ContentItem::Image(_))),
        ),
        "reference-videos" => counted(
            family.reference_videos.value.max,
            "video contents",
            count(|item| matches!(item, ContentItem::Video(_))),
        ),
        "reference-audios" => counted(
            family.reference_audios.value.max,
            "audio contents",
            count(|item| matches!(item, ContentItem::Audio(_))),
        ),
        _ => None,
    }
}

/// Which end of a range is passed.
fn bound(rule: &str, context: &Context<'_>) -> Option<String> {
    let (seconds, lengths) = (context.request.duration?, context.model.family.duration.value);
    if rule != "duration" {
        return None;
    }
    Some(if seconds < lengths.min {
        format!("must be greater than or equal to {}", lengths.min)
    } else {
        format!("must be less than or equal to {}", lengths.max)
    })
}

/// `/content/1/role` as the service writes it: `content[1].role`.
fn path(pointer: &str) -> String {
    let mut path = String::new();
    for part in pointer.split('/').skip(1) {
        match part.parse::<usize>() {
            Ok(place) => path.push_str(&format!("[{place}]")),
            Err(_) if path.is_empty() => path.push_str(part),
            Err(_) => path.push_str(&format!(".{part}")),
        }
    }
    path
}

/// Of a fixed ratio beside a first frame on 2.5 (live answers that users published, 2026-08).
pub(super) const FRAME_DECIDES: &str = "The parameter ratio specified in the request is not valid. For first-frame or first-last-frame generation, the output ratio follows the first-frame image.";

/// Recorded for an edit with a fixed duration (2026-08-08); that of an extension is invented after
/// it.
pub(super) fn task_type_message(param: &str, edit: bool, issues: &[(&str, String)]) -> String {
    let (what, follows) = if edit {
        (
            "editing",
            "the output ratio and duration follow the input video selected by the model for editing, and the video selected must satisfy the duration requirement of 4 to 30 seconds",
        )
    } else {
        ("extension", "the output ratio follows the input video selected by the model for extension")
    };
    let issues: Vec<String> =
        issues.iter().enumerate().map(|(number, (_, issue))| format!("[{number}] {issue}")).collect();
    format!(
        "The parameter `{param}` specified in the request is not valid. Seedance identified your task as video {what} based on your prompt. For this task type, {follows}. Issues: {}.",
        issues.join(" ")
    )
}
