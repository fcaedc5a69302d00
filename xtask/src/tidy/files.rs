//! Rules about single files: each Rust file opens by saying what it is for, none is too long, none knows the machine it
//! was written on, no work is left marked as undone, no snapshot waits for review.

use super::source::{Code, lines_with, scan};
use super::{Finding, Repo, is_generated, is_vendored};

/// The longest handwritten file, in lines.
const MOST_LINES: usize = 700;

pub(crate) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in &repo.texts {
        if is_vendored(path) {
            continue;
        }
        findings.extend(machine_paths(path, text));
        if is_generated(path) {
            continue;
        }
        if [".rs", ".py", ".sh", ".md"].iter().any(|ending| path.ends_with(ending)) {
            findings.extend(length(path, text));
        }
        if path.ends_with(".rs") {
            findings.extend(opening(path, text));
            findings.extend(undone(path, text));
        }
    }
    findings.extend(pending_snapshots(repo));
    findings
}

fn opening(path: &str, text: &str) -> Option<Finding> {
    let first = text.lines().next().unwrap_or("");
    let says_something = first.strip_prefix("//!").is_some_and(|rest| !rest.trim().is_empty());
    (!says_something).then(|| {
        Finding::new(
            path,
            1,
            "the first line must be a `//!` sentence: what the file is for, and what it must not touch",
        )
    })
}

fn length(path: &str, text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    (lines > MOST_LINES).then(|| {
        Finding::new(path, lines, format!("{lines} lines, {MOST_LINES} are allowed: split it by subject"))
    })
}

fn undone(path: &str, text: &str) -> Vec<Finding> {
    let scan = match scan(text, Code::All) {
        Ok(scan) => scan,
        Err(message) => return vec![Finding::new(path, 0, message)],
    };
    let patterns = [
        ("todo!", "finish it, or leave it out"),
        ("unimplemented!", "finish it, or leave it out"),
        ("#[ignore", "make the test fast and exact, or delete it"),
        ("#![ignore", "make the test fast and exact, or delete it"),
    ];
    patterns
        .iter()
        .flat_map(|(pattern, advice)| {
            lines_with(&scan, pattern).into_iter().map(move |line| (pattern, advice, line))
        })
        .map(|(pattern, advice, line)| Finding::new(path, line, format!("`{pattern}`: {advice}")))
        .collect()
}

/// Folders that exist on somebody's machine only. Put together from halves, so that this file holds none of them.
fn foreign_places() -> [String; 6] {
    [("/wo", "rk"), ("/ro", "ot"), ("/ho", "me"), ("/Us", "ers"), ("/tmp/b", "rief"), ("../sha", "red")]
        .map(|(a, b)| format!("{a}{b}"))
}

fn machine_paths(path: &str, text: &str) -> Vec<Finding> {
    let places = foreign_places();
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for place in &places {
            if holds_path(line, place) {
                findings.push(Finding::new(
                    path,
                    at + 1,
                    format!(
                        "`{place}` is a place on one machine: say it relative to the repository, or in words"
                    ),
                ));
            }
        }
    }
    findings
}

/// Whether `place` stands in `line` as the beginning of a path: not as the middle or the end of a longer word.
fn holds_path(line: &str, place: &str) -> bool {
    line.match_indices(place).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + place.len()..].chars().next();
        let starts = !before.is_some_and(|c| c.is_alphanumeric() || "._-/}>~".contains(c));
        let ends = !after.is_some_and(|c| c.is_alphanumeric() || "._-".contains(c));
        let relative = place.starts_with("..");
        (starts || (relative && before == Some('/'))) && ends && (relative || after == Some('/'))
    })
}

fn pending_snapshots(repo: &Repo) -> Vec<Finding> {
    repo.paths
        .iter()
        .filter(|path| path.ends_with(".snap.new") || path.ends_with(".pending-snap"))
        .map(|path| {
            Finding::new(path, 0, "a snapshot waits for a decision: `cargo insta review`, or delete it")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(files: &[(&str, &str)]) -> Vec<String> {
        check(&Repo::of(files)).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_good_file_passes() {
        let text = "//! What it is for.\n// todo: `todo!` in a comment is text\nfn f() -> &'static str { \"#[ignore]\" }\n";
        assert_eq!(run(&[("crates/a/src/lib.rs", text)]), [""; 0]);
    }

    #[test]
    fn the_first_line_says_what_the_file_is_for() {
        for text in ["", "//!\n", "// comment\n//! Late.\n", "use a;\n"] {
            assert!(run(&[("a.rs", text)])[0].starts_with("a.rs:1: the first line"), "{text:?}");
        }
    }

    #[test]
    fn generated_and_vendored_files_keep_their_own_rules() {
        let vendored = format!("{}/x", foreign_places()[0]);
        assert_eq!(
            run(&[
                ("crates/model/src/generated/types.rs", "fn f() {}"),
                ("schema/vendor/page.txt", &vendored)
            ]),
            [""; 0]
        );
    }

    #[test]
    fn long_files_are_named_with_their_length() {
        let text = format!("//! Long.\n{}", "\n".repeat(MOST_LINES));
        assert!(run(&[("a.rs", &text)])[0].starts_with("a.rs:701: 701 lines, 700 are allowed"));
        assert_eq!(run(&[("a.json", &text)]), [""; 0]);
    }

    #[test]
    fn undone_work_is_named() {
        let text = "//! Undone.\nfn f() { todo!() }\n#[cfg(test)]\nmod tests {\n  #[test]\n  #[ignore]\n  fn g() { unimplemented!() }\n}\n";
        let findings = run(&[("a.rs", text)]);
        assert_eq!(findings.len(), 3, "{findings:?}");
        assert!(findings[0].starts_with("a.rs:2: `todo!`"));
        assert!(findings.iter().any(|f| f.starts_with("a.rs:6: `#[ignore`")));
    }

    #[test]
    fn places_on_one_machine_are_named_and_addresses_are_not() {
        let [work, root, home, users, _, shared] = foreign_places();
        for line in [
            format!("cd {work}/main"),
            format!("`{root}/.cargo`"),
            format!("\"{home}/me/x\""),
            format!("{users}/me"),
            format!("see ../{shared}/api"),
            format!("({shared})"),
        ] {
            assert_eq!(run(&[("a.md", &line)]).len(), 1, "{line}");
        }
        for line in [
            format!("https://example.com{work}/x"),
            format!("net{work}s/y"),
            "a/homes/b".to_owned(),
            format!("$X{root}/y, {root}ed"),
            format!("{shared}-x"),
        ] {
            let found = run(&[("a.md", &line)]);
            assert_eq!(found, [""; 0], "{line}");
        }
    }

    #[test]
    fn snapshots_that_wait_are_named() {
        assert!(run(&[("tests/it/snapshots/a.snap.new", "x")])[0].contains("cargo insta review"));
        assert_eq!(run(&[("tests/it/snapshots/a.snap", "x")]), [""; 0]);
    }
}
