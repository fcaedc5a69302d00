//! The end of a job: its cost takes the place of what was reserved, and who follows it may go.

use super::crash::CrashPoint;
use super::events::EventKind;
use super::settling::cost;
use super::shared::{Shared, moved};
use crate::{Job, JournalError};

pub(crate) async fn settle(shared: &Shared, job: &Job) -> Result<Option<Job>, JournalError> {
    let task = job.task.clone().unwrap_or_default();
    let cost = cost(&job.planned, &task, shared.client.catalog());
    let now = moved(shared.patiently(|| shared.journal.settled(job, cost.clone())).await?);
    let settled = now.as_ref().and_then(|job| job.settled.clone());
    shared.tell(
        Some(&job.key),
        EventKind::Settled { unmetered: cost.is_none(), cost: cost.or(settled).unwrap_or_default() },
    );
    shared.options.crash.reached(CrashPoint::AfterSettled);
    if let (true, Some(job)) = (shared.options.forget_prompts, &now) {
        // A trouble here is no reason to stop: the film is there and accounted for.
        let _ = shared.journal.forget_request(job).await;
    }
    Ok(now)
}
