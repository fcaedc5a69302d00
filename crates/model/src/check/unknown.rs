//! Members that the API does not have: the service ignores them and bills, so a slip of the pen
//! costs money.

use serde_json::{Map, Value};

use super::foreign;
use super::pointer::Pointer;
use super::report::{Sink, quoted};
use super::rules::Rules;
use crate::catalog::almost;
use crate::check::Severity;
use crate::generated::Field;
use crate::{ContentItem, CreateTaskRequest, ImageRole};

/// Members that only one SDK knows.
const SDK_ONLY: &[&str] = &["optimize_prompt", "reasoning_effort", "human_face_mode"];

pub(crate) fn check(request: &CreateTaskRequest, rules: &Rules<'_>, sink: &mut Sink) {
    for (name, value) in &request.extra {
        if !value.is_null() {
            member(request, name, value, rules, sink);
        }
    }
    for (index, item) in request.content.iter().enumerate() {
        let (own, inner, payload): (_, Option<&Map<String, Value>>, _) = match item {
            ContentItem::Text(item) => (&item.extra, None, ""),
            ContentItem::Image(item) => {
                if matches!(&item.role, Some(role @ ImageRole::Other(_)) if role.as_str() == "mask") {
                    mask(index, rules, sink);
                }
                (&item.extra, Some(&item.image_url.extra), "/image_url")
            }
            ContentItem::Video(item) => (&item.extra, Some(&item.video_url.extra), "/video_url"),
            ContentItem::Audio(item) => (&item.extra, Some(&item.audio_url.extra), "/audio_url"),
            ContentItem::DraftTask(item) => (&item.extra, Some(&item.draft_task.extra), "/draft_task"),
            ContentItem::Other(_) => continue,
        };
        if own.is_empty() && inner.is_none_or(Map::is_empty) {
            continue;
        }
        for name in own.keys() {
            entry(index, "", name, sink);
        }
        for name in inner.into_iter().flat_map(Map::keys) {
            entry(index, payload, name, sink);
        }
    }
}

fn member(request: &CreateTaskRequest, name: &str, value: &Value, rules: &Rules<'_>, sink: &mut Sink) {
    let pointer = Pointer::Member(name);
    if Field::NAMES.contains(&name) {
        // The field wins when both are set, and the member is not sent.
        let both = serde_json::to_value(request).is_ok_and(|body| body.get(name) != request.extra.get(name));
        let message = match both {
            true => format!("`{name}` is set twice, and this one would be lost."),
            false => format!("`{name}` has a field of its own, and goes past every check here."),
        };
        let strength = if both { Severity::Error } else { Severity::Warning };
        let finding =
            sink.push("extra-shadows-field", pointer, message).advice("Set the field.").strength(strength);
        finding.silent();
    } else if SDK_ONLY.contains(&name) {
        let message = format!("`{name}` is known to one SDK only; no page mentions it for Seedance.");
        let finding =
            sink.push("sdk-only-field", pointer, message).advice("Omit it unless you have seen it work.");
        finding.strength(rules.catalog.strength("sdk-only-fields")).silent().written_in("sdk", "2026-10");
    } else {
        let close = Field::NAMES.iter().find(|known| almost(known, &snake(name)) || **known == snake(name));
        let advice = match close {
            Some(known) => format!("Did you mean `{known}`?"),
            None => foreign::advice(name, &snake(name), value)
                .unwrap_or_else(|| "Omit it unless you are sure.".to_owned()),
        };
        let message =
            format!("{} is not a field of the API; the service ignores it, and bills.", quoted(name));
        sink.push("unknown-member", pointer, message).advice(advice).strength(Severity::Warning).silent();
    }
}

/// `generateAudio` as `generate_audio`.
fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars().take(64) {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(if letter == '-' { '_' } else { letter.to_ascii_lowercase() });
    }
    snake
}

fn entry(index: usize, payload: &'static str, name: &str, sink: &mut Sink) {
    let pointer = Pointer::EntryMember(Field::Content, index, payload, name);
    let (message, advice) = if name == "role" && !payload.is_empty() {
        let beside = payload.trim_start_matches('/');
        (format!("`role` belongs beside `{beside}`, not inside it."), "Move it one level up.")
    } else {
        (format!("{} is not a field of this item; the service ignores it.", quoted(name)), "Leave it out.")
    };
    sink.push("unknown-member", pointer, message).advice(advice).strength(Severity::Warning).silent();
}

/// A role that one SDK knows: the switch decides in place of the schema.
fn mask(index: usize, rules: &Rules<'_>, sink: &mut Sink) {
    let pointer = Pointer::Entry(Field::Content, index, "/role");
    sink.settle(pointer);
    let finding = sink.push("sdk-only-field", pointer, "The role `mask` is known to one SDK only.".into());
    finding
        .strength(rules.catalog.strength("sdk-only-fields"))
        .advice("Use `reference_image`.")
        .written_in("sdk", "2026-10");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{TextToVideo, catalog::Catalog};

    fn said(request: &CreateTaskRequest) -> Vec<(&'static str, String, Severity)> {
        let report = request.check(Catalog::builtin());
        report
            .findings
            .into_iter()
            .map(|f| (f.rule_name(), format!("{} {}", f.pointer, f.advice), f.strength))
            .collect()
    }

    #[test]
    fn a_slip_of_the_pen_is_named() {
        for (name, advice) in [
            ("resoluton", "Did you mean `resolution`?"),
            ("generateAudio", "Did you mean `generate_audio`?"),
            ("framespersecond", "Omit it unless you are sure."),
        ] {
            let request = TextToVideo::new("ep-1", "x").extra(name, 1).build();
            assert_eq!(said(&request), [("unknown-member", format!("/{name} {advice}"), Severity::Warning)]);
        }
        assert_eq!(said(&TextToVideo::new("ep-1", "x").extra("later", Value::Null).build()), []);
        let sdk = TextToVideo::new("ep-1", "x").extra("optimize_prompt", true).build();
        assert_eq!(said(&sdk)[0].0, "sdk-only-field");
    }

    #[test]
    fn a_member_beside_its_field_is_lost() {
        let twice = TextToVideo::new("ep-1", "x").duration(5).extra("duration", 7).build();
        assert_eq!((said(&twice)[0].0, said(&twice)[0].2), ("extra-shadows-field", Severity::Error));
        let past = TextToVideo::new("ep-1", "x").extra("duration", "7").build();
        assert_eq!((said(&past)[0].0, said(&past)[0].2), ("extra-shadows-field", Severity::Warning));
    }

    #[test]
    fn members_of_items() {
        let request: CreateTaskRequest = serde_json::from_value(json!({ "model": "ep-1", "content": [
            { "type": "image_url", "image_url": { "url": "https://a.example.com/b.png", "role": "first_frame" }, "weight": 1 }] }))
        .expect("decodes");
        let found: Vec<_> = said(&request).into_iter().map(|found| found.1).collect();
        assert_eq!(
            found,
            ["/content/0/weight Leave it out.", "/content/0/image_url/role Move it one level up."]
        );
        let mask: CreateTaskRequest = serde_json::from_value(json!({ "model": "ep-1", "content": [
            { "type": "image_url", "image_url": { "url": "https://a.example.com/b.png" }, "role": "mask" }] }))
        .expect("decodes");
        let found = said(&mask);
        assert_eq!((found.len(), found[0].0, found[0].2), (1, "sdk-only-field", Severity::Warning));
    }
}
