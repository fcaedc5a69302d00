//! The messages of the generated checks: bounds, lengths, known values, empty strings.
//!
//! Which field has which bounds stands in `generated/checks.rs`, straight from the schema.

use super::pointer::Pointer;
use super::report::{Finding, Sink, quoted};

impl Sink {
    fn structural(&mut self, rule: &'static str, pointer: Pointer<'_>, message: String) -> &mut Finding {
        let finding = self.push(rule, pointer, message);
        finding.structural = true;
        finding
    }

    /// A text that must not be empty, or is too short.
    pub(crate) fn too_short(&mut self, pointer: Pointer<'_>, name: &str, least: usize) {
        let url = pointer.to_json().ends_with("/image_url/url");
        let message = if least == 1 {
            format!("`{name}` is empty.")
        } else {
            format!("`{name}` has fewer than {least} characters.")
        };
        let finding = self.structural("empty", pointer, message);
        finding.advice("Set it, or omit the item.");
        if url {
            finding.code("InvalidImageURL.EmptyURL");
        }
    }

    /// A text with more characters than the service keeps.
    pub(crate) fn too_long(&mut self, pointer: Pointer<'_>, name: &str, found: usize, most: usize) {
        let message = format!("`{name}` has {found} characters, and may have {most}.");
        self.structural("length", pointer, message)
            .of_known_models()
            .advice("Shorten it, for example to a hash.");
    }

    /// A number outside the range.
    pub(crate) fn outside(&mut self, pointer: Pointer<'_>, name: &str, found: i64, allowed: &str) {
        let message = format!("`{name}` is {found}; it may be {allowed}.");
        self.structural("range", pointer, message)
            .of_known_models()
            .advice("Choose a value in this range, or omit it.");
    }

    /// A word that the service does not know.
    pub(crate) fn unknown_word(&mut self, pointer: Pointer<'_>, name: &str, found: &str, allowed: &str) {
        let message = format!("{} is not a valid `{name}`; expected one of {allowed}.", quoted(found));
        self.structural("word", pointer, message)
            .of_known_models()
            .advice("Write it exactly as listed, in lower case.");
    }

    /// A list with too few entries.
    pub(crate) fn too_few(&mut self, pointer: Pointer<'_>, name: &str, least: usize) {
        let message =
            format!("`{name}` has fewer than {least} {}.", if least == 1 { "entry" } else { "entries" });
        self.structural("entries", pointer, message).advice("Add a prompt, an image or another input.");
    }

    /// An object of an unknown kind.
    pub(crate) fn unknown_kind(&mut self, pointer: Pointer<'_>, name: &str, found: &str, known: &[&str]) {
        let message = format!(
            "{} is not a valid kind of `{name}`; expected one of {}.",
            quoted(found),
            known.join(", ")
        );
        let meant = match found {
            "image" | "input_image" | "image-url" | "imageUrl" => "image_url",
            "video" | "input_video" | "video-url" | "videoUrl" => "video_url",
            "audio" | "input_audio" | "audio-url" | "audioUrl" => "audio_url",
            "input_text" | "prompt" => "text",
            "draft" => "draft_task",
            _ => "",
        };
        let advice = match known.contains(&meant) {
            true => format!("Did you mean `{meant}`?"),
            false => "Write the kind exactly as listed.".to_owned(),
        };
        self.structural("kind", pointer, message).of_known_models().advice(advice);
    }
}
