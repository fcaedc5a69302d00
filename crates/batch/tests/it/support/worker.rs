//! The process that is killed: a runner as the command would start it. It says one letter for each
//! event that the supervisor counts, and ends with the supervisor.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use ark_video::{Client, Proxy, RateLimits, Timeouts, WatchOptions, transport::Clock};
use ark_video_batch::{
    CrashPlan, CrashPoint, EventKind, Journal, JournalAt, OnUnknown, OpenOptions, Runner, RunnerOptions,
};
use serde::{Deserialize, Serialize};

use crate::support::clock::{Agreed, fast};

/// A worker's arguments, as JSON.
pub(crate) const ORDERS: &str = "ARK_VIDEO_KILL_WORKER";
/// Arguments with which this test program is a worker.
pub(crate) const CHILD: [&str; 4] = ["--exact", "support::worker::worker_child", "--ignored", "--nocapture"];
pub(crate) const BATCH: &str = "night";
/// Tasks at once, over all workers.
pub(crate) const AT_ONCE: u32 = 20;
/// Creates in a minute, over all workers.
pub(crate) const PER_MINUTE: f64 = 6_000.0;
/// Of a create, in real time. The fault that keeps silent does so for longer.
const ANSWER: Duration = Duration::from_millis(1500);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Orders {
    pub(crate) base_url: String,
    pub(crate) key: String,
    /// A path, or the address of a PostgreSQL database.
    pub(crate) journal: String,
    pub(crate) agreed: Agreed,
    pub(crate) resend: bool,
    /// Its number in [`CrashPoint::ALL`].
    pub(crate) dies_at: Option<usize>,
    /// With which probability, each time that it is reached.
    pub(crate) share: f64,
    /// Ends at once after an event that contains this.
    pub(crate) ends_when: Option<String>,
    pub(crate) seed: u64,
}

impl Orders {
    pub(crate) fn at(&self) -> JournalAt {
        if self.is_on_a_server() {
            JournalAt::Postgres(self.journal.clone().into())
        } else {
            JournalAt::File(self.journal.clone().into())
        }
    }

    fn is_on_a_server(&self) -> bool {
        self.journal.starts_with("postgres://")
    }

    fn dies(&self) -> CrashPlan {
        let Some(point) = self.dies_at.map(|at| CrashPoint::ALL[at]) else { return CrashPlan::default() };
        // The first two are reached a few times in a run, the others once for each job.
        let share = match point {
            CrashPoint::BeforeClaim | CrashPoint::AfterClaim => 1.0,
            _ => self.share,
        };
        CrashPlan::at(point, share, self.seed)
    }

    pub(crate) fn client(&self, clock: Arc<dyn Clock>) -> Client {
        // The runner paces creates; the rest keeps to the documented rates.
        let mut limits = RateLimits::unlimited();
        (limits.get_per_second, limits.list_per_second) = (20.0, 1.0);
        let timeouts = Timeouts::new().answer(ANSWER).download_stall(ANSWER / 3);
        Client::builder()
            .api_key(self.key.as_str())
            .base_url(self.base_url.as_str())
            .proxy(Proxy::Direct)
            .clock(clock)
            .limits(limits)
            .timeouts(timeouts)
            .build()
            .unwrap()
    }

    pub(crate) fn options(&self) -> RunnerOptions {
        let mut options = RunnerOptions::new();
        options.clock = Arc::new(self.agreed.clock());
        options.concurrency = AT_ONCE;
        // A server's bucket goes by the server's clock, which is not fast.
        options.creates_per_minute = if self.is_on_a_server() { fast_rate(PER_MINUTE) } else { PER_MINUTE };
        options.guard = fast(Duration::from_secs(1));
        // So does its list of runners.
        options.lease =
            if self.is_on_a_server() { Duration::from_secs(6) } else { fast(Duration::from_secs(3)) };
        options.quiet = fast(ANSWER + Duration::from_secs(1));
        options.watch = WatchOptions::new().initial_delay(Duration::from_secs(1));
        options.sweep = options.sweep.clone().pause(Duration::from_secs(15));
        options.on_unknown = if self.resend { OnUnknown::Resend } else { OnUnknown::Hold };
        options.crash = self.dies();
        options
    }
}

fn fast_rate(rate: f64) -> f64 {
    rate * crate::support::clock::SPEED
}

/// Ends with 0 if nothing is left.
#[test]
#[ignore = "the process that other tests start"]
fn worker_child() {
    let orders = std::env::var(ORDERS).unwrap();
    std::process::exit(work(&orders).into());
}

fn work(orders: &str) -> u8 {
    std::thread::spawn(|| {
        // The supervisor holds the other end: when it is gone, nobody wants this any more.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(3);
    });
    let orders: Orders = serde_json::from_str(orders).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(&orders))
}

async fn run(orders: &Orders) -> u8 {
    let clock = Arc::new(orders.agreed.clock());
    let client = orders.client(clock.clone());
    let open = OpenOptions { create: false, clock, ..OpenOptions::default() };
    let journal = match Journal::open(&orders.at(), open).await {
        Ok(journal) => journal,
        Err(error) => return complain(&error),
    };
    let (mut events, _handle, run) = Runner::new(client, journal, orders.options()).run(&[BATCH.to_owned()]);
    let ends_when = orders.ends_when.clone();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            let letter = match event.kind {
                EventKind::Unknown { .. } => "u",
                EventKind::Submitted { found: true, .. } => "f",
                EventKind::Extra { .. } => "x",
                EventKind::Warning { reason } => {
                    complain(&reason);
                    if ends_when.as_ref().is_some_and(|part| reason.contains(part)) {
                        std::process::abort();
                    }
                    continue;
                }
                _ => continue,
            };
            say(letter);
        }
    });
    match run.await {
        Ok(summary) if summary.left() == 0 => 0,
        Ok(summary) => complain(&format!("{summary:?}")),
        Err(error) => complain(&error),
    }
}

fn say(letter: &str) {
    let mut out = std::io::stdout().lock();
    // The test runner may have started a line.
    let _ = writeln!(out, "\n{letter}").and_then(|()| out.flush());
}

fn complain(what: &dyn std::fmt::Display) -> u8 {
    let _ = writeln!(std::io::stderr(), "{what}");
    2
}
