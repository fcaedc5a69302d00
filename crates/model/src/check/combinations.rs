//! What several items say together. The first part is the schema's `content.allOf`, rule by rule;
//! the second is what the service refuses beyond it, on every model.

use super::content_summary::{ContentSummary, Mode, Side, side};
use super::pointer::Pointer;
use super::report::{INVALID, Sink};
use crate::check::Severity;
use crate::generated::Field;
use crate::{ContentItem, CreateTaskRequest};

fn item(index: usize, rest: &'static str) -> Pointer<'static> {
    Pointer::Entry(Field::Content, index, rest)
}

/// The rules of `content.allOf`, in its order. Codegen stops when the schema gets another one.
pub(crate) fn of_the_schema(request: &CreateTaskRequest, scan: &ContentSummary, sink: &mut Sink) {
    let content = &request.content;
    if scan.drafts.any() && content.len() > 1 {
        let other = if scan.drafts.first == 0 { 1 } else { 0 };
        sink.push(
            "draft-alone",
            item(other, ""),
            "A `draft_task` must be the only item: prompt and media come from the draft.".into(),
        )
        .advice("Remove all other items; set the rest by fields.")
        .written_in("D-25", "2026-10");
    }
    if scan.first_frames.count > 1 {
        sink.push(
            "one-first-frame",
            item(scan.first_frames.second, "/role"),
            "There is a second first frame.".into(),
        )
        .advice("Keep one, or make all of them reference images.");
    }
    if scan.last_frames.count > 1 {
        sink.push(
            "one-last-frame",
            item(scan.last_frames.second, "/role"),
            "There is a second last frame.".into(),
        )
        .advice("Keep one, or make all of them reference images.");
    }
    if scan.last_frames.any() && !scan.first_frames.any() {
        sink.push(
            "last-frame-alone",
            item(scan.last_frames.first, "/role"),
            "A last frame needs a first frame.".into(),
        )
        .advice("Add an image with the role `first_frame`, or make this one the first frame.");
    }
    if let Some(index) = first_misfit(content, false) {
        mixed(index, sink);
    }
    if scan.images.count > 1 && scan.unroled_images.any() {
        let pointer = item(scan.unroled_images.first, "/role");
        sink.push("role-required", pointer, "With more than one image, every image needs a role.".into())
            .advice("Give it `first_frame`, `last_frame` or `reference_image`, beside `image_url` and not inside it.");
    }
}

/// The first item that does not match the mode of the items before it.
fn first_misfit(content: &[ContentItem], bare: bool) -> Option<usize> {
    let mut side_so_far: Option<Side> = None;
    content.iter().position(|item| match (side_so_far, side(item, bare)) {
        (None, found) => {
            side_so_far = found;
            false
        }
        (Some(side_so_far), Some(found)) => side_so_far != found,
        (Some(_), None) => false,
    })
}

fn mixed(index: usize, sink: &mut Sink) {
    let message = "Frames and references cannot be combined, and this item is of the other kind.".into();
    sink.push("mixed-modes", item(index, "/role"), message)
        .advice("Use first and last frames alone, or make every image a `reference_image`.");
}

/// What the service refuses on every model, beyond the schema.
pub(crate) fn beyond_the_schema(
    request: &CreateTaskRequest,
    scan: &ContentSummary,
    mode: Mode,
    sink: &mut Sink,
) {
    let content = &request.content;
    // A single image without a role counts as first frame, and goes with no reference.
    let bare = scan.unroled_images.count == 1 && scan.images.count == 1;
    if bare
        && (scan.videos.any() || scan.audios.any())
        && let Some(index) = first_misfit(content, true)
    {
        mixed(index, sink);
    }
    for (unroled, role) in
        [(scan.unroled_videos, "reference_video"), (scan.unroled_audios, "reference_audio")]
    {
        if unroled.any() {
            let kind = role.trim_start_matches("reference_");
            sink.push(
                "reference-role",
                item(unroled.first, "/role"),
                format!("Every {kind} item needs a role."),
            )
            .advice(format!("Write \"role\": \"{role}\" beside `{kind}_url`."));
        }
    }
    if scan.texts.count > 1 {
        sink.push(
            "one-text",
            item(scan.texts.second, ""),
            "There is a second text item; the service documents one.".into(),
        )
        .advice("Join the texts.")
        .strength(Severity::Warning);
    }
    if mode == Mode::Text && blank(&content[scan.texts.first]) {
        sink.push(
            "prompt-empty",
            item(scan.texts.first, "/text"),
            "The prompt is empty, and there is no image, video or audio.".into(),
        )
        .advice("Describe what the video should show.");
    }
    let flex = request.service_tier == Some(crate::ServiceTier::Flex);
    if flex && request.priority.is_some_and(|priority| priority != 0) {
        sink.push(
            "priority-with-flex",
            Pointer::Field(Field::Priority),
            "`priority` cannot be combined with the offline tier.".into(),
        )
        .advice("Leave out `priority`, or use the tier `default`.")
        .code(INVALID);
    }
    if request.frames.is_some() && request.duration.is_some() {
        sink.push(
            "duration-with-frames",
            Pointer::Field(Field::Duration),
            "`frames` overrides `duration`, which has no effect.".into(),
        )
        .advice("Set one of the two.")
        .strength(Severity::Warning)
        .silent();
    }
    if let Some(url) = &request.callback_url {
        let web = ["http://", "https://"]
            .iter()
            .any(|scheme| url.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
        if !web {
            sink.push(
                "callback-url",
                Pointer::Field(Field::CallbackUrl),
                "`callback_url` is not a valid http or https URL.".into(),
            )
            .advice("Give a URL that the service can POST to.");
        }
    }
}

fn blank(item: &ContentItem) -> bool {
    matches!(item, ContentItem::Text(text) if text.text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        CreateTaskRequest,
        catalog::Catalog,
        check::{Facts, Severity},
    };

    fn found(body: serde_json::Value) -> Vec<(&'static str, String, Severity)> {
        let request: CreateTaskRequest = serde_json::from_value(body).expect("decodes");
        let report = request.check_with(Catalog::builtin(), &Facts::new());
        report
            .findings
            .into_iter()
            .map(|finding| (finding.rule_name(), finding.pointer, finding.strength))
            .collect()
    }

    fn image(role: Option<&str>) -> serde_json::Value {
        json!({ "type": "image_url", "image_url": { "url": "https://a.example.com/b.png" }, "role": role })
    }

    fn audio(role: Option<&str>) -> serde_json::Value {
        json!({ "type": "audio_url", "audio_url": { "url": "https://a.example.com/b.mp3" }, "role": role })
    }

    fn refused(content: Vec<serde_json::Value>) -> Vec<(&'static str, String)> {
        let all = found(json!({ "model": "ep-1", "content": content }));
        all.into_iter().filter(|found| found.2 == Severity::Error).map(|found| (found.0, found.1)).collect()
    }

    fn only(rule: &'static str, pointer: &str) -> Vec<(&'static str, String)> {
        vec![(rule, pointer.to_owned())]
    }

    #[test]
    fn frames_and_references() {
        let (first, last, reference) = (Some("first_frame"), Some("last_frame"), Some("reference_image"));
        assert_eq!(refused(vec![image(last)]), only("last-frame-alone", "/content/0/role"));
        assert_eq!(refused(vec![image(first), image(first)]), only("one-first-frame", "/content/1/role"));
        assert_eq!(
            refused(vec![image(first), image(last), image(last)]),
            only("one-last-frame", "/content/2/role")
        );
        assert_eq!(refused(vec![image(first), image(reference)]), only("mixed-modes", "/content/1/role"));
        assert_eq!(refused(vec![image(reference), image(first)]), only("mixed-modes", "/content/1/role"));
        assert_eq!(refused(vec![image(None), image(None)]), only("role-required", "/content/0/role"));
        assert_eq!(refused(vec![image(first), image(None)]), only("role-required", "/content/1/role"));
        assert_eq!(refused(vec![image(last), image(first)]), []);
        assert_eq!(refused(vec![image(None)]), []);
    }

    #[test]
    fn a_bare_image_is_a_first_frame() {
        assert_eq!(
            refused(vec![image(None), audio(Some("reference_audio"))]),
            only("mixed-modes", "/content/1/role")
        );
        assert_eq!(
            refused(vec![audio(Some("reference_audio")), image(None)]),
            only("mixed-modes", "/content/1/role")
        );
        assert_eq!(
            refused(vec![image(Some("reference_image")), audio(None)]),
            only("reference-role", "/content/1/role")
        );
    }

    #[test]
    fn drafts_and_texts() {
        let draft = json!({ "type": "draft_task", "draft_task": { "id": "cgt-1" } });
        let text = json!({ "type": "text", "text": "x" });
        assert_eq!(refused(vec![draft.clone()]), []);
        assert_eq!(refused(vec![text.clone(), draft.clone()]), only("draft-alone", "/content/0"));
        assert_eq!(refused(vec![draft.clone(), draft]), only("draft-alone", "/content/1"));
        assert_eq!(
            refused(vec![json!({ "type": "text", "text": " \n" })]),
            only("prompt-empty", "/content/0/text")
        );
        assert_eq!(found(json!({ "model": "ep-1", "content": [text, text] }))[0].0, "one-text");
    }

    #[test]
    fn fields_that_do_not_go_together() {
        let body = |more: serde_json::Value| {
            let mut body = json!({ "model": "ep-1", "content": [{ "type": "text", "text": "x" }] });
            if let (Some(body), serde_json::Value::Object(more)) = (body.as_object_mut(), more) {
                body.extend(more);
            }
            found(body)
        };
        assert_eq!(body(json!({ "service_tier": "flex", "priority": 1 }))[0].0, "priority-with-flex");
        assert!(body(json!({ "service_tier": "flex", "priority": 0 })).is_empty());
        assert_eq!(body(json!({ "frames": 57, "duration": 5 }))[0].0, "duration-with-frames");
        assert_eq!(body(json!({ "callback_url": "hooks.example.com" }))[0].0, "callback-url");
        assert!(body(json!({ "callback_url": "HTTPS://hooks.example.com/x" })).is_empty());
    }
}
