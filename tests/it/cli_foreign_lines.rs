//! Command lines that were meant for another tool, or for another command: none of them creates a
//! task, each says how it is written here.

use std::fmt::Write as _;
use std::fs;

use ark_video_simulator::Simulator;

use crate::cli::Shell;

/// What is written after `ark-video`, word by word.
const LINES: &[&[&str]] = &[
    // A command where the prompt belongs.
    &["generate", "list"],
    &["generate", "status"],
    &["generate", "Help"],
    &["generate", "get", "--no-wait"],
    &["gen", "run"],
    &["generate", "login"],
    &["generate", "create"],
    &["generate", "delete"],
    &["generate", "cancel"],
    &["generate", "retry"],
    &["generate", "video"],
    &["generate", "pricing"],
    &["generate", "init"],
    &["generate", "ark-video list -n 5"],
    // A file where the prompt belongs.
    &["generate", "shots.toml"],
    &["generate", "notes.txt"],
    &["generate", "pic.png"],
    &["generate", "folder"],
    &["generate", "gone.MP4"],
    &["generate", "my holiday picture.jpeg"],
    &["generate", "first:@a.png"],
    &["generate", "image:https://example.com/a.png"],
    &["generate", "@none.txt"],
    &["generate", "@pic.png"],
    &["generate", "@request.json"],
    &["generate", "@image1 walks along the beach"],
    &["generate", "./shots"],
    &["generate", "~/videos/boat"],
    &["generate", "*.png"],
    &["generate", "none.json"],
    // A value where the prompt belongs.
    &["generate", ""],
    &["generate", "https://example.com/a.png"],
    &["generate", "https://example.com/a.png make her smile"],
    &["generate", "data:image/png;base64,iVBORw0KGgo="],
    &["generate", "cgt-20261129120000-abcde"],
    &["generate", "doubao-seedance-2-0-260128"],
    &["generate", "bytedance/seedance-1-pro"],
    &["generate", "ep-20260915103000-abcde"],
    &["generate", "5"],
    &["generate", "16:9"],
    &["generate", "1280x720"],
    &["generate", "720p"],
    &["generate", "5s"],
    &["generate", "true"],
    &["generate", "adaptive"],
    &["generate", "duration=5"],
    &["generate", "prompt=A cat runs"],
    &["generate", "aspect_ratio:=16:9"],
    &["generate", "{\"model\": \"doubao-seedance-2-0-260128\", \"prompt\": \"a cat\"}"],
    &["generate", "sk-SECRETKEY-0123456789abcdef"],
    &["generate", "--", "--watermark"],
    // Boolean flags.
    &["generate", "--watermark", "false"],
    &["generate", "--draft", "no"],
    &["generate", "A cat runs", "--watermark", "maybe"],
    &["generate", "A cat runs", "--audio", "loud"],
    &["generate", "A cat runs", "--watermark=si"],
    // As other tools are called.
    &["create", "--prompt", "A cat runs"],
    &["run", "bytedance/seedance-1-pro", "prompt=A cat runs", "duration=5"],
    &["A cat runs"],
    &["tasks", "create", "-m", "doubao-seedance-2-0-260128"],
    &["predictions", "list"],
    &["login"],
    &["delete", "cgt-1"],
    &["generate", "A", "cat", "runs"],
    &["generate", "A cat runs", "--seconds", "8", "--size", "1280x720"],
    &["generate", "A cat runs", "--image", "pic.png"],
    &["generate", "A cat runs", "--input", "first:@pic.png"],
    &["generate", "A cat runs", "--api-key=sk-SECRETKEY-0123456789abcdef"],
    &["generate", "A cat runs", "--fps", "24"],
    &["generate", "A cat runs", "--negative-prompt", "blur"],
    &["generate", "video", "A cat runs"],
    &["batch", "shots.toml"],
    &["run", "shots.toml"],
    // Flags of the SDKs, of skills and of other commands, where there is no setting with that
    // meaning.
    &["generate", "A cat runs", "--size=1080x1920"],
    &["generate", "A cat runs", "--size", "big"],
    &["generate", "A cat runs", "--quality", "720P"],
    &["generate", "A cat runs", "--quality", "high"],
    &["generate", "A cat runs", "-i", "pic.png"],
    &["generate", "A cat runs", "--image", "my holiday picture.jpeg"],
    &["generate", "A cat runs", "--video-url", "https://example.com/a.mp4"],
    &["generate", "A cat runs", "--cfg-scale", "0.5"],
    &["generate", "A cat runs", "--format", "mp4"],
    &["generate", "A cat runs", "--endpoint", "ep-20260915103000-abcde"],
    &["generate", "A cat runs", "--region", "cn-beijing"],
    &["generate", "A cat runs", "--width", "1280", "--height", "720"],
    &["generate", "A cat runs", "--n", "3"],
    &["generate", "A cat runs", "--verbose"],
    &["generate", "A cat runs", "--camera_fix"],
    // Suggestions by spelling that would mean the opposite.
    &["generate", "A cat runs", "--no-aspect"],
    &["generate", "A cat runs", "--audio-on"],
    &["get", "cgt-1", "--no-colour"],
    // Two names for one thing, or opposites.
    &["generate", "A cat runs", "--wait", "--no-wait"],
    &["generate", "A cat runs", "--ratio", "1:1", "--aspect-ratio", "16:9"],
    &["generate", "A cat runs", "--generate-audio", "--no-audio"],
    &["generate", "A cat runs", "--save-to", "videos", "-o", "a.mp4"],
    &["get", "cgt-1", "--format", "text", "--quiet"],
    // Names of models.
    &["generate", "A cat runs", "-m", "fast"],
    &["generate", "A cat runs", "-m", "1.0"],
    &["generate", "A cat runs", "-m", "3.0"],
    &["generate", "mini"],
    &["generate", "2.5"],
    &["estimate", "A cat runs", "-m", "pro"],
    &["list", "-m", "pro"],
    &["models", "--why", "fast", "1080p"],
    // Commands of arkcli and others, as they are nested there.
    &["gen", "get", "cgt-20261129120000-abcde"],
    &["generate", "list", "--status", "running", "--page-size", "5"],
    &["+gen", "list"],
    &["+wait", "cgt-1"],
    &["models", "get", "2.5"],
    &["pricing", "models"],
    &["api", "/v1/predictions"],
    &["get", "cgt-1", "cgt-2"],
    &["simulate", "A cat runs"],
    &["completions"],
    &["completions", "tcsh"],
    &["check", "A cat runs", "on", "grass"],
    // Bodies of another dialect.
    &["generate", "openai.json"],
    &["generate", "parameters.json"],
    &["generate", "messages.json"],
    &["generate", "camel.json"],
    &["generate", "metadata.json"],
    &["generate", "replicate.json"],
    &["generate", "list.json"],
    &["generate", "A cat runs", "--extra-body", "duration=5"],
];

const BODIES: [(&str, &str); 7] = [
    (
        "openai.json",
        r#"{"model":"doubao-seedance-2-0-260128","prompt":"a cat","seconds":"8","size":"1280x720"}"#,
    ),
    (
        "parameters.json",
        r#"{"model":"doubao-seedance-2-0-260128","content":[{"type":"text","text":"a cat"}],"parameters":{"duration":10,"resolution":"1080p"}}"#,
    ),
    (
        "messages.json",
        r#"{"model":"doubao-seedance-2-0-260128","messages":[{"role":"user","content":"a cat"}]}"#,
    ),
    (
        "camel.json",
        r#"{"model":"doubao-seedance-2-0-260128","content":[{"type":"text","text":"a cat"}],"aspectRatio":"16:9","generateAudio":false}"#,
    ),
    (
        "metadata.json",
        r#"{"model":"doubao-seedance-2-0-260128","prompt":"x","metadata":{"content":[{"type":"text","text":"a cat"}]}}"#,
    ),
    ("replicate.json", r#"{"version":"bytedance/seedance-1-pro","input":{"prompt":"a cat","duration":5}}"#),
    ("list.json", r#"[{"model":"doubao-seedance-2-0-260128","content":[{"type":"text","text":"a cat"}]}]"#),
];

#[tokio::test(flavor = "multi_thread")]
async fn none_creates_a_task_and_each_says_how_it_is_written() {
    let simulator = Simulator::builder().speed(100.0).start().await.unwrap();
    let shell = Shell::at(&simulator);
    let write = |name: &str, text: &str| fs::write(shell.folder.path().join(name), text).unwrap();
    fs::create_dir(shell.folder.path().join("folder")).unwrap();
    write("pic.png", "\u{89}PNG");
    write("notes.txt", "A cat runs.");
    write("shots.toml", "[[shots]]\nname = \"a\"\nprompt = \"A cat runs.\"\n");
    BODIES.iter().for_each(|(name, text)| write(name, text));
    let before = shell.files();
    let mut page = String::new();
    for line in LINES {
        let ran = shell.run(line).await;
        assert_ne!(ran.code, 0, "{line:?}: {}", ran.stdout);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("SECRETKEY"), "{line:?}: {}", ran.stderr);
        let shown: Vec<String> = line.iter().map(|word| format!("{word:?}")).collect();
        // The parser's usage follows from the definition, and is pinned with the help.
        let said = ran.stderr.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("Usage: "));
        let said: Vec<&str> = said.collect();
        assert!(said.len() > 1, "{line:?} has no hint: {}", ran.stderr);
        let said = said.join("\n  ").replace("sk-SECRETKEY-0123456789abcdef", "KEY");
        writeln!(page, "{}\n  exit {}: {said}", shown.join(" ").replace("SECRETKEY", "…"), ran.code).unwrap();
    }
    assert_eq!(simulator.ledger().accepted, 0, "a create was accepted");
    assert_eq!(shell.files(), before);
    assert!(LINES.len() >= 60);
    insta::assert_snapshot!("foreign_lines", page);
}

/// Command lines as they are typed for arkcli, the SDKs and similar commands, and that mean the
/// same here: what would be sent.
const OBVIOUS: &[&[&str]] = &[
    &["+gen", "A cat"],
    &["A cat", "--aspect-ratio", "16:9"],
    &["A cat", "--aspect_ratio=16:9", "--seconds", "5"],
    &["A cat", "--rs", "720p", "--rt", "16:9", "--dur", "5", "--cf", "false", "--wm", "true"],
    &["A cat", "--service-tier", "flex", "-m", "1.0-pro"],
    &["A cat", "--generate-audio", "false"],
    &["A cat", "--generate_audio=true"],
    &["A cat", "--mute"],
    &["A cat", "--no-watermark", "--no-draft", "--no-overwrite"],
    &["A cat", "--camerafixed", "true", "-m", "1.0-pro"],
    &["A cat", "--return-last-frame", "--execution-expires-after", "7200"],
    &["A cat", "--safety-identifier", "u1", "--callback", "https://example.com/hook"],
    &["A cat", "--tools", "web_search", "-m", "2.5"],
    &["A cat", "--extra-body", "{\"priority\":3}"],
    &["A cat", "--wait"],
    &["A cat", "--wait=true", "--save-to", "videos"],
    &["A cat", "--async"],
    &["A cat", "--out", "a.mp4"],
    &["A cat", "--input", "first:@https://example.com/a.png"],
    &["A cat", "--input", "first:https://example.com/a.png", "--input", "last:https://example.com/b.png"],
    &["A cat", "--input", "ref:https://example.com/a.mp4", "--reference-image", "https://example.com/a.png"],
    &["A cat", "--first", "https://example.com/a.png", "--tail-image", "https://example.com/b.png"],
    &["A cat", "-m", "2.5"],
    &["A cat", "-m", "2.0"],
    &["A cat", "-m", "2.0-fast"],
    &["A cat", "-m", "mini"],
    &["A cat", "-m", "2.0-mini"],
    &["A cat", "-m", "1.5-pro"],
    &["A cat", "-m", "1.0-pro"],
    &["A cat", "--model-id", "Seedance 2.0"],
    &["A cat", "-m", "bytedance/seedance-1-pro"],
    &["short.json"],
    &["A cat", "--config", "config.toml"],
    &["A cat", "--format", "json"],
    &["A cat", "--format=text"],
];

#[tokio::test]
async fn what_means_the_same_here_is_done() {
    let shell = Shell::new();
    fs::write(
        shell.folder.path().join("short.json"),
        r#"{"model":"mini","content":[{"type":"text","text":"A cat"}]}"#,
    )
    .unwrap();
    fs::write(shell.folder.path().join("config.toml"), "model = \"1.5\"\n").unwrap();
    let mut page = String::new();
    for line in OBVIOUS {
        let (verb, rest) = if line[0] == "+gen" { ("+gen", &line[1..]) } else { ("generate", *line) };
        let ran = shell.run(&[&[verb, "--dry-run"], rest].concat()).await;
        assert_eq!(ran.code, 0, "{line:?}: {}", ran.stderr);
        let body: serde_json::Value = match serde_json::from_str(&ran.stdout) {
            Ok(document) => document,
            Err(error) => panic!("{line:?}: {error}: {}", ran.stdout),
        };
        let body = body.get("body").unwrap_or(&body);
        let names = ran.stderr.lines().filter(|line| line.starts_with("model "));
        let names: String = names.map(|name| format!("\n  {name}")).collect();
        writeln!(page, "{}\n  {body}{names}", line.join(" ")).unwrap();
    }
    assert!(LINES.len() + OBVIOUS.len() >= 145);
    insta::assert_snapshot!("obvious_lines", page);
}

/// What is sent although it begins as those above do.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_outright_is_sent() {
    let simulator = Simulator::builder().speed(100.0).start().await.unwrap();
    let shell = Shell::at(&simulator);
    fs::write(shell.folder.path().join("notes"), "From a file.\n").unwrap();
    fs::write(shell.folder.path().join("UTF16.txt"), [&b"\xff\xfe"[..], b"A\0 \0c\0a\0t\0"].concat())
        .unwrap();
    let lines: &[(&[&str], &str, &str)] = &[
        (&["-p", "list"], "list", "null"),
        (&["-p", "pic.png"], "pic.png", "null"),
        (&["@notes"], "From a file.", "null"),
        (&["-p", "@UTF16.txt"], "A cat", "null"),
        (&["-p", " @image1 walks"], " @image1 walks", "null"),
        (&["A list of cats"], "A list of cats", "null"),
        (&["Kite!"], "Kite!", "null"),
        (&["b2"], "b2", "null"),
        (&["一只橘猫在草地上奔跑"], "一只橘猫在草地上奔跑", "null"),
        (&["first: a cat runs; last: it sleeps"], "first: a cat runs; last: it sleeps", "null"),
        (&["[Scene 1] A cat = a tiger"], "[Scene 1] A cat = a tiger", "null"),
        (&["A cat", "--watermark", "false"], "A cat", "false"),
        (&["--watermark", "on", "A cat"], "A cat", "true"),
        (&["--watermark", "A cat"], "A cat", "true"),
    ];
    for (line, prompt, watermark) in lines {
        let line: Vec<&str> =
            ["generate", "--dry-run", "--json"].iter().chain(line.iter()).copied().collect();
        let ran = shell.run(&line).await;
        assert_eq!(ran.code, 0, "{line:?}: {}", ran.stderr);
        let body = &ran.json()["body"];
        let sent = (body["content"][0]["text"].as_str(), body["watermark"].to_string());
        assert_eq!(sent, (Some(*prompt), (*watermark).to_owned()), "{line:?}");
    }
    assert_eq!(simulator.ledger().accepted, 0);
}
