//! The jobs of CI, in order, each a plain function of the shell. To add one, add it to `JOBS`: the
//! command line and `cargo xtask ci` both read that list. What is done at the root is done in the
//! schema tool's workspace, too. Whether a job's inputs have changed is `super::inputs`'s to say.

use super::companions;
use super::counts::Counts;
use super::inputs::Inputs;
use super::shell::{Ended, Shell};

/// One job: its name is also its command.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) when: When,
    pub(crate) run: fn(&Shell) -> Outcome,
}

/// When `cargo xtask ci` runs a job; by its own name, and with `--all`, it always runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Always.
    Always,
    /// Only when a file that can change the job's result has changed since the commit that last
    /// passed everything.
    Changed(Inputs),
}

/// How a job ended.
pub(crate) enum Outcome {
    Passed(Counts),
    Failed {
        reason: String,
        counts: Counts,
    },
    /// Not run, and why.
    Skipped(String),
    /// Not run, because its inputs are those of a run that passed.
    Unchanged(String),
}

const CLIPPY: [&str; 6] = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];

/// The tests that take most of the time of all: matrices, random runs and loads.
const LONG: &str = "(test(/^(hostile|watch_load)::/) or test(confused) or test(sequences) or test(lost_answers) \
    or test(no_kill_costs) or test(nothing_is_paid_twice_and_nothing_is_lost) or test(a_cap_is_exceeded) \
    or test(no_flipped_bit) or test(any_interleaving) or test(in_random_runs) or test(a_hundred_thousand_tasks) \
    or test(typed_checks_and_schema_agree) or test(each_of_the_values_is_given_once))";

/// Cheap ones first. The tests are last and by themselves: some have clocks that need a processor.
pub(crate) const JOBS: &[Job] = &[
    Job {
        name: "fmt",
        about: "formatting",
        when: When::Always,
        run: |sh| both(sh, &["fmt", "--all", "--check"], &[]),
    },
    Job { name: "tidy", about: "the crate graph, documents, manifests", when: When::Always, run: tidy },
    Job {
        name: "codegen --check",
        about: "generated files equal what the schema gives",
        when: When::Changed(Inputs::Schema),
        run: |sh| schema_tool(sh, &["run", "--quiet", "--locked"], &["--", "codegen", "--check"]),
    },
    Job {
        name: "docs --check",
        about: "generated documents equal what the schema gives",
        when: When::Changed(Inputs::Schema),
        run: |sh| schema_tool(sh, &["run", "--quiet", "--locked"], &["--", "docs", "--check"]),
    },
    Job {
        name: "test-schema-tool",
        about: "tests of the schema tool",
        when: When::Changed(Inputs::Schema),
        run: |sh| tests(sh, |runner, _| crate::schema_tool::cargo(sh.root(), runner)),
    },
    Job {
        name: "doctest",
        about: "examples in the documentation",
        when: When::Always,
        run: |sh| steps(sh, &[&["test", "--workspace", "--doc", "--no-fail-fast"]]),
    },
    Job { name: "doc", about: "rustdoc without warnings", when: When::Changed(Inputs::Sources), run: doc },
    Job {
        name: "clippy",
        about: "lints and fences of every member",
        when: When::Changed(Inputs::Sources),
        run: |sh| steps(sh, &[&CLIPPY]),
    },
    Job {
        name: "clippy-schema-tool",
        about: "lints of the schema tool",
        when: When::Changed(Inputs::Schema),
        run: |sh| schema_tool(sh, &CLIPPY[..3], &CLIPPY[3..]),
    },
    Job {
        name: "clippy-schemars",
        about: "lints of the model with its schemars feature",
        when: When::Changed(Inputs::Sources),
        run: |sh| {
            let args = "clippy -p ark-video-model --features schemars --all-targets -- -D warnings";
            steps(sh, &[&args.split(' ').collect::<Vec<_>>()])
        },
    },
    Job {
        name: "alone",
        about: "each crate builds with only the features it asks for",
        when: When::Changed(Inputs::Manifests),
        run: alone,
    },
    Job {
        name: "schema compile-test",
        about: "prepared edits of the schema: rustc agrees with what diff calls breaking",
        when: When::Changed(Inputs::Schema),
        run: |sh| schema_tool(sh, &["run", "--quiet", "--locked"], &["--", "schema", "compile-test"]),
    },
    Job {
        name: "msrv",
        about: "the oldest Rust we promise",
        when: When::Changed(Inputs::Manifests),
        run: msrv,
    },
    Job {
        name: "deny",
        about: "who may use what; licences and sources of dependencies",
        when: When::Changed(Inputs::Manifests),
        run: deny,
    },
    Job {
        name: "test",
        about: "tests of every member",
        when: When::Always,
        run: |sh| root_tests(sh, &format!("not {LONG}")),
    },
    Job {
        name: "test-long",
        about: "matrices, random runs and loads",
        when: When::Changed(Inputs::Sources),
        run: |sh| match has_nextest(sh) {
            true => root_tests(sh, LONG),
            false => Outcome::Skipped("`test` ran them: only cargo-nextest can select them".into()),
        },
    },
];

fn steps(shell: &Shell, commands: &[&[&str]]) -> Outcome {
    let mut counts = Counts::default();
    for command in commands {
        let ended = shell.cargo(command);
        counts += ended.counts;
        if !ended.ok {
            return Outcome::Failed { reason: ended.how, counts };
        }
    }
    Outcome::Passed(counts)
}

/// `cargo START REST` in the schema tool's workspace.
fn schema_tool(shell: &Shell, start: &[&str], rest: &[&str]) -> Outcome {
    let start = crate::schema_tool::cargo(shell.root(), start);
    steps(shell, &[&start.iter().map(String::as_str).chain(rest.iter().copied()).collect::<Vec<_>>()])
}

/// The same at the root, then in the schema tool's workspace.
fn both(shell: &Shell, start: &[&str], rest: &[&str]) -> Outcome {
    match steps(shell, &[&[start, rest].concat()]) {
        Outcome::Passed(_) => schema_tool(shell, start, rest),
        failed => failed,
    }
}

fn tidy(shell: &Shell) -> Outcome {
    outcome(crate::tidy::run(shell.root(), false))
}

fn outcome(result: Result<(), String>) -> Outcome {
    match result {
        Ok(()) => Outcome::Passed(Counts::default()),
        Err(reason) => {
            println!("{reason}");
            let first = reason.lines().next().unwrap_or("failed").to_owned();
            Outcome::Failed { reason: first, counts: Counts::default() }
        }
    }
}

/// With cargo-nextest where it is installed, else with cargo's own runner; documentation tests are
/// a job of their own. `command` aims it at a workspace and says which ignored tests to include.
fn tests(shell: &Shell, command: impl Fn(&[&str], bool) -> Vec<String>) -> Outcome {
    let nextest = has_nextest(shell);
    let threads = format!("--test-threads={}", at_once());
    let runner: &[&str] = if nextest {
        &["nextest", "run", "--workspace", "--no-fail-fast", &threads]
    } else {
        &["test", "--workspace", "--tests", "--no-fail-fast"]
    };
    let command = command(runner, nextest);
    let args: Vec<&str> = command.iter().map(String::as_str).collect();
    let Ended { ok, how, mut counts } = shell.run(&crate::cargo(), &args, shell.size_of_tests());
    // Those are tests that are left out by rule, or reported by name already.
    counts.skipped = 0;
    if !ok {
        Outcome::Failed { reason: how, counts }
    } else if counts.ran() == 0 {
        Outcome::Failed { reason: "no test ran".into(), counts }
    } else {
        Outcome::Passed(counts)
    }
}

fn has_nextest(shell: &Shell) -> bool {
    shell.has(&crate::cargo(), &["nextest", "--version"])
}

/// Tests at once: most of those that take long wait for a server or a clock.
fn at_once() -> usize {
    4 * std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// The tests of the root's members, those that need a companion included where it is there.
fn root_tests(shell: &Shell, which: &str) -> Outcome {
    tests(shell, |runner, nextest| {
        let runner = runner.iter().map(|word| (*word).to_owned());
        runner.chain(companions::arguments(shell, nextest, which)).collect()
    })
}

/// A build of everything at once lends each crate the features that the others turn on; a user has
/// no such luck.
fn alone(shell: &Shell) -> Outcome {
    let folders = match crate_manifests(shell) {
        Ok(folders) => folders,
        Err(failed) => return failed,
    };
    let commands: Vec<[&str; 5]> = folders
        .iter()
        .map(|manifest| ["check", "--quiet", "--lib", "--manifest-path", manifest.as_str()])
        .collect();
    let commands: Vec<&[&str]> = commands.iter().map(<[&str; 5]>::as_slice).collect();
    steps(shell, &commands)
}

/// The manifests of the crates, from the root, in order.
fn crate_manifests(shell: &Shell) -> Result<Vec<String>, Outcome> {
    let entries = std::fs::read_dir(shell.root().join("crates")).map_err(|error| Outcome::Failed {
        reason: format!("crates could not be read: {error}"),
        counts: Counts::default(),
    })?;
    let mut folders: Vec<String> = entries
        .flatten()
        .map(|entry| format!("crates/{}/Cargo.toml", entry.file_name().to_string_lossy()))
        .collect();
    folders.sort();
    Ok(folders)
}

fn doc(shell: &Shell) -> Outcome {
    let ended = shell.run(
        &crate::cargo(),
        &["doc", "--workspace", "--no-deps", "--lib"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    );
    if ended.ok {
        Outcome::Passed(ended.counts)
    } else {
        Outcome::Failed { reason: ended.how, counts: ended.counts }
    }
}

fn msrv(shell: &Shell) -> Outcome {
    let manifest = std::fs::read_to_string(shell.root().join("Cargo.toml")).unwrap_or_default();
    let Some(version) = rust_version(&manifest) else {
        return Outcome::Failed {
            reason: "Cargo.toml names no rust-version".into(),
            counts: Counts::default(),
        };
    };
    let installed = shell.output("rustup", &["toolchain", "list"]).unwrap_or_default();
    let Some(toolchain) = installed
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .find(|name| is_version(name, &version))
    else {
        return Outcome::Skipped(format!(
            "no toolchain {version} is installed (`rustup toolchain install {version}`)"
        ));
    };
    let args = ["run", toolchain, "cargo", "check", "--locked"];
    let ended = shell.run("rustup", &args, &[]);
    if ended.ok {
        Outcome::Passed(ended.counts)
    } else {
        Outcome::Failed { reason: ended.how, counts: ended.counts }
    }
}

fn rust_version(manifest: &str) -> Option<String> {
    let table = manifest.parse::<toml::Table>().ok()?;
    Some(table.get("workspace")?.get("package")?.get("rust-version")?.as_str()?.to_owned())
}

/// Whether an installed toolchain (`1.88-x86_64-..`, `1.88.0-x86_64-..`) is that version.
fn is_version(toolchain: &str, version: &str) -> bool {
    toolchain
        .strip_prefix(version)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-') || rest.starts_with('.'))
}

/// Advisories are left to a run by hand: they change from day to day and need a database from the
/// network.
fn deny(shell: &Shell) -> Outcome {
    if !shell.has(&crate::cargo(), &["deny", "--version"]) {
        return Outcome::Skipped("cargo-deny is not installed (`cargo install cargo-deny --locked`)".into());
    }
    let check = ["check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    let tool = crate::schema_tool::MANIFEST;
    let of_tool = [
        &["deny", "--manifest-path", tool, "--config", "deny.toml"],
        &check[..],
        &["--allow", "unused-wrapper"],
    ]
    .concat();
    steps(shell, &[&[&["deny"], &check[..]].concat(), &of_tool])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = JOBS.iter().map(|job| job.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), JOBS.len());
    }

    #[test]
    fn the_promised_version_is_read_and_recognised() {
        assert_eq!(rust_version("[workspace.package]\nrust-version = \"1.88\"\n").as_deref(), Some("1.88"));
        assert_eq!(rust_version("[workspace]\n"), None);
        assert!(
            is_version("1.88.0-x86_64-unknown-linux-gnu", "1.88")
                && is_version("1.88-aarch64-apple-darwin", "1.88")
        );
        assert!(!is_version("1.880-x", "1.88") && !is_version("stable-x", "1.88"));
    }

    #[test]
    fn a_result_becomes_an_outcome_with_its_first_line() {
        assert!(matches!(outcome(Ok(())), Outcome::Passed(_)));
        match outcome(Err("stale\ndetails".into())) {
            Outcome::Failed { reason, .. } => assert_eq!(reason, "stale"),
            _ => panic!("a failure stays a failure"),
        }
    }
}
