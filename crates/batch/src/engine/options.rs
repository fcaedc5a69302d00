//! How a run goes: what it asks of the account, how long it retries, and when it gives up. Plain
//! values.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ark_video::{
    CheckPolicy, CorrelationOptions, ReconcileOptions, WatchOptions,
    media_store::MediaStore,
    transport::{Clock, Random, SystemClock, SystemRandom},
};

use super::crash::CrashPlan;
use crate::targets::TargetPolicy;

/// What to do with a job whose task was searched for in vain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnUnknown {
    /// Hold it: a person decides. Never a second bill.
    #[default]
    Hold,
    /// Send it again. "Not found" is evidence and no proof, so this can make a second bill; never
    /// done where the service said yes without naming a task, or where several tasks may be the
    /// one.
    Resend,
}

/// How a run goes. The defaults suit a company account (models page and tutorial, 2026-10).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RunnerOptions {
    /// Tasks of one model that may run at once, over all runners of the journal. Default 10;
    /// personal accounts have 3.
    pub concurrency: u32,
    /// The same for single models; stronger.
    pub concurrency_of: BTreeMap<String, u32>,
    /// Creates per minute and model, over all runners of the journal. Default 582, 600 less a
    /// little headroom; personal accounts have 180.
    pub creates_per_minute: f64,
    /// Videos that are downloaded at once. Default 4.
    pub downloads: usize,
    /// What to do with a job whose task was searched for in vain. Default: hold it.
    pub on_unknown: OnUnknown,
    /// By what a task can be found again if its id is lost. Default: an `execution_expires_after`
    /// of its own for each job that leaves it open; the tag in `safety_identifier` is exact, and
    /// has to be switched on.
    pub marks: CorrelationOptions,
    /// How to search for lost tasks.
    pub sweep: ReconcileOptions,
    /// How long after a dead runner's attempt its request may still arrive: the answer's timeout
    /// and a minute. Default 3 minutes.
    pub quiet: Duration,
    /// How to watch tasks.
    pub watch: WatchOptions,
    /// What to do with requests that our checks refuse. Default: they are rejected.
    pub check: CheckPolicy,
    /// Stop sending when more than this share of the jobs that ended have failed or were rejected,
    /// 0 to 1; judged from 10 ends on. Default: never.
    pub stop_after_failures: Option<f64>,
    /// Stop sending when no create of a model has got through for so long, although some were
    /// tried: the service refused them for the pace, or could not be reached. Default 6 hours.
    pub stuck_for: Duration,
    /// Replace a job's request by its model once its video is there and accounted for. The sidecar
    /// beside the video keeps it. Default no.
    pub forget_prompts: bool,
    /// Where a copy of the journal goes before the run, if it is a file; an earlier copy there is
    /// replaced. Default none.
    pub backup: Option<PathBuf>,
    /// Whether a journal is used although its file is an earlier copy of what was used in its place
    /// before. What was sent since is not in it, and is sent and paid for again. Default no.
    pub earlier_copy: bool,
    /// Whether a journal is used although another one was used in its place, it is a copy, or
    /// records beside the outputs are not in it. What the records name is taken over; the rest is
    /// sent, and paid for again if it was sent before. Default no.
    pub new_journal: bool,
    /// Whether intents are sent. Default yes; without it the run only goes on with what was sent:
    /// it searches, watches and downloads.
    pub sends: bool,
    /// Whether videos replace files that have their names. Default no: such a job is not sent.
    pub overwrite: bool,
    /// Whether the simulator makes the videos: their sidecars say so, and what an earlier rehearsal
    /// left is replaced. Default no.
    pub simulated: bool,
    /// What was written down longer ago than this, by either clock, is not sent. Default 1 s.
    pub guard: Duration,
    /// A runner that was not seen for so long is dead: its slots and its jobs are free for others.
    /// It says that it lives four times as often, by the database's clock. Safe is what a busy
    /// machine or a slow disk never exceeds: 5 s and more. One that is taken for dead too early
    /// costs searches and never a second bill. Default [`RunnerOptions::LEASE`].
    pub lease: Duration,
    /// Where local videos go, which the service takes by URL only. Default none: then a job with
    /// one is refused.
    pub media_store: Option<Arc<dyn MediaStore>>,
    /// Where the time comes from. The same as the client's and the journal's.
    pub clock: Arc<dyn Clock>,
    /// Where tokens come from.
    pub random: Arc<dyn Random>,
    /// What the journal writes down of where this runner runs; never asked of the system by this
    /// crate. Default empty.
    pub host: String,
    /// Where the process dies, in tests.
    #[doc(hidden)]
    pub crash: CrashPlan,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            concurrency: 10,
            concurrency_of: BTreeMap::new(),
            creates_per_minute: 582.0,
            downloads: 4,
            on_unknown: OnUnknown::default(),
            marks: CorrelationOptions::default(),
            sweep: ReconcileOptions::default(),
            quiet: Duration::from_secs(180),
            watch: WatchOptions::default(),
            check: CheckPolicy::default(),
            stop_after_failures: None,
            stuck_for: Duration::from_secs(6 * 60 * 60),
            forget_prompts: false,
            backup: None,
            earlier_copy: false,
            new_journal: false,
            sends: true,
            overwrite: false,
            simulated: false,
            guard: Duration::from_secs(1),
            lease: Self::LEASE,
            media_store: None,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
            host: String::new(),
            crash: CrashPlan::default(),
        }
    }
}

macro_rules! setters {
    ($($field:ident: $type:ty),* $(,)?) => {
        $(
            #[doc = concat!("Sets [`RunnerOptions::", stringify!($field), "`].")]
            #[must_use]
            pub fn $field(mut self, value: $type) -> Self {
                self.$field = value;
                self
            }
        )*
    };
}

impl RunnerOptions {
    /// How long a runner may be silent, where nothing else is said: 15 s.
    pub const LEASE: Duration = Duration::from_secs(15);

    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    setters! {
        concurrency: u32, creates_per_minute: f64, downloads: usize, on_unknown: OnUnknown, check: CheckPolicy,
        stuck_for: Duration, forget_prompts: bool, sends: bool, overwrite: bool, lease: Duration, clock: Arc<dyn Clock>,
        watch: WatchOptions,
    }

    /// Sets [`RunnerOptions::stop_after_failures`].
    #[must_use]
    pub fn stop_after_failures(mut self, share: f64) -> Self {
        self.stop_after_failures = Some(share);
        self
    }

    /// Sets [`RunnerOptions::backup`].
    #[must_use]
    pub fn backup(mut self, path: impl Into<PathBuf>) -> Self {
        self.backup = Some(path.into());
        self
    }

    /// Sets [`RunnerOptions::media_store`].
    #[must_use]
    pub fn media_store(mut self, store: Arc<dyn MediaStore>) -> Self {
        self.media_store = Some(store);
        self
    }

    /// Sets [`RunnerOptions::host`].
    #[must_use]
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.host = name.into();
        self
    }

    /// How files are treated that have the names of videos.
    pub(crate) fn targets(&self) -> TargetPolicy {
        TargetPolicy { overwrite: self.overwrite, rehearsal: self.simulated, passes_own_video: false }
    }

    pub(crate) fn most_at_once(&self, model: &str) -> u32 {
        self.concurrency_of.get(model).copied().unwrap_or(self.concurrency).max(1)
    }
}
