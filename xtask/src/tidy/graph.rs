//! Who uses whom: the crate graph against the tables `crate | may use | tests may also use` and `library | only in |
//! tests also in`, and the whole trees of single crates against `tree of | at most | never`, all in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand};

use super::{Finding, tables};

const FILE: &str = "ARCHITECTURE.md";
const MEMBERS: [&str; 3] = ["crate", "may use", "tests may also use"];
const LIBRARIES: [&str; 3] = ["library", "only in", "tests also in"];
const TREES: [&str; 3] = ["tree of", "at most", "never"];

/// A workspace member, by the name of its folder (`model`, `cli`, `xtask`), and what its manifest names.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    folder: String,
    /// Dependencies of the code itself, build scripts included; members by folder.
    uses: BTreeSet<String>,
    /// Dependencies of its tests only.
    tests_use: BTreeSet<String>,
}

/// Reads the members' manifests by way of cargo. Downloads nothing.
pub(crate) fn read(root: &Path) -> Result<Vec<Member>, String> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .map_err(|e| format!("`cargo metadata --no-deps` failed: {e}"))?;
    let folders: BTreeMap<String, String> = metadata
        .packages
        .iter()
        .map(|p| {
            (
                p.name.to_string(),
                p.manifest_path.parent().and_then(|f| f.file_name()).unwrap_or("").to_owned(),
            )
        })
        .collect();
    Ok(metadata
        .packages
        .iter()
        .map(|package| {
            let mut member = Member { folder: folders[package.name.as_str()].clone(), ..Member::default() };
            for dependency in &package.dependencies {
                let name = dependency
                    .rename
                    .as_ref()
                    .or_else(|| folders.get(&dependency.name))
                    .unwrap_or(&dependency.name)
                    .clone();
                match dependency.kind {
                    DependencyKind::Development => member.tests_use.insert(name),
                    _ => member.uses.insert(name),
                };
            }
            member
        })
        .collect())
}

/// Compares the members' own dependencies with the first two tables.
pub(crate) fn edges(members: &[Member], architecture: &str) -> Vec<Finding> {
    let mut findings = members_table(members, architecture);
    let Some(rows) = tables::find(architecture, &LIBRARIES) else {
        findings.push(missing(&LIBRARIES));
        return findings;
    };
    for row in rows {
        let (places, test_places) = (tables::names(row.cell(1)), tables::names(row.cell(2)));
        for library in tables::names(row.cell(0)) {
            for member in members {
                let allowed = places.contains(&member.folder);
                let offence = if member.uses.contains(&library) && !allowed {
                    Some("depends on")
                } else if member.tests_use.contains(&library)
                    && !allowed
                    && !test_places.contains(&member.folder)
                {
                    Some("uses in its tests")
                } else {
                    None
                };
                if let Some(verb) = offence {
                    let message = format!(
                        "{} {verb} {library}, which is fenced to {} ({FILE}:{}): use it through that crate, or change the table with a reason",
                        member.folder,
                        places.join(", "),
                        row.line
                    );
                    findings.push(Finding::new(manifest(&member.folder), 0, message));
                }
            }
        }
    }
    findings
}

fn members_table(members: &[Member], architecture: &str) -> Vec<Finding> {
    let Some(rows) = tables::find(architecture, &MEMBERS) else { return vec![missing(&MEMBERS)] };
    let names: BTreeSet<String> = members.iter().map(|m| m.folder.clone()).collect();
    let mut findings = Vec::new();
    let mut described = BTreeSet::new();
    for row in rows {
        let Some(name) = tables::names(row.cell(0)).into_iter().next() else { continue };
        described.insert(name.clone());
        let Some(member) = members.iter().find(|m| m.folder == name) else {
            findings.push(Finding::new(
                FILE,
                row.line,
                format!("the table names a crate `{name}` that the workspace does not have: remove the row"),
            ));
            continue;
        };
        let may: BTreeSet<String> = tables::names(row.cell(1)).into_iter().collect();
        let tests_may: BTreeSet<String> = tables::names(row.cell(2)).into_iter().collect();
        let uses: BTreeSet<String> = member.uses.intersection(&names).cloned().collect();
        let tests_use: BTreeSet<String> = member
            .tests_use
            .intersection(&names)
            .filter(|n| !uses.contains(*n) && **n != name)
            .cloned()
            .collect();
        for (is, should, how) in [(&uses, &may, "uses"), (&tests_use, &tests_may, "uses in its tests")] {
            for extra in is.difference(should) {
                let message = format!(
                    "{name} {how} {extra}, which {FILE}:{} does not allow: drop the dependency, or change the table with a reason",
                    row.line
                );
                findings.push(Finding::new(manifest(&name), 0, message));
            }
            for unused in should.difference(is) {
                let message = format!(
                    "the table says that {name} {how} {unused}, but its manifest does not: remove it from the table"
                );
                findings.push(Finding::new(FILE, row.line, message));
            }
        }
    }
    for undescribed in names.difference(&described) {
        findings.push(Finding::new(
            FILE,
            0,
            format!("the table `{}` has no row for `{undescribed}`", MEMBERS.join(" | ")),
        ));
    }
    findings
}

/// Compares whole dependency trees with the third table; `tree` gives the distinct packages (`name v1.2.3`) of one.
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

fn manifest(folder: &str) -> String {
    match folder {
        "bench" | "tests" | "xtask" => format!("{folder}/Cargo.toml"),
        crate_folder => format!("crates/{crate_folder}/Cargo.toml"),
    }
}

fn missing(header: &[&str]) -> Finding {
    Finding::new(FILE, 0, format!("the table `{}` is missing", header.join(" | ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "\
| crate | may use | tests may also use |
|---|---|---|
| model | - | - |
| cli | model | tests |
| tests | - | model |

| library | only in | tests also in |
|---|---|---|
| reqwest | cli | tests |

| tree of | at most | never |
|---|---|---|
| model | 2 | tokio, http |
";

    fn member(folder: &str, uses: &[&str], tests_use: &[&str]) -> Member {
        let set = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Member { folder: folder.into(), uses: set(uses), tests_use: set(tests_use) }
    }

    fn good() -> Vec<Member> {
        vec![
            member("model", &["serde"], &[]),
            member("cli", &["model", "reqwest"], &["tests", "model"]),
            member("tests", &[], &["model", "reqwest"]),
        ]
    }

    fn run(members: &[Member]) -> Vec<String> {
        edges(members, TABLES).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_graph_equal_to_the_table_passes() {
        assert_eq!(run(&good()), [""; 0]);
    }

    #[test]
    fn a_new_edge_is_named_at_the_manifest() {
        let mut members = good();
        members[0] = member("model", &["cli"], &["tests"]);
        let findings = run(&members);
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
        let findings =
            run(&[member("model", &[], &[]), member("cli", &[], &["tests"]), member("batch", &[], &[])]);
        let text = findings.join("\n");
        assert!(text.contains("ARCHITECTURE.md:4: the table says that cli uses model"), "{text}");
        assert!(text.contains("a crate `tests` that the workspace does not have"), "{text}");
        assert!(text.contains("no row for `batch`"), "{text}");
    }

    #[test]
    fn a_library_behind_a_fence_is_named() {
        let mut members = good();
        members[0] = member("model", &["reqwest"], &[]);
        let findings = run(&members);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].contains("model depends on reqwest, which is fenced to cli"), "{findings:?}");
        members[0] = member("model", &[], &["reqwest"]);
        assert!(run(&members)[0].contains("model uses in its tests reqwest"));
    }

    #[test]
    fn a_tree_is_counted_and_searched() {
        let small = |_: &str| Ok(distinct("model v0.1.0 (/x)\nserde v1.0.0\nserde v1.0.0 (*)\n"));
        assert_eq!(trees(TABLES, small), []);
        let large = |_: &str| Ok(distinct("model v0.1.0\nserde v1.0.0\ntokio v1.0.0\n"));
        let findings = trees(TABLES, large);
        assert_eq!(findings.len(), 2);
        assert!(
            findings[0].to_string().starts_with("ARCHITECTURE.md:13: model brings 3 crates, 2 are allowed")
        );
        assert!(findings[1].to_string().contains("-i tokio"));
        assert_eq!(trees(TABLES, |_| Err("broken".into()))[0].to_string(), "ARCHITECTURE.md:13: broken");
    }

    #[test]
    fn missing_tables_are_reported() {
        assert_eq!(edges(&[], "").len() + trees("", |_| Ok(BTreeSet::new())).len(), 3);
    }
}
