//! What a process used so far, as the kernel counts it (Linux; elsewhere the columns are empty).

use std::fs;
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// One run's figures.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Figures {
    /// Operations a second.
    pub per_second: f64,
    /// Microseconds of CPU, user and system, of one operation.
    pub cpu_us: f64,
    /// Largest resident size, in MB.
    pub peak_mb: f64,
    /// How much of it came after the warm-up, in MB.
    pub over_idle_mb: f64,
}

/// Runs `work`, which does `count` operations, and says what it took. Whatever was done before was
/// the warm-up.
pub fn measured(count: usize, work: impl FnOnce() -> crate::Result<()>) -> crate::Result<Figures> {
    let idle = status_mb("VmRSS:");
    // Forgets the peak so far. Not allowed everywhere; then the peak is that of the whole process.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let (cpu, start) = (cpu_seconds(), Instant::now());
    work()?;
    let wall = start.elapsed().as_secs_f64();
    let peak_mb = status_mb("VmHWM:");
    Ok(Figures {
        per_second: count as f64 / wall,
        cpu_us: (cpu_seconds() - cpu) / count as f64 * 1e6,
        peak_mb,
        over_idle_mb: (peak_mb - idle).max(0.0),
    })
}

/// Time that the threads of this process ran, to the nanosecond.
fn cpu_seconds() -> f64 {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let ran = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    });
    ran.sum::<f64>() / 1e9
}

fn status_mb(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok())
        .map_or(0.0, |kb| kb / 1024.0)
}
