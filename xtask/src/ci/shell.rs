//! Starts the programs a job needs: shows the command, passes its output on line by line, counts
//! tests on the way. Children get no `ARK_*` variable of the developer's: a test run must never
//! hold a real key.

use std::io::{BufRead, BufReader, IsTerminal, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;

use super::counts::{Counts, Runner};

/// Tests append one line `skipped: what, because why` to the file this variable names when they
/// leave something out.
const SKIPPED_LOG: &str = "ARK_VIDEO_SKIPPED_LOG";

/// The repository, and the log that tests write to.
pub(crate) struct Shell {
    root: PathBuf,
    skipped_log: SkippedLog,
    /// Random tests are run as often as in the long form.
    whole: bool,
}

/// Removed with the shell.
struct SkippedLog(PathBuf);

impl Drop for SkippedLog {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// How a program ended.
pub(crate) struct Ended {
    pub(crate) ok: bool,
    /// For people: `exit 101`.
    pub(crate) how: String,
    pub(crate) counts: Counts,
}

impl Shell {
    pub(crate) fn new(root: PathBuf, whole: bool) -> Result<Self, String> {
        let folder = root.join("target").join("ci");
        let skipped_log = folder.join(format!("skipped-{}.log", std::process::id()));
        std::fs::create_dir_all(&folder)
            .map_err(|e| format!("{} could not be made: {e}", folder.display()))?;
        std::fs::write(&skipped_log, "")
            .map_err(|e| format!("{} could not be written: {e}", skipped_log.display()))?;
        Ok(Self { root, skipped_log: SkippedLog(skipped_log), whole })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The variable that makes random tests long.
    pub(crate) fn size_of_tests(&self) -> &'static [(&'static str, &'static str)] {
        if self.whole { &[("ARK_VIDEO_WHOLE_TESTS", "1")] } else { &[] }
    }

    /// Runs `cargo ARGS`.
    pub(crate) fn cargo(&self, args: &[&str]) -> Ended {
        self.run(&crate::cargo(), args, &[])
    }

    /// Runs a program in the repository with further environment variables.
    pub(crate) fn run(&self, program: &str, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let shown = Path::new(program)
            .file_stem()
            .map_or_else(|| program.to_owned(), |name| name.to_string_lossy().into_owned());
        let set: String = env.iter().map(|(name, value)| format!("{name}='{value}' ")).collect();
        println!("$ {set}{shown} {}", args.join(" "));
        let mut command = Command::new(program);
        command
            .args(args)
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ARK_") {
                command.env_remove(name);
            }
        }
        command.env(SKIPPED_LOG, &self.skipped_log.0).env("INSTA_UPDATE", "no").envs(env.iter().copied());
        if std::io::stderr().is_terminal() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        let runner = if args.first() == Some(&"nextest") { Runner::Nextest } else { Runner::Libtest };
        match Self::stream(command, runner) {
            Ok(ended) => ended,
            Err(e) => Ended {
                ok: false,
                how: format!("`{shown}` could not be started: {e}"),
                counts: Counts::default(),
            },
        }
    }

    /// Whether `program ARGS` starts and ends well; prints nothing.
    pub(crate) fn has(&self, program: &str, args: &[&str]) -> bool {
        self.output(program, args).is_some()
    }

    /// What a quiet program prints, if it ends well.
    pub(crate) fn output(&self, program: &str, args: &[&str]) -> Option<String> {
        let output =
            Command::new(program).args(args).current_dir(&self.root).stdin(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Adds a line to what was left out.
    pub(crate) fn left_out(&self, what: &str) {
        let log = std::fs::OpenOptions::new().append(true).open(&self.skipped_log.0);
        if let Err(error) = log.and_then(|mut log| writeln!(log, "skipped: {what}")) {
            println!("skipped: {what} ({error})");
        }
    }

    /// What the tests said they left out: each line once, in order.
    pub(crate) fn skipped_by_tests(&self) -> Vec<String> {
        let log = std::fs::read_to_string(&self.skipped_log.0).unwrap_or_default();
        let mut lines: Vec<String> =
            log.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
        lines.sort();
        lines.dedup();
        lines
    }

    fn stream(mut command: Command, runner: Runner) -> std::io::Result<Ended> {
        let mut child = command.spawn()?;
        let (sender, lines) = mpsc::channel();
        let readers: Vec<_> = [child.stdout.take().map(boxed), child.stderr.take().map(boxed)]
            .into_iter()
            .flatten()
            .map(|pipe| {
                let sender = sender.clone();
                std::thread::spawn(move || {
                    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                        let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
                    }
                })
            })
            .collect();
        drop(sender);
        let mut counts = Counts::default();
        for line in lines {
            counts.read(&line, runner);
            println!("{line}");
        }
        for reader in readers {
            let _ = reader.join();
        }
        let status = child.wait()?;
        let how = status.code().map_or_else(|| status.to_string(), |code| format!("exit {code}"));
        Ok(Ended { ok: status.success(), how, counts })
    }
}

fn boxed(pipe: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(pipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_or_is_not_there_is_told_apart_from_one_that_works() {
        let shell = Shell::new(crate::root(), false).expect("target can be written");
        assert!(shell.cargo(&["--version"]).ok);
        let ended = shell.cargo(&["no-such-subcommand-of-cargo"]);
        assert_eq!((ended.ok, ended.how.as_str()), (false, "exit 101"));
        let ended = shell.run("no-such-program-anywhere", &[], &[]);
        assert!(!ended.ok && ended.how.contains("could not be started"), "{}", ended.how);
        assert!(!shell.has("no-such-program-anywhere", &[]));
    }

    #[test]
    fn what_tests_left_out_is_read_once_each() {
        let shell = Shell {
            root: crate::root(),
            skipped_log: SkippedLog(
                std::env::temp_dir().join(format!("ark-video-shell-{}", std::process::id())),
            ),
            whole: false,
        };
        std::fs::write(&shell.skipped_log.0, "skipped: b\nskipped: a\n\nskipped: b\n").expect("writable");
        assert_eq!(shell.skipped_by_tests(), ["skipped: a", "skipped: b"]);
    }
}
