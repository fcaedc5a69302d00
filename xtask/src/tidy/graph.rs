//! Who uses whom: the crate graph against the table `crate | may use | tests may also use`, and the
//! whole trees of single crates against `tree of | at most | never`, both in ARCHITECTURE.md. Which
//! library a crate may use is deny.toml's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use toml::{Table, Value};

use super::{Finding, tables};

const FILE: &str = "ARCHITECTURE.md";
const MEMBERS: [&str; 3] = ["crate", "may use", "tests may also use"];
const TREES: [&str; 3] = ["tree of", "at most", "never"];

/// The tables of a manifest that name dependencies, those of tests last.
pub(super) const TABLES: [&str; 3] = ["dependencies", "build-dependencies", "dev-dependencies"];

/// Compares what the members' manifests name of each other with the first table; members by folder
/// (`model`, `cli`).
pub(super) fn edges(manifests: &BTreeMap<&str, Table>, architecture: &str) -> Vec<Finding> {
    let Some(rows) = tables::find(architecture, &MEMBERS) else { return vec![missing(&MEMBERS)] };
    let folder =
        |path: &str| path.trim_end_matches("/Cargo.toml").rsplit('/').next().unwrap_or("").to_owned();
    let folders: BTreeMap<&str, String> = manifests
        .iter()
        .filter_map(|(path, manifest)| Some((manifest.get("package")?.get("name")?.as_str()?, folder(path))))
        .collect();
    let mut findings = Vec::new();
    let mut described = BTreeSet::new();
    for row in rows {
        let Some(name) = tables::names(row.cell(0)).into_iter().next() else { continue };
        described.insert(name.clone());
        let Some((path, manifest)) = manifests.iter().find(|(path, _)| folder(path) == name) else {
            let message =
                format!("the table names a crate `{name}` that the workspace does not have: remove the row");
            findings.push(Finding::new(FILE, row.line, message));
            continue;
        };
        let named = |kinds: &[&str]| -> BTreeSet<String> {
            let all = dependencies(manifest, kinds).into_iter();
            all.filter_map(|(dependency, _)| folders.get(dependency).cloned()).collect()
        };
        let uses = named(&[TABLES[0], TABLES[1]]);
        let mut tests_use = named(&[TABLES[2]]);
        tests_use.retain(|other| !uses.contains(other) && *other != name);
        for (is, cell, how) in [(uses, row.cell(1), "uses"), (tests_use, row.cell(2), "uses in its tests")] {
            let should: BTreeSet<String> = tables::names(cell).into_iter().collect();
            for extra in is.difference(&should) {
                let message = format!(
                    "{name} {how} {extra}, which {FILE}:{} does not allow: drop the dependency, or change the table with a reason",
                    row.line
                );
                findings.push(Finding::new(*path, 0, message));
            }
            for unused in should.difference(&is) {
                let message = format!(
                    "the table says that {name} {how} {unused}, but its manifest does not: remove it from the table"
                );
                findings.push(Finding::new(FILE, row.line, message));
            }
        }
    }
    for undescribed in folders.values().filter(|name| !described.contains(*name)) {
        findings.push(Finding::new(
            FILE,
            0,
            format!("the table `{}` has no row for `{undescribed}`", MEMBERS.join(" | ")),
        ));
    }
    findings
}

/// Compares whole dependency trees with the third table; `tree` gives the distinct packages (`name
/// v1.2.3`) of one.
pub(crate) fn trees(
    architecture: &str,
    tree: impl Fn(&str) -> Result<BTreeSet<String>, String>,
) -> Vec<Finding> {
    let Some(rows) = tables::find(architecture, &TREES) else { return vec![missing(&TREES)] };
    let mut findings = Vec::new();
    for row in rows {
        let Some(package) = tables::names(row.cell(0)).into_iter().next() else { continue };
        let crates = match tree(&package) {
            Ok(crates) => crates,
            Err(message) => {
                findings.push(Finding::new(FILE, row.line, message));
                continue;
            }
        };
        if let Ok(most) = row.cell(1).parse::<usize>()
            && crates.len() > most
        {
            let list: Vec<&str> = crates.iter().map(String::as_str).collect();
            let message = format!(
                "{package} brings {} crates, {most} are allowed: `cargo tree -p {package} -e normal` shows why; now: {}",
                crates.len(),
                list.join(", ")
            );
            findings.push(Finding::new(FILE, row.line, message));
        }
        for banned in tables::names(row.cell(2)) {
            if crates.iter().any(|c| c.split(' ').next() == Some(banned.as_str())) {
                let message = format!(
                    "{package} must never bring {banned}: `cargo tree -p {package} -e normal -i {banned}` shows the way it came in"
                );
                findings.push(Finding::new(FILE, row.line, message));
            }
        }
    }
    findings
}

/// The distinct packages that `package` brings to a user, itself included.
pub(crate) fn tree(root: &Path, package: &str) -> Result<BTreeSet<String>, String> {
    let output = Command::new(crate::cargo())
        .args([
            "tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}", "--color", "never",
        ])
        .current_dir(root)
        .output()
        .map_err(|e| format!("`cargo tree -p {package}` could not be started: {e}"))?;
    if !output.status.success() {
        return Err(format!(
            "`cargo tree -p {package}` failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    Ok(distinct(&String::from_utf8_lossy(&output.stdout)))
}

fn distinct(tree: &str) -> BTreeSet<String> {
    tree.lines()
        .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .filter(|name| !name.is_empty())
        .collect()
}

fn missing(header: &[&str]) -> Finding {
    Finding::new(FILE, 0, format!("the table `{}` is missing", header.join(" | ")))
}

/// What these tables of a manifest name, those of single targets too.
pub(super) fn dependencies<'a>(manifest: &'a Table, kinds: &[&str]) -> Vec<(&'a str, &'a Value)> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    let places = std::iter::once(manifest).chain(targets.filter_map(|(_, target)| target.as_table()));
    places
        .flat_map(|place| kinds.iter().filter_map(|kind| place.get(*kind)?.as_table()))
        .flatten()
        .map(|(name, entry)| (name.as_str(), entry))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAPH: &str = "\
| crate | may use | tests may also use |
|---|---|---|
| model | - | - |
| cli | model | tests |
| tests | - | model |

| tree of | at most | never |
|---|---|---|
| model | 2 | tokio, http |
";

    /// Edges of a workspace whose members name these in `[dependencies]` and `[dev-dependencies]`.
    fn run(members: &[(&str, &[&str], &[&str])]) -> Vec<String> {
        let manifests = members.iter().map(|(path, uses, tests_use)| {
            let lines =
                |names: &[&str]| names.iter().map(|name| format!("x-{name} = '1'\n")).collect::<String>();
            let name = path.split('/').rev().nth(1).unwrap();
            let text = format!(
                "[package]\nname = 'x-{name}'\n[dependencies]\nserde = '1'\n{}[dev-dependencies]\n{}",
                lines(uses),
                lines(tests_use)
            );
            (*path, text.parse::<Table>().unwrap())
        });
        edges(&manifests.collect(), GRAPH).iter().map(Finding::to_string).collect()
    }

    const MODEL: &str = "crates/model/Cargo.toml";
    const CLI: &str = "crates/cli/Cargo.toml";
    const TESTS: &str = "tests/Cargo.toml";

    #[test]
    fn a_graph_equal_to_the_table_passes() {
        let good =
            run(&[(MODEL, &[], &[]), (CLI, &["model"], &["tests", "model"]), (TESTS, &[], &["model"])]);
        assert_eq!(good, [""; 0]);
    }

    #[test]
    fn a_new_edge_is_named_at_the_manifest() {
        let findings =
            run(&[(MODEL, &["cli"], &["tests"]), (CLI, &["model"], &["tests"]), (TESTS, &[], &["model"])]);
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(
            findings[0].starts_with(
                "crates/model/Cargo.toml: model uses cli, which ARCHITECTURE.md:3 does not allow"
            )
        );
        assert!(findings[1].contains("model uses in its tests tests"));
    }

    #[test]
    fn an_edge_that_is_gone_a_crate_that_is_gone_and_a_new_crate_are_named() {
        let text = run(&[(MODEL, &[], &[]), (CLI, &[], &["tests"]), ("crates/batch/Cargo.toml", &[], &[])])
            .join("\n");
        assert!(text.contains("ARCHITECTURE.md:4: the table says that cli uses model"), "{text}");
        assert!(text.contains("a crate `tests` that the workspace does not have"), "{text}");
        assert!(text.contains("no row for `batch`"), "{text}");
    }

    #[test]
    fn a_tree_is_counted_and_searched() {
        let small = |_: &str| Ok(distinct("model v0.1.0 (/x)\nserde v1.0.0\nserde v1.0.0 (*)\n"));
        assert_eq!(trees(GRAPH, small), []);
        let large = |_: &str| Ok(distinct("model v0.1.0\nserde v1.0.0\ntokio v1.0.0\n"));
        let findings = trees(GRAPH, large);
        assert_eq!(findings.len(), 2);
        assert!(
            findings[0].to_string().starts_with("ARCHITECTURE.md:9: model brings 3 crates, 2 are allowed")
        );
        assert!(findings[1].to_string().contains("-i tokio"));
        assert_eq!(trees(GRAPH, |_| Err("broken".into()))[0].to_string(), "ARCHITECTURE.md:9: broken");
    }

    #[test]
    fn missing_tables_are_reported() {
        assert_eq!(edges(&BTreeMap::new(), "").len() + trees("", |_| Ok(BTreeSet::new())).len(), 2);
    }
}
