//! Settings at the end of a prompt (`… --rs 720p --dur 5`): the way of the oldest models, which
//! every model still reads. A wrong value is ignored or refused, an unknown flag is ignored, and
//! both are billed.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{CreateTaskRequest, Ratio, Resolution};

/// A setting that the service reads from a prompt (create page, 2026-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Setting {
    /// `--resolution`, `--rs`.
    Resolution,
    /// `--ratio`, `--rt`.
    Ratio,
    /// `--duration`, `--dur`.
    Duration,
    /// `--frames`.
    Frames,
    /// `--framespersecond`, `--fps`: always 24.
    FramesPerSecond,
    /// `--seed`.
    Seed,
    /// `--camerafixed`, `--cf`.
    CameraFixed,
    /// `--watermark`, `--wm`.
    Watermark,
}

/// Each flag with its short form.
const KNOWN: &[(&str, &str, Setting)] = &[
    ("resolution", "rs", Setting::Resolution),
    ("ratio", "rt", Setting::Ratio),
    ("duration", "dur", Setting::Duration),
    ("frames", "frames", Setting::Frames),
    ("framespersecond", "fps", Setting::FramesPerSecond),
    ("seed", "seed", Setting::Seed),
    ("camerafixed", "cf", Setting::CameraFixed),
    ("watermark", "wm", Setting::Watermark),
];

impl Setting {
    fn of(name: &str) -> Option<Self> {
        KNOWN.iter().find(|(long, short, _)| *long == name || *short == name).map(|(_, _, setting)| *setting)
    }

    /// The long name of the flag, without dashes.
    pub fn name(self) -> &'static str {
        KNOWN.iter().find(|(_, _, setting)| *setting == self).map_or("", |(long, _, _)| long)
    }

    /// The field that says the same; none for the frame rate.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::FramesPerSecond => None,
            Self::CameraFixed => Some("camera_fixed"),
            other => Some(other.name()),
        }
    }

    /// Whether the field that says the same is set.
    pub(crate) fn is_set(self, request: &CreateTaskRequest) -> bool {
        match self {
            Self::Resolution => request.resolution.is_some(),
            Self::Ratio => request.ratio.is_some(),
            Self::Duration => request.duration.is_some(),
            Self::Frames => request.frames.is_some(),
            Self::FramesPerSecond => false,
            Self::Seed => request.seed.is_some(),
            Self::CameraFixed => request.camera_fixed.is_some(),
            Self::Watermark => request.watermark.is_some(),
        }
    }
}

/// A flag of a prompt.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PromptFlag<'a> {
    /// As written, dashes included.
    pub text: &'a str,
    /// What follows it.
    pub value: Option<&'a str>,
    /// What the service reads it as; `None`: nothing.
    pub setting: Option<Setting>,
    /// Whether the value hangs on the flag (`--rs=720p`), which the service does not read.
    #[serde(skip)]
    pub(crate) glued: bool,
    #[serde(skip)]
    pub(crate) start: usize,
    #[serde(skip)]
    pub(crate) end: usize,
}

/// A prompt is private: only what the flag is.
impl std::fmt::Debug for PromptFlag<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PromptFlag").field("setting", &self.setting).finish_non_exhaustive()
    }
}

impl<'a> PromptFlag<'a> {
    /// The flag for a message.
    pub(crate) fn shown(&self) -> String {
        match self.setting {
            Some(setting) => format!("--{}", setting.name()),
            None => crate::check::report::quoted(self.text),
        }
    }

    /// The value as its field takes it; `None` where the service would not know it.
    pub(crate) fn value_for(&self, setting: Setting) -> Option<Value> {
        let value = self.value.filter(|_| !self.glued)?;
        let whole = || value.parse::<i64>().ok().map(Value::from);
        match setting {
            // The service reads it in any case.
            Setting::Resolution => {
                let lower = value.to_lowercase();
                Resolution::from(lower.as_str()).is_known().then(|| json!(lower))
            }
            // The 1.0 models know two more, which have no place in the field.
            Setting::Ratio if matches!(value, "9:21" | "keep_ratio") => Some(json!(value)),
            Setting::Ratio => Ratio::from(value).is_known().then(|| json!(value)),
            Setting::Duration | Setting::Frames | Setting::FramesPerSecond | Setting::Seed => whole(),
            Setting::CameraFixed | Setting::Watermark => value.parse::<bool>().ok().map(Value::from),
        }
    }
}

/// A prompt taken apart: what should be seen, and the settings behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PromptFlags<'a> {
    /// The flags at the end, in their order.
    pub flags: Vec<PromptFlag<'a>>,
    /// How many known flags stand before the end, where the service does not read them.
    pub misplaced: usize,
    /// Where the flags begin.
    #[serde(skip)]
    pub(crate) prose_end: usize,
}

impl<'a> PromptFlags<'a> {
    /// Takes a prompt apart. The flags at the end are what remains when one goes back word by word:
    /// a flag, or one value before the next flag.
    pub fn read(prompt: &'a str) -> Self {
        let mut flags: Vec<PromptFlag<'a>> = Vec::new();
        let mut prose_end = prompt.len();
        let mut value: Option<(usize, &'a str)> = None;
        for (start, word) in words_backwards(prompt) {
            let Some(inside) = flag_start(word) else {
                if value.is_some() {
                    break;
                }
                value = Some((start, word));
                continue;
            };
            let (text, start) = (&word[inside..], start + inside);
            let (text, glued) = match text.find(['=', ':']) {
                Some(cut) => (&text[..cut], Some(&text[cut + 1..])),
                None => (text, None),
            };
            let end = value.map_or(start + word.len() - inside, |(at, value)| at + value.len());
            let setting = Setting::of(&text[2..]);
            let next = glued.or(value.map(|(_, value)| value));
            flags.push(PromptFlag { text, value: next, setting, glued: glued.is_some(), start, end });
            prose_end = start;
            value = None;
            // Prose that a flag hangs on ends the flags.
            if inside > 0 {
                break;
            }
        }
        flags.reverse();
        let misplaced = match prompt[..prose_end].contains("--") {
            false => 0,
            true => {
                let parts = prompt[..prose_end].split_whitespace();
                parts
                    .filter(|word| word.strip_prefix("--").is_some_and(|name| Setting::of(name).is_some()))
                    .count()
            }
        };
        Self { flags, misplaced, prose_end }
    }
}

/// Parts with their offsets, from the last to the first.
fn words_backwards(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut end = text.len();
    std::iter::from_fn(move || {
        let rest = text[..end].trim_end();
        if rest.is_empty() {
            return None;
        }
        let start = rest
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + rest[at..].chars().next().map_or(1, char::len_utf8));
        end = start;
        Some((start, &rest[start..]))
    })
}

/// Where in a word a flag begins: two dashes and a letter, at the start or behind what is neither
/// letter nor dash.
fn flag_start(word: &str) -> Option<usize> {
    let bytes = word.as_bytes();
    let mut from = 0;
    while let Some(at) = word[from..].find("--").map(|at| at + from) {
        let before = at.checked_sub(1).map(|before| bytes[before]);
        let free = before.is_none_or(|byte| !byte.is_ascii_alphanumeric() && byte != b'-');
        if free && bytes.get(at + 2).is_some_and(u8::is_ascii_alphabetic) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(prompt: &str) -> (String, Vec<(String, Option<String>)>) {
        let found = PromptFlags::read(prompt);
        let flags =
            found.flags.iter().map(|flag| (flag.text.to_owned(), flag.value.map(str::to_owned))).collect();
        (prompt[..found.prose_end].to_owned(), flags)
    }

    fn flag(name: &str, value: &str) -> (String, Option<String>) {
        (name.to_owned(), (!value.is_empty()).then(|| value.to_owned()))
    }

    #[test]
    fn flags_stand_at_the_end() {
        assert_eq!(
            read("A kite --rs 720p  --dur 5\n"),
            ("A kite ".into(), vec![flag("--rs", "720p"), flag("--dur", "5")])
        );
        assert_eq!(read("--rs 720p"), (String::new(), vec![flag("--rs", "720p")]));
        assert_eq!(
            read("use --fast mode of it --wm true"),
            ("use --fast mode of it ".into(), vec![flag("--wm", "true")])
        );
        assert_eq!(read("风筝--rs 720p"), ("风筝".into(), vec![flag("--rs", "720p")]));
        assert_eq!(
            read("A kite --wm --rs 720p"),
            ("A kite ".into(), vec![flag("--wm", ""), flag("--rs", "720p")])
        );
        assert_eq!(read("A kite --rs 720p and more"), ("A kite --rs 720p and more".into(), vec![]));
        assert_eq!(read("well--known, a -- b"), ("well--known, a -- b".into(), vec![]));
        assert_eq!(read("x ---rs 1"), ("x ---rs 1".into(), vec![]));
        assert_eq!(read(""), (String::new(), vec![]));
        assert_eq!(read("a\u{3000}--dur\u{3000}5"), ("a\u{3000}".into(), vec![flag("--dur", "5")]));
    }

    #[test]
    fn long_texts_take_a_moment_only() {
        let text = "--rs 720p ".repeat(200_000) + "a b c";
        assert_eq!(PromptFlags::read(&text).misplaced, 200_000);
    }
}
