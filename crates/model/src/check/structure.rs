//! The messages of the generated checks: bounds, lengths, known values, empty strings.
//!
//! Which field has which bounds stands in `generated/checks.rs`, straight from the schema.

use super::place::Place;
use super::report::{Finding, Sink, quoted};

impl Sink {
    fn structural(&mut self, rule: &'static str, place: Place<'_>, message: String) -> &mut Finding {
        let finding = self.say(rule, place, message);
        finding.structural = true;
        finding
    }

    /// A text that must not be empty, or is too short.
    pub(crate) fn too_short(&mut self, place: Place<'_>, name: &str, least: usize) {
        let url = place.pointer().ends_with("/image_url/url");
        let message = if least == 1 {
            format!("`{name}` is empty.")
        } else {
            format!("`{name}` has fewer than {least} characters.")
        };
        let finding = self.structural("empty", place, message);
        finding.advice("Set it, or omit the item.");
        if url {
            finding.code("InvalidImageURL.EmptyURL");
        }
    }

    /// A text with more characters than the service keeps.
    pub(crate) fn too_long(&mut self, place: Place<'_>, name: &str, found: usize, most: usize) {
        let message = format!("`{name}` has {found} characters, and may have {most}.");
        self.structural("length", place, message)
            .of_known_models()
            .advice("Shorten it, for example to a hash.");
    }

    /// A number outside the range.
    pub(crate) fn outside(&mut self, place: Place<'_>, name: &str, found: i64, allowed: &str) {
        let message = format!("`{name}` is {found}; it may be {allowed}.");
        self.structural("range", place, message)
            .of_known_models()
            .advice("Choose a value in this range, or omit it.");
    }

    /// A word that the service does not know.
    pub(crate) fn unknown_word(&mut self, place: Place<'_>, name: &str, found: &str, allowed: &str) {
        let message = format!("{} is not a valid `{name}`; expected one of {allowed}.", quoted(found));
        self.structural("word", place, message)
            .of_known_models()
            .advice("Write it exactly as listed, in lower case.");
    }

    /// A list with too few entries.
    pub(crate) fn too_few(&mut self, place: Place<'_>, name: &str, least: usize) {
        let message =
            format!("`{name}` has fewer than {least} {}.", if least == 1 { "entry" } else { "entries" });
        self.structural("entries", place, message).advice("Add a prompt, an image or another input.");
    }

    /// An object of an unknown kind.
    pub(crate) fn unknown_kind(&mut self, place: Place<'_>, name: &str, found: &str, known: &[&str]) {
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
        self.structural("kind", place, message).of_known_models().advice(advice);
    }
}
