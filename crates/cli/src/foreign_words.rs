//! Words of similar tools, and what they are called here: verbs, flags, and values that are no prompt. Only tables and
//! their look-up; what is refused because of them is decided elsewhere.

/// Verbs of other tools: what is meant, and how it is written here.
const VERBS: [(&[&str], &str); 17] = [
    (
        &[
            "create",
            "submit",
            "run",
            "gen",
            "generation",
            "make",
            "render",
            "predict",
            "new",
            "send",
            "post",
            "text2video",
            "text-to-video",
            "image2video",
            "image-to-video",
            "t2v",
            "i2v",
            "r2v",
            "v2v",
            "video",
            "videos",
            "image",
            "images",
            "imagine",
            "tasks",
            "task",
            "prediction",
            "predictions",
            "contents",
            "generations",
            "txt2video",
            "txt2vid",
            "img2video",
            "img2vid",
            "t2i",
            "i2i",
            "flf2v",
            "kf2v",
            "ti2v",
            "invoke",
            "execute",
            "exec",
            "call",
            "put",
            "job",
            "animate",
        ],
        "ark-video generate \"A paper boat drifts down a gutter\"",
    ),
    (
        &[
            "show",
            "query",
            "describe",
            "retrieve",
            "inspect",
            "info",
            "result",
            "results",
            "state",
            "poll-once",
        ],
        "ark-video get ID",
    ),
    (&["history", "jobs", "all", "index", "queue", "ps", "logs", "log"], "ark-video list"),
    (&["poll", "watch", "await", "follow", "tail", "monitor", "subscribe", "stream"], "ark-video wait ID"),
    (&["fetch", "save", "pull", "download-all"], "ark-video download ID"),
    (&["stop", "abort", "kill"], "ark-video cancel ID"),
    (&["delete", "del", "rm", "remove", "destroy", "purge", "prune", "clean"], "ark-video forget ID"),
    (
        &[
            "price", "pricing", "prices", "balance", "usage", "quote", "billing", "credits", "credit",
            "quota", "budget", "plan",
        ],
        "ark-video estimate REQUEST.json",
    ),
    (&["validate", "lint", "verify", "test", "doctor", "preview", "dry-run"], "ark-video check REQUEST.json"),
    (
        &[
            "login",
            "logout",
            "auth",
            "init",
            "setup",
            "configure",
            "whoami",
            "profile",
            "profiles",
            "key",
            "keys",
            "account",
            "token",
            "tokens",
            "env",
            "settings",
            "set",
            "use",
            "region",
        ],
        "export ARK_API_KEY=… (`ark-video config` shows what is used)",
    ),
    (
        &["extend", "edit", "remix", "upscale"],
        "ark-video generate \"…\" --ref VIDEO --task-type edit, or extend",
    ),
    (
        &["upload", "asset", "assets", "file", "files", "import", "push"],
        "ark-video generate \"…\" --ref FILE",
    ),
    (&["serve", "server", "mock", "start", "daemon", "worker"], "ark-video simulate"),
    (&["man", "usage-help", "?", "docs", "doc", "completion", "mcp", "chat"], "ark-video --help"),
    (&["update", "upgrade", "install", "version"], "ark-video --version"),
    (&["rerun", "redo", "replay", "restart"], "ark-video generate … --resume, or ark-video batch retry LIST"),
    (&["batch-run", "batch-generate", "apply"], "ark-video batch run LIST"),
];

/// Flags of other tools, without their dashes, and the way to say it here.
const FLAGS: [(&[&str], &str); 24] = [
    (&["aspect-ratio", "aspect", "ar", "rt", "aspectratio"], "write --ratio"),
    (&["seconds", "dur", "length", "secs", "video-length"], "write --duration"),
    (&["size", "width", "height", "dimensions"], "write --resolution and --ratio"),
    (&["rs", "quality", "res"], "write --resolution"),
    (
        &[
            "image",
            "image-url",
            "img",
            "input-image",
            "start-image",
            "start-frame",
            "first-image",
            "first",
            "first-frame-image",
            "input-reference",
        ],
        "write --first-frame IMAGE, or --ref IMAGE for a reference",
    ),
    (
        &["last", "end-image", "end-frame", "last-image", "last-frame-image", "tail-image", "image-tail"],
        "write --last-frame IMAGE",
    ),
    (
        &["input", "i", "media", "file", "attach"],
        "write --first-frame, --last-frame or --ref; a request as JSON has no flag",
    ),
    (
        &[
            "reference",
            "references",
            "reference-image",
            "reference-images",
            "reference-video",
            "reference-audio",
            "image-ref",
            "video",
            "video-url",
            "audio-url",
            "images",
            "videos",
        ],
        "write --ref MEDIA, once for each",
    ),
    (
        &["api-key", "apikey", "key", "token", "access-key", "secret-key", "ak", "sk", "bearer"],
        "a key does not belong on a command line: export ARK_API_KEY=…, or say --api-key-file FILE",
    ),
    (&["endpoint", "host", "url", "api-base", "base"], "write --base-url"),
    (&["region", "site"], "set ARK_REGION, or write --base-url"),
    (
        &["fps", "framespersecond", "frame-rate"],
        "the service has no such setting: every video has 24 frames a second",
    ),
    (&["num-frames", "frame-count"], "write --frames"),
    (&["wait", "sync", "poll"], "leave it out: generate waits, unless --no-wait is given"),
    (&["async", "no-poll", "detach", "background"], "write --no-wait"),
    (&["out", "outfile", "save", "dest", "download-to"], "write -o FILE"),
    (&["out-dir", "outdir", "download-dir", "save-dir"], "write --output-dir DIR"),
    (&["negative-prompt", "negative"], "the service has no such setting: say in the prompt what is wanted"),
    (&["webhook", "callback", "webhook-url", "notify-url"], "write --callback-url"),
    (&["generate-audio", "with-audio", "sound", "enable-audio"], "write --audio or --no-audio"),
    (&["camerafixed", "cf", "fixed-camera"], "write --camera-fixed"),
    (&["wm", "add-watermark"], "write --watermark"),
    (&["service-tier", "offline", "flex"], "write --tier"),
    (
        &["n", "num", "count", "num-videos", "batch", "batch-size"],
        "one request is one video: see `ark-video batch --help`",
    ),
];

/// Words that are values of some flag, and so no prompt.
const VALUES: [(&[&str], &str); 5] = [
    (
        &[
            "true", "false", "yes", "no", "on", "off", "y", "t", "f", "maybe", "never", "always", "enable",
            "enabled", "disable", "disabled",
        ],
        "--watermark=false, or the word right behind the flag that it is for",
    ),
    (&["adaptive", "landscape", "portrait", "square"], "-r adaptive"),
    (&["default", "flex", "offline"], "--tier flex"),
    (&["mp4", "mov", "webm", "json"], "--output-format mov, or --json"),
    (&["null", "none", "nil", "undefined", "nan", "prompt", "text", "stdin"], "-p TEXT"),
];

fn look_up(table: &'static [(&'static [&'static str], &'static str)], word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase().replace('_', "-");
    table.iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, here)| *here)
}

/// What a verb of another tool is called here.
pub(crate) fn verb(word: &str) -> Option<&'static str> {
    look_up(&VERBS, word)
}

/// How a flag of another tool is said here. `flag` has its dashes.
pub(crate) fn flag(flag: &str) -> Option<&'static str> {
    let name = flag.split('=').next().unwrap_or_default();
    look_up(&FLAGS, name.strip_prefix('-')?.trim_start_matches('-'))
}

/// Which flag a bare value belongs to.
pub(crate) fn value(word: &str) -> Option<&'static str> {
    look_up(&VALUES, word)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::args::Cli;

    #[test]
    fn no_word_has_two_meanings_and_none_is_ours_already() {
        for table in [&VERBS[..], &FLAGS[..], &VALUES[..]] {
            let words: Vec<&str> = table.iter().flat_map(|(words, _)| words.iter().copied()).collect();
            let distinct: BTreeSet<&str> = words.iter().copied().collect();
            assert_eq!(words.len(), distinct.len(), "{words:?}");
            assert!(words.iter().all(|word| *word == word.to_ascii_lowercase()), "{words:?}");
        }
        let ours = Cli::command();
        let generate = ours.find_subcommand("generate").unwrap();
        for (words, _) in &FLAGS {
            for word in *words {
                assert!(generate.get_arguments().all(|arg| arg.get_long() != Some(word)), "--{word} is ours");
            }
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
        assert_eq!(flag("--aspect_ratio=16:9"), Some("write --ratio"));
        assert_eq!(flag("-ar"), Some("write --ratio"));
        assert_eq!((verb("kite"), flag("kite"), flag("--kite"), value("kite")), (None, None, None, None));
    }
}
