//! The vendor's Python runtime beside our client, at the same work against the same server:
//! `volcenginesdkarkruntime`, sync, a client per thread, which is the fastest way it has (measured
//! against one shared client and its async client).

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{
    Result, inline,
    interleaved::{self, Interleaved},
};

/// Where `.ci/run` installs it.
const PYTHON: &str = "target/ci/venv/bin/python";
const PEER: &str = include_str!("../python/peer.py");
const REQUEST: &str = include_str!("../../schema/examples/requests/vendor-tea.json");

/// The row: creates at 16 and 256, and an image of 30 MB.
pub fn row(interleaved: &Interleaved) -> Result<()> {
    let runtime = Command::new(PYTHON)
        .args(["-c", "import volcenginesdkarkruntime"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !runtime.is_ok_and(|status| status.success()) {
        println!("skipped: the vendor's Python runtime is not in target/ci/venv (`.ci/run` installs it)");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let (peer, request) = (folder.path().join("peer.py"), folder.path().join("request.json"));
    std::fs::write(&peer, PEER)?;
    std::fs::write(&request, REQUEST)?;
    let python = |mode: &str, count: usize, width: usize, input: &Path| {
        let mut command = interleaved.client(PYTHON);
        command.arg(&peer).args([mode, &interleaved.api, &count.to_string(), &width.to_string()]).arg(input);
        command
    };
    println!("create: ours against the vendor's Python runtime");
    for width in [16, 256] {
        let ours = |mode| {
            interleaved.peer(&format!(
                "create --base-url {} --mode {mode} --count 10000 --concurrency {width}",
                interleaved.api
            ))
        };
        let figures = interleaved.compared(&mut [
            ours("ours"),
            ours("ours-reuse"),
            python("create", 3_000, width, &request),
        ])?;
        let [safe, reuse, python] = figures.as_slice() else { return Ok(()) };
        interleaved::print(&format!("{width} at a time, ours"), safe);
        interleaved::print(&format!("{width} at a time, ours-reuse"), reuse);
        interleaved::print(&format!("{width} at a time, Python (keeps connections)"), python);
        if width == 16 {
            interleaved::at_least("safe default, requests", safe.per_second / python.per_second, 8.0, "x");
            interleaved::at_least("with reuse, requests", reuse.per_second / python.per_second, 30.0, "x");
        }
        println!(
            "  {width} at a time, per CPU second: safe default {:.1}x, with reuse {:.1}x; peak: 1/{:.0}",
            python.cpu_us / safe.cpu_us,
            python.cpu_us / reuse.cpu_us,
            python.peak_mb / safe.peak_mb
        );
    }
    println!("an image of 30 MB inside the request: ours against the vendor's Python runtime");
    let image = inline::image()?;
    let mut ours = interleaved.peer(&format!("inline --base-url {} --mode ours --file", interleaved.api));
    ours.arg(image.path());
    let figures = interleaved.compared(&mut [ours, python("inline", 1, 1, image.path())])?;
    let [ours, python] = figures.as_slice() else { return Ok(()) };
    interleaved::print("ours", ours);
    interleaved::print("Python", python);
    println!(
        "  over idle: ours {:.1} MB, Python {:.1} MB; time: 1/{:.0}",
        ours.over_idle_mb,
        python.over_idle_mb,
        ours.per_second / python.per_second
    );
    Ok(())
}
