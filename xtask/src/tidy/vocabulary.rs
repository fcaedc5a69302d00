//! Rules about language: comments of at most 100 columns, and the standard term instead of a
//! paraphrase. Checks spelling only; `CONTRIBUTING.md` explains the rule.

use super::{Finding, Repo, is_generated, is_vendored};

/// The longest comment line, in characters, including its indentation. Tables and code examples
/// may be longer.
const COLUMNS: usize = 100;

/// A word, in lower case and without inflection, and what to write instead.
const TERMS: [(&str, &str); 19] = [
    ("film", "video"),
    ("films", "videos"),
    ("purse", "budget"),
    ("purses", "budgets"),
    ("turnstile", "semaphore"),
    ("dice", "jitter"),
    ("mend", "fix"),
    ("mended", "fixed"),
    ("nobody knows", "unknown"),
    ("somebody", "the user, a client, another process"),
    ("told", "reported, given"),
    ("tells", "reports, shows"),
    ("witness", "high-water mark, example"),
    ("forsaken", "orphaned"),
    ("begun", "started"),
    ("anew", "again"),
    ("seldom", "rarely"),
    ("whoever", "anyone who"),
    ("patience", "timeout"),
];

/// Files that name these words: this one, the rule, texts of others, and the texts of old releases.
const EXEMPT: [&str; 5] = [
    "xtask/src/tidy/vocabulary.rs",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "tests/fixtures/",
    "xtask/schema-tool/fixtures/",
];

pub(crate) fn check(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in &repo.texts {
        let exempt = EXEMPT.iter().any(|exempt| path.starts_with(exempt));
        let checked = [".rs", ".md", ".py", ".html"].iter().any(|extension| path.ends_with(extension));
        if exempt || !checked || is_generated(path) || is_vendored(path) {
            continue;
        }
        let mut code = false;
        for (at, line) in text.lines().enumerate() {
            let comment = line.trim_start();
            let prose = path.ends_with(".rs") && comment.starts_with("//");
            let body = comment.trim_start_matches(['/', '!']).trim_start();
            code = prose && (code != body.starts_with("```"));
            if prose && !code && !body.starts_with('|') && line.chars().count() > COLUMNS {
                findings.push(Finding::new(
                    path,
                    at + 1,
                    format!("comment of more than {COLUMNS} columns: wrap it"),
                ));
            }
            let lower = line.to_lowercase();
            for (term, instead) in TERMS.iter().filter(|(term, _)| has_word(&lower, term)) {
                findings.push(Finding::new(path, at + 1, format!("`{term}`: write {instead} instead")));
            }
        }
    }
    findings
}

/// Whether `term` is in `line` as a whole word. An underscore is part of a word; a quoted name or a
/// path is data that keeps its spelling.
fn has_word(line: &str, term: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "_\"/".contains(c));
    line.match_indices(term).any(|(at, _)| {
        !inside(line[..at].chars().next_back()) && !inside(line[at + term.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(path: &str, text: &str) -> Vec<String> {
        check(&Repo::of(&[(path, text)])).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_paraphrase_is_reported_with_its_term() {
        assert_eq!(run("a.rs", "// The purse.\n"), ["a.rs:1: `purse`: write budget instead"]);
        assert_eq!(run("a.md", "Told Twice\n"), ["a.md:1: `told`: write reported, given instead"]);
        for text in ["recommend", "filmed", "a_film_b", "untold", "\"film\"", "/film/{id}"] {
            assert_eq!(run("a.md", text), [""; 0], "{text}");
        }
        assert_eq!(run("crates/model/src/generated/a.rs", "// film"), [""; 0]);
    }

    #[test]
    fn a_long_comment_is_reported_and_long_code_is_not() {
        let long = "x".repeat(100);
        assert_eq!(
            run("a.rs", &format!("    // {long}\n")),
            ["a.rs:1: comment of more than 100 columns: wrap it"]
        );
        assert_eq!(run("a.rs", &format!("let a = \"{long}\";\n")), [""; 0]);
        assert_eq!(run("a.rs", &format!("/// ```\n/// {long}\n/// ```\n/// | {long} |\n")), [""; 0]);
        assert_eq!(run("a.md", &long), [""; 0]);
    }
}
