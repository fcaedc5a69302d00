//! What some tests need of the machine: PostgreSQL, S3 servers, ffmpeg, shells, a disk to fill.
//! Such a test is `#[ignore]`d with the reason, so that a plain `cargo test` reports it, and its
//! name ends with what it needs; this file says where it can run, and to the runner which of them
//! to include. Installs nothing.

use std::path::Path;

use super::shell::Shell;

/// The end of a test's name, what that needs, and whether it is here.
struct Companion {
    suffix: &'static str,
    needs: &'static str,
    is_here: fn(&Shell) -> bool,
}

const COMPANIONS: [Companion; 8] = [
    Companion { suffix: "_with_postgresql", needs: "PostgreSQL (initdb, postgres)", is_here: has_postgresql },
    Companion { suffix: "_with_s3", needs: "s3s-fs (an S3 server)", is_here: has_s3 },
    Companion {
        suffix: "_with_s3_on_a_small_disk",
        needs: "s3s-fs (an S3 server), or no small disk that may be mounted",
        is_here: |shell| has_s3(shell) && has_small_disk(shell),
    },
    Companion { suffix: "_with_seaweedfs", needs: "SeaweedFS (weed, an S3 server)", is_here: has_seaweedfs },
    Companion {
        suffix: "_with_seaweedfs_and_a_wrong_clock",
        needs: "SeaweedFS (weed, an S3 server), or no faketime",
        is_here: |shell| has_seaweedfs(shell) && shell.has("faketime", &["--version"]),
    },
    Companion {
        suffix: "_with_ffmpeg",
        needs: "ffmpeg and ffprobe",
        is_here: |shell| ["ffmpeg", "ffprobe"].iter().all(|tool| shell.has(tool, &["-version"])),
    },
    Companion {
        suffix: "_with_shells",
        needs: "bash, zsh, fish, script and mandoc",
        is_here: |shell| {
            let shells = ["bash", "zsh", "fish", "script"].iter().all(|tool| shell.has(tool, &["--version"]));
            shells && shell.has("sh", &["-c", "command -v mandoc"])
        },
    },
    Companion {
        suffix: "_on_a_small_disk",
        needs: "a small disk that may be mounted (unshare, mount)",
        is_here: has_small_disk,
    },
];

/// The ends of the names of what never runs by itself: a process that a test starts, and what a
/// command of `cargo xtask` runs.
const NEVER: [&str; 2] = ["_child", "_by_hand"];

fn has_postgresql(shell: &Shell) -> bool {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    std::env::var_os("ARK_VIDEO_TEST_POSTGRES").is_some()
        || installed.map(|entry| entry.path().join("bin")).any(|bin| is_server(&bin))
        || shell.has("initdb", &["--version"])
}

fn has_small_disk(shell: &Shell) -> bool {
    let mount = "mount -t tmpfs -o size=1m none /mnt";
    shell.has("unshare", &["--user", "--map-root-user", "--mount", "sh", "-c", mount])
}

/// Where CI installs it, else in the PATH.
fn has_s3(shell: &Shell) -> bool {
    Path::new("target/ci/s3/bin/s3s-fs").is_file() || shell.has("s3s-fs", &["--version"])
}

/// Where CI installs it, else in the PATH.
fn has_seaweedfs(shell: &Shell) -> bool {
    Path::new("target/ci/venv/bin/weed").is_file() || shell.has("weed", &["version"])
}

fn is_server(bin: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| bin.join(program).is_file())
}

/// Whether an ignored test of that name is left out by rule, and not by accident.
pub(crate) fn is_known(name: &str) -> bool {
    COMPANIONS.iter().any(|companion| name.ends_with(companion.suffix))
        || NEVER.iter().any(|end| name.ends_with(end))
}

/// The arguments that include every ignored test that can run here. Reports what cannot. Only
/// nextest knows `which`, a filter of its own.
pub(super) fn arguments(shell: &Shell, nextest: bool, which: &str) -> Vec<String> {
    let missing: Vec<&Companion> =
        COMPANIONS.iter().filter(|companion| !(companion.is_here)(shell)).collect();
    for companion in &missing {
        shell.left_out(&format!(
            "the tests *{}, because this machine has no {}",
            companion.suffix, companion.needs
        ));
    }
    let suffixes: Vec<&str> = missing.iter().map(|companion| companion.suffix).chain(NEVER).collect();
    if nextest { for_nextest(&suffixes, which) } else { for_libtest(&suffixes) }
}

fn for_nextest(left_out: &[&str], which: &str) -> Vec<String> {
    let tests: Vec<String> = left_out.iter().map(|suffix| format!("test(/{suffix}$/)")).collect();
    let filter = format!("{which} and not ({})", tests.join(" or "));
    ["--run-ignored", "all", "-E", &filter].map(str::to_owned).into()
}

fn for_libtest(left_out: &[&str]) -> Vec<String> {
    let skips = left_out.iter().flat_map(|suffix| ["--skip", suffix]);
    ["--", "--include-ignored"].into_iter().chain(skips).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_runners_leave_out_the_same() {
        assert_eq!(
            for_nextest(&["_with_ffmpeg", "_child"], "all()").join(" "),
            "--run-ignored all -E all() and not (test(/_with_ffmpeg$/) or test(/_child$/))"
        );
        assert_eq!(
            for_libtest(&["_with_ffmpeg", "_child"]).join(" "),
            "-- --include-ignored --skip _with_ffmpeg --skip _child"
        );
    }
}
