//! `cargo xtask count`: handwritten lines of code per member and packages per lock file, so that
//! "smaller" is a figure. Reads text only and knows rustfmt's layout, not the language; it compiles
//! nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

const DEFINITION: &str = "lines of Rust that are not blank, not comment, and not in tests, benches, examples, fixtures or generated files";

/// Folders that hold no handwritten code of a program.
const LEFT_OUT: [&str; 8] =
    ["tests", "benches", "examples", "fixtures", "generated", "target", "corpus", "node_modules"];

/// What `cargo xtask count` prints.
///
/// # Errors
///
/// A file that cannot be read.
pub(crate) fn run(root: &Path) -> Result<String> {
    let mut text = format!("{DEFINITION}\n\n");
    let (mut sum, mut files) = (0, 0);
    for member in members(root)? {
        let counted = count(root, &member)?;
        sum += counted.lines;
        files += counted.files;
        writeln!(text, "{:>7}  {:>3} files  {}", counted.lines, counted.files, member.display())?;
    }
    writeln!(text, "{sum:>7}  {files:>3} files  in all\n")?;
    let mut packages = BTreeSet::new();
    for lock in ["Cargo.lock", "xtask/schema-tool/Cargo.lock", "fuzz/Cargo.lock"] {
        let Ok(content) = std::fs::read_to_string(root.join(lock)) else { continue };
        // A package begins with its name and version.
        let held: Vec<&str> = content.split("[[package]]\n").skip(1).collect();
        writeln!(text, "{:>7}  packages   {lock}", held.len())?;
        packages.extend(held.iter().map(|one| one.lines().take(2).collect::<String>()));
    }
    writeln!(text, "{:>7}  packages   in all, each version once", packages.len())?;
    Ok(text)
}

/// Every folder below the root that has a manifest of its own, the deepest first: a file belongs to
/// the nearest one.
fn members(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in ["crates", ".", "xtask"] {
        for entry in std::fs::read_dir(root.join(folder)).with_context(|| folder.to_owned())? {
            let path = entry?.path();
            if path.join("Cargo.toml").is_file() {
                found.push(
                    path.strip_prefix(root)?.strip_prefix("./").unwrap_or(path.strip_prefix(root)?).into(),
                );
            }
        }
    }
    found.sort();
    found.dedup();
    found.retain(|member: &PathBuf| !member.ends_with("tests"));
    Ok(found)
}

#[derive(Default)]
struct Counted {
    lines: usize,
    files: usize,
}

fn count(root: &Path, member: &Path) -> Result<Counted> {
    let mut sources = Vec::new();
    collect(&root.join(member), &mut sources)?;
    let mut tests = BTreeSet::new();
    let mut contents = Vec::new();
    for path in sources {
        let content = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let counted = code(&content);
        tests.extend(counted.test_modules.iter().flat_map(|module| places(&path, module)));
        contents.push((path, counted.lines));
    }
    let mut sum = Counted::default();
    for (path, lines) in contents {
        if !path.ancestors().any(|ancestor| tests.contains(ancestor)) {
            sum.lines += lines;
            sum.files += 1;
        }
    }
    Ok(sum)
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if !LEFT_OUT.contains(&name.as_str()) && !path.join("Cargo.toml").is_file() {
                collect(&path, found)?;
            }
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
    Ok(())
}

/// Where the file of a module can lie that `parent` declares: `NAME.rs` or `NAME/`, beside it or
/// below its own folder.
fn places(parent: &Path, module: &str) -> Vec<PathBuf> {
    let folder = parent.parent().unwrap_or(parent);
    let below = parent.with_extension("");
    [folder, below.as_path()]
        .iter()
        .flat_map(|at| [at.join(module), at.join(format!("{module}.rs"))])
        .collect()
}

#[derive(Debug, Default, PartialEq)]
struct Code {
    lines: usize,
    /// Modules in files of their own that only tests compile.
    test_modules: Vec<String>,
}

/// Counts a file as rustfmt lays it out: an item under `#[cfg(test)]` ends with its line, or at the
/// brace below its first letter.
fn code(text: &str) -> Code {
    let mut counted = Code::default();
    let mut lines = text.lines();
    let mut comment = false;
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if comment || trimmed.starts_with("/*") {
            comment = !trimmed.ends_with("*/");
            continue;
        }
        if trimmed.is_empty() || trimmed.starts_with("//") {
            continue;
        }
        if trimmed != "#[cfg(test)]" {
            counted.lines += 1;
            continue;
        }
        let indent = &line[..line.len() - trimmed.len()];
        let mut file = None;
        let Some(item) = lines.find(|line| {
            let path = line.trim().strip_prefix("#[path = \"").and_then(|path| path.strip_suffix(".rs\"]"));
            file = path.map(str::to_owned).or(file.take());
            !line.trim().starts_with(['#', '/'])
        }) else {
            break;
        };
        if let Some(module) = item.trim().strip_suffix(';').and_then(|item| item.split("mod ").nth(1)) {
            counted.test_modules.push(file.unwrap_or_else(|| module.to_owned()));
        }
        if !item.ends_with([';', '}']) {
            lines.find(|line| {
                line.strip_prefix(indent).is_some_and(|rest| rest.starts_with(['}', ']']) || rest == ");")
            });
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_comments_and_tests_are_not_counted() {
        let table = [
            ("", 0),
            ("//! Doc.\n\n/// Doc.\nfn a() {}\n", 1),
            ("fn a() {\n    // why\n    b();\n}\n", 3),
            ("/* one\n two */\nfn a() {}\n", 1),
            ("#[cfg(test)]\nmod tests {\n    fn a() {\n    }\n}\nfn b() {}\n", 1),
            ("#[cfg(test)]\n#[allow(x)]\nfn helper(\n    a: u8,\n) -> u8 {\n    a\n}\nfn b() {}\n", 1),
            ("impl A {\n    #[cfg(test)]\n    fn t() {\n        x();\n    }\n    fn b() {}\n}\n", 3),
            ("#[cfg(test)]\nuse a::b;\nfn b() {}\n", 1),
        ];
        for (text, lines) in table {
            assert_eq!(code(text).lines, lines, "{text}");
        }
    }

    #[test]
    fn a_file_that_only_tests_declare_is_left_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        at("a/Cargo.toml", "");
        at("a/src/lib.rs", "mod wait;\n#[cfg(test)]\n#[path = \"wait_tests.rs\"]\nmod tests;\n");
        at("a/src/wait.rs", "#[cfg(test)]\nmod model;\nfn a() {}\n");
        at("a/src/wait/model.rs", "fn a() {}\n");
        at("a/src/wait_tests.rs", "fn a() {}\n");
        at("a/tests/it.rs", "fn a() {}\n");
        at("a/src/generated/b.rs", "fn a() {}\n");
        at("a/inner/Cargo.toml", "");
        at("a/inner/src/lib.rs", "fn a() {}\n");
        let counted = count(folder.path(), Path::new("a")).expect("counted");
        assert_eq!((counted.lines, counted.files), (2, 2));
    }
}
