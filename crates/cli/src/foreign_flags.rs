//! Commands, flags and values of similar tools, and their equivalents here. Only tables and
//! lookups; what is rejected because of them is decided elsewhere.

use ark_video::model::{Ratio, Resolution};

use crate::escape::quoted;

/// Commands of other tools and their equivalents here.
const VERBS: [(&str, &str); 18] = [
    (
        "create submit run gen generation make render predict new send post text2video \
         text-to-video image2video image-to-video t2v i2v r2v v2v video videos image images \
         imagine tasks task prediction predictions contents generations txt2video txt2vid \
         img2video img2vid t2i i2i flf2v kf2v ti2v invoke execute exec call put job animate",
        "ark-video generate \"A paper boat drifts down a gutter\"",
    ),
    ("show query describe retrieve inspect info result results state poll-once", "ark-video get ID"),
    ("history jobs all index queue ps logs log", "ark-video list"),
    ("poll watch await follow tail monitor subscribe stream", "ark-video wait ID"),
    ("fetch save pull download-all", "ark-video download ID"),
    ("stop abort kill", "ark-video cancel ID"),
    ("delete del rm remove destroy purge prune clean", "ark-video forget ID"),
    (
        "price pricing prices balance usage quote billing credits credit quota budget plan",
        "ark-video estimate REQUEST.json",
    ),
    ("validate lint verify test preview dry-run", "ark-video check REQUEST.json"),
    (
        "login logout auth init setup configure whoami profile profiles key keys account \
         token tokens env settings set use region",
        "export ARK_API_KEY=… (`ark-video config` shows what is used)",
    ),
    ("extend edit remix upscale", "ark-video generate \"…\" --ref VIDEO --task-type edit, or extend"),
    ("upload asset assets file files import push", "ark-video generate \"…\" --ref FILE"),
    ("serve server mock start daemon worker", "ark-video simulate"),
    ("completion complete autocomplete", "ark-video completions bash, or zsh, fish, …"),
    ("usage-help ? docs doc mcp chat", "ark-video --help"),
    ("update upgrade install", "ark-video --version"),
    ("rerun redo replay restart", "ark-video generate … --resume, or ark-video batch retry LIST"),
    ("batch-run batch-generate apply", "ark-video batch run LIST"),
];

/// Flags of other tools, without dashes, and what to write here. Flags with the same meaning are
/// aliases of ours instead.
const FLAGS: [(&str, Hint); 17] = [
    ("size dimensions video-size", Hint::Size),
    ("width height", Hint::Text("write --resolution and --ratio, such as --resolution 720p -r 16:9")),
    ("quality definition output-quality", Hint::Quality),
    (
        "image image-url img input-image input-reference i",
        Hint::Medium("write --first-frame IMAGE to start with it, or --ref IMAGE for a reference"),
    ),
    (
        "images media file attach video video-url videos audio-url audio-file",
        Hint::Medium("write --ref IMAGE, once for each"),
    ),
    (
        "api-key apikey key token access-key secret-key ak sk bearer",
        Hint::Text("do not put a key on the command line: export ARK_API_KEY=…, or use --api-key-file FILE"),
    ),
    (
        "endpoint host url api-base base endpoint-url",
        Hint::Text("write --base-url URL; an endpoint id (ep-…) goes with -m"),
    ),
    ("region site", Hint::Text("set ARK_REGION, or write --base-url URL")),
    (
        "fps framespersecond frames-per-second frame-rate",
        Hint::Text("omit it: every video has 24 frames per second"),
    ),
    ("num-frames frame-count", Hint::Text("write -d SECONDS, or --frames COUNT (1.0 family)")),
    (
        "negative-prompt negative",
        Hint::Text("omit it: the service has no such setting; describe it in the prompt"),
    ),
    (
        "cfg cfg-scale guidance guidance-scale steps num-inference-steps style motion \
         motion-strength strength lora mode prompt-extend prompt-optimizer enhance-prompt \
         stream",
        Hint::Text("omit it: the service has no such setting"),
    ),
    ("offline flex", Hint::Text("write --tier flex")),
    ("format", Hint::Text("write --json or --text; --output-format is that of the video")),
    ("save download", Hint::Text("omit it: generate saves the video; -o FILE names it")),
    ("verbose debug v", Hint::Text("omit it: progress goes to standard error; --json prints all")),
    (
        "n num count num-videos batch batch-size",
        Hint::Text("one request is one video: --variants 3 makes three, and each is billed"),
    ),
];

/// What is written in the place of a flag.
#[derive(Clone, Copy)]
enum Hint {
    Text(&'static str),
    /// `IMAGE` is the flag's value.
    Medium(&'static str),
    /// Resolution and ratio of a size in pixels.
    Size,
    /// A resolution, or no setting of the service.
    Quality,
}

impl Hint {
    fn with(self, value: Option<&str>) -> String {
        match self {
            Self::Text(text) => text.to_owned(),
            Self::Medium(text) => match value {
                Some(value) if value.chars().count() <= 80 => text.replace("IMAGE", &quoted(value)),
                _ => text.to_owned(),
            },
            Self::Size => {
                let size = value.and_then(resolution_and_ratio);
                let (resolution, ratio) = size.unwrap_or(("720p", "16:9"));
                format!("write --resolution {resolution} -r {ratio}")
            }
            Self::Quality => match value.and_then(known_resolution) {
                Some(resolution) => format!("write --resolution {resolution}"),
                None => "write --resolution 480p, 720p, 1080p or 4k".to_owned(),
            },
        }
    }
}

fn known_resolution(value: &str) -> Option<&'static str> {
    Resolution::KNOWN.iter().map(Resolution::as_str).find(|known| known.eq_ignore_ascii_case(value))
}

/// The settings whose video is closest to a size such as `1280x720`.
pub(crate) fn resolution_and_ratio(size: &str) -> Option<(&'static str, &'static str)> {
    let (width, height) = size.split_once(['x', 'X', '*', '×'])?;
    let (width, height): (f64, f64) = (width.trim().parse().ok()?, height.trim().parse().ok()?);
    if !(width >= 1.0 && height >= 1.0 && width < 1e5 && height < 1e5) {
        return None;
    }
    let lines = width.min(height);
    let resolution = match lines {
        ..600.0 => "480p",
        ..900.0 => "720p",
        ..1600.0 => "1080p",
        _ => "4k",
    };
    let distance = |ratio: &&str| {
        let sides = ratio.split_once(':').map(|(w, h)| (w.parse::<f64>(), h.parse::<f64>()));
        let Some((Ok(w), Ok(h))) = sides else { return f64::MAX };
        (w / h / (width / height)).ln().abs()
    };
    let ratios = Ratio::KNOWN.iter().map(Ratio::as_str);
    Some((resolution, ratios.min_by(|a, b| distance(a).total_cmp(&distance(b)))?))
}

/// Values of flags, which are not prompts.
const VALUES: [(&str, &str); 5] = [
    (
        "true false yes no on off y t f maybe never always enable enabled disable disabled",
        "--watermark=false, or the value right after its flag",
    ),
    ("adaptive landscape portrait square", "-r adaptive"),
    ("default flex offline", "--tier flex"),
    ("mp4 mov webm json", "--output-format mov, or --json"),
    ("null none nil undefined nan prompt text stdin", "-p TEXT"),
];

/// Names are separated by spaces.
fn look_up<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    let word = word.to_ascii_lowercase().replace('_', "-");
    table.iter().find(|(names, _)| names.split(' ').any(|name| name == word)).map(|(_, here)| *here)
}

/// The equivalent of another tool's command.
pub(crate) fn verb(word: &str) -> Option<&'static str> {
    look_up(&VERBS, word)
}

/// What to write in the place of another tool's flag. `flag` has its dashes.
pub(crate) fn flag(flag: &str, value: Option<&str>) -> Option<String> {
    let (name, value) = flag.split_once('=').map_or((flag, value), |(name, value)| (name, Some(value)));
    look_up(&FLAGS, name.strip_prefix('-')?.trim_start_matches('-')).map(|hint| hint.with(value))
}

/// Whether one flag switches off what the other switches on: as a suggestion it misleads.
pub(crate) fn is_opposite(typed: &str, suggested: &str) -> bool {
    let is_off = |flag: &str| {
        let name = flag.trim_start_matches('-');
        ["no-", "without-", "disable-", "skip-"].iter().any(|head| name.starts_with(head))
    };
    is_off(typed) != is_off(suggested)
}

/// Which flag a bare value belongs to.
pub(crate) fn value(word: &str) -> Option<&'static str> {
    look_up(&VALUES, word)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::args;

    fn distinct<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
        let names: Vec<&str> = table.iter().flat_map(|(names, _)| names.split(' ')).collect();
        let distinct: BTreeSet<&str> = names.iter().copied().collect();
        assert_eq!(names.len(), distinct.len(), "{names:?}");
        assert!(names.iter().all(|word| *word == word.to_ascii_lowercase()), "{names:?}");
        names
    }

    #[test]
    fn no_word_has_two_meanings_and_none_is_ours_already() {
        distinct(&VERBS);
        distinct(&VALUES);
        let ours = args::command(None);
        let generate = ours.find_subcommand("generate").unwrap();
        for word in distinct(&FLAGS) {
            let is_ours = |arg: &clap::Arg| {
                arg.get_long() == Some(word) || arg.get_all_aliases().unwrap_or_default().contains(&word)
            };
            assert!(!generate.get_arguments().any(is_ours), "--{word} is ours");
        }
    }

    #[test]
    fn foreign_words_are_found_in_any_writing() {
        assert!(verb("Create").is_some_and(|here| here.starts_with("ark-video generate")));
        for word in [
            "queue",
            "logs",
            "t2i",
            "txt2vid",
            "credits",
            "rerun",
            "upscale",
            "batch-run",
            "env",
            "subscribe",
        ] {
            assert!(verb(word).is_some(), "{word}");
        }
        let hint = |word: &str, value| flag(word, value).unwrap_or_default();
        assert_eq!(hint("--negative_prompt=x", None), hint("--negative-prompt", Some("x")));
        assert_eq!(hint("--size=1280*720", None), "write --resolution 720p -r 16:9");
        assert_eq!(hint("-i", Some("a b.png")).matches("'a b.png'").count(), 2);
        assert_eq!(hint("--quality", Some("4K")), "write --resolution 4k");
        assert_eq!(
            (verb("kite"), flag("kite", None), flag("--kite", None), value("kite")),
            Default::default()
        );
    }

    #[test]
    fn a_size_is_a_resolution_and_a_ratio() {
        for (size, resolution, ratio) in [
            ("1920x1080", "1080p", "16:9"),
            ("720x1280", "720p", "9:16"),
            ("1024x1024", "1080p", "1:1"),
            ("864*496", "480p", "16:9"),
            ("3840x2160", "4k", "16:9"),
            ("2560x1080", "1080p", "21:9"),
            ("1112x834", "720p", "4:3"),
        ] {
            assert_eq!(resolution_and_ratio(size), Some((resolution, ratio)), "{size}");
        }
        for size in ["", "1080p", "0x0", "axb", "-1x5", "NaNx1", "16:9"] {
            assert_eq!(resolution_and_ratio(size), None, "{size}");
        }
    }

    #[test]
    fn a_flag_is_not_suggested_for_its_opposite() {
        assert!(is_opposite("--audio-on", "--no-audio") && is_opposite("--without-sidecars", "--sidecar"));
        assert!(!is_opposite("--ratoi", "--ratio") && !is_opposite("--no-maks", "--no-marks"));
    }
}
