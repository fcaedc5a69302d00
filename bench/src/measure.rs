//! What a process used so far, as the kernel counts it (Linux; elsewhere the columns are empty).

use std::fs;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// One run's figures.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Operations a second.
    pub(crate) per_second: f64,
    /// CPU seconds per ten thousand operations.
    pub(crate) cpu_per_10k: f64,
    /// Largest resident size, in MB.
    pub(crate) peak_mb: f64,
}

/// Runs `work`, which does `count` operations, and says what it took.
pub(crate) fn measured(count: usize, work: impl FnOnce() -> crate::Result<()>) -> crate::Result<Figures> {
    let (cpu, start) = (cpu_seconds(), Instant::now());
    work()?;
    let wall = start.elapsed().as_secs_f64();
    Ok(Figures {
        per_second: count as f64 / wall,
        cpu_per_10k: (cpu_seconds() - cpu) / count as f64 * 10_000.0,
        peak_mb: peak_mb(),
    })
}

/// User and system time of this process, to the hundredth.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let fields: Vec<f64> = after_name.split_whitespace().map(|field| field.parse().unwrap_or(0.0)).collect();
    fields.get(11).zip(fields.get(12)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}

fn peak_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok())
        .map_or(0.0, |kb| kb / 1024.0)
}
