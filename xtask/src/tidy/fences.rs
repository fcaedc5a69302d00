//! Fences in the source text: clock, sleep, environment, sockets, printing, files and randomness only where the table
//! `what | found by | only in` of ARCHITECTURE.md allows them. Test code and generated code are outside these fences.

use std::collections::BTreeSet;

use super::source::{Code, lines_with, scan};
use super::{Finding, Repo, is_generated, tables};

const HEADER: [&str; 3] = ["what", "found by", "only in"];

pub(crate) fn check(repo: &Repo, architecture: &str) -> Vec<Finding> {
    let Some(rows) = tables::find(architecture, &HEADER) else {
        return vec![Finding::new(
            "ARCHITECTURE.md",
            0,
            format!("the table `{}` is missing", HEADER.join(" | ")),
        )];
    };
    let mut findings = Vec::new();
    for row in &rows {
        for place in tables::quoted(row.cell(2)) {
            if !repo.texts.keys().any(|path| path.starts_with(&place)) {
                let message = format!(
                    "`{place}` is allowed \"{}\" but does not exist: correct or remove it",
                    row.cell(0)
                );
                findings.push(Finding::new("ARCHITECTURE.md", row.line, message));
            }
        }
    }
    let (shipped, unreadable) = shipped_code(repo);
    findings.extend(unreadable);
    for (path, scan) in shipped {
        for row in &rows {
            let places = tables::quoted(row.cell(2));
            if places.iter().any(|place| path.starts_with(place.as_str())) {
                continue;
            }
            for pattern in tables::quoted(row.cell(1)) {
                for line in lines_with(&scan, &pattern) {
                    let message = format!(
                        "`{pattern}` ({}) is allowed only in {}: pass the value in from there, or change the table in ARCHITECTURE.md with a reason",
                        row.cell(0),
                        if places.is_empty() { "no place".to_owned() } else { places.join(", ") },
                    );
                    findings.push(Finding::new(path, line, message));
                }
            }
        }
    }
    findings
}

/// Every handwritten file that ends up in a build without tests.
fn shipped_code(repo: &Repo) -> (Vec<(&str, super::source::Scan)>, Vec<Finding>) {
    let mut shipped = Vec::new();
    let mut findings = Vec::new();
    let mut test_files = BTreeSet::new();
    for (path, text) in repo.with_ending(".rs").filter(|(path, _)| !is_generated(path) && !is_test_path(path))
    {
        match scan(text, Code::Shipped) {
            Ok(scan) => {
                test_files.extend(scan.test_modules.iter().flat_map(|name| module_paths(path, name)));
                shipped.push((path, scan));
            }
            Err(message) => findings.push(Finding::new(path, 0, message)),
        }
    }
    shipped.retain(|(path, _)| {
        !test_files
            .iter()
            .any(|file| path == file || path.starts_with(&format!("{}/", file.trim_end_matches(".rs"))))
    });
    (shipped, findings)
}

fn is_test_path(path: &str) -> bool {
    let mut folders: Vec<&str> = path.split('/').collect();
    let file = folders.pop().unwrap_or("");
    file == "tests.rs"
        || file.ends_with("_tests.rs")
        || folders.iter().any(|folder| ["tests", "benches", "examples"].contains(folder))
}

/// Where the file of a module declared in `path` may lie.
fn module_paths(path: &str, name: &str) -> [String; 2] {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let base = match file {
        "lib.rs" | "main.rs" | "mod.rs" => folder.to_owned(),
        other => format!("{folder}/{}", other.trim_end_matches(".rs")),
    };
    [format!("{base}/{name}.rs"), format!("{base}/{name}/mod.rs")]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "| what | found by | only in |\n|---|---|---|\n| clock | `Instant::now` `SystemTime::now` | `crates/transport/src/clock.rs` |\n| randomness | `rand::` | - |\n";
    const CLOCK: (&str, &str) = ("crates/transport/src/clock.rs", "fn now() { Instant::now(); }");

    fn run(files: &[(&str, &str)]) -> Vec<String> {
        check(&Repo::of(files), TABLE).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn allowed_places_tests_and_generated_code_pass() {
        let files = [
            CLOCK,
            (
                "crates/model/src/lib.rs",
                "#[cfg(test)]\nmod fixtures;\n#[cfg(test)] mod tests { fn f() { Instant::now(); } }",
            ),
            ("crates/model/src/fixtures.rs", "fn f() { Instant::now(); }"),
            ("crates/model/src/a/tests.rs", "fn f() { Instant::now(); }"),
            ("crates/model/src/a_tests.rs", "fn f() { Instant::now(); }"),
            ("crates/model/src/generated/types.rs", "fn f() { Instant::now(); }"),
            ("tests/it/main.rs", "fn f() { Instant::now(); }"),
        ];
        assert_eq!(run(&files), [""; 0]);
    }

    #[test]
    fn anything_elsewhere_is_named_with_its_line_and_the_allowed_place() {
        let findings =
            run(&[CLOCK, ("crates/model/src/lib.rs", "\nfn f() { SystemTime::now(); rand::random(); }")]);
        assert_eq!(findings.len(), 2);
        assert!(
            findings[0].starts_with("crates/model/src/lib.rs:2: `SystemTime::now` (clock)"),
            "{findings:?}"
        );
        assert!(findings[0].contains("crates/transport/src/clock.rs"));
        assert!(findings[1].contains("no place"));
    }

    #[test]
    fn a_place_that_is_gone_and_a_table_that_is_gone_are_reported() {
        let findings = run(&[("crates/model/src/lib.rs", "")]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("ARCHITECTURE.md:3:"), "{findings:?}");
        assert_eq!(check(&Repo::default(), "no table").len(), 1);
    }

    #[test]
    fn a_test_module_declared_in_a_submodule_is_found_beside_it() {
        assert_eq!(module_paths("crates/a/src/wait.rs", "cases")[0], "crates/a/src/wait/cases.rs");
        assert_eq!(module_paths("crates/a/src/wait/mod.rs", "cases")[1], "crates/a/src/wait/cases/mod.rs");
    }
}
