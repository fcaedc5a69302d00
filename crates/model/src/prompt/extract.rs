//! Settings out of the prompt and into the fields, where the service checks them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::flags::{PromptFlags, Setting};
use crate::catalog::CowStr;
use crate::{ContentItem, CreateTaskRequest, Ratio, Resolution};

/// A setting of a prompt that has a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ExtractedFlag {
    /// Index in `content` of the text.
    pub index: usize,
    /// The long name of the flag, dashes included.
    pub flag: String,
    /// The field.
    pub field: CowStr,
    /// The value.
    pub value: Value,
    /// Whether it was moved. It was not where the field is set already; it stays in the prompt
    /// then.
    pub moved: bool,
}

/// The same request with the settings of its prompts moved into the fields.
///
/// Moved is what the service knows, with a value that it knows, into a field that is not set.
/// Everything else stays in the prompt as it is. Of a setting that stands twice, the last is moved:
/// that is the one nearest to the end. A prompt in which a flag would come to the end that did not
/// stand there, and would then be read, is left alone.
///
/// ```
/// use ark_video_model::{TextToVideo, prompt::extract_prompt_flags};
///
/// let request = TextToVideo::new("doubao-seedance-1-0-pro-250528", "A kite over the sea --rs 720p --dur 5").build();
/// let (request, lifted) = extract_prompt_flags(&request);
/// assert_eq!((request.duration, lifted.len()), (Some(5), 2));
/// assert_eq!(serde_json::to_value(&request)?["content"][0]["text"], "A kite over the sea");
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn extract_prompt_flags(request: &CreateTaskRequest) -> (CreateTaskRequest, Vec<ExtractedFlag>) {
    let mut request = request.clone();
    let mut all = Vec::new();
    for index in 0..request.content.len() {
        let ContentItem::Text(item) = &request.content[index] else { continue };
        if !item.text.contains("--") {
            continue;
        }
        let text = item.text.clone();
        let found = PromptFlags::read(&text);
        let mut trial = request.clone();
        let mut kept = Vec::new();
        let mut lifted = Vec::new();
        for flag in found.flags.iter().rev() {
            let value =
                flag.setting.and_then(|setting| Some((setting, setting.field()?, flag.value_for(setting)?)));
            let moved = value.as_ref().is_some_and(|(setting, _, value)| set(&mut trial, *setting, value));
            if !moved {
                kept.push(&text[flag.start..flag.end]);
            }
            if let Some((setting, field, value)) = value {
                lifted.push(ExtractedFlag {
                    index,
                    flag: format!("--{}", setting.name()),
                    field: field.into(),
                    value,
                    moved,
                });
            }
        }
        if lifted.iter().any(|lifted| lifted.moved) {
            let mut rest = text[..found.prose_end].trim_end().to_owned();
            kept.reverse();
            for flag in &kept {
                if !rest.is_empty() {
                    rest.push(' ');
                }
                rest.push_str(flag);
            }
            if PromptFlags::read(&rest).flags.iter().map(|flag| &rest[flag.start..flag.end]).eq(kept) {
                request = trial;
                if let ContentItem::Text(item) = &mut request.content[index] {
                    item.text = rest;
                }
            } else {
                lifted.iter_mut().for_each(|lifted| lifted.moved = false);
            }
        }
        all.extend(lifted.into_iter().rev());
    }
    (request, all)
}

/// Sets the field, unless it is set or has no such value.
fn set(request: &mut CreateTaskRequest, setting: Setting, value: &Value) -> bool {
    if setting.is_set(request) {
        return false;
    }
    match (setting, value) {
        (Setting::Resolution, Value::String(word)) => {
            request.resolution = Some(Resolution::from(word.as_str()))
        }
        (Setting::Ratio, Value::String(word)) if Ratio::from(word.as_str()).is_known() => {
            request.ratio = Some(Ratio::from(word.as_str()));
        }
        (Setting::Duration, Value::Number(number)) => request.duration = number.as_i64(),
        (Setting::Frames, Value::Number(number)) => request.frames = number.as_i64(),
        (Setting::Seed, Value::Number(number)) => request.seed = number.as_i64(),
        (Setting::CameraFixed, Value::Bool(flag)) => request.camera_fixed = Some(*flag),
        (Setting::Watermark, Value::Bool(flag)) => request.watermark = Some(*flag),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TextToVideo;

    fn lifted(request: &CreateTaskRequest) -> (String, Vec<(String, bool)>) {
        let (request, lifted) = extract_prompt_flags(request);
        let ContentItem::Text(text) = &request.content[0] else { panic!("a text") };
        (text.text.clone(), lifted.into_iter().map(|lifted| (lifted.flag, lifted.moved)).collect())
    }

    #[test]
    fn what_is_known_moves_and_the_rest_stays() {
        let prompt = "A kite --rs 720p --rt 16:9 --dur 5 --seed 11 --cf false --wm true --res 4k --rs 999p --fps 24 --rt 9:21";
        let request = TextToVideo::new("m", prompt).build();
        let (after, _) = extract_prompt_flags(&request);
        assert_eq!(
            (after.resolution, after.ratio, after.duration),
            (Some(Resolution::R720p), Some(Ratio::R16x9), Some(5))
        );
        assert_eq!((after.seed, after.camera_fixed, after.watermark), (Some(11), Some(false), Some(true)));
        let (text, flags) = lifted(&request);
        assert_eq!(text, "A kite --res 4k --rs 999p --fps 24 --rt 9:21");
        assert_eq!(flags.iter().filter(|flag| flag.1).count(), 6);
    }

    #[test]
    fn a_field_that_is_set_wins_and_the_flag_stays() {
        let request = TextToVideo::new("m", "A kite --dur 5 --seed 1").duration(7).build();
        let (text, flags) = lifted(&request);
        assert_eq!(text, "A kite --dur 5");
        assert_eq!(flags, [("--duration".to_owned(), false), ("--seed".to_owned(), true)]);
        let twice = TextToVideo::new("m", "A kite --dur 5 --dur 6").build();
        assert_eq!(extract_prompt_flags(&twice).0.duration, Some(6));
    }

    /// Found by fuzzing: with the trailing settings gone, `--seed` would come to the end and be
    /// read.
    #[test]
    fn a_prompt_whose_rest_would_be_read_differently_is_left_alone() {
        for prompt in [
            "A --seed -1 --watermrk\u{11}x t- x(at --dur 5 --dur 5",
            "A --seed -2 --watermark true=--rs 720p --cf",
        ] {
            let request = TextToVideo::new("m", prompt).build();
            let (once, _) = extract_prompt_flags(&request);
            assert_eq!(extract_prompt_flags(&once).0, once, "{prompt}");
        }
    }

    #[test]
    fn nothing_to_lift_changes_nothing() {
        let request = TextToVideo::new("m", "A kite  -- high ").build();
        assert_eq!(extract_prompt_flags(&request), (request, Vec::new()));
    }
}
