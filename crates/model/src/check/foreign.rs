//! Fields of other video APIs, and their equivalents here. A table and its lookup; what is refused
//! because of them is decided elsewhere.

use serde_json::Value;

use super::report::quoted;
use crate::generated::Field;

/// Names as other APIs write them, in snake case, and the way here.
const FIELDS: [(&[&str], &str); 15] = [
    (
        &["prompt", "text", "messages", "contents", "input", "query", "caption"],
        "Write it as an item of `content`: `{\"type\": \"text\", \"text\": …}`.",
    ),
    (
        &[
            "image",
            "image_url",
            "images",
            "image_urls",
            "input_image",
            "input_reference",
            "first_frame",
            "first_frame_image",
            "first_frame_url",
            "last_frame",
            "last_frame_image",
            "last_frame_url",
            "start_image",
            "end_image",
            "image_tail",
            "reference_image",
            "reference_images",
            "references",
            "media",
            "video",
            "video_url",
            "audio",
            "audio_url",
            "file_url",
        ],
        "Write it as an item of `content`, with `role` beside it: `{\"type\": \"image_url\", \"image_url\": {\"url\": …}}`.",
    ),
    (
        &["seconds", "length", "video_length", "dur", "duration_seconds"],
        "Write `duration`, in whole seconds.",
    ),
    (&["size", "width", "height", "dimensions"], "Write `resolution` and `ratio`."),
    (&["aspect_ratio", "aspect", "rt", "video_ratio"], "Write `ratio`."),
    (&["quality", "rs", "video_resolution"], "Write `resolution`."),
    (&["num_frames", "frame_count"], "Write `frames`."),
    (&["fps", "frame_rate"], "Leave it out: every video has 24 frames per second."),
    (&["sound", "with_audio", "enable_audio", "has_audio", "audio_enabled"], "Write `generate_audio`."),
    (&["webhook", "webhook_url", "callback", "notify_url", "notify_hook"], "Write `callback_url`."),
    (&["version", "model_name", "model_id", "endpoint"], "Write `model`."),
    (&["user", "user_id", "end_user_id"], "Write `safety_identifier`, with a hash of it."),
    (&["negative_prompt"], "Leave it out: say in the prompt what is wanted."),
    (
        &["n", "num_videos", "num_outputs", "batch_size", "count"],
        "Leave it out: one request makes one video.",
    ),
    (&["stream", "response_format", "background", "store"], "Leave it out."),
];

/// What to do about a field of another API; `None` where it is of none that is known. `name` is in
/// snake case.
pub(super) fn advice(written: &str, name: &str, value: &Value) -> Option<String> {
    if let Value::Object(inner) = value {
        let known = |field: &&String| Field::NAMES.contains(&field.as_str());
        let fields: Vec<String> = inner
            .keys()
            .filter(known)
            .map(|field| format!("`{}.{field}`", quoted(written).trim_matches('`')))
            .collect();
        let rest = inner.keys().find_map(|field| Some((field, look_up(field)?)));
        return match (fields.as_slice(), rest) {
            ([], Some((field, there))) => {
                Some(format!("Of `{field}` in it: {}{}", there[..1].to_lowercase(), &there[1..]))
            }
            ([], None) => look_up(name).map(str::to_owned),
            (fields, _) => Some(format!("Move {} up, beside `model`.", fields.join(" and "))),
        };
    }
    look_up(name).map(str::to_owned)
}

fn look_up(name: &str) -> Option<&'static str> {
    FIELDS.iter().find(|(names, _)| names.contains(&name)).map(|(_, there)| *there)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn no_name_is_ours_and_none_stands_twice() {
        let names: Vec<&str> = FIELDS.iter().flat_map(|(names, _)| names.iter().copied()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(names.iter().all(|name| !Field::NAMES.contains(name)));
    }

    #[test]
    fn a_field_is_led_home() {
        for (name, value, expected) in [
            (
                "parameters",
                json!({ "duration": 5, "resolution": "1080p" }),
                Some("Move `parameters.duration` and `parameters.resolution` up"),
            ),
            ("metadata", json!({ "content": [] }), Some("Move `metadata.content` up")),
            ("input", json!({ "prompt": "x" }), Some("Of `prompt` in it: write it as an item")),
            ("seconds", json!("8"), Some("Write `duration`")),
            ("messages", json!([]), Some("Write it as an item of `content`")),
            ("zoom", json!(1), None),
            ("zoom", json!({ "much": 1 }), None),
        ] {
            let said = advice(name, name, &value);
            match expected {
                Some(expected) => {
                    assert!(said.as_deref().is_some_and(|said| said.starts_with(expected)), "{said:?}")
                }
                None => assert_eq!(said, None),
            }
        }
    }
}
