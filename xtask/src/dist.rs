//! `cargo xtask dist`: the archive that people download. The command with everything in it, its
//! completions and man pages, the licences of it and of all that is linked into it. The same commit
//! gives the same bytes, in whichever folder it is built. Publishes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use flate2::{Compression, GzBuilder};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const PACKAGE: &str = "ark-video-cli";
/// Of the archive: at most 15 MB.
const FEATURES: &str = "postgres";
/// Of the archive with everything.
const ALL_FEATURES: &str = "mcp,postgres,storage";
/// Parts of SQLite that a journal does not use.
const UNUSED_SQLITE: &str = "-USQLITE_ENABLE_FTS3 -USQLITE_ENABLE_FTS3_PARENTHESIS -USQLITE_ENABLE_FTS5 \
                             -USQLITE_ENABLE_RTREE -USQLITE_ENABLE_DBSTAT_VTAB -USQLITE_SOUNDEX";
const MUSL: &str = "x86_64-unknown-linux-musl";

/// Files of the archive by their path in it, with whether they are programs.
type Files = BTreeMap<String, (Vec<u8>, bool)>;

/// Builds, packs, and reports sizes and the checksum.
pub(crate) fn run(root: &Path, full: bool) -> Result<String> {
    let features = if full { ALL_FEATURES } else { FEATURES };
    let (target, linked) = target()?;
    let binary = build(root, &target, features)?;
    let mut files = Files::new();
    let bytes = fs::read(&binary).with_context(|| binary.display().to_string())?;
    let size = bytes.len();
    files.insert("ark-video".to_owned(), (bytes, true));
    for name in ["README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        files.insert(name.to_owned(), (fs::read(root.join(name)).context(name)?, false));
    }
    for (shell, name) in [("bash", "ark-video.bash"), ("zsh", "_ark-video"), ("fish", "ark-video.fish")] {
        let script = output(Command::new(&binary).args(["completions", shell]))?;
        files.insert(format!("completions/{name}"), (script, false));
    }
    let pages = TempDir::new().context("no temporary folder can be made")?;
    output(Command::new(&binary).arg("man").arg(pages.path()))?;
    for page in fs::read_dir(pages.path())? {
        let page = page?;
        let name = format!("man/{}", page.file_name().to_string_lossy());
        files.insert(name, (fs::read(page.path())?, false));
    }
    let metadata = metadata(root, &target, features)?;
    files.insert("THIRD-PARTY.txt".to_owned(), (notices(&metadata)?.into_bytes(), false));
    let name = format!("ark-video-{}{}-{target}", if full { "full-" } else { "" }, version(&metadata)?);
    let archive = pack(&name, &files, commit_time(root))?;
    let folder = target_folder(root).join("dist-archive");
    fs::create_dir_all(&folder)?;
    let file = format!("{name}.tar.gz");
    let checksum = Sha256::digest(&archive).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    fs::write(folder.join(&file), &archive)?;
    fs::write(folder.join(format!("{file}.sha256")), format!("{checksum}  {file}\n"))?;
    Ok(format!(
        "{}\nsha256 {checksum}\nthe command: {:.1} MB, {linked}\nthe archive: {:.1} MB, {} files\n",
        folder.join(&file).display(),
        size as f64 / 1e6,
        archive.len() as f64 / 1e6,
        files.len(),
    ))
}

/// Statically linked where the toolchain has the target and a C compiler for it.
fn target() -> Result<(String, &'static str)> {
    let version = String::from_utf8(output(Command::new("rustc").arg("-vV"))?)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let libraries = output(Command::new("rustc").args(["--print", "target-libdir", "--target", MUSL]));
    let has_musl = libraries.is_ok_and(|path| Path::new(String::from_utf8_lossy(&path).trim()).is_dir())
        && Command::new("musl-gcc").arg("--version").output().is_ok();
    Ok(if has_musl && host.starts_with("x86_64-unknown-linux") {
        (MUSL.to_owned(), "statically linked (musl)")
    } else {
        (host.to_owned(), "linked to the system's C library: this toolchain has no musl target")
    })
}

fn target_folder(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |folder| root.join(folder))
}

/// Builds the command without any path of this machine in it.
fn build(root: &Path, target: &str, features: &str) -> Result<PathBuf> {
    let folder = target_folder(root);
    let cargo_home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .context("cargo's home is unknown")?;
    let paths = [(folder.as_path(), "target"), (root, "."), (cargo_home.as_path(), "cargo")];
    let map = |option: &str, separator: &str| {
        let mut flags = OsString::new();
        for (path, name) in paths {
            if !flags.is_empty() {
                flags.push(separator);
            }
            flags.push(option);
            flags.push(path);
            flags.push("=");
            flags.push(name);
        }
        flags
    };
    let mut flags = map("--remap-path-prefix=", "\u{1f}");
    // Cargo's own `strip` is lost where the profile has settings for single packages.
    flags.push("\u{1f}-Cstrip=symbols");
    let status = Command::new(crate::cargo())
        .args(["build", "--locked", "--profile", "dist", "--package", PACKAGE, "--features", features])
        .args(["--target", target])
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .env("CFLAGS", map("-ffile-prefix-map=", " "))
        .env("LIBSQLITE3_FLAGS", UNUSED_SQLITE)
        .current_dir(root)
        .status()
        .context("cargo could not be started")?;
    ensure!(status.success(), "the command does not build; cargo says above why");
    Ok(folder.join(target).join("dist/ark-video"))
}

/// What a program printed.
fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().with_context(|| format!("{command:?} could not be started"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(output.stdout)
}

fn metadata(root: &Path, target: &str, features: &str) -> Result<Value> {
    let mut command = Command::new(crate::cargo());
    command.args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target]);
    let features: Vec<String> = features.split(',').map(|feature| format!("{PACKAGE}/{feature}")).collect();
    command.args(["--features", &features.join(",")]).current_dir(root);
    serde_json::from_slice(&output(&mut command)?).context("cargo metadata")
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

fn version(metadata: &Value) -> Result<&str> {
    let package = packages(metadata).find(|package| package["name"] == PACKAGE);
    package.and_then(|package| package["version"].as_str()).context("the command has no version")
}

/// The packages that are linked into the command.
fn linked(metadata: &Value) -> BTreeSet<&str> {
    let nodes: BTreeMap<&str, &Value> = (metadata["resolve"]["nodes"].as_array().into_iter().flatten())
        .filter_map(|node| Some((node["id"].as_str()?, node)))
        .collect();
    let start = packages(metadata).find(|package| package["name"] == PACKAGE);
    let mut open: Vec<&str> = start.and_then(|package| package["id"].as_str()).into_iter().collect();
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        if found.insert(id) {
            let needs = nodes.get(id).and_then(|node| node["deps"].as_array()).into_iter().flatten();
            let normal = needs.filter(|need| {
                need["dep_kinds"]
                    .as_array()
                    .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
            });
            open.extend(normal.filter_map(|need| need["pkg"].as_str()));
        }
    }
    found
}

/// Names, versions and licences of what is linked in, then each licence's text once.
fn notices(metadata: &Value) -> Result<String> {
    let linked = linked(metadata);
    let mut list = String::from("The command contains these packages.\n\n");
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in packages(metadata) {
        let (Some(id), Some(manifest)) = (package["id"].as_str(), package["manifest_path"].as_str()) else {
            continue;
        };
        // Our own licences lie beside this file.
        if package["source"].is_null() || !linked.contains(id) {
            continue;
        }
        let named = format!("{} {}", text(&package["name"]), text(&package["version"]));
        let _ = writeln!(list, "{named}: {}", text(&package["license"]));
        let folder = Path::new(manifest).parent().context("a manifest without a folder")?;
        for file in fs::read_dir(folder).with_context(|| folder.display().to_string())?.flatten() {
            let name = file.file_name().to_string_lossy().to_uppercase();
            if ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"]
                .iter()
                .any(|word| name.starts_with(word))
                && file.path().is_file()
            {
                let content = String::from_utf8_lossy(&fs::read(file.path())?).replace("\r\n", "\n");
                texts.entry(content.trim().to_owned()).or_default().insert(named.clone());
            }
        }
    }
    for (content, names) in &texts {
        let names = names.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let _ = write!(list, "\n----\n{names}\n\n{content}\n");
    }
    Ok(list)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("unknown")
}

/// The commit's time in seconds, the time of every file in the archive; 0 outside of git.
fn commit_time(root: &Path) -> u64 {
    let time = output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root));
    time.ok().and_then(|time| String::from_utf8_lossy(&time).trim().parse().ok()).unwrap_or(0)
}

fn pack(name: &str, files: &Files, time: u64) -> Result<Vec<u8>> {
    let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    let mut archive = tar::Builder::new(gzip);
    for (path, (content, program)) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(if *program { 0o755 } else { 0o644 });
        header.set_mtime(time);
        archive.append_data(&mut header, format!("{name}/{path}"), content.as_slice())?;
    }
    Ok(archive.into_inner()?.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_the_same_however_often_it_is_packed() {
        let file = |text: &str, program| (text.as_bytes().to_vec(), program);
        let files = Files::from([("b".to_owned(), file("2", true)), ("a".to_owned(), file("1", false))]);
        let archive = pack("n", &files, 7).unwrap();
        assert_eq!(archive, pack("n", &files, 7).unwrap());
        let mut unpacked = tar::Archive::new(flate2::read::GzDecoder::new(archive.as_slice()));
        let entries: Vec<_> = (unpacked.entries().unwrap())
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                (entry.path().unwrap().display().to_string(), header.mode().unwrap(), header.mtime().unwrap())
            })
            .collect();
        assert_eq!(entries, [("n/a".to_owned(), 0o644, 7), ("n/b".to_owned(), 0o755, 7)]);
    }

    #[test]
    fn build_tools_are_not_listed_and_all_else_has_a_licence() {
        let (target, _) = target().unwrap();
        let metadata = metadata(&crate::root(), &target, ALL_FEATURES).unwrap();
        let list = notices(&metadata).unwrap();
        let names: Vec<_> = list.split("\n----\n").next().unwrap().lines().collect();
        assert!(names.iter().any(|line| line.starts_with("tokio ")) && names.len() > 100, "{names:?}");
        assert!(!names.iter().any(|line| line.starts_with("cc ")), "a tool of the build");
        assert!(!names.iter().any(|line| line.ends_with(": unknown")), "{names:?}");
        assert!(list.contains("Permission is hereby granted"));
    }
}
