//! Claims jobs for this runner while it has room for them, and sees when nothing is left. The
//! journal is the queue.

use std::sync::Arc;
use std::time::Duration;

use super::active::Active;
use super::crash::CrashPoint;
use super::shared::Shared;
use crate::JournalError;

/// How often to poll for what other processes did. A server also says so by itself.
const POLL: Duration = Duration::from_secs(1);
/// Jobs that are claimed in one transaction.
const AT_ONCE: usize = 100;
/// The pause before a server is listened to again.
const LISTEN_AGAIN: Duration = Duration::from_secs(2);

/// Claims until nothing is left that could go on, here or at another runner.
pub(crate) async fn claim(
    shared: &Arc<Shared>,
    active: &Arc<Active>,
    batches: &[String],
) -> Result<(), JournalError> {
    let clock = &shared.options.clock;
    let mut next_orphans = Duration::ZERO;
    let mut models = Models::default();
    loop {
        if shared.stop.drains() {
            if active.is_empty() {
                return Ok(());
            }
            shared.wake.notified().await;
            continue;
        }
        // Before the journal is read: what ends or changes meanwhile is seen in the next round.
        let was_idle = active.is_empty();
        let now = clock.monotonic();
        let mut claimed = 0;
        if was_idle || now >= next_orphans {
            next_orphans = now.saturating_add(shared.options.lease / 4);
            claimed += orphans(shared, active, batches).await?;
        }
        claimed += intents(shared, active, batches, &mut models).await?;
        if claimed > 0 {
            continue;
        }
        if was_idle && !shared.journal.has_others(&shared.runner, batches).await? && active.is_empty() {
            return Ok(());
        }
        tokio::select! {
            () = shared.wake.notified() => {}
            () = tokio::time::sleep(POLL) => {}
            () = shared.stop.draining() => {}
        }
    }
}

/// The models of free intents, as they were read last.
#[derive(Default)]
struct Models {
    known: Vec<String>,
    read_at: Option<Duration>,
}

/// Claims intents of each model that has room. How many.
async fn intents(
    shared: &Arc<Shared>,
    active: &Arc<Active>,
    batches: &[String],
    models: &mut Models,
) -> Result<usize, JournalError> {
    if !shared.stop.sends() {
        return Ok(0);
    }
    // Each job that ends wakes this: the journal is not asked while nothing could be claimed
    // anyway.
    let now = shared.options.clock.monotonic();
    let is_full =
        !models.known.is_empty() && models.known.iter().all(|model| room(shared, active, model).is_none());
    if is_full && models.read_at.is_some_and(|at| now.saturating_sub(at) < POLL) {
        return Ok(0);
    }
    models.known = shared.journal.models_to_claim(batches).await?;
    models.read_at = Some(now);
    let mut claimed = 0;
    for model in &models.known {
        let Some(limit) = room(shared, active, model) else { continue };
        let jobs = shared.journal.claim_intents(&shared.runner, batches, model, limit).await?;
        shared.options.crash.reached(CrashPoint::AfterClaim);
        claimed += jobs.len();
        jobs.into_iter().for_each(|job| active.start(shared, job));
    }
    Ok(claimed)
}

/// How many intents of a model to claim; `None` while there are enough, or too few would be claimed
/// at once.
fn room(shared: &Shared, active: &Active, model: &str) -> Option<usize> {
    // Enough for all that may run, for as many that wait for their turn, and some whose videos are
    // fetched.
    let most = shared.options.most_at_once(model) as usize;
    let most = most.saturating_mul(2).saturating_add(shared.options.downloads).max(1);
    let room = most.saturating_sub(active.of_model(model));
    // A few at once: each claim is a transaction.
    (room >= most.div_ceil(4)).then_some(room.min(AT_ONCE))
}

/// Claims what dead runners left. It holds the slots that others may wait for, so it needs no room.
/// How many.
async fn orphans(
    shared: &Arc<Shared>,
    active: &Arc<Active>,
    batches: &[String],
) -> Result<usize, JournalError> {
    let (runner, lease) = (&shared.runner, shared.options.lease);
    let jobs = shared.journal.claim_orphans(runner, batches, lease, AT_ONCE).await?;
    let claimed = jobs.len();
    jobs.into_iter().for_each(|job| active.start(shared, job));
    Ok(claimed)
}

/// Listens to what other processes notify; never ends.
pub(crate) async fn listen(shared: Arc<Shared>) {
    loop {
        // While it is not heard, the poll finds everything, only later.
        let _ = shared.journal.listen(&shared.wake).await;
        shared.options.clock.sleep(LISTEN_AGAIN).await;
    }
}
