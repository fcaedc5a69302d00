//! Commands, flags and values of similar tools, and their equivalents here. Only tables and
//! lookups; what is rejected because of them is decided elsewhere.

/// Commands of other tools and their equivalents here.
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

/// Flags of other tools, without dashes, and their equivalents here.
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
        "use --first-frame, --last-frame or --ref; a JSON request needs no flag",
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
        "do not put a key on the command line: export ARK_API_KEY=…, or use --api-key-file FILE",
    ),
    (&["endpoint", "host", "url", "api-base", "base"], "write --base-url"),
    (&["region", "site"], "set ARK_REGION, or write --base-url"),
    (
        &["fps", "framespersecond", "frame-rate"],
        "the service has no such setting: every video has 24 frames per second",
    ),
    (&["num-frames", "frame-count"], "write --frames"),
    (&["wait", "sync", "poll"], "omit it: generate waits unless --no-wait is given"),
    (&["async", "no-poll", "detach", "background"], "write --no-wait"),
    (&["out", "outfile", "save", "dest", "download-to"], "write -o FILE"),
    (&["out-dir", "outdir", "download-dir", "save-dir"], "write --output-dir DIR"),
    (&["negative-prompt", "negative"], "the service has no such setting: describe it in the prompt"),
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

/// Values of flags, which are not prompts.
const VALUES: [(&[&str], &str); 5] = [
    (
        &[
            "true", "false", "yes", "no", "on", "off", "y", "t", "f", "maybe", "never", "always", "enable",
            "enabled", "disable", "disabled",
        ],
        "--watermark=false, or the value right after its flag",
    ),
    (&["adaptive", "landscape", "portrait", "square"], "-r adaptive"),
    (&["default", "flex", "offline"], "--tier flex"),
    (&["mp4", "mov", "webm", "json"], "--output-format mov, or --json"),
    (&["null", "none", "nil", "undefined", "nan", "prompt", "text", "stdin"], "-p TEXT"),
];

fn look_up(table: &'static [(&'static [&'static str], &'static str)], word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase().replace('_', "-");
    table.iter().find(|(names, _)| names.contains(&word.as_str())).map(|(_, here)| *here)
}

/// The equivalent of another tool's command.
pub(crate) fn verb(word: &str) -> Option<&'static str> {
    look_up(&VERBS, word)
}

/// The equivalent of another tool's flag. `flag` has its dashes.
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
            let names: Vec<&str> = table.iter().flat_map(|(names, _)| names.iter().copied()).collect();
            let distinct: BTreeSet<&str> = names.iter().copied().collect();
            assert_eq!(names.len(), distinct.len(), "{names:?}");
            assert!(names.iter().all(|word| *word == word.to_ascii_lowercase()), "{names:?}");
        }
        let ours = Cli::command();
        let generate = ours.find_subcommand("generate").unwrap();
        for (names, _) in &FLAGS {
            for word in *names {
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
