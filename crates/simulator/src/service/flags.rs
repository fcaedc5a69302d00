//! Flags at the end of a prompt (`--rs 720p --dur 5`), as every model still reads them: "weak
//! validation" (create page, 2026-10).
//!
//! A bad `--resolution` or `--duration` is refused like the field; any other bad value and any
//! unknown flag is ignored, and the video is billed.

use ark_video_model::{ContentItem, CreateTaskRequest, Ratio, Resolution};

use super::violation::Violation;
use crate::{catalog::Model, options::Options};

/// Reads the flags of the prompt into the fields of the request.
///
/// # Errors
/// A resolution that does not exist, or a duration that is not an integer.
pub(crate) fn extract_prompt_flags(
    request: &mut CreateTaskRequest,
    model: Model,
    options: &Options,
) -> Result<ExtractedFlags, Violation> {
    let mut lifted = ExtractedFlags::default();
    let limits = &options.catalog.limits;
    let flag_wins = options.switches.is("prompt-flag-precedence", "flag_wins");
    let Some((at, text)) = request.content.iter().enumerate().find_map(|(at, item)| match item {
        ContentItem::Text(text) => Some((at, &text.text)),
        _ => None,
    }) else {
        return Ok(lifted);
    };
    if trailing(text).is_empty() {
        return Ok(lifted);
    }
    lifted.item = at;
    let text = text.clone();
    let family = model.family;
    for (flag, value) in trailing(&text) {
        let bad = |what: &str| {
            let model = &model.entry.name;
            let why = format!("the specified {what} is not supported for model {model}");
            Err(Violation::invalid(format!("contents[{at}].text.{what}"), why))
        };
        match flag {
            "resolution" | "rs" => {
                let requested = Resolution::from(value.to_lowercase());
                if !requested.is_known() {
                    return bad("resolution");
                }
                set(&mut request.resolution, requested, flag_wins, ("resolution", &mut lifted));
            }
            "duration" | "dur" => match value.parse() {
                Ok(seconds) => set(&mut request.duration, seconds, flag_wins, ("duration", &mut lifted)),
                Err(_) => return bad("duration"),
            },
            "ratio" | "rt" => {
                let requested = Ratio::from(value);
                if family.ratio.value.as_ref().is_some_and(|all| all.contains(value))
                    || requested == Ratio::Adaptive
                {
                    set(&mut request.ratio, requested, flag_wins, ("ratio", &mut lifted));
                }
            }
            "frames" => {
                let good = |count: &i64| limits.frames.value.contains(*count);
                if let Some(count) = value.parse().ok().filter(good)
                    && family.frames.value == Some(true)
                {
                    set(&mut request.frames, count, flag_wins, ("frames", &mut lifted));
                }
            }
            "seed" => {
                if let Some(seed) = value.parse().ok().filter(|seed| limits.seed.value.contains(seed)) {
                    set(&mut request.seed, seed, flag_wins, ("seed", &mut lifted));
                }
            }
            "camerafixed" | "cf" => {
                if let (Ok(fixed), Some(true)) = (value.parse(), family.camera_fixed.value) {
                    set(&mut request.camera_fixed, fixed, flag_wins, ("camera_fixed", &mut lifted));
                }
            }
            "watermark" | "wm" => {
                if let Ok(mark) = value.parse() {
                    set(&mut request.watermark, mark, flag_wins, ("watermark", &mut lifted));
                }
            }
            // The rate of frames is always 24, and what is unknown is ignored.
            _ => {}
        }
    }
    Ok(lifted)
}

/// Which fields of a request came from flags, and of which item: the service blames those in its
/// own way.
#[derive(Debug, Default)]
pub(crate) struct ExtractedFlags {
    item: usize,
    fields: Vec<&'static str>,
}

impl ExtractedFlags {
    /// The item that a field came from; `None` where the request itself has it.
    pub(crate) fn item(&self, field: &str) -> Option<usize> {
        self.fields.contains(&field).then_some(self.item)
    }
}

fn set<T>(
    field: &mut Option<T>,
    value: T,
    flag_wins: bool,
    (name, lifted): (&'static str, &mut ExtractedFlags),
) {
    if flag_wins || field.is_none() {
        *field = Some(value);
        lifted.fields.push(name);
    }
}

/// The pairs at the end of a prompt, in their order.
fn trailing(text: &str) -> Vec<(&str, &str)> {
    let mut parts = text.split_whitespace().rev();
    let mut pairs = Vec::new();
    while let (Some(value), Some(flag)) = (parts.next(), parts.next()) {
        let Some(flag) = flag.strip_prefix("--") else { break };
        pairs.push((flag, value));
    }
    pairs.reverse();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ends_the_prompt_is_a_flag() {
        assert_eq!(
            trailing("A kite --rs 720p --foo bar --dur 5"),
            [("rs", "720p"), ("foo", "bar"), ("dur", "5")]
        );
        assert_eq!(trailing("A --rs 720p kite"), []);
        assert_eq!(trailing("--dur 5"), [("dur", "5")]);
        assert_eq!(trailing("A kite --dur"), []);
        assert_eq!(trailing(""), []);
    }
}
