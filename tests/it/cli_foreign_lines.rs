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
    &["+gen", "A cat runs"],
    &["A cat runs"],
    &["tasks", "create", "-m", "doubao-seedance-2-0-260128"],
    &["predictions", "list"],
    &["login"],
    &["delete", "cgt-1"],
    &["generate", "A", "cat", "runs"],
    &["generate", "A cat runs", "--aspect-ratio", "16:9"],
    &["generate", "A cat runs", "--seconds", "8", "--size", "1280x720"],
    &["generate", "A cat runs", "--image", "pic.png"],
    &["generate", "A cat runs", "--input", "first:@pic.png"],
    &["generate", "A cat runs", "--api-key=sk-SECRETKEY-0123456789abcdef"],
    &["generate", "A cat runs", "--fps", "24"],
    &["generate", "A cat runs", "--wait"],
    &["generate", "A cat runs", "--negative-prompt", "blur"],
    &["generate", "A cat runs", "--webhook", "https://example.com/hook"],
    &["generate", "video", "A cat runs"],
    &["batch", "shots.toml"],
    &["run", "shots.toml"],
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
