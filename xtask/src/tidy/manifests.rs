//! The manifests against each other and against docs/decisions/dependencies.md: every dependency
//! has one place, one reason and a user; every crate takes its lints from the workspace; every
//! library crate denies missing docs.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::graph::{self, TABLES, dependencies};
use super::{Finding, Repo, tables};

const REASONS: &str = "docs/decisions/dependencies.md";
const HEADER: [&str; 3] = ["crate", "used by", "why"];
const TOOL: &str = "xtask/schema-tool/Cargo.toml";

/// What the manifests say, by name of the dependency: who uses it.
type Users = BTreeMap<String, BTreeSet<String>>;

/// Also holds the crate graph against the table of ARCHITECTURE.md.
pub(crate) fn check(repo: &Repo, architecture: &str) -> Vec<Finding> {
    let (mut findings, _, members) = examine(repo);
    findings.extend(graph::edges(&members, architecture));
    findings
}

/// The reasons with their second column written; `None` when there is nothing to change.
pub(crate) fn with_users(repo: &Repo) -> Option<(&'static str, String)> {
    let text = repo.text(REASONS)?;
    let (_, users, _) = examine(repo);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for row in tables::find(text, &HEADER)? {
        let is = users_of(&tables::names(row.cell(0)), &users);
        if !is.is_empty() {
            let list: Vec<String> = is.into_iter().collect();
            lines[row.line - 1] = format!("| {} | {} | {} |", row.cell(0), list.join(", "), row.cell(2));
        }
    }
    let new = lines.join("\n") + "\n";
    (new != text).then_some((REASONS, new))
}

fn users_of(names: &[String], users: &Users) -> BTreeSet<String> {
    names.iter().filter_map(|name| users.get(name)).flatten().cloned().collect()
}

fn examine(repo: &Repo) -> (Vec<Finding>, Users, BTreeMap<&str, Table>) {
    let mut findings = Vec::new();
    let mut manifests = BTreeMap::new();
    for (path, text) in repo
        .with_ending("Cargo.toml")
        .filter(|(path, _)| ["Cargo.toml", TOOL].contains(path) || is_member(path))
    {
        match text.parse::<Table>() {
            Ok(table) => {
                manifests.insert(path, table);
            }
            Err(e) => findings.push(Finding::new(path, 0, format!("is not TOML: {}", e.message()))),
        }
    }
    let Some(root) = manifests.remove("Cargo.toml") else {
        findings.push(Finding::new("Cargo.toml", 0, "is missing"));
        return (findings, Users::new(), BTreeMap::new());
    };
    let mut shared = shared_dependencies(&root);
    let mut users = Users::new();
    let tool = manifests.remove(TOOL);
    for (path, manifest) in &manifests {
        findings.extend(member(path, manifest, &shared, &mut users));
        findings.extend(opens_as_a_library(path, repo));
    }
    // The schema tool is a workspace of its own; the reasons are one table.
    for (name, _) in tool.iter().flat_map(|manifest| dependencies(manifest, &TABLES)) {
        users.entry(name.to_owned()).or_default().insert("schema-tool".to_owned());
        shared.entry(name.to_owned()).or_insert(false);
    }
    findings.extend(reasons(
        &shared,
        &users,
        repo.text(REASONS).unwrap_or_default(),
        repo.text("Cargo.toml").unwrap_or_default(),
    ));
    (findings, users, manifests)
}

fn is_member(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(
        parts.as_slice(),
        ["crates", _, "Cargo.toml"] | ["bench" | "test-support" | "tests" | "xtask", "Cargo.toml"]
    )
}

/// Name in `[workspace.dependencies]`, and whether it is one of our own crates.
fn shared_dependencies(root: &Table) -> BTreeMap<String, bool> {
    let table = root.get("workspace").and_then(|w| w.get("dependencies")).and_then(Value::as_table);
    table.into_iter().flatten().map(|(name, entry)| (name.clone(), entry.get("path").is_some())).collect()
}

fn member(path: &str, manifest: &Table, shared: &BTreeMap<String, bool>, users: &mut Users) -> Vec<Finding> {
    let mut findings = Vec::new();
    let folder = path.trim_end_matches("/Cargo.toml").rsplit('/').next().unwrap_or(path).to_owned();
    if manifest.get("lints").and_then(|l| l.get("workspace")).and_then(Value::as_bool) != Some(true) {
        findings.push(Finding::new(path, 0, "add `[lints]` with `workspace = true`"));
    }
    for (name, entry) in dependencies(manifest, &TABLES) {
        // A crate's tests may turn on features of the crate itself; cargo leaves a bare path out of
        // the package.
        if entry.get("path").and_then(Value::as_str) == Some(".") {
            continue;
        }
        users.entry(name.to_owned()).or_default().insert(folder.clone());
        if entry.get("workspace").and_then(Value::as_bool) != Some(true) {
            findings.push(Finding::new(path, 0, format!("`{name}` has a version of its own: pin it in [workspace.dependencies] and say `{name}.workspace = true`")));
        } else if !shared.contains_key(name) {
            findings.push(Finding::new(path, 0, format!("`{name}` is not in [workspace.dependencies]")));
        }
    }
    findings
}

/// The two lines that each library has on top; without the second, the fences of clippy.toml do not
/// hold in it.
const TOP: [&str; 2] = [
    "#![deny(missing_docs)]",
    "#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]",
];

fn opens_as_a_library(manifest: &str, repo: &Repo) -> Vec<Finding> {
    let lib = manifest.replace("Cargo.toml", "src/lib.rs");
    let wanted = if manifest.starts_with("crates/") { &TOP[..] } else { &TOP[..1] };
    let missing = wanted.iter().filter(|line| repo.text(&lib).is_some_and(|text| !text.contains(**line)));
    missing
        .map(|line| Finding::new(lib.clone(), 1, format!("add `{line}`: the crate is for other people")))
        .collect()
}

fn reasons(shared: &BTreeMap<String, bool>, users: &Users, reasons: &str, root: &str) -> Vec<Finding> {
    let Some(rows) = tables::find(reasons, &HEADER) else {
        return vec![Finding::new(REASONS, 0, format!("the table `{}` is missing", HEADER.join(" | ")))];
    };
    let mut findings = Vec::new();
    let line_of = |name: &str| {
        root.lines().position(|l| l.split(['=', '.', ' ']).next() == Some(name)).map_or(0, |n| n + 1)
    };
    for name in shared.keys().filter(|name| !users.contains_key(*name)) {
        findings.push(Finding::new(
            "Cargo.toml",
            line_of(name),
            format!("no member uses `{name}`: remove it from [workspace.dependencies]"),
        ));
    }
    let foreign: BTreeSet<&String> =
        shared.iter().filter(|(_, ours)| !**ours).map(|(name, _)| name).collect();
    let mut explained = BTreeSet::new();
    for row in &rows {
        // A row may explain several crates that serve one purpose.
        let names = tables::names(row.cell(0));
        for name in &names {
            if !foreign.contains(name) {
                findings.push(Finding::new(
                    REASONS,
                    row.line,
                    format!("`{name}` is not in [workspace.dependencies]: remove it here"),
                ));
            } else if !explained.insert(name.clone()) {
                findings.push(Finding::new(
                    REASONS,
                    row.line,
                    format!("`{name}` is explained twice: keep one"),
                ));
            }
        }
        let is = users_of(&names, users);
        let names = names.join(", ");
        if row.cell(2).is_empty() {
            findings.push(Finding::new(REASONS, row.line, format!("`{names}` has no reason")));
        }
        let said: BTreeSet<String> = tables::names(row.cell(1)).into_iter().collect();
        if !is.is_empty() && said != is {
            let list: Vec<String> = is.into_iter().collect();
            let message =
                format!("`{names}` is used by: {}; `cargo xtask tidy --fix` writes that", list.join(", "));
            findings.push(Finding::new(REASONS, row.line, message));
        }
    }
    for name in foreign.into_iter().filter(|name| !explained.contains(*name)) {
        findings.push(Finding::new(
            "Cargo.toml",
            line_of(name),
            format!("`{name}` has no row in {REASONS}: add one with its reason"),
        ));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str =
        "[workspace.dependencies]\nours = { path = \"crates/ours\" }\nserde = \"1\"\ntoml = \"1\"\n";
    const OURS: &str = "[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n";
    const XTASK: &str = "[lints]\nworkspace = true\n[dev-dependencies]\nours.workspace = true\n[target.'cfg(unix)'.dependencies]\ntoml = { workspace = true, features = [\"x\"] }\n";
    const WHY: &str =
        "| crate | used by | why |\n|---|---|---|\n| serde | ours | JSON |\n| `toml` | xtask | manifests |\n";
    const LIB: &str = "//! Doc.\n#![deny(missing_docs)]\n#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::disallowed_types))]\n";

    fn run(root: &str, ours: &str, xtask: &str, why: &str, lib: &str) -> Vec<String> {
        let repo = Repo::of(&[
            ("Cargo.toml", root),
            ("crates/ours/Cargo.toml", ours),
            ("crates/ours/src/lib.rs", lib),
            ("xtask/Cargo.toml", xtask),
            (REASONS, why),
        ]);
        examine(&repo).0.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn manifests_that_agree_pass() {
        assert_eq!(run(ROOT, OURS, XTASK, WHY, LIB), [""; 0]);
    }

    #[test]
    fn a_dependency_nobody_uses_or_explains_is_named() {
        let root = format!("{ROOT}url = \"2\"\n");
        assert_eq!(
            run(&root, OURS, XTASK, WHY, LIB),
            [
                "Cargo.toml:5: no member uses `url`: remove it from [workspace.dependencies]",
                "Cargo.toml:5: `url` has no row in docs/decisions/dependencies.md: add one with its reason"
            ]
        );
    }

    #[test]
    fn rows_that_are_stale_doubled_empty_or_wrong_are_named() {
        let why = format!("{WHY}| url | ours | x |\n| serde | ours, cli | y |\n").replace("manifests", "");
        let findings = run(ROOT, OURS, XTASK, &why, LIB).join("\n");
        assert!(findings.contains("dependencies.md:5: `url` is not in"), "{findings}");
        assert!(findings.contains("dependencies.md:6: `serde` is explained twice"), "{findings}");
        assert!(findings.contains("dependencies.md:6: `serde` is used by: ours; `cargo"), "{findings}");
        assert!(findings.contains("dependencies.md:4: `toml` has no reason"), "{findings}");
    }

    #[test]
    fn the_second_column_is_written_from_the_manifests() {
        let wrong = WHY.replace("| serde | ours |", "| serde | cli (once) |");
        let repo = |why: &str| {
            Repo::of(&[
                ("Cargo.toml", ROOT),
                ("crates/ours/Cargo.toml", OURS),
                ("xtask/Cargo.toml", XTASK),
                (REASONS, why),
            ])
        };
        assert_eq!(with_users(&repo(&wrong)), Some((REASONS, WHY.to_owned())));
        assert_eq!(with_users(&repo(WHY)), None);
    }

    #[test]
    fn a_version_outside_the_workspace_table_is_named() {
        let ours = format!("{OURS}bytes = \"1\"\nhttp.workspace = true\n");
        let findings = run(ROOT, &ours, XTASK, WHY, LIB).join("\n");
        assert!(findings.contains("crates/ours/Cargo.toml: `bytes` has a version of its own"), "{findings}");
        let itself = format!("{OURS}[dev-dependencies]\nours = {{ path = \".\", features = [\"x\"] }}\n");
        assert_eq!(run(ROOT, &itself, XTASK, WHY, LIB), run(ROOT, OURS, XTASK, WHY, LIB));
        assert!(findings.contains("`http` is not in [workspace.dependencies]"), "{findings}");
    }

    #[test]
    fn lints_and_docs_are_asked_for() {
        let findings =
            run(ROOT, &OURS.replace("true\n[dep", "false\n[dep"), XTASK, WHY, "//! Doc.\n").join("\n");
        assert!(findings.contains("crates/ours/Cargo.toml: add `[lints]`"), "{findings}");
        assert!(findings.contains("crates/ours/src/lib.rs:1: add `#![deny(missing_docs)]`"), "{findings}");
    }

    #[test]
    fn a_broken_manifest_and_a_missing_table_are_named() {
        let findings = run(ROOT, "[oops", XTASK, "no table", LIB).join("\n");
        assert!(findings.contains("crates/ours/Cargo.toml: is not TOML"), "{findings}");
        assert!(findings.contains("the table `crate | used by | why` is missing"), "{findings}");
    }
}
