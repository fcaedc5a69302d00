//! What `--help` says below the options: notes and examples of each command. Text only; one line a
//! paragraph, because the help is wrapped by the terminal's width.

use std::borrow::Cow;

use crate::exit::Exit;

/// The notes and examples of a command, by its path.
const NOTES: &[(&str, &str)] = &[
    (
        "generate",
        "\
With a JSON file, flags replace the fields of the file, and media flags replace all its media. Without -o the video is saved too.
The estimated cost is printed before sending, the cost afterwards.
Each create is recorded on disk before it is sent: beside the video, or without -o in the state directory. After a crash the same command with --resume continues. Without --resume the same prompt is another video, and another bill.
Flags of arkcli and the SDKs work too: --service-tier, --generate-audio, --aspect-ratio, --input first:@FILE, --save-to, --wait.

Examples:
  ark-video generate \"A paper boat drifts down a gutter\" -d 5 -r 16:9 -o boat.mp4
  ark-video generate \"She turns and smiles\" -m 2.5 --first-frame start.jpg -o smile.mp4
  ark-video generate \"Image 1 walks through Video 1\" --ref cat.png --ref https://example.com/a.mp4
  ark-video generate request.json --resolution 480p --dry-run
  ark-video generate request.json -o boat.mp4 --resume
  ark-video generate \"A paper boat drifts down a gutter\" -d 5 --resume
  ark-video generate request.json --max-cost 3.50CNY -o once.mp4
  ark-video generate \"A paper boat\" -d 5 --variants 3 -o boat.mp4
  echo \"A paper boat\" | ark-video generate @- -o boat.mp4
  ark-video generate --simulate request.json -o free.mp4",
    ),
    (
        "extend",
        "\
The new part is a video of its own that starts with the last frame of the first one; --join also saves both as one file. On 2.5 the task type is sent, the ratio is that of the first video, and the duration is 4 to 30 s.
A file is checked first, then uploaded to your bucket once, and sent as a signed URL; its record keeps the object's name and never the signature. URLs and tasks of the last 24 hours need no bucket.

Examples:
  ark-video extend clip.mp4 \"The boat reaches the sea\" -m 2.5 -d 5 --storage s3://my-bucket/clips -o sea.mp4
  ark-video extend cgt-20261126120000-abcde \"The boat reaches the sea\" -m 2.5 -o sea.mp4
  ark-video extend https://example.com/clip.mp4 \"The camera goes on\" -m 2.5 --dry-run",
    ),
    (
        "edit",
        "\
On 2.5 the task type is sent; the result is as long and as wide as the video, which must have 4 to 30 s. Further references follow it: it is Video 1.

Examples:
  ark-video edit clip.mp4 \"Replace the boat with a paper plane\" -m 2.5 --storage s3://my-bucket/clips -o plane.mp4
  ark-video edit cgt-20261126120000-abcde \"Add the cat of Image 1\" -m 2.5 --ref cat.png -o cat.mp4",
    ),
    (
        "continue",
        "\
The last frame is that of the task, or the image saved beside the file (--return-last-frame). It goes into the request itself: no bucket is needed.

Examples:
  ark-video continue boat.mp4 \"The boat sinks\" -d 5 -o sinks.mp4 --join both.mp4
  ark-video continue cgt-20261126120000-abcde \"The boat sinks\" -d 5 -o sinks.mp4",
    ),
    (
        "storage",
        "\
Examples:
  ark-video storage prune --older-than 30d --dry-run",
    ),
    (
        "storage prune",
        "\
Removes only objects whose names this command gave (a hash of their content), below the prefix of the storage, and uploads that were left unfinished. A task that is queued still needs its objects.

Examples:
  ark-video storage prune --older-than 30d
  ark-video storage prune --older-than 7d --dry-run --json",
    ),
    (
        "check",
        "\
Needs no key and no network. Exit code 0: no errors (there may be warnings). 4: a request is rejected.
Each finding names its rule, the source document, and the code with which the service would reject the request.
With --json, one document per request: findings have rule, strength, pointer, origin, message, advice, source, date, code and http.

Examples:
  ark-video check \"A kite over the sea --rs 720p\" -d 5
  ark-video check \"She turns\" --first-frame start.heic -m 1.0-pro
  ark-video check shots/*.json --resolution 1080p
  ark-video check request.json --catalog newer.json --json",
    ),
    (
        "estimate",
        "\
Needs no key and no network. The result is a range if something is unknown: a duration that the model picks, or the duration of a video URL. Prices are dated list prices; override them with --catalog.

Examples:
  ark-video estimate \"A paper boat\" -d 5 -r 16:9 --resolution 1080p
  ark-video estimate \"A paper boat\" -d 5 --resolution 720p --all-models
  ark-video estimate shots/*.json --json",
    ),
    (
        "batch",
        "\
A list is checked as a whole and recorded in a journal; after a crash or Ctrl-C the same `batch run` continues.

Examples:
  ark-video batch check shots.toml
  ark-video batch run shots.toml --cap 50CNY
  ark-video batch status shots.toml
  ark-video batch report shots.toml --html shots.html",
    ),
    (
        "batch check",
        "\
Needs no key and no network. Relative paths in the list start at its folder. Exit code 0: nothing is rejected (there may be warnings). 4: something is rejected. 6: only output paths are rejected. With 4 or 6, `batch run` sends no part of the list.
With --json, one document: shots with jobs and estimates, totals by model and tag, findings with file, line, column and shot.

Examples:
  ark-video batch check shots.toml
  ark-video batch check shots.jsonl --max-cost 200CNY
  ark-video batch check prompts.txt --set duration=5 --set resolution=720p
  ark-video batch check shots.toml --json | jq '.totals.price'",
    ),
    (
        "batch init",
        "\
The example passes `batch check` as it is. An existing file is never replaced.

Examples:
  ark-video batch init
  ark-video batch init shots.csv",
    ),
    (
        "batch plan",
        "\
Needs no key and no network. The cost is that of what would still be created: the upper end of the estimates.
With --json, one document: shots with their steps, and the totals of each step.

Examples:
  ark-video batch plan shots.toml
  ark-video batch plan shots.csv --cap 50CNY --json",
    ),
    (
        "batch run",
        "\
The whole list is checked first; if any shot is rejected, nothing is sent. Every shot is recorded in the journal before it is sent. After a crash the same command continues: nothing is sent twice, no billed video is lost. Running a list again sends only new and changed shots.
Ctrl-C finishes creates in progress and exits; a second Ctrl-C exits at once. Neither loses anything.
With --json, one line per event and a summary at the end.
With --simulate, videos and journal go to the folder `simulated` beside the list; the real run is not touched.

Examples:
  ark-video batch run shots.toml --cap 50CNY
  ark-video batch run shots.toml --simulate
  ark-video batch run shots.jsonl --journal postgres://ark@db/ark --account personal",
    ),
    (
        "batch status",
        "\
Examples:
  ark-video batch status shots.toml
  ark-video batch status --journal shots.toml.journal --all --json",
    ),
    (
        "batch pause",
        "\
Examples:
  ark-video batch pause shots.toml",
    ),
    (
        "batch resume",
        "\
Examples:
  ark-video batch resume shots.toml && ark-video batch run shots.toml",
    ),
    (
        "batch cancel",
        "\
Examples:
  ark-video batch cancel shots.toml --shot boat,rope
  ark-video batch cancel shots.toml --queued",
    ),
    (
        "batch retry",
        "\
The shots are sent by the next `batch run`, and billed again if they succeed.

Examples:
  ark-video batch retry shots.toml --shot boat && ark-video batch run shots.toml
  ark-video batch retry shots.toml --only gone",
    ),
    (
        "batch approve",
        "\
Examples:
  ark-video batch approve shots.toml --shot boat && ark-video batch run shots.toml",
    ),
    (
        "batch assign",
        "\
If the responses of several creates were lost and their tasks cannot be distinguished, all their videos are saved in `unmatched/` beside the others, and `batch status` names the shots that they may belong to. Assign each of them to its shot. An assigned video is no longer a candidate for other shots.

Examples:
  ark-video batch assign shots.toml boat videos/unmatched/cgt-20261123134708-cjsy5.mp4
  ark-video batch assign shots.toml boat cgt-20261123134708-cjsy5",
    ),
    (
        "batch resolve",
        "\
Examples:
  ark-video batch resolve shots.toml --shot boat --adopt cgt-20261123134708-cjsy5
  ark-video batch resolve shots.toml --shot boat --not-created",
    ),
    (
        "batch report",
        "\
Examples:
  ark-video batch report shots.toml
  ark-video batch report shots.toml --html shots.html",
    ),
    (
        "batch export",
        "\
Examples:
  ark-video batch export shots.toml > rows.jsonl
  ark-video batch export shots.toml --shot boat --request > boat.json",
    ),
    (
        "cost",
        "\
Examples:
  ark-video cost report shots.toml --by day",
    ),
    (
        "cost report",
        "\
Examples:
  ark-video cost report shots.toml
  ark-video cost report shots.toml --by tag --factor 0.85 --json",
    ),
    (
        "get",
        "\
Examples:
  ark-video get cgt-20261122101530-a1b2c
  ark-video get cgt-20261122101530-a1b2c --json | jq -r .content.video_url",
    ),
    (
        "list",
        "\
Examples:
  ark-video list --status running
  ark-video list -m 2.5 -n 100
  ark-video list -q --status succeeded | xargs ark-video download --output-dir videos",
    ),
    (
        "wait",
        "\
Ctrl-C stops the waiting; no task is cancelled.

Examples:
  ark-video wait cgt-20261122101530-a1b2c
  ark-video wait --all --timeout 2h",
    ),
    (
        "download",
        "\
A partial file is continued. Nothing is replaced without --overwrite.

Examples:
  ark-video download cgt-20261122101530-a1b2c -o boat.mp4
  ark-video download --all-succeeded --output-dir videos",
    ),
    (
        "reconcile",
        "\
Found: exit code 0, and the id. Not found, or several candidates: exit code 12. \"Not found\" is no proof: it is undocumented how soon a new task is listed. Sending again is your decision, and may cause a second bill.

Examples:
  ark-video reconcile boat.mp4
  ark-video --json generate … 2> error.json; ark-video reconcile error.json
  ark-video reconcile --since 20m --model 2.0",
    ),
    (
        "cancel",
        "\
A cancelled task is not billed.

Examples:
  ark-video cancel cgt-20261122101530-a1b2c",
    ),
    (
        "forget",
        "\
Examples:
  ark-video forget cgt-20261122101530-a1b2c
  ark-video forget cgt-20261122101530-a1b2c --yes",
    ),
    (
        "models",
        "\
Wherever a model is named, the names in the column FAMILY work, and so do parts of them that are clear: 2.5, 2.0-fast, mini, 1.5-pro. The id that is sent is printed.

Examples:
  ark-video models
  ark-video models --offline 2.5
  ark-video models --why 2.5 1080p",
    ),
    (
        "simulate",
        "\
Examples:
  ark-video simulate --speed 60x
  ark-video simulate --faults faults.toml --state tasks.json
  ark-video simulate --audit -- python my_client.py",
    ),
    (
        "mcp",
        "\
Agents read for free and spend in two steps: `quote` gives a price and a token, `confirm` sends the request of the token once. Each create is recorded in the journal first; a server that is started again goes on with its tasks.
Standard input and output are the agent's; notes go to standard error.

Examples:
  ark-video mcp --budget 20CNY --per-call 5CNY --root ~/videos
  ark-video mcp --simulate --budget 20CNY
  ark-video mcp --http --budget 20CNY --budget-day 50CNY",
    ),
    (
        "doctor",
        "\
Each line is ok, warn or fail, with the fix. The service is parsed once, to list a task: nothing is created and nothing is billed. The exit code is 0 without a failure, otherwise that of the first failure.

Examples:
  ark-video doctor
  ark-video doctor --profile work --json",
    ),
    (
        "config",
        "\
Examples:
  ark-video config
  ark-video config --profile work --json
  ark-video config init",
    ),
    (
        "config init",
        "\
Nothing in the new file is set; only you can read it. An existing file is not replaced.

Examples:
  ark-video config init",
    ),
    (
        "config set",
        "\
The fields are api_key, api_key_file, base_url, model, proxy, confirm_above, ca_cert, headers.NAME and storage.NAME (url, provider, region, endpoint, path_style, profile, access_key_id, secret_access_key, session_token). Comments and order are kept. A key is read from standard input, so that it stays out of the shell's history.

Examples:
  ark-video config set model 2.5
  ark-video config set ca_cert company.pem --profile work
  ark-video config set storage.url s3://my-bucket/clips
  ark-video config set api_key -",
    ),
    (
        "config get",
        "\
Examples:
  ark-video config get model
  ark-video config get base_url --profile work",
    ),
    (
        "config path",
        "\
Examples:
  ark-video config path",
    ),
    (
        "version",
        "\
Examples:
  ark-video version --verbose",
    ),
    (
        "completions",
        "\
The script calls ark-video for each completion, so that it always fits the installed version.

Examples:
  echo 'source <(ark-video completions bash)' >> ~/.bashrc
  echo 'source <(ark-video completions zsh)' >> ~/.zshrc
  echo 'ark-video completions fish | source' >> ~/.config/fish/config.fish",
    ),
    (
        "man",
        "\
Examples:
  ark-video man ~/.local/share/man/man1 && man ark-video-generate",
    ),
];

/// The notes and examples of a command, by its path; those of the root for an empty path.
pub(crate) fn notes(path: &str) -> Cow<'static, str> {
    match NOTES.iter().find(|(of, _)| *of == path) {
        Some((_, notes)) => Cow::Borrowed(notes),
        None if path.is_empty() => Cow::Owned(after_root()),
        None => Cow::Borrowed(""),
    }
}

pub(super) fn after_root() -> String {
    format!(
        "\
Key, address and model come from: flags, then the profile named by --profile, then the environment, then the configuration file (api_key_file or api_key, base_url, model, proxy, ca_cert, headers, storage, and the same under [profiles.NAME]).

Environment: ARK_API_KEY (else VOLCENGINE_ARK_API_KEY, BYTEPLUS_ARK_API_KEY, BYTEPLUS_API_KEY, SEEDANCE_API_KEY), ARK_BASE_URL, ARK_REGION, ARK_PROFILE, ARK_STATE_DIR, HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR, NO_COLOR, CI; for --storage AWS_ACCESS_KEY_ID and related variables, or TOS_ACCESS_KEY.

Records of creates are kept for 30 days in ARK_STATE_DIR, else in $XDG_STATE_HOME/ark-video, else ~/.local/state/ark-video (macOS: ~/Library/Application Support, Windows: %LOCALAPPDATA%).

Examples:
  ark-video generate --simulate \"A paper boat drifts down a gutter\" -o boat.mp4
  ark-video generate \"A paper boat drifts down a gutter\" -d 5 -m mini -o boat.mp4
  ark-video batch run shots.toml --cap 50CNY

{}",
        Exit::help()
    )
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::Command;

    use super::*;
    use crate::args::{command, command_for};

    /// Each command with its path; the generated `help` commands are left out.
    fn each(command: &mut Command, path: &str, then: &mut dyn FnMut(&mut Command, &str)) {
        for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
            let path = format!("{path}{}", sub.get_name());
            then(sub, &path);
            each(sub, &format!("{path} "), then);
        }
    }

    #[test]
    fn every_command_has_examples_and_a_short_help_of_one_screen() {
        let mut seen = Vec::new();
        each(&mut command(Some(80)), "", &mut |command, path| {
            let long = command.render_long_help().to_string();
            assert!(
                long.contains("\nExamples:\n  ark-video ") || long.contains("\nExamples:\n  echo "),
                "{path}"
            );
            assert!(!long.contains("--insecure-http"), "{path} lists global options");
            let short = command.render_help().to_string();
            assert!(short.lines().count() <= 60, "{path}: {} lines\n{short}", short.lines().count());
            // clap does not wrap the usage.
            let fits = |line: &str| line.starts_with("Usage: ") || line.chars().count() <= 80;
            assert!(short.lines().all(fits), "{path}: {short}");
            seen.push(path.to_owned());
        });
        let unused: Vec<_> = NOTES.iter().filter(|(path, _)| !seen.contains(&(*path).to_owned())).collect();
        assert!(unused.is_empty(), "{unused:?}");
        assert!(seen.len() > 25, "{seen:?}");
    }

    /// The words of an example, up to a pipe or the next command.
    fn words(line: &str) -> Vec<String> {
        let line = line.split(['|', '>', ';', '&']).next().unwrap_or_default();
        let parts = line.split('"').enumerate();
        let words = parts.flat_map(|(at, part)| match at % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        });
        std::iter::once("ark-video".to_owned()).chain(words).collect()
    }

    #[test]
    fn examples_are_command_lines_that_parse() {
        let root = after_root();
        for (path, notes) in NOTES.iter().copied().chain([("", root.as_str())]) {
            let lines = notes.lines().filter_map(|line| line.strip_prefix("  ark-video "));
            for line in lines.filter(|line| !line.contains('…')) {
                let words = words(line);
                let args: Vec<OsString> = words.iter().map(OsString::from).collect();
                let parsed = command_for(&args, None).try_get_matches_from(&args);
                assert!(parsed.is_ok(), "{path}: {line}: {}", parsed.unwrap_err());
            }
        }
    }
}
