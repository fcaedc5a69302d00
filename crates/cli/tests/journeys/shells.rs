//! Completion in real shells, at a real prompt, and the man pages under mandoc. Skipped where these
//! are not installed.
#![cfg(unix)]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The beginning of a command line, and what completes its last word.
const CASES: &[(&str, &[&str])] = &[
    ("b", &["batch"]),
    ("batch r", &["run", "resume", "retry", "resolve", "report"]),
    ("batch run sho", &["shots.toml"]),
    ("generate --resolution ", &["480p", "720p", "1080p", "4k"]),
    ("generate --model ", &["2.5", "2.0-fast", "2.0-mini", "1.5-pro", "doubao-seedance-2-5-260628"]),
    ("generate -m dreamina-seedance-2-5-2", &["dreamina-seedance-2-5-260628"]),
    ("generate --ratio 16", &["16:9"]),
    ("generate --ratio 16:", &["16:9"]),
    ("generate --tier f", &["flex"]),
    ("generate --first-frame ca", &["cat.png"]),
    ("--json generate --max", &["--max-cost"]),
    ("list --status q", &["queued"]),
    ("batch check --max-cost 5CNY sho", &["shots.toml"]),
];

/// A folder with two files, and the command in the `PATH`.
fn command(program: &str, folder: &Path) -> Command {
    std::fs::write(folder.join("shots.toml"), "").unwrap();
    std::fs::write(folder.join("cat.png"), "").unwrap();
    let bin = Path::new(env!("CARGO_BIN_EXE_ark-video")).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().env("HOME", folder).env("TERM", "dumb").env("LANG", "C.UTF-8");
    command.env("PATH", format!("{}:{path}", bin.display()));
    command
}

/// An interactive shell on a pseudo terminal.
struct Prompt {
    input: std::process::ChildStdin,
    output: Receiver<Vec<u8>>,
    child: std::process::Child,
}

/// What the shell prints when it waits for a line.
const PROMPT: &str = "ready> ";

impl Prompt {
    fn of(shell: &str, setup: &str, folder: &Path) -> Self {
        let mut command = command("script", folder);
        command.args(["--quiet", "--return", "--command", shell, "/dev/null"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let (sender, output) = channel();
        let mut stdout = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut prompt = Self { input: child.stdin.take().unwrap(), output, child };
        // The echo of the line does not have the prompt in one piece.
        prompt.typed(&format!("{setup}; PS1='ready''> '\n"), &[PROMPT]);
        prompt
    }

    /// Types keys and reads until all words were printed.
    fn typed(&mut self, keys: &str, words: &[&str]) {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
        let (until, mut seen) = (Instant::now() + Duration::from_secs(30), Vec::new());
        loop {
            let text = String::from_utf8_lossy(&seen);
            if words.iter().all(|word| text.contains(word)) {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => seen.extend(bytes),
                Err(_) => panic!("{keys:?}: no {words:?} in {text:?}"),
            }
        }
    }

    fn completes(&mut self, line: &str, words: &[&str]) {
        self.typed(&format!("ark-video {line}\t\t"), words);
        // Ctrl-U drops the line; what is printed until the end of the next command is of this one.
        self.typed("\u{15}echo next''line\n", &["nextline", PROMPT]);
    }
}

impl Drop for Prompt {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs bash 5"]
fn bash_completes_at_every_level_with_shells() {
    let folder = tempfile::tempdir().unwrap();
    let setup = "source <(ark-video completions bash)";
    let mut prompt = Prompt::of("bash --norc --noprofile -i", setup, folder.path());
    CASES.iter().for_each(|(line, words)| prompt.completes(line, words));
}

#[test]
#[ignore = "needs zsh"]
fn zsh_completes_at_every_level_with_shells() {
    let folder = tempfile::tempdir().unwrap();
    let setup = "autoload -Uz compinit; compinit -u -D; unsetopt prompt_cr prompt_sp; source <(ark-video completions zsh)";
    let mut prompt = Prompt::of("zsh -f -i", setup, folder.path());
    CASES.iter().for_each(|(line, words)| prompt.completes(line, words));
}

#[test]
#[ignore = "needs fish"]
fn fish_completes_at_every_level_with_shells() {
    let folder = tempfile::tempdir().unwrap();
    for (line, words) in CASES {
        let script = format!("ark-video completions fish | source; complete -C 'ark-video {line}'");
        let ran = command("fish", folder.path()).args(["--no-config", "-c", &script]).output().unwrap();
        let text = String::from_utf8(ran.stdout).unwrap();
        let offered: Vec<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
        assert!(words.iter().all(|word| offered.contains(word)), "{line}: {text}");
    }
}

#[test]
#[ignore = "needs mandoc"]
fn man_pages_have_no_warnings_with_shells() {
    let folder = tempfile::tempdir().unwrap();
    let ran = command(env!("CARGO_BIN_EXE_ark-video"), folder.path()).args(["man", "man1"]).status().unwrap();
    assert!(ran.success());
    let pages = std::fs::read_dir(folder.path().join("man1")).unwrap();
    let pages: Vec<_> = pages.map(|page| page.unwrap().path()).collect();
    assert!(pages.len() > 30, "{pages:?}");
    let lint = command("mandoc", folder.path()).args(["-T", "lint", "-W", "warning"]).args(&pages).output();
    let lint = lint.unwrap();
    let said = String::from_utf8_lossy(&lint.stdout).into_owned() + &String::from_utf8_lossy(&lint.stderr);
    assert!(lint.status.success() && said.is_empty(), "{said}");
}
