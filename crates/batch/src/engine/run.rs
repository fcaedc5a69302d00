//! One run, from its row among the runners to its summary: what is prepared before anything is
//! claimed, the heartbeat beside the work, and what is tidied up in the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ark_video::Client;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::active::Active;
use super::claim::{claim, listen};
use super::crash::CrashPoint;
use super::events::{EventKind, EventSink};
use super::options::RunnerOptions;
use super::outcome::{RunError, RunSummary, Stopped};
use super::shared::Shared;
use super::stop::Stop;
use super::{reconciler, task_watch};
use crate::journal::JournalRetry;
use crate::list::hex;
use crate::{Journal, JournalError, State, journal::RunnerRow};

/// How often to write down how far the journal is, in heartbeats.
const MARKED: u32 = 8;
/// Rows of runners that were not seen for so long go.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct Run {
    shared: Arc<Shared>,
    active: Arc<Active>,
    batches: Vec<String>,
    /// Dropped with this, so that nothing of a run outlives it.
    helpers: JoinSet<()>,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.active.abort();
    }
}

impl Run {
    pub(crate) fn new(
        client: Client,
        journal: Journal,
        options: RunnerOptions,
        batches: Vec<String>,
        sink: EventSink,
        stop: Stop,
        wake: Arc<Notify>,
    ) -> Self {
        let mut random = [0; 8];
        options.random.fill(&mut random);
        let name = hex(&random);
        let mut helpers = JoinSet::new();
        let journal = journal.with_retries(retry(&options, &sink));
        let (watch, watching) = task_watch::start(&client, options.watch.clone(), sink.clone());
        helpers.spawn(watching.run());
        let (reconciler, searching) =
            reconciler::start(&client, &journal, &options.clock, options.sweep.clone(), sink.clone());
        helpers.spawn(searching.run());
        let shared = Shared::new(client, journal, options, name, sink, stop, wake, watch, reconciler);
        Self { shared: Arc::new(shared), active: Arc::default(), batches, helpers }
    }

    pub(crate) async fn go(mut self) -> Result<RunSummary, RunError> {
        let shared = self.shared.clone();
        self.helpers.spawn(listen(shared.clone()));
        let run = async {
            let (journal, options) = (&shared.journal, &shared.options);
            let row = journal.runner_started(&shared.runner, &options.host, std::process::id()).await?;
            share_rates(&shared).await;
            let heartbeats = heartbeat(shared.clone(), row);
            let working = async {
                self.begin().await?;
                claim(&shared, &self.active, &self.batches).await
            };
            tokio::select! {
                ended = working => ended,
                () = heartbeats => Ok(()),
            }
        };
        tokio::select! {
            ended = run => ended?,
            () = shared.stop.at_once() => {}
        }
        self.end().await
    }

    async fn begin(&self) -> Result<(), JournalError> {
        let shared = &self.shared;
        let (journal, options) = (&shared.journal, &shared.options);
        let trouble = |error: JournalError| {
            shared.emit(None, EventKind::Warning { reason: error.to_string() });
        };
        if let Some(copy) = &options.backup
            && let Err(error) = journal.backup(copy).await
        {
            trouble(error);
        }
        let alive = journal.runners_alive(options.lease).await?;
        let others = alive.iter().filter(|runner| runner.id != shared.runner).count();
        if others == 0 {
            let tidied = async {
                journal.forget_runners(FORGOTTEN).await?;
                journal.drop_old_queue().await
            };
            // Nothing hangs on it.
            tidied.await.unwrap_or_else(trouble);
        }
        let queued = counts(journal, &self.batches).await?.into_iter().filter(|(state, _)| state.is_open());
        let queued = queued.map(|(_, count)| count).sum();
        options.crash.reached(CrashPoint::BeforeClaim);
        shared.emit(None, EventKind::Started { runner: shared.runner.clone(), others, queued });
        Ok(())
    }

    async fn end(mut self) -> Result<RunSummary, RunError> {
        let shared = self.shared.clone();
        self.active.abort();
        self.helpers.shutdown().await;
        let journal = shared.journal.without_retries();
        // The row is only a hint to others; they find out by themselves.
        let _ = journal.runner_ended(&shared.runner).await;
        let _ = journal.set_high_water().await;
        let stopped = shared.stop.cause().map(|(cause, reason)| Stopped { cause, reason });
        Ok(RunSummary { counts: counts(&journal, &self.batches).await?, stopped })
    }
}

/// An outage of the journal holds the whole run up and is reported once.
fn retry(options: &RunnerOptions, sink: &EventSink) -> JournalRetry {
    let (clock, sink) = (options.clock.clone(), sink.clone());
    JournalRetry {
        clock: clock.clone(),
        within: options.stuck_for,
        on_outage: Box::new(move |error| {
            let reason = format!("{error} It is tried again; nothing is sent meanwhile.");
            sink.emit(clock.now(), None, EventKind::Warning { reason });
        }),
        is_down: AtomicBool::new(false),
    }
}

async fn counts(journal: &Journal, batches: &[String]) -> Result<BTreeMap<State, u64>, JournalError> {
    let mut counts = BTreeMap::new();
    for batch in batches {
        for (state, count) in journal.counts(Some(batch)).await? {
            *counts.entry(state).or_default() += count;
        }
    }
    Ok(counts)
}

/// LIST, GET and DELETE have one rate for the account: each runner keeps to its part.
async fn share_rates(shared: &Shared) {
    if let Ok(alive) = shared.journal.runners_alive(shared.options.lease).await {
        shared.client.share_rates(u32::try_from(alive.len()).unwrap_or(u32::MAX));
    }
}

/// Says again and again that this runner is alive; never ends.
async fn heartbeat(shared: Arc<Shared>, mut row: RunnerRow) {
    for heartbeat in 0_u32.. {
        if heartbeat % MARKED == 0 {
            // Only an earlier copy would be noticed later.
            let _ = shared.journal.set_high_water().await;
        }
        shared.options.clock.sleep(shared.options.lease / 4).await;
        row.stopping = !shared.stop.sends();
        // If it fails, others may think that it is dead; compare-and-set then decides.
        if let Ok(seen) = shared.journal.runner_seen(&row).await {
            row = seen;
        }
        share_rates(&shared).await;
    }
}
