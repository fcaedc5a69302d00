//! Wrong input of each kind: one clear message, its own exit code, nothing on disk. And what
//! `--help` says.

use ark_video_cli::Terminal;
use ark_video_test_support::ports::closed_address;

use crate::cli::{Ran, Shell};

/// Runs it and proves that nothing was left behind.
async fn refused(shell: Shell, line: &[&str]) -> String {
    let before = shell.files();
    let Ran { code, stdout, stderr } = shell.run(line).await;
    assert_eq!(stdout, "");
    assert_eq!(shell.files(), before);
    format!("exit {code}\n{stderr}").replace(&shell.folder.path().display().to_string(), "DIR")
}

fn with_key() -> Shell {
    Shell::new().set("ARK_API_KEY", "a-key-of-nobody")
}

#[tokio::test]
async fn no_key() {
    insta::assert_snapshot!(refused(Shell::new(), &["generate", "A cat."]).await, @r#"
    exit 3
    error: no API key: ARK_API_KEY is not set, and no file provides one
    hint: export ARK_API_KEY=…, or use --api-key-file FILE; `ark-video config` shows the sources
    hint: to try it without a key and without cost, add --simulate
    "#);
}

#[tokio::test]
async fn a_base_url_that_is_none() {
    insta::assert_snapshot!(refused(with_key(), &["list", "--base-url", "ark.example.com"]).await, @r#"
    exit 3
    error: invalid client configuration: invalid base URL: it does not start with https://; expected a form such as https://ark.cn-beijing.volces.com/api/v3, or http://127.0.0.1:8080/api/v3 on this machine.
    hint: the base URL comes from: --base-url; the key comes from: ARK_API_KEY
    "#);
}

#[tokio::test]
async fn bad_json() {
    let shell = with_key();
    std::fs::write(shell.folder.path().join("r.json"), "{\n  \"model\": \"m\",\n  \"content\": [,]\n}\n")
        .unwrap();
    insta::assert_snapshot!(refused(shell, &["generate", "r.json"]).await, @r#"
    exit 4
    error: r.json:3:15 is not valid JSON: expected value
      |
    3 |   "·······": [,]
      |               ^
    "#);
}

#[tokio::test]
async fn json_of_the_wrong_type() {
    let shell = with_key();
    let text = r#"{"model": "m", "content": [{"type": "text", "text": "secret"}, {"type": "image_url", "image_url": "secret"}]}"#;
    std::fs::write(shell.folder.path().join("r.json"), text).unwrap();
    insta::assert_snapshot!(refused(shell, &["generate", "r.json"]).await, @r#"
    exit 4
    error: invalid request (2 errors); nothing was sent, nothing is billed
      r.json: content[1].image_url: `image_url` is a string, and must be an object. Write `{"url": …}` there. [type]
      r.json: content[1].image_url.url: This URL has an unknown form; an image takes https, data or asset. Write https://…, asset://… or, where the kind has it, a data URL. [media-form]
    "#);
}

#[tokio::test]
async fn an_unknown_flag() {
    insta::assert_snapshot!(refused(with_key(), &["generate", "A cat.", "--ratoi", "16:9"]).await, @r#"
    exit 2
    error: unexpected argument '--ratoi' found

      tip: a similar argument exists: '--ratio'

    Usage: ark-video generate --ratio <RATIO> <PROMPT|FILE.json|->

    hint: see: ark-video generate --help
    "#);
    insta::assert_snapshot!(refused(with_key(), &["--json", "generate", "A cat.", "--fps", "60"]).await, @r#"
    exit 2
    {"code":null,"kind":"usage","message":"unexpected argument '--fps' found","suggestion":"omit it: every video has 24 frames per second","request_id":null,"task_id":null,"param":null,"origin":null,"findings":[],"reconcile":null,"exit_code":2}
    "#);
}

#[tokio::test]
async fn an_unreachable_host() {
    let closed = closed_address();
    let said = refused(
        with_key(),
        &["generate", "A cat.", "--base-url", &format!("http://{closed}/api/v3"), "-o", "a.mp4"],
    )
    .await;
    // The number of "connection refused" differs from system to system.
    let (before, after) = said.split_once(" (os error ").unwrap();
    insta::assert_snapshot!(format!("{before}{}", after.split_once(')').unwrap().1), @r#"
    exit 7
    estimate: 5.00 to 5.05 CNY (108,900 to 109,586 tokens at 46.00 CNY per million tokens; list prices of 2026-10)
    error: The request to create the task was not sent: no connection to 127.0.0.1 (Connection refused). Nothing was created and nothing is billed. Check the network, the base URL and the proxy; trying again is safe.
    "#);
}

#[tokio::test]
async fn a_file_that_is_not_there() {
    insta::assert_snapshot!(refused(with_key(), &["generate", "none.json"]).await, @r#"
    exit 5
    error: cannot read the request none.json: there is no such file
    hint: nothing was sent
    "#);
    insta::assert_snapshot!(refused(with_key(), &["generate", "A cat.", "--ref", "none.png"]).await, @r#"
    exit 5
    error: --ref: cannot read none.png: there is no such file
    hint: nothing was sent
    "#);
}

#[tokio::test]
async fn a_directory_as_output() {
    let shell = with_key();
    std::fs::create_dir(shell.folder.path().join("out")).unwrap();
    insta::assert_snapshot!(refused(shell, &["generate", "A cat.", "-o", "out"]).await, @r#"
    exit 6
    error: out is a folder, not a file
    hint: name a file, such as -o out/video.mp4, or use --output-dir out
    "#);
    insta::assert_snapshot!(refused(with_key(), &["generate", "A cat.", "-o", "none/a.mp4"]).await, @r#"
    exit 6
    error: the folder none does not exist
    hint: make it, or choose another
    "#);
}

#[tokio::test]
async fn a_simulator_that_would_forget() {
    insta::assert_snapshot!(refused(Shell::new(), &["get", "cgt-1", "--simulate"]).await, @r#"
    exit 2
    error: the simulator of --simulate ends with this command and has no tasks
    hint: use it with `generate`, `models` and `batch run`; otherwise run `ark-video simulate` and set ARK_BASE_URL to it
    "#);
}

#[tokio::test]
async fn several_readers_of_one_input() {
    insta::assert_snapshot!(refused(Shell::new(), &["generate", "-", "--api-key-file", "-"]).await, @r#"
    exit 2
    error: several flags read standard input, but it can be read only once
    "#);
}

#[tokio::test]
async fn help_says_what_there_is() {
    let shell = Shell::new();
    for (name, line) in [
        ("help", &["--help"][..]),
        ("help_short", &["-h"]),
        ("help_generate", &["generate", "--help"]),
        ("help_generate_short", &["generate", "-h"]),
        ("help_download", &["download", "--help"]),
    ] {
        let ran = shell.run(line).await;
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        insta::assert_snapshot!(name, ran.stdout);
    }
    assert!(shell.run(&["--version"]).await.stdout.starts_with("ark-video "));
}

#[tokio::test]
async fn completion_scripts_call_the_command() {
    for name in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = Shell::new().run(&["completions", name]).await;
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout.contains("_ARK_VIDEO_COMPLETE"), "{name}: {}", ran.stdout);
    }
}

#[tokio::test]
async fn text_on_standard_input_is_not_guessed_to_be_a_prompt() {
    let shell = Shell::new();
    let piped =
        |text: &'static str| move |env: &mut ark_video_cli::Env| env.stdin = Box::new(text.as_bytes());
    let ran = shell.run_with(&["generate", "-"], piped("A cat runs.\n")).await;
    insta::assert_snapshot!(format!("exit {}\n{}", ran.code, ran.stderr), @r"
    exit 2
    error: standard input is text, not a JSON request; nothing was sent
    hint: for a prompt on standard input, write @- instead of -
    ");
    for (text, code) in [("一只猫在奔跑", 2), ("", 2), ("{\"model\": 1", 4), ("[]", 4), ("null", 4), ("5", 4)]
    {
        let ran = shell.run_with(&["check", "-"], piped(text)).await;
        assert_eq!(ran.code, code, "{text}: {}", ran.stderr);
    }
    let ran = shell.run_with(&["generate", "@-", "--dry-run", "--json"], piped("A cat runs.\n")).await;
    assert_eq!(ran.json()["body"]["content"][0]["text"], "A cat runs.");
}

#[tokio::test]
async fn a_quiet_dry_run_says_why_a_request_is_refused() {
    let line = ["generate", "A cat.", "-d", "99", "-m", "2.0", "--dry-run", "-q"];
    let ran = Shell::new().run(&line).await;
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.contains("--duration: ") && ran.stderr.contains("[duration]"), "{}", ran.stderr);
}

#[tokio::test]
async fn a_global_option_without_effect_is_refused() {
    insta::assert_snapshot!(refused(Shell::new(), &["simulate", "--simulate"]).await, @r"
    exit 2
    error: --simulate has no effect with `simulate`
    hint: `ark-video simulate` is the simulator by itself; --simulate goes with generate, models and batch run
    ");
    let said = refused(Shell::new(), &["simulate", "--base-url", "https://ark.example/api/v3"]).await;
    assert!(said.starts_with("exit 2\nerror: --base-url has no effect"), "{said}");
    assert!(refused(Shell::new(), &["completions", "bash", "--simulate"]).await.starts_with("exit 2\n"));
}

#[tokio::test]
async fn a_terminal_of_40_columns_is_not_overrun() {
    for line in
        [&["-h"][..], &["--help"], &["generate", "-h"], &["batch", "run", "-h"], &["models", "--offline"]]
    {
        let narrow = Terminal { stdout: true, columns: Some(40), ..Terminal::default() };
        let shell = Shell::new().set("NO_COLOR", "1");
        let ran = shell.run_with(line, |env| env.terminal = narrow).await;
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        for text in ran.stdout.lines() {
            // A word is not broken, and clap does not wrap the usage.
            let is_one_word = text.trim().split(' ').nth(1).is_none();
            let fits = text.chars().count() <= 40 || is_one_word || text.starts_with("Usage: ");
            assert!(fits, "{line:?}: {text}");
        }
    }
}
