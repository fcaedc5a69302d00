//! A cell of the matrix: one store, one policy, one way of dying. Makes the env, lets the
//! supervisor run, has the history checked.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ark_video::transport::Clock as _;
use ark_video_batch::{Journal, OnUnknown, OpenOptions, PlanOptions};
use ark_video_simulator::{Account, Effect, FaultPlan, FaultPoint, FaultRule, Options, Rates, Simulator};

use crate::kill::supervisor::{Seen, Supervisor};
use crate::support::clock::{Agreed, SPEED};
use crate::support::history::{self, History};
use crate::support::shots::{SECRET, shot};
use crate::support::status;
use crate::support::worker::{BATCH, Orders};
use ark_video_test_support::postgres::Server;

/// Where the journal is.
pub(crate) enum Store {
    Sqlite,
    Postgres { server: Server, databases: AtomicUsize },
}

/// How workers die.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kills {
    /// At each step in turn, so many in all.
    Steps(usize),
    /// At random moments, so many in all.
    Random(usize),
}

pub(crate) struct Cell<'s> {
    pub(crate) store: &'s Store,
    pub(crate) policy: OnUnknown,
    pub(crate) kills: Kills,
    pub(crate) jobs: usize,
    pub(crate) seed: u64,
}

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) store: &'static str,
    pub(crate) policy: &'static str,
    pub(crate) how: &'static str,
    pub(crate) jobs: usize,
    pub(crate) seen: Seen,
    pub(crate) history: History,
    pub(crate) seconds: f64,
    /// Promises that were broken.
    pub(crate) complaints: Vec<String>,
}

impl Store {
    pub(crate) fn postgres(server: Server) -> Self {
        Self::Postgres { server, databases: AtomicUsize::new(0) }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    async fn place(&self, folder: &Path) -> String {
        match self {
            Self::Sqlite => folder.join("journal/night.sqlite").to_str().unwrap().to_owned(),
            Self::Postgres { server, databases } => {
                let number = databases.fetch_add(1, Ordering::Relaxed);
                server.database(&format!("kill_{number}")).await
            }
        }
    }
}

impl Cell<'_> {
    pub(crate) fn run(&self) -> Row {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let began = std::time::Instant::now();
        let folder = tempfile::tempdir().unwrap();
        let agreed = Agreed::now();
        let (simulator, journal, orders) = runtime.block_on(async {
            let simulator = simulator(agreed, self.seed).await;
            let orders = Orders {
                base_url: simulator.base_url().to_owned(),
                key: simulator.api_key().to_owned(),
                journal: self.store.place(folder.path()).await,
                agreed,
                resend: self.policy == OnUnknown::Resend,
                dies_at: None,
                share: 0.1,
                ends_when: None,
                seed: self.seed,
            };
            let open = OpenOptions { clock: Arc::new(agreed.clock()), ..OpenOptions::default() };
            let journal = Journal::open(&orders.at(), open).await.unwrap();
            let list: Vec<_> = (0..self.jobs).map(|place| shot(place, folder.path())).collect();
            journal.plan(BATCH, &list, PlanOptions::default()).await.unwrap();
            (simulator, journal, orders)
        });
        let key = orders.key.clone();
        let mut seen = Supervisor::new(orders, self.kills).run();
        seen.steps.sort_by_key(|(step, _)| ark_video_batch::CrashPoint::ALL.iter().position(|at| at == step));
        let (history, mut complaints) = runtime.block_on(history::check(&simulator, &journal, folder.path()));
        for (secret, what) in [(key.as_str(), "the key"), (SECRET, "a prompt")] {
            if seen.errors_seen.iter().any(|text| text.contains(secret)) {
                complaints.push(format!("a worker has printed {what}"));
            }
        }
        complaints.extend(self.too_few_deaths(&seen));
        if history.jobs != self.jobs {
            complaints.push(format!("{} jobs are in the journal", history.jobs));
        }
        if self.policy == OnUnknown::Resend && history.held > history.several {
            complaints.push(format!("{} jobs are held that should have been sent again", history.held));
        }
        runtime.block_on(journal.close());
        Row {
            store: self.store.name(),
            policy: if self.policy == OnUnknown::Resend { "resend" } else { "hold" },
            how: match self.kills {
                Kills::Steps(_) => "every step",
                Kills::Random(_) => "kill -9",
            },
            jobs: self.jobs,
            seen,
            history,
            seconds: began.elapsed().as_secs_f64(),
            complaints,
        }
    }

    /// A run in which nobody died where they should have shows nothing.
    fn too_few_deaths(&self, seen: &Seen) -> Option<String> {
        let Kills::Steps(most) = self.kills else {
            return (seen.kills == 0).then(|| "nobody was killed".to_owned());
        };
        let wanted = most.min(ark_video_batch::CrashPoint::ALL.len());
        (seen.steps.len() < wanted).then(|| format!("died only at {:?}", seen.steps))
    }
}

async fn simulator(agreed: Agreed, seed: u64) -> Simulator {
    let rates = Rates::of(Account::Company)
        .creates_per_minute((crate::support::worker::PER_MINUTE / 0.97) as u32)
        .running(1_000);
    // Lists and gets are held to the documented rates by each worker's own client, which two of
    // them exceed together.
    let options = Options::default().seed(seed).rates(rates);
    Simulator::builder()
        .options(options)
        .speed(SPEED)
        .begins_at(agreed.clock().now())
        .faults(faults(seed))
        .start()
        .await
        .unwrap()
}

/// The faults of the money-safe create: answers that are lost, and answers that never were.
fn faults(seed: u64) -> FaultPlan {
    let at_create = |effect, share| FaultRule::new(effect).at(FaultPoint::Create).probability(share);
    let mut plan = FaultPlan::new()
        .rule(at_create(status(500, true), 0.03))
        .rule(at_create(Effect::AcceptThenDrop { reset: false }, 0.03))
        .rule(at_create(Effect::HangAfterAccept { seconds: 3 }, 0.02))
        .rule(at_create(status(500, false), 0.03))
        .rule(at_create(status(429, false), 0.05));
    plan.seed = seed;
    plan
}
