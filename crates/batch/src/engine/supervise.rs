//! Keeps the queue's workers going: an error of the database ends one, and a new one follows after a pause that grows. Handlers
//! are not the workers': a job that is under way goes on whatever becomes of the worker that brought it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::crash::CrashPoint;
use super::drive::{Driven, drive};
use super::events::EventKind;
use super::queue::Handler;
use super::shared::{Shared, locked};

/// The first pause before a new worker, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// A worker that ran for so long did not fail at once.
const RAN_WELL: Duration = Duration::from_secs(30);

/// The jobs that this process works on.
#[derive(Default)]
pub(crate) struct Active {
    keys: Mutex<HashMap<String, watch::Receiver<Option<Driven>>>>,
    tasks: Mutex<JoinSet<()>>,
    /// None is left.
    pub(crate) idle: Notify,
}

struct Leave {
    active: Arc<Active>,
    key: String,
    end: watch::Sender<Option<Driven>>,
    /// What to say when work ends without a word of its own: the job is left as after a crash.
    word: Driven,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let last = {
            let mut keys = locked(&self.active.keys);
            keys.remove(&self.key);
            keys.is_empty()
        };
        self.end.send_replace(Some(self.word));
        if last {
            self.active.idle.notify_one();
        }
    }
}

impl Active {
    pub(crate) fn is_empty(&self) -> bool {
        locked(&self.keys).is_empty()
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        locked(&self.keys).contains_key(key)
    }

    /// Everything that is under way ends at once, as after a crash.
    pub(crate) fn abort(&self) {
        locked(&self.tasks).abort_all();
    }

    /// Works on a job, or waits for the one who does already.
    async fn work(self: &Arc<Self>, shared: &Arc<Shared>, key: String) -> Driven {
        let mut end = self.begin(shared, key);
        // An error means that nobody says anything any more.
        end.wait_for(Option::is_some).await.ok().and_then(|end| *end).unwrap_or(Driven::Left)
    }

    /// Begins to work on a job, unless somebody does already.
    pub(crate) fn begin(
        self: &Arc<Self>,
        shared: &Arc<Shared>,
        key: String,
    ) -> watch::Receiver<Option<Driven>> {
        let mut keys = locked(&self.keys);
        if let Some(end) = keys.get(&key) {
            return end.clone();
        }
        let (sender, end) = watch::channel(None);
        keys.insert(key.clone(), end.clone());
        let leave = Leave { active: self.clone(), key, end: sender, word: Driven::Left };
        self.spawn(shared.clone(), leave);
        end
    }

    fn spawn(&self, shared: Arc<Shared>, mut leave: Leave) {
        let mut tasks = locked(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let word = drive(&shared, &leave.key).await;
            leave.word = word;
            drop(leave);
        });
    }
}

/// Hands keys to [`Active`]; what is left undone at the end of a run is never acknowledged, so that the queue gives it to the next
/// runner. What was given up in the middle of one keeps no handler from the others.
pub(crate) fn handler(shared: &Arc<Shared>, active: &Arc<Active>) -> Handler {
    let (shared, active) = (shared.clone(), active.clone());
    Arc::new(move |key| {
        let (shared, active) = (shared.clone(), active.clone());
        Box::pin(async move {
            match active.work(&shared, key).await {
                Driven::Done => shared.options.crash.reached(CrashPoint::BeforeAcknowledging),
                Driven::Left if shared.stop.drains() => std::future::pending().await,
                Driven::Left => {}
            }
        })
    })
}

/// Keeps a worker for a model going until the run drains.
pub(crate) async fn supervise(shared: Arc<Shared>, model: String, handler: Handler) {
    // Enough for all that may run, for as many whose films are waited for, and some whose films are fetched.
    let most = shared.options.most_at_once(&model) as usize;
    let at_once = most.saturating_mul(2).saturating_add(shared.options.downloads).max(1);
    let clock = shared.options.clock.clone();
    let mut pause = PAUSES.0;
    for number in 1_u64.. {
        let worker = format!("{}/{}/{model}/{number}", shared.options.host, shared.runner);
        let began = clock.monotonic();
        let ended = tokio::select! {
            ended = shared.queue.work(&model, &worker, at_once, handler.clone()) => ended,
            () = shared.stop.draining() => return,
        };
        if clock.monotonic().saturating_sub(began) > RAN_WELL {
            pause = PAUSES.0;
        }
        if let Err(error) = ended {
            let reason = format!("{error}; work goes on, and new jobs follow when it answers again");
            shared.tell(None, EventKind::Trouble { reason });
        }
        tokio::select! {
            () = clock.sleep(pause) => {}
            () = shared.stop.draining() => return,
        }
        pause = pause.saturating_mul(2).min(PAUSES.1);
    }
}
