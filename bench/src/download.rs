//! A result of 500 MB to disk: ours polls the task, follows its link, hashes, flushes and renames;
//! curl only writes. Both are timed as whole processes, into the same folder, and may use every
//! processor.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ark_video::Client;

use crate::{
    Result,
    interleaved::{self, Interleaved},
    measure,
};

const BYTES: u64 = 500_000_000;

/// What to do.
#[derive(clap::Args, Clone)]
pub struct Args {
    #[arg(long)]
    base_url: String,
    #[arg(long)]
    to: PathBuf,
}

/// Fetches a small result to warm up, then the large one, and prints the figures.
pub fn run(args: &Args) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = Client::builder().api_key("bench").base_url(&args.base_url).build()?;
    let fetch = |bytes: u64, to: &Path| -> Result<()> {
        let task = client.task(format!("cgt-{bytes}"));
        let saved = runtime.block_on(task.download(to).into_future())?;
        if saved.bytes == bytes { Ok(()) } else { Err("the file has another length".into()) }
    };
    fetch(1_000, &args.to.with_extension("small"))?;
    let figures = measure::measured(1, || fetch(BYTES, &args.to))?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// The row: ours and curl.
pub fn row(interleaved: &Interleaved) -> Result<()> {
    println!("500 MB to disk: ours with a GET of the task, SHA-256, fsync and rename, against curl without");
    let found = Command::new("curl").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        println!("skipped: curl is not here");
        return Ok(());
    }
    // Beside the build, on the disk that people have; the folder for temporary files is often
    // memory.
    let folder = tempfile::tempdir_in(std::env::current_exe()?.parent().unwrap_or(Path::new(".")))?;
    let video = folder.path().join("video.mp4");
    let mut ours = interleaved.unpinned(&interleaved::peer());
    ours.args(["download", "--base-url", &interleaved.api, "--to"]).arg(&video);
    let mut curl = interleaved.unpinned("curl");
    curl.args(["--silent", "--show-error", "--fail", "--output"]).arg(&video);
    curl.arg(format!("{}/{BYTES}", interleaved.storage()));
    let figures = interleaved.timed(&mut [ours, curl], || {
        for left in std::fs::read_dir(folder.path())? {
            std::fs::remove_file(left?.path())?;
        }
        Ok(())
    })?;
    let [ours, curl] = figures.as_slice() else { return Ok(()) };
    let speed = |figures: &measure::Figures| figures.per_second * BYTES as f64 / 1e6;
    println!("  ours {:>6.0} MB/s, {:.2} s CPU, {:.1} MB peak", speed(ours), ours.cpu_us / 1e6, ours.peak_mb);
    println!("  curl {:>6.0} MB/s", speed(curl));
    interleaved::at_least("speed", ours.per_second / curl.per_second, 0.9, "x");
    interleaved::at_most("over idle", ours.over_idle_mb, 4.0, " MB");
    Ok(())
}
