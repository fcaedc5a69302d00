//! When the next create of a model may go: inside the slots that all runners share, at their rate,
//! and not before the service allows it. Sends nothing.

use std::time::Duration;

use super::locked;
use super::shared::{ModelLimits, PrefetchedPermits, Shared};
use crate::{Job, JournalError, journal::Permit};

/// How long to wait for a slot that another runner may free.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The rate from which on several permits are taken at once, to spare the journal writes.
const MANY: f64 = 4.0;

/// Waits until this model may have one more task and one more create. `None`: nothing more is sent
/// in this run.
pub(crate) async fn wait_for_permit<'m>(
    shared: &Shared,
    model: &'m ModelLimits,
    slot: &str,
    mut turn: tokio::sync::MutexGuard<'m, PrefetchedPermits>,
) -> Result<Option<(tokio::sync::MutexGuard<'m, PrefetchedPermits>, u32)>, JournalError> {
    let clock = &shared.options.clock;
    loop {
        if !shared.stop.sends() {
            return Ok(None);
        }
        let now = clock.monotonic();
        let (not_before, ceiling, per_second) = {
            let adaptive = locked(&model.adaptive);
            (adaptive.not_before(), adaptive.ceiling(), adaptive.per_second(now))
        };
        if not_before > now {
            pause(shared, not_before - now).await;
            continue;
        }
        let freed = model.freed.notified();
        let slots = shared.journal.slots(slot).await?;
        if slots.running >= slots.ceiling.unwrap_or(u32::MAX).min(ceiling) {
            tokio::select! {
                () = freed => {}
                () = clock.sleep(LOOK_AGAIN) => {}
                () = shared.stop.closed() => {}
            }
            continue;
        }
        if turn.0 > 0 {
            turn.0 -= 1;
            return Ok(Some((turn, ceiling)));
        }
        // So many that they are used up within a fraction of a second, and no more than may run.
        let many = if per_second > MANY { (per_second / MANY).min(32.0) as u32 } else { 1 };
        let bucket = format!("create:{slot}");
        match shared.journal.take_permit(&bucket, per_second, many).await? {
            Permit::Ready(taken) => {
                turn.0 = taken.saturating_sub(1);
                return Ok(Some((turn, ceiling)));
            }
            Permit::At(at) => {
                let wait = u64::try_from(at.saturating_sub(clock.now())).unwrap_or(0).max(1);
                pause(shared, Duration::from_millis(wait)).await;
            }
        }
    }
}

/// Sleeps, unless nothing more is sent.
pub(crate) async fn pause(shared: &Shared, time: Duration) {
    tokio::select! {
        () = shared.options.clock.sleep(time) => {}
        () = shared.stop.closed() => {}
    }
}

/// The account's limits are counted per model, and apart for 4k.
pub(crate) fn slot_of(job: &Job) -> String {
    match job.planned.request.get("resolution").and_then(serde_json::Value::as_str) {
        Some("4k") => format!("{}@4k", job.model()),
        _ => job.model().to_owned(),
    }
}
